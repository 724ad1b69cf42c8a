"""Labels put beside the ratings of the same answers: what must agree first, and what short tables leave out."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from wavjudge.analysis.tables.axis_names import shared_axes
from wavjudge.analysis.tables.ratings import SUBJECT, Problem, Ratings, subject_names
from wavjudge.errors import InputError
from wavjudge.types import RaterKind

_MAY_BE_UNSAID = ("benchmark", "candidate")


def matched(ratings: Ratings, labels: Ratings, kind: RaterKind = "person") -> Ratings:
    """The labels as they fit to the ratings. kind: of the raters whose labels they are.

    Labels that nowhere name a benchmark, or a candidate, are of the ratings' one. Raises `InputError` where the ratings
    are of several, where no axis is both rated and labelled or an axis is on two scales, and where no answer is both.

    >>> from wavjudge.types import Axis; axes = [Axis(name="overall")]
    >>> table = pd.DataFrame({"item_id": ["1"], "axis": "overall", "rater": "gpt", "score": [4]})
    >>> people = Ratings.of(table.assign(rater="ann", rater_kind="person"), axes)
    >>> fitting = matched(Ratings.of(table.assign(benchmark="mine", candidate="a"), axes), people)
    >>> fitting.frame[["benchmark", "candidate"]].to_dict("records")
    [{'benchmark': 'mine', 'candidate': 'a'}]
    >>> print(*fitting.problems, sep="; ")
    1 x no benchmark: taken for labels of 'mine'; 1 x no candidate: taken for labels of 'a'
    """
    shared_axes(ratings, labels, kind)
    _same_scales(ratings, labels)
    for column in _MAY_BE_UNSAID:
        labels = _placed(labels, ratings, column)
    if len(ratings.frame) and len(labels.frame):
        _not_strangers(ratings.frame, labels.frame)
    return labels


def _same_scales(ratings: Ratings, labels: Ratings) -> None:
    for axis in set(ratings.axes) & set(labels.axes):
        ours, theirs = ratings.axes[axis].scale, labels.axes[axis].scale
        if (ours.low, ours.high) != (theirs.low, theirs.high):
            raise InputError(f"got the axis {axis!r} on {ours.low}..{ours.high} by judges and on "
                             f"{theirs.low}..{theirs.high} by people", where=labels.where,
                             todo="scales are never mixed: bring one side to the other's scale")  # fmt: skip


def _placed(labels: Ratings, ratings: Ratings, column: str) -> Ratings:
    names = sorted(ratings.frame[column].astype("str").unique())
    if not len(labels.frame) or labels.frame[column].ne("").any() or names in ([], [""]):
        return labels
    if len(names) > 1:
        shown = ", ".join(map(repr, names[:4])) + (", ..." if len(names) > 4 else "")
        raise InputError(f"got labels without a {column}, and ratings of {len(names)} ({shown})",
                         todo=f"give the table of labels a column {column}")  # fmt: skip
    note = Problem(f"no {column}", len(labels.frame), f"taken for labels of {names[0]!r}")
    return replace(labels, frame=labels.frame.assign(**{column: names[0]}), problems=(*labels.problems, note))


def _least(names: pd.Series) -> object:
    """The least, not the first: rows stand in the order in which calls came back, which is another each time."""
    return min(names.unique(), key=str)


def _not_strangers(rated: pd.DataFrame, labelled: pd.DataFrame) -> None:
    """Refuse labels none of whose answers is rated, and say which column it is that differs."""
    ours, theirs = (pd.MultiIndex.from_frame(table[SUBJECT]) for table in (rated, labelled))
    if ours.isin(theirs).any():
        return
    apart = [name for name in SUBJECT if not set(rated[name]) & set(labelled[name])]
    told = [f"{name} {_least(rated[name])!r} by judges, {_least(labelled[name])!r} by people" for name in apart]
    first = (
        "; ".join(told)
        or f"{subject_names(rated.head(1))[0]} by judges, {subject_names(labelled.head(1))[0]} by people"
    )
    raise InputError(
        f"got no answer that is both rated and labelled; the first: {first}",
        todo=f"answers are matched by {', '.join(SUBJECT)}: give them the same names on both sides",
    )
