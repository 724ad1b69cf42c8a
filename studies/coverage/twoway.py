"""Prompts and people both random: does the two-way interval hold what other prompts and other people would give?

Each run draws its people anew, with leanings of their own. Beside it the interval over prompts alone, on the same
draws: it answers another question (these very people), and its row says how far that is from this one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np

from studies.coverage.cells import Cell, Found, Truth, held
from studies.coverage.populations import (
    BATCH_PROMPTS,
    LAYOUTS,
    POPULATIONS,
    PROMPTS,
    Answers,
    Random,
    answers,
    true_values,
)
from wavjudge.analysis.stats.agreement import BIAS, MAE, PEARSON, SPEARMAN, WITHIN_ONE
from wavjudge.analysis.stats.intervals import METHOD, estimate, two_way, without_people
from wavjudge.analysis.stats.panel import Panel
from wavjudge.analysis.stats.sums import Floats, Paired
from wavjudge.analysis.stats.within_prompt import INTRA_ID_ZERO_FILLED, WITHIN_PROMPT_ACCURACY

QUANTITY, NOMINAL = "coverage", 0.95
POPULATION, LEANING = POPULATIONS["typical"], 0.4
CASES = {"3 people": 3, "6 people": 6}
STATISTICS = (PEARSON, SPEARMAN, INTRA_ID_ZERO_FILLED, WITHIN_PROMPT_ACCURACY, MAE, WITHIN_ONE, BIAS)
NAMES = [statistic.name for statistic in STATISTICS]

PANELS = 10
"""Panels of a batch for a true value, each also with all leanings turned round."""


def cells(random: Random) -> Iterator[Cell]:
    for case, people in CASES.items():
        for layout in LAYOUTS:
            truths = true_values(partial(_values, people, layout), NAMES, random)
            for prompts in PROMPTS:
                yield Cell(case, layout, prompts, partial(_once, people, layout, prompts, truths), truths)


def _drawn(drawn: Answers, leanings: Floats, random: Random) -> tuple[Paired, Panel]:
    panel = Panel.of(drawn.people(random, len(leanings), leanings), drawn.prompt)
    judge = drawn.judged(random, POPULATION.judge)
    return Paired(judge, panel.mean(), drawn.prompt, panel.ratings), panel


def _values(people: int, layout: str, random: Random) -> list[float]:
    drawn, found = answers(POPULATION, layout, BATCH_PROMPTS, random), []
    for _ in range(PANELS):
        leanings = LEANING * random.normal(size=people)
        for turned in (leanings, -leanings):
            data, _ = _drawn(drawn, turned, random)
            found.append([statistic.of(data) for statistic in STATISTICS])
    return [float(value) for value in np.mean(found, axis=0)]


def _once(people: int, layout: str, prompts: int, truths: Mapping[str, Truth], random: Random, number: int) -> Found:
    leanings = LEANING * random.normal(size=people)
    data, panel = _drawn(answers(POPULATION, layout, prompts, random), leanings, random)
    without, found = without_people(panel, data.judge), Found()
    for one in STATISTICS:
        truth = truths[one.name].value
        found[one.name, METHOD] = held(two_way(one, data, without), truth)
        found[one.name, "jackknife-t over prompts"] = held(estimate(one, data), truth)
    return found
