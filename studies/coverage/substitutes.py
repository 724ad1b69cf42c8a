"""The alternative annotator test on few prompts with one answer each, at the edge of its null hypothesis.

Everybody but one person always says the right score, so that this person's contest is drawn as it is meant: with
chance .15 the judge is wrong and the person wins (`only the person wins`, as far from symmetric as it gets); or the
person wins .25 and the judge .10 (`both win`). Epsilon .15 is the true loss in both.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from studies.coverage.cells import Cell, Found, Outcome, Truth, rejected
from studies.coverage.populations import Random
from wavjudge.analysis.stats.alternative_annotator import alternative
from wavjudge.analysis.stats.panel import Panel

QUANTITY, NOMINAL = "rejected", 0.05
EPSILON = 0.15
PROMPTS = (6, 8, 12, 20, 30, 50, 100)
WINS = {"only the person wins": (0.15, 0.0), "both win": (0.25, 0.10)}


def cells(random: Random) -> Iterator[Cell]:
    for case, wins in WINS.items():
        for prompts in PROMPTS:
            yield Cell(case, "1 each", prompts, partial(_once, wins, prompts), {"one person": Truth(EPSILON)})


def _once(wins: tuple[float, float], prompts: int, random: Random, number: int) -> Found:
    chance = random.random(prompts)
    judge = np.where(chance < wins[0], 4.0, 3.0)
    person = np.where(chance > 1 - wins[1], 4.0, 3.0)
    right = np.full(prompts, 3.0)
    panel = Panel.of(np.stack([person, right, right], axis=1), np.arange(prompts))
    found = alternative(judge, panel, epsilon=EPSILON, score="accuracy")
    p = found.opponents[0].p_value if found.opponents else None
    return {
        ("one person", "careful t on prompt means"): rejected(p),
        ("passed", "Benjamini-Yekutieli"): Outcome(found.passed),
    }
