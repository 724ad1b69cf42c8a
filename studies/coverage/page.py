"""The tables of docs/studies.md from results/coverage.csv: `python -m studies.coverage.page` writes them anew."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from studies.coverage.__main__ import STUDIES
from studies.coverage.table import COVERAGE, ROOT, Read, read

PAGE = ROOT / "docs" / "studies.md"
BEGIN, END = "<!-- found -->\n", "<!-- /found -->\n"

TITLES = {
    "intervals": "Figures of calibrate",
    "people": "People among themselves",
    "ranks": "Rank sets",
    "correction": "Corrected means",
    "judges": "Two equal judges",
    "candidates": "Two equal candidates",
    "alternative": "The alternative annotator test",
    "twoway": "Prompts and people both random",
    "added": "Figures added later",
    "exceptions": "Where exceptions are rare",
    "substitutes": "The alternative annotator test on few prompts",
    "skewed": "Rare low answers",
}
PER_CASE = ("intervals", "people", "twoway", "added", "exceptions")
"""Studies with a table for each population."""

WITH_WIDTHS = ("exceptions", "skewed")
"""Studies whose mean widths are printed too."""


def verdict(row: Read) -> str:
    """By the limits of the design, two Monte Carlo errors beyond: low, wide, liberal, timid, or nothing."""
    if not row["found"]:
        return ""
    found, two = float(row["found"]), 2 * float(row["monte_carlo_error"])
    if row["quantity"] == "coverage":
        return "low" if found + two < 0.94 else "wide" if found - two > 0.97 else ""
    return "liberal" if found - two > 0.06 else "timid" if found + two < 0.03 else ""


def found() -> str:
    """Everything between the marks."""
    parts = [_counts(read(COVERAGE))]
    for study, rows in groupby(read(COVERAGE), key=lambda row: row["study"]):
        parts.append(f"### {TITLES[study]}\n")
        if study not in PER_CASE:
            parts.append(_table(list(rows), ("case", "statistic", "method")))
            continue
        for case, part in groupby(rows, key=lambda row: row["case"]):
            parts.append(f"`{case}`:\n\n{_table(list(part), ('statistic', 'method'))}")
    return "\n".join(parts)


def _counts(rows: Sequence[Read]) -> str:
    """How many figures of each study are low, wide, liberal or timid."""
    lines = ["| study | runs a cell | figures | low | wide | liberal | timid | over 1 % undefined |", "|---" * 8 + "|"]
    for study in STUDIES:
        own = [row for row in rows if row["study"] == study]
        if own:
            verdicts = [verdict(row) for row in own]
            runs = "-".join(sorted({row["runs"] for row in own}))
            counts = [verdicts.count(name) for name in ("low", "wide", "liberal", "timid")]
            undefined = sum(float(row["undefined"]) > 0.01 for row in own)
            lines.append(" | ".join([f"| `{study}`", runs, *map(str, (len(own), *counts, undefined))]) + " |")
    return "\n".join(lines) + "\n"


def _table(rows: Sequence[Read], labels: Sequence[str]) -> str:
    """One line for each label, one column for each layout and number of prompts."""
    labels = [name for name in labels if len({row[name] for row in rows}) > 1] or labels[:1]
    places = sorted({(row["layout"], int(row["prompts"])) for row in rows}, key=_place)
    by_place = {(_label(row, labels), (row["layout"], int(row["prompts"]))): row for row in rows}
    head = [*labels, *(f"{prompts} x {_each(layout)}" for layout, prompts in places)]
    lines = [_line(head), "|---" * len(head) + "|"]
    for label in dict.fromkeys(_label(row, labels) for row in rows):
        lines.append(_line([*label, *(_figure(by_place.get((label, place))) for place in places)]))
    return "\n".join(lines) + "\n"


def _place(place: tuple[str, int]) -> tuple[int, int]:
    return ("4 each", "1-8", "2 each", "1 each").index(place[0]), place[1]


def _each(layout: str) -> str:
    return layout.removesuffix(" each")


def _label(row: Read, labels: Iterable[str]) -> tuple[str, ...]:
    return tuple(row[name] for name in labels)


def _figure(row: Read | None) -> str:
    """Bold: low or liberal. Italic: wide or timid. In brackets: the mean width, and the share of runs without an
    interval above 1 %."""
    if row is None or not row["found"]:
        return "" if row is None else "none"
    mark = {"low": "**", "liberal": "**", "wide": "*", "timid": "*"}.get(verdict(row), "")
    undefined = float(row["undefined"])
    note = f" ({undefined:.0%} none)" if undefined > 0.01 else ""
    width = f" [{float(row['mean_width']):.2f}]" if row["study"] in WITH_WIDTHS and row["mean_width"] else ""
    return f"{mark}{float(row['found']):.3f}".replace("0.", ".", 1) + mark + width + note


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    whole = PAGE.read_text(encoding="utf-8")
    head, tail = whole[: whole.index(BEGIN) + len(BEGIN)], whole[whole.index(END) :]
    PAGE.write_text(head + found() + tail, encoding="utf-8")
