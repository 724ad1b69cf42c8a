"""What `wavjudge compare` finds, as files: CSV (every column), JSON (the same and the sentences), Markdown (the few).

Each row carries its result signature, of the form that `origin` describes. Nothing depends on time or
place: the same tables give the same bytes.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from rich import box
from rich.table import Table

from wavjudge.analysis.leaderboard.rows import Spent
from wavjudge.analysis.stats.intervals import Estimate
from wavjudge.analysis.stats.ppi import Correction
from wavjudge.errors import InputError
from wavjudge.files.safe import write_new
from wavjudge.files.spreadsheet import inert
from wavjudge.reporting.text import counted as counted
from wavjudge.reporting.text import one_line
from wavjudge.version import __version__

SURE = 0.05
"""A difference is called shown when its p value, after Holm's correction, is at most this."""

MOST_NAMED = 5

MOST_DETAILED, MOST_ROWS = 12, 40
"""Pairs that a screen tells of one by one; beyond, one table of so many rows, the surest differences first."""

Pair = TypeVar("Pair")


def surest(pairs: Sequence[Pair], p: Callable[[Pair], float | None]) -> tuple[Sequence[Pair], str]:
    """The pairs that a screen has room for, in their order, and a line that says what is left out ("": nothing).

    >>> surest([3, 1, 2], lambda one: one / 10)
    ([3, 1, 2], '')
    """
    if len(pairs) <= MOST_ROWS:
        return pairs, ""
    found = sorted(range(len(pairs)), key=lambda at: (p(pairs[at]) is None, p(pairs[at]) or 0.0, at))
    kept = [pairs[at] for at in sorted(found[:MOST_ROWS])]
    return kept, f"The {MOST_ROWS} surest of {len(pairs)} differences; all of them are in a file: --out FILE.csv"


Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Report:
    """title; rows with one and the same columns; shown: the columns of the Markdown table; what is said below."""

    title: str
    rows: tuple[Row, ...]
    shown: tuple[str, ...]
    sentences: tuple[str, ...]
    notes: tuple[str, ...]
    more: Mapping[str, Any] = field(default_factory=dict)


def write(report: Report, path: Path) -> None:
    """As .csv, .json or .md, by the name of the file."""
    checked(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_new(path, _FORMS[path.suffix.lower()](report))
    except OSError as error:
        raise InputError(f"got a file that cannot be written ({error})", where=str(path),
                         todo="check the path, its room and permissions") from error  # fmt: skip


def checked(path: Path) -> None:
    """Refuse a name that no form belongs to; asked before anything is computed."""
    if path.suffix.lower() not in _FORMS:
        raise InputError(f"got {path.suffix or 'no suffix'}, expected one of {', '.join(_FORMS)}", where=str(path))


def as_csv(report: Report) -> str:
    """Six decimals, an empty cell for what is undefined."""
    rows = [
        {
            name: inert(_cell(value, EXACT)) if isinstance(value, str) else _cell(value, EXACT)
            for name, value in row.items()
        }
        for row in report.rows
    ]
    text = io.StringIO()
    odd = any("\r" in cell for row in rows for cell in row.values())
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n",
                            quoting=csv.QUOTE_ALL if odd else csv.QUOTE_MINIMAL)  # fmt: skip
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_json(report: Report) -> str:
    """All digits; None for what is undefined."""
    whole = {"title": report.title, "wavjudge_version": __version__, "rows": report.rows,
             "sentences": report.sentences, "notes": report.notes, **report.more}  # fmt: skip
    return json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def as_markdown(report: Report) -> str:
    """Title, the columns that a reader needs, then the sentences and notes."""
    lines = [f"**{markdown(report.title)}**", "", _bar(name.replace("_", " ") for name in report.shown)]
    lines.append("|" + "---|" * len(report.shown))
    lines += [_bar(_cell(row[name], 3) for name in report.shown) for row in report.rows]
    lines += ["", *(f"- {markdown(line)}" for line in (*report.sentences, *report.notes))]
    return "\n".join(lines) + "\n"


_FORMS: dict[str, Callable[[Report], str]] = {".csv": as_csv, ".json": as_json, ".md": as_markdown}


