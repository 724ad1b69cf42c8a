"""The same answers under an old and a new judge: what moved, where, and what the leaderboard would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

from wavjudge.analysis.stats.agreement import BIAS
from wavjudge.analysis.stats.intervals import Estimate, estimate
from wavjudge.analysis.stats.paired import p_of_zero, with_holm
from wavjudge.analysis.stats.sums import Floats, Paired

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
