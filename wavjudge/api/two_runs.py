"""Two tables or run folders with ratings of the same answers: what must not enter a figure of drift, and why.

A reply from the cache is an older reply. Where both sides asked one and the same judge it may be the very reply that it
is compared with, and would show a drift of zero: such ratings are set aside. Under another judge's signature a cached
reply is that judge's own, and stays. An answer whose recording, text or question differs between the two runs is not
the same answer, whatever it is called: set aside too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from wavjudge.analysis.compare.runs import About, SubjectKey
    from wavjudge.analysis.tables.ratings import Ratings
    from wavjudge.types import Axis, Item, Response

AnswerKey = tuple[str, str, str, int]


@dataclass(frozen=True, slots=True)
class BothRuns:
    """Ratings that may be compared, what is known of their answers, and what was set aside, in words."""

    old: Ratings
    new: Ratings
    about: Mapping[SubjectKey, About]
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Side:
    """path: as given. content: a fingerprint of each answer; empty for a table, where none is known."""

    path: Path
    frame: pd.DataFrame
    content: dict[AnswerKey, str] = field(default_factory=dict)
    items: dict[tuple[str, str], Item] = field(default_factory=dict)

    @property
    def is_run(self) -> bool:
        return bool(self.content)

    @property
    def cached(self) -> list[bool]:
        """By row: whether its reply is known to come from the cache."""
        return self.frame["cached"].eq(True).fillna(False).to_list()

    def keep(self, judge: str | None) -> None:
        """Only the ratings of this rater or signature; all of them where it is nobody's name (`run_pair` says so)."""
        own = ((self.frame["rater"] == judge) | (self.frame["signature"] == judge)).to_numpy(bool)
        if own.any():
            self.frame = self.frame[own]


def same_answers(
    old: Path, new: Path, axes: list[Axis], *, old_judge: str | None = None, new_judge: str | None = None
) -> BothRuns:
    """Both sides, checked against each other; of a judge that is named, its ratings alone.

    Raises `InputError` where nothing is left of one side.
    """
    from wavjudge.analysis.tables.ratings import Ratings

    sides = _read(old), _read(new)
    for side, judge in zip(sides, (old_judge, new_judge), strict=True):
        side.keep(judge)
    notes = [note for side in sides if not side.is_run for note in _unknown(side)]
    judges = [_judges(side.frame) for side in sides]
    changed = {key for key, said in sides[0].content.items() if sides[1].content.get(key, said) != said}
    ratings = []
    for side in sides:
        kept = _without_cached(side, set(judges[0]) & set(judges[1]), notes)
        kept = _without_changed(side, kept, changed, notes)
        ratings.append(Ratings.of(kept, axes, rater_kind="model", where=str(side.path)))
    return BothRuns(ratings[0], ratings[1], _about(*sides), tuple(dict.fromkeys(notes)))


def _read(path: Path) -> _Side:
    from wavjudge.analysis.tables.ratings import read_table
    from wavjudge.api import runs
    from wavjudge.store.answers import is_run
    from wavjudge.store.run_folder import RunFolder

    if not is_run(path):
        table = read_table(path, rater_kind="model")
        return _Side(path, table)
    scored = runs.load(path)
    side = _Side(path, scored.table())
    with RunFolder(path) as folder:
        side.items = {(item.benchmark, item.id): item for item in folder.items()}
        for response in folder.responses():
            key = response.benchmark, response.item_id, response.candidate, response.attempt
            side.content[key] = _fingerprint(response, side.items.get(key[:2]))
    return side


def _fingerprint(response: Response, item: Item | None) -> str:
    """All that a judge could be shown of an answer, without the places where files lie."""
    turns = [(said.text, said.audio.sha256 if said.audio else None) for said in response.answers]
    asked: list[Any] = []
    if item is not None:
        asked = [(said.text, said.audio.sha256 if said.audio else None) for said in (*item.history, *item.turns)]
        asked.append(item.reference)
    return json.dumps([turns, asked])


def _judges(frame: pd.DataFrame) -> list[tuple[str, str]]:
    """Axis and planned signature of each row: the model that answered may have changed behind its name."""
    from wavjudge.signature import planned

    return [(axis, planned(signed)) for axis, signed in zip(frame["axis"], frame["signature"], strict=True)]


def _without_cached(side: _Side, asked_twice: set[tuple[str, str]], notes: list[str]) -> pd.DataFrame:
    from wavjudge.errors import InputError

    judges = _judges(side.frame)
    again = [old and judge in asked_twice for old, judge in zip(side.cached, judges, strict=True)]
    if again and all(again):
        raise InputError(
            f"got {len(again)} ratings that all came from the reply cache, by a judge that both sides asked: they "
            "may be the very replies that they would be compared with",
            where=str(side.path), todo="score the answers again with --no-cache, into a new run folder",
        )  # fmt: skip
    if any(again):
        notes.append(f"{side.path}: {sum(again)} ratings from the reply cache by a judge that both sides asked, "
                     "set aside: they may be the very replies that they would be compared with")  # fmt: skip
    if kept := sum(side.cached) - sum(again):
        notes.append(f"{side.path}: {kept} ratings from the reply cache, kept: the other side asked another judge")
    return side.frame[[not one for one in again]]


def _without_changed(side: _Side, frame: pd.DataFrame, changed: set[AnswerKey], notes: list[str]) -> pd.DataFrame:
    from wavjudge.errors import InputError
    from wavjudge.reporting.table import counted, named

    keys = list(frame[["benchmark", "item_id", "candidate", "attempt"]].itertuples(index=False, name=None))
    same = [key not in changed for key in keys]
    if changed:
        names = [f"{item}/{candidate}" for _, item, candidate, _ in sorted(changed)]
        notes.append(f"different data: {counted(len(names), 'answer')} with another recording, text or question in the "
                     f"two runs, set aside: {named(names)}")  # fmt: skip
        if not any(same):
            raise InputError("got other recordings, texts or questions under the same names, expected the same answers",
                             where=str(side.path), todo="rate the answers of the one run with both judges")  # fmt: skip
    return frame[same]


def _unknown(side: _Side) -> Iterator[str]:
    calls = (side.frame["rater_kind"] == "model") & (side.frame["status"] == "ok")
    asked = ["whether its answers are those of the other side"]
    if side.frame.loc[calls, "cached"].isna().any():
        asked.insert(0, "whether its ratings came from the reply cache")
    yield f"{side.path} is a table: {', and '.join(asked)}, is not known"


def _about(*sides: _Side) -> dict[SubjectKey, About]:
    """Tags of rows and items of both sides together, and the language of the item."""
    from wavjudge.analysis.compare.runs import About
    from wavjudge.analysis.tables.ratings import SUBJECT

    tags: dict[Any, set[str]] = {}
    language: dict[Any, str | None] = {}
    for side in sides:
        for *key, said in side.frame[[*SUBJECT, "tags"]].drop_duplicates().itertuples(index=False, name=None):
            item = side.items.get((key[0], key[1]))
            tags.setdefault(tuple(key), set()).update(tag for tag in str(said).split(";") if tag)
            if item is not None:
                tags[tuple(key)] |= set(item.tags)
                language[tuple(key)] = language.get(tuple(key)) or item.language
    return {key: About(tuple(sorted(found)), language.get(key)) for key, found in tags.items()}
