"""NeMo Gym's /verify: what was sent comes back with a reward, or with a mask at both places that are read."""

from __future__ import annotations

import base64
import math
from pathlib import Path
from typing import Any

import pytest

from tests.loopback import Loopback
from tests.rewards.sounds import item, tone
from tests.rewards.test_server import Clock, asked, judge, reward
from wavjudge.rewards.adapters.nemo_gym import VerifyIn
from wavjudge.rewards.ceiling import Ceiling
from wavjudge.rewards.item import as_file
from wavjudge.rewards.server import RewardServer
from wavjudge.store.run_folder import RunFolder

__all__ = ["judge"]

SOUND = base64.b64encode(as_file(tone(1), where="")).decode()


def rollout(part: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    said = [{"type": "output_text", "text": "Answer 1.", "annotations": []}, *([part] if part else [])]
    output = [{"type": "reasoning", "summary": []}, {"type": "message", "role": "assistant", "content": said}]
    return {
        "responses_create_params": {"input": [{"role": "user", "content": "Why?"}]},
        "response": {"id": "r", "object": "response", "output": output}, "task": 7, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    "sent",
    [
        rollout(answer_audio=SOUND),
        rollout({"type": "output_audio", "data": SOUND, "transcript": ""}),
        rollout({"type": "output_audio", "output_audio": {"data": SOUND, "format": "wav"}}),
    ],
)
def test_a_rollout_comes_back_with_its_reward(judge: Loopback, sent: dict[str, Any]) -> None:
    with reward(judge) as core:
        (expected,) = core.score_now([item(1)])
        status, found = asked(RewardServer(core), "/verify", sent)
    assert status == 200 and found["reward"] == expected.score
    assert (found["mask_sample"], found["instance_config"]) == (False, {"mask_sample": False})
    assert {name: found[name] for name in sent} == sent and "_ng_failure_class" not in found


def test_what_the_judge_failed_at_is_200_masked_and_marked_as_gym_marks_it(judge: Loopback) -> None:
    judge.plan = lambda number: "bad_request"
    with reward(judge) as core:
        status, found = asked(RewardServer(core), "/verify", rollout(answer_audio=SOUND, instance_config={"keep": 1}))
    assert status == 200 and found["mask_sample"] is True
    assert found["instance_config"] == {"keep": 1, "mask_sample": True}
    assert (found["reward"], found["status"], found["_ng_failure_class"]) == (0.0, "failed", "judge_failed")
    assert found["_ng_failure_judge_error"]


def test_a_candidates_silence_is_masked_and_no_failure_of_the_judge(judge: Loopback) -> None:
    with reward(judge) as core:
        status, found = asked(RewardServer(core), "/verify", rollout())
    assert (status, found["mask_sample"], found["status"]) == (200, True, "no_speech")
    assert "_ng_failure_class" not in found and judge.requests == 0


def test_over_the_ceiling_it_is_503_which_ends_a_collection(judge: Loopback) -> None:
    judge.plan = lambda number: "bad_request"
    with reward(judge, ceiling=Ceiling(0.0, 1)) as core:
        server = RewardServer(core)
        Clock(server)
        assert [asked(server, "/verify", rollout(answer_audio=SOUND))[0] for _ in range(2)] == [200, 503]
    assert judge.requests == 1


def test_the_question_is_the_last_user_message_with_its_recording(judge: Loopback, tmp_path: Path) -> None:
    asked_for = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hi."},
                 {"role": "user", "content": [{"type": "input_text", "text": "Why?"},
                                              {"type": "input_audio", "input_audio": {"data": SOUND}}]}]  # fmt: skip
    sent = rollout(answer_audio=SOUND, expected_answer="Because.", language="en")
    with reward(judge, log=tmp_path / "run") as core:
        server = RewardServer(core)
        assert asked(server, "/verify", {**sent, "responses_create_params": {"input": asked_for}})[0] == 200
        assert asked(server, "/verify", {**sent, "responses_create_params": {"input": "How?"}})[0] == 200
        assert asked(server, "/seed_session", {})[1] == {}
    first, second = RunFolder(tmp_path / "run").items()
    assert (first.turns[0].text, first.reference, first.language) == ("Why?", "Because.", "en")
    assert first.turns[0].audio is not None and second.turns[0].text == "How?"


@pytest.mark.parametrize("sent", [{}, {"response": {}}, rollout(answer_audio="%%%"), rollout(answer_audio=[1])])
def test_what_cannot_be_used_is_400(judge: Loopback, sent: Any) -> None:
    with reward(judge) as core:
        assert asked(RewardServer(core), "/verify", sent)[0] == 400
    assert judge.requests == 0


@pytest.mark.parametrize(
    "odd", [{"output": 3}, {"output": [3, {"role": "assistant"}]}, {"output": [{"role": "assistant", "content": 7}]}]
)
def test_a_response_of_another_shape_is_an_answer_without_speech(judge: Loopback, odd: Any) -> None:
    with reward(judge) as core:
        status, found = asked(RewardServer(core), "/verify", {**rollout(), "response": odd})
    assert status == 200 and found["status"] == "no_speech"


