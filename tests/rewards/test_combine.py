"""Axes to one reward: weights on one scale, a missing axis, and what each policy makes of it."""

from __future__ import annotations

import math
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rewards.worked import cases
from wavjudge.errors import InputError, NoRewardError, StopRun
from wavjudge.rewards.combine import Policy, Reward, Unscored, Verdict, Weights, combine, outcomes
from wavjudge.rewards.presets import preset
from wavjudge.types import STATUSES, Rating, Scale, Subject

BOTH = preset("semantic_acoustic").weights
LOST = Unscored("refused", "content filter")
SCORES = st.integers(1, 5)


def found(axes: dict[str, float | None]) -> dict[str, Verdict | Unscored]:
    return {axis: LOST if score is None else Verdict(score) for axis, score in axes.items()}


@pytest.mark.parametrize("case", cases("combined"))
def test_the_worked_numbers(case: dict[str, Any]) -> None:
    assert combine(found(case["axes"]), BOTH).score == case["reward"]


@given(SCORES, SCORES, SCORES)
def test_a_reward_stays_on_the_scale_and_does_not_see_other_axes(semantic: int, acoustic: int, other: int) -> None:
    axes = {"semantic": semantic, "acoustic": acoustic}
    reward = combine(found(axes), BOTH)
    assert reward == combine(found(dict(reversed((axes | {"overall": other}).items()))), BOTH)
    assert min(axes.values()) <= reward.score <= max(axes.values()) and reward.status == "ok"


@given(st.sampled_from(["semantic", "acoustic"]), SCORES, st.sampled_from([s for s in STATUSES if s != "ok"]))
def test_one_missing_axis_is_a_missing_reward_with_its_reason(axis: str, score: int, status: Any) -> None:
    axes: dict[str, Verdict | Unscored] = {name: Verdict(score) for name in BOTH.axes}
    reward = combine(axes | {axis: Unscored(status, "why")}, BOTH)
    assert (reward.score, reward.status, reward.reason) == (None, status, f"{axis}: why")


def test_all_missing_axes_are_named_and_a_wrong_name_shows_what_is_there() -> None:
    both = combine(found({"semantic": None, "acoustic": None}), BOTH)
    assert both.reason == "semantic: content filter; acoustic: content filter"
    typo = combine(found({"semantic": 4}), Weights({"semantics": 1.0}))
    assert typo.status == "failed" and typo.reason == "semantics: nobody rated it; rated were semantic"


def test_policies() -> None:
    axes = found({"semantic": 4, "acoustic": None})
    assert combine(axes, BOTH).score is None
    constant = combine(axes, BOTH, Policy("constant", 2.5))
    assert (constant.score, constant.status, constant.reason) == (2.5, "refused", "acoustic: content filter")
    with pytest.raises(NoRewardError, match="refused: acoustic: content filter") as error:
        combine(axes, BOTH, Policy("raise"))
    assert isinstance(error.value, StopRun) and "policy 'skip'" in str(error.value)


@pytest.mark.parametrize("words", [("constant",), ("skip", 2.5), ("raise", 2.5), ("mean",)])
def test_no_policy_puts_a_number_in_unasked(words: tuple[Any, ...]) -> None:
    with pytest.raises(InputError, match="got the policy"):
        Policy(*words)


@pytest.mark.parametrize(
    ("axes", "says"),
    [({}, "no axis"), ({"a": 0.0, "b": 1.0}, "weight 0.0 of a"), ({"a": -0.5, "b": 1.5}, "weight -0.5"),
     ({"a": math.nan}, "weight nan"), ({"a": 0.7, "b": 0.4}, "sum 1.1"), ({"a": 1.0, "b": 1.0}, "divide each by 2")],
)  # fmt: skip
def test_weights_that_leave_the_scale_are_refused(axes: dict[str, float], says: str) -> None:
    with pytest.raises(InputError, match=says):
        Weights(axes)


@pytest.mark.parametrize("score", [0, 5.5, 10, math.nan, math.inf])
def test_a_score_off_the_scale_is_refused_by_name(score: float) -> None:
    with pytest.raises(InputError, match=r"on acoustic, expected 1\.\.5"):
        combine({"semantic": Verdict(4), "acoustic": Verdict(score)}, BOTH)


def test_a_reward_is_a_number_or_a_reason_and_crosses_processes() -> None:
    with pytest.raises(InputError, match="expected the reason"):
        Reward(None)
    with pytest.raises(InputError, match="got the reward nan"):
        Reward(math.nan)
    reward = Reward(None, "no_speech", "digital silence")
    assert pickle.loads(pickle.dumps(reward)) == reward


def rating(axis: str = "overall", score: float | None = 4, **fields: Any) -> Rating:
    told: dict[str, Any] = {
        "subject": Subject(benchmark="b", item_id="1", candidate="c"), "scale": Scale(low=1, high=5), "rater": "m",
        "rater_kind": "model", "signature": "m", "status": "ok" if score is not None else "failed",
        "reason": None if score is not None else "time-out",
    }  # fmt: skip
    return Rating(axis=axis, score=score, **(told | fields))


def test_ratings_of_one_answer_become_outcomes() -> None:
    some = [rating(), rating(score=5, repeat=1), rating(score=None, repeat=2), rating("acoustic", None)]
    assert outcomes(some, Scale(low=1, high=5)) == {"overall": Verdict(4.5), "acoustic": Unscored("failed", "time-out")}


@pytest.mark.parametrize(
    ("other", "says"),
    [({"subject": Subject(benchmark="b", item_id="2", candidate="c")}, "2 answers"), ({"signature": "n"}, "2 judges"),
     ({"scale": Scale(low=0, high=10)}, "2 scales on overall")],
)  # fmt: skip
def test_ratings_that_are_not_of_one_kind_are_refused(other: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        outcomes([rating(), rating(**other)], Scale(low=1, high=5))
