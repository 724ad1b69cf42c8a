"""Where exceptions are rare: accurate judges with two answers a prompt, people near the ceiling, a judge's failures.

`rare failures` is the accurate judge that gives the opposite end of the scale to 2 % of the answers; `typical` stands
there for the middle of the scale, where nothing may be withheld.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from studies.coverage.cells import Cell, Found, Truth, held
from studies.coverage.populations import (
    BATCH_PROMPTS,
    POPULATIONS,
    Judge,
    Population,
    Random,
    answers,
    true_values,
)
from wavjudge.analysis.calibration.findings import STATISTICS
from wavjudge.analysis.stats.intervals import estimate
from wavjudge.analysis.stats.sums import Paired

QUANTITY, NOMINAL = "coverage", 0.95
CEILING = Population(4.9, 0.7, 0.9, 0.4, 1, Judge(4.9, 1.0, 0.15, 0.35))
"""People's mean is 4.5: the accurate judge and people, further up the scale."""
FAILS = 0.02

Place = tuple[str, int]
CELLS: Mapping[str, tuple[Population, float, tuple[Place, ...]]] = {
    "accurate": (POPULATIONS["accurate"], 0.0, tuple(("2 each", n) for n in (20, 50, 100, 200, 400))),
    "near the ceiling": (CEILING, 0.0, (("4 each", 20), ("4 each", 50), ("2 each", 200))),
    "rare failures": (POPULATIONS["accurate"], FAILS, (("4 each", 20), ("4 each", 50))),
    "typical": (POPULATIONS["typical"], 0.0, (("4 each", 50), ("2 each", 200))),
}


def cells(random: Random) -> Iterator[Cell]:
    for case, (population, fails, places) in CELLS.items():
        for layout in sorted({layout for layout, _ in places}):
            truths = true_values(partial(_values, population, fails, layout), [s.name for s in STATISTICS], random)
            for own, prompts in places:
                if own == layout:
                    yield Cell(
                        case, layout, prompts, partial(_once, population, fails, layout, prompts, truths), truths
                    )


def drawn(population: Population, fails: float, layout: str, prompts: int, random: Random) -> Paired:
    data = answers(population, layout, prompts, random).paired(random)
    wrong = random.random(data.n) < fails
    opposite = np.where(data.people >= 3, 1.0, 5.0)
    return replace(data, judge=np.where(wrong, opposite, data.judge), scale=(1.0, 5.0))


def _values(population: Population, fails: float, layout: str, random: Random) -> list[float]:
    data = drawn(population, fails, layout, BATCH_PROMPTS, random)
    return [s.of(data) for s in STATISTICS]


def _once(
    population: Population, fails: float, layout: str, prompts: int, truths: Mapping[str, Truth], random: Random,
    number: int,
) -> Found:  # fmt: skip
    data = drawn(population, fails, layout, prompts, random)
    return {(s.name, "jackknife-t"): held(estimate(s, data), truths[s.name].value) for s in STATISTICS}
