"""The same answers in two tables of ratings, an old judge's and a new one's, laid side by side for `drift`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from wavjudge.analysis.leaderboard.leaderboard import judged_by
from wavjudge.analysis.stats.paired import Rescored, RunComparison, compare_runs
from wavjudge.analysis.tables.ratings import SUBJECT, Ratings, prompt_numbers, subject_names
from wavjudge.errors import InputError

SubjectKey = tuple[str, str, str, int, int]
"""The columns of `SUBJECT`."""


@dataclass(frozen=True, slots=True)
class About:
    """What is known of an answer beside its ratings: tags, and the language of its item."""

    tags: tuple[str, ...] = ()
    language: str | None = None


@dataclass(frozen=True, slots=True)
class RunPair:
    """old, new: rater and signature by axis. only_old, only_new: answers that only one table has ratings of, by axis.

    data_sha256: of the old table and of the new one.
    """

    found: RunComparison
    old: Mapping[str, tuple[str, str]]
    new: Mapping[str, tuple[str, str]]
    only_old: Mapping[str, tuple[str, ...]]
    only_new: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...]
    data_sha256: tuple[str, str]


def run_pair(
    old: Ratings, new: Ratings, *, axes: Collection[str] = (), old_judge: str | None = None,
    new_judge: str | None = None, about: Mapping[SubjectKey, About] | None = None, notes: Sequence[str] = (),
) -> RunPair:  # fmt: skip
    """New minus old on every axis that both tables have (or on `axes`).

    axes: by default those a judge rated in both; the instruments' only when named, or when there are no others.
    old_judge, new_judge: rater or signature, where a table has several judges of one axis. about: by subject.

    >>> from wavjudge.types import Axis
    >>> table = pd.DataFrame({"item_id": list("1234"), "axis": "overall", "rater": "m", "score": [2, 3, 3, 4]})
    >>> old, new = (Ratings.of(one, [Axis(name="overall")]) for one in (table, table.assign(score=[3, 4, 3, 5])))
    >>> [row] = run_pair(old, new).found.rows
    >>> row.drift.value, row.moved, row.n
    (0.75, 0.75, 4)
    """
    _same_scales(old, new)
    ours, theirs = _of_judge(old, old_judge, "old"), _of_judge(new, new_judge, "new")
    chosen = _axes(axes, ours, theirs)
    tables: list[Rescored] = []
    only: tuple[dict[str, tuple[str, ...]], ...] = ({}, {})
    for axis in chosen:
        both = _side_by_side(ours[ours["axis"] == axis], theirs[theirs["axis"] == axis])
        for found, side in zip(only, ("left_only", "right_only"), strict=True):
            found[axis] = tuple(subject_names(both[both["_merge"] == side]))
        tables.append(_rescored(axis, both, about or {}))
    if not any((np.isfinite(table.old) & np.isfinite(table.new)).any() for table in tables):
        raise InputError("got no answer that both judges scored, expected two ratings of the same answers",
                         todo="answers are matched by benchmark, item_id, candidate, attempt and turn")  # fmt: skip
    told = [f"{side}: {one}" for side, side_of in (("old", old), ("new", new)) for one in side_of.problems]
    return RunPair(compare_runs(tables), _who(ours, chosen), _who(theirs, chosen), only[0], only[1],
                   (*notes, *told), (old.data_sha256, new.data_sha256))  # fmt: skip


def _of_judge(ratings: Ratings, judge: str | None, side: str) -> pd.DataFrame:
    """Per-subject rows of one judge, named by its rater or its signature."""
    by_signature = judge is not None and judge in set(ratings.frame["signature"].unique())
    try:
        if by_signature:
            return judged_by(ratings, None, [judge])  # type: ignore[list-item]
        return judged_by(ratings, judge, None)
    except InputError as error:
        todo = f"choose one with --{side}-judge, by its name or its signature"
        raise InputError(error.problem, todo=todo, where=f"the {side} ratings") from error


def _axes(asked: Collection[str], old: pd.DataFrame, new: pd.DataFrame) -> list[str]:
    both = sorted(set(old["axis"].unique()) & set(new["axis"].unique()))
    if not both:
        raise InputError(f"got old ratings of {sorted(set(old['axis']))} and new ones of {sorted(set(new['axis']))}, "
                         "expected an axis in both")  # fmt: skip
    if missing := [name for name in asked if name not in both]:
        raise InputError(f"got the axis {missing[0]}, expected one that both have: {', '.join(both)}")
    measured = {axis for side in (old, new) for axis in side["axis"][side["rater_kind"] == "instrument"]}
    return list(dict.fromkeys(asked)) or [name for name in both if name not in measured] or both


def _side_by_side(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    sides = (side[[*SUBJECT, "score"]] for side in (old, new))
    left, right = sides
    both = left.merge(right, on=SUBJECT, how="outer", suffixes=("_old", "_new"), indicator=True)
    return both.sort_values(SUBJECT, ignore_index=True)


def _rescored(axis: str, both: pd.DataFrame, about: Mapping[SubjectKey, About]) -> Rescored:
    known = [about.get(key, About()) for key in both[SUBJECT].itertuples(index=False, name=None)]
    return Rescored(
        axis, both["score_old"].to_numpy(float), both["score_new"].to_numpy(float), prompt_numbers(both),
        both["candidate"].to_numpy(str), [one.language for one in known], [one.tags for one in known],
    )  # fmt: skip


def _who(rows: pd.DataFrame, axes: Collection[str]) -> dict[str, tuple[str, str]]:
    """Rater and signature by axis; several where benchmarks were rated by several."""
    named = {axis: rows[rows["axis"] == axis] for axis in axes}
    return {axis: ("; ".join(sorted(set(own["rater"].unique()))), "; ".join(sorted(set(own["signature"].unique()))))
            for axis, own in named.items()}  # fmt: skip


def _same_scales(old: Ratings, new: Ratings) -> None:
    for axis in sorted(set(old.axes) & set(new.axes)):
        ours, theirs = old.axes[axis].scale, new.axes[axis].scale
        if (ours.low, ours.high) != (theirs.low, theirs.high):
            raise InputError(f"got the axis {axis!r} on {ours.low}..{ours.high} in the old ratings and on "
                             f"{theirs.low}..{theirs.high} in the new ones", todo="scales are never mixed")  # fmt: skip
