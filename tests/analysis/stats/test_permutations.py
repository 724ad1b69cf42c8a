"""Many deals at once say what each deal says alone."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from wavjudge.analysis.calibration.findings import FIGURES
from wavjudge.analysis.stats import permutations
from wavjudge.analysis.stats.sums import Floats, Paired, additive, per_prompt

SHAPES = {
    "whole scores": (12, 4, 0, None),
    "uneven prompts, three people": (20, 0, 3, None),
    "a crowd that rated little": (15, 6, 40, None),
    "means of repeats": (12, 4, 3, 1 / 3),
    "scores without steps": (30, 7, 2, 1e-6),
    "means that differ by rounding": (12, 4, 0, 1e-10),
    "one answer a prompt": (30, 1, 2, None),
    "two prompts": (2, 5, 0, None),
    "one prompt": (1, 6, 2, None),
}


def _data(shape: str, seed: int = 0, judge: Floats | None = None) -> Paired:
    prompts, answers, people, fine = SHAPES[shape]
    random = np.random.default_rng(seed)
    sizes = np.full(prompts, answers) if answers else random.integers(1, 7, prompts)
    prompt = random.permutation(np.repeat(np.arange(prompts), sizes))
    n = len(prompt)
    scores = random.integers(1, 6, n).astype(float) if judge is None else judge
    if fine is not None and judge is None:
        scores = scores + fine * random.integers(0, 4 if fine > 1e-7 else 2, n) + (random.random(n) * (fine == 1e-6))
    each = random.integers(1, 6, (n, people)).astype(float) if people else None
    if each is not None and people > 5:
        each[random.random(each.shape) < 0.9] = np.nan
        each[np.isnan(each).all(axis=1), 0] = 3.0
    told = random.integers(1, 6, n).astype(float) if each is None else np.nanmean(each, axis=1)
    return Paired(scores, told, prompt, each, (1.0, 5.0))


def _one_by_one(data: Paired, how: permutations.How, number: int, seed: int) -> Floats:
    """The plain way: a permutation after the other from one generator, every statistic of each."""
    random, rows = np.random.default_rng(seed), []
    for _ in range(number):
        if how == "across":
            to = random.permutation(data.n)
        else:
            to = np.empty(data.n, np.intp)
            to[np.argsort(data.prompt, kind="stable")] = np.lexsort((random.random(data.n), data.prompt))
        rows.append([one.of(data.judged(data.judge[to])) for one in FIGURES])
    return np.array(rows)


@pytest.mark.parametrize("how", get_args(permutations.How))
@pytest.mark.parametrize("shape", SHAPES)
def test_every_figure_of_every_deal_is_that_of_the_statistic_itself(shape: str, how: permutations.How) -> None:
    for seed in range(3):
        data = _data(shape, seed)
        found = permutations.Table(data).values(FIGURES, how, 7, seed)
        np.testing.assert_allclose(found, _one_by_one(data, how, 7, seed), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("constant", [3.0, 0.1, 1 / 3])
def test_constant_scores_leave_the_same_figures_undefined(constant: float) -> None:
    for shape in SHAPES:
        n = _data(shape).n
        for data in (
            _data(shape, judge=np.full(n, constant)),
            Paired(_data(shape).judge, np.full(n, constant), _data(shape).prompt),
        ):
            found = permutations.Table(data).values(FIGURES, "across", 4, 1)
            np.testing.assert_allclose(found, _one_by_one(data, "across", 4, 1), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("limit", ["_CELLS", "_KEPT"])
def test_values_do_not_hang_on_how_many_deals_are_taken_at_once(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = _data("means of repeats")
    whole = permutations.Table(data).values(FIGURES, "within", 9, 5)
    monkeypatch.setattr(permutations, limit, 1)
    np.testing.assert_allclose(permutations.Table(data).values(FIGURES, "within", 9, 5), whole, rtol=1e-12)


def test_a_scale_of_one_point_has_no_share_within_one() -> None:
    data = Paired(np.array([0.0, 1, 1]), np.array([0.0, 0, 1]), np.arange(3), scale=(0.0, 1.0))
    (within_one,) = (number for number, one in enumerate(FIGURES) if one.name == "within_one")
    assert np.isnan(permutations.Table(data).values(FIGURES, "across", 3, 1)[:, within_one]).all()


def test_a_statistic_that_is_not_known_there_is_asked_itself() -> None:
    data = _data("whole scores")
    first = additive(
        "first", lambda one: per_prompt(one, one.judge * (np.arange(one.n) == 0)), lambda sums: sums[..., 0]
    )
    found = permutations.Table(data).values([first], "across", 20, 3)[:, 0]
    (dealt_out,) = permutations.deals(data.prompt, "across", 20, 3, 20)
    np.testing.assert_allclose(found, data.judge[dealt_out[:, 0]])
