"""Pictures of a calibration, PNG and SVG, by matplotlib without a display.

Five for each judge and axis: scores against people's (jittered, with the identity line), Bland-Altman, confusion
matrix, histograms, reliability curve.
"""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME

from wavjudge.analysis.calibration.findings import Finding
from wavjudge.analysis.stats.sums import Floats
from wavjudge.files.safe import new_file
from wavjudge.result_signature import plots_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_INK, _SOFT, _LINE = "#1f4e79", "#9bb8d3", "#b04a2f"
_SEED = 12345

MOST_DOTS = 5_000
"""Answers above which a random sample of so many is drawn as dots, and the picture says so."""


TITLES = {
    "scatter": "Each answer: the judge's score against people's",
    "bland_altman": "How far the judge lies above or below people",
    "confusion": "How often the judge said what, where people said what",
    "histograms": "How judge and people use the scale",
    "reliability": "What people say on average at each of the judge's scores",
}
"""What each picture shows, in words."""

MOST_LEVELS, MOST_TICKS = 20, 11
"""Widest scale in points that is drawn point by point; most marks along an axis."""


def draw(finding: Finding, folder: Path) -> list[Path]:
    """Write the pictures of one judge on one axis; gives the files."""
    written, stem = [], plots_of(finding.judge, finding.axis, finding.signature)
    for name, plot in PLOTS.items():
        figure = _figure(finding, plot)
        for suffix in (".png", ".svg"):
            path = folder / f"{stem}-{name}{suffix}"
            save(figure, path)
            written.append(path)
        figure.clear()
    return written


def save(figure: Figure, path: Path) -> None:
    """As PNG or SVG, by the name of the file; without its day or maker, so that the same picture is the same bytes."""
    kind = path.suffix.removeprefix(".")
    with new_file(path) as file:
        figure.savefig(file, format=kind, metadata={"Date": None} if kind == "svg" else {"Software": None})


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
    about = f"{finding.judge}: {finding.axis}, {finding.data.n} answers to {finding.data.prompts} prompts"
    told = "\n".join([TITLES[plot.__name__], *textwrap.wrap(about, 70)])
    figure.suptitle(told.replace("$", r"\$"), fontsize=9)
    # One rater may stand there under several signatures: the picture says which.
    signed = textwrap.fill(finding.signature, 100, break_long_words=True)
    figure.supxlabel(signed.replace("$", r"\$"), fontsize=6, color="#666666")
    return figure


def scatter(axes: Axes, finding: Finding) -> None:
    """Each answer, moved a little so that equal ones do not hide each other."""
    judge, people = _dots(axes, finding)
    most = 0.12 * _step(finding)
    jitter = np.random.default_rng(_SEED).uniform(-most, most, (2, len(judge)))
    axes.plot(people + jitter[0], judge + jitter[1], ".", color=_INK, alpha=0.4, ms=5)
    ends = _ends(finding)
    axes.plot(ends, ends, color=_LINE, lw=1)
    _remark(axes, f"dots are moved at random by up to {most:.2g}")
    axes.set(xlabel=_people(finding), ylabel="judge", xticks=_ticks(finding), yticks=_ticks(finding))


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
    """Counts, both sides rounded to the nearest level (`_step`) for this picture alone."""
    step = _step(finding)
    edges = np.append(_levels(finding), _levels(finding)[-1] + step) - step / 2
    counts, _, _ = np.histogram2d(finding.data.judge, finding.data.people, bins=(edges, edges))
    extent = (edges[0], edges[-1], edges[0], edges[-1])
    axes.imshow(counts, origin="lower", extent=extent, cmap="Blues", aspect="auto")
    for (row, column), count in np.ndenumerate(counts):
        if count:
            x, y, ink = (
                float(edges[column]) + step / 2,
                float(edges[row]) + step / 2,
                "white" if count > counts.max() / 2 else "black",
            )
            axes.text(x, y, f"{count:.0f}", ha="center", va="center", fontsize=8, color=ink)
    axes.set(xlabel=f"{_people(finding)} (rounded to {step:g})", ylabel=f"judge (rounded to {step:g})",
             xticks=_ticks(finding), yticks=_ticks(finding))  # fmt: skip


