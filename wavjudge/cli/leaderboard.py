"""`wavjudge leaderboard`: candidates side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wavjudge.cli.console import console

if TYPE_CHECKING:
    from wavjudge.analysis.leaderboard import Leaderboard


def leaderboard(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, or tables of ratings.")],
    out: Annotated[Path, typer.Option(help="File to write: .csv, .md or .tex.")],
    judge: Annotated[str | None, typer.Option(help="Only this rater, such as openai:NAME.")] = None,
    signature: Annotated[list[str] | None, typer.Option(help="Only these judge signatures.")] = None,
    rank_by: Annotated[str | None, typer.Option(help="Axis that ranks; an instrument's only by asking here.")] = None,
    axis: Annotated[list[str] | None, typer.Option(help="Declare an axis: NAME=LOW..HIGH; may be given again.")] = None,
    seed: Annotated[int, typer.Option(help="Of the resamples behind the rank sets.")] = 12345,
) -> None:
    """Rank candidates, failures counted, with intervals and the groups that cannot be told apart."""
    from wavjudge.analysis.leaderboard import leaderboard as rank
    from wavjudge.cli import tables
    from wavjudge.report.leaderboard import write

    ratings = tables.ratings(runs, axes=tables.declared(axis or ()), rater_kind="model")
    board = rank(ratings, tables.responses(runs), rater=judge, signatures=signature, rank_by=rank_by, seed=seed)
    out.parent.mkdir(parents=True, exist_ok=True)
    write(board, out)
    _show(board)
    console(err=True).print(f"written to {out}", soft_wrap=True)


def _show(board: Leaderboard) -> None:
    from rich import box
    from rich.table import Table

    from wavjudge.report.leaderboard import number
    from wavjudge.report.text import one_line

    table = Table(title=one_line(board.title), box=box.SIMPLE_HEAD, title_justify="left", title_style="bold",
                  pad_edge=False, collapse_padding=True)  # fmt: skip
    for name in ("rank", "candidate and axis", "all items", "95 %", "answered", "failed", "unscored"):
        numbers = name != "candidate and axis"
        table.add_column(name, justify="right" if numbers else "left", no_wrap=numbers, overflow="fold")
    for row in board.rows:
        rank = f"{row.rank.low}-{row.rank.high}" if row.rank else "-"
        table.add_row(rank, one_line(row.candidate), "", "", "", str(row.n_no_answer), style="bold")
        for figure in row.figures:
            whole = figure.all_items
            span = f"{number(whole.low, 2, '?')} to {number(whole.high, 2, '?')}"
            answered = number(figure.answered.value, 2, "-")
            cells = (number(whole.value, 2, "-"), span, answered, "", str(figure.n_unscored))
            table.add_row("", f"  {figure.axis}", *cells)
    screen = console()
    screen.print(table)
    for note in board.notes:
        screen.print(one_line(note), soft_wrap=True)
