"""A leaderboard as records: rows of figures, each with its interval, its counts and its bounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from wavjudge.analysis.stats import rank_sets
from wavjudge.analysis.stats.intervals import Estimate
from wavjudge.analysis.stats.ppi import Correction, Design
from wavjudge.analysis.stats.rank_sets import RankSet, RankSets
from wavjudge.signature import planned

# What judging took: calls and their cost, from the usage that stands behind ratings.


@dataclass(frozen=True, slots=True)
class Spent:
    """Calls of a judge, each counted once whatever it rated; cached replies at what they cost when paid.

    usd: None where a call does not say; n_unpriced: how many do not; known_usd: the sum of the others.
    """

    usd: float | None
    known_usd: float
    calls: int
    n_unpriced: int


def spent(calls: pd.DataFrame, judges: pd.DataFrame) -> Spent:
    """The calls of these judges (rater, signature).

    calls: one row a rating with rater, signature, call (missing where nothing was sent) and usd (NaN: not known).

    >>> calls = pd.DataFrame({"rater": "m", "signature": "m|v1", "call": ["1", "1", "2", None],
    ...                       "usd": [0.5, 0.5, 0.25, float("nan")]})
    >>> spent(calls, pd.DataFrame({"rater": ["m"], "signature": ["m|v1|is:a"]}))
    Spent(usd=0.75, known_usd=0.75, calls=2, n_unpriced=0)
    """
    # A call that failed before a model was named is the judge's all the same.
    asked = set(zip(judges["rater"], judges["signature"].map(planned), strict=True))
    mine = [pair in asked for pair in zip(calls["rater"], calls["signature"].map(planned), strict=True)]
    # As an array of booleans: an empty list would choose columns, and none of them.
    usd = calls[np.array(mine, dtype=bool)].dropna(subset="call").drop_duplicates("call")["usd"]
    known, unpriced = float(usd.sum()), int(usd.isna().sum())
    return Spent(None if unpriced else known, known, len(usd), unpriced)


ESTIMATORS = ("mean.1", "jackknife-t.1", rank_sets.VERSION)
CORRECTION = "ppi++.2"


@dataclass(frozen=True, slots=True)
class Recalibrated:
    """The means of what a recalibration map makes of the scores. The intervals take the map as it is."""

    all_items: Estimate
    answered: Estimate


@dataclass(frozen=True, slots=True)
class Figure:
    """One axis of one candidate, in units of the axis.

    all_items: mean over answers and failures, failures at the scale's minimum. answered: mean over scored answers.
    n_unscored: answers that the judge gave no score; n_unrated: answers it was never asked about. lowest, highest: the
    all-items mean if all of these had been scored at an end of the scale; None at an open end. correction: by people's
    labels; None without any of this candidate on this axis. recalibrated: None without a map of this very judge.
    """

    axis: str
    all_items: Estimate
    answered: Estimate
    n_scored: int
    n_unscored: int
    n_unrated: int
    lowest: float | None
    highest: float | None
    correction: Correction | None = None
    recalibrated: Recalibrated | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One candidate on one benchmark. of_items: the items that any candidate was asked. `instruments`: mean and number
    of measured answers by axis. seconds: mean per response that says it; usd: sum over all responses, None unless every
    one says it. judging: None where the ratings do not tell of calls. `signatures`: by axis."""

    benchmark: str
    candidate: str
    n_items: int
    n_responses: int
    n_no_answer: int
    figures: tuple[Figure, ...]
    instruments: dict[str, tuple[float | None, int]]
    seconds: float | None
    usd: float | None
    signatures: dict[str, str]
    judging: Spent | None = None
    rank: RankSet | None = None
    of_items: int | None = None

    def figure(self, axis: str) -> Figure:
        return next(figure for figure in self.figures if figure.axis == axis)


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """Rows by benchmark, best first. `rank_by` was named before the data were looked at; None: not ranked.

    axes: with figures, the primary one first. ranks: the pairwise tests behind the ranks, by benchmark. design: of
    the labels, None without labels; recalibrated: kind of the maps; beside: both, for the result signature.
    """

    title: str
    rank_by: str | None
    axes: tuple[str, ...]
    instruments: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    data_sha256: str
    seed: int
    level: float
    ranks: dict[str, RankSets]
    design: Design | None = None
    recalibrated: str | None = None
    beside: tuple[str, ...] = ()

    @property
    def has_scores(self) -> bool:
        """Whether there is a mean to show: of the axis that ranks, else of any; failures of candidates count as one."""
        asked = [self.rank_by] if self.rank_by in self.axes else list(self.axes)
        judged = any(row.figure(axis).all_items.value is not None for row in self.rows for axis in asked if axis)
        return judged or (
            not asked and any(mean is not None for row in self.rows for mean, _ in row.instruments.values())
        )
