"""Who disagrees with everyone, computed at once for all pairs: the same as the loop over pairs that it replaces."""

from __future__ import annotations

import numpy as np
import pytest

from tests.analysis.material import people
from wavjudge.analysis.stats.agreement import PEARSON
from wavjudge.analysis.stats.intervals import Estimate, estimate_prepared
from wavjudge.analysis.stats.leave_one_out import FALSE_ALARM, HALF, shortfalls
from wavjudge.analysis.stats.panel import Panel
from wavjudge.analysis.stats.sums import Joint, mean_of, where_both


def by_pairs(panel: Panel, j: int) -> Estimate:
    """HALF * mean_i r(i, rest) - mean_i r(j, rest), pair by pair."""
    others, own = [], []
    for i in (i for i in range(panel.k) if i != j):
        rest = panel.mean(i, j)
        his, mine = (where_both(PEARSON, panel.ratings[:, who], rest, panel.prompt) for who in (i, j))
        if his and mine and np.isfinite(his.plain()) and np.isfinite(mine.plain()):
            others.append(his)
            own.append(mine)
    if not others:
        return Estimate(None, note="undefined: scores are constant, or shared with nobody")
    joint = Joint((*others, *own), lambda v: HALF * mean_of(v[: len(others)]) - mean_of(v[len(others) :]))
    return estimate_prepared(joint, panel.prompts, level=1 - 2 * FALSE_ALARM / panel.k)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("missing", [0.0, 0.3, 0.75])
@pytest.mark.parametrize("raters", [3, 4, 9])
def test_all_at_once_is_pair_by_pair(seed: int, missing: float, raters: int) -> None:
    panel = people(seed, prompts=14, raters=raters, missing=missing)
    ratings = panel.ratings / 3 + 0.1
    ratings[:, 0] = np.where(np.isfinite(ratings[:, 0]), 2.5, np.nan)  # one score throughout
    panel = Panel.of(ratings, panel.prompt)
    for j, found in enumerate(shortfalls(panel)):
        wanted = by_pairs(panel, j)
        assert found.note == wanted.note and (found.low is None) == (wanted.low is None)
        for one, other in ((found.value, wanted.value), (found.low, wanted.low), (found.high, wanted.high)):
            assert one == pytest.approx(other, abs=1e-9) if other is not None else one is None


def test_two_people_cannot_say_which_of_them_disagrees() -> None:
    assert [one.value for one in shortfalls(people(1, raters=2))] == [None, None]
