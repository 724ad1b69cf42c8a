"""Rows as people write them down: what was asked (`ItemRow`), and what one candidate answered to it (`Row`).

Audio paths are relative to the file that holds the row. In CSV the fields that are lists hold JSON, tags alone are
separated by semicolons.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from wavjudge.files.tables import Raw, filled, no_json
from wavjudge.internal import ends_the_run, noted
from wavjudge.nearest import listed, meant
from wavjudge.store.run_folder import first_problem
from wavjudge.types import Check, Count, Outcome, Role

R = TypeVar("R", bound=BaseModel)


class SaidRow(BaseModel):
    """One utterance: what was said, its recording, or both."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str | None = None
    audio: str | None = None


class HistoryRow(SaidRow):
    """One message of the context before the question."""

    role: Role


class ItemRow(BaseModel):
    """One prompt of a test set. A single turn stands in question_text and question_audio, several in `turns`."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    item_id: str = Field(min_length=1)
    question_text: str | None = None
    question_audio: str | None = None
    turns: tuple[SaidRow, ...] = ()
    reference: str | None = None
    checks: tuple[Check, ...] = ()
    language: str | None = None
    history: tuple[HistoryRow, ...] = ()
    tags: tuple[str, ...] = ()
    benchmark: str | None = None

    @field_validator("item_id", "candidate", "benchmark", mode="before", check_fields=False)
    @classmethod
    def _without_blanks(cls, value: Any) -> Any:
        """A blank around a name is nobody's meaning, and would make two names of one."""
        return value.strip(" \u00a0\u3000") if isinstance(value, str) else value

    @field_validator("tags", mode="before")
    @classmethod
    def _tags_as_text(cls, value: Any) -> Any:
        return tuple(tag.strip() for tag in value.split(";") if tag.strip()) if isinstance(value, str) else value or ()

    @field_validator("history", "turns", "checks", "answers", mode="before", check_fields=False)
    @classmethod
    def _list_as_text(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value if value is not None else ()
        try:
            return json.loads(value)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"expected a JSON list, got {no_json(error)}") from error

    @model_validator(mode="after")
    def _asked_once(self) -> ItemRow:
        if self.turns and (self.question_text is not None or self.question_audio is not None):
            raise ValueError("got both turns and a question_text or question_audio, expected one of the two ways")
        return self

    def asked(self) -> tuple[SaidRow, ...]:
        """The user's turns, at least one; an answer to an unknown question has an empty one.

        >>> ItemRow(item_id="1", question_text="Why?").asked()
        (SaidRow(text='Why?', audio=None),)
        """
        return self.turns or (SaidRow(text=self.question_text, audio=self.question_audio),)


class Row(ItemRow):
    """One answer to rate. To a single turn it stands in text and audio, to several in `answers`, one for each turn.

    status and reason: for answers that are known to have failed (`crashed`, `timed_out`, ...); what is wrong with a
    recording is found when it is taken in and need not be said.
    """

    candidate: str = Field("candidate", min_length=1)
    attempt: Count = 0
    text: str | None = None
    audio: str | None = None
    answers: tuple[SaidRow, ...] = ()
    status: Outcome = "ok"
    reason: str | None = None
    seconds_taken: float | None = Field(None, ge=0, allow_inf_nan=False)

    @field_validator("attempt", "seconds_taken", mode="before")
    @classmethod
    def _no_boolean(cls, value: Any) -> Any:
        if isinstance(value, bool):
            raise ValueError(f"got {str(value).lower()}, expected a number")
        return value

    @model_validator(mode="after")
    def _answered_once(self) -> Row:
        if self.answers and (self.text is not None or self.audio is not None):
            raise ValueError("got both answers and a text or audio, expected one of the two ways")
        if len(self.answers) > len(self.asked()):
            raise ValueError(f"got {len(self.answers)} answers to {len(self.asked())} turns")
        if self.status == "ok" and len(self.asked()) > max(1, len(self.answers)):
            raise ValueError(f"got {len(self.answers)} answers to {len(self.asked())} turns, and status ok")
        return self

    def said(self) -> tuple[SaidRow, ...]:
        """What the candidate said, one utterance a turn as far as it came."""
        return self.answers or (SaidRow(text=self.text, audio=self.audio),)

    @property
    def recordings(self) -> tuple[str | None, ...]:
        """The recording of each turn's answer."""
        return tuple(said.audio for said in self.said())


def validated(raw: Raw, kind: type[R], *, own: bool = False) -> R | str:
    """The row that raw fields make, or what is wrong with them. own: the names of the fields are the user's, who is
    told the nearest right ones; those of an importer are wavjudge's."""
    if isinstance(raw, str):
        return raw
    try:
        fields = filled(raw)
        if endless := next((name for name, value in fields.items() if value in (math.inf, -math.inf)), None):
            return f'field "{endless}": got an infinite number'
        return kind.model_validate(fields)
    except ValidationError as error:
        return (own and _misnamed(fields, kind)) or first_problem(error)
    except Exception as error:
        if ends_the_run(error):
            raise
        return noted(error)


def _misnamed(fields: Mapping[str, Any], kind: type[BaseModel]) -> str:
    """What is wrong with the names of the fields, with the nearest right ones; empty where they are right."""
    known = [name for name in kind.model_fields if name not in fields]
    strange = [name for name in fields if name not in kind.model_fields]
    missing = [name for name, field in kind.model_fields.items() if field.is_required() and name not in fields]
    if not strange and not missing:
        return ""
    first = f'field "{missing[0]}": not there' if missing else f'field "{strange[0]}": not known'
    near = [f"{name!r} is perhaps {found}" for name in strange if (found := meant(name, known, _COMMON))]
    return "; ".join([first, f"got {listed(fields)}", *near, f"known are {', '.join(kind.model_fields)}"])


_COMMON = {
    "id": "item_id", "prompt_id": "item_id", "question_id": "item_id", "question": "question_text",
    "prompt": "question_text", "model": "candidate", "system": "candidate", "wav": "audio", "path": "audio",
    "file": "audio", "answer_audio": "audio", "audio_path": "audio", "response": "text", "answer": "text",
    "transcript": "text", "lang": "language",
}  # fmt: skip
"""What other tables call these fields."""
