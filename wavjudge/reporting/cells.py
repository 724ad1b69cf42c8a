"""Numbers and names as text: the one place where a number becomes a cell, and a name becomes Markdown or LaTeX."""

from __future__ import annotations

import re

from wavjudge.analysis.leaderboard.rows import Spent
from wavjudge.analysis.stats.intervals import Estimate
from wavjudge.analysis.stats.ppi import Correction
from wavjudge.reporting.text import one_line

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