@pytest.mark.parametrize("sent", [{"mask_sample": True}, {"instance_config": {"mask_sample": True}},
                                  {"mask_sample": 1, "instance_config": {"mask_sample": False}},
                                  {"mask_sample": "true"}])  # fmt: skip
def test_a_mask_that_was_set_stays_whatever_the_judge_says(judge: Loopback, sent: dict[str, Any]) -> None:
    with reward(judge) as core:
        status, found = asked(RewardServer(core), "/verify", rollout(answer_audio=SOUND, **sent))
    assert (status, found["status"], found["mask_sample"]) == (200, "ok", True)
    assert found["instance_config"] == {"mask_sample": True} and "_ng_failure_class" not in found


@pytest.mark.parametrize("mask", [False, None, 0, "false"])
def test_a_mask_that_was_not_set_pays(judge: Loopback, mask: Any) -> None:
    sent = rollout(answer_audio=SOUND, mask_sample=mask, instance_config={"mask_sample": mask})
    with reward(judge) as core:
        found = asked(RewardServer(core), "/verify", sent)[1]
    assert (found["mask_sample"], found["instance_config"]) == (False, {"mask_sample": False})


@pytest.mark.parametrize("spoken", [True, False])
def test_marks_of_an_earlier_failure_go(judge: Loopback, spoken: bool) -> None:
    stale = {f"_ng_failure_{name}": "judge_failed" for name in ("class", "judge_error", "reason")}
    sent = rollout(**({"answer_audio": SOUND} if spoken else {}), **stale)
    with reward(judge) as core:
        found = asked(RewardServer(core), "/verify", sent)[1]
    assert found["status"] == ("ok" if spoken else "no_speech")
    assert not [name for name in found if name.startswith("_ng_failure")]


@pytest.mark.parametrize("field", ["expected_answer", "reference"])
@pytest.mark.parametrize(
    ("value", "kept"), [(42, "42"), (0, "0"), (2.5, "2.5"), ("So.", "So."), ("", None), (None, None)]
)
def test_a_right_answer_may_be_a_number(field: str, value: Any, kept: str | None) -> None:
    assert VerifyIn.model_validate(rollout(**{field: value})).item().reference == kept


@pytest.mark.parametrize(
    ("field", "value"),
    [("expected_answer", ["a"]), ("reference", {"a": 1}), ("expected_answer", True), ("reference", math.nan),
     ("language", 3), ("question_text", ["Why?"])],
)  # fmt: skip
def test_a_field_that_is_read_and_holds_no_text_is_named(judge: Loopback, field: str, value: Any) -> None:
    with reward(judge) as core:
        status, found = asked(RewardServer(core), "/verify", rollout(answer_audio=SOUND, **{field: value}))
    assert status == 400 and f'field "{field}": got ' in found["message"] and judge.requests == 0


def sounded(n: int, transcript: str, nested: bool = False) -> dict[str, Any]:
    held = {"data": base64.b64encode(as_file(tone(n), where="")).decode(), "transcript": transcript}
    return {"type": "output_audio", **({"output_audio": held} if nested else held)}


def written(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text}


@pytest.mark.parametrize(
    ("messages", "text", "heard"),
    [
        ([[sounded(1, "One.")], [sounded(2, "Two.")]], "Two.", 2),
        ([[sounded(1, "One.", nested=True)], [sounded(2, "Two.", nested=True)]], "Two.", 2),
        ([[sounded(1, "One."), sounded(2, "Two.")]], "Two.", 2),
        ([[sounded(1, "One."), sounded(2, "")]], None, 2),
        ([[written("Let me see.")], [sounded(2, "Two.")]], "Two.", 2),
        ([[written("Two."), sounded(2, "Two.")]], "Two.", 2),
        ([[written("Two."), sounded(2, "")]], "Two.", 2),
        ([[sounded(2, "Two.")], [written("")], []], "Two.", 2),
        ([[sounded(1, "One.")], [written("Two.")]], "Two.", None),
    ],
)
def test_text_and_sound_are_of_the_same_last_message(messages: Any, text: str | None, heard: int | None) -> None:
    output = [{"type": "message", "role": "assistant", "content": content} for content in messages]
    given = VerifyIn.model_validate({**rollout(), "response": {"output": output}}).item()
    assert (given.answer_text, given.answer_audio) == (text, heard and as_file(tone(heard), where=""))


def test_the_words_of_a_question_are_those_of_its_last_recording() -> None:
    parts = [{**sounded(n, f"{n}?"), "type": "input_audio"} for n in (1, 2)]
    content = [{"type": "input_text", "text": "Answer this."}, *parts]
    sent = {**rollout(), "responses_create_params": {"input": [{"role": "user", "content": content}]}}
    given = VerifyIn.model_validate(sent).item()
    assert (given.question_text, given.question_audio) == ("Answer this. 2?", as_file(tone(2), where=""))
