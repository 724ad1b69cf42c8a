"""TRL's own GRPOTrainer with a judge behind a loopback endpoint: 20 steps, some scores None."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.loopback import Loopback, chances
from tests.rewards.adapters import tiny
from wavjudge.api import runs
from wavjudge.errors import InputError
from wavjudge.rewards.adapters.columns import Columns
from wavjudge.rewards.adapters.trl import TRLReward
from wavjudge.rewards.judge_reward import JudgeReward

STEPS, ROLLOUTS = 20, 8


@pytest.mark.heavy
@pytest.mark.filterwarnings("ignore")  # what the trainer deprecates in itself
def test_twenty_steps_with_some_scores_missing(tmp_path: Path) -> None:
    pytest.importorskip("trl", reason="TRL is not installed: pip install 'wavjudge[train]'")
    tiny.make_torchaudio_loadable()
    import torch
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    torch.set_num_threads(1)
    prompts = [{"prompt": f"w{n} w{n + 1}", "question_text": f"What is {n}?", "id": str(n)} for n in range(8)]
    with Loopback(chances({"bad_request": 0.15}, seed=1)) as server:
        spec = f"openai:tiny?base_url={server.openai_url}&attempts=1"
        with JudgeReward(spec, {"overall": 1.0}, guards=None, log=tmp_path / "trace", cache=False) as reward:
            given = TRLReward(reward, Columns(decode=tiny.speech))
            settings = GRPOConfig(
                output_dir=str(tmp_path), max_steps=STEPS, per_device_train_batch_size=ROLLOUTS, num_generations=4,
                max_completion_length=12, report_to=[], save_strategy="no", logging_steps=1, use_cpu=True, seed=0,
                disable_tqdm=True, remove_unused_columns=False,
            )  # fmt: skip
            trainer = GRPOTrainer(
                tiny.model(), given, settings, Dataset.from_list(prompts), processing_class=tiny.tokenizer()
            )
            trainer.train()

    logged = [line for line in trainer.state.log_history if "loss" in line]
    assert len(logged) == STEPS
    assert all(math.isfinite(line["loss"]) and math.isfinite(line["grad_norm"]) for line in logged)
    answers = list(runs.load(tmp_path / "trace").responses())
    scores = [answer.details["reward"] for answer in answers]
    missing = sum(score is None for score in scores)
    assert len(answers) == STEPS * ROLLOUTS
    assert missing == server.faults["bad_request"] + sum(answer.status != "ok" for answer in answers) > 0
    assert {answer.details["step"] for answer in answers} == set(range(STEPS))
    assert sum(line["wavjudge/unscored"] for line in logged) * ROLLOUTS == pytest.approx(missing)
    # TRL's mean of a step is that of the valid answers: what we kept on disk gives the same numbers.
    for step, line in enumerate(logged):
        valid = [a.details["reward"] for a in answers if a.details["step"] == step and a.details["reward"] is not None]
        assert line["rewards/wavjudge/mean"] == pytest.approx(sum(valid) / len(valid), abs=1e-5)


def _call(given: TRLReward, **more: Any) -> list[float | None]:
    return asyncio.run(given(["Why?", "How?"], ["So.", [{"role": "assistant", "content": "Thus."}]], **more))


def test_columns_become_items_and_a_failure_none(tmp_path: Path) -> None:
    sounds = [tiny.speech([tiny.FIRST_SOUND + n])[0] for n in (1, 2)]  # type: ignore[index]
    told: dict[str, Any] = {}
    with Loopback([None, "bad_request"]) as server:
        spec = f"openai:m?base_url={server.openai_url}&attempts=1"
        with JudgeReward(spec, {"overall": 1.0}, guards=None, log=tmp_path / "run") as reward:
            given = TRLReward(reward, Columns({"answer_audio": "audio"}, sample_rate_hz=tiny.RATE_HZ))
            found = _call(
                given, audio=sounds, completion_ids=[[1], [2]], language=["en", "en"],
                trainer_state=SimpleNamespace(global_step=7), log_metric=told.__setitem__, log_extra=told.__setitem__,
            )  # fmt: skip
    assert sorted(score is None for score in found) == [False, True]
    assert told["wavjudge/unscored"] == 0.5
    assert sum("bad_request" in reason for reason in told["wavjudge"]) == 1
    answers = {a.answers[0].text: a for a in runs.load(tmp_path / "run").responses()}
    assert set(answers) == {"So.", "Thus."}
    assert all(a.details["step"] == 7 for a in answers.values())
    assert all(a.answers[0].audio.sample_rate_hz == tiny.RATE_HZ for a in answers.values())  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("columns", "more", "said"),
    [
        (
            Columns({"answer_audio": "audio"}),
            {"audio": [[0.1] * 99] * 2},
            'answer 0, column "audio": got samples without',
        ),
        (Columns({"answer_audio": "sound"}), {"audio": [None] * 2}, "got no column sound"),
        (Columns(), {"answer_audio": [None]}, "got 2 answers and 1 entries in the column 'answer_audio'"),
        (Columns(), {"id": "ab"}, "got str for the column 'id', expected a list of 2"),
        (Columns(decode=tiny.speech), {}, "got NoneType for token ids"),
    ],
    ids=["rate", "name", "length", "text", "token ids"],
)
def test_bad_columns_are_named(columns: Columns, more: dict[str, Any], said: str) -> None:
    with Loopback() as server, _reward(server) as reward:
        with pytest.raises(InputError, match=said):
            _call(TRLReward(reward, columns), **more)
        assert server.requests == 0


def _reward(server: Loopback) -> JudgeReward:
    return JudgeReward(f"openai:m?base_url={server.openai_url}&attempts=1", {"overall": 1.0}, guards=None)


def test_a_decoder_that_raises_at_one_answer_loses_that_answer() -> None:
    def decode(ids: Any) -> Any:
        if ids == [1]:
            raise RuntimeError("no such token")
        return [0.5] * 9, 8000

    first, second = Columns(decode=decode).items(2, {"answer_text": ["a", "b"]}, token_ids=[[1], [2]])
    assert first.crashed == "decode raised RuntimeError: no such token" and first.answer_audio is None
    assert second.crashed is None and second.answer_audio is not None
