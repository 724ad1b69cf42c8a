"""Ratings for the analysis commands, from run folders and flat tables alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from wavjudge.analysis.tables import Ratings
    from wavjudge.types import Axis, RaterKind


def ratings(paths: Sequence[Path], *, axes: Sequence[Axis], rater_kind: RaterKind) -> Ratings:
    """All ratings of these files and run folders as one checked table."""
    import pandas as pd

    from wavjudge.analysis.tables import Ratings

    frames = [_frame(path, rater_kind) for path in paths]
    where = ", ".join(str(path) for path in paths)
    return Ratings.of(pd.concat(frames, ignore_index=True), axes, rater_kind=rater_kind, where=where)


def responses(paths: Sequence[Path]) -> pd.DataFrame | None:
    """The answers of the run folders among these paths, one row each; None where there is none."""
    import pandas as pd

    from wavjudge import api
    from wavjudge.bench.stored import is_run

    rows = [
        {"benchmark": r.benchmark, "item_id": r.item_id, "candidate": r.candidate, "attempt": r.attempt,
         "status": r.status, "seconds": r.seconds_taken}
        for path in paths if is_run(path) for r in api.load(path).responses()
    ]  # fmt: skip
    return pd.DataFrame(rows) if rows else None


def lengths(paths: Sequence[Path]) -> pd.DataFrame | None:
    """Length of each answer in seconds, from run folders: the covariate of a null row."""
    import pandas as pd

    from wavjudge import api
    from wavjudge.bench.stored import is_run

    rows = [
        {**r.subject(turn).model_dump(), "answer length": said.audio.seconds}
        for path in paths if is_run(path) for r in api.load(path).responses()
        for turn, said in enumerate(r.answers) if said.audio
    ]  # fmt: skip
    return pd.DataFrame(rows).drop_duplicates() if rows else None


def declared(text: Sequence[str]) -> list[Axis]:
    """Axes given as NAME=LOW..HIGH, beside the built-in three."""
    from wavjudge.errors import InputError
    from wavjudge.types import Axis, Scale

    axes = {name: Axis(name=name) for name in ("semantic", "acoustic", "overall")}
    for one in text:
        try:
            name, ends = one.split("=", 1)
            low, high = (float(end) for end in ends.split("..", 1))
            axes[name] = Axis(name=name, scale=Scale(low=low, high=high))
        except ValueError as error:
            raise InputError(f"got --axis {one!r}, expected NAME=LOW..HIGH, such as helpfulness=0..10") from error
    return list(axes.values())


def _frame(path: Path, rater_kind: RaterKind) -> pd.DataFrame:
    import pandas as pd

    from wavjudge import api
    from wavjudge.analysis.tables import read_table
    from wavjudge.bench.stored import is_run

    if is_run(path):
        return pd.DataFrame(api.load(path).rows())
    return read_table(path, rater_kind=rater_kind)
