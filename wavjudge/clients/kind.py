"""What can stand before the colon of a SPEC: a kind of judge, of candidate, of voice."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from wavjudge.clients.spec import NAMED_FILE, Spec, hide_secrets, parse_spec
from wavjudge.errors import SpecError

T = TypeVar("T")

_MODEL = re.compile(r"(?=\w*[-./\d])[\w./-]{1,120}")
"""What is rather a model's name than a misspelt kind."""


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
    """Of a kind that is misspelt, or of a model's name that stands alone: the nearest whole SPEC."""
    known, listed = ", ".join(sorted(kinds)), f"`wavjudge {what}s` lists them with their options"
    own = f"; models of {NAMED_FILE}: {', '.join(sorted(named))}" if named else ""
    kind, colon, name = head.partition(":")
    shown = hide_secrets(kind if colon else head)
    problem = f"got the {what} kind {shown!r}, expected one of {known}{own}"
    if not colon and (near := difflib.get_close_matches(head, [*kinds, *named], 1, 0.7)):
        example = kinds[near[0]].example if near[0] in kinds else near[0]
        return SpecError(problem, todo=f"did you mean {example}? {listed}")
    if colon and (near := difflib.get_close_matches(kind.lower(), list(kinds), 1)):
        return SpecError(problem, todo=f"did you mean {near[0]}:{hide_secrets(name)}? {listed}")
    models = [one for one in ("gemini", "openai") if one in kinds]
    if colon or not models or not _MODEL.fullmatch(head):
        return SpecError(problem, todo=f"write KIND:NAME; {listed}")
    first, _, rest = head.partition("/")
    own_kind = [one for one in models if head.lower().startswith(one)] or (models if "/" in head else models[-1:])
    whole = [f"{one}:{rest if first.lower() == one else head}" for one in own_kind]
    return SpecError(f"got the {what} {shown!r} without a kind, expected KIND:NAME with one of {known}{own}",
                     todo=f"did you mean {' or '.join(whole)}? {listed}")  # fmt: skip
