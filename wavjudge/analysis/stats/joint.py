"""Statistics of statistics: differences, averages and quotients of several, over the same prompts.

Each part may know only some of the prompts and some of the subjects (a person rated half of them). Leaving out or
drawing a prompt changes all parts together: that is what makes a difference of two of them paired.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from wavjudge.analysis.stats.sums import Floats, Ints, Paired, Prepared, Statistic


@dataclass(frozen=True, slots=True)
class OnPrompts:
    """A prepared statistic of data with only the prompts `own`: numbers among all prompts, ascending."""

    prepared: Prepared
    own: Ints

    def plain(self) -> float:
        return self.prepared.plain()

    def without_each(self, groups: Ints) -> Floats:
        present, local = np.unique(groups[self.own], return_inverse=True)
        values = np.full(int(groups.max()) + 1, self.plain())
        values[present] = self.prepared.without_each(local)
        return values

    def weighted(self, weights: Floats) -> Floats:
        return self.prepared.weighted(weights[:, self.own])


class Remembered:
    """A prepared statistic that computes its jackknife once: it stands in a person's figure, in the gap, in a mean."""

    def __init__(self, prepared: Prepared) -> None:
        self.prepared, self._left = prepared, dict[bytes, Floats]()
        self._plain: float | None = None

    def plain(self) -> float:
        self._plain = self.prepared.plain() if self._plain is None else self._plain
        return self._plain

    def without_each(self, groups: Ints) -> Floats:
        name = groups.tobytes()
        if name not in self._left:
            self._left[name] = self.prepared.without_each(groups)
        return self._left[name]

    def weighted(self, weights: Floats) -> Floats:
        return self.prepared.weighted(weights)


@dataclass(frozen=True, slots=True)
class Joint:
    """A function of several prepared statistics: value takes shape (parts, ...) and gives (...)."""

    parts: tuple[Prepared, ...]
    value: Callable[[Floats], Floats]

    def plain(self) -> float:
        return float(self.value(np.array([part.plain() for part in self.parts])))

    def without_each(self, groups: Ints) -> Floats:
        return self.value(np.stack([part.without_each(groups) for part in self.parts]))

    def weighted(self, weights: Floats) -> Floats:
        return self.value(np.stack([part.weighted(weights) for part in self.parts]))


def where_both(statistic: Statistic, judge: Floats, people: Floats, prompt: Ints) -> OnPrompts | None:
    """The statistic over the subjects that both sides rated; None where there are none.

    judge, people: shape (n,), NaN where not rated. prompt: numbers among all prompts.

    >>> from wavjudge.analysis.stats.agreement import MAE
    >>> where_both(MAE, np.array([1.0, np.nan, 5.0]), np.array([2.0, 3.0, 3.0]), np.array([0, 1, 2])).plain()
    1.5
    """
    rows = np.isfinite(judge) & np.isfinite(people)
    if not rows.any():
        return None
    own, number = np.unique(prompt[rows], return_inverse=True)
    return OnPrompts(statistic.prepare(Paired(judge[rows], people[rows], number.reshape(-1))), own)


def mean_of(values: Floats) -> Floats:
    """Average over the parts, for `Joint`; one undefined part makes it undefined."""
    return np.asarray(values.mean(axis=0))


def difference(values: Floats) -> Floats:
    """First part minus second, for `Joint`."""
    return np.asarray(values[0] - values[1])
