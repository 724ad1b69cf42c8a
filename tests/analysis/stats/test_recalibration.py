"""Maps from a judge's scores to people's: the fits against independent ones, the folds against peeking."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from wavjudge.analysis.stats.agreement import MAE
from wavjudge.analysis.stats.recalibration import (
    MIN_LABELLED_PROMPTS,
    RecalibrationMap,
    fold_numbers,
    recalibrate,
)
from wavjudge.analysis.stats.sums import Paired
from wavjudge.errors import InputError
from wavjudge.types import Scale

SCALE = Scale(low=1, high=5)
NAN = float("nan")
KINDS = ["linear", "isotonic"]


def fit(judge, people, prompt, kind="linear", **options):
    return recalibrate(judge, people, prompt, kind=kind, axis="overall", scale=SCALE, signature="judge-1", **options)


def made(seed: int = 0, prompts: int = 40, answers: int = 3):
    random = np.random.default_rng(seed)
    judge = random.integers(1, 6, prompts * answers).astype(float)
    people = np.clip(0.5 * judge + 1 + random.normal(0, 0.7, judge.shape), 1, 5)
    return judge, people, np.array([f"q{i}" for i in np.repeat(np.arange(prompts), answers)])


def pooled_by_hand(x: np.ndarray, y: np.ndarray) -> dict[float, float]:
    """Isotonic regression by its min-max formula: max over starts of min over ends of the mean between."""
    values = np.unique(x)

    def mean(first, last):
        return y[(x >= values[first]) & (x <= values[last])].mean()

    places = range(len(values))
    return {
        values[i]: max(min(mean(j, k) for k in places if k >= i) for j in places if j <= i) for i in places
    }  # fmt: skip


def test_linear_is_least_squares():
    judge, people, prompt = made()
    slope, intercept = np.polyfit(judge, people, 1)
    assert fit(judge, people, prompt).map.coefs == pytest.approx((intercept, slope))


@given(st.integers(0, 500), st.floats(-1, 1))
def test_isotonic_is_the_min_max_formula(seed, slope):
    random = np.random.default_rng(seed)
    judge = random.integers(1, 6, 50).astype(float)
    people = np.clip(3 + slope * (judge - 3) + random.normal(0, 1, 50), 1, 5)
    fitted = fit(judge, people, [f"q{i}" for i in range(50)], "isotonic")
    assert dict(fitted.map.knots) == pytest.approx(pooled_by_hand(judge, people))


@pytest.mark.parametrize("kind", KINDS)
def test_out_of_fold_is_the_fit_without_the_fold(kind):
    judge, people, prompt = made(1)
    people[90:] = NAN
    folds = fold_numbers(prompt, 5, 12345)
    got = fit(judge, people, prompt, kind).out_of_fold
    expected = []
    for k in range(5):
        # The same labels under other names, so that the whole map is the fold's.
        kept = (folds != k) & np.isfinite(people)
        expected.append(fit(judge[kept], people[kept], np.arange(kept.sum()), kind).map.apply(judge))
    expected = np.array(expected)
    assert got[:90] == pytest.approx(expected[folds[:90], np.arange(90)])
    assert got[90:] == pytest.approx(expected[:, 90:].mean(axis=0))


@pytest.mark.parametrize("kind", KINDS)
def test_a_prompt_never_sees_its_own_labels(kind):
    judge, people, prompt = made(2)
    own = prompt == "q7"
    other = people.copy()
    other[own] = 1.0
    before, after = fit(judge, people, prompt, kind), fit(judge, other, prompt, kind)
    assert (before.out_of_fold[own] == after.out_of_fold[own]).all()
    assert before.map != after.map and (before.out_of_fold != after.out_of_fold).any()


def test_out_of_fold_errors_are_honest_and_in_sample_errors_flatter():
    honest, flattering, fresh = [], [], []
    for seed in range(60):
        judge, people, prompt = made(seed, 20, 1)
        fitted = fit(judge, people, prompt, "isotonic")
        honest.append(MAE.of(Paired.of(fitted.out_of_fold, people, prompt)))
        flattering.append(MAE.of(Paired.of(fitted.map.apply(judge), people, prompt)))
        new_judge, new_people, new_prompt = made(1000 + seed, 100, 1)
        fresh.append(MAE.of(Paired.of(fitted.map.apply(new_judge), new_people, new_prompt)))
    # Monte Carlo error of each mean is about .015; folds learn from fewer labels, so they err on the high side.
    assert np.mean(flattering) < np.mean(fresh) - 0.03 < np.mean(honest)
    assert np.mean(honest) < np.mean(fresh) + 0.08


@pytest.mark.parametrize("kind", KINDS)
def test_survives_json_and_applies_the_same(kind):
    judge, people, prompt = made(3)
    fitted = fit(judge, people, prompt, kind, label_kind="constructed").map
    again = RecalibrationMap.model_validate_json(fitted.model_dump_json())
    assert again == fitted and (again.apply(judge) == fitted.apply(judge)).all()
    assert (again.n, again.n_prompts, again.judge) == (120, 40, "judge-1")
    assert (again.label_kind, again.clip) == ("constructed", "scale")


def test_values_leave_the_grid_but_not_the_scale():
    judge, people, prompt = made(4)
    steep = np.clip(2 * judge - 3, 1, 5)
    values = fit(judge, steep, prompt).map.apply([1, 2, 3.5, 5])
    assert values.min() >= 1 and values.max() <= 5 and values[2] % 1 != 0
    open_ended = recalibrate(
        judge, people - 9, prompt, kind="linear", axis="pace", scale=Scale(low=0, unit="words/s"), signature="j"
    )  # fmt: skip
    assert open_ended.map.apply([2.0]).tolist() == [0.0]


def test_unscored_stays_unscored_and_off_scale_is_refused():
    fitted = fit(*made(5)).map
    assert np.isnan(fitted.apply([NAN, 3.0])).tolist() == [True, False]
    assert fitted.apply([]).shape == (0,)
    with pytest.raises(InputError, match="scores from 3 to 7"):
        fitted.apply([3, 7])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("judge", ["opposite", "constant"])
def test_a_judge_that_does_not_rise_gives_the_peoples_mean(kind, judge):
    scores, people, prompt = made(6)
    scores = 6 - scores if judge == "opposite" else np.full_like(scores, 4)
    fitted = fit(scores, people, prompt, kind)
    assert fitted.map.apply([1, 3, 5]) == pytest.approx(np.full(3, people.mean()))
    assert "do not rise" in fitted.note


def test_too_few_labels_give_no_map_not_the_identity():
    judge, people, prompt = made(7, MIN_LABELLED_PROMPTS)
    assert fit(judge, people, prompt).map is not None
    people[prompt == "q0"] = NAN
    fewer = fit(judge, people, prompt)
    assert fewer.map is None and fewer.note == "labelled prompts with a judge score: 19; a map needs 20"
    assert np.isnan(fewer.out_of_fold).all() and len(fewer.out_of_fold) == len(judge)


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_next_to_nothing(rows):
    nothing = fit(np.ones(rows), np.full(rows, NAN), np.arange(rows))
    assert nothing.map is None and "judge score: 0;" in nothing.note
    assert fit(np.full(rows, NAN), np.ones(rows), np.arange(rows)).map is None


def test_folds_hang_on_label_and_seed_alone():
    assert fold_numbers(["q1", "q2"], 5, 1)[0] == fold_numbers(["zz", "q1", "q1"], 5, 1)[1]
    names = np.array([f"q{i}" for i in range(1000)])
    assert (fold_numbers(names, 5, 1) != fold_numbers(names, 5, 2)).any()
    assert np.bincount(fold_numbers(names, 5, 1), minlength=5).min() > 150
    with pytest.raises(InputError, match="cross-fitting"):
        fit(*made(), folds=1)


@pytest.mark.parametrize(
    "broken",
    [
        {"kind": "linear"},
        {"kind": "isotonic"},
        {"kind": "linear", "coefs": (5, -1)},
        {"kind": "isotonic", "knots": ((2, 1), (1, 2))},
        {"kind": "isotonic", "knots": ((1, 3), (2, 2))},
        {"kind": "isotonic", "knots": ((1, 3), (1, 3))},
        {"kind": "isotonic", "knots": ((1, NAN),)},
    ],
)
def test_a_map_that_is_none(broken):
    common = {"axis": "overall", "judge": "j", "scale": SCALE, "label_kind": "human", "n": 9, "n_prompts": 9}
    with pytest.raises(ValidationError):
        RecalibrationMap(**common, folds=5, seed=1, **broken)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stored_map_knows_what_each_fold_did_not_see(kind):
    judge, people, prompt = made(5)
    people[90:] = NAN
    found = fit(judge, people, prompt, kind)
    again = RecalibrationMap.model_validate_json(found.map.model_dump_json())
    assert again.apply_cross_fitted(judge[:90], prompt[:90]) == pytest.approx(found.out_of_fold[:90])
    # What is asked for beside it changes nothing, and an unscored answer stays so.
    alone = again.apply_cross_fitted([judge[3], NAN], [prompt[3], prompt[4]])
    assert alone[0] == pytest.approx(found.out_of_fold[3]) and np.isnan(alone[1])


def test_a_map_without_its_folds_is_not_taken_for_cross_fitted():
    judge, people, prompt = made(5)
    old = fit(judge, people, prompt).map.model_copy(update={"by_fold": ()})
    with pytest.raises(InputError, match="0 of 5 folds"):
        old.apply_cross_fitted(judge, prompt)
