"""What another project's judge wrote, as a rating: a score where it is a number on the scale, else `unparseable`."""

from __future__ import annotations

import math
import re
from typing import Any

from wavjudge.types import RaterKind, Rating, Scale, Subject

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
