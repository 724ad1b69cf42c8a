"""What can stand before the colon of a SPEC: a kind of judge, of candidate, of voice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from wavjudge.clients.spec import Spec, parse_spec
from wavjudge.errors import SpecError

T = TypeVar("T")


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

    >>> choose("loud", {"calm": Kind("calm", "", (), str)}, "voice", {})
    Traceback (most recent call last):
    ...
    wavjudge.errors.SpecError: got the voice kind 'loud', expected one of calm
    What to do: `wavjudge voices` lists them with their options
    """
    spec = parse_spec(text, named)
    if spec.kind not in kinds:
        raise SpecError(f"got the {what} kind {spec.kind!r}, expected one of {', '.join(sorted(kinds))}",
                        todo=f"`wavjudge {what}s` lists them with their options")  # fmt: skip
    kind = kinds[spec.kind]
    if bool(spec.name) != (":" in kind.example):
        raise SpecError(f"got {str(spec)!r}, expected something like {kind.example}",
                        todo=f"`wavjudge {what}s {spec.kind}` lists the options")  # fmt: skip
    return spec, kind
