"""Statistics as functions of sums over clusters.

A cluster is a prompt: the answers to one prompt are not independent, the prompts are. A prepared statistic knows what
each prompt contributes; given weights of the prompts it gives the statistic of the reweighted data. All weights one is
the plain value, one of them zero is the jackknife, multinomial counts are the cluster bootstrap. Undefined values are
NaN here, in memory only; what leaves `analysis` says that it is undefined, and why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]
Transform = Literal["fisher", "angle", "logit", "none"]

Contrary = Literal["order", "error", "shortfall", "agreement", "difference", "none"]
"""What a prompt would look like that says the opposite of all others; see `intervals.py`."""

_CHUNK_BYTES = 256 * 2**20


@dataclass(frozen=True, slots=True)
class Paired:
    """Two raters' scores of the same subjects, and the prompt (cluster number, 0..P-1) of each subject.

    judge, people: shape (n,), float. prompt: shape (n,), whole numbers; every number from 0 to P-1 occurs.
    each: where `people` is a mean, what each of them said; shape (n, k), NaN where a person gave no score.
    scale: the ends of the scale where it is known; they say how far apart judge and people could be at worst.
    """

    judge: Floats
    people: Floats
    prompt: Ints
    each: Floats | None = None
    scale: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if not len(self.judge) == len(self.people) == len(self.prompt):
            raise ValueError("judge, people and prompt must be equally long")
        if self.each is not None and len(self.each) != len(self.judge):
            raise ValueError("people's own scores must be as many as their means")
        if not (np.isfinite(self.judge).all() and np.isfinite(self.people).all()):
            raise ValueError("scores must be numbers: leave unscored subjects out, and count them")

    @property
    def n(self) -> int:
        return len(self.judge)

    @property
    def prompts(self) -> int:
        return int(self.prompt.max()) + 1 if self.n else 0

    @property
    def reach(self) -> tuple[float, float]:
        """The ends of the scale, or the least and the greatest score that anybody gave."""
        if self.scale is not None:
            return self.scale
        return float(min(self.judge.min(), self.people.min())), float(max(self.judge.max(), self.people.max()))

    @classmethod
    def of(
        cls, judge: npt.ArrayLike, people: npt.ArrayLike, prompt: npt.ArrayLike, each: Floats | None = None,
        scale: tuple[float, float] | None = None,
    ) -> Paired:  # fmt: skip
        """From any arrays; prompts may be labels of any kind.

        >>> Paired.of([1, 2], [1, 3], ["q1", "q2"]).prompt.tolist()
        [0, 1]
        """
        _, number = np.unique(np.asarray(prompt), return_inverse=True)
        return cls(np.asarray(judge, float), np.asarray(people, float), number.reshape(-1), each, scale)

    def taken(self, chosen: npt.NDArray[np.bool_] | Ints) -> Paired:
        """The chosen subjects, prompts numbered anew."""
        each = None if self.each is None else self.each[chosen]
        return Paired.of(self.judge[chosen], self.people[chosen], self.prompt[chosen], each, self.scale)

    def with_prompt(self, judge: Sequence[float], people: Sequence[float]) -> Paired:
        """The same and one prompt more, with these answers; of several people each one says the same."""
        prompt = np.r_[self.prompt, np.full(len(judge), self.prompts)]
        told = np.asarray(people, float)
        each = None if self.each is None else np.r_[self.each, np.tile(told[:, None], self.each.shape[1])]
        return Paired(np.r_[self.judge, judge], np.r_[self.people, told], prompt, each, self.scale)

    def judged(self, scores: Floats) -> Paired:
        """The same subjects and people under other scores."""
        return replace(self, judge=scores)


class Prepared(Protocol):
    """A statistic on given data, as a function of the prompts' weights."""

    def plain(self) -> float: ...

    def without_each(self, groups: Ints) -> Floats:
        """The values with each group of prompts left out; `groups` gives each prompt's group, 0..G-1; shape (G,)."""
        ...

    def weighted(self, weights: Floats) -> Floats:
        """The values under weights of shape (B, P); shape (B,)."""
        ...


