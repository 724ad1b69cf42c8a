"""Which of two judges agrees better with people: paired differences over prompts, with Holm's correction.

Two judges of the same answers share those answers' luck, so their statistics are compared on the subjects that both
scored, prompt by prompt: the jackknife-t of the difference (or the cluster bootstrap). Textbook tests for dependent
correlations are in `dependent`; they ignore clusters. How often each rejects a true hypothesis: docs/studies.md,
"Two equal judges".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from wavjudge.analysis.stats.agreement import BIAS, PEARSON
from wavjudge.analysis.stats.intervals import (
    ALIKE,
    RECKONED,
    Estimate,
    Method,
    bootstrap_weights,
    estimate,
    jackknife_groups,
    why_neither,
)
from wavjudge.analysis.stats.sums import Floats, Joint, Paired, Prepared, Remembered, Statistic, difference


@dataclass(frozen=True, slots=True)
class JudgeScores:
    """Several judges' scores of the same subjects on one axis, NaN where a judge gave none, beside the people's.

    each: where `people` are means, what each of them said, as in `Paired`.
    """

    axis: str
    judges: Mapping[str, Floats]
    people: Floats
    prompt: npt.NDArray[Any]
    each: Floats | None = None


@dataclass(frozen=True, slots=True)
class JudgeDifference:
    """One statistic of `first` minus that of `second` on one axis, over the n subjects that both scored.

    p: two-sided, of no difference; p_holm: over all rows of the table. lost_first, lost_second: labelled subjects that
    only the other judge scored. extras: tests that ignore clusters, for Pearson's r only.
    """

    axis: str
    statistic: str
    first: str
    second: str
    n: int
    prompts: int
    lost_first: int
    lost_second: int
    value_first: float | None
    value_second: float | None
    difference: Estimate
    p: float | None
    p_holm: float | None = None
    extras: tuple[DependentTest, ...] = ()


def compare_judges(
    tables: Sequence[JudgeScores], statistic: Statistic = PEARSON, *, level: float = 0.95,
    method: Method = "jackknife-t", resamples: int = 10_000, seed: int = 12345,
) -> tuple[JudgeDifference, ...]:  # fmt: skip
    """All pairs of judges on all axes, for one statistic named beforehand (ruling 8), Holm over all of them.

    >>> people = np.array([1.0, 2, 3, 4, 5, 4, 3, 2])
    >>> scores = JudgeScores("overall", {"a": people, "b": people + 1}, people, np.arange(8) // 2)
    >>> from wavjudge.analysis.stats.agreement import MAE
    >>> [row] = compare_judges([scores], MAE)
    >>> row.difference.value, row.difference.high, row.p_holm
    (-1.0, None, 0.125)
    """
    rows = []
    for table in tables:
        sides = _Sides(table, statistic)
        pairs = combinations(table.judges, 2)
        rows += [_difference(sides, first, second, level, method, resamples, seed) for first, second in pairs]
    return with_holm(rows)


def difference_of(statistic: Statistic, second: npt.ArrayLike) -> Statistic:
    """The statistic of the data's judge minus that of `second`, scores of the same subjects in the same order.

    No transform: the interval is that of the plain difference.
    """
    other = np.asarray(second, float)

    def prepare(data: Paired) -> Prepared:
        both = statistic.prepare(data), statistic.prepare(data.judged(other))
        return Joint(both, difference)

    return Statistic(f"{statistic.name} difference", prepare)


class _Sides:
    """The judges of one table. A judge meets every other one, mostly on the same subjects: what was prepared of the
    last few hundred is kept."""

    def __init__(self, table: JudgeScores, statistic: Statistic) -> None:
        self.table, self.statistic = table, statistic
        self.judges = {name: np.asarray(scores, float) for name, scores in table.judges.items()}
        self.told = np.isfinite(table.people)
        self.scored = {name: np.isfinite(scores) & self.told for name, scores in self.judges.items()}
        self.kept = lru_cache(maxsize=256)(self._prepared)
        self.on = lru_cache(maxsize=8)(self._on)

    def _on(self, chosen: bytes) -> Paired:
        """People on these subjects, and nobody's scores beside them."""
        rows, table = np.frombuffer(chosen, np.bool_), self.table
        each = None if table.each is None else table.each[rows]
        return Paired.of(np.zeros(int(rows.sum())), table.people[rows], np.asarray(table.prompt)[rows], each)

    def _prepared(self, name: str, chosen: bytes) -> tuple[Paired, Remembered, float | None]:
        data = self.on(chosen).judged(self.judges[name][np.frombuffer(chosen, np.bool_)])
        return data, Remembered(self.statistic.prepare(data)), _finite(self.statistic.of(data))


def _difference(
    sides: _Sides, first: str, second: str, level: float, method: Method, resamples: int, seed: int
) -> JudgeDifference:
    table, statistic, (mine, other) = sides.table, sides.statistic, (sides.scored[name] for name in (first, second))
    both = mine & other
    if not both.any():
        return _nothing(table, statistic, first, second, mine, other)
    data, ours, value = sides.kept(first, both.tobytes())
    second_data, theirs, second_value = sides.kept(second, both.tobytes())
    minus = Statistic(f"{statistic.name} difference", lambda _: Joint((ours, theirs), difference))
    found = estimate(minus, data, level=level, method=method, resamples=resamples, seed=seed)
    if found.value is None and data.n:
        found = replace(found, note=why_neither(statistic, {first: data, second: second_data}))
    if method == "jackknife-t":
        p = p_of_zero(found, data.prompts, level)
    else:
        p = _bootstrap_p(minus, data, found, resamples, seed)
    return JudgeDifference(
        table.axis, statistic.name, first, second, data.n, data.prompts, int((other & ~mine).sum()),
        int((mine & ~other).sum()), value, second_value, found, p,
        extras=named_extras(data.judge, second_data.judge, data.people) if statistic is PEARSON else (),
    )  # fmt: skip


def _nothing(
    table: JudgeScores, statistic: Statistic, first: str, second: str, mine: npt.NDArray[np.bool_],
    other: npt.NDArray[np.bool_],
) -> JudgeDifference:  # fmt: skip
    """Of judges that share no subject."""
    lost = int((other & ~mine).sum()), int((mine & ~other).sum())
    return JudgeDifference(
        table.axis, statistic.name, first, second, 0, 0, *lost, None, None, Estimate(None, note="no subjects"), None
    )


def p_of_zero(found: Estimate, prompts: int, level: float = 0.95) -> float | None:
    """Two-sided p of "the value is zero", from an untransformed jackknife-t interval of it: 2 P(T > |value| / se).

    None without an interval. Where all prompts say the same the spread is zero, and p is that of the sign test,
    2^(1 - P) (1 where the value is zero too): three prompts prove little, however alike.

    >>> round(p_of_zero(Estimate(1.0, 0.0, 2.0), prompts=10), 3)  # an interval that just touches zero
    0.05
    """
    if found.value is None:
        return None
    if found.note in (ALIKE, RECKONED):
        return 1.0 if abs(found.value) < 1e-12 else float(2.0 ** (1 - prompts))
    if found.low is None or found.high is None:
        return None
    if abs(found.value) < 1e-12:
        return 1.0
    freedom = int(jackknife_groups(prompts).max())
    half = (found.high - found.low) / 2
    return float(2 * stdtr(freedom, -abs(found.value) / half * stdtrit(freedom, (1 + level) / 2)))


def _bootstrap_p(minus: Statistic, data: Paired, found: Estimate, resamples: int, seed: int) -> float | None:
    """Twice the smaller share of resamples on either side of zero, those at zero counted to both; at least 2/(B+1)."""
    if found.low is None and found.note != ALIKE:
        return None
    drawn = minus.prepare(data).weighted(bootstrap_weights(data.prompts, resamples, seed))
    drawn = drawn[np.isfinite(drawn)]
    side = min(int((drawn <= 1e-12).sum()), int((drawn >= -1e-12).sum()))
    return min(1.0, 2 * (side + 1) / (len(drawn) + 1))


def holm(p: Sequence[float | None]) -> tuple[float | None, ...]:
    """Holm's (1979) adjusted p values: running maximum of (m - i) p_(i), i = 0.., at most 1; None stays None.

    >>> holm([0.01, 0.04, None, 0.03, 0.005])
    (0.03, 0.06, None, 0.06, 0.02)
    """
    order = sorted((value, place) for place, value in enumerate(p) if value is not None)
    adjusted: list[float | None] = [None] * len(p)
    largest = 0.0
    for i, (value, place) in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - i) * value))
        adjusted[place] = largest
    return tuple(adjusted)


