"""Textbook tests of dependent correlations: published examples, and why they are extras only."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from wavjudge.analysis.stats import paired
from wavjudge.analysis.stats.paired import named_extras, steiger

CASES = json.loads((Path(__file__).parents[1] / "golden" / "comparing.json").read_text())["dependent"]


@pytest.mark.parametrize("case", CASES)
def test_published_examples(case):
    found = getattr(paired, case["test"])(*case["r"], case["n"])
    if "interval" in case:
        assert (found.low, found.high) == pytest.approx(case["interval"], abs=6e-4)
    else:
        assert (found.statistic, found.p) == pytest.approx((case["statistic"], case["p"]), abs=6e-3)
    assert "clusters" in found.warning


def test_steiger_is_the_unequal_z_test_when_judges_share_nothing():
    """r's all 0 but r12: c = 0 at rbar = 0, so z = z12 sqrt((n - 3) / 2)."""
    assert steiger(0.1, -0.1, 0.0, 103).statistic == pytest.approx(2 * np.arctanh(0.1) * np.sqrt(50), rel=1e-9)


def test_all_swap_their_sign_with_the_judges():
    random = np.random.default_rng(0)
    y = random.normal(size=50)
    a, b = y + random.normal(size=50), y + random.normal(size=50)
    for one, other in zip(named_extras(a, b, y), named_extras(b, a, y), strict=True):
        assert one.difference == pytest.approx(-other.difference)
        assert one.p == other.p or one.p == pytest.approx(other.p)
        assert one.low is None or one.low == pytest.approx(-other.high)


def test_undefined_gives_none_of_them():
    y = np.array([1.0, 2, 3, 4, 5])
    assert named_extras(y, y[::-1] * 0 + 3, y) == ()
    assert named_extras([1, 2, 2, 4, 4], [1, 2, 2, 4, 4], y) == ()
    assert named_extras([1, 2, 3], [2, 1, 3], [1, 2, 3]) == ()


def test_type_one_error_without_and_with_clusters():
    """Nominal 5 %: right with one answer a prompt, far too many with four that share their prompt's luck."""

    def share(prompts: int, answers: int) -> float:
        rejected = []
        for seed in range(1000):
            random = np.random.default_rng(seed)
            y = random.normal(size=prompts).repeat(answers) + random.normal(0, 0.5, prompts * answers)
            a, b = (y + random.normal(size=prompts).repeat(answers) + random.normal(0, 0.5, len(y)) for _ in range(2))
            rejected.append(named_extras(a, b, y)[1].p < 0.05)
        return float(np.mean(rejected))

    assert 0.03 <= share(60, 1) <= 0.075  # Monte Carlo error .007
    assert share(15, 4) > 0.12
