"""The same answers under an old and a new judge."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from wavjudge.analysis.stats.paired import Rescored, compare_runs, holm, rank_moves

NAN = float("nan")


def made(seed: int = 0, drift: float = 0.0, axis: str = "overall") -> Rescored:
    random = np.random.default_rng(seed)
    prompt = np.repeat(np.arange(40), 4)
    old = random.integers(2, 5, 160).astype(float)
    moves = (random.uniform(size=160) < 0.3) * random.choice([-1.0, 1.0], 160)
    language = np.where(prompt % 2 == 0, "en", "zh").tolist()
    new = old + moves + drift * (prompt % 2)
    tags = [("noisy",) if p % 4 == 0 else ("noisy", "long") if p % 4 == 1 else () for p in prompt]
    return Rescored(axis, old, new, prompt, np.tile(list("abcd"), 40), language, tags)


def test_overall_drift_is_the_one_sample_t_test_of_prompts():
    table = made()
    row = compare_runs([table]).rows[0]
    oracle = stats.ttest_1samp((table.new - table.old).reshape(40, 4).mean(1), 0)
    low, high = oracle.confidence_interval()
    assert (row.by, row.n, row.prompts) == ("all", 160, 40)
    assert (row.p, row.drift.low, row.drift.high) == pytest.approx((oracle.pvalue, low, high))
    assert row.moved == pytest.approx((table.new != table.old).mean())
    assert row.moved_up == pytest.approx((table.new > table.old).mean())


def test_rows_by_tag_and_language_with_holm_over_axes_and_over_parts():
    rows = compare_runs([made(drift=1.0), made(1, axis="acoustic")]).rows
    assert [(r.axis, r.by, r.value) for r in rows] == [
        (axis, *part)
        for axis in ("overall", "acoustic")
        for part in (("all", ""), ("tag", "long"), ("tag", "noisy"), ("language", "en"), ("language", "zh"))
    ]
    for whole in (True, False):
        family = [r for r in rows if (r.by == "all") == whole]
        assert tuple(r.p_holm for r in family) == holm([r.p for r in family])
    en, zh = rows[3], rows[4]
    assert zh.drift.low > 0.5 and zh.p_holm < 0.001 and abs(en.drift.value) < 0.2
    assert (rows[1].n, rows[2].n) == (40, 80)


def test_scored_by_one_only_is_counted_and_left_out():
    table = made()
    table.old[:3] = NAN
    table.new[[2, 3]] = NAN
    row = compare_runs([table]).rows[0]
    assert (row.n, row.only_old, row.only_new) == (156, 1, 2)


def test_nothing_moved():
    table = made()
    same = Rescored("overall", table.old, table.old, table.prompt, table.candidate)
    found = compare_runs([same])
    [row] = found.rows
    assert (row.drift.value, row.p, row.p_holm, row.moved) == (0, 1.0, 1.0, 0)
    assert row.drift.low < 0 < row.drift.high
    assert all(move.rank_old == move.rank_new for move in found.ranks)


@pytest.mark.parametrize(("old", "new"), [([NAN] * 3, [1.0, 2, 3]), ([], [])])
def test_nothing_in_common(old, new):
    table = Rescored("overall", np.array(old), np.array(new), np.arange(len(old)), np.array(["a"] * len(old)))
    found = compare_runs([table])
    assert found.rows[0].n == 0 and found.rows[0].p is None and found.rows[0].moved is None
    assert found.rows[0].drift.note == "no subjects" and found.ranks == ()


def test_two_subjects_have_a_drift_without_interval():
    table = Rescored("overall", np.array([3.0, 4]), np.array([4.0, 4]), np.array([0, 0]), np.array(["a", "b"]))
    row = compare_runs([table]).rows[0]
    assert (row.drift.value, row.drift.low, row.p) == (0.5, None, None)


def test_ranks_of_means_with_ties():
    old = np.array([3.0, 5, 4, 4, 2, 2])
    new = np.array([5.0, 5, 4, 4, 4, 4])
    moves = rank_moves(Rescored("overall", old, new, np.arange(6), np.array(["b", "b", "a", "a", "c", "c"])))
    assert [(m.candidate, m.mean_old, m.mean_new, m.rank_old, m.rank_new) for m in moves] == [
        ("a", 4.0, 4.0, 1, 2),
        ("b", 4.0, 5.0, 1, 1),
        ("c", 2.0, 4.0, 3, 2),
    ]
