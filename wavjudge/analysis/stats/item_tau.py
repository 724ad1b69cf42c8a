"""Kendall's tau-b among the answers to one prompt, averaged over prompts (tau "per item").

The convention of the dialogue metrics on Topical-Chat and of G-Eval on SummEval: a prompt on which one side gives one
score throughout has no tau and is left out of the mean. `intra.py` says what that hides; the zero-filled Intra-ID is
the figure that counts such prompts.

>>> INTRA_ID_TAU.of(Paired.of([1, 2, 3, 1, 2], [1, 3, 2, 4, 4], [0, 0, 0, 1, 1]))  # (2 - 1) / 3, and none
0.3333333333333333
"""

from __future__ import annotations

import numpy as np

from wavjudge.analysis.stats.sums import Floats, Paired, additive, ratio
from wavjudge.analysis.stats.within_prompt import within_prompt_pairs


def taus(data: Paired) -> Floats:
    """Per prompt: is tau defined; tau or 0; (P, 2)."""
    first, second = within_prompt_pairs(data.prompt)
    judge, people = (np.sign((side[first] - side[second]).round(9)) for side in (data.judge, data.people))
    order, ours, theirs = (
        np.bincount(data.prompt[first], weights, data.prompts).astype(float)
        for weights in (judge * people, judge**2, people**2)
    )
    found = ratio(order, np.sqrt(ours * theirs))
    return np.stack([np.isfinite(found), np.nan_to_num(found)], axis=1).astype(float)


INTRA_ID_TAU = additive(
    "intra_id_tau", taus, lambda sums: ratio(sums[..., 1], sums[..., 0]), limits=(-1, 1), contrary="order", heeded=True
)
"""Mean over prompts of tau-b = (concordant - discordant) / sqrt(pairs untied by the judge * pairs untied by people)."""