Row = TypeVar("Row", bound=Any)


def with_holm(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The same rows with `p_holm` over all of them."""
    adjusted = holm([row.p for row in rows])
    return tuple(replace(row, p_holm=value) for row, value in zip(rows, adjusted, strict=True))


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


# Textbook tests for two correlations that share the people: named extras beside the paired cluster difference.
#
# r12 and r13 are two judges' correlations with the same people, r23 that between the judges, n the subjects. All four
# take subjects as independent; what that costs where prompts have several answers stands in docs/studies.md, "Two
# equal judges". So every result carries the warning, and `comparison` does not use them.

WARNING = "ignores prompts as clusters: too many differences are called real when a prompt has several answers"


@dataclass(frozen=True, slots=True)
class DependentTest:
    """A two-sided test or an interval of r12 - r13; None where undefined."""

    name: str
    difference: float
    statistic: float | None
    p: float | None
    low: float | None = None
    high: float | None = None
    warning: str = WARNING


def named_extras(first: npt.ArrayLike, second: npt.ArrayLike, people: npt.ArrayLike) -> tuple[DependentTest, ...]:
    """All four from scores of the same subjects; none where a side is constant, a judge copies another, or n < 4.

    >>> [t.name for t in named_extras([1, 2, 3, 4, 4], [2, 1, 3, 3, 5], [1, 2, 3, 5, 4])]
    ['williams', 'steiger', 'meng-rosenthal-rubin', 'zou']
    """
    a, b, y = (np.asarray(scores, float) for scores in (first, second, people))
    if len(y) < 4 or min(np.ptp(scores) for scores in (a, b, y)) < 1e-12:
        return ()
    table = np.corrcoef([y, a, b])
    r12, r13, r23 = float(table[0, 1]), float(table[0, 2]), float(table[1, 2])
    if determinant(r12, r13, r23) < 1e-12:
        return ()
    return tuple(test(r12, r13, r23, len(y)) for test in (williams, steiger, meng_rosenthal_rubin, zou))


def determinant(r12: float, r13: float, r23: float) -> float:
    """|R| = 1 - r12^2 - r13^2 - r23^2 + 2 r12 r13 r23; not positive where the three cannot occur together."""
    return 1 - r12**2 - r13**2 - r23**2 + 2 * r12 * r13 * r23


def williams(r12: float, r13: float, r23: float, n: int) -> DependentTest:
    """Williams (1959): t = (r12 - r13) sqrt((n-1)(1 + r23) / (2 (n-1)/(n-3) |R| + rbar^2 (1 - r23)^3)), n - 3 degrees.

    >>> round(williams(0.4, 0.5, 0.1, 103).statistic, 2)  # Steiger's case A, as the R package psych prints it
    -0.89
    """
    mean = (r12 + r13) / 2
    below = 2 * (n - 1) / (n - 3) * determinant(r12, r13, r23) + mean**2 * (1 - r23) ** 3
    t = (r12 - r13) * math.sqrt((n - 1) * (1 + r23) / below)
    return DependentTest("williams", r12 - r13, t, float(2 * stdtr(n - 3, -abs(t))))


def steiger_c(r12: float, r13: float, r23: float) -> float:
    """Covariance of the two Fisher z's, with both correlations put at their mean r (Steiger 1980):
    c = (r23 (1 - 2r^2) - r^2 (1 - 2r^2 - r23^2) / 2) / (1 - r^2)^2."""
    square = ((r12 + r13) / 2) ** 2
    return (r23 * (1 - 2 * square) - square * (1 - 2 * square - r23**2) / 2) / (1 - square) ** 2


def steiger(r12: float, r13: float, r23: float, n: int) -> DependentTest:
    """Steiger (1980): z = (atanh r12 - atanh r13) sqrt((n - 3) / (2 - 2c))."""
    z = (math.atanh(r12) - math.atanh(r13)) * math.sqrt((n - 3) / (2 - 2 * steiger_c(r12, r13, r23)))
    return DependentTest("steiger", r12 - r13, z, float(2 * ndtr(-abs(z))))


def meng_rosenthal_rubin(r12: float, r13: float, r23: float, n: int) -> DependentTest:
    """Meng, Rosenthal and Rubin (1992): z = (z12 - z13) sqrt((n - 3) / (2 (1 - r23) h)), h = (1 - f s) / (1 - s),
    f = min(1, (1 - r23) / (2 (1 - s))), s the mean of r12^2 and r13^2."""
    square = (r12**2 + r13**2) / 2
    f = min(1.0, (1 - r23) / (2 * (1 - square)))
    h = (1 - f * square) / (1 - square)
    z = (math.atanh(r12) - math.atanh(r13)) * math.sqrt((n - 3) / (2 * (1 - r23) * h))
    return DependentTest("meng-rosenthal-rubin", r12 - r13, z, float(2 * ndtr(-abs(z))))


def zou(r12: float, r13: float, r23: float, n: int, level: float = 0.95) -> DependentTest:
    """Zou (2007): interval of r12 - r13 from the two Fisher intervals (l, u) and the correlation c of the estimates:
    low = d - sqrt((r12 - l1)^2 + (u2 - r13)^2 - 2c (r12 - l1)(u2 - r13)), high likewise with u1 and l2."""
    both = (r23 - r12 * r13 / 2) * (1 - r12**2 - r13**2 - r23**2) + r23**3
    c = both / ((1 - r12**2) * (1 - r13**2))
    half = float(ndtri((1 + level) / 2)) / math.sqrt(n - 3)
    l1, u1, l2, u2 = (math.tanh(math.atanh(r) + side * half) for r in (r12, r13) for side in (-1, 1))
    low = math.sqrt((r12 - l1) ** 2 + (u2 - r13) ** 2 - 2 * c * (r12 - l1) * (u2 - r13))
    high = math.sqrt((u1 - r12) ** 2 + (r13 - l2) ** 2 - 2 * c * (u1 - r12) * (r13 - l2))
    d = r12 - r13
    return DependentTest("zou", d, None, None, d - low, d + high)


# The same answers under an old and a new judge: what moved, where, and what the leaderboard would do.

By = Literal["all", "tag", "language"]


@dataclass(frozen=True, slots=True)
class Rescored:
    """One axis of the same subjects under two judges; all of shape (subjects,). NaN where a judge gave no score."""

    axis: str
    old: Floats
    new: Floats
    prompt: npt.NDArray[Any]
    candidate: npt.NDArray[Any]
    language: Sequence[str | None] = ()
    tags: Sequence[Sequence[str]] = ()


@dataclass(frozen=True, slots=True)
class Drift:
    """New minus old over the n subjects scored by both, in points of the scale, with its interval over prompts.

    moved: share of these whose score changed at all; moved_up: share that rose. only_old, only_new: scored by one only.
    p_holm: over the axes for `by` "all"; over all tags and languages of all axes for those, which are exploratory.
    """

    axis: str
    by: By
    value: str
    n: int
    prompts: int
    drift: Estimate
    moved: float | None
    moved_up: float | None
    only_old: int
    only_new: int
    p: float | None
    p_holm: float | None = None


@dataclass(frozen=True, slots=True)
class RankMove:
    """A candidate's mean and rank (1 is best, ties share the better rank) over what both judges scored."""

    axis: str
    candidate: str
    n: int
    mean_old: float
    mean_new: float
    rank_old: int
    rank_new: int


@dataclass(frozen=True, slots=True)
class RunComparison:
    """rows: drift over all, per tag and per language of each axis. ranks: candidates, best under the old judge first.

    Ranks are those of plain means; whether two candidates can be told apart at all, the leaderboard's rank sets say.
    """

    rows: tuple[Drift, ...]
    ranks: tuple[RankMove, ...]


def compare_runs(tables: Sequence[Rescored], *, level: float = 0.95) -> RunComparison:
    """Drift of every axis, tag and language, and the candidates' ranks before and after.

    Holm's correction is over the axes, and apart from that over tags and languages: a test set with forty tags must
    not hide that the judge drifted.

    >>> old = np.array([3.0, 4, 2, 3])
    >>> table = Rescored("overall", old, old + [1, 0, 1, 1], np.arange(4), np.array(["a", "a", "b", "b"]), ["en"] * 4)
    >>> [(r.by, r.value, r.drift.value, r.moved) for r in compare_runs([table]).rows]
    [('all', '', 0.75, 0.75), ('language', 'en', 0.75, 0.75)]
    """
    rows = [_drift(table, by, value, chosen, level) for table in tables for by, value, chosen in _parts_of(table)]
    whole, parts = (with_holm([row for row in rows if (row.by == "all") == yes]) for yes in (True, False))
    adjusted = {(row.axis, row.by, row.value): row for row in (*whole, *parts)}
    rows = [adjusted[row.axis, row.by, row.value] for row in rows]
    return RunComparison(tuple(rows), tuple(move for table in tables for move in rank_moves(table)))


def _parts_of(table: Rescored) -> list[tuple[By, str, npt.NDArray[np.bool_]]]:
    parts: list[tuple[By, str, npt.NDArray[np.bool_]]] = [("all", "", np.ones(len(table.old), bool))]
    for tag in sorted({tag for tags in table.tags for tag in tags}):
        parts.append(("tag", tag, np.array([tag in tags for tags in table.tags])))
    for language in sorted({language for language in table.language if language is not None}):
        parts.append(("language", language, np.array([one == language for one in table.language])))
    return parts


def _drift(table: Rescored, by: By, value: str, chosen: npt.NDArray[np.bool_], level: float) -> Drift:
    has_old, has_new = np.isfinite(table.old) & chosen, np.isfinite(table.new) & chosen
    both = has_old & has_new
    # Judge minus people is new minus old here: the drift is the new judge's bias against the old one.
    data = Paired.of(table.new[both], table.old[both], table.prompt[both])
    found = estimate(BIAS, data, level=level)
    d = data.judge - data.people
    moved, up = (float((np.abs(d) > 1e-9).mean()), float((d > 1e-9).mean())) if data.n else (None, None)
    return Drift(
        table.axis, by, value, data.n, data.prompts, found, moved, up, int((has_old & ~has_new).sum()),
        int((has_new & ~has_old).sum()), p_of_zero(found, data.prompts, level) if data.n else None,
    )  # fmt: skip


def rank_moves(table: Rescored) -> tuple[RankMove, ...]:
    """Means and ranks of the candidates under both judges.

    >>> table = Rescored("overall", np.array([3.0, 4]), np.array([4.0, 2]), np.array([0, 0]), np.array(["a", "b"]))
    >>> [(m.candidate, m.rank_old, m.rank_new) for m in rank_moves(table)]
    [('b', 1, 2), ('a', 2, 1)]
    """
    both = np.isfinite(table.old) & np.isfinite(table.new)
    names, place = np.unique(np.asarray(table.candidate)[both], return_inverse=True)
    place = place.reshape(-1)
    if not len(names):
        return ()
    size = np.bincount(place)
    means = [np.bincount(place, scores[both]) / size for scores in (table.old, table.new)]
    # Rounded, so that equal means stay equal however they were summed.
    old, new = (stats.rankdata(-mean.round(9), method="min").astype(int) for mean in means)
    order = np.lexsort((names, old))
    return tuple(
        RankMove(
            table.axis, str(names[i]), int(size[i]), float(means[0][i]), float(means[1][i]), int(old[i]), int(new[i])
        )
        for i in order
    )
