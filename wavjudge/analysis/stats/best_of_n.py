"""What choosing by the judge gains: people's score of the judge's favourite among the answers to one prompt.

Whoever trains or re-ranks by a judge asks for this. Of the answers to one prompt the judge's favourite is taken (where
several share its highest score, each of them equally often). It gains people's score of the favourite less the mean of
all answers to the prompt, which is what choosing blindly gets. The most that could be gained is the best answer's score
less the mean. `best_of_n` is the sum of the first over all prompts divided by the sum of the second: 1 chooses as well
as people themselves, 0 is as good as blind, below 0 worse than blind.

A ratio of sums, not a mean of ratios: a prompt counts by how much there is to gain, in points of the scale. A prompt
whose answers are all good to within a tenth of a point would else weigh as much as one where a good answer stands
among bad ones; and one on which people see no difference has no ratio, and rightly counts for nothing here.

>>> two_prompts = Paired.of([3, 1, 2, 5, 5, 1], [4, 1, 1, 2, 4, 3], [0, 0, 0, 1, 1, 1])
>>> round(BEST_OF_N.of(two_prompts), 4)  # gains 4 - 2 of 4 - 2, and (2 + 4) / 2 - 3 of 4 - 3: 2 of 3 points
0.6667
"""

from __future__ import annotations

import numpy as np

from wavjudge.analysis.stats.sums import Floats, Paired, additive, per_prompt, ratio

_SAME = 1e-9


def _gains(data: Paired) -> Floats:
    """Per prompt: what the best answer gains over the mean, what the judge's favourite gains; (P, 2)."""
    chosen = data.judge >= _highest(data.judge, data)[data.prompt] - _SAME
    n, total, k, of_chosen = per_prompt(data, np.ones(data.n), data.people, chosen, np.where(chosen, data.people, 0)).T
    mean = total / n
    parts = np.stack([_highest(data.people, data) - mean, of_chosen / k - mean], axis=1)
    parts[parts[:, 0] < _SAME] = 0.0
    usual = parts[:, 0].sum() / max(int((parts[:, 0] > 0).sum()), 1)
    # In the unit of a usual prompt, so that one prompt more or less is one.
    return np.asarray(parts / usual) if usual > 0 else parts


def _highest(scores: Floats, data: Paired) -> Floats:
    found = np.full(data.prompts, -np.inf)
    np.maximum.at(found, data.prompt, scores)
    return found


BEST_OF_N = additive(
    "best_of_n", _gains, lambda sums: ratio(sums[..., 1], sums[..., 0]), limits=(-np.inf, 1), contrary="order"
)
"""Share of the possible gain that choosing by the judge gets. Undefined where people nowhere see a difference."""
