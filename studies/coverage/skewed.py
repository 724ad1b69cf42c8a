"""PPI++ where 6 % of the answers are low: the few labels often hold none of them.

People say 1 on 6 % of the prompts, else 4 or 5 (3 to 7). The judge `hears` is off by one point on a fifth of the
answers; `misses half` of the low answers it gives a 4, and errs like `hears` elsewhere; `wrong` gives the opposite
score to a tenth, and else what people say; `deaf` says 4 or 5 whatever it is. One answer a prompt. Where 20, 30, 50 and
80 prompts are labelled, so many are not: 180, 30, 950 and 20.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from studies.coverage.cells import Cell, Found, Truth, held
from studies.coverage.populations import Random
from wavjudge.analysis.stats.ppi import corrected_mean
from wavjudge.analysis.stats.sums import Floats

QUANTITY, NOMINAL = "coverage", 0.95
LOW, FIVE = 0.06, 0.7
MEAN, TRUTH = "mean", LOW * 1 + (1 - LOW) * (4 + FIVE)
SIZES = ((20, 180), (30, 30), (50, 950), (80, 20))
JUDGES = ("hears", "misses half", "wrong", "deaf")


def cells(random: Random) -> Iterator[Cell]:
    for judge in JUDGES:
        for labelled, others in SIZES:
            yield Cell(judge, "1 each", labelled, partial(_once, judge, labelled, others), {MEAN: Truth(TRUTH)})


def _judged(judge: str, people: Floats, random: Random) -> Floats:
    n = len(people)
    if judge == "deaf":
        return random.choice([4.0, 5.0], n)
    if judge == "wrong":
        return np.where(random.random(n) < 0.1, 6 - people, people)
    heard = np.where((people == 1) & (random.random(n) < 0.5), 4.0, people) if judge == "misses half" else people
    return np.clip(heard + random.choice([-1, 0, 1], n, p=[0.1, 0.8, 0.1]), 1, 5)


def _once(judge: str, labelled: int, others: int, random: Random, number: int) -> Found:
    n = labelled + others
    people = np.where(random.random(n) < LOW, 1.0, np.where(random.random(n) < FIVE, 5.0, 4.0))
    told = np.where(np.arange(n) < labelled, people, np.nan)
    found = corrected_mean(_judged(judge, people, random), told, range(n), design="random", lowest=1, highest=5)
    return {(MEAN, "people alone"): held(found.people, TRUTH), (MEAN, "ppi++"): held(found.corrected, TRUTH)}
