"""How people agree among themselves: intervals of Krippendorff's alpha and of the intraclass correlations.

Three people, of whom one is sterner than the others and one more generous.

ICC(A,1) is also tried on Fisher's z scale, which the code does not use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
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
from wavjudge.analysis.stats.intervals import Estimate, estimate_prepared
from wavjudge.analysis.stats.panel import Panel
from wavjudge.analysis.stats.reliability import Reliability, _icc, reliability

QUANTITY, NOMINAL = "coverage", 0.95
GENEROSITY = (-0.4, 0.0, 0.4)
"""Of the three people, who stay the same in every run: prompts are what is random."""

CASES = ("typical", "accurate")
NAMES = [field.name for field in fields(Reliability) if field.name.startswith(("alpha", "icc"))]


def cells(random: Random) -> Iterator[Cell]:
    for case in CASES:
        for layout in LAYOUTS:
            truths = true_values(partial(_values, POPULATIONS[case], layout), NAMES, random)
            for prompts in PROMPTS:
                yield Cell(case, layout, prompts, partial(_once, POPULATIONS[case], layout, prompts, truths), truths)


def _panel(population: Population, layout: str, prompts: int, random: Random) -> Panel:
    drawn = answers(population, layout, prompts, random)
    return Panel.of(drawn.people(random, len(GENEROSITY), GENEROSITY), drawn.prompt)


def _values(population: Population, layout: str, random: Random) -> list[float]:
    found = reliability(_panel(population, layout, BATCH_PROMPTS, random))
    return [getattr(found, name).value for name in NAMES]


def _once(
    population: Population, layout: str, prompts: int, truths: Mapping[str, Truth], random: Random, number: int
) -> Found:
    panel = _panel(population, layout, prompts, random)
    figures = reliability(panel)
    by_name: dict[str, Estimate] = {name: getattr(figures, name) for name in NAMES}
    found = {(name, "jackknife-t"): held(estimate, truths[name].value) for name, estimate in by_name.items()}
    by_z = estimate_prepared(_icc(panel, "A,1"), prompts, "fisher")
    found["icc_a_1", "jackknife-t on Fisher's z"] = held(by_z, truths["icc_a_1"].value)
    return found
