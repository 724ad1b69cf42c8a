"""Ratings as a table that can be counted on: checked, nothing dropped in silence, nothing clamped.

`Check` says what is checked and what becomes of a row that fails. From here on a rater's score of a subject is the
mean of its ok repeats, and a judge is its signature.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import ValidationError

from wavjudge.analysis.stats.panel import Panel
from wavjudge.analysis.stats.sums import Floats, Ints, Paired
from wavjudge.analysis.tables.read import COLUMNS, Bools, among, completed, numbers, read_table
from wavjudge.errors import InputError
from wavjudge.nearest import apart, look, twins
from wavjudge.signature import REPLIED, planned, resolved_model, settled
from wavjudge.types import STATUSES, Axis, RaterKind, Scale

# The checks that a table of ratings passes: each notes what it finds, and nothing is clamped.
#
# A score that cannot stand (text, off the scale, one of two contradicting ones) leaves its row without a score, so it
# is counted as unscored and enters worst-case bounds; a row that cannot be placed at all (no item, an undeclared
# axis, another scale) is set aside. Both are a `Problem` with its number and its first cases.

SUBJECT = ["benchmark", "item_id", "candidate", "attempt", "turn"]
KEY = [*SUBJECT, "axis", "rater", "signature", "repeat"]
"""What makes two rows the same rating."""

NOUN = {"item_id": "items", "candidate": "candidates"}
SHOWN = 5

HEARING = {
    "not verified": (
        "hearing not verified",
        "scores of a judge that does not say that it heard, and whose provider counts no audio tokens",
    ),
    "judge says it heard": (
        "hearing on the judge's own word", "scores of a judge that says it heard; its provider counts no audio tokens",
    ),
}  # fmt: skip
"""What is said of the words that `judges/reading/hearing.py` writes into the column `hearing`."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a table: how many rows, what was done, and the first of them."""

    kind: str
    count: int
    what: str
    examples: tuple[str, ...] = ()

    def __str__(self) -> str:
        more = ", ..." if self.count > len(self.examples) else ""
        shown = f" ({'; '.join(self.examples)}{more})" if self.examples else ""
        return f"{self.count} x {self.kind}: {self.what}{shown}"


