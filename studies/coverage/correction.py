"""A candidate's mean corrected by few labels: does the interval hold the mean that people would give over all prompts?

200 prompts, of which some are labelled: a simple random sample, or (`weighted`) each by a chance of its own that rises
with what the judge wrongly likes. What is called 10 labelled prompts lies below the floor of the code, which is taken
away for it: to see what the floor is for.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from unittest.mock import patch

import numpy as np

from studies.coverage.cells import Cell, Found, held
from studies.coverage.populations import LAYOUTS, POPULATIONS, Population, Random, answers, true_mean
from wavjudge.analysis.stats import ppi, recalibration
from wavjudge.analysis.stats.intervals import Estimate
from wavjudge.analysis.stats.ppi import corrected_mean
from wavjudge.analysis.stats.recalibration import Kind, recalibrate
from wavjudge.analysis.stats.sums import Floats, Ints
from wavjudge.types import Scale

QUANTITY, NOMINAL = "coverage", 0.95
ALL_PROMPTS, LABELLED = 200, (10, 20, 25, 50)
KINDS: tuple[Kind, ...] = ("linear", "isotonic")
MEAN = "mean"


def cells(random: Random) -> Iterator[Cell]:
    for case in ("typical", "accurate"):
        truth = true_mean(POPULATIONS[case])
        for layout in LAYOUTS:
            for labelled in LABELLED:
                once = partial(_once, POPULATIONS[case], layout, labelled, truth.value)
                yield Cell(case, layout, labelled, once, {MEAN: truth})


def _once(population: Population, layout: str, labelled: int, truth: float, random: Random, number: int) -> Found:
    data = answers(population, layout, ALL_PROMPTS, random).paired(random)
    chosen = random.permutation(ALL_PROMPTS) < labelled
    people = np.where(chosen[data.prompt], data.people, np.nan)
    with (
        patch.object(ppi, "MIN_LABELLED_PROMPTS", min(labelled, ppi.MIN_LABELLED_PROMPTS)),
        patch.object(recalibration, "MIN_LABELLED_PROMPTS", min(labelled, recalibration.MIN_LABELLED_PROMPTS)),
    ):
        plain = corrected_mean(data.judge, people, data.prompt, design="random")
        found = {(MEAN, "people alone"): held(plain.people, truth), (MEAN, "ppi++"): held(plain.corrected, truth)}
        for kind in KINDS:
            mapped = _mapped(kind, data.judge, people, data.prompt)
            map_corrected = corrected_mean(mapped, people, data.prompt, design="random").corrected
            found[MEAN, f"ppi++, {kind} map"] = held(map_corrected, truth)
        if labelled > min(LABELLED):
            found[MEAN, "ppi++, weighted"] = held(
                _weighted(data.judge, data.people, data.prompt, labelled, random), truth
            )
    return found


def _mapped(kind: Kind, judge: Floats, people: Floats, prompt: Ints) -> Floats:
    scale = Scale(low=1, high=5)
    return recalibrate(judge, people, prompt, kind=kind, axis="overall", scale=scale, signature="judge").out_of_fold


def _weighted(judge: Floats, people: Floats, prompt: Ints, labelled: int, random: Random) -> Estimate:
    """Each prompt is labelled by its own chance, between half and one and a half of the average one."""
    apart = np.bincount(prompt, judge - people) / np.bincount(prompt)
    chance = labelled / ALL_PROMPTS * np.clip(1 + apart - apart.mean(), 0.5, 1.5)
    chosen = random.random(ALL_PROMPTS) < chance
    told = np.where(chosen[prompt], people, np.nan)
    found = corrected_mean(judge, told, prompt, design="weighted", probability=chance[prompt])
    return found.corrected