def histograms(axes: Axes, finding: Finding) -> None:
    """How both sides use the scale."""
    levels, half = _levels(finding), _step(finding) / 2
    edges = np.arange(levels[0] - half / 2, levels[-1] + half, half)
    axes.hist([finding.data.judge, finding.data.people], bins=edges.tolist(), label=["judge", _people(finding)],
              color=[_INK, _SOFT])  # fmt: skip
    axes.legend(frameon=False, fontsize=8)
    axes.set(xlabel=finding.axis, ylabel="answers", xticks=_ticks(finding))


def reliability(axes: Axes, finding: Finding) -> None:
    """Mean of people's scores at each of the judge's scores; dots as large as they are many."""
    half = _step(finding) / 2
    values, place = np.unique(np.round(finding.data.judge / half) * half, return_inverse=True)
    counts = np.bincount(place)
    means = np.bincount(place, finding.data.people) / counts
    axes.plot(_ends(finding), _ends(finding), color=_SOFT, lw=1)
    axes.plot(values, means, color=_INK, lw=1)
    axes.scatter(values, means, s=20 + 200 * counts / counts.max(), color=_INK, alpha=0.7)
    axes.set(xlabel=f"judge's score (rounded to {half:g})", ylabel="mean of " + _people(finding),
             xticks=_ticks(finding), yticks=_ticks(finding))  # fmt: skip


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
    _remark(axes, f"{MOST_DOTS} answers drawn at random as dots")
    return judge[chosen], people[chosen]


def _remark(axes: Axes, text: str) -> None:
    axes.set_title("; ".join(filter(None, (axes.get_title(), text))), fontsize=8)


def _step(finding: Finding) -> float:
    """From one level of the axis to the next: a point; on a scale much wider, or of no points at all, the next of
    1, 2, 5, 10, ... to a tenth of it."""
    low, high = _ends(finding)
    both = np.concatenate([finding.data.judge, finding.data.people])
    points = 2 < high - low <= MOST_LEVELS or (high - low in (1, 2) and bool((both % 1 == 0).all()))
    if points or high <= low:
        return 1.0
    ten = 10 ** np.floor(np.log10((high - low) / 10))
    return float(next(ten * times for times in (1, 2, 5, 10) if ten * times >= (high - low) / 10 * (1 - 1e-9)))


def _levels(finding: Finding) -> Floats:
    low, high = _ends(finding)
    step = _step(finding)
    first, last = np.floor(low / step + 1e-9), np.ceil(high / step - 1e-9)
    return np.asarray(step * np.arange(first, last + 1))


def _ticks(finding: Finding) -> Floats:
    """At levels alone, and not at all of them where they are many: no picture has a mark off the scale."""
    levels = _levels(finding)
    return levels if len(levels) <= MOST_TICKS else levels[:: -(-len(levels) // MOST_TICKS)]


def _people(finding: Finding) -> str:
    return "people" if finding.label_kind == "human" else "constructed labels"


def _ends(finding: Finding) -> tuple[float, float]:
    both = np.concatenate([finding.data.judge, finding.data.people])
    low, high = finding.scale.low, finding.scale.high
    return float(both.min()) if low is None else low, float(both.max()) if high is None else high


# A console table as an SVG picture, for pages that show what the command line prints.

_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def svg(draw: Callable[[Console], None], *, title: str, width: int = 80) -> str:
    """What `draw` prints, as SVG: the same bytes for the same output, and no font fetched from anywhere.

    >>> picture = svg(lambda console: console.print("4.20"), title="demo")
    >>> "4.20" in picture, "http" in picture.replace("http://www.w3.org/2000/svg", "")
    (True, False)
    """
    screen = Console(record=True, width=width, file=io.StringIO(), highlight=False, markup=False)
    draw(screen)
    drawn = screen.export_svg(title=title, theme=DEFAULT_TERMINAL_THEME, unique_id="wavjudge")
    plain = _FONTS.sub("", drawn).replace("Fira Code, monospace", "monospace").replace("Fira Code", "monospace")
    return re.sub(r"<!--.*?-->\s*", "", plain, flags=re.DOTALL)
