"""Rank sets of six candidates: do all intervals hold all true ranks at once? Equal candidates hold ranks 1 to 6.

A candidate that ties with others may hold any of their ranks. That all hold is the same as no false "better than".
mean_width is the number of ranks in an interval, averaged over the candidates: six says that nothing was decided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from studies.coverage.cells import Cell, Found, Outcome
from studies.coverage.populations import PROMPTS, Random, on_scale
from wavjudge.analysis.stats.rank_sets import RESAMPLES, rank_sets
from wavjudge.analysis.stats.sums import Floats

QUANTITY, NOMINAL = "coverage", 0.95
NAMES = ("a", "b", "c", "d", "e", "f")
FEWER_RESAMPLES = 1000

LEVELS = np.array([3.0, 3.0, 3.3, 3.3, 3.6, 3.6])
SPREADS = np.array([0.3, 0.5, 0.7, 0.9, 1.1, 1.3])


def _heard(random: Random, prompts: int, spread: float | Floats = 0.8) -> Floats:
    return np.asarray(0.6 * random.normal(size=(prompts, 1)) + spread * random.normal(size=(prompts, len(NAMES))))


def _missing(random: Random, prompts: int) -> Floats:
    scores = on_scale(3.2 + _heard(random, prompts))
    return np.where(random.random(scores.shape) < 0.15, np.nan, scores)


def _failing(random: Random, prompts: int) -> Floats:
    scores = on_scale(3.8 + _heard(random, prompts))
    return np.where(random.random(scores.shape) < 0.06, 1.0, scores)


EQUAL: Floats = np.zeros(len(NAMES))
CASES: dict[str, tuple[Callable[[Random, int], Floats], Floats]] = {
    "equal, 1-5": (lambda random, prompts: on_scale(3.2 + _heard(random, prompts)), EQUAL),
    "equal, not rounded": (lambda random, prompts: 3.2 + _heard(random, prompts), EQUAL),
    "equal, near the ceiling": (lambda random, prompts: on_scale(4.7 + _heard(random, prompts)), EQUAL),
    "equal, passed or not (.9)": (lambda random, prompts: np.where(random.random((prompts, 6)) < 0.9, 1.0, 0.0), EQUAL),
    "equal, 6 % failures": (_failing, EQUAL),
    "equal, 15 % missing": (_missing, EQUAL),
    "equal means, unequal spreads": (
        lambda random, prompts: on_scale(3.0 + _heard(random, prompts, SPREADS)), EQUAL),
    "three levels of two": (lambda random, prompts: on_scale(LEVELS + _heard(random, prompts)), LEVELS),
}  # fmt: skip
"""How (prompts, 6) scores are drawn, and what orders the true means: equal by exchange of candidates, by symmetry
around 3 (spreads), or rising with the level."""

ALL_RESAMPLES = "equal, 1-5"
"""Run with the 10,000 resamples of the default; the rest with 1,000, where a p-value is as valid and less sharp."""


def cells(random: Random) -> Iterator[Cell]:
    for case, (draw, order) in CASES.items():
        resamples = RESAMPLES if case == ALL_RESAMPLES else FEWER_RESAMPLES
        for prompts in PROMPTS:
            yield Cell(case, "1 each", prompts, partial(_once, draw, order, prompts, resamples))


def _once(
    draw: Callable[[Random, int], Floats], order: Floats, prompts: int, resamples: int, random: Random, number: int
) -> Found:
    scores = draw(random, prompts)
    sets = rank_sets(scores, NAMES, statistic="score", resamples=resamples, seed=number).sets()
    best, worst = 1 + (order > order[:, None]).sum(axis=1), 6 - (order < order[:, None]).sum(axis=1)
    all_held = all(s.low <= a and s.high >= b for s, a, b in zip(sets, best, worst, strict=True))
    width = float(np.mean([s.high - s.low + 1 for s in sets]))
    return {("all ranks", f"max-t, {resamples} resamples"): Outcome(all_held, width)}
