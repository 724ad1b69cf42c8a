"""The recipe's arms on the toy: all seeds and learning rates, as a table of looks, in Markdown and in a picture."""

from __future__ import annotations

import copy
import csv
import hashlib
import io
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from importlib.metadata import version
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import torch

from studies.toy_recipe.arms import ARMS, Arm, Settings, base, preference_by_kind, train
from studies.toy_recipe.model import ToyModel
from wavjudge.errors import InputError
from wavjudge.files.safe import new_file
from wavjudge.reporting.plots import save
from wavjudge.training.diagnostics import Gradients, gradients
from wavjudge.version import __version__

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEARNING_RATES = (1e-3, 3e-4)
SEEDS = (0, 1, 2)
TARGETS = (0.25, 0.75)
"""Gains of reward, in points, at which arms are compared: at the first look that reaches them."""

_COLOURS = dict(zip((arm.name for arm in ARMS),
                    ("#888888", "#b04a2f", "#e0a030", "#6a51a3", "#1f4e79", "#2a9d6f"), strict=True))  # fmt: skip


COMPARED = (
    ("anchor", "GRPO text", "text + SFT"),
    ("mask", "GRPO all", "GRPO text"),
    ("mask, anchored", "all + SFT", "text + SFT"),
    ("gate", "text + SFT", "text + SFT gated"),
)
"""What is asked of two arms: without it, with it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One look at one run (`arms.Look`), and what made it. A row of results/toy_recipe.csv."""

    arm: str
    seed: int
    lr: float
    step: int
    drift: float
    reward: float
    valid: float
    mean_lambda: float
    settings: str
    versions: str


def study(
    settings: Settings, bases: Mapping[int, ToyModel], lrs: Sequence[float] = LEARNING_RATES,
    arms: Sequence[Arm] = ARMS, told: Callable[[str], None] = lambda _: None,
) -> Iterator[Row]:  # fmt: skip
    """Every look of every run. bases: the base model of each seed, left as it is; its arms see the same demonstrations.
    One thread, so that a re-run on the same machine gives the same figures. told: is given one line a run."""
    torch.set_num_threads(1)
    marks = (_digest(settings), f"wavjudge {__version__}; torch {version('torch')}; numpy {version('numpy')}; "
             f"Python {platform.python_version()}")  # fmt: skip
    runs = [(seed, lr, arm) for seed in bases for lr in lrs for arm in arms]
    for number, (seed, lr, arm) in enumerate(runs, 1):
        for look in train(copy.deepcopy(bases[seed]), arm, lr, seed, settings):
            drift, reward, valid, share = (round(each, 6) for each in astuple(look)[1:])
            yield Row(arm.name, seed, lr, look.step, drift, reward, valid, share, *marks)
        told(f"{number} of {len(runs)}: seed {seed}, lr {lr:g}: {arm.name}")


def base_models(settings: Settings, seeds: Sequence[int] = SEEDS) -> dict[int, ToyModel]:
    """What each seed's arms begin with."""
    torch.set_num_threads(1)
    return {seed: base(settings, seed) for seed in seeds}


def geometry(settings: Settings, bases: Mapping[int, ToyModel]) -> dict[int, Gradients]:
    """The preference gradients of each seed's base model on the answers of the first step, text and speech apart."""
    return {
        seed: gradients(model.parameters(), preference_by_kind(model, seed, settings)) for seed, model in bases.items()
    }


def _digest(settings: Settings) -> str:
    return hashlib.sha256(repr(settings).encode()).hexdigest()[:12]


