"""Candidates in pairs under one judge: every two of them on each axis and benchmark, failures counted.

The primary figure of a pair is the mean over all items, a candidate's failures at the scale's minimum (what ranks in a
leaderboard); where the scale has no minimum it is that of the prompts both answered. Holm's correction is over all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from wavjudge.analysis.leaderboard.leaderboard import judged_by, without_a_score
from wavjudge.analysis.stats.candidates import (
    Answers,
    CandidateComparison,
    PairedMeans,
    compare_candidates,
)
from wavjudge.analysis.stats.paired import with_holm
from wavjudge.analysis.tables.ratings import SUBJECT, Ratings, joined
from wavjudge.analysis.tables.responses import Answers as Responses
from wavjudge.errors import InputError
from wavjudge.types import STATUSES, RaterKind

NOT_RATED = "not rated"


@dataclass(frozen=True, slots=True)
class CandidatePair:
    """`first` against `second` on one axis of one benchmark, by the judge with this signature."""

    benchmark: str
    axis: str
    first: str
    second: str
    rater: str
    rater_kind: RaterKind
    signature: str
    found: CandidateComparison
    p_holm: float | None = None

    @property
    def primary(self) -> PairedMeans:
        return self.found.all_items or self.found.answered

    @property
    def p(self) -> float | None:
        return self.primary.p


@dataclass(frozen=True, slots=True)
class CandidatePairs:
    """failures_known: a table of responses was there. data_sha256: of ratings and responses."""

    pairs: tuple[CandidatePair, ...]
    notes: tuple[str, ...]
    failures_known: bool
    data_sha256: str
    seed: int


def candidate_pairs(
    ratings: Ratings, responses: pd.DataFrame | None = None, *, rater: str | None = None,
    signatures: Collection[str] | None = None, axes: Collection[str] = (), first: str | None = None,
    second: str | None = None, seed: int = 12345,
) -> CandidatePairs:  # fmt: skip
    """All pairs of candidates, or those with `first`, with `second`, or of the two.

    axes: by default all that a judge rated; an instrument's axis is compared only when named. Raises `InputError` for
    two judges on one axis, a single candidate, unknown names, or no prompt that a pair has in common.

    >>> table = pd.DataFrame({"item_id": list("1234") * 2, "axis": "overall", "rater": "m", "score": [5, 4, 5, 4, 2, 2,
    ...                       3, 3], "candidate": list("aaaabbbb")})
    >>> from wavjudge.types import Axis
    >>> [pair] = candidate_pairs(Ratings.of(table, [Axis(name="overall")])).pairs
    >>> pair.first, pair.second, pair.primary.difference.value, round(pair.p_holm, 3)
    ('a', 'b', 2.0, 0.016)
    """
    rated = judged_by(ratings, rater, signatures)
    chosen = _axes(axes, rated)
    answers = Responses.of(responses, rated)
    pairs = _pairs(sorted(answers.table["candidate"].unique()), first, second)
    rows: list[CandidatePair] = []
    for (benchmark, axis), own in rated[rated["axis"].isin(chosen)].groupby(["benchmark", "axis"], sort=True):
        sides = _sides(str(benchmark), own, responses)
        who = own.iloc[0]
        rows += [
            CandidatePair(str(benchmark), str(axis), a, b, who["rater"], who["rater_kind"], who["signature"],
                          compare_candidates(sides[a], sides[b], ratings.axes[str(axis)].scale, seed=seed))
            for a, b in pairs if a in sides and b in sides
        ]  # fmt: skip
    if not any(row.primary.prompts for row in rows):
        if not (compared := rated[rated["axis"].isin(chosen)])["score"].notna().any() and len(compared):
            raise InputError(without_a_score(compared),
                             todo="read some replies of the judge (wavjudge show RUN ITEM)")  # fmt: skip
        raise InputError("got no prompt that two candidates have in common, expected answers to the same items",
                         todo="prompts are matched by benchmark, item_id and turn")  # fmt: skip
    notes = (*answers.notes(rated), *map(str, ratings.problems))
    return CandidatePairs(with_holm(rows), notes, answers.known, answers.data_sha256(ratings), seed)


def _axes(asked: Collection[str], rated: pd.DataFrame) -> list[str]:
    known = sorted(set(rated["axis"].unique()))
    if missing := [name for name in asked if name not in known]:
        raise InputError(f"got the axis {missing[0]}, expected one of {', '.join(known) or '(none)'}")
    judged = [name for name in known if (rated["rater_kind"][rated["axis"] == name] != "instrument").any()]
    if not asked and not judged:
        raise InputError(f"got no judge's ratings, only instruments' ({', '.join(known) or 'none'})",
                         todo="name the axis to compare by: --axis NAME")  # fmt: skip
    return list(dict.fromkeys(asked)) or judged


def _pairs(names: list[str], first: str | None, second: str | None) -> list[tuple[str, str]]:
    if missing := [one for one in (first, second) if one is not None and one not in names]:
        raise InputError(f"got the candidate {missing[0]!r}, expected one of {', '.join(names)}")
    if len(names) < 2 or (first is not None and first == second):
        raise InputError(f"got one candidate ({first or ', '.join(names) or 'none'}), expected two")
    if first is not None:
        return [(first, one) for one in names if one != first and second in (None, one)]
    if second is not None:
        return [(one, second) for one in names if one != second]
    return list(combinations(names, 2))


def _sides(benchmark: str, own: pd.DataFrame, responses: pd.DataFrame | None) -> dict[str, Answers]:
    """What every candidate got on one axis of one benchmark, its failures and what nobody rated among it."""
    answers = Responses.of(responses, own)
    scored = answers.without_failed(own)
    why = [next((name for name in STATUSES if cells[f"n_{name}"]), "") for cells in scored.to_dict("records")]
    words = np.where(scored["score"].notna(), "", why)
    table = scored[[*SUBJECT, "score"]].assign(failed=False, why=words)
    whole = pd.concat([table, *_without_score(benchmark, answers, own)], ignore_index=True)
    prompt = whole["item_id"] + "\x1f" + whole["turn"].astype(str)
    return {
        str(name): Answers(rows["score"].to_numpy(float), rows["failed"].to_numpy(bool), prompt[rows.index].to_numpy(),
                           rows["why"].tolist())
        for name, rows in whole.groupby("candidate", sort=True)
    }  # fmt: skip


def _without_score(benchmark: str, answers: Responses, own: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Failures with their outcome, and answers that nobody was asked about, each at the turns that were rated."""
    table = answers.table[answers.table["benchmark"] == benchmark]
    turns = own[["benchmark", "item_id", "turn"]].drop_duplicates()
    every = joined(table, turns, ["benchmark", "item_id"], "left").drop(columns="_merge")
    every["turn"] = every["turn"].fillna(0).astype("int64")
    failed = every[every["status"] != "ok"]
    yield failed[SUBJECT].assign(score=np.nan, failed=True, why=failed["status"].to_numpy())
    there = joined(every[every["status"] == "ok"], own[SUBJECT], SUBJECT, "left")
    unrated = there[there["_merge"] == "left_only"]
    yield unrated[SUBJECT].assign(score=np.nan, failed=False, why=NOT_RATED)
