"""What a rated run would be worth: by hand, by oracle, with failures of judge and candidate, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wavjudge.analysis.tables.ratings import Ratings
from wavjudge.errors import InputError
from wavjudge.rewards.presets import preset
from wavjudge.rewards.rollouts import Rollouts, rollouts
from wavjudge.types import Axis, Scale

AXES = [Axis(name=name) for name in ("overall", "semantic", "acoustic")]
Groups = dict[str, list[Any]]


def rows(groups: Groups, axis: str = "overall", **fields: Any) -> list[dict[str, Any]]:
    """One rating an answer; a word in place of a score is a status."""
    told = {"benchmark": "b", "candidate": "policy", "axis": axis, "rater": "m"} | fields
    return [
        told | {"item_id": item, "attempt": attempt, "score": None if isinstance(score, str) else score,
                "status": score if isinstance(score, str) else "ok"}
        for item, scores in groups.items() for attempt, score in enumerate(scores) if score is not None
    ]  # fmt: skip


def look(
    *parts: list[dict[str, Any]], name: str = "overall", responses: pd.DataFrame | None = None, **asked: Any
) -> Rollouts:
    table = pd.DataFrame([row for part in parts for row in part])
    return rollouts(Ratings.of(table, AXES), responses, preset(name), **asked)


HAND: Groups = {"q1": [1, 1, 5, 5], "q2": [3, 3, 3, 3], "q3": [4, 4, 4, 5], "q4": [5, "refused", "failed", "refused"]}


def test_by_hand() -> None:
    found = look(rows(HAND))
    (axis,) = found.axes
    assert (axis.answers, axis.unscored, axis.groups, axis.no_signal) == (16, 3, 3, 1)
    assert axis.variance == pytest.approx((4 + 0 + 0.1875) / 3)
    assert axis.variance_sample == pytest.approx((16 / 3 + 0 + 0.25) / 3)
    assert axis.mean == pytest.approx((12 + 12 + 17 + 5) / 13)
    # One axis of weight 1 is the reward.
    figures = [name for name in axis.__slots__ if name != "name"]
    assert [getattr(found.reward, name) for name in figures] == [getattr(axis, name) for name in figures]
    assert found.lambda_.value == pytest.approx((0.8 + 0 + 0.0375) / 3, abs=1e-4)
    assert found.reward_gate == pytest.approx((1 + 0.5 + 1) / 3, abs=1e-4)
    assert found.information_gate == pytest.approx((1 + 0 + 0.1875 / 4) / 3)
    assert found.without_signal == 2 and found.failure_rate == pytest.approx(3 / 16)
    assert found.statuses == {"ok": 13, "refused": 2, "failed": 1} and found.sizes == {4: 4}
    assert "2 of 4 prompts (50%) would teach nothing" in found.sentence
    assert (
        "19% of the judged answers got no judge's score, over the ceiling of 10%: training would stop" in found.sentence
    )


def test_the_reference_pays_for_failures_and_says_so() -> None:
    found = look(rows(HAND), name="reference")
    assert found.reward.unscored == 0 and found.axes[0].unscored == 3  # the axis itself was not scored
    assert found.without_signal == 1 and found.failure_rate == pytest.approx(3 / 16)
    assert found.lambda_.value == pytest.approx((0.8 + 0 + 0.0375 + 0.8 * 1.171875 / 4) / 4, abs=1e-4)
    assert "would stop" not in found.sentence  # it has no ceiling


@settings(max_examples=30)
@given(st.lists(st.lists(st.integers(1, 5) | st.just("failed"), min_size=2, max_size=5), min_size=1, max_size=5))
def test_variances_and_lambda_are_numpys(groups: list[list[Any]]) -> None:
    found = look(rows({f"q{number}": group for number, group in enumerate(groups)}))
    scored = [[score for score in group if score != "failed"] for group in groups]
    usable = [np.array(group, float) for group in scored if len(group) > 1]
    assert found.reward.groups == len(usable)
    if not usable:
        assert found.lambda_.value is None and "there is no lambda" in found.sentence
        return
    assert found.reward.variance == pytest.approx(np.mean([group.var() for group in usable]))
    assert found.reward.variance_sample == pytest.approx(np.mean([group.var(ddof=1) for group in usable]))
    raw = [0.8 / (1 + np.exp(-5 * (group.max() - 3))) * group.var() / 4 for group in usable]
    assert found.lambda_.value == pytest.approx(np.mean(raw))
    idle = len(groups) - sum(group.min() < group.max() for group in usable)
    assert found.without_signal == idle


def test_one_missing_axis_takes_the_answer_out_of_the_reward_only() -> None:
    semantic = rows({"q": [5, 3, 1, 2]}, "semantic")
    acoustic = rows({"q": [5, "unparseable", 1, None]}, "acoustic")  # the last one nobody rated
    found = look(semantic, acoustic, name="semantic_acoustic")
    assert [axis.unscored for axis in found.axes] == [0, 2] and found.reward.unscored == 2
    assert found.reward.mean == 3 and found.statuses == {"ok": 2, "unparseable": 1, "failed": 1}


def test_a_candidates_failure_is_a_rollout_without_a_reward() -> None:
    answers = [{"benchmark": "b", "item_id": "q1", "candidate": "policy", "attempt": n, "status": status}
               for n, status in enumerate(["ok", "ok", "no_speech", "timed_out"])]  # fmt: skip
    found = look(rows({"q1": [2, 4]}), responses=pd.DataFrame(answers))
    assert found.sizes == {4: 1} and found.statuses == {"ok": 2, "no_speech": 1, "timed_out": 1}
    assert found.failure_rate == 0.5 and found.reward.variance == 1 and found.notes == ()
    assert found.judge_failure_rate == 0 and "would stop" not in found.sentence


def test_answers_that_nobody_rated_are_left_out_and_named() -> None:
    answers = [{"benchmark": "b", "item_id": "q1", "candidate": "policy", "attempt": n} for n in range(4)]
    found = look(rows({"q1": [2, 4]}), responses=pd.DataFrame(answers))
    assert found.sizes == {2: 1} and found.notes == ("2 answers that no weighted axis was rated of, left out",)


def test_repeats_are_one_mean_and_answers_of_one_prompt_alone_are_left_out_and_counted() -> None:
    found = look(rows({"q1": [1, 5], "q2": [4]}), rows({"q1": [3, 5]}, repeat=1))
    assert found.reward.mean == 3.5 and found.single == 1 and found.sizes == {2: 1}


def test_rows_that_were_set_aside_are_in_the_notes() -> None:
    found = look(rows({"q1": [1, 5, 9]}))
    assert any("off the scale" in note for note in found.notes) and found.reward.unscored == 1


def test_several_candidates_are_chosen_or_pooled() -> None:
    both = rows({"q1": [1, 5]}), rows({"q1": [3, 3]}, candidate="other")
    with pytest.raises(InputError, match="got 2 candidates, expected one policy: other, policy"):
        look(*both)
    assert look(*both, candidate="other").without_signal == 1
    assert look(*both, pool=True).sizes == {4: 1} and look(*both, pool=True).candidates == ("other", "policy")
    with pytest.raises(InputError, match="got the candidate nobody"):
        look(*both, candidate="nobody")


def test_signatures_are_never_mixed() -> None:
    one, two = rows({"q1": [1, 5]}, signature="m|v1"), rows({"q1": [2, 5]}, signature="m|v2")
    with pytest.raises(InputError, match="under 2 signatures"):
        look(one, two)
    assert look(one, two, signatures=["m|v2"]).signatures == {"overall": "m|v2"}
    elsewhere = rows({"q1": [2, 5]}, signature="m|v2", benchmark="c")
    with pytest.raises(InputError, match=r"2 signatures on overall, expected one: m.v1; m.v2"):
        look(one, elsewhere)


@pytest.mark.parametrize(
    ("groups", "asked", "says"),
    [({"q1": [3], "q2": [4]}, {}, "2 prompts with one answer each"),
     ({"q1": [3, 4]}, {"rater": "n"}, "got the rater n"),
     ({"q1": [3, 4]}, {"name": "semantic_acoustic"}, "no ratings on semantic by this judge; the data holds overall")],
)  # fmt: skip
def test_what_cannot_be_used_is_refused(groups: Groups, asked: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        look(rows(groups), **asked)


def test_axes_of_another_scale_are_refused() -> None:
    table = Ratings.of(pd.DataFrame(rows({"q1": [3, 9]})), [Axis(name="overall", scale=Scale(low=0, high=10))])
    with pytest.raises(InputError, match=r"got overall on 0.0\.\.10.0, and weights on 1.0\.\.5.0"):
        rollouts(table, None, preset("overall"))
