"""Ratings as a table that can be counted on: checked, nothing dropped in silence, nothing clamped.

`checks.py` says what is checked and what becomes of a row that fails. From here on a rater's score of a subject is the
mean of its ok repeats, and a judge is its signature.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from wavjudge.analysis.stats.panel import Panel
from wavjudge.analysis.stats.sums import Ints, Paired
from wavjudge.analysis.tables.checks import KEY, SHOWN, SUBJECT, Check, Problem
from wavjudge.analysis.tables.read import completed, read_table
from wavjudge.errors import InputError
from wavjudge.types import STATUSES, Axis, RaterKind

__all__ = [
    "PROMPT", "RATED", "SUBJECT", "Problem", "Ratings", "Unpaired", "paired", "prompt_labels", "prompt_numbers",
    "read_table", "subject_names",
]  # fmt: skip

PROMPT = ["benchmark", "item_id", "turn"]
"""The cluster of all statistics: answers to one prompt are not independent, prompts are."""

RATED = [*SUBJECT, "axis", "rater", "rater_kind", "signature"]
"""What a mean over repeats is of: a judge is its signature, not its name alone."""

_KEPT = [*RATED, "repeat", "score", "status", "off_scale", "cached"]
_PIECE = 50_000


@dataclass(frozen=True, eq=False)
class Ratings:
    """One row a rating, one rating a (subject, axis, rater, signature, repeat); `score` is NaN unless status is ok.

    `cached`: its reply is known to come from the reply cache. undeclared: axes without a scale, whose rows were set
    aside: how many, lowest and highest score (NaN without one). where: the file or files, for messages.
    """

    frame: pd.DataFrame
    axes: dict[str, Axis]
    problems: tuple[Problem, ...] = ()
    undeclared: Mapping[str, tuple[int, float, float]] = field(default_factory=dict)
    where: str = ""

    @classmethod
    def of(
        cls, frame: pd.DataFrame, axes: Iterable[Axis] = (), *, rater_kind: RaterKind = "model", where: str = ""
    ) -> Ratings:
        """Checked ratings from a table with the columns of `wavjudge export`, of which four are required.

        axes: declared ones. A row's own scale declares an axis too; two scales of one axis are never mixed: rows that
        contradict the declared one are set aside, and without a declared one it is an `InputError`.

        >>> table = pd.DataFrame({"item_id": ["1", "1", "2"], "axis": "overall", "rater": "ann", "score": [4, 5, 9]})
        >>> for problem in Ratings.of(table, [Axis(name="overall")]).problems: print(problem.kind, problem.count)
        score off the scale 1
        contradicting duplicate 2
        """
        checked = Check(completed(frame, rater_kind=rater_kind, where=where), where)
        checked.known_words()
        checked.unused_columns()
        checked.heard()
        checked.placed()
        checked.people_named_alike()
        checked.names_that_look_the_same()
        found = checked.scales({axis.name: axis for axis in axes})
        checked.scores(found)
        checked.settled_signatures()
        checked.duplicates()
        kept = checked.frame[_KEPT].reset_index(drop=True)
        return cls(kept, found, tuple(checked.problems), checked.undeclared, where)

    def per_subject(self) -> pd.DataFrame:
        """One row a subject, axis, rater and signature: `score` the mean of the ok repeats (NaN without one), `n_ok`,
        `n_unscored`, and of the latter `n_unparseable`, `n_refused` and so on by status."""
        counted = self.frame[[*RATED, "score"]].copy()
        for status in STATUSES:
            counted[f"n_{status}"] = (self.frame["status"] == status).astype("int64")
        grouped = counted.groupby(RATED, as_index=False, dropna=False)
        table: pd.DataFrame = grouped["score"].mean().assign(**grouped[[f"n_{status}" for status in STATUSES]].sum())
        table.insert(len(RATED) + 2, "n_unscored", table[[f"n_{s}" for s in STATUSES if s != "ok"]].sum(axis=1))
        return table

    def people(self, kind: RaterKind = "person") -> pd.DataFrame:
        """One row a subject and axis: `score` the mean over people of each one's mean of repeats, `n_raters` that gave
        one, `n_unscored` people who gave none. kind: "constructed" for labels that were made, not heard."""
        rows = self.per_subject()
        rows = rows[rows["rater_kind"] == kind]
        each = rows.groupby([*SUBJECT, "axis", "rater"], as_index=False, dropna=False)["score"].mean()
        grouped = each.groupby([*SUBJECT, "axis"], as_index=False, dropna=False)["score"]
        table: pd.DataFrame = grouped.mean()
        table["n_raters"] = grouped.count()["score"]
        table["n_unscored"] = grouped.size()["size"] - table["n_raters"]
        return table

    def panel(self, axis: str, kind: RaterKind = "person") -> tuple[Panel, pd.DataFrame]:
        """The same one column a rater, for one axis; and the subjects of its rows, in the order of `SUBJECT`."""
        rows = self.per_subject()
        rows = rows[(rows["axis"] == axis) & (rows["rater_kind"] == kind)]
        wide, subjects = spread(rows, "rater")
        return Panel.of(wide.to_numpy(float), prompt_numbers(subjects), tuple(map(str, wide.columns))), subjects

    def only(self, **values: str) -> Ratings:
        """The rows with these values, such as ``only(axis="overall", rater="gemini")``; problems stay."""
        chosen = np.ones(len(self.frame), dtype=bool)
        for name, value in values.items():
            chosen &= (self.frame[name] == value).to_numpy(bool)
        return replace(self, frame=self.frame[chosen].reset_index(drop=True))

    def judges(self) -> pd.DataFrame:
        """Who rated what: one row an axis, rater, kind and signature, with the number of ratings."""
        return self.frame.groupby(["axis", "rater", "rater_kind", "signature"], as_index=False).size()

    @cached_property
    def data_sha256(self) -> str:
        """Of the checked rows in canonical order: the same for the same ratings in any file, format and order, and for
        the same replies from a cache."""
        return table_sha256(self.frame.drop(columns="cached"), KEY)


def table_sha256(table: pd.DataFrame, key: list[str]) -> str:
    """Of a table as CSV text, its rows in the order of `key`."""
    rows, digest = table.sort_values(key, kind="stable", ignore_index=True), hashlib.sha256()
    for start in range(0, max(len(rows), 1), _PIECE):
        digest.update(rows.iloc[start : start + _PIECE].to_csv(index=False, lineterminator="\n").encode())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Unpaired:
    """Subjects that are not in a pairing: rated by one side only, or tried by the other without a score.

    named: the first few of each kind that there are.
    """

    judge_only: int
    people_only: int
    judge_unscored: int
    people_unscored: int
    named: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def paired(judge: pd.DataFrame, people: pd.DataFrame) -> tuple[Paired, Unpaired]:
    """Scores of the subjects that both sides scored, with their prompts, and the counts of all others.

    Both tables have the columns of `SUBJECT` and `score`, one row a subject: one axis, and one judge signature.
    The pairs come in the order of `SUBJECT`.

    >>> table = pd.DataFrame({"benchmark": "b", "item_id": ["1", "2"], "candidate": "c", "attempt": 0, "turn": 0})
    >>> both, left = paired(table.assign(score=[3.0, np.nan]), table.assign(score=[4.0, 5.0]))
    >>> both.n, left.judge_unscored
    (1, 1)
    """
    for side, table in (("judge", judge), ("people", people)):
        if table.duplicated(SUBJECT).any():
            raise InputError(f"got two rows of one subject in the table of the {side}, expected one",
                             todo="choose one axis and one judge signature first")  # fmt: skip
    columns = [*SUBJECT, "score"]
    of_judge, of_people = (
        table[columns].rename(columns={"score": f"score_{side}"})
        for side, table in (("judge", judge), ("people", people))
    )
    both = joined(of_judge, of_people, SUBJECT, "outer")
    here, there = both["score_judge"].notna(), both["score_people"].notna()
    rated = both[here & there]
    left = _unpaired({
        "judge_only": both[here & (both["_merge"] == "left_only")],
        "people_only": both[there & (both["_merge"] == "right_only")],
        "judge_unscored": both[~here & there & (both["_merge"] == "both")],
        "people_unscored": both[here & ~there & (both["_merge"] == "both")],
    })  # fmt: skip
    scores = rated[["score_judge", "score_people"]].to_numpy(dtype=float)
    return Paired(scores[:, 0], scores[:, 1], prompt_numbers(rated)), left


def with_unscored(judge: pd.DataFrame, people: pd.DataFrame, scored: Paired) -> Paired:
    """`scored`, and beside it the labelled answers to which the judge gave no score, below all that it scored.

    For statistics that ask nothing of a judge's scores but which is the highest of a prompt.

    >>> table = pd.DataFrame({"benchmark": "b", "item_id": "1", "candidate": ["c", "d"], "attempt": 0, "turn": 0})
    >>> sides = table.assign(score=[3.0, np.nan]), table.assign(score=[4.0, 5.0])
    >>> every = with_unscored(*sides, paired(*sides)[0])
    >>> every.judge.tolist(), every.people.tolist()
    ([3.0, 2.0], [4.0, 5.0])
    """
    columns = [*SUBJECT, "score"]
    both = joined(judge[columns].rename(columns={"score": "score_judge"}), people[columns], SUBJECT, "left")
    both = both[both["score"].notna()]
    below = both["score_judge"].fillna(float(scored.judge.min()) - 1.0)
    return Paired(below.to_numpy(float), both["score"].to_numpy(float), prompt_numbers(both), scale=scored.scale)


def _unpaired(rows: Mapping[str, pd.DataFrame]) -> Unpaired:
    named = {kind: tuple(subject_names(found.head(SHOWN))) for kind, found in rows.items() if len(found)}
    return Unpaired(**{kind: len(found) for kind, found in rows.items()}, named=named)


def spread(rows: pd.DataFrame, by: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Mean scores, one row a subject that has any and one column a value of `by`; and the subjects of the rows.

    Not `pivot_table`: to keep empty columns it makes a row of every benchmark with every item of every other.
    """
    wide = rows.groupby([*SUBJECT, by], dropna=False)["score"].mean().unstack(by).dropna(how="all")
    return wide, wide.index.to_frame(index=False)


