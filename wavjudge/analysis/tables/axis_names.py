"""Which axes are both rated and labelled; and where none is, why, and what to type."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator

import pandas as pd

from wavjudge.analysis.tables.ratings import Ratings
from wavjudge.analysis.tables.read import among
from wavjudge.errors import InputError
from wavjudge.nearest import nearest
from wavjudge.types import RaterKind

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_USUAL = ((1, 5), (0, 1), (1, 10), (0, 10), (0, 100))
_SHOWN = 8
JUDGES = ("model", "instrument")


def with_scales(ratings: Ratings) -> Ratings:
    """The ratings as they are; `InputError` where not one of their axes has a scale.

    >>> table = pd.DataFrame({"item_id": ["1"], "axis": "fluency", "rater": "ann", "score": [4]})
    >>> with_scales(Ratings.of(table))
    Traceback (most recent call last):
    ...
    wavjudge.errors.InputError: no axis has a scale: 'fluency' (1 rating, from 4 to 4)
    What to do: say it, with its true ends: --axis fluency=1..5 (or columns scale_low and scale_high)
    """
    if ratings.frame.empty and ratings.undeclared:
        known = [f"{name!r} ({_seen(*ratings.undeclared[name])})" for name in ratings.undeclared]
        raise InputError(f"no axis has a scale: {_listed(known)}", where=ratings.where,
                         todo="; ".join(_remedies(ratings, ratings.axes)))  # fmt: skip
    return ratings


def shared_axes(ratings: Ratings, labels: Ratings, kind: RaterKind = "person") -> list[str]:
    """The axes that a judge rated and that raters of `kind` gave a score on, sorted. `InputError` where there is none.

    A label off the scale is counted and left out; where most of an axis are, the labels are on another scale, and what
    happens to fit into this one would be read wrongly.
    """
    refuse_no_rows(ratings)
    people, judged = _of_kind(labels, kind), ratings.frame[among(ratings.frame["rater_kind"], JUDGES)]
    if judged.empty and not ratings.undeclared:
        kinds = ", ".join(sorted(set(ratings.frame["rater_kind"].unique()))) or "none"
        raise InputError(f"got ratings without a judge's (rater_kind model or instrument; there: {kinds})",
                         where=ratings.where,
                         todo="name the judge's ratings first, people's after --labels")  # fmt: skip
    rated, labelled = set(judged["axis"].unique()), set(people["axis"][people["score"].notna()].unique())
    _on_the_scale(people[among(people["axis"], rated)], labels)
    if len(people) and not labelled:
        raise _no_score(people, labels)
    if not rated & labelled:
        raise _apart(ratings, labels, rated, labelled)
    return sorted(rated & labelled)


def refuse_no_rows(ratings: Ratings) -> None:
    """A table with only a header; one whose rows were all set aside says why by its problems."""
    set_aside = any(one.kind != "unknown column" for one in ratings.problems)
    if ratings.frame.empty and not ratings.undeclared and not set_aside:
        raise InputError("got no rows, only a header", where=ratings.where,
                         todo="a table of ratings has one row for each rating")  # fmt: skip


def _of_kind(labels: Ratings, kind: RaterKind) -> pd.DataFrame:
    refuse_no_rows(labels)
    found: pd.DataFrame = labels.frame[labels.frame["rater_kind"] == kind]
    if found.empty and not labels.undeclared:
        kinds = sorted(set(labels.frame["rater_kind"].unique()))
        todo = {
            "constructed": "give human labels (calibrate and compare judges try themselves on these with "
            "--label-kind constructed)",
            "person": "leave --label-kind out: these are human labels",
        }.get(
            kinds[0] if kinds else "", f"the labels' column rater_kind says whose they are: {kind}, or no such column"
        )
        raise InputError(
            f"got labels without a single rating of rater_kind {kind!r} (only: {', '.join(kinds) or 'none at all'})",
            where=labels.where, todo=todo,
        )  # fmt: skip
    return found


def _on_the_scale(people: pd.DataFrame, labels: Ratings) -> None:
    for axis, rows in people.groupby("axis"):
        off, on = int(rows["off_scale"].sum()), int(rows["score"].notna().sum())
        if off > on:
            scale = labels.axes[str(axis)].scale
            raise InputError(
                f"got {off} of {off + on} labels off the scale of {axis}, {scale.low:g}..{scale.high:g}: they are on "
                f"another{_first(labels, 'score off the scale')}", where=labels.where,
                todo=f"bring the labels to {scale.low:g}..{scale.high:g}, or, if labels and ratings are both on "
                     f"another scale, say it: --axis {axis}=LOW..HIGH",
            )  # fmt: skip


def _no_score(people: pd.DataFrame, labels: Ratings) -> InputError:
    why = _first(labels, "score that is no number") or _first(labels, "contradicting duplicate")
    counts = people["status"].value_counts()
    told = ", ".join(f"{count} {status}" for status, count in counts.items())
    return InputError(f"got {len(people)} labels and not one score ({told}){why}", where=labels.where,
                      todo="the column score holds numbers, such as 4 or 4.5")  # fmt: skip


def _first(labels: Ratings, kind: str) -> str:
    """The first case of a problem of the table, as the end of a sentence."""
    return next((f"; the first: {one.examples[0]}" for one in labels.problems if one.kind == kind and one.examples), "")


def _apart(ratings: Ratings, labels: Ratings, rated: set[str], labelled: set[str]) -> InputError:
    sides = (("judges rated", rated, ratings), ("people labelled", labelled, labels))
    told = [f"{side} {_listed([*map(repr, sorted(own)), *(f'{name!r} (no scale)' for name in table.undeclared)])}"
            for side, own, table in sides]  # fmt: skip
    ours, theirs = [*rated, *ratings.undeclared], [*labelled, *labels.undeclared]
    todo = [*_renamed(theirs, ours, "rated"), *_scales(ratings, theirs), *_scales(labels, ours)]
    return InputError(
        f"got no axis that is both rated and labelled: {', '.join(told)}", where=labels.where,
        todo="; ".join(dict.fromkeys(todo)) or "axes are matched by name: give labels of an axis that judges rated",
    )  # fmt: skip


def _remedies(ratings: Ratings, known: Iterable[str]) -> list[str]:
    others = [name for name in known if name not in ratings.undeclared]
    renamed = list(_renamed(ratings.undeclared, others, "known"))
    return renamed or list(_scales(ratings, ratings.undeclared))


def _renamed(names: Iterable[str], others: Collection[str], what: str) -> Iterator[str]:
    """The nearest of the others for names that none of them has."""
    plain = {one.lower(): one for one in others}
    for name in names:
        near = difflib.get_close_matches(name.strip().lower().replace(" ", "_"), plain, 1, cutoff=0.7)
        if near and plain[near[0]] != name:
            yield f"{name!r} is perhaps {plain[near[0]]!r}, which is {what}: give both one name"


def _scales(ratings: Ratings, wanted: Collection[str]) -> Iterator[str]:
    """What to type for the axes without a scale that are wanted."""
    for name, (_, low, high) in ratings.undeclared.items():
        if name not in wanted:
            continue
        if not _NAME.fullmatch(name):
            yield f"{name!r} is no name of an axis: lower-case letters, digits and _, such as {plain_name(name)!r}"
        else:
            yield f"say it, with its true ends: --axis {name}={_ends(low, high)} (or columns scale_low and scale_high)"


def refuse_unknown(name: str, known: Collection[str], *tables: Ratings) -> None:
    """`InputError` for an axis that is asked for and not among the known ones: the scale it lacks, or the nearest."""
    if name in known:
        return
    lacking = [line for table in tables for line in _scales(table, [name])]
    near = nearest(name.strip().lower().replace(" ", "_"), known)
    raise InputError(
        f"got the axis {name!r}{', which has no scale' if lacking else ''}, expected one of "
        f"{', '.join(sorted(known)) or '(none has a scale and ratings on all sides)'}",
        todo=lacking[0] if lacking else f"did you mean {near!r}?" if near else "name one of these",
    )


def plain_name(name: str) -> str:
    """The nearest name that an axis may have."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_0123456789")[:40] or "naturalness"


def _ends(low: float, high: float) -> str:
    """The first usual scale that the scores fit into, or else their own ends."""
    if low != low:
        return "LOW..HIGH"
    ends = next(((a, b) for a, b in _USUAL if a <= low and high <= b), (low, high))
    return f"{ends[0]:g}..{ends[1]:g}"


def _seen(count: int, low: float, high: float) -> str:
    many = f"{count} rating{'s' if count > 1 else ''}"
    return many if low != low else f"{many}, from {low:g} to {high:g}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (", ".join(names[:_SHOWN]) or "none") + more
