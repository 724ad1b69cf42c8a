"""The alternative annotator test where its null hypothesis holds exactly: how often is it rejected at 5 %?

`exchangeable`: judge and three people are four of a kind, epsilon 0. `worse`: the judge hears less well, and epsilon is
by how much it loses (known to the printed error): one-sided differences, far from symmetric. `one person` is the test
against the first of them; `passed` the whole procedure, which corrects for three.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from studies.coverage.cells import Cell, Found, Outcome, Truth, rejected
from studies.coverage.populations import (
    BATCH_PROMPTS,
    LAYOUTS,
    POPULATIONS,
    PROMPTS,
    Random,
    answers,
    on_scale,
    true_values,
)
from wavjudge.analysis.stats.alternative_annotator import Alternative, alternative
from wavjudge.analysis.stats.panel import Panel

QUANTITY, NOMINAL = "rejected", 0.05
PEOPLE, EPSILON = 3, "epsilon"
POPULATION = POPULATIONS["typical"]
HEARS = {"exchangeable": POPULATION.person, "worse": 1.0}


def cells(random: Random) -> Iterator[Cell]:
    for case, error in HEARS.items():
        for layout in LAYOUTS:
            truths = {EPSILON: Truth(0.0)}
            if case == "worse":
                truths = true_values(partial(_loss, error, layout), [EPSILON], random)
            for prompts in PROMPTS:
                yield Cell(case, layout, prompts, partial(_once, error, layout, prompts, truths[EPSILON].value), truths)


def _test(error: float, layout: str, prompts: int, epsilon: float, random: Random) -> Alternative:
    drawn = answers(POPULATION, layout, prompts, random)
    panel = Panel.of(drawn.people(random, PEOPLE), drawn.prompt)
    heard = POPULATION.mean + drawn.quality + error * random.normal(size=len(drawn.prompt))
    return alternative(on_scale(heard), panel, epsilon=epsilon, score="rmse")


def _loss(error: float, layout: str, random: Random) -> list[float]:
    """By how much people win over the judge, mean over prompts and over the three of them."""
    opponents = _test(error, layout, BATCH_PROMPTS, 0.0, random).opponents
    return [float(np.mean([o.person_wins - o.judge_wins for o in opponents]))]


def _once(error: float, layout: str, prompts: int, epsilon: float, random: Random, number: int) -> Found:
    found = _test(error, layout, prompts, epsilon, random)
    p = found.opponents[0].p_value if found.opponents else None
    return {
        ("one person", "careful t on prompt means"): rejected(p),
        ("passed", "Benjamini-Yekutieli"): Outcome(found.passed),
    }
