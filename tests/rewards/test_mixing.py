"""Lambda: the worked numbers, when the state moves, ranks, checkpoints, another scale."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rewards.worked import WORKED, cases
from wavjudge.errors import InputError
from wavjudge.rewards.groups import Group
from wavjudge.rewards.mixing import Advance, Gates, Mixture, Sums
from wavjudge.types import Scale

GATES = Gates()
SCORES = st.lists(st.none() | st.integers(1, 5), min_size=2, max_size=8)
BATCHES = st.lists(st.lists(SCORES, min_size=1, max_size=4), min_size=1, max_size=8)


def sums(groups: list[list[float | None]]) -> Sums:
    return GATES.sums(Group.of(rewards) for rewards in groups)


@pytest.mark.parametrize("case", cases("raw_lambda"))
def test_the_worked_raw_lambdas(case: dict[str, Any]) -> None:
    assert round(GATES.raw(Group.of(case["rewards"])), case["digits"]) == case["raw"]


@pytest.mark.parametrize("advance", ["optimiser_step", "micro_batch"])
def test_the_worked_steps(advance: Advance) -> None:
    mixture, worked = Mixture(GATES, advance), WORKED["mixture"]
    for step, lambdas, state in zip(worked["steps"], *(worked[advance][k] for k in ("lambdas", "states")), strict=True):
        assert [mixture.micro_batch(sums(batch)) for batch in step] == pytest.approx(lambdas, abs=1e-4)
        mixture.optimiser_step()
        assert mixture.state == pytest.approx(state, abs=1e-4)


def reference(batches: list[list[list[float]]]) -> list[float]:
    """The released code's arithmetic, line by line, on one rank."""
    state, found = None, []
    for batch in batches:
        each = []
        for rewards in batch:
            gate = 1 / (1 + math.exp(-5 * (max(rewards) - 3)))
            info = min(max(float(np.var(rewards)) / 4, 0), 1)
            raw = 0.8 * gate * info
            mixed = raw if state is None else (1 - 0.9) * raw + 0.9 * state
            each.append(min(max(mixed, 0), 0.8))
        state = sum(each) / len(each)
        found.append(state)
    return found


@given(BATCHES)
def test_the_preset_per_micro_batch_is_the_reference(batches: list[Any]) -> None:
    filled = [[[2.5 if r is None else float(r) for r in rewards] for rewards in batch] for batch in batches]
    mixture = Mixture(advance="micro_batch")
    found = [mixture.micro_batch(sums(batch)) for batch in filled]
    assert found == pytest.approx(reference(filled), abs=1e-12)


@given(BATCHES)
def test_accumulation_moves_the_state_once_and_by_all_groups(batches: list[Any]) -> None:
    whole, parts = Mixture(), Mixture()
    whole.state = parts.state = 0.3
    whole.micro_batch(sums([group for batch in batches for group in batch]))
    for batch in batches:
        assert 0 <= parts.micro_batch(sums(batch)) <= 0.8 and parts.state == 0.3
    for mixture in (whole, parts):
        mixture.optimiser_step()
    assert parts.state == pytest.approx(whole.state)


@given(BATCHES)
def test_groups_without_two_rewards_change_nothing(batches: list[Any]) -> None:
    one, other = Mixture(), Mixture()
    for batch in batches:
        silent = [*batch, [None, None], [5, None, None]]
        assert one.micro_batch(sums(batch)) == other.micro_batch(sums(silent))
        one.optimiser_step()
        other.optimiser_step()
    assert one.state_dict() == other.state_dict()


def test_without_a_usable_group_there_is_no_preference_term_and_no_step() -> None:
    mixture = Mixture()
    mixture.state = 0.4
    assert mixture.micro_batch(sums([[5, None, None, None]])) == 0.0  # not a stale .4: only the supervised term is left
    mixture.optimiser_step()
    assert mixture.state == 0.4


def test_a_group_without_information_does_pull_the_state_down() -> None:
    mixture = Mixture()
    mixture.state = 0.4
    assert mixture.micro_batch(sums([[4, 4, 4, 4]])) == pytest.approx(0.36)


def test_ranks_add_their_sums() -> None:
    ranks = [sums([[1, 1, 5, 5]]), sums([[3, 3, 3, 3], [1, None]]), sums([[None, None]])]
    reduced = Sums.of(np.sum([[one.raw, one.groups] for one in ranks], axis=0))
    assert reduced == sum(ranks, Sums()) and reduced.groups == 2
    assert Mixture().micro_batch(reduced) == pytest.approx(0.4, abs=1e-4)


@given(BATCHES, st.integers(0, 7))
def test_a_checkpoint_goes_on_where_it_stopped_also_inside_a_step(batches: list[Any], stop: int) -> None:
    whole, first, second = Mixture(), Mixture(), Mixture()
    lambdas = [whole.micro_batch(sums(batch)) for batch in batches]
    whole.optimiser_step()
    found = [first.micro_batch(sums(batch)) for batch in batches[:stop]]
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    found += [second.micro_batch(sums(batch)) for batch in batches[stop:]]
    second.optimiser_step()
    assert found == lambdas and second.state_dict() == whole.state_dict()


@pytest.mark.parametrize(
    ("state", "says"),
    [({"state": 0.1}, "expected advance, pending, state"),
     ({"advance": "micro_batch", "state": 0.1, "pending": [0, 0]}, "each micro_batch, expected each optimiser_step"),
     ({"advance": "optimiser_step", "state": 0.9, "pending": [0, 0]}, r"expected 0\.\.0.8")],
)  # fmt: skip
def test_a_state_that_does_not_fit_is_refused(state: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        Mixture().load_state_dict(state)


@given(SCORES)
def test_another_scale_meets_the_same_gates(scores: list[int | None]) -> None:
    ten = Gates.on(Scale(low=0, high=10))
    group = Group.of(scores)
    mapped = Group.of([None if score is None else (score - 1) * 2.5 for score in scores])
    if group.usable:
        assert ten.raw(mapped) == pytest.approx(GATES.raw(group), abs=1e-12)


@pytest.mark.parametrize("wrong", [0.0, 5.5, 10.0])
def test_a_reward_off_the_scale_is_refused(wrong: float) -> None:
    with pytest.raises(InputError, match=rf"got the reward {wrong:g}, expected 1\.\.5"):
        GATES.raw(Group.of([3.0, wrong, None]))


@pytest.mark.parametrize(
    ("numbers", "says"),
    [({"lambda_max": 0}, "lambda_max"), ({"lambda_max": 1.1}, "lambda_max"), ({"ema_decay": 1.0}, "weighs the past"),
     ({"ema_decay": -0.1}, "ema_decay"), ({"slope": math.nan}, "slope"), ({"scale": Scale(low=0)}, "open end")],
)  # fmt: skip
def test_gates_that_make_no_sense_are_refused(numbers: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        Gates(**numbers)
    with pytest.raises(InputError, match="expected one of optimiser_step, micro_batch"):
        Mixture(advance="epoch")  # type: ignore[arg-type]


def test_a_steep_gate_does_not_overflow() -> None:
    assert Gates(slope=1e6).raw(Group.of([1, 2])) == 0 and Gates(slope=1e6).reward_gate(Group.of([1, 5])) == 1
