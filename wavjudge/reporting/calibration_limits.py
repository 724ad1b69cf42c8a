"""What a calibration's figures do not speak of: candidates that were not there, and intervals that there are not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wavjudge.analysis.calibration.findings import FIGURES, Finding, Span, WithoutCandidate
from wavjudge.analysis.stats.intervals import Estimate
from wavjudge.reporting.cells import SHORT, number
from wavjudge.reporting.text import one_line

SHOWN = {
    "pearson": "Pearson", "intra_id_spearman": "Intra-ID", "intra_id_zero_filled": "zero-filled", "mae": "MAE",
    "within_one": "<=1", "bias": "bias",
}  # fmt: skip
"""The figures on screen and what their columns are called."""

_NAMED = ("pearson", "intra_id_zero_filled", "mae", "bias")

COLUMNS = ("n_candidates", *(f"{one.name}_without_{end}" for one in FIGURES for end in ("min", "max")))
"""How many candidates the figures are of, and the least and greatest value with each of them left out in turn."""


def cells(without: WithoutCandidate) -> dict[str, Any]:
    """The columns of a judge's row."""
    row: dict[str, Any] = {"n_candidates": len(without.names)}
    for name, span in without.spans.items():
        row |= {f"{name}_without_min": span.low, f"{name}_without_max": span.high}
    return row


def in_words(finding: Finding) -> Iterator[str]:
    """Of which candidates the figures are, and why an interval is missing on screen."""
    if finding.data.n:
        yield _candidates(finding.without)
    yield from _no_interval(finding.values)


def _candidates(without: WithoutCandidate) -> str:
    if len(without.names) == 1:
        return "All answers are by one candidate: the figures do not speak of others."
    head = f"Figures of these {len(without.names)} candidates do not speak of new ones"
    if not without.spans:
        return f"{head}; there are too many answers to leave out each in turn."
    moved = ", ".join(_moved(SHOWN[name], without.spans[name]) for name in _NAMED)
    return f"{head}. With each left out in turn: {moved}."


def _moved(name: str, span: Span) -> str:
    lost = f" (undefined without {one_line(span.undefined[0])})" if span.undefined else ""
    if span.low is None:
        return f"{name} undefined"
    if span.low == span.high:
        return f"{name} {number(span.low, SHORT)}{lost}"
    ends = ((span.low, span.without_low), (span.high, span.without_high))
    return f"{name} " + " to ".join(f"{number(at, SHORT)} (without {one_line(who)})" for at, who in ends) + lost


def _no_interval(values: Mapping[str, Estimate]) -> Iterator[str]:
    why: dict[str, list[str]] = {}
    for name, shown in SHOWN.items():
        one = values[name]
        if one.value is not None and one.low is None and one.note:
            why.setdefault(one.note, []).append(shown)
    yield from (f"{', '.join(names)}: {note}." for note, names in why.items())
