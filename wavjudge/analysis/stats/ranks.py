"""Rank correlations over all subjects: Spearman and Kendall's tau-b.

Ranks are not sums over prompts, but counts are: on a finite grid of scores the table of (x, y) counts decides every
rank, and tables add. Where the grid is too fine (means of many repeats on both sides), ranks are taken from weighted
midranks, one weighting at a time.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse, stats

from wavjudge.analysis.stats.sums import (
    Additive,
    ByWeights,
    Floats,
    Ints,
    Paired,
    Prepared,
    Statistic,
    ratio,
)

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
