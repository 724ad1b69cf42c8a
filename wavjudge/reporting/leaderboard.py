"""A leaderboard as CSV (everything, one row a candidate), Markdown and LaTeX (what a reader needs, the same rows).

Every row carries its result signature (`result_signature.py`). Nothing depends on time or place: same tables, same
bytes.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from wavjudge.analysis.leaderboard.rows import ESTIMATORS, Figure, Leaderboard, Row
from wavjudge.analysis.stats.intervals import Estimate
from wavjudge.errors import InputError
from wavjudge.files.safe import write_new
from wavjudge.files.spreadsheet import inert
from wavjudge.reporting.table import (
    CENTS,
    EXACT,
    SHORT,
    gain,
    is_number,
    latex,
    markdown,
    money,
    number,
    with_interval,
)
from wavjudge.reporting.text import one_line, say
from wavjudge.result_signature import result_signature
from wavjudge.signature import unverified


def judge_signature(row: Row) -> str:
    """The signatures of a row's axes; axes with one signature share it.

    ``overall,semantic=SIGNATURE; signal_quality=SIGNATURE``
    """
    axes: dict[str, list[str]] = {}
    for axis, signature in sorted(row.signatures.items()):
        axes.setdefault(signature, []).append(axis)
    return "; ".join(f"{','.join(names)}={signature}" for signature, names in axes.items())


def signed(board: Leaderboard, row: Row) -> str:
    """The result signature of a row."""
    ranks = board.ranks.get(row.benchmark)
    return result_signature(
        [judge_signature(row)], [board.data_sha256], ESTIMATORS, seed=board.seed,
        resamples=ranks.resamples if ranks else 0, level=board.level, beside=board.beside,
    )  # fmt: skip


def flat(board: Leaderboard, row: Row) -> dict[str, str]:
    """All of a row by column name, as in the CSV."""
    rank = row.rank
    cells = {
        "benchmark": row.benchmark, "candidate": row.candidate, "ranked_by": board.rank_by or "",
        "rank_low": str(rank.low) if rank else "", "rank_high": str(rank.high) if rank else "",
        "alike": "; ".join(rank.alike) if rank else "", "n_items": str(row.n_items),
        "n_responses": str(row.n_responses), "n_no_answer": str(row.n_no_answer),
        "coverage": number(_coverage(row), EXACT),
    }  # fmt: skip
    for figure in row.figures:
        cells |= {f"{figure.axis}_{name}": text for name, text in (*_figure(figure), *_beside(board, figure))}
    for axis, (value, measured) in row.instruments.items():
        if axis not in board.axes:
            cells |= {axis: number(value, EXACT), f"{axis}_n": str(measured)}
    cells |= {"seconds": number(row.seconds, EXACT), "usd": number(row.usd, EXACT)}
    judging = row.judging
    cells |= {"judging_usd": number(judging.usd if judging else None, EXACT),
              "judging_calls": str(judging.calls) if judging else ""}  # fmt: skip
    return cells | {"judge_signature": judge_signature(row), "result_signature": signed(board, row)}


def as_csv(board: Leaderboard) -> str:
    """Every column, one row a candidate and benchmark; a name such as "=1" has an apostrophe before it."""
    rows = [{name: cell if is_number(cell) else inert(cell) for name, cell in flat(board, row).items()}
            for row in board.rows]  # fmt: skip
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["benchmark", "candidate"], lineterminator="\n",
                            quoting=csv.QUOTE_ALL if any("\r" in c for row in rows for c in row.values())
                            else csv.QUOTE_MINIMAL)  # fmt: skip
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_markdown(board: Leaderboard) -> str:
    """Title, table, what the columns mean, judge signatures, notes."""
    columns = _columns(board)
    lines = [f"**{markdown(board.title)}**", "", _bar(name for name, _, _ in columns)]
    lines.append("|" + "|".join("---:" if right else "---" for _, right, _ in columns) + "|")
    lines += [_bar(cell(row) for _, _, cell in columns) for row in board.rows]
    lines += ["", *(f"- {markdown(line)}" for line in _below(board))]
    return "\n".join(lines) + "\n"


def as_latex(board: Leaderboard) -> str:
    """A table environment without any package; the small print stands under it."""
    columns = _columns(board)
    head = " & ".join(latex(name) for name, _, _ in columns)
    body = [" & ".join(latex(cell(row)) for _, _, cell in columns) + r" \\" for row in board.rows]
    return "\n".join([
        r"\begin{table}", rf"\caption{{{latex(board.title)}}}",
        rf"\begin{{tabular}}{{{''.join('r' if right else 'l' for _, right, _ in columns)}}}",
        r"\hline", head + r" \\", r"\hline", *body, r"\hline", r"\end{tabular}", "",
        *(latex(line) + r"\par" for line in _below(board)), r"\end{table}",
    ]) + "\n"  # fmt: skip


def write(board: Leaderboard, path: Path) -> None:
    """Write a leaderboard as .csv, .md or .tex, by the name of the file."""
    form = _FORMS.get(path.suffix.lower())
    if form is None:
        raise InputError(f"got {path.suffix or 'no suffix'}, expected one of {', '.join(_FORMS)}", where=str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_new(path, form(board))


_FORMS: dict[str, Callable[[Leaderboard], str]] = {".csv": as_csv, ".md": as_markdown, ".tex": as_latex}

_Column = tuple[str, bool, Callable[[Row], str]]  # head, to the right?, cell


def _figure(figure: Figure) -> Iterator[tuple[str, str]]:
    yield from _estimate("all", figure.all_items)
    yield from _estimate("answered", figure.answered)
    for name in ("n_scored", "n_unscored", "n_unrated"):
        yield name, str(getattr(figure, name))
    yield "lowest", number(figure.lowest, EXACT)
    yield "highest", number(figure.highest, EXACT)


def _beside(board: Leaderboard, figure: Figure) -> Iterator[tuple[str, str]]:
    """What labels and a calibration add; the same names in every row, empty where there is nothing."""
    if board.design is not None:
        c = figure.correction
        yield from _estimate("corrected_all", c.all_items if c else None)
        yield from _estimate("corrected_answered", c.corrected if c else None)
        yield from _estimate("people_answered", c.people if c else None)
        for name in ("lam", "effective_prompts", "width_ratio"):
            yield name, number(getattr(c, name, None), EXACT)
        for name in ("prompts_labelled", "prompts_unlabelled", "n_labelled"):
            yield name, str(getattr(c, name, 0))
    if board.recalibrated is not None:
        mapped = figure.recalibrated
        yield from _estimate("recalibrated_all", mapped.all_items if mapped else None)
        yield from _estimate("recalibrated_answered", mapped.answered if mapped else None)


def _estimate(name: str, estimate: Estimate | None) -> Iterator[tuple[str, str]]:
    shown = estimate or Estimate(None)
    yield name, number(shown.value, EXACT)
    yield f"{name}_lo", number(shown.low, EXACT)
    yield f"{name}_hi", number(shown.high, EXACT)
    yield f"{name}_interval", "; ".join(filter(None, (shown.method, shown.note)))


def _coverage(row: Row) -> float | None:
    return (row.n_responses - row.n_no_answer) / row.n_responses if row.n_responses else None


def _columns(board: Leaderboard) -> list[_Column]:
    """The columns for people, the same in Markdown and LaTeX."""
    columns: list[_Column] = [("candidate", False, lambda row: row.candidate)]
    if len({row.benchmark for row in board.rows}) > 1:
        columns.insert(0, ("benchmark", False, lambda row: row.benchmark))
    if board.rank_by is not None:
        columns.append(("rank", True, _ranks))
    columns += [column for axis in board.axes for column in (*_of_axis(axis), *_columns_beside(board, axis))]
    columns.append(("no answer", True, lambda row: f"{row.n_no_answer} of {row.n_responses}"))
    columns += [_of_instrument(axis) for axis in board.instruments if axis not in board.axes]
    if any(row.seconds is not None for row in board.rows):
        columns.append(("seconds", True, lambda row: number(row.seconds, SHORT, "-")))
    if any(row.usd is not None for row in board.rows):
        columns.append(("answers, USD", True, lambda row: number(row.usd, SHORT, "-")))
    if any(row.judging is not None for row in board.rows):
        columns.append(("judging, USD", True, lambda row: money(row.judging)))
    return [*columns, ("result signature", False, lambda row: signed(board, row))]


def _of_axis(axis: str) -> list[_Column]:
    return [
        (f"{axis}, all items", True, lambda row: with_interval(row.figure(axis).all_items)),
        (f"{axis}, answered", True, lambda row: with_interval(row.figure(axis).answered)),
        (f"{axis}, unscored", True, lambda row: _unscored(row.figure(axis))),
    ]


def _columns_beside(board: Leaderboard, axis: str) -> Iterator[_Column]:
    def told(row: Row, name: str) -> str:
        correction = row.figure(axis).correction
        return "-" if correction is None else with_interval(getattr(correction, name))

    def mapped(row: Row) -> str:
        found = row.figure(axis).recalibrated
        return "-" if found is None else with_interval(found.all_items)

    if board.design is not None:
        yield f"{axis}, corrected, all items", True, lambda row: told(row, "all_items")
        yield f"{axis}, corrected, answered", True, lambda row: told(row, "corrected")
        yield f"{axis}, people", True, lambda row: told(row, "people")
        yield f"{axis}, labelled prompts", True, lambda row: gain(row.figure(axis).correction)
    if board.recalibrated is not None:
        yield f"{axis}, recalibrated, all items", True, mapped


def _of_instrument(axis: str) -> _Column:
    return axis, True, lambda row: number(row.instruments[axis][0], SHORT, "-")


def _ranks(row: Row) -> str:
    if row.rank is None:
        return "-"
    low, high = row.rank.low, row.rank.high
    return str(low) if low == high else f"{low} to {high}"


def _unscored(figure: Figure) -> str:
    count = figure.n_unscored + figure.n_unrated
    if not count:
        return "0"
    return f"{count} ({number(figure.lowest, SHORT, '?')} to {number(figure.highest, SHORT, '?')})"


def _bar(cells: Iterator[str]) -> str:
    return "| " + " | ".join(markdown(cell) for cell in cells) + " |"


def _below(board: Leaderboard) -> Iterator[str]:
    """What the columns mean, who judged, who cannot be told apart, and what was wrong with the tables."""
    yield (
        f"In brackets: {board.level:.0%} interval over prompts, which may reach past the scale. All items: a "
        "candidate's failures count at the scale's minimum. Unscored: answers without a judge's score, left out; in "
        "brackets what all items would be if all of them were at the scale's low or high end."
    )
    if board.rank_by is not None:
        yield (
            f"Ranks hold for all candidates at once at {board.level:.0%}, by {board.rank_by} alone, which was named "
            "beforehand; every other column is exploratory. Candidates that are not told apart may still differ."
        )
    for row in board.rows:
        if row.rank is not None and row.rank.alike:
            yield f"Not told apart from {row.candidate}: {', '.join(row.rank.alike)}"
    yield from beside(board)
    for signature in sorted({judge_signature(row) for row in board.rows}):
        yield f"Judge: {signature}"
    yield from unverified_judges(board)
    yield from board.notes


# What the small print of a leaderboard says about corrected and recalibrated means, judges and money.


def beside(board: Leaderboard) -> Iterator[str]:
    """What corrected and recalibrated figures are, or why there are none; what of the cost is not known."""
    if board.design is not None:
        yield _DESIGNS[board.design]
        for row in board.rows:
            for figure in row.figures:
                yield f"{row.candidate}, {figure.axis}: {_correction(figure)}"
    if board.recalibrated is not None:
        yield (
            f"Recalibrated: the judge's scores by the calibration's {board.recalibrated} map, each prompt by the map "
            "that saw no label of its fold. The interval takes the map as it is: what it was learnt from is not in it."
        )
    for row in board.rows:
        if row.judging is not None and row.judging.n_unpriced:
            yield (
                f"{row.candidate}: what judging cost is not known for {row.judging.n_unpriced} of {row.judging.calls} "
                "calls"
                + (
                    f"; the others cost {number(row.judging.known_usd, CENTS)} USD"
                    if row.judging.n_unpriced < row.judging.calls
                    else ""
                )
            )


def unverified_judges(board: Leaderboard) -> Iterator[str]:
    """Of which judges nobody knows which model they are, and why."""
    told = {(axis, why) for row in board.rows for axis, one in row.signatures.items() if (why := unverified(one))}
    for why in sorted({why for _, why in told}):
        yield f"{', '.join(sorted(axis for axis, said in told if said == why))}: {why}"


def _correction(figure: Figure) -> str:
    return figure.correction.sentence if figure.correction else "no labels, no corrected mean"


_CORRECTED = (
    "Corrected: PPI++ over prompts, from people's labels and the judge's raw scores. A candidate's failures are "
    "observed, not judged: they enter the corrected mean over all items as they are, at the scale's minimum."
)
_DESIGNS = {
    "random": f"{_CORRECTED} It holds if the labelled prompts are a random sample, as was said.",
    "all": f"{_CORRECTED} All prompts are labelled, as was said: the figure is people's own.",
    "weighted": f"{_CORRECTED} It holds if the labelled prompts were chosen with the chances that were given.",
    "unknown": "No corrected means: nobody said how the labelled prompts were chosen. If at random, say so; prompts "
    "picked by hand, or because the judge was in doubt, do not speak for the others.",
}  # fmt: skip


# A leaderboard on screen, readable at 80 columns: the ranks, what stands beside the raw means, time and money.


def show(console: Console, board: Leaderboard) -> None:
    """Print the tables and every note."""
    console.print(_ranked(board))
    if board.design is not None or board.recalibrated is not None:
        console.print(_beside_on_screen(board))
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


def _beside_on_screen(board: Leaderboard) -> Table:
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