def joined(left: pd.DataFrame, right: pd.DataFrame, on: list[str], how: Literal["left", "outer"]) -> pd.DataFrame:
    """Rows of both tables side by side, with a column `_merge`: left_only, right_only or both."""
    if left.empty and right.empty:  # pandas 3 cannot join two empty columns of Arrow text
        return left.assign(**{name: right[name] for name in right.columns if name not in on}, _merge="both")
    return left.merge(right, on=on, how=how, indicator=True)


def prompt_labels(table: pd.DataFrame) -> npt.NDArray[np.object_]:
    """Each row's prompt as one text: the name that folds of recalibration maps hang on."""
    first, *others = PROMPT
    return table[first].astype("str").str.cat(table[others].astype("str"), sep="\x1f").to_numpy(object)


def prompt_numbers(table: pd.DataFrame) -> Ints:
    """The number of each row's prompt, 0..P-1, in the order of (benchmark, item_id, turn)."""
    return np.asarray(table.groupby(PROMPT, dropna=False).ngroup(), dtype=np.intp)


def subject_names(table: pd.DataFrame) -> list[str]:
    """Each subject in words for messages: item and candidate, attempt and turn where they are not the first.

    >>> subject_names(pd.DataFrame({"item_id": ["q1"], "candidate": ["a"], "attempt": [0], "turn": [2]}))
    ['q1/a, turn 2']
    """
    return [
        "/".join(filter(None, (str(cells["item_id"]), str(cells["candidate"]))))
        + "".join(f", {name} {cells[name]}" for name in ("attempt", "turn") if cells[name])
        for cells in table[["item_id", "candidate", "attempt", "turn"]].to_dict("records")
    ]
