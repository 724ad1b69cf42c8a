"""The picture of a monitor: reward and held-out score by step, their gap, and the alarms. PNG and SVG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wavjudge.reporting.plots import save
from wavjudge.rewards.monitor.alarms import Alarms, Change, Standing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_REWARD, _HELD_OUT, _ALARM, _SOFT = "#1f4e79", "#2f7d4f", "#b04a2f", "#9bb8d3"


def draw(alarms: Alarms, stem: Path) -> list[Path]:
    """Write STEM.png and STEM.svg; the same looks give the same files."""
    import matplotlib

    matplotlib.rcParams["svg.hashsalt"] = "wavjudge"
    made, written = figure(alarms), [stem.with_suffix(suffix) for suffix in (".png", ".svg")]
    for path in written:
        save(made, path)
    return written


def figure(alarms: Alarms) -> Figure:
    """The changes above, the drifts below, over the steps that were looked at."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    made = Figure(figsize=(6, 5.4), dpi=110, layout="constrained")
    FigureCanvasAgg(made)
    above, below = made.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    _changes(above, alarms.standings)
    _drifts(below, alarms.standings)
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
    below.xaxis.set_major_locator(MaxNLocator(integer=True))
    return made


def _changes(axes: Axes, standings: Sequence[Standing]) -> None:
    """Change since the first look, with the interval of the reward and the plain one of the held-out score. The first
    look is where both begin, at 0; the reward is drawn wider, to be seen where both are equal."""
    axes.axhline(0, color=_SOFT, lw=1)
    begin = [(one.step, 0.0, 0.0, 0.0) for one in standings[:1]]
    for name, colour, wide in (("reward", _REWARD, 3), ("held_out", _HELD_OUT, 1.3)):
        known = [one for one in standings[1:] if one.verdict != "not_known"]
        found = [(one.step, _of(one, name).difference) for one in known]
        points = begin + [(step, one.value, one.low, one.high) for step, one in found
                          if one.value is not None and one.low is not None and one.high is not None]  # fmt: skip
        steps, values, lows, highs = map(list, zip(*points, strict=True)) if points else ([], [], [], [])
        axes.plot(steps, values, "o-", color=colour, lw=wide, ms=3 + 1.5 * wide, label=name.replace("_", "-"))
        axes.vlines(steps, lows, highs, color=colour, alpha=0.5, lw=wide)
    for one in standings:
        if one.verdict == "gaming":
            axes.axvline(one.step, color=_ALARM, ls="--", lw=1)
    axes.legend(frameon=False, fontsize=8)
    axes.set(ylabel="points since the first look")
    axes.set_title("dashed: the reward rose, the held-out score did not", fontsize=8)


def _of(standing: Standing, name: str) -> Change:
    return standing.reward if name == "reward" else standing.held_out


def _drifts(axes: Axes, standings: Sequence[Standing]) -> None:
    """One line a drifting quantity, a dot where it alarms."""
    names = [change.quantity for change in standings[-1].drifts] if standings else []
    for row, name in enumerate(names):
        for one in standings[1:]:
            change = next(change for change in one.drifts if change.quantity == name)
            known = change.prompts and not change.note
            axes.plot(one.step, row, "s" if change.alarm else "." if known else "x", ms=7 if change.alarm else 4,
                      color=_ALARM if change.alarm else _SOFT)  # fmt: skip
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names], fontsize=8)
    axes.set(xlabel="step")
    axes.set_title("squares: drifted; crosses: not known", fontsize=8)
