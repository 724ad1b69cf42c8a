"""Which of two judges agrees better with people: paired differences over prompts, with Holm's correction.

Two judges of the same answers share those answers' luck, so their statistics are compared on the subjects that both
scored, prompt by prompt: the jackknife-t of the difference (or the cluster bootstrap). Textbook tests for dependent
correlations are in `dependent`; they ignore clusters. How often each rejects a true hypothesis: docs/studies.md,
"Two equal judges".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

from wavjudge.analysis.stats.agreement import PEARSON
from wavjudge.analysis.stats.dependent import DependentTest, named_extras
from wavjudge.analysis.stats.intervals import (
    ALIKE,
    RECKONED,
    Estimate,
    Method,
    bootstrap_weights,
    estimate,
    jackknife_groups,
)
from wavjudge.analysis.stats.joint import Joint, Remembered, difference
from wavjudge.analysis.stats.sums import Floats, Paired, Prepared, Statistic
from wavjudge.analysis.stats.undefined import why_neither


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
