"""Both sides of the resampling bench compute the same statistics."""

from __future__ import annotations

import numpy as np
import pytest

from studies.coverage.populations import POPULATIONS, answers
from studies.speed.resampling import PROMPTS, _peers, _plain_pearson
from wavjudge.analysis.calibration.findings import STATISTICS


def test_the_peers_value_is_ours_whichever_prompts_are_drawn() -> None:
    random = np.random.default_rng(7)
    data = answers(POPULATIONS["typical"], "4 each", PROMPTS, random).paired(random)
    drawn = random.integers(0, PROMPTS, PROMPTS)
    weights = np.bincount(drawn, minlength=PROMPTS).astype(float)
    peers = _peers(data)
    for statistic in STATISTICS:
        (mine,) = statistic.prepare(data).weighted(weights[None])
        assert peers[statistic.name](drawn) == pytest.approx(mine, rel=1e-9), statistic.name
    assert _plain_pearson(data)(drawn) == pytest.approx(peers["pearson"](drawn))
