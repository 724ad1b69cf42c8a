"""Why a statistic does not exist, in words: the cause in the data, not the list of all causes there could be.

"Its scores" are those of whoever the row is of: a judge, a null row, a person. "The labels" are what they are held to.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from wavjudge.analysis.stats.sums import Floats, Paired, Statistic
from wavjudge.analysis.stats.within_prompt import groups, within_prompt_pairs

WITHIN = ("intra_id", "best_of_n", "within_prompt")
"""How the names of statistics begin that need two answers to one prompt."""

_SAME = 1e-9


def why_undefined(statistic: Statistic, data: Paired) -> str:
    """The cause for which the statistic has no value on these data.

    >>> from wavjudge.analysis.stats.within_prompt import INTRA_ID_SPEARMAN
    >>> why_undefined(INTRA_ID_SPEARMAN, Paired.of([1, 2], [1, 3], ["q1", "q2"]))
    'undefined: no prompt has two answers that both sides scored'
    """
    return f"undefined: {_cause(statistic, data)}"


def why_neither(statistic: Statistic, sides: Mapping[str, Paired]) -> str:
    """Of a difference: which of the two has no value, and why. sides: each one's data, by its name."""
    causes = (
        f"{name}: {_cause(statistic, data)}" for name, data in sides.items() if not np.isfinite(statistic.of(data))
    )
    return f"undefined: {'; '.join(causes)}"


def _cause(statistic: Statistic, data: Paired) -> str:
    if statistic.name.endswith("within_one") and data.scale is not None and data.scale[1] - data.scale[0] <= 1:
        return "the scale is not wider than a point, so everybody is within one"
    if statistic.name.startswith(WITHIN):
        return _within(statistic, data)
    if data.n < 2:
        return "both sides scored one answer only" if data.n else "both sides scored no answer in common"
    return one_side(data.judge, data.people) or "the scores and the labels hardly differ between the answers"


def one_side(judge: Floats, people: Floats) -> str:
    """Which side gives every answer the same score; empty if neither does.

    >>> one_side(np.array([3.0, 3.0]), np.array([1.0, 2.0]))
    'its scores are all the same (3)'
    """
    sides = (("its scores", judge), ("the labels", people))
    said = [f"{whose} are all the same ({side[0]:.4g})" for whose, side in sides
            if len(side) and np.ptp(side) <= _SAME * max(1.0, abs(side[0]))]  # fmt: skip
    return " and ".join(said)


def _within(statistic: Statistic, data: Paired) -> str:
    found = groups(data)
    several = found.defined + found.judge_constant + found.people_constant
    if not len(within_prompt_pairs(data.prompt)[0]):
        return "no prompt has two answers that both sides scored"
    on = "the one prompt" if several == 1 else f"each of the {several} prompts"
    if statistic.name == "within_prompt_tie_calibrated" and data.prompts < 2:
        return "there is one prompt, and what counts as a tie is learnt on others"
    if not found.defined + found.judge_constant:
        return f"the labels are the same for all answers to {on} with two answers or more"
    if not found.people_constant:
        return f"its scores are the same for all answers to {on} with two answers or more"
    return (f"of the {several} prompts with two answers or more, its scores are the same for all answers to "
            f"{found.judge_constant}, and the labels are to the other {found.people_constant}")  # fmt: skip
