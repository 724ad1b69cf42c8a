"""The Check kinds that are known here, with their options: what an importer writes and the rules read."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, field_validator, model_validator

from wavjudge.signals import NotApplicableError
from wavjudge.types import Check, Item

Letter = Annotated[str, Field(pattern=r"^[A-Z]$")]
Match = Literal["words", "contains", "exact"]
Stated = TypeVar("Stated", bound=BaseModel)


class Choice(BaseModel):
    """Kind `choice`: a letter is right.

    >>> Choice(answer="B").letters, Choice(answer="B", options={"A": "iron", "B": "wood"}).offered
    ('ABCD', {'A': 'iron', 'B': 'wood'})
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    answer: Letter
    options: dict[Letter, str] = {}
    letters: str = Field("ABCD", pattern=r"^[A-Z]{2,}$")

    @property
    def offered(self) -> dict[str, str]:
        """Every letter on offer with its text, which is empty where it is not known."""
        return self.options or dict.fromkeys(self.letters, "")

    @model_validator(mode="after")
    def _answerable(self) -> Self:
        if self.answer not in self.offered:
            raise ValueError(f"the answer {self.answer} is none of the letters on offer, {''.join(self.offered)}")
        return self


class Reference(BaseModel):
    """Kind `reference`: any one of the answers is right."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    answers: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)]
    match: Match = "words"


class Instruction(BaseModel):
    """Kind `instruction`: something about the form of the answer that was asked for, by IFEval's id.

    >>> Instruction(id="punctuation:no_comma", kwargs={"relation": None}).kwargs
    {}
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1)
    kwargs: dict[str, JsonValue] = {}

    @field_validator("kwargs")
    @classmethod
    def _given(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        # A table with one column per argument holds a null for each that the instruction does not have.
        return {name: one for name, one in value.items() if one is not None}


KINDS: dict[str, type[BaseModel]] = {"choice": Choice, "reference": Reference, "instruction": Instruction}


def every(item: Item, model: type[Stated]) -> list[Stated]:
    """All checks of one kind; `NotApplicableError` where there is none or one cannot be read."""
    kind = next(name for name, known in KINDS.items() if known is model)
    checks = [check for check in item.checks if check.kind == kind]
    if not checks:
        raise NotApplicableError(f"the item has no check of kind {kind}")
    return [_read(check, model) for check in checks]


def only(item: Item, model: type[Stated]) -> Stated:
    """The one check of a kind; `NotApplicableError` where there is not exactly one."""
    found = every(item, model)
    if len(found) > 1:
        raise NotApplicableError(f"the item has {len(found)} checks of one kind, expected one: {found[0]!r:.80}, ...")
    return found[0]


def _read(check: Check, model: type[Stated]) -> Stated:
    try:
        return model.model_validate(check.options)
    except ValidationError as error:
        raise NotApplicableError(f"the check of kind {check.kind} cannot be read: {problem(error)}") from error


def problem(error: ValidationError) -> str:
    """The first thing that is wrong, with the option's name."""
    first = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'options'}: {first['msg']}, got {first['input']!r:.60}"
