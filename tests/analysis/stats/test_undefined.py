"""Each cause for which a statistic has no value is said as itself."""

from __future__ import annotations

import numpy as np
import pytest

from wavjudge.analysis.stats.agreement import KENDALL_TAU_B, PEARSON, SPEARMAN, WITHIN_ONE
from wavjudge.analysis.stats.intervals import estimate
from wavjudge.analysis.stats.sums import Paired, Statistic
from wavjudge.analysis.stats.within_prompt import (
    BEST_OF_N,
    INTRA_ID_SPEARMAN,
    INTRA_ID_TAU,
    INTRA_ID_ZERO_FILLED,
    WITHIN_PROMPT_ACCURACY,
)
from wavjudge.analysis.stats.within_prompt import WITHIN_PROMPT_TIE_CALIBRATED as TIE_CALIBRATED

APART, PAIRS = [0, 1, 2, 3], [0, 0, 1, 1]
OVERALL = (PEARSON, SPEARMAN, KENDALL_TAU_B)
WITHIN = (INTRA_ID_SPEARMAN, INTRA_ID_TAU, INTRA_ID_ZERO_FILLED, BEST_OF_N)

CASES = [
    (OVERALL, [3, 3, 3, 3], [1, 2, 3, 4], PAIRS, "its scores are all the same (3)"),
    (OVERALL, [1, 2, 3, 4], [2, 2, 2, 2], PAIRS, "the labels are all the same (2)"),
    (OVERALL, [3, 3], [2, 2], [0, 1], "its scores are all the same (3) and the labels are all the same (2)"),
    (OVERALL, [3], [2], [0], "both sides scored one answer only"),
    ((*WITHIN, WITHIN_PROMPT_ACCURACY), [1, 2, 3, 4], [4, 3, 1, 2], APART, "no prompt has two answers"),
    (WITHIN, [1, 2, 3, 4], [2, 2, 5, 5], PAIRS, "the labels are the same for all answers to each of the 2 prompts"),
    (WITHIN, [1, 2], [2, 2], [0, 0], "the labels are the same for all answers to the one prompt"),
    (WITHIN[:2], [2, 2, 5, 5], [1, 2, 3, 4], PAIRS, "its scores are the same for all answers to each of the 2 prompts"),
    (WITHIN[:2], [2, 2, 5, 4], [1, 2, 3, 3], PAIRS, "its scores are the same for all answers to 1, and the labels"),
    ((TIE_CALIBRATED,), [1, 2], [2, 1], [0, 0], "there is one prompt"),
]


@pytest.mark.parametrize(
    "statistic, judge, people, prompt, says",
    [(one, *rest) for several, *rest in CASES for one in several],
    ids=lambda value: value.name if isinstance(value, Statistic) else None,
)
def test_the_cause_in_the_data_is_named(
    statistic: Statistic, judge: list[float], people: list[float], prompt: list[int], says: str
) -> None:
    found = estimate(statistic, Paired.of(judge, people, prompt))
    assert found.value is None and says in found.note


def test_within_one_on_a_narrow_scale_says_so_and_no_subject_is_no_subject() -> None:
    narrow = Paired.of([0, 1], [1, 1], [0, 1], scale=(0, 1))
    assert "not wider than a point" in estimate(WITHIN_ONE, narrow).note
    none = Paired.of(np.array([]), np.array([]), np.array([]))
    assert estimate(PEARSON, none).note == "no subjects"
