"""Pictures of a calibration, PNG and SVG, by matplotlib without a display.

Five for each judge and axis: scores against people's (jittered, with the identity line), Bland-Altman, confusion
matrix, histograms, reliability curve.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from wavjudge.analysis.calibration import Finding
from wavjudge.analysis.sums import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK, _SOFT, _LINE = "#1f4e79", "#9bb8d3", "#b04a2f"
_SEED = 12345

MOST_DOTS = 5_000
"""Answers above which a random sample of so many is drawn as dots, and the picture says so."""


def draw(finding: Finding, folder: Path) -> list[Path]:
    """Write the pictures of one judge on one axis; gives the files."""
    written = []
    for name, plot in PLOTS.items():
        figure = _figure(finding, plot)
        for suffix in (".png", ".svg"):
            path = folder / f"{_stem(finding)}-{name}{suffix}"
            figure.savefig(path, metadata={"Date": None} if suffix == ".svg" else {"Software": None})
            written.append(path)
        figure.clear()
    return written


def _figure(finding: Finding, plot: Callable[[Axes, Finding], None]) -> Figure:
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    matplotlib.rcParams["svg.hashsalt"] = "wavjudge"  # the same picture is the same file
    figure = Figure(figsize=(5, 4.2), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    plot(axes, finding)
    # One rater may stand there under several signatures: the picture says which.
    signed = textwrap.fill(finding.signature, 84, break_long_words=True)
    title = f"{finding.judge}, {finding.axis} (n = {finding.data.n})\n{signed}"
    figure.suptitle(title.replace("$", r"\$"), fontsize=8)
    return figure


def scatter(axes: Axes, finding: Finding) -> None:
    """Each answer, moved a little so that equal ones do not hide each other."""
    judge, people = _dots(axes, finding)
    jitter = np.random.default_rng(_SEED).uniform(-0.12, 0.12, (2, len(judge)))
    axes.plot(people + jitter[0], judge + jitter[1], ".", color=_INK, alpha=0.4, ms=5)
    ends = _ends(finding)
    axes.plot(ends, ends, color=_LINE, lw=1)
    axes.set(xlabel=_people(finding), ylabel="judge")


def bland_altman(axes: Axes, finding: Finding) -> None:
    """Difference against mean, with the bias and the limits within which 95 % of normal differences lie."""
    d = finding.data.judge - finding.data.people
    judge, people = _dots(axes, finding)
    axes.plot((judge + people) / 2, judge - people, ".", color=_INK, alpha=0.4, ms=5)
    bias, spread = float(d.mean()), float(d.std(ddof=1)) if len(d) > 1 else 0.0
    axes.axhline(0, color=_SOFT, lw=1)
    for height, style in ((bias, "-"), (bias - 1.96 * spread, "--"), (bias + 1.96 * spread, "--")):
        axes.axhline(height, color=_LINE, ls=style, lw=1)
        axes.annotate(f"{height:+.2f}", (1.0, height), xycoords=("axes fraction", "data"), ha="right", va="bottom",
                      fontsize=8)  # fmt: skip
    axes.set(xlabel="mean of judge and " + _people(finding), ylabel="judge minus " + _people(finding))


def confusion(axes: Axes, finding: Finding) -> None:
    """Counts, both sides rounded to the nearest whole point for this picture alone."""
    low, high = _ends(finding)
    edges = np.arange(np.floor(low) - 0.5, np.ceil(high) + 1)
    counts, _, _ = np.histogram2d(finding.data.judge, finding.data.people, bins=(edges, edges))
    extent = (edges[0], edges[-1], edges[0], edges[-1])
    axes.imshow(counts, origin="lower", extent=extent, cmap="Blues", aspect="auto")
    for (row, column), count in np.ndenumerate(counts):
        if count:
            x, y, ink = (
                float(edges[column]) + 0.5,
                float(edges[row]) + 0.5,
                "white" if count > counts.max() / 2 else "black",
            )
            axes.text(x, y, f"{count:.0f}", ha="center", va="center", fontsize=8, color=ink)
    axes.set(xlabel=_people(finding) + " (rounded)", ylabel="judge (rounded)")


def histograms(axes: Axes, finding: Finding) -> None:
    """How both sides use the scale."""
    low, high = _ends(finding)
    edges = np.arange(np.floor(low) - 0.25, np.ceil(high) + 0.75, 0.5)
    axes.hist([finding.data.judge, finding.data.people], bins=edges.tolist(), label=["judge", _people(finding)],
              color=[_INK, _SOFT])  # fmt: skip
    axes.legend(frameon=False, fontsize=8)
    axes.set(xlabel=finding.axis, ylabel="answers")


def reliability(axes: Axes, finding: Finding) -> None:
    """Mean of people's scores at each of the judge's scores; dots as large as they are many."""
    values, place = np.unique(np.round(finding.data.judge * 2) / 2, return_inverse=True)
    counts = np.bincount(place)
    means = np.bincount(place, finding.data.people) / counts
    axes.plot(_ends(finding), _ends(finding), color=_SOFT, lw=1)
    axes.plot(values, means, color=_INK, lw=1)
    axes.scatter(values, means, s=20 + 200 * counts / counts.max(), color=_INK, alpha=0.7)
    axes.set(xlabel="judge's score (to half a point)", ylabel="mean of " + _people(finding))


PLOTS: dict[str, Callable[[Axes, Finding], None]] = {
    "scatter": scatter, "bland-altman": bland_altman, "confusion": confusion, "histograms": histograms,
    "reliability": reliability,
}  # fmt: skip


def _dots(axes: Axes, finding: Finding) -> tuple[Floats, Floats]:
    """Scores of judge and people that are drawn one by one: all of them, or a sample that the picture tells of."""
    judge, people = finding.data.judge, finding.data.people
    if finding.data.n <= MOST_DOTS:
        return judge, people
    chosen = np.random.default_rng(_SEED).choice(finding.data.n, MOST_DOTS, replace=False)
    axes.set_title(f"{MOST_DOTS} answers drawn at random as dots", fontsize=8)
    return judge[chosen], people[chosen]


def _people(finding: Finding) -> str:
    return "people" if finding.label_kind == "human" else "constructed labels"


def _ends(finding: Finding) -> tuple[float, float]:
    both = np.concatenate([finding.data.judge, finding.data.people])
    low, high = finding.scale.low, finding.scale.high
    return float(both.min()) if low is None else low, float(both.max()) if high is None else high


def _stem(finding: Finding) -> str:
    """A file name from the judge's: letters, digits and a few signs; the signature's hash keeps two of a name apart."""
    import hashlib

    short = hashlib.sha256(finding.signature.encode()).hexdigest()[:6]
    return re.sub(r"[^A-Za-z0-9._-]+", "-", f"{finding.judge}-{finding.axis}-{short}").strip("-.")
