"""What reaches the same figures without listening: the null rows of every calibration table (statistics.md, ruling 2).

A constant, an answer's length or any other covariate are given as scores aligned with the data, to be treated as one
more judge; permutations of the judge's own scores as values. Whatever is learnt from people's scores is cross-fitted:
a prompt never sees its own labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import numpy.typing as npt

from wavjudge.analysis.stats import permutations as dealt
from wavjudge.analysis.stats.agreement import MAE, RMSE, WITHIN_ONE
from wavjudge.analysis.stats.intervals import (
    LARGE,
    Estimate,
    clipped,
    estimate_prepared,
    jackknife_groups,
    reckoned,
)
from wavjudge.analysis.stats.sums import Floats, Ints, Joint, Paired, Prepared, Statistic, ratio
from wavjudge.errors import InputError

LEVELS = frozenset({"bias", "mae", "rmse", "within_one", "kappa_quadratic"})
"""Statistics that need scores on the people's scale. All others see the order only, and take a covariate as it is."""

PERMUTATIONS = 200

FEW_PERMUTATIONS = 20
"""Above `intervals.LARGE` prompts: the mean of a statistic over so many prompts hardly moves any more, and each
permutation of a million rows takes half a second."""


@dataclass(frozen=True, slots=True)
class Null:
    """A judge that does not listen. levels: on the people's scale, for the statistics in `LEVELS`; order: for the rest.

    Shape (n,) each; levels is None with a single prompt, where there is nothing to learn from (note says so).
    """

    name: str
    order: Floats
    levels: Floats | None
    note: str = ""

    def scores(self, statistic: Statistic) -> Floats | None:
        """What to give to a statistic in place of the judge's scores."""
        return self.levels if statistic.name in LEVELS else self.order


def constant(data: Paired) -> Null:
    """The median of the people's scores in the other prompts.

    Its order is the same score for all: correlations are undefined (the medians that the prompts leave to each other
    differ a little, against the left-out prompt, so a correlation of `levels` would be negative by construction).

    >>> constant(Paired.of([1, 1, 1, 1], [5, 4, 3, 1], ["a", "a", "b", "c"])).levels
    array([2., 2., 4., 4.])
    """
    groups = jackknife_groups(data.prompts)[data.prompt]
    if not groups.any():
        return Null("constant", np.zeros(data.n), None, _ONE_PROMPT)
    return Null("constant", np.zeros(data.n), _medians_without(data.people, groups)[groups])


_ONE_PROMPT = "a single prompt: nothing to learn a level from"


