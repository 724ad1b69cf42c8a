"""Every figure of `calibrate`: does its 95 % interval hold the population's value?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from studies.coverage.cells import Cell, Found, Truth, held
from studies.coverage.populations import (
    BATCH_PROMPTS,
    LAYOUTS,
    POPULATIONS,
    PROMPTS,
    Population,
    Random,
    answers,
    true_values,
)
from wavjudge.analysis.calibration.findings import STATISTICS
from wavjudge.analysis.stats.baselines import PERFECT, skills
from wavjudge.analysis.stats.intervals import Method, estimate
from wavjudge.analysis.stats.sums import Paired

QUANTITY, NOMINAL = "coverage", 0.95
RESAMPLES = 1000
BOOTSTRAPPED = "typical"
"""The population on which the percentile cluster bootstrap is run too, draw for draw beside the jackknife-t."""

NAMES = [s.name for s in STATISTICS] + [f"skill_{name}" for name in PERFECT]


def cells(random: Random) -> Iterator[Cell]:
    for case, population in POPULATIONS.items():
        for layout in LAYOUTS:
            truths = true_values(partial(_values, population, layout), NAMES, random)
            for prompts in PROMPTS:
                once = partial(_once, population, layout, prompts, truths, case == BOOTSTRAPPED)
                yield Cell(case, layout, prompts, once, truths)


def _values(population: Population, layout: str, random: Random) -> list[float]:
    data = answers(population, layout, BATCH_PROMPTS, random).paired(random)
    skill = [estimate.value for estimate in skills(data).values()]
    return [s.of(data) for s in STATISTICS] + [float("nan") if value is None else value for value in skill]


def _once(
    population: Population,
    layout: str,
    prompts: int,
    truths: Mapping[str, Truth],
    bootstrap: bool,
    random: Random,
    number: int,
) -> Found:
    data = answers(population, layout, prompts, random).paired(random)
    found = _estimates(data, truths, "jackknife-t", number)
    for name, skill in skills(data).items():
        found[f"skill_{name}", "jackknife-t"] = held(skill, truths[f"skill_{name}"].value)
    return found | _estimates(data, truths, "cluster-bootstrap", number) if bootstrap else found


def _estimates(data: Paired, truths: Mapping[str, Truth], method: Method, number: int) -> Found:
    return {
        (s.name, method): held(estimate(s, data, method=method, resamples=RESAMPLES, seed=number), truths[s.name].value)
        for s in STATISTICS
    }
