"""`wavjudge leaderboard`: candidates side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wavjudge.cli.console import NO_SCORE, console
from wavjudge.cli.waiting import Waiting

if TYPE_CHECKING:
    from wavjudge.analysis.leaderboard.labels import Labels, Maps
    from wavjudge.types import Axis


def leaderboard(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, or tables of ratings.")],
    out: Annotated[Path, typer.Option(help="File to write: .csv, .md or .tex.")],
    judge: Annotated[str | None, typer.Option(help="Only this rater, such as openai:NAME.")] = None,
    signature: Annotated[list[str] | None, typer.Option(help="Only these judge signatures.")] = None,
    rank_by: Annotated[str | None, typer.Option(help="Axis that ranks; an instrument's only by asking here.")] = None,
    labels: Annotated[
        list[Path] | None, typer.Option(help="People's ratings: corrected means; may be given again.")
    ] = None,
    label_design: Annotated[
        str, typer.Option(help="How the labelled prompts were chosen: random, all, weighted or unknown.")
    ] = "unknown",
    calibration: Annotated[
        Path | None, typer.Option(help="calibration.json, or its folder: recalibrated means.")
    ] = None,
    map_: Annotated[str, typer.Option("--map", help="Its maps: linear or isotonic.")] = "linear",
    axis: Annotated[
        list[str] | None,
        typer.Option(help="NAME ranks by it, as --rank-by; NAME=LOW..HIGH declares one; may be given again."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the resamples behind the rank sets.")] = 12345,
) -> None:
    """Rank candidates, failures counted, with intervals and the groups that cannot be told apart."""
    from wavjudge.analysis.leaderboard.leaderboard import leaderboard as rank
    from wavjudge.api import inputs
    from wavjudge.reporting.leaderboard import show, write

    names, axes = inputs.named(axis)
    with Waiting("ranking candidates"):
        board = rank(
            inputs.ratings(runs, axes=axes, rater_kind="model"), inputs.responses(runs), rater=judge,
            signatures=signature, rank_by=rank_by or next(iter(names), None), seed=seed, calls=inputs.calls(runs),
            labels=_labels(labels or [], axes, label_design),
            maps=_maps(calibration, map_) if calibration else None,
        )  # fmt: skip
    out.parent.mkdir(parents=True, exist_ok=True)
    write(board, out)
    show(console(), board)
    console(err=True).print(f"written to {out}", soft_wrap=True)
    if not board.has_scores:
        todo = (
            "read some of the judge's replies (`wavjudge show RUN ITEM`); another prompt, model or max_tokens may help"
        )
        console(err=True).print(f"there is no score to rank by. What to do: {todo}", soft_wrap=True)
        raise typer.Exit(NO_SCORE)


def _labels(paths: list[Path], axes: list[Axis], design: str) -> Labels | None:
    from wavjudge.api import inputs
    from wavjudge.errors import InputError

    if paths:
        return inputs.labels(paths, axes, design)
    if design != "unknown":
        raise InputError(f"got --label-design {design} without --labels")
    return None


def _maps(calibration: Path, kind: str) -> Maps:
    import hashlib
    from typing import cast, get_args

    from wavjudge.analysis.leaderboard.labels import Maps
    from wavjudge.analysis.stats.recalibration import Kind
    from wavjudge.nearest import known
    from wavjudge.reporting.calibration_files import located, read

    known("--map", kind, get_args(Kind))
    file = read(calibration)
    return Maps(cast(Kind, kind), file.maps, hashlib.sha256(located(calibration).read_bytes()).hexdigest())