class Check:
    """A table on its way through the checks; each notes what it finds."""

    def __init__(self, frame: pd.DataFrame, where: str) -> None:
        self.frame, self.where, self.problems = frame, where, list[Problem]()
        self.undeclared: dict[str, tuple[int, float, float]] = {}

    def note(self, kind: str, bad: Bools, what: str, column: str = "score") -> None:
        if bad.any():
            first = self.frame[bad].head(SHOWN)
            named = tuple(
                f"row {row + 1}, {'/'.join(str(cells[name]) for name in ('item_id', 'candidate', 'axis', 'rater'))}: "
                f"{column} {cells[column]!r}"
                for row, cells in zip(first.index, first.to_dict("records"), strict=True)
            )
            self.problems.append(Problem(kind, int(bad.sum()), what, named))

    def set_aside(self, kind: str, bad: Bools, what: str, column: str) -> None:
        self.note(kind, bad, f"set aside, {what}", column)
        # The index stays: it is the row number in the file, for the problems still to be found.
        self.frame = self.frame[~bad]

    def known_words(self) -> None:
        for column, known in (("rater_kind", get_args(RaterKind)), ("status", STATUSES)):
            unknown = sorted(set(self.frame[column].unique()) - set(known))
            if unknown:
                raise InputError(f"got {column} {unknown[0]!r}, expected one of {', '.join(known)}", where=self.where)

    def unused_columns(self) -> None:
        if names := tuple(self.frame.columns[len(COLUMNS) :]):
            self.problems.append(Problem("unknown column", len(names), "not used", names[:SHOWN]))

    def heard(self) -> None:
        """Which judges' scores rest on nothing that shows that they heard; empty cells say nothing of it."""
        scored = (self.frame["status"] == "ok") & (self.frame["rater_kind"] == "model")
        for told, (kind, what) in HEARING.items():
            raters = self.frame.loc[scored & (self.frame["hearing"] == told), "rater"]
            if len(raters):
                self.problems.append(Problem(kind, len(raters), what, tuple(sorted(set(raters)))[:SHOWN]))

    def placed(self) -> None:
        for name in ("item_id", "axis", "rater"):
            self.set_aside(f"no {name}", (self.frame[name].str.strip() == "").to_numpy(bool), "it has no place", name)

    def people_named_alike(self) -> None:
        """White space around a person's name is taken off; names that differ only by case or white space are noted."""
        person = (self.frame["rater_kind"] == "person").to_numpy(bool)
        bare = {name: self.frame[name].mask(person, self.frame[name].str.strip()) for name in ("rater", "signature")}
        self.frame = self.frame.assign(**bare)  # without a signature, that is the name
        names = pd.Series(self.frame["rater"][person].unique(), dtype="str")
        plain = names.map(lambda name: "".join(look(name).split()).casefold())
        alike = [
            ", ".join(f"'{one}'" for one in apart(*sorted(own))) for _, own in names.groupby(plain) if len(own) > 1
        ]
        if alike:
            what = "counted as different people; give one person one spelling"
            self.problems.append(Problem("raters named almost alike", len(alike), what, tuple(alike[:SHOWN])))

    def names_that_look_the_same(self) -> None:
        """Items and candidates whose names only a computer can tell apart: they are counted as different ones."""
        for column in ("item_id", "candidate"):
            if same := twins(self.frame[column].unique()):
                what = "counted as different ones; write one name one way"
                shown = tuple(", ".join(f"'{one}'" for one in group) for group in same[:SHOWN])
                self.problems.append(Problem(f"{NOUN[column]} that look the same", len(same), what, shown))

    def scales(self, axes: dict[str, Axis]) -> dict[str, Axis]:
        """The axes of the table with their scales; rows of others, and rows on another scale, are set aside."""
        own = self.frame[["axis", "scale_low", "scale_high"]].drop_duplicates()
        own = own[own["scale_low"].notna() | own["scale_high"].notna()]
        found = dict(axes)
        for name, rows in own.groupby("axis"):
            if name not in axes:
                found |= self._declared_by(str(name), rows)
        known = among(self.frame["axis"], found)
        self._note_undeclared(self.frame[~known])
        first = next(iter(self.undeclared), "NAME")
        self.set_aside("undeclared axis", ~known,
                       f"declare its scale (--axis {first}=LOW..HIGH), or give it in scale_low and scale_high", "axis",
                       )  # fmt: skip
        other = np.zeros(len(self.frame), dtype=bool)
        for column in ("scale_low", "scale_high"):
            end = self._ends(found, column)
            here = self.frame[column].to_numpy(dtype=float)
            other |= ~((here == end) | (np.isnan(here) & np.isnan(end)))
        other &= self.frame[["scale_low", "scale_high"]].notna().any(axis=1).to_numpy(bool)
        self._refuse_another_scale(found, other)
        self.set_aside("other scale than declared", other, "scales are never mixed", "scale_high")
        return found

    def _refuse_another_scale(self, axes: dict[str, Axis], other: Bools) -> None:
        """A few such rows are set aside; where an axis has no others, nothing of it would be left."""
        for name, bad in pd.Series(other, index=self.frame.index).groupby(self.frame["axis"]):
            if not bad.all():
                continue
            row = self.frame.loc[bad.index[0]]
            scale, theirs = axes[str(name)].scale, f"{row['scale_low']:g}..{row['scale_high']:g}"
            ours = "..".join("open" if end is None else f"{end:g}" for end in (scale.low, scale.high))
            raise InputError(
                f"got the axis {name} on {theirs} by scale_low and scale_high (row {bad.index[0] + 1}), but it is "
                f"{ours}", where=self.where,
                todo=f"if {theirs} is right on all sides, say it: --axis {name}={theirs}; otherwise bring the scores "
                     "to one scale, or correct the columns",
            )  # fmt: skip

    def _note_undeclared(self, rows: pd.DataFrame) -> None:
        score = pd.Series(numbers(rows["score"])[0], index=rows.index)
        for name, own in score.groupby(rows["axis"].astype("str")):
            self.undeclared[str(name)] = (len(own), float(own.min()), float(own.max()))

    def _declared_by(self, name: str, rows: pd.DataFrame) -> dict[str, Axis]:
        if len(rows) > 1:
            spans = [f"{row.scale_low:g}..{row.scale_high:g}" for row in rows.itertuples()]
            raise InputError(f"got the axis {name} on {len(rows)} scales ({', '.join(spans[:SHOWN])}), expected one",
                             todo="declare the axis, or split the table", where=self.where)  # fmt: skip
        low, high = (
            None if np.isnan(rows[end].iloc[0]) else float(rows[end].iloc[0]) for end in ("scale_low", "scale_high")
        )
        if low is not None and high is not None and low >= high:
            raise InputError(f"got scale_low {low:g}, which is not below scale_high {high:g}, for the axis {name}, row "
                             f"{rows.index[0] + 1}", todo="scale_low is the worse end, scale_high the better one",
                             where=self.where)  # fmt: skip
        try:
            return {name: Axis(name=name, scale=Scale(low=low, high=high))}
        except ValidationError:
            return {}  # no name of an axis, or ends in the wrong order: undeclared

    def _ends(self, axes: dict[str, Axis], column: str) -> Floats:
        ends = {name: getattr(axis.scale, column.removeprefix("scale_")) for name, axis in axes.items()}
        return self.frame["axis"].map({n: np.nan if e is None else e for n, e in ends.items()}).to_numpy(dtype=float)

    def scores(self, axes: dict[str, Axis]) -> None:
        """Take away what cannot stand as a score; its status then says that there is none."""
        score, is_text = numbers(self.frame["score"])
        ok = (self.frame["status"] == "ok").to_numpy(bool)
        stands = ~np.isnan(score)
        low, high = self._ends(axes, "scale_low"), self._ends(axes, "scale_high")
        off = (score < low) | (score > high)
        self.note("score that is no number", is_text, "unparseable, counted as unscored")
        self.note("score off the scale", off, "never clamped: unparseable, counted as unscored")
        self.note("score without status ok", stands & ~ok & ~off, "the status stands, counted as unscored", "status")
        self.note("status ok without score", ok & ~stands & ~is_text, "unparseable, counted as unscored")
        keep = stands & ok & ~off
        status = self.frame["status"].mask(pd.Series(ok & ~keep, self.frame.index), "unparseable")
        self.frame = self.frame.assign(score=np.where(keep, score, np.nan), status=status, off_scale=off & ok)

    def settled_signatures(self) -> None:
        """A call that failed before the model was named counts for the judge that it was sent to; where several models
        answered under that name, for none of them."""
        replied = set(self.frame["signature"][self.frame["status"].isin(REPLIED)].unique())
        homes = settled(self.frame["signature"].unique(), replied)
        self.frame = self.frame.assign(signature=self.frame["signature"].map(homes))
        several = {planned(home) for home in homes.values() if resolved_model(home) is not None}
        nobodys = self.frame["signature"].isin((several - replied) & set(homes.values())).to_numpy(bool)
        self.set_aside("failed call of one of several models", nobodys, "nobody knows whose it was", "status")

    def duplicates(self) -> None:
        """Equal duplicates are one rating. Of contradicting ones none stands: which comes first is an accident of file
        order, and a mean would make repeats of what does not claim to be any."""
        # Of equal ones the fresh reply stays, whatever their order.
        cached = self.frame["cached"].fillna(False).astype(bool)
        if cached.any():
            cached = cached.groupby([self.frame[name] for name in KEY]).transform("min")
        self.frame = self.frame.assign(cached=cached)
        extra = self.frame.duplicated([*KEY, "score", "status", "rater_kind"]).to_numpy(bool)
        self.note("equal duplicate", extra, "counted once")
        self.frame = self.frame[~extra]
        against = self.frame.duplicated(KEY, keep=False).to_numpy(bool)
        self.note(
            "contradicting duplicate", against, "none stands, counted as one unscored; number repeats in `repeat`"
        )
        void = pd.Series(against, self.frame.index)
        score, status = self.frame["score"].mask(void), self.frame["status"].mask(void, "unparseable")
        self.frame = self.frame.assign(score=score, status=status)[~self.frame.duplicated(KEY).to_numpy(bool)]


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
