"""What another project's judge wrote, as a rating: a score where it is a number on the scale, else `unparseable`."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from wavjudge.bench.importers.base import Imported
from wavjudge.types import Comparison, RaterKind, Rating, Scale, Subject

_DOUBLE_BRACKETS = re.compile(r"\[\[(\d+)\]\]")


def number_in(vote: Any) -> float | None:
    """The number that a vote is, or that stands in it as `[[n]]` (once); None for anything else.

    >>> [number_in(vote) for vote in ("4", 4.5, "[[3]]", "4 or 5", "nan", True, None, "")]
    [4.0, 4.5, 3.0, None, None, None, None, None]
    """
    if isinstance(vote, bool) or not isinstance(vote, str | int | float):
        return None
    try:
        value = float(vote)
    except (ValueError, OverflowError):
        found = _DOUBLE_BRACKETS.findall(str(vote))
        return float(found[0]) if len(found) == 1 else None
    return value if math.isfinite(value) else None


def yes_or_no(vote: Any) -> float | None:
    """1 for Yes, 0 for No, None for anything else.

    >>> [yes_or_no(vote) for vote in ("Yes", " no ", "Yes.", "yes, I think", 1)]
    [1.0, 0.0, None, None, None]
    """
    return {"yes": 1.0, "no": 0.0}.get(vote.strip().lower()) if isinstance(vote, str) else None


def rating(
    subject: Subject, axis: str, scale: Scale, value: float | None, said: Any, *, rater: str, signature: str,
    repeat: int = 0, kind: RaterKind = "model",
) -> Rating:  # fmt: skip
    """The rating of a judge whose vote was read as `value`; what was said stands in the reason where it is none."""
    scored = value is not None and scale.holds(value)
    reason = None if scored else f"got {said!r:.80}, expected a vote on the scale {scale.low:g} to {scale.high:g}"
    return Rating(
        subject=subject, axis=axis, scale=scale, rater=rater, rater_kind=kind, repeat=repeat,
        score=value if scored else None, status="ok" if scored else "unparseable", reason=reason,
        raw=None if scored else str(said)[:2000], signature=signature,
    )  # fmt: skip


# Which of two answers somebody preferred, as another project wrote it: a `Comparison`, never a score.

Outcome = Literal["a", "b", "tie", "both_good", "both_bad"]


@dataclass(slots=True)
class People:
    """The votes of people whom a source does not tell apart: votes on the same pair and axis are repeats.

    votes: the outcome that each word of the source stands for. column: where the word stands. kind, signature: of a
    judge whose votes they are.
    """

    rater: str
    votes: Mapping[str, Outcome]
    column: str
    kind: RaterKind = "person"
    signature: str | None = None
    seen: Counter[tuple[Subject, Subject, str]] = field(default_factory=Counter)

    def compared(
        self, first: Subject, second: Subject, axis: str, said: Any, where: str, imported: Imported, *,
        time: datetime | None = None, shown_first: Literal["a", "b"] | None = None, justification: str | None = None,
    ) -> Comparison:  # fmt: skip
        """One vote; a word that is none of the source's is kept as `unparseable` and told."""
        outcome = self.votes.get(said) if isinstance(said, str) else None
        reason = None if outcome else f"got {said!r:.40}, expected one of {', '.join(self.votes)}"
        if reason:
            imported.bad_rows.append(f'{where}, field "{self.column}": {reason}; kept as unparseable')
        repeat = self.seen[first, second, axis]
        self.seen[first, second, axis] += 1
        return Comparison(
            first=first, second=second, axis=axis, rater=self.rater, rater_kind=self.kind, repeat=repeat,
            outcome=outcome, status="ok" if outcome else "unparseable", reason=reason,
            raw=None if outcome else str(said)[:2000], signature=self.signature or self.rater, time=time,
            shown_first=shown_first, justification=justification,
        )  # fmt: skip
