"""Judges in pairs: every two of them on the labelled answers that both scored, and which answers only one did.

A judge is a rater with its signature: two signatures of one rater are two judges. Several axes and benchmarks lie
side by side; one statistic is named beforehand and corrected over all pairs and axes, a few others are exploratory.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from wavjudge.analysis.calibration.baseline_rows import transcript_only
from wavjudge.analysis.calibration.findings import LABEL_KINDS, STATISTICS
from wavjudge.analysis.stats.agreement import BIAS, MAE, PEARSON, SPEARMAN, WITHIN_ONE
from wavjudge.analysis.stats.intervals import Method
from wavjudge.analysis.stats.paired import JudgeDifference, JudgeScores, compare_judges
from wavjudge.analysis.stats.panel import Panel
from wavjudge.analysis.stats.sums import Statistic
from wavjudge.analysis.stats.within_prompt import INTRA_ID_ZERO_FILLED
from wavjudge.analysis.tables.matching import matched
from wavjudge.analysis.tables.ratings import SUBJECT, Ratings, subject_names
from wavjudge.analysis.tables.read import among
from wavjudge.errors import InputError
from wavjudge.types import STATUSES

NOT_ASKED = "not asked"

PRIMARIES: Mapping[str, Statistic] = {one.name: one for one in STATISTICS if one is not BIAS}
"""What may be named beforehand. Bias is not among them: the more generous judge is not the better one."""

_EXPLORED = (PEARSON, SPEARMAN, INTRA_ID_ZERO_FILLED, MAE, WITHIN_ONE)


@dataclass(frozen=True, slots=True)
class Judge:
    """A rater with its signature, and a short name for tables: J1, J2 ..."""

    name: str
    rater: str
    signature: str


@dataclass(frozen=True, slots=True)
class JudgePair:
    """One statistic of two judges on one axis.

    primary: named beforehand. what_audio_adds: `second` is `first` without the answer's sound. only_first: labelled
    answers that `first` scored and `second` did not, each with the reason; only_second likewise.
    """

    found: JudgeDifference
    first: Judge
    second: Judge
    primary: bool
    what_audio_adds: bool
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JudgePairs:
    """pairs: the primary ones, by axis, then the exploratory ones in the same order. data_sha256: of both tables."""

    statistic: str
    label_kind: str
    judges: tuple[Judge, ...]
    pairs: tuple[JudgePair, ...]
    notes: tuple[str, ...]
    data_sha256: tuple[str, str]
    method: Method
    seed: int


def judge_pairs(
    ratings: Ratings, labels: Ratings, *, statistic: Statistic = PEARSON, axes: Collection[str] = (),
    label_kind: str = "human", method: Method = "jackknife-t", seed: int = 12345,
) -> JudgePairs:  # fmt: skip
    """All pairs of judges on all axes that have labels (or on `axes`).

    Raises `InputError` where nobody labelled, an axis has a single judge, or no two judges scored one labelled answer.

    >>> table = pd.DataFrame({"item_id": list("1234") * 2, "axis": "overall", "rater": list("aaaabbbb"),
    ...                       "score": [1, 2, 4, 5, 2, 1, 5, 4]})
    >>> people = table[:4].assign(rater="ann", rater_kind="person")
    >>> from wavjudge.types import Axis; scale = [Axis(name="overall")]
    >>> [pair] = judge_pairs(Ratings.of(table, scale), Ratings.of(people, scale)).pairs[:1]
    >>> pair.first.rater, pair.second.rater, pair.found.n, round(pair.found.difference.value, 2)
    ('a', 'b', 4, 0.2)
    """
    labels = matched(ratings, labels, LABEL_KINDS[label_kind])
    people = labels.people(LABEL_KINDS[label_kind])
    people = people[people["score"].notna()]
    rows = ratings.per_subject()
    rows = rows[among(rows["rater_kind"], ("model", "instrument"))]
    chosen = _chosen_axes(axes, rows, people)
    rows = rows[among(rows["axis"], chosen)]
    judges = _judges(rows)
    panels = {axis: labels.panel(axis, LABEL_KINDS[label_kind]) for axis in chosen}
    tables = [_Table.of(axis, rows[rows["axis"] == axis], *panels[axis], judges) for axis in chosen]
    tables = [table for table in tables if len(table.scores.judges) > 1]
    if not tables:
        raise InputError(f"got {_told(rows)}, expected two judges or more on an axis",
                         todo="give the other judge's ratings too (two signatures are two judges)")  # fmt: skip
    measured = (statistic, *(one for one in _EXPLORED if one is not statistic))
    pairs = tuple(pair for one in measured for pair in _pairs(tables, one, one is statistic, judges, method, seed))
    if not any(pair.found.n for pair in pairs):
        raise InputError("got no labelled answer that two judges scored, expected the same answers",
                         todo="answers are matched by benchmark, item_id, candidate, attempt and turn")  # fmt: skip
    notes = [note for axis in chosen for note in _left(axis, rows, people)]
    notes += [f"ratings: {one}" for one in ratings.problems] + [f"labels: {one}" for one in labels.problems]
    return JudgePairs(statistic.name, label_kind, tuple(judges.values()), pairs, tuple(notes),
                      (ratings.data_sha256, labels.data_sha256), method, seed)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """One axis: scores in the order of the labelled subjects; by_judge: each judge's rows in that order."""

    scores: JudgeScores
    by_judge: Mapping[str, pd.DataFrame]

    @classmethod
    def of(
        cls, axis: str, rows: pd.DataFrame, people: Panel, subjects: pd.DataFrame,
        judges: Mapping[tuple[str, str], Judge],
    ) -> _Table:  # fmt: skip
        named = {judges[str(rater), str(signed)].name: own for (rater, signed), own in _by_judge(rows)}
        order = [judge.name for judge in judges.values() if judge.name in named]
        by_judge = {name: subjects.merge(named[name], on=SUBJECT, how="left") for name in order}
        scores = {name: own["score"].to_numpy(float) for name, own in by_judge.items()}
        each = people.ratings if people.k > 1 else None
        return cls(JudgeScores(axis, scores, people.mean(), people.prompt, each), by_judge)

    def only(self, first: str, second: str) -> tuple[str, ...]:
        """Labelled answers that `first` scored and `second` did not, with the reason of `second`."""
        lost = np.isfinite(self.scores.judges[first]) & ~np.isfinite(self.scores.judges[second])
        if not lost.any():  # of a hundred judges this is asked fifty thousand times
            return ()
        rows = self.by_judge[second][lost]
        reasons = (_why(cells) for cells in rows.to_dict("records"))
        return tuple(f"{name} ({why})" for name, why in zip(subject_names(rows), reasons, strict=True))


