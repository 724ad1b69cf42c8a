"""Two judges that are equally good by construction: how often is one called better at 5 %?

Paired differences over prompts as `compare_judges` makes them, beside the textbook tests that take answers as
independent. "1 each" is the textbook's own ground: 60 prompts with one answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from studies.coverage.cells import Cell, Found, rejected
from studies.coverage.populations import LAYOUTS, POPULATIONS, PROMPTS, Population, Random, answers
from wavjudge.analysis.stats.agreement import MAE, PEARSON, SPEARMAN, WITHIN_ONE
from wavjudge.analysis.stats.paired import JudgeScores, compare_judges
from wavjudge.analysis.stats.within_prompt import INTRA_ID_ZERO_FILLED, WITHIN_PROMPT_ACCURACY

QUANTITY, NOMINAL = "rejected", 0.05
STATISTICS = (PEARSON, SPEARMAN, INTRA_ID_ZERO_FILLED, WITHIN_PROMPT_ACCURACY, MAE, WITHIN_ONE)


def cells(random: Random) -> Iterator[Cell]:
    for case in ("typical", "accurate"):
        for layout, prompts in [*((layout, p) for layout in LAYOUTS for p in PROMPTS), ("1 each", 60)]:
            yield Cell(case, layout, prompts, partial(_once, POPULATIONS[case], layout, prompts))


def _once(population: Population, layout: str, prompts: int, random: Random, number: int) -> Found:
    drawn = answers(population, layout, prompts, random)
    people = drawn.people(random, population.people).mean(axis=1)
    judges = {name: drawn.judged(random, population.judge) for name in "ab"}
    table, found = JudgeScores("overall", judges, people, drawn.prompt), {}
    for statistic in STATISTICS:
        if layout == "1 each" and statistic in (INTRA_ID_ZERO_FILLED, WITHIN_PROMPT_ACCURACY):
            continue
        (row,) = compare_judges([table], statistic)
        found[statistic.name, "paired jackknife-t"] = rejected(row.p)
        for extra in row.extras:
            if extra.p is not None:
                found[statistic.name, extra.name] = rejected(extra.p)
    return found