def write(rows: Iterable[Row], path: Path) -> None:
    """As CSV, one line a look."""
    with new_file(path) as raw, io.TextIOWrapper(raw, encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(field.name for field in fields(Row))
        table.writerows(astuple(row) for row in rows)


def read(path: Path) -> list[Row]:
    """What `write` wrote."""
    with path.open(newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    if not found or set(found[0]) != {field.name for field in fields(Row)}:
        raise InputError("got no table of the toy, expected one of `make toy`", where=str(path))
    kinds = {"seed": int, "step": int, **dict.fromkeys(("lr", "drift", "reward", "valid", "mean_lambda"), float)}
    return [Row(**{name: kinds.get(name, str)(value) for name, value in one.items()}) for one in found]


def page(rows: Sequence[Row]) -> str:
    """All tables in Markdown; figures are means over seeds (smallest to largest)."""
    equal = [
        f"Learning rate {lr:g}, at the first look with a gain of {target:g}:\n\n{_equal(rows, lr, target)}"
        for lr in _rates(rows) for target in TARGETS
    ]  # fmt: skip
    return "\n".join([ends(rows), *equal, f"With it against without it:\n\n{_compared(rows)}"])


def ends(rows: Sequence[Row]) -> str:
    """One table a learning rate: the arms after the last step."""
    steps = max(row.step for row in rows)
    return "\n".join(f"Learning rate {lr:g}, after {steps} steps:\n\n{_ends(rows, lr)}" for lr in _rates(rows))


def _rates(rows: Sequence[Row]) -> list[float]:
    return list(dict.fromkeys(row.lr for row in rows))


def _ends(rows: Sequence[Row], lr: float) -> str:
    lines = ["| arm | drift, nats | gain of reward | valid speech | mean lambda |", "|---" * 5 + "|"]
    for arm, runs in _runs(rows, lr).items():
        ends = [run[-1] for run in runs]
        gains = [run[-1].reward - run[0].reward for run in runs]
        lines.append(f"| {arm} | {_span([row.drift for row in ends], '+.4f')} | {_span(gains, '+.2f')} "
                     f"| {_span([row.valid for row in ends], '.3f')} "
                     f"| {fmean(row.mean_lambda for row in ends):.3f} |")  # fmt: skip
    return "\n".join(lines) + "\n"


def _equal(rows: Sequence[Row], lr: float, target: float) -> str:
    lines = ["| arm | seeds that got there | steps | drift, nats | valid speech |", "|---" * 5 + "|"]
    for arm, runs in _runs(rows, lr).items():
        there = [look for look in (reached(run, target) for run in runs) if look is not None]
        figures = [_span([row.step for row in there], ".0f"), _span([row.drift for row in there], "+.4f"),
                   _span([row.valid for row in there], ".3f")]  # fmt: skip
        lines.append(f"| {arm} | {len(there)} of {len(runs)} | {' | '.join(figures)} |")
    return "\n".join(lines) + "\n"


def _compared(rows: Sequence[Row]) -> str:
    lines = ["| asked | arms | learning rate | at | drift | gain | valid speech |", "|---" * 7 + "|"]
    for asked, without, with_it in COMPARED:
        for lr in _rates(rows):
            runs = _runs(rows, lr)
            for at in (None, *TARGETS):
                two = [_figures(runs.get(arm, []), at) for arm in (without, with_it)]
                seen = [side(*pair) for pair in zip(*two, strict=True)]
                place = "the end" if at is None else f"a gain of {at:g}"
                lines.append(f"| {asked} | {with_it} against {without} | {lr:g} | {place} | {' | '.join(seen)} |")
    return "\n".join(lines) + "\n"


def _figures(runs: Sequence[Sequence[Row]], at: float | None) -> tuple[list[float], list[float], list[float]]:
    """Drift, gain and valid speech of each run, nothing of all if one of them did not get there."""
    looks = [run[-1] if at is None else reached(run, at) for run in runs]
    there = [look for look in looks if look is not None]
    if len(there) < len(looks):
        return [], [], []
    gains = [] if at is not None else [look.reward - run[0].reward for look, run in zip(there, runs, strict=True)]
    return [look.drift for look in there], gains, [look.valid for look in there]


def side(without: Sequence[float], with_it: Sequence[float]) -> str:
    """Higher or lower where all runs of one arm lie on one side of all of the other, else not seen.

    >>> side([1, 2, 3], [4, 5, 6]), side([1, 2, 3], [3, 4, 5]), side([1, 2, 3], [])
    ('higher', 'not seen', '-')
    """
    if not (without and with_it):
        return "-"
    if min(with_it) > max(without):
        return "higher"
    return "lower" if max(with_it) < min(without) else "not seen"


def reached(run: Sequence[Row], target: float) -> Row | None:
    """The first look at which the reward is `target` points above that of the first; None if there is none."""
    return next((row for row in run if row.reward - run[0].reward >= target), None)


def _runs(rows: Sequence[Row], lr: float) -> dict[str, list[list[Row]]]:
    """The looks of each run of each arm, in the order of their steps."""
    runs: dict[str, dict[int, list[Row]]] = {}
    for row in rows:
        if row.lr == lr:
            runs.setdefault(row.arm, {}).setdefault(row.seed, []).append(row)
    return {arm: list(by_seed.values()) for arm, by_seed in runs.items()}


def _span(values: Sequence[float], form: str) -> str:
    if not values:
        return "-"
    return f"{fmean(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def draw(rows: Sequence[Row], path: Path) -> None:
    """Drift and valid speech against the gain of reward: one line a run, one column a learning rate."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    matplotlib.rcParams["svg.hashsalt"] = "wavjudge"  # the same picture is the same file
    lrs = _rates(rows)
    figure = Figure(figsize=(4.6 * len(lrs), 6.4), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    for column, lr in enumerate(lrs):
        for line, name in enumerate(("drift", "valid")):
            axes = figure.add_subplot(2, len(lrs), 1 + column + line * len(lrs))
            _lines(axes, _runs(rows, lr), name)
            axes.set_title(f"learning rate {lr:g}" if not line else "", fontsize=10)
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=9)
    save(figure, path)


def _lines(axes: Axes, runs: dict[str, list[list[Row]]], name: str) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    for arm, some in runs.items():
        for number, run in enumerate(some):
            gains = [row.reward - run[0].reward for row in run]
            axes.plot(gains, [getattr(row, name) for row in run], color=_COLOURS.get(arm), marker="o", markersize=2,
                      linewidth=0.9, label=arm if not number else None)  # fmt: skip
    axes.set_xlabel("gain of reward, points", fontsize=9)
    if name == "drift":
        axes.set_yscale("symlog", linthresh=0.01)
        axes.set_ylabel("drift of held-out speech, nats a token", fontsize=9)
    else:
        axes.set_ylim(-0.03, 1.03)
        axes.set_ylabel("valid speech, share of frames", fontsize=9)
