"""The ceiling stops at the failure that is too much, and not before; it survives a checkpoint."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavjudge.errors import InputError, NoRewardError
from wavjudge.rewards.ceiling import Ceiling
from wavjudge.rewards.combine import Reward
from wavjudge.types import OUTCOMES, STATUSES, Outcome

OK, LATE = Reward(4.0), Reward(None, "failed", "time-out after 60 s")


def test_the_first_answers_may_all_fail_up_to_what_a_full_window_allows() -> None:
    ceiling = Ceiling()
    ceiling.add([LATE] * 20)
    says = r"21 of the last 21 answers got no reward .failed 21., expected at most 20 of 200; the last one: time-out"
    with pytest.raises(NoRewardError, match=says) as e:
        ceiling.add([LATE])
    assert "What to do" in str(e.value) and e.value.exit_code == 8


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 12), st.integers(0, 9))
def test_it_stops_exactly_when_a_window_holds_too_many(fails: list[bool], window: int, tenths: int) -> None:
    ceiling, stopped = Ceiling(tenths / 10, window), None
    for place, failed in enumerate(fails):
        try:
            ceiling.add([LATE if failed else OK])
        except NoRewardError:
            stopped = place
            break
    windows = [sum(fails[max(0, end - window + 1) : end + 1]) for end in range(len(fails))]
    expected = next((place for place, count in enumerate(windows) if 10 * count > tenths * window), None)
    assert stopped == expected


@pytest.mark.parametrize("status", sorted({*STATUSES} - {"ok"}))
def test_every_status_of_a_judge_counts_also_behind_a_constant(status: str) -> None:
    # A refusal, a time-out: a policy can learn to provoke each of them.
    with pytest.raises(NoRewardError, match=f"{status} 1"):
        Ceiling(0.0).add([Reward(2.5, status, "asked for")])  # type: ignore[arg-type]


@pytest.mark.parametrize("status", OUTCOMES[1:])
def test_what_a_candidate_failed_to_give_is_no_failure_of_the_judge(status: Outcome) -> None:
    ceiling = Ceiling(0.0, 10)
    ceiling.add([OK] * 5 + [Reward(None, status, "theirs")] * 5)
    assert ceiling.failure_rate == 0 and ceiling.counts[status] == 5
    with pytest.raises(NoRewardError, match=f"nothing to judge in 6 of the last 10 answers .{status} 6., .* most 5"):
        ceiling.add([Reward(1.0, status, "theirs, with a floor")])


def test_a_guard_that_trips_is_the_candidates_too() -> None:
    ceiling = Ceiling(0.0, 10)
    ceiling.add([Reward(None, "not_applicable", "loop")], own=[True])
    with pytest.raises(NoRewardError, match="not_applicable 1"):
        ceiling.add([Reward(None, "not_applicable", "language xx not covered")], own=[False])


def test_after_a_stop_a_checkpoint_begins_with_an_empty_window() -> None:
    first, second = Ceiling(0.25, 4), Ceiling(0.25, 4)
    with pytest.raises(NoRewardError):
        first.add([LATE, LATE])
    second.load_state_dict(first.state_dict())
    second.add([LATE, OK])
    assert second.counts == {"failed": 3, "ok": 1}


def test_old_failures_leave_the_window_and_stay_in_the_counts() -> None:
    ceiling = Ceiling(0.5, 4)
    for _ in range(10):
        ceiling.add([LATE, LATE, OK, OK])
    assert ceiling.failure_rate == 0.5 and ceiling.counts == {"failed": 20, "ok": 20}


def test_all_of_a_batch_is_counted_when_it_stops() -> None:
    ceiling = Ceiling(0.0, 10)
    with pytest.raises(NoRewardError):
        ceiling.add([LATE, OK, OK])
    assert ceiling.counts.total() == 3


def test_a_checkpoint_goes_on_where_it_stopped() -> None:
    first, second = Ceiling(0.25, 4), Ceiling(0.25, 4)
    first.add([OK, LATE])
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    assert second.counts == first.counts
    with pytest.raises(NoRewardError):
        second.add([LATE])
    with pytest.raises(InputError, match="expected counts, judged and own"):
        second.load_state_dict({"last": []})


@pytest.mark.parametrize(("share", "window"), [(1.0, 10), (-0.1, 10), (0.1, 0), (float("nan"), 10)])
def test_a_ceiling_that_cannot_stop_is_refused(share: float, window: int) -> None:
    with pytest.raises(InputError, match="got a ceiling of"):
        Ceiling(share, window)


def test_shares_are_counted_as_written() -> None:
    assert [Ceiling(share, 100).allowed for share in (0.29, 0.07, 0.57)] == [29, 7, 57]  # .29 x 100 is 28.999...
