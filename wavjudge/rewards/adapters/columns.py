"""From a trainer's columns to items: one list per column, one entry per answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import Any

from wavjudge.errors import InputError
from wavjudge.rewards.item import RewardItem, made, sound

Decode = Callable[[Any], Any]
"""From the token ids of an answer to its sound, as `item.sound` takes it: ``(samples, rate)``; None for no speech."""

FIELDS = ("answer_audio", "answer_text", "question_text", "question_audio", "id", "language", "reference")


@dataclass(frozen=True, slots=True)
class Columns:
    """Where the parts of an item stand among a trainer's columns, where not under their own names.

    named: field of `RewardItem` to column, such as ``{"answer_audio": "audio"}``. sample_rate_hz: of the samples in
    audio columns that do not state it. decode: makes the answer's sound from its token ids instead of a column.

    >>> columns = Columns({"question_text": "prompt"})
    >>> columns.items(2, {"prompt": ["Why?", "How?"], "answer_text": ["So.", "Thus."]})[1].question_text
    'How?'
    """

    named: Mapping[str, str] = field(default_factory=dict)
    sample_rate_hz: int | None = None
    decode: Decode | None = None

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.named) - set(FIELDS)):
            raise InputError(f"got columns for {', '.join(unknown)}, expected some of {', '.join(FIELDS)}")

    def items(
        self, n: int, given: Mapping[str, Any], *, token_ids: Sequence[Any] | None = None,
        details: Mapping[str, float | str | None] | None = None,
    ) -> list[RewardItem]:  # fmt: skip
        """One item per answer. `InputError` for columns of another length than n, and where a named one is missing."""
        if missing := sorted(column for column in self.named.values() if column not in given):
            raise InputError(f"got no column {', '.join(missing)}, expected it beside {', '.join(sorted(given))}",
                             todo="keep it in the dataset (remove_unused_columns=False), or name another")  # fmt: skip
        found = {name: _column(given, self.named.get(name, name), n) for name in FIELDS}
        crashed: Sequence[str | None] = [None] * n
        if self.decode is not None:
            pairs = [made(self.decode, ids) for ids in _same_length(token_ids, "token ids", n)]
            found["answer_audio"], crashed = [heard for heard, _ in pairs], [one for _, one in pairs]
        rows = [dict(zip(found, values, strict=True)) for values in zip(*found.values(), strict=True)]
        items = [self._item(row, number, details or {}) for number, row in enumerate(rows)]
        return [replace(item, crashed=one) for item, one in zip(items, crashed, strict=True)]

    def _item(self, row: dict[str, Any], number: int, details: Mapping[str, float | str | None]) -> RewardItem:
        for name in ("answer_audio", "question_audio"):
            column = self.named.get(name, name)
            row[name] = sound(
                row[name], sample_rate_hz=self.sample_rate_hz, where=f'answer {number}, column "{column}"'
            )
        row["reference"] = worded(row["reference"])
        row["id"] = "" if row["id"] is None else str(row["id"])
        return RewardItem(**row, details=details)


def _column(given: Mapping[str, Any], name: str, n: int) -> Sequence[Any]:
    return [None] * n if given.get(name) is None else _same_length(given[name], f"the column {name!r}", n)


def _same_length(values: Any, what: str, n: int) -> Sequence[Any]:
    if not isinstance(values, Sequence) or isinstance(values, str | bytes):
        raise InputError(f"got {type(values).__name__} for {what}, expected a list of {n}, one entry an answer")
    if len(values) != n:
        raise InputError(f"got {n} answers and {len(values)} entries in {what}, expected as many of both")
    return values


def worded(value: Any) -> Any:
    """A number as its text: data sets state right answers so. Anything else stays as it is.

    >>> worded(42), worded("So."), worded(True), worded(None)
    ('42', 'So.', True, None)
    """
    return str(value) if isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value) else value


def said(message: Any) -> str | None:
    """The words of a prompt or completion: a string, or the last message of a conversation.

    >>> said("So."), said([{"role": "user", "content": [{"type": "text", "text": "Why?"}, {"type": "audio"}]}])
    ('So.', 'Why?')
    """
    if message is None or isinstance(message, str):
        return message
    if isinstance(message, Sequence) and message:
        return said(message[-1])
    content = message.get("content") if isinstance(message, Mapping) else None
    if isinstance(content, Sequence) and not isinstance(content, str):
        texts = [part.get("text") for part in content if isinstance(part, Mapping)]
        return "".join(text for text in texts if isinstance(text, str)) or None
    return content if isinstance(content, str) else None
