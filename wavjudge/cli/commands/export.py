"""`wavjudge export`: the flat table of a run, or its scored candidates for training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wavjudge.cli.console import console


def export(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    out: Annotated[Path, typer.Option(help="File to write: .csv or .parquet; .jsonl for paper.")],
    format_: Annotated[
        str, typer.Option("--format", help="table: a row a rating. paper: WavAlign's scored candidates.")
    ] = "table",
    rater: Annotated[str | None, typer.Option(help="Whose scores, for paper; needed where several rated.")] = None,
) -> None:
    """Write the ratings of a run as one flat table, or its answers with their scores for pairs of preferences."""
    from wavjudge.analysis.tables.flat import write
    from wavjudge.api import runs
    from wavjudge.errors import InputError

    if format_ not in ("table", "paper"):
        raise InputError(f"got --format {format_!r}, expected table or paper")
    if format_ == "paper":
        _paper(run, out, rater)
        return
    if rater is not None:
        raise InputError(
            "got --rater for the table, which holds every rater", todo="leave it out, or use --format paper"
        )
    count = write(runs.load(run).rows(), out)
    console(err=True).print(f"{count} ratings written to {out}", soft_wrap=True)


def _paper(run: Path, out: Path, rater: str | None) -> None:
    from wavjudge.api import runs
    from wavjudge.reporting.wavalign import write
    from wavjudge.store.run_folder import RunFolder

    scored = runs.load(run)
    with RunFolder(run) as folder:
        done = write(folder.items(), scored.responses(), scored.ratings(), out, run=run, rater=rater)
    screen = console(err=True)
    screen.print(f"{done.prompts} prompts with {done.candidates} candidates written to {out}", soft_wrap=True)
    for count, what in (
        (done.unscored, "candidates without both scores: null there"),
        (done.several_turns, "prompts of several turns passed over"),
        (done.unasked, "prompts of which nothing is known passed over"),
    ):
        if count:
            screen.print(f"{count} {what}", soft_wrap=True)
