"""Ratings for the analysis commands, from run folders and flat tables alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wavjudge.nearest import of_path

if TYPE_CHECKING:
    import pandas as pd

    from wavjudge.analysis.leaderboard.labels import Labels
    from wavjudge.analysis.tables.ratings import Ratings
    from wavjudge.errors import InputError
    from wavjudge.types import Axis, Call, RaterKind, Rating


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
