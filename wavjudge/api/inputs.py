"""Ratings for the analysis commands, from run folders and flat tables alike."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wavjudge.nearest import of_path

if TYPE_CHECKING:
    import pandas as pd

    from wavjudge.analysis.compare.runs import About, SubjectKey
    from wavjudge.analysis.leaderboard.labels import Labels
    from wavjudge.analysis.tables.ratings import Ratings
    from wavjudge.errors import InputError
    from wavjudge.types import Axis, Call, Item, RaterKind, Rating, Response


def ratings(paths: Sequence[Path], *, axes: Sequence[Axis], rater_kind: RaterKind) -> Ratings:
    """All ratings of these files and run folders as one checked table."""
    import pandas as pd

    from wavjudge.analysis.tables.ratings import Ratings

    frames = [_frame(path, rater_kind) for path in paths]
    where = ", ".join(str(path) for path in paths)
    return Ratings.of(pd.concat(frames, ignore_index=True), axes, rater_kind=rater_kind, where=where)


def responses(paths: Sequence[Path]) -> pd.DataFrame | None:
    """The answers of the run folders among these paths, one row each; None where there is none."""
    import pandas as pd

    from wavjudge.api import runs
    from wavjudge.store.answers import is_run

    rows = [
        {"benchmark": r.benchmark, "item_id": r.item_id, "candidate": r.candidate, "attempt": r.attempt,
         "status": r.status, "seconds": r.seconds_taken, "usd": _cost(r.calls)}
        for path in paths if is_run(path) for r in runs.load(path).responses()
    ]  # fmt: skip
    return pd.DataFrame(rows) if rows else None


def _cost(calls: Sequence[Call]) -> float:
    """Of the calls that an answer took; NaN where one does not say, and where there are none to say it."""
    usd = [call.usage.usd for call in calls]
    return sum(filter(None, usd)) if usd and None not in usd else float("nan")


def calls(paths: Sequence[Path]) -> pd.DataFrame | None:
    """The call behind each model's rating, the superseded ones included; None unless all of these are run folders."""
    import pandas as pd

    from wavjudge.store.answers import is_run
    from wavjudge.store.run_folder import RunFolder

    if not all(is_run(path) for path in paths):
        return None
    rows = []
    for path in paths:
        with RunFolder(path) as folder:
            rows += [_call(rating) for rating in folder.ratings(superseded=True) if rating.rater_kind == "model"]
    return pd.DataFrame(rows, columns=["benchmark", "candidate", "rater", "signature", "call", "usd"])


def _call(rating: Rating) -> dict[str, object]:
    call = rating.call
    # A score without a call came from somewhere, nobody knows at what cost; another status without one was never sent.
    name = call.id if call else rating.id if rating.score is not None else None
    usd = call.usage.usd if call and call.usage.usd is not None else float("nan")
    return {"benchmark": rating.subject.benchmark, "candidate": rating.subject.candidate, "rater": rating.rater,
            "signature": rating.signature, "call": name, "usd": usd}  # fmt: skip


def labels(paths: Sequence[Path], axes: Sequence[Axis], design: str) -> Labels:
    """People's ratings of these files, and how their prompts were chosen."""
    from typing import cast, get_args

    import pandas as pd

    from wavjudge.analysis.leaderboard.labels import Labels
    from wavjudge.analysis.stats.ppi import Design
    from wavjudge.nearest import known

    known("--label-design", design, get_args(Design))
    frame = pd.concat([_frame(path, "person") for path in paths], ignore_index=True)
    return Labels.of(frame, axes, cast(Design, design), where=", ".join(str(path) for path in paths))


def lengths(paths: Sequence[Path]) -> pd.DataFrame | None:
    """Length of each answer in seconds, from run folders: the covariate of a null row."""
    import pandas as pd

    from wavjudge.api import runs
    from wavjudge.store.answers import is_run

    rows = [
        {**r.subject(turn).model_dump(), "answer length": said.audio.seconds}
        for path in paths if is_run(path) for r in runs.load(path).responses()
        for turn, said in enumerate(r.answers) if said.audio
    ]  # fmt: skip
    return pd.DataFrame(rows).drop_duplicates() if rows else None


