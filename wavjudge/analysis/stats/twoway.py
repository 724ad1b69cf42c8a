"""Intervals that take the people as a sample too, beside the prompts (statistics.md, ruling 4: raters by option).

Variance = that of leaving out prompts + that of leaving out people, each by the delete-one jackknife. Cameron, Gelbach
and Miller (2011, doi 10.1198/jbes.2010.07136) take off the variance of their crossings; so much is counted twice here,
as in Owen's pigeonhole bootstrap (2007, arXiv 0712.1111): a little wide, never negative. Student's t with
Satterthwaite's degrees of freedom.

The study `twoway` of docs/studies.md: it holds what it promises or more, but for bias with three people (.92 to .93
from 20 prompts on), where that over prompts alone holds .50 to .78: the mean of three leanings is itself a draw.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from wavjudge.analysis.stats.intervals import (
    ALIKE,
    Estimate,
    backward,
    clipped,
    forward,
    jackknife_groups,
    least_prompts,
)
from wavjudge.analysis.stats.panel import Panel
from wavjudge.analysis.stats.sums import Floats, Paired, Statistic
from wavjudge.analysis.stats.undefined import why_undefined

MIN_PEOPLE = 3
METHOD = "two-way jackknife-t"


def without_people(panel: Panel, judge: Floats) -> list[Paired]:
    """The judge against the mean of the people left, without each person (above 2,000 people: each group of them).

    judge: shape (n,), NaN where unscored. People who rated nothing that the judge scored are no part of it.

    >>> people = Panel.of([[1, 3], [2, 4]], ["a", "b"])
    >>> [one.people.tolist() for one in without_people(people, np.array([1.0, 2.0]))]
    [[3.0, 4.0], [1.0, 2.0]]
    """
    panel, judge = panel.taken(np.isfinite(judge)), judge[np.isfinite(judge)]
    present = np.flatnonzero(np.isfinite(panel.ratings).any(axis=0))
    groups, found = jackknife_groups(len(present)), []
    for group in range(int(groups.max()) + 1 if len(present) else 0):
        without = present[groups == group].tolist()
        left = panel.mean(*without)
        rated = np.isfinite(left)
        each = np.delete(panel.ratings, without, axis=1)[rated]
        found.append(Paired.of(judge[rated], left[rated], panel.prompt[rated], each))
    return found


def two_way(statistic: Statistic, data: Paired, without: Sequence[Paired], *, level: float = 0.95) -> Estimate:
    """A statistic with its interval over prompts and people. without: `without_people` of the same data.

    No interval with fewer than three people, under three prompts (twelve for Intra-ID), or where a value without one
    of them is undefined or at the end of its range.
    """
    if not data.n:
        return Estimate(None, note="no subjects")
    prepared = statistic.prepare(data)
    value = prepared.plain()
    if not np.isfinite(value):
        return Estimate(None, note=why_undefined(statistic, data))
    least = least_prompts(statistic)
    if data.prompts < least:
        return Estimate(value, note=f"no interval under {least} prompts")
    if len(without) < MIN_PEOPLE:
        return Estimate(value, note=f"no interval over people with fewer than {MIN_PEOPLE} of them")
    by_prompt = forward(prepared.without_each(jackknife_groups(data.prompts)), statistic.transform)
    by_person = forward(np.array([statistic.of(one) for one in without]), statistic.transform)
    centre = forward(np.array(value), statistic.transform)
    if not (np.isfinite(by_prompt).all() and np.isfinite(by_person).all() and np.isfinite(centre)):
        return Estimate(value, method=METHOD, note="no interval: undefined, or perfect, without one prompt or person")
    variances = np.array([_variance(by_prompt), _variance(by_person)])
    if variances.sum() < 1e-18:
        return Estimate(value, method=METHOD, note=ALIKE)
    half = _t(variances, np.array([len(by_prompt) - 1, len(by_person) - 1]), level) * np.sqrt(variances.sum())
    low, high = backward(np.array([centre - half, centre + half]), statistic.transform)
    return clipped(Estimate(value, float(low), float(high), METHOD), statistic.limits)


def _variance(values: Floats) -> float:
    """The jackknife's, of values without each part."""
    return float((len(values) - 1) / len(values) * ((values - values.mean()) ** 2).sum())


def _t(variances: Floats, freedom: Floats, level: float) -> float:
    return float(stats.t.ppf((1 + level) / 2, variances.sum() ** 2 / (variances**2 / freedom).sum()))
