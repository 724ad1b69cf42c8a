"""How much of a calibration hangs on one candidate: each statistic with each candidate left out in turn.

Prompts are a sample, candidates are not (statistics.md, ruling 4): an interval does not speak of candidates that are
not in the table. Nor does this range. It shows how far the figures move among those that are: where one candidate makes
the judge look good, nobody should expect as much of the next one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wavjudge.analysis.stats.sums import Paired, Statistic

MOST = 10_000_000
"""Candidates times answers above which nobody is left out: with so many, one of them moves little."""


@dataclass(frozen=True, slots=True)
class Span:
    """Least and greatest value, and without whom; None where it is undefined whoever is left out.

    undefined: candidates without whom the statistic does not exist; they bound nothing.
    """

    low: float | None = None
    high: float | None = None
    without_low: str = ""
    without_high: str = ""
    undefined: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WithoutCandidate:
    """names: of all candidates, sorted. spans: by statistic; none where one candidate is all, or there are too many."""

    names: tuple[str, ...]
    spans: Mapping[str, Span]


def without_candidate(
    data: Paired, candidate: npt.ArrayLike, statistics: Sequence[Statistic], *, most: int = MOST
) -> WithoutCandidate:
    """candidate: the name of each row of `data`, shape (n,).

    >>> from wavjudge.analysis.stats.agreement import BIAS
    >>> found = without_candidate(Paired.of([1, 2, 6], [1, 1, 1], [0, 0, 1]), ["a", "b", "c"], [BIAS])
    >>> found.spans["bias"]
    Span(low=0.5, high=3.0, without_low='c', without_high='a', undefined=())
    """
    names, number = np.unique(np.asarray(candidate, str), return_inverse=True)
    told = tuple(map(str, names))
    if len(told) < 2 or len(told) * data.n > most:
        return WithoutCandidate(told, {})
    values = []
    for one in range(len(told)):  # one at a time: each is almost the whole table once more
        rest = data.taken(number != one)
        values.append([statistic.of(rest) for statistic in statistics])
    columns = zip(*values, strict=True)
    return WithoutCandidate(told, {s.name: _span(told, column) for s, column in zip(statistics, columns, strict=True)})


def _span(names: tuple[str, ...], values: Sequence[float]) -> Span:
    found = {name: float(value) for name, value in zip(names, values, strict=True) if np.isfinite(value)}
    undefined = tuple(name for name in names if name not in found)
    if not found:
        return Span(undefined=undefined)
    least, most = min(found, key=found.__getitem__), max(found, key=found.__getitem__)
    return Span(found[least], found[most], least, most, undefined)
