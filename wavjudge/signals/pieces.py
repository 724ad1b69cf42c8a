"""Cut a long answer at its pauses, because the recogniser is made for about ten seconds at a time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from wavjudge.signals.vad import CHUNK, RATE_HZ, Span

MAX_SECONDS = 9.0
MARGIN_SECONDS = 0.25
"""Sound kept on either side of speech; between two pieces at most half the pause, so no sample is heard twice."""
MIN_SECONDS = 0.5
_CHUNK_SECONDS = CHUNK / RATE_HZ


def pieces(spans: Sequence[Span], probabilities: Sequence[float], seconds: float) -> list[Span]:
    """Pieces of at most `MAX_SECONDS` that hold all speech: whole spans together, overlong ones cut where they are
    least like speech (`probabilities`: one per chunk of 32 ms). `seconds` is the length of the clip.

    >>> pieces([Span(1.0, 4.0), Span(4.4, 8.0), Span(9.0, 12.0)], [0.9] * 400, 12.1)
    [Span(start=0.75, end=8.25), Span(start=8.75, end=12.1)]
    """
    room = MAX_SECONDS - 2 * MARGIN_SECONDS
    grouped = _grouped([part for span in spans for part in _cut(span, probabilities, room)], room)
    return _with_margins(grouped, seconds)


def samples_of(piece: Span) -> slice:
    """The samples of a piece at the detector's rate."""
    return slice(round(piece.start * RATE_HZ), round(piece.end * RATE_HZ))


def _cut(span: Span, probabilities: Sequence[float], room: float) -> list[Span]:
    parts = []
    while span.seconds > room:
        latest = min(span.start + room, span.end - MIN_SECONDS)
        first, last = (int(t / _CHUNK_SECONDS) for t in (span.start + room / 2, latest))
        at = min(range(first + 1, last + 1), key=lambda i: probabilities[i]) * _CHUNK_SECONDS
        parts.append(Span(span.start, at))
        span = Span(at, span.end)
    return [*parts, span]


def _grouped(spans: Sequence[Span], room: float) -> list[Span]:
    groups: list[Span] = []
    for span in spans:
        if groups and span.end - groups[-1].start <= room:
            groups[-1] = Span(groups[-1].start, span.end)
        else:
            groups.append(span)
    return groups


def _with_margins(groups: Sequence[Span], seconds: float) -> list[Span]:
    middles = [(before.end + after.start) / 2 for before, after in pairwise(groups)]
    return [
        Span(max(group.start - MARGIN_SECONDS, left), min(group.end + MARGIN_SECONDS, right))
        for group, left, right in zip(groups, [0.0, *middles], [*middles, seconds], strict=bool(groups))
    ]
