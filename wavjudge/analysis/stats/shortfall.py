"""Who of a panel disagrees with everyone: by how much a person's correlation falls short of half of the others'.

    HALF * mean_i r(i, rest) - mean_i r(j, rest), where the rest is everybody but i and j

Why so: on an axis where nobody agrees with anybody (r near 0), nobody in particular disagrees, so a fixed bound on
r would name all; and the one in question must not spoil the references that the others are measured by.

Each pair of people has references of its own. They are computed for all i at once, and only on the answers that
somebody rated: for k people and L labels this is k times L, whoever rated what.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wavjudge.analysis.stats.intervals import Estimate, estimate_prepared, jackknife_groups
from wavjudge.analysis.stats.panel import Panel
from wavjudge.analysis.stats.sums import Floats, Ints, ratio
from wavjudge.errors import InputError

HALF = 0.5
"""A person is named who reaches less than this share of the correlation that the others reach."""

FALSE_ALARM = 0.05
"""Chance that anybody of a panel is named though his true share is `HALF`; far smaller for people alike."""

_TINY = 1e-12


def shortfalls(panel: Panel) -> list[Estimate]:
    """The shortfall of each person, with an interval that holds for all of them together."""
    if panel.k < 3:
        return [Estimate(None, note="with two people nobody can say which of them disagrees")] * panel.k
    labels = _Labels.of(panel)
    return [_shortfall(labels, panel, j) for j in range(panel.k)]


def _shortfall(labels: _Labels, panel: Panel, j: int) -> Estimate:
    his, mine = _others(labels, j), _own(labels, j)
    known = np.isfinite(his.plain) & np.isfinite(mine.plain)
    known[j] = False
    if not known.any():
        return Estimate(None, note="undefined: scores are constant, or shared with nobody")
    value = HALF * his.plain[known].mean() - mine.plain[known].mean()
    left = HALF * his.mean_without(known) - mine.mean_without(known)
    return estimate_prepared(_Known(float(value), left), panel.prompts, level=1 - 2 * FALSE_ALARM / panel.k)


@dataclass(frozen=True, slots=True)
class _Known:
    """A statistic whose value and jackknife are known already."""

    value: float
    left: Floats

    def plain(self) -> float:
        return self.value

    def without_each(self, groups: Ints) -> Floats:
        return self.left

    def weighted(self, weights: Floats) -> Floats:
        raise InputError("a shortfall has an interval by the jackknife alone")


@dataclass(frozen=True, slots=True)
class _Labels:
    """All labels of a panel as one list: row (subject), rater and score of each, by rater and row; and for each subject
    the sum and number of its labels. group: of each subject, for the jackknife; groups: how many there are."""

    row: Ints
    rater: Ints
    score: Floats
    total: Floats
    count: Floats
    table: Floats
    group: Ints
    groups: int

    @classmethod
    def of(cls, panel: Panel) -> _Labels:
        present = np.isfinite(panel.ratings)
        rater, row = np.nonzero(present.T)
        table = np.where(present, panel.ratings, 0.0)
        group = jackknife_groups(panel.prompts)[panel.prompt] if len(panel.prompt) else panel.prompt
        return cls(row, rater, table[row, rater], table.sum(axis=1), present.sum(axis=1).astype(float), panel.ratings,
                   group, int(group.max()) + 1 if len(group) else 0)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Correlations:
    """One correlation for each i: plain, shape (k,); and those that change without a group: whose (i), which group, and
    the value then. Without any other group it stays as it is."""

    plain: Floats
    who: Ints
    group: Ints
    without: Floats
    groups: int

    def mean_without(self, known: np.ndarray) -> Floats:
        """The mean over the known ones without each group; NaN where one of them is undefined then; (groups,)."""
        kept = known[self.who]
        change = (self.without - self.plain[self.who])[kept]
        change = np.bincount(self.group[kept], change, self.groups)
        return np.asarray(self.plain[known].mean() + change / known.sum(), float)


def _others(labels: _Labels, j: int) -> _Correlations:
    """r(i, rest) for every i, on the answers that i rated."""
    beside = np.nan_to_num(labels.table[:, j])[labels.row]
    with_j = np.isfinite(labels.table[:, j])[labels.row]
    rest = ratio(labels.total[labels.row] - labels.score - beside, labels.count[labels.row] - 1 - with_j)
    stands = np.isfinite(rest) & (labels.rater != j)
    return _correlations(
        labels.score[stands], rest[stands], labels.rater[stands], labels.group[labels.row[stands]], labels,
    )  # fmt: skip


def _own(labels: _Labels, j: int) -> _Correlations:
    """r(j, rest) for every i, on the answers that j rated."""
    rows = np.flatnonzero(np.isfinite(labels.table[:, j]))
    table = labels.table[rows]
    present = np.isfinite(table)
    own = table[:, j]
    rest = ratio((labels.total[rows] - own)[:, None] - np.where(present, table, 0.0),
                 (labels.count[rows] - 1)[:, None] - present)  # fmt: skip
    row, who = np.nonzero(np.isfinite(rest))
    return _correlations(own[row], rest[row, who], who, labels.group[rows[row]], labels)


def _correlations(x: Floats, y: Floats, who: Ints, group: Ints, labels: _Labels) -> _Correlations:
    """Pearson's r of x and y for each of `who`, plain and without each group that he has an answer in."""
    k = labels.table.shape[1]
    n = np.bincount(who, minlength=k).astype(float)
    x, y = _centred(x, who, n), _centred(y, who, n)
    columns = (np.ones_like(x), x, y, x * x, y * y, x * y)
    whole = np.stack([_sums(who, column, k) for column in columns], axis=-1)
    cells, cell = np.unique(who * labels.groups + group, return_inverse=True)
    parts = np.stack([_sums(cell.reshape(-1), column, len(cells)) for column in columns], axis=-1)
    owner = cells // max(labels.groups, 1)
    return _Correlations(_pearson(whole), owner, cells % max(labels.groups, 1), _pearson(whole[owner] - parts),
                         labels.groups)  # fmt: skip


def _centred(scores: Floats, who: Ints, n: Floats) -> Floats:
    """The scores of each in units of his own spread, around his mean; constant scores are zero."""
    mean = ratio(_sums(who, scores, len(n)), n)
    around = scores - mean[who]
    spread = np.sqrt(ratio(_sums(who, around * around, len(n)), n))
    unit = np.maximum(np.nan_to_num(spread), 1e-9 * np.nan_to_num(abs(mean)))
    return np.asarray(around / np.where(unit > 0, unit, 1.0)[who])


def _sums(who: Ints, column: Floats, count: int) -> Floats:
    return np.asarray(np.bincount(who, column, count), float)


def _pearson(sums: Floats) -> Floats:
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        vx, vy = xx / n - (x / n) ** 2, yy / n - (y / n) ** 2
        cov = xy / n - x * y / n**2
    vx, vy = np.where(vx < _TINY, 0.0, vx), np.where(vy < _TINY, 0.0, vy)
    return np.asarray(np.clip(ratio(cov, np.sqrt(vx * vy)), -1, 1))