@dataclass(frozen=True, slots=True)
class Additive:
    """A statistic of summed contributions: parts (P, k), dense or a scipy `csr_array`; value (..., k) -> (...)."""

    parts: Floats
    value: Callable[[Floats], Floats]

    def plain(self) -> float:
        return float(self.value(self.parts.sum(axis=0)))

    @property
    def informative(self) -> int:
        """Prompts that contribute anything: one answer says nothing about order within a prompt."""
        return int((abs(self.parts).sum(axis=1) > 0).sum())

    def without_each(self, groups: Ints) -> Floats:
        number = np.arange(len(groups))
        if np.array_equal(groups, number):  # a prompt a group: nothing to sum
            grouped: Any = self.parts
        else:
            grouped = sparse.csr_array((np.ones(len(groups)), (groups, number))) @ self.parts
        return self._chunked(self.parts.sum(axis=0) - (grouped.toarray() if sparse.issparse(grouped) else grouped))

    def weighted(self, weights: Floats) -> Floats:
        return self._chunked(weights @ self.parts)

    def _chunked(self, sums: Floats) -> Floats:
        # Values on count grids make a few copies of the sums: in pieces they fit beside a million rows.
        rows = max(1, _CHUNK_BYTES // (8 * 8 * max(1, sums.shape[1])))
        return np.concatenate([np.atleast_1d(self.value(sums[i : i + rows])) for i in range(0, len(sums), rows)])


@dataclass(frozen=True, slots=True)
class ByWeights:
    """A statistic that needs the weights of all items at once (ranks of continuous scores): one value at a time."""

    prompts: int
    value: Callable[[Floats], float]

    def plain(self) -> float:
        return self.value(np.ones(self.prompts))

    def without_each(self, groups: Ints) -> Floats:
        return np.array([self.value((groups != group).astype(float)) for group in range(int(groups.max()) + 1)])

    def weighted(self, weights: Floats) -> Floats:
        return np.array([self.value(row) for row in weights])


@dataclass(frozen=True, slots=True)
class Statistic:
    """A named statistic, how it is prepared, and the scale on which its interval is made (statistics.md, ruling 4).

    limits: beyond which it cannot lie, and no end of its interval does; needed where no transformation sees to that.
    pooled: its plain value does not know of prompts.
    contrary: which prompt would say the opposite of the others; heeded: whether every interval reckons with such a
    prompt that was not seen, or only one that would have no width without it.
    """

    name: str
    prepare: Callable[[Paired], Prepared]
    transform: Transform = "none"
    limits: tuple[float, float] = (-np.inf, np.inf)
    pooled: bool = False
    contrary: Contrary = "none"
    heeded: bool = False

    def of(self, data: Paired) -> float:
        """The plain value; NaN where it is undefined."""
        if self.pooled:  # one table of counts in the place of one a prompt
            data = replace(data, prompt=np.zeros_like(data.prompt))
        return self.prepare(data).plain() if data.n else float("nan")


def additive(
    name: str, parts: Callable[[Paired], Floats], value: Callable[[Floats], Floats], transform: Transform = "none",
    limits: tuple[float, float] = (-np.inf, np.inf), contrary: Contrary = "none", heeded: bool = False,
) -> Statistic:  # fmt: skip
    """A statistic whose contributions and value do not depend on each other's shape."""
    return Statistic(
        name, lambda data: Additive(parts(data), value), transform, limits, contrary=contrary, heeded=heeded
    )


def per_prompt(data: Paired, *columns: npt.NDArray[np.generic]) -> Floats:
    """Sums of item-wise columns within prompts: (P, number of columns)."""
    return np.stack([np.bincount(data.prompt, column.astype(float), data.prompts) for column in columns], axis=1)


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """numerator / denominator, NaN where the denominator is not positive."""
    bad = ~(denominator > 0)
    return np.where(bad, np.nan, numerator / np.where(bad, 1.0, denominator))


# Statistics of statistics: differences, averages and quotients of several, over the same prompts.
#
# Each part may know only some of the prompts and some of the subjects (a person rated half of them). Leaving out or
# drawing a prompt changes all parts together: that is what makes a difference of two of them paired.


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
