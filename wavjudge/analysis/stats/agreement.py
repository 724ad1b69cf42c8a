"""How far a judge's scores agree with people's: levels. Each statistic with its formula, as sums over prompts.

x is the judge, y the people (the mean of a subject's ok human scores), d = x - y. Rank statistics are in `ranks.py`,
those inside a prompt in `within_prompt.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse, stats

from wavjudge.analysis.stats.sums import (
    Additive,
    ByWeights,
    Floats,
    Ints,
    Joint,
    Paired,
    Prepared,
    Statistic,
    additive,
    per_prompt,
    ratio,
    where_both,
)

TINY = 1e-12
"""A variance below it is the rounding error of constant scores, in units of their spread."""


def unit(scores: Floats) -> float:
    """The spread of the scores; never so small that the rounding error of constant scores would count as one."""
    return max(float(scores.std()), 1e-9 * float(np.abs(scores).max())) or 1.0


def _moments(data: Paired, x_unit: float, y_unit: float) -> Floats:
    # Centred first: sums of squares of raw scores would lose the variance of a nearly constant judge.
    x, y = (data.judge - data.judge.mean()) / x_unit, (data.people - data.people.mean()) / y_unit
    shift = np.full_like(x, data.judge.mean() / x_unit - data.people.mean() / y_unit)
    return per_prompt(data, np.ones_like(x), x, y, x * x, y * y, x * y, shift)


def _each_unit(data: Paired) -> Floats:
    return _moments(data, unit(data.judge), unit(data.people))


def _one_unit(data: Paired) -> Floats:
    one = shared_unit(data)
    return _moments(data, one, one)


def shared_unit(data: Paired) -> float:
    """A unit for both sides, in which neither their spreads nor their distance are beyond 1."""
    apart = abs(float(data.judge.mean() - data.people.mean()))
    widest = max(apart, *(side.std() for side in (data.judge, data.people)), 1e-9 * float(np.abs(data.people).max()))
    return float(widest) or 1.0


def _central(sums: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Difference of means, variance of x, variance of y, covariance."""
    n, x, y, xx, yy, xy, shift = np.moveaxis(sums, -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        vx, vy = xx / n - (x / n) ** 2, yy / n - (y / n) ** 2
        cov, difference = xy / n - x * y / n**2, (x - y + shift) / n
    # Constant scores leave a rounding error, not a variance.
    return difference, np.where(vx < TINY, 0.0, vx), np.where(vy < TINY, 0.0, vy), cov


def _pearson(sums: Floats) -> Floats:
    _, vx, vy, cov = _central(sums)
    return np.clip(ratio(cov, np.sqrt(vx * vy)), -1, 1)


PEARSON = additive("pearson", _each_unit, _pearson, "fisher", (-1, 1), contrary="agreement", heeded=True)
"""Pearson's r = cov(x, y) / (sd x sd y). Undefined when either side is constant."""


def _kappa(sums: Floats) -> Floats:
    difference, vx, vy, cov = _central(sums)
    expected = vx + vy + difference**2
    return ratio(2 * cov, np.where(expected < TINY, 0.0, expected))


_KAPPA = additive("kappa_quadratic", _one_unit, _kappa)


def _kappa_of_each(data: Paired) -> Prepared:
    """A mean of people scatters less than a person and sits between the steps: kappa is asked of each person."""
    if data.each is None:
        return _KAPPA.prepare(data)
    return _OfEach(data, data.each)


@dataclass(frozen=True, slots=True)
class _OfEach:
    """Kappa of each person, averaged. Plain it is taken for all at once: permutations ask a crowd 400 times."""

    data: Paired
    each: Floats

    def plain(self) -> float:
        row, who = np.nonzero(np.isfinite(self.each))
        x, y, k = self.data.judge[row], self.each[row, who], self.each.shape[1]
        n = np.bincount(who, minlength=k).astype(float)

        def mean(values: Floats) -> Floats:
            return ratio(np.bincount(who, values, k).astype(float), n)

        own, its = mean(y), mean(x)
        y, x, apart = y - own[who], x - its[who], its - own
        return float(mean_kappa(np.stack([mean(x * x), mean(y * y), mean(x * y), apart, own])))

    def without_each(self, groups: Ints) -> Floats:
        return self._one_by_one().without_each(groups)

    def weighted(self, weights: Floats) -> Floats:
        return self._one_by_one().weighted(weights)

    def _one_by_one(self) -> Joint:
        sides = (where_both(_KAPPA, self.data.judge, own, self.data.prompt) for own in self.each.T)
        return Joint(tuple(side for side in sides if side is not None), _mean_defined)


def mean_kappa(moments: Floats) -> Floats:
    """Kappa averaged over the people (last axis) for whom it is defined, from (5, ..., people): the judge's variance on
    a person's answers and his own, their covariance, the difference of their means, and his mean."""
    vx, vy, cov, apart, own = moments
    # As `shared_unit`: what is only the rounding error of constant scores counts as nothing.
    widest = np.fmax.reduce([abs(apart), np.sqrt(vx), np.sqrt(vy), 1e-9 * abs(own)])
    small = TINY * np.where(widest > 0, widest, 1.0) ** 2
    expected = np.where(vx < small, 0.0, vx) + np.where(vy < small, 0.0, vy) + apart**2
    return _mean_defined(np.moveaxis(ratio(2 * cov, np.where(expected < small, 0.0, expected)), -1, 0))


def _mean_defined(values: Floats) -> Floats:
    defined = np.isfinite(values)
    return ratio(np.where(defined, values, 0.0).sum(axis=0), defined.sum(axis=0).astype(float))


KAPPA_QUADRATIC = Statistic("kappa_quadratic", _kappa_of_each, limits=(-1, 1), contrary="agreement", heeded=True)
"""Cohen's kappa with quadratic weights: 1 - E[(x - y)^2] / E[(x - y')^2] with y' independent of x, which is
2 cov / (var x + var y + (mean x - mean y)^2). On whole numbers it is the usual one; nothing is rounded. Of several
people: of each one's own scores, averaged over those for whom it is defined (statistics.md, ruling 5)."""


def _errors(data: Paired) -> Floats:
    d = data.judge - data.people
    return per_prompt(data, np.ones_like(d), d, np.abs(d), d * d)


BIAS = additive("bias", _errors, lambda sums: ratio(sums[..., 1], sums[..., 0]), contrary="difference")
"""Mean of d: judge minus people; positive is a generous judge."""

MAE = additive(
    "mae", _errors, lambda sums: ratio(sums[..., 2], sums[..., 0]), limits=(0, np.inf), contrary="error", heeded=True
)
"""Mean of |d|, in points of the scale."""

RMSE = additive(
    "rmse", _errors, lambda sums: np.sqrt(ratio(sums[..., 3], sums[..., 0])), limits=(0, np.inf), contrary="error",
    heeded=True,
)  # fmt: skip
"""Square root of the mean of d^2, in points of the scale."""


def _near(data: Paired) -> Floats:
    near = np.abs(data.judge - data.people) <= 1 + 1e-9
    told = data.scale is None or data.scale[1] - data.scale[0] > 1
    return per_prompt(data, np.full(data.n, float(told)), near & told)


WITHIN_ONE = additive("within_one", _near, lambda sums: ratio(sums[..., 1], sums[..., 0]), "logit")
"""Share of subjects with |d| <= 1. Undefined on a scale not wider than a point: there it is 1 whatever anybody says."""


# Rank correlations over all subjects: Spearman and Kendall's tau-b.
#
# Ranks are not sums over prompts, but counts are: on a finite grid of scores the table of (x, y) counts decides every
# rank, and tables add. Where the grid is too fine (means of many repeats on both sides), ranks are taken from
# weighted midranks, one weighting at a time.

MAX_CELLS = 4_000_000
"""Prompts x cells of the count tables above which they are kept sparse: 32 MB of counts."""

MAX_GRID = 15_000
"""Cells of one count table above which weighted midranks are used."""


def _spearman(data: Paired) -> Prepared:
    rows, columns, x, y = _grid(data)
    if rows * columns > MAX_GRID:
        return ByWeights(data.prompts, lambda weights: _spearman_of(weights[data.prompt], data))
    return Additive(_tables(data, x, y, rows, columns), lambda sums: _spearman_on(_shaped(sums, rows, columns)))


def _kendall(data: Paired) -> Prepared:
    rows, columns, x, y = _grid(data)
    if rows * columns > MAX_GRID:
        return ByWeights(data.prompts, lambda weights: _kendall_of(weights[data.prompt], data))
    return Additive(_tables(data, x, y, rows, columns), lambda sums: kendall_on(_shaped(sums, rows, columns)))


SPEARMAN = Statistic("spearman", _spearman, "fisher", (-1, 1), pooled=True, contrary="agreement", heeded=True)
"""Pearson's r of midranks over all subjects. Undefined when either side is constant."""

KENDALL_TAU_B = Statistic("kendall_tau_b", _kendall, "fisher", (-1, 1), pooled=True, contrary="agreement", heeded=True)
"""(concordant - discordant) / sqrt(pairs not tied in x * pairs not tied in y); undefined if either side is constant."""


def midranks(counts: Floats) -> Floats:
    """Midranks of the values of a grid from their counts (..., values): what is below, plus half of what ties."""
    return np.cumsum(counts, axis=-1) - counts / 2


def _grid(data: Paired) -> tuple[int, int, Ints, Ints]:
    x_values, x = np.unique(data.judge, return_inverse=True)
    y_values, y = np.unique(data.people, return_inverse=True)
    return len(x_values), len(y_values), x.reshape(-1), y.reshape(-1)


def _tables(data: Paired, x: Ints, y: Ints, rows: int, columns: int) -> Floats:
    cells = rows * columns
    if data.prompts * cells > MAX_CELLS:
        table: Floats = sparse.csr_array((np.ones(data.n), (data.prompt, x * columns + y)), (data.prompts, cells))
        return table
    flat = (data.prompt * rows + x) * columns + y
    return np.bincount(flat, minlength=data.prompts * cells).reshape(data.prompts, cells).astype(float)


def _shaped(sums: Floats, rows: int, columns: int) -> Floats:
    return sums.reshape(*sums.shape[:-1], rows, columns)


def _spearman_on(table: Floats) -> Floats:
    """From count tables (..., rows, columns): Pearson's r of the midranks of their margins."""
    of_x, of_y = table.sum(-1), table.sum(-2)
    total = of_x.sum(-1)
    # Midranks around their mean, total / 2, which is the same for any ties.
    x, y = midranks(of_x) - total[..., None] / 2, midranks(of_y) - total[..., None] / 2
    cross = np.einsum("...u,...uv,...v->...", x, table, y)
    spread = np.sqrt((of_x * x * x).sum(-1) * (of_y * y * y).sum(-1))
    return np.clip(ratio(cross, np.where(spread > 1e-9, spread, 0.0)), -1, 1)


def kendall_on(table: Floats) -> Floats:
    """Tau-b from count tables (..., rows, columns)."""
    of_x, of_y = table.sum(-1), table.sum(-2)
    below = np.cumsum(table, axis=-2) - table  # smaller x, same y
    smaller = np.cumsum(below, axis=-1) - below  # smaller x, smaller y
    larger = below.sum(-1, keepdims=True) - np.cumsum(below, axis=-1)  # smaller x, larger y
    difference = (table * (smaller - larger)).sum((-1, -2))
    return np.clip(ratio(difference, np.sqrt(_untied(of_x) * _untied(of_y))), -1, 1)


def _untied(counts: Floats) -> Floats:
    total = counts.sum(-1)
    return np.asarray((total * total - (counts * counts).sum(-1)) / 2)


def _spearman_of(weights: Floats, data: Paired) -> float:
    x, y = (_weighted_midranks(scores, weights) for scores in (data.judge, data.people))
    total = weights.sum()
    x, y = x - total / 2, y - total / 2
    spread = np.sqrt((weights * x * x).sum() * (weights * y * y).sum())
    return float((weights * x * y).sum() / spread) if spread > 1e-9 else float("nan")


def _weighted_midranks(scores: Floats, weights: Floats) -> Floats:
    values, place = np.unique(scores, return_inverse=True)
    counts = np.bincount(place.reshape(-1), weights, len(values)).astype(float)
    return midranks(counts)[place.reshape(-1)]


def _kendall_of(weights: Floats, data: Paired) -> float:
    # A resampled prompt stands there as often as it was drawn.
    chosen = np.repeat(np.arange(data.n), weights.astype(int))
    if len(chosen) < 2:
        return float("nan")
    return float(stats.kendalltau(data.judge[chosen], data.people[chosen]).statistic)
