"""The checks that a table of ratings passes: each notes what it finds, and nothing is clamped.

A score that cannot stand (text, off the scale, one of two contradicting ones) leaves its row without a score, so it is
counted as unscored and enters worst-case bounds; a row that cannot be placed at all (no item, an undeclared axis,
another scale) is set aside. Both are a `Problem` with its number and its first cases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np
import pandas as pd
from pydantic import ValidationError

from wavjudge.analysis.stats.sums import Floats
from wavjudge.analysis.tables.read import COLUMNS, Bools, among, numbers
from wavjudge.errors import InputError
from wavjudge.signature import REPLIED, planned, resolved_model, settled
from wavjudge.spelling import apart, look, twins
from wavjudge.types import STATUSES, Axis, RaterKind, Scale

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
"""What is said of the words that `judge/hearing.py` writes into the column `hearing`."""


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
