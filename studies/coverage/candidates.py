"""Two candidates that are equally good by construction: how often is one called better at 5 %?

Four answers a prompt; in `6 % failures` each attempt fails with that chance and counts as the scale's minimum.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from studies.coverage.cells import Cell, Found, rejected
from studies.coverage.populations import BALANCED, PROMPTS, Random, on_scale
from wavjudge.analysis.stats.candidates import Answers, compare_candidates
from wavjudge.types import Scale

QUANTITY, NOMINAL = "rejected", 0.05
FAILURES = {"1-5": 0.0, "6 % failures": 0.06}


def cells(random: Random) -> Iterator[Cell]:
    for case, failures in FAILURES.items():
        for prompts in (8, *PROMPTS):
            for each in (1, 4):
                layout = BALANCED if each == 4 else "1 each"
                yield Cell(case, layout, prompts, partial(_once, failures, prompts, each))


def _once(failures: float, prompts: int, each: int, random: Random, number: int) -> Found:
    prompt = np.repeat(np.arange(prompts), each)
    hard = 0.6 * random.normal(size=prompts)

    def side() -> Answers:
        own = 0.4 * random.normal(size=prompts)
        scores = on_scale(3.4 + (hard + own)[prompt] + 0.7 * random.normal(size=len(prompt)))
        failed = random.random(len(prompt)) < failures
        return Answers(np.where(failed, np.nan, scores), failed, prompt)

    means = compare_candidates(side(), side(), Scale(low=1, high=5), seed=number).all_items
    assert means is not None
    return {("mean", "clustered t"): rejected(means.p), ("mean", "flips of sign"): rejected(means.p_permutation)}
