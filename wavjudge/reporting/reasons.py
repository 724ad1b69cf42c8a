"""Why answers failed and ratings have no score, the most frequent first: what a run says at its end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wavjudge.reporting.text import one_line
from wavjudge.types import Rating, Response

MOST_SHOWN = 5

_OWN_WORDS = re.compile(r"[^\s,;:()]*(?:[/\\]|[^\s,;:()]\.[^\s,;:()]|\d[^\s,;:()]{3})[^\s,;:()]*")
"""What differs between two accounts of one cause: paths, file names, ids, long numbers. An HTTP status is kept."""


@dataclass(slots=True)
class Why:
    """Reasons of one kind: the first in its own words, how many there are, and whether some say it in others."""

    status: str
    reason: str
    count: int = 0
    differ: bool = False

    def __str__(self) -> str:
        such = "such as " if self.differ else ""
        return f"{self.count} {self.status}: {such}{one_line(self.reason)}"

    def as_json(self) -> dict[str, str | int]:
        return {"status": self.status, "count": self.count, "reason": self.reason}


def reasons(records: Iterable[Rating | Response]) -> list[Why]:
    """The reasons of the records that came to nothing, most frequent first; those that differ in names are one.

    What does not apply to an answer, or was left out on purpose, is no failure and not among them.

    >>> from wavjudge.types import Response
    >>> gone = [Response(benchmark="b", item_id=f"q{n}", candidate="c", answers=(), status="no_speech",
    ...                  reason=f"the recording q{n}.wav is not there") for n in range(3)]
    >>> [str(why) for why in reasons(gone)]
    ['3 no_speech: such as the recording q0.wav is not there']
    """
    return _counted(record for record in records if record.status not in ("ok", "not_applicable", "skipped"))


def not_asked(ratings: Iterable[Rating]) -> list[Why]:
    """Why model judges could not be asked: no question, no reference, too long. Of instruments nothing is told."""
    return _counted(one for one in ratings if one.status == "not_applicable" and one.rater_kind == "model")


def _counted(records: Iterable[Rating | Response]) -> list[Why]:
    found: dict[tuple[str, str], Why] = {}
    for record in records:
        reason = record.reason or "no reason was given"
        why = found.setdefault((record.status, _OWN_WORDS.sub("#", reason)), Why(record.status, reason))
        why.count += 1
        why.differ |= why.reason != reason
    return sorted(found.values(), key=lambda why: -why.count)


def told(title: str, found: Sequence[Why]) -> list[str]:
    """Lines for a screen, the most frequent first; none where nothing went wrong."""
    if not found:
        return []
    lines = [title, *(f"  {why}" for why in found[:MOST_SHOWN])]
    more = sum(why.count for why in found[MOST_SHOWN:])
    return [*lines, f"  {more} for other reasons (`wavjudge show RUN ITEM` says each)"] if more else lines