def _pairs(
    tables: list[_Table], statistic: Statistic, primary: bool, judges: Mapping[tuple[str, str], Judge],
    method: Method, seed: int,
) -> Iterator[JudgePair]:  # fmt: skip
    found = compare_judges([table.scores for table in tables], statistic, method=method, seed=seed)
    places = [(table, *pair) for table in tables for pair in combinations(table.scores.judges, 2)]
    by_name = {judge.name: judge for judge in judges.values()}
    for row, (table, first, second) in zip(found, places, strict=True):
        yield JudgePair(
            row if primary else replace(row, p_holm=None), by_name[first], by_name[second], primary,
            transcript_only(by_name[second].signature, by_name[first].signature),
            table.only(first, second), table.only(second, first),
        )  # fmt: skip


def _chosen_axes(asked: Collection[str], rows: pd.DataFrame, people: pd.DataFrame) -> list[str]:
    both = sorted(set(rows["axis"].unique()) & set(people["axis"].unique()))
    if missing := [name for name in asked if name not in both]:
        raise InputError(f"got the axis {missing[0]}, expected one that has ratings and labels: {', '.join(both)}")
    return [name for name in both if not asked or name in asked]


def _judges(rows: pd.DataFrame) -> dict[tuple[str, str], Judge]:
    """Every judge by rater and signature; those that only read come after the judges that hear."""
    known = [(str(rater), str(signed)) for (rater, signed), _ in _by_judge(rows)]
    reads = {one: any(transcript_only(one[1], other) for _, other in known) for one in known}
    known.sort(key=lambda one: (reads[one], *one))
    return {one: Judge(f"J{number}", *one) for number, one in enumerate(known, 1)}


def _by_judge(rows: pd.DataFrame) -> Any:
    return rows.groupby(["rater", "signature"], sort=True)


def _why(cells: Mapping[Any, Any]) -> str:
    """Why a judge has no score there."""
    return ", ".join(status for status in STATUSES if cells[f"n_{status}"] > 0) or NOT_ASKED


def _left(axis: str, rows: pd.DataFrame, people: pd.DataFrame) -> Iterator[str]:
    rated = rows[(rows["axis"] == axis) & rows["score"].notna()][SUBJECT].drop_duplicates()
    labelled = people[people["axis"] == axis][SUBJECT]
    if left := len(rated) - len(rated.merge(labelled, on=SUBJECT)):
        yield f"{axis}: {left} rated answers have no label and are left out"


def _told(rows: pd.DataFrame) -> str:
    named = [f"{axis}: {rater}, {signed}" for (axis, rater, signed), _ in rows.groupby(["axis", "rater", "signature"])]
    return f"one judge ({'; '.join(named)})" if named else "no judge"