def _medians_without(scores: Floats, groups: Ints) -> Floats:
    """The median of the scores outside each group, from one sorting; shape (G,)."""
    order = np.argsort(scores, kind="stable")
    rank = np.empty(len(scores), np.intp)
    rank[order] = np.arange(len(scores))
    sizes = np.bincount(groups)
    by_group = np.lexsort((rank, groups))
    removed, owner = rank[by_group], groups[by_group]
    nth = np.arange(len(scores)) - (np.cumsum(sizes) - sizes)[owner]
    rest, ordered = len(scores) - sizes, scores[order]

    def remaining(k: Ints) -> Floats:
        # The k-th of those that stay stands behind as many removed ones as have at most k staying before them.
        return ordered[k + np.bincount(owner, removed - nth <= k[owner], len(sizes)).astype(np.intp)]

    return (remaining((rest - 1) // 2) + remaining(rest // 2)) / 2


def covariate(name: str, values: npt.ArrayLike, data: Paired) -> Null:
    """An answer's length, a signal measure or anything else in place of the judge.

    order: the values as they are (a negative correlation is one). levels: a + b * value, by least squares on the other
    prompts. The line is the best for RMSE; MAE and within_one could be served better by another.

    >>> covariate("seconds", [1, 2, 3], Paired.of([1, 1, 1], [2, 4, 6], ["a", "b", "c"])).levels
    array([2., 4., 6.])
    """
    x = np.asarray(values, float)
    if x.shape != (data.n,) or not np.isfinite(x).all():
        raise InputError(f"{name}: {int(np.isfinite(x).sum())} numbers for {data.n} subjects",
                         todo="leave out the subjects that lack it")  # fmt: skip
    groups = jackknife_groups(data.prompts)[data.prompt]
    if not groups.any():
        return Null(name, x, None, _ONE_PROMPT)
    intercept, slope = _lines_without(x - x.mean(), data.people, groups)
    return Null(name, x, intercept[groups] + slope[groups] * (x - x.mean()))


def _lines_without(x: Floats, y: Floats, groups: Ints) -> tuple[Floats, Floats]:
    columns = (np.ones_like(x), x, y, x * x, x * y)
    n, sx, sy, sxx, sxy = (column.sum() - np.bincount(groups, column) for column in columns)
    spread = sxx / n - (sx / n) ** 2
    slope = ratio(sxy / n - sx * sy / n**2, np.where(spread > 1e-12 * (x * x).mean(), spread, 0.0))
    slope = np.nan_to_num(slope)  # a constant covariate says nothing: the mean
    return sy / n - slope * sx / n, slope


@dataclass(frozen=True, slots=True)
class Permuted:
    """A statistic under permutation: mean, and the quantiles that 95 % lie between. Undefined ones: counted, left out.

    within: scores change places inside their prompt only (keeps which prompts are easy); across: among all subjects.
    """

    statistic: str
    how: Literal["within", "across"]
    mean: float | None
    low: float | None
    high: float | None
    permutations: int
    undefined: int


def permuted(
    statistics: Sequence[Statistic], data: Paired, how: Literal["within", "across"], *,
    permutations: int = PERMUTATIONS, seed: int = 12345,
) -> tuple[Permuted, ...]:  # fmt: skip
    """Each statistic when the judge's scores are dealt out anew, averaged over the permutations; the same every time.

    >>> data = Paired.of([1, 2, 3, 4], [1, 2, 3, 4], ["a", "a", "b", "b"])
    >>> round(permuted([MAE], data, "within")[0].mean, 1)  # half of the time both pairs stay, or neither
    0.5
    """
    values = dealt.Table(data).values(statistics, how, permutations, seed)
    return tuple(_summary(s.name, how, column) for s, column in zip(statistics, values.T, strict=True))


def permutations_for(prompts: int, wanted: int) -> int:
    """How many permutations a table of so many prompts gets (statistics.md, ruling 10).

    >>> permutations_for(20_000, 200), permutations_for(20_001, 200)
    (200, 20)
    """
    return wanted if prompts <= LARGE else min(wanted, FEW_PERMUTATIONS)


def _summary(name: str, how: Literal["within", "across"], values: Floats) -> Permuted:
    defined = values[np.isfinite(values)]
    missing = len(values) - len(defined)
    if not len(defined):
        return Permuted(name, how, None, None, None, len(values), missing)
    low, high = np.quantile(defined, [0.025, 0.975])
    return Permuted(name, how, float(defined.mean()), float(low), float(high), len(values), missing)


PERFECT = {"mae": 0.0, "rmse": 0.0, "within_one": 1.0}
"""What a judge without error reaches; skill is measured for these."""


RELEARN = 200
"""Prompts up to which the interval of a skill learns the constant anew without each; beyond, medians stand still."""


@dataclass(frozen=True, slots=True)
class _Constant:
    """A statistic of the constant, learnt anew from what is left when prompts are left out."""

    statistic: Statistic
    data: Paired

    def _prepared(self, data: Paired) -> Prepared:
        return self.statistic.prepare(data.judged(_levels(data)))

    def plain(self) -> float:
        return self._prepared(self.data).plain()

    def without_each(self, groups: Ints) -> Floats:
        if self.data.prompts > RELEARN:
            return self._prepared(self.data).without_each(groups)
        rest = (self.data.taken(groups[self.data.prompt] != group) for group in range(int(groups.max()) + 1))
        return np.array([self._prepared(each).plain() for each in rest])

    def weighted(self, weights: Floats) -> Floats:
        return self._prepared(self.data).weighted(weights)


def _levels(data: Paired) -> Floats:
    """The constant's scores; of a last single prompt, its own median."""
    found = constant(data).levels
    return np.full(data.n, np.median(data.people)) if found is None else found


def skill(statistic: Statistic, data: Paired) -> Estimate:
    """Skill over the constant: (judge - constant) / (perfect - constant); its interval is paired by prompt.

    1 without error, 0 no better than the constant, negative worse. For mae and rmse that is 1 - judge / constant.
    Beware of within_one where people's median is uncertain, between two steps of the scale: fifty prompts and more are
    needed to know what the constant would be, and the interval does not know that (docs/studies.md, `accurate`).

    >>> data = Paired.of([1, 2, 4, 5], [1, 3, 3, 5], ["a", "b", "c", "d"])
    >>> round(skill(MAE, data).value, 3)
    0.5
    """
    if statistic.name not in PERFECT:
        raise InputError(f"no skill for {statistic.name}", todo=f"choose one of {', '.join(PERFECT)}")
    if data.prompts < 2:
        return Estimate(None, note=_ONE_PROMPT if data.n else "no subjects")
    found = estimate_prepared(_skill(statistic, data), data.prompts, undefined="undefined: the constant is perfect")
    return clipped(reckoned(found, skill_statistic(statistic), data), (-np.inf, 1.0))


def _skill(statistic: Statistic, data: Paired) -> Joint:
    perfect = PERFECT[statistic.name]
    sign = 1 if perfect else -1
    return Joint(
        (statistic.prepare(data), _Constant(statistic, data)),
        lambda v: ratio(sign * (v[0] - v[1]), sign * (perfect - v[1])),
    )


def skill_statistic(statistic: Statistic) -> Statistic:
    """The skill of mae, rmse or within_one as a statistic of its own, for intervals that need it on other data."""
    return Statistic(f"skill_{statistic.name}", partial(_skill, statistic), contrary="shortfall")


def skills(data: Paired) -> dict[str, Estimate]:
    """`skill` for mae, rmse and within_one."""
    return {statistic.name: skill(statistic, data) for statistic in (MAE, RMSE, WITHIN_ONE)}
