"""Figures that `calibrate` learnt after the first round of studies: accuracy with calibrated ties, kappa with several
people, and Pearson's r corrected for what people's mean is worth.

Prompts are random, the people stay the same. `fine`: the judge says what it hears, limited to the scale but not
rounded, so that a threshold for ties has something to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np

from studies.coverage.cells import Cell, Found, Truth, held
from studies.coverage.people import GENEROSITY
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
from wavjudge.analysis.stats.agreement import KAPPA_QUADRATIC
from wavjudge.analysis.stats.intervals import Estimate, estimate
from wavjudge.analysis.stats.panel import Panel
from wavjudge.analysis.stats.reliability import corrected_correlation
from wavjudge.analysis.stats.sums import Floats, Paired
from wavjudge.analysis.stats.within_prompt import WITHIN_PROMPT_TIE_CALIBRATED

QUANTITY, NOMINAL = "coverage", 0.95
CASES = {"typical": ("typical", False), "typical, fine": ("typical", True), "accurate, fine": ("accurate", True)}
NAMES = ["within_prompt_tie_calibrated", "kappa_quadratic, 3 people", "pearson_corrected, 3 people"]


def cells(random: Random) -> Iterator[Cell]:
    for case, (name, fine) in CASES.items():
        for layout in LAYOUTS:
            truths = true_values(partial(_values, POPULATIONS[name], fine, layout), NAMES, random)
            for prompts in PROMPTS:
                once = partial(_once, POPULATIONS[name], fine, layout, prompts, truths)
                yield Cell(case, layout, prompts, once, truths)


def _drawn(population: Population, fine: bool, layout: str, prompts: int, random: Random) -> tuple[Paired, Floats]:
    """The judge against one of three people (means of three seldom tie), and what all three said."""
    drawn = answers(population, layout, prompts, random)
    each = drawn.people(random, len(GENEROSITY), GENEROSITY)
    judge = np.clip(drawn.heard(random, population.judge), 1, 5) if fine else drawn.judged(random, population.judge)
    return Paired(judge, each[:, 1], drawn.prompt), each


def _values(population: Population, fine: bool, layout: str, random: Random) -> list[float]:
    found = _figures(*_drawn(population, fine, layout, BATCH_PROMPTS, random))
    return [float("nan") if one.value is None else one.value for one in found]


def _figures(data: Paired, each: Floats) -> tuple[Estimate, Estimate, Estimate]:
    mean = Paired(data.judge, each.mean(axis=1), data.prompt, each)
    corrected = corrected_correlation(data.judge, Panel.of(each, data.prompt))
    return estimate(WITHIN_PROMPT_TIE_CALIBRATED, data), estimate(KAPPA_QUADRATIC, mean), corrected


def _once(
    population: Population, fine: bool, layout: str, prompts: int, truths: Mapping[str, Truth], random: Random,
    number: int,
) -> Found:  # fmt: skip
    found = _figures(*_drawn(population, fine, layout, prompts, random))
    return {(name, "jackknife-t"): held(one, truths[name].value) for name, one in zip(NAMES, found, strict=True)}
