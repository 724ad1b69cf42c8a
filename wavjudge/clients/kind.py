"""What can stand before the colon of a SPEC: a kind of judge, of candidate, of voice."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from wavjudge.clients.spec import NAMED_FILE, Spec, hide_secrets, parse_spec
from wavjudge.errors import SpecError
from wavjudge.nearest import nearest

T = TypeVar("T")

_MODEL = re.compile(r"(?=\w*[-./\d])[\w./-]{1,120}")
"""What is rather a model's name than a misspelt kind."""
_VENDORS = {"google": "gemini", "gemini": "gemini", "models": "gemini", "vertex_ai": "gemini", "openai": "openai"}
_INTERPRETERS = {".py": "python ", ".sh": "sh ", ".js": "node "}
_PROGRAMS = frozenset({*_INTERPRETERS, ".exe", ".bash"})


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """One kind, as its list shows it. build: from a SPEC and what the run shares (`judge.build.Workshop`)."""

    example: str
    about: str
    options: tuple[type[BaseModel], ...]
    build: Callable[[Spec, Any], T]
    keys: tuple[str, ...] = ()


def choose(text: str, kinds: Mapping[str, Kind[T]], what: str, named: Mapping[str, str]) -> tuple[Spec, Kind[T]]:
    """The SPEC and its kind. `what` is the word for messages and for the command that lists them: "judge".

    >>> choose("clam:x", {"calm": Kind("calm:x", "", (), str)}, "voice", {})
    Traceback (most recent call last):
    ...
    wavjudge.errors.SpecError: got the voice kind 'clam', expected one of calm
    What to do: did you mean calm:x? `wavjudge voices` lists them with their options
    """
    spec = read(text, kinds, what, named)
    kind = kinds[spec.kind]
    if bool(spec.name) != (":" in kind.example):
        raise SpecError(f"got {str(spec)!r}, expected something like {kind.example}",
                        todo=f"`wavjudge {what}s {spec.kind}` lists the options")  # fmt: skip
    return spec, kind


def read(text: str, kinds: Mapping[str, Kind[T]], what: str, named: Mapping[str, str]) -> Spec:
    """The SPEC, whose kind is one of these: what stands before its colon is looked at first."""
    head = text.strip().partition("?")[0]
    if not head.startswith("@") and head not in named and head.partition(":")[0] not in kinds:
        raise _unknown(head, kinds, what, named)
    spec = parse_spec(text, named)
    if spec.kind not in kinds:
        raise _unknown(str(spec).partition("?")[0], kinds, what, {})
    return spec


def _unknown(head: str, kinds: Mapping[str, Kind[T]], what: str, named: Mapping[str, str]) -> SpecError:
    """Of a kind that is misspelt, or of what stands without one (a model, a command, a file): the nearest SPEC."""
    known, listed = ", ".join(sorted(kinds)), f"`wavjudge {what}s` lists them with their options"
    own = f"; models of {NAMED_FILE}: {', '.join(sorted(named))}" if named else ""
    kind, colon, _ = head.partition(":")
    whole = [hide_secrets(one) for one in _meant(head, kinds, named)]
    todo = f"did you mean {' or '.join(whole)}? {listed}" if whole else f"write KIND:NAME; {listed}"
    if colon or not whole or nearest(head, [*kinds, *named], 0.7):
        problem = f"got the {what} kind {hide_secrets(kind if colon else head)!r}, expected one of {known}{own}"
    else:
        problem = f"got the {what} {hide_secrets(head)!r} without a kind, expected KIND:NAME with one of {known}{own}"
    return SpecError(problem, todo=todo)


def _meant(head: str, kinds: Mapping[str, Kind[T]], named: Mapping[str, str]) -> list[str]:
    """Whole SPECs that somebody may have meant by a text whose kind is none of these."""
    kind, colon, name = head.partition(":")
    if colon:
        if "python" in kinds and Path(f"{kind.replace('.', '/')}.py").is_file():
            return [f"python:{head}"]
        return [f"{near}:{name}"] if (near := nearest(kind, kinds)) else _on_disk(head, kinds)
    if near := nearest(head, [*kinds, *named], 0.7):
        return [kinds[near].example if near in kinds else near]
    return _on_disk(head, kinds) or _models(head, kinds)


def _on_disk(head: str, kinds: Mapping[str, Kind[T]]) -> list[str]:
    """A command that stands there without its kind, or the path of stored answers or of a run."""
    first, _, more = head.partition(" ")
    program = Path(first)
    is_program = bool(more) or program.suffix in _PROGRAMS or ("/" in first and _runs(program))
    if "command" in kinds and is_program:
        return [f"command:{_INTERPRETERS.get(program.suffix, '')}{head}"]
    stored = next((one for one in ("recorded", "replay") if one in kinds), None)
    return [f"{stored}:{head}"] if stored and Path(head).exists() else []


def _runs(program: Path) -> bool:
    return program.is_file() and os.access(program, os.X_OK)


def _models(head: str, kinds: Mapping[str, Kind[T]]) -> list[str]:
    """The SPECs of a model's name that stands alone, perhaps behind its vendor's as routers write it."""
    there = [one for one in ("gemini", "openai") if one in kinds]
    if not there or not _MODEL.fullmatch(head):
        return []
    vendor, slash, rest = head.partition("/")
    own = _VENDORS.get(vendor.lower()) if slash else "gemini" if head.lower().startswith("gemini") else "openai"
    if own in there:
        return [f"{own}:{rest or head}"]
    return [f"{one}:{head}" for one in (there if slash else there[-1:])]
