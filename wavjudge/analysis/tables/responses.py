"""What candidates answered, and what they failed to answer: the other half of a leaderboard's data."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from wavjudge.analysis.tables.ratings import SUBJECT, Ratings, joined, table_sha256
from wavjudge.analysis.tables.read import texts
from wavjudge.errors import InputError
from wavjudge.types import OUTCOMES

ANSWER = ["benchmark", "item_id", "candidate", "attempt"]
"""What names a response; one response may be rated at several turns."""

_REQUIRED = ("benchmark", "item_id", "candidate")


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Responses: `ANSWER`, status, seconds, usd. `failed`: the failed ones as subjects, at each turn at which anybody's
    answer to that item was rated (turn 0 if nobody's was), because that is where their scores are missing."""

    table: pd.DataFrame
    failed: pd.DataFrame
    known: bool

    @classmethod
    def of(cls, responses: pd.DataFrame | None, rated: pd.DataFrame) -> Answers:
        """From a table of responses; without one, from what was rated (per-subject rows)."""
        table = completed(rated[ANSWER].drop_duplicates() if responses is None else responses)
        turns = rated[["benchmark", "item_id", "turn"]].drop_duplicates()
        failed = joined(table[table["status"] != "ok"][ANSWER], turns, ["benchmark", "item_id"], "left")
        failed["turn"] = failed["turn"].fillna(0).astype("int64")
        return cls(table, failed[SUBJECT], responses is not None)

    @property
    def benchmarks(self) -> list[str]:
        return sorted(self.table["benchmark"].unique())

    def n_items(self, benchmark: str) -> int:
        """The items of one benchmark that any candidate was asked."""
        return int(self.table["item_id"][self.table["benchmark"] == benchmark].nunique())

    def by_candidate(self, benchmark: str) -> Iterator[tuple[str, pd.DataFrame]]:
        """Each candidate with its responses to one benchmark, in the order of names."""
        here = self.table[self.table["benchmark"] == benchmark]
        for name, rows in here.groupby("candidate", sort=True):
            yield str(name), rows

    def without_failed(self, rated: pd.DataFrame) -> pd.DataFrame:
        """Ratings of answers that exist: a rating of a failed response is set aside (and noted), the failure stands;
        one of a response that the table does not hold is set aside too."""
        return rated[self._status(rated).eq("ok").to_numpy(bool)]

    def notes(self, rated: pd.DataFrame) -> list[str]:
        """What does not fit between ratings and responses, and who was not asked everything."""
        status = self._status(rated)
        unknown, failed = rated[status.isna().to_numpy(bool)], rated[(status.notna() & status.ne("ok")).to_numpy(bool)]
        found = [] if self.known else ["no table of responses: candidates' failures are not known"]
        if len(unknown):
            found.append(f"{len(unknown)} ratings of answers that the table of responses does not hold, set aside: "
                         f"{_named(unknown)}")  # fmt: skip
        if len(failed):
            found.append(f"{len(failed)} ratings of answers that failed, set aside: {_named(failed)}")
        for benchmark in self.benchmarks:
            every = self.n_items(benchmark)
            for name, rows in self.by_candidate(benchmark):
                if missing := every - rows["item_id"].nunique():
                    lost = int((rows["status"] != "ok").sum())
                    found.append(
                        f"{benchmark}: the candidate {name} has no response to {missing} of {every} items, which count "
                        f"neither for nor against it ({len(rows)} responses, {lost} failed): its mean and its rank "
                        "rest on the others, and a rank shared with another candidate does not make the two alike"
                    )
        return found

    def data_sha256(self, ratings: Ratings) -> str:
        """Of ratings and responses together, the same in any order."""
        both = ratings.data_sha256 + table_sha256(self.table, ANSWER)
        return hashlib.sha256(both.encode()).hexdigest()

    def _status(self, rated: pd.DataFrame) -> pd.Series[str]:
        return joined(rated[ANSWER], self.table[[*ANSWER, "status"]], ANSWER, "left")["status"]


def completed(frame: pd.DataFrame) -> pd.DataFrame:
    """A table of responses with every column, checked: known statuses, one row a response.

    >>> completed(pd.DataFrame({"benchmark": "b", "item_id": [1], "candidate": "c"})).to_dict("records")
    [{'benchmark': 'b', 'item_id': '1', 'candidate': 'c', 'attempt': 0, 'status': 'ok', 'seconds': nan, 'usd': nan}]
    """
    if missing := [name for name in _REQUIRED if name not in frame.columns]:
        raise InputError(f"got responses without {', '.join(missing)}, expected {', '.join(_REQUIRED)}")
    frame = frame.reset_index(drop=True)
    table = pd.DataFrame({name: texts(frame, name) for name in _REQUIRED})
    table["attempt"] = frame["attempt"].astype("int64") if "attempt" in frame else 0
    table["status"] = texts(frame, "status").replace("", "ok")
    for name in ("seconds", "usd"):
        table[name] = frame[name].astype("float64") if name in frame else np.nan
    if unknown := sorted(set(table["status"].unique()) - set(OUTCOMES)):
        raise InputError(f"got the status {unknown[0]!r} of a response, expected one of {', '.join(OUTCOMES)}")
    if table.duplicated(ANSWER).any():
        again = table[table.duplicated(ANSWER)]
        raise InputError(f"got {len(again)} responses twice, expected one row each: {_named(again)}")
    return table


def _named(rows: pd.DataFrame) -> str:
    first = [f"{cells['item_id']}/{cells['candidate']}" for cells in rows.head(3).to_dict("records")]
    return ", ".join(first) + (", ..." if len(rows) > 3 else "")