def declared(text: Sequence[str]) -> list[Axis]:
    """Axes given as NAME=LOW..HIGH, beside the built-in three."""
    from wavjudge.analysis.tables.axis_names import plain_name
    from wavjudge.errors import InputError
    from wavjudge.types import Axis, Scale

    axes = {name: Axis(name=name) for name in ("semantic", "acoustic", "overall")}
    for one in text:
        try:
            name, ends = one.split("=", 1)
            low, high = (float(end) for end in ends.split("..", 1))
        except ValueError as error:
            todo = (
                f"the scale of {one} is known: leave --axis out; --weights chooses axes"
                if one in axes
                else "say its true ends"
            )
            raise InputError(
                f"got --axis {one!r}, expected NAME=LOW..HIGH, such as helpfulness=0..10", todo=todo
            ) from error
        if not -math.inf < low < high < math.inf:
            raise InputError(f"got --axis {one!r}, expected LOW below HIGH, both finite",
                             todo=f"say --axis {name}={high:g}..{low:g}, and higher scores are better" if high < low
                             else "such as --axis helpfulness=0..10")  # fmt: skip
        try:
            axes[name] = Axis(name=name, scale=Scale(low=low, high=high))
        except ValueError as error:
            raise InputError(
                f"got --axis {one!r}, but {name!r} is no name of an axis: names are lower-case letters, digits and _",
                todo=f"say --axis {plain_name(name)}={ends}, and call the axis so in the tables too",
            ) from error
    return list(axes.values())


def named(asked: Sequence[str] | None) -> tuple[list[str], list[Axis]]:
    """The axes asked for by bare names, which choose; and all axes with their scales (NAME=LOW..HIGH declares)."""
    given = asked or ()
    return [one for one in given if "=" not in one], declared([one for one in given if "=" in one])


def refuse_the_same(judged: Ratings, labelled: Ratings) -> None:
    """`InputError` where the judges are the people who labelled: whoever is held to himself agrees perfectly."""
    from wavjudge.analysis.tables.ratings import SUBJECT
    from wavjudge.errors import InputError

    raters = set(judged.frame["rater"])
    if not raters or not raters <= set(labelled.frame["rater"]):
        return
    given = [*SUBJECT, "axis", "rater", "score"]
    if len(judged.frame[given].merge(labelled.frame[given], on=given)) >= len(judged.frame):
        raise InputError(
            f"got the same ratings as a judge's and as people's, of {', '.join(sorted(map(str, raters))[:3])}",
            where=judged.where, todo="give the judge's ratings first (a run folder or a table), people's as --labels",
        )  # fmt: skip


def only(labelled: Ratings, names: Sequence[str], judged: Ratings) -> Ratings:
    """The labels of these axes alone; all of them where none is named.

    Raises `InputError` for a name that labels and ratings do not hold together: the nearest one that they do, or the
    scale that is missing and how it is said.
    """
    from dataclasses import replace

    from wavjudge.analysis.tables.axis_names import refuse_unknown

    if not names:
        return labelled
    both = set(labelled.frame["axis"]) & set(judged.frame["axis"])
    for name in names:
        refuse_unknown(name, both, labelled, judged)
    return replace(labelled, frame=labelled.frame[labelled.frame["axis"].isin(names)].reset_index(drop=True))


def _frame(path: Path, rater_kind: RaterKind) -> pd.DataFrame:
    import pandas as pd

    from wavjudge.analysis.tables.ratings import read_table
    from wavjudge.api import runs
    from wavjudge.errors import InputError
    from wavjudge.store.answers import is_run

    if not path.exists():
        raise InputError("got no such file or folder", todo=of_path(path), where=str(path))
    if is_run(path):
        if (frame := pd.DataFrame(runs.load(path).rows())).empty:
            raise _unrated(path)
        return frame
    if path.is_dir():
        raise InputError("got a folder without a manifest.json, expected a run folder or a table",
                         todo="name the folder that `--out` of run or score named", where=str(path))  # fmt: skip
    if (frame := read_table(path, rater_kind=rater_kind)).empty:
        raise InputError("got no rows, only a header", where=str(path), todo="a table of ratings has one row a rating")
    return frame


def _unrated(path: Path) -> InputError:
    """A run without a rating: nobody rated its answers yet, or there is no answer that could be rated."""
    from collections import Counter

    from wavjudge.api import runs
    from wavjudge.errors import InputError

    responses = list(runs.load(path).responses())
    if not responses or any(one.status == "ok" for one in responses):
        return InputError("got a run folder that holds no rating yet", where=str(path),
                          todo=f"rate its answers: wavjudge score {path} --judge SPEC")  # fmt: skip
    outcomes = Counter(one.status for one in responses)
    told = ", ".join(f"{count} {status}" for status, count in sorted(outcomes.items()))
    names = ", ".join(sorted({one.candidate for one in responses}))
    return InputError(
        f"got {len(responses)} responses of {names} and no answer among them ({told}): there is nothing to rate",
        where=str(path), todo="mend the candidate (responses.jsonl says of each what went wrong), then run the same "
        f"command with --retry-answers {','.join(sorted(outcomes))}",
    )  # fmt: skip


# Two tables or run folders with ratings of the same answers: what must not enter a figure of drift, and why.
#
# A reply from the cache is an older reply. Where both sides asked one and the same judge it may be the very reply
# that it is compared with, and would show a drift of zero: such ratings are set aside. Under another judge's
# signature a cached reply is that judge's own, and stays. An answer whose recording, text or question differs between
# the two runs is not the same answer, whatever it is called: set aside too.

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
