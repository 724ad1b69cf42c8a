"""Whatever is a function of sums over prompts must equal the same computed anew on the changed data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from tests.analysis.material import STATISTICS, pairs, replicated, study
from wavjudge.analysis.stats import agreement
from wavjudge.analysis.stats.sums import Additive, Paired, Statistic, per_prompt, ratio

every = pytest.mark.parametrize("statistic", STATISTICS, ids=lambda s: s.name)


@every
@settings(max_examples=30)
@given(data=pairs())
def test_without_each_prompt_equals_recomputing_on_the_rest(statistic: Statistic, data: Paired) -> None:
    left = statistic.prepare(data).without_each(np.arange(data.prompts))
    anew = [statistic.of(data.taken(data.prompt != prompt)) for prompt in range(data.prompts)]
    np.testing.assert_allclose(left, anew, atol=1e-9)


@every
def test_without_groups_of_prompts_equals_recomputing_on_the_rest(statistic: Statistic) -> None:
    data, groups = study(1), np.arange(20) % 6
    anew = [statistic.of(data.taken(groups[data.prompt] != group)) for group in range(6)]
    np.testing.assert_allclose(statistic.prepare(data).without_each(groups), anew, atol=1e-9)


@every
@settings(max_examples=30)
@given(data=pairs(), seed=st.integers(0, 99))
def test_weights_equal_so_many_copies_of_the_prompt(statistic: Statistic, data: Paired, seed: int) -> None:
    weights = np.random.default_rng(seed).integers(0, 4, (3, data.prompts)).astype(float)
    anew = [statistic.of(replicated(data, row)) for row in weights]
    np.testing.assert_allclose(statistic.prepare(data).weighted(weights), anew, atol=1e-9)


@every
@settings(max_examples=30)
@given(data=pairs(), seed=st.integers(0, 99))
def test_order_of_rows_and_names_of_prompts_do_not_matter(statistic: Statistic, data: Paired, seed: int) -> None:
    random = np.random.default_rng(seed)
    order, names = random.permutation(data.n), random.permutation(data.prompts)
    other = Paired.of(data.judge[order], data.people[order], names[data.prompt[order]])
    np.testing.assert_allclose(statistic.of(other), statistic.of(data), atol=1e-9)


@every
def test_nothing_gives_nothing(statistic: Statistic) -> None:
    assert np.isnan(statistic.of(Paired.of([], [], [])))


@every
def test_tables_too_large_to_be_dense_give_the_same(statistic: Statistic, monkeypatch: pytest.MonkeyPatch) -> None:
    data, weights = study(2), np.random.default_rng(0).integers(0, 3, (4, 20)).astype(float)
    dense = statistic.prepare(data)
    monkeypatch.setattr(agreement, "MAX_CELLS", 0)
    thin = statistic.prepare(data)
    assert thin.plain() == pytest.approx(dense.plain())
    np.testing.assert_allclose(thin.without_each(np.arange(20)), dense.without_each(np.arange(20)))
    np.testing.assert_allclose(thin.weighted(weights), dense.weighted(weights))


@settings(max_examples=20)
@given(st.integers(1, 40))
def test_values_taken_in_pieces_are_the_same(rows: int) -> None:
    parts = np.arange(12.0).reshape(4, 3)
    weights = np.random.default_rng(rows).random((rows, 4))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wavjudge.analysis.stats.sums._CHUNK_BYTES", 8 * 8 * 3 * 7)
        np.testing.assert_allclose(Additive(parts, lambda s: s[..., 1]).weighted(weights), (weights @ parts)[:, 1])


def test_sparse_parts_are_summed_like_dense_ones() -> None:
    parts, groups = np.eye(5, 3), np.array([0, 1, 1, 0, 2])
    dense, thin = (Additive(p, lambda s: s @ np.array([1.0, 10, 100])) for p in (parts, sparse.csr_array(parts)))
    np.testing.assert_allclose(thin.without_each(groups), dense.without_each(groups))
    assert thin.plain() == dense.plain() == 111


def test_scores_that_are_no_numbers_never_get_in() -> None:
    for judge, people in (([1, np.nan], [1, 2]), ([1, 2], [np.inf, 2])):
        with pytest.raises(ValueError, match="leave unscored subjects out"):
            Paired.of(judge, people, [0, 1])
    with pytest.raises(ValueError, match="equally long"):
        Paired.of([1, 2], [1], [0, 1])


def test_prompts_are_numbered_anew_when_some_are_taken() -> None:
    some = Paired.of([1, 2, 3], [4, 5, 6], ["x", "y", "z"]).taken(np.array([False, True, True]))
    assert (some.prompt.tolist(), some.prompts, some.n) == ([0, 1], 2, 2)


def test_sums_within_prompts_and_safe_quotients() -> None:
    data = Paired.of([1, 2, 3], [1, 1, 1], [0, 1, 0])
    assert per_prompt(data, data.judge, data.people).tolist() == [[4, 2], [2, 1]]
    np.testing.assert_array_equal(ratio(np.array([1.0, 1, 1, 0]), np.array([2, 0, -1, np.nan])), [0.5] + [np.nan] * 3)