def ends(name: str, one: Estimate) -> Row:
    """An estimate as three cells."""
    return {name: one.value, f"{name}_lo": one.low, f"{name}_hi": one.high}


def interval(one: Estimate, decimals: int, *, turned: bool = False) -> str:
    """ "0.04 to 0.66": the interval of a difference; turned: of the opposite difference, for who is named second.

    >>> from wavjudge.analysis.stats.intervals import Estimate
    >>> interval(Estimate(-0.35, -0.66, -0.04), 2, turned=True)
    '0.04 to 0.66'
    """
    assert one.low is not None and one.high is not None
    low, high = (-one.high, -one.low) if turned else (one.low, one.high)
    return f"{number(low, decimals)} to {number(high, decimals)}"


def table(*columns: str, title: str = "") -> Table:
    """A table for 80 columns: the first one folds, the numbers do not."""
    made = Table(title=one_line(title) or None, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold",
                 padding=0)  # fmt: skip
    for place, name in enumerate(columns):
        made.add_column(name, justify="right" if place else "left", no_wrap=bool(place), overflow="fold")
    return made


def p_value(p: float | None) -> str:
    """For people: three decimals, and never a zero.

    >>> p_value(0.0002), p_value(0.0416), p_value(1.0), p_value(None)
    ('<.001', '.042', '1.000', '-')
    """
    if p is None:
        return "-"
    return "<.001" if p < 0.0005 else f"{p:.3f}".removeprefix("0")


def p_phrase(p: float | None) -> str:
    """ "p = .042", "p < .001"."""
    text = p_value(p)
    return f"p {text.replace('<', '< ')}" if text.startswith("<") else f"p = {text}"


def sure(p: float | None, corrected: float | None) -> str:
    """A p value, and what remains of it after Holm's correction where that changes it.

    >>> sure(0.03, 0.09), sure(0.03, 0.03)
    ('p = .030, .090 corrected', 'p = .030')
    """
    same = p_value(p) == p_value(corrected)
    return p_phrase(p) if same else f"{p_phrase(p)}, {p_value(corrected)} corrected"


def named(names: Sequence[str]) -> str:
    """The first few, and how many more there are.

    >>> named(["q1/a", "q2/a", "q3/a", "q4/a", "q5/a", "q6/a", "q7/a"])
    'q1/a, q2/a, q3/a, q4/a, q5/a and 2 more'
    """
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _cell(value: Any, decimals: int) -> str:
    if isinstance(value, list | tuple):
        return "; ".join(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value, decimals) if isinstance(value, float) else "" if value is None else str(value)


def _bar(cells: Iterable[str]) -> str:
    return "| " + " | ".join(markdown(cell) for cell in cells) + " |"


# Numbers and names as text: the one place where a number becomes a cell, and a name becomes Markdown or LaTeX.

EXACT, SHORT, CENTS = 6, 2, 4
"""Decimals in CSV, in tables for people, and of small sums of money there."""

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


def is_number(cell: str) -> bool:
    """
    >>> is_number("-0.5"), is_number("-x"), is_number("")
    (True, False, False)
    """
    return re.fullmatch(r"-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?", cell) is not None


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


def with_interval(estimate: Estimate) -> str:
    """Value and interval as a cell.

    >>> with_interval(Estimate(3.14159, 3.0, 3.3)), with_interval(Estimate(None))
    ('3.14 (3.00 to 3.30)', '-')
    """
    value = number(estimate.value, SHORT, "-")
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} ({number(estimate.low, SHORT)} to {number(estimate.high, SHORT)})"


def gain(correction: Correction | None) -> str:
    """What the judge adds to the labels, as a cell: how many labelled prompts they count like.

    >>> gain(None)
    '-'
    """
    if correction is None or correction.effective_prompts is None:
        return "-"
    return f"{correction.prompts_labelled} count like {correction.effective_prompts:.0f}"


def money(spent: Spent | None) -> str:
    """What judging cost in USD; "-" where that is not known.

    >>> money(Spent(0.25, 0.25, calls=2, n_unpriced=0)), money(Spent(None, 0.25, calls=3, n_unpriced=1)), money(None)
    ('0.2500', '-', '-')
    """
    return number(spent.usd if spent else None, CENTS, "-")
