"""A leaderboard on screen, readable at 80 columns: the ranks, what stands beside the raw means, time and money."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

from wavjudge.analysis.leaderboard.rows import Figure, Leaderboard, Row
from wavjudge.analysis.stats.intervals import Estimate
from wavjudge.reporting.cells import gain, money, number
from wavjudge.reporting.leaderboard_words import beside, unverified_judges
from wavjudge.reporting.text import one_line, say


def show(console: Console, board: Leaderboard) -> None:
    """Print the tables and every note."""
    console.print(_ranked(board))
    if board.design is not None or board.recalibrated is not None:
        console.print(_beside(board))
    if any(row.seconds is not None or row.judging is not None for row in board.rows):
        console.print(_spent(board))
    for note in (*unverified_judges(board), *beside(board), *board.notes):
        say(console, note)


def _ranked(board: Leaderboard) -> Table:
    columns = ("rank", "candidate and axis", "all items", "95 %", "answered", "failed", "unscored")
    table = _table(board.title, columns)
    for row in board.rows:
        rank = f"{row.rank.low}-{row.rank.high}" if row.rank else "-"
        table.add_row(rank, _named(row), "", "", "", str(row.n_no_answer), style="bold")
        for figure in row.figures:
            whole, answered = figure.all_items, number(figure.answered.value, 2, "-")
            cells = (number(whole.value, 2, "-"), _span(whole), answered, "", str(figure.n_unscored))
            table.add_row("", f"  {figure.axis}", *cells)
    return table


def _named(row: Row) -> str:
    """The candidate; where others were asked more, on how many items its mean and its rank rest."""
    partly = row.of_items is not None and row.n_items < row.of_items
    return one_line(row.candidate) + (f" ({row.n_items} of {row.of_items} items)" if partly else "")


def _beside(board: Leaderboard) -> Table:
    columns = ["candidate and axis", "raw"]
    columns += [] if board.design is None else ["corrected", "95 %", "labelled prompts"]
    columns += [] if board.recalibrated is None else ["recalibrated"]
    table = _table("Beside the raw mean over all items", tuple(columns))
    for row in board.rows:
        table.add_row(one_line(row.candidate), *[""] * (len(columns) - 1), style="bold")
        for figure in row.figures:
            table.add_row(f"  {figure.axis}", number(figure.all_items.value, 2, "-"), *_cells(board, figure))
    return table


def _cells(board: Leaderboard, figure: Figure) -> list[str]:
    cells = []
    if board.design is not None:
        found = figure.correction.all_items if figure.correction else Estimate(None)
        cells += [number(found.value, 2, "-"), _span(found), gain(figure.correction)]
    if board.recalibrated is not None:
        mapped = figure.recalibrated.all_items if figure.recalibrated else Estimate(None)
        cells.append(number(mapped.value, 2, "-"))
    return cells


def _spent(board: Leaderboard) -> Table:
    table = _table("Time and money", ("candidate", "seconds an answer", "judging, USD", "calls"))
    for row in board.rows:
        calls = "-" if row.judging is None else str(row.judging.calls)
        table.add_row(one_line(row.candidate), number(row.seconds, 2, "-"), money(row.judging), calls)
    return table


def _span(estimate: Estimate) -> str:
    if estimate.value is None:
        return "-"
    return f"{number(estimate.low, 2, '?')} to {number(estimate.high, 2, '?')}"


def _table(title: str, columns: tuple[str, ...]) -> Table:
    table = Table(title=one_line(title), box=box.SIMPLE_HEAD, title_justify="left", title_style="bold",
                  pad_edge=False, collapse_padding=True)  # fmt: skip
    for name in columns:
        numbers = not name.startswith("candidate")
        table.add_column(name, justify="right" if numbers else "left", no_wrap=numbers, overflow="fold")
    return table
