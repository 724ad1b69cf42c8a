"""A leaderboard as CSV (everything, one row a candidate), Markdown and LaTeX (what a reader needs, the same rows).

Every row carries its result signature, so that a row that was cut out still says where it came from:

    judge:1f0c9a7be2d4|data:90ab34cd56ef|mean.1,jackknife-t.1,rank-sets.1|level:0.95|seed:12345|resamples:10000|wavjudge:0.1.0

judge is the hash of the judge signatures written out beside it, data that of the ratings and responses. Numbers are
formatted in `number` alone, and nothing depends on time or place: the same tables give the same bytes.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from wavjudge.analysis.board import ESTIMATORS, Figure, Leaderboard, Row
from wavjudge.analysis.intervals import Estimate
from wavjudge.errors import InputError
from wavjudge.report.text import one_line
from wavjudge.version import __version__

EXACT, SHORT = 6, 2
"""Decimals in CSV, and in tables for people."""

_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"{\char34}", "`": r"\textasciigrave{}", "[": "{[}", "]": "{]}", "*": "{*}",
}  # fmt: skip
"""What TeX would read as its own: a bracket or a star at the start of a row, too."""

_MARKDOWN = re.compile(r"([\\`*_\[\]#|~<>&$@])")


def number(value: float | None, decimals: int, missing: str = "") -> str:
    """The one place where a number becomes text; never "-0".

    >>> number(3.14159, 2), number(-0.0001, 2), number(None, 2, "-"), number(24, 0)
    ('3.14', '0.00', '-', '24')
    """
    if value is None:
        return missing
    text = f"{value:.{decimals}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def markdown(text: str) -> str:
    """A name as a Markdown cell: shown as it is, whatever it holds; control characters and line breaks made visible.

    >>> print(markdown("a|b_*<c>"))
    a\\|b\\_\\*\\<c\\>
    """
    return _MARKDOWN.sub(r"\\\1", one_line(text))


def latex(text: str) -> str:
    """The same for LaTeX; other scripts need an engine that reads UTF-8.

    >>> print(latex("50% & a_b"))
    50\\% \\& a\\_b
    """
    # Two dashes would become one long one.
    return re.sub("-(?=-)", "-{}", "".join(_LATEX.get(sign, sign) for sign in one_line(text)))


def judge_signature(row: Row) -> str:
    """The signatures of a row's axes; axes with one signature share it.

    ``overall,semantic=SIGNATURE; signal_quality=SIGNATURE``
    """
    axes: dict[str, list[str]] = {}
    for axis, signature in sorted(row.signatures.items()):
        axes.setdefault(signature, []).append(axis)
    return "; ".join(f"{','.join(names)}={signature}" for signature, names in axes.items())


def result_signature(board: Leaderboard, row: Row) -> str:
    """Where a row's numbers come from, in one line."""
    judge = hashlib.sha256(judge_signature(row).encode()).hexdigest()
    ranks = board.ranks.get(row.benchmark)
    return "|".join((
        f"judge:{judge[:12]}", f"data:{board.data_sha256[:12]}", ",".join(ESTIMATORS), f"level:{board.level:g}",
        f"seed:{board.seed}", f"resamples:{ranks.resamples if ranks else 0}", f"wavjudge:{__version__}",
    ))  # fmt: skip


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
        cells |= {f"{figure.axis}_{name}": text for name, text in _figure(figure)}
    for axis, (value, measured) in row.instruments.items():
        if axis not in board.axes:
            cells |= {axis: number(value, EXACT), f"{axis}_n": str(measured)}
    cells |= {"seconds": number(row.seconds, EXACT), "usd": number(row.usd, EXACT)}
    return cells | {"judge_signature": judge_signature(row), "result_signature": result_signature(board, row)}


def as_csv(board: Leaderboard) -> str:
    """Every column, one row a candidate and benchmark; names stand as they are (a spreadsheet may compute "=1")."""
    rows = [flat(board, row) for row in board.rows]
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
    path.write_text(form(board), encoding="utf-8", newline="\n")


_FORMS: dict[str, Callable[[Leaderboard], str]] = {".csv": as_csv, ".md": as_markdown, ".tex": as_latex}

_Column = tuple[str, bool, Callable[[Row], str]]  # head, to the right?, cell


def _figure(figure: Figure) -> Iterator[tuple[str, str]]:
    for name, estimate in (("all", figure.all_items), ("answered", figure.answered)):
        yield name, number(estimate.value, EXACT)
        yield f"{name}_lo", number(estimate.low, EXACT)
        yield f"{name}_hi", number(estimate.high, EXACT)
        yield f"{name}_interval", "; ".join(filter(None, (estimate.method, estimate.note)))
    for name in ("n_scored", "n_unscored", "n_unrated"):
        yield name, str(getattr(figure, name))
    yield "lowest", number(figure.lowest, EXACT)
    yield "highest", number(figure.highest, EXACT)


def _coverage(row: Row) -> float | None:
    return (row.n_responses - row.n_no_answer) / row.n_responses if row.n_responses else None


def _columns(board: Leaderboard) -> list[_Column]:
    """The columns for people, the same in Markdown and LaTeX."""
    columns: list[_Column] = [("candidate", False, lambda row: row.candidate)]
    if len({row.benchmark for row in board.rows}) > 1:
        columns.insert(0, ("benchmark", False, lambda row: row.benchmark))
    if board.rank_by is not None:
        columns.append(("rank", True, _ranks))
    columns += [column for axis in board.axes for column in _of_axis(axis)]
    columns.append(("no answer", True, lambda row: f"{row.n_no_answer} of {row.n_responses}"))
    columns += [_of_instrument(axis) for axis in board.instruments if axis not in board.axes]
    if any(row.seconds is not None for row in board.rows):
        columns.append(("seconds", True, lambda row: number(row.seconds, SHORT, "-")))
    if any(row.usd is not None for row in board.rows):
        columns.append(("USD", True, lambda row: number(row.usd, SHORT, "-")))
    return [*columns, ("result signature", False, lambda row: result_signature(board, row))]


def _of_axis(axis: str) -> list[_Column]:
    return [
        (f"{axis}, all items", True, lambda row: _with_interval(row.figure(axis).all_items)),
        (f"{axis}, answered", True, lambda row: _with_interval(row.figure(axis).answered)),
        (f"{axis}, unscored", True, lambda row: _unscored(row.figure(axis))),
    ]


def _of_instrument(axis: str) -> _Column:
    return axis, True, lambda row: number(row.instruments[axis][0], SHORT, "-")


def _ranks(row: Row) -> str:
    if row.rank is None:
        return "-"
    low, high = row.rank.low, row.rank.high
    return str(low) if low == high else f"{low} to {high}"


def _with_interval(estimate: Estimate) -> str:
    value = number(estimate.value, SHORT, "-")
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} ({number(estimate.low, SHORT)} to {number(estimate.high, SHORT)})"


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
    for signature in sorted({judge_signature(row) for row in board.rows}):
        yield f"Judge: {signature}"
    yield from board.notes
