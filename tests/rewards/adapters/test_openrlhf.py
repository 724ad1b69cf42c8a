"""OpenRLHF's own executor where it is installed, else what its file and its requests look like."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.loopback import Loopback
from tests.rewards.adapters import tiny
from wavjudge.errors import InputError, NoRewardError
from wavjudge.rewards.adapters.openrlhf import reward_func
from wavjudge.rewards.judge_reward import JudgeReward
from wavjudge.rewards.server import RewardServer

PROMPT = "w1 w2"
MADE: list[JudgeReward] = []
"""What the file of a test made, for it to be closed."""


def decode(text: str) -> Any:
    return tiny.speech([tiny.FIRST_SOUND + int(word[1:]) for word in text.split() if word.startswith("a")])


@pytest.fixture
def asked() -> Iterator[tuple[Loopback, JudgeReward]]:
    with Loopback() as server:
        spec = f"openai:m?base_url={server.openai_url}&attempts=1"
        with JudgeReward(spec, {"overall": 1.0}, guards=None, cache=False) as reward:
            yield server, reward


def test_the_function_of_a_file(asked: tuple[Loopback, JudgeReward]) -> None:
    found = reward_func(asked[1], decode)([f"{PROMPT} w3 a5 a6"], [PROMPT], ["because"])
    (score,) = found["rewards"]
    assert found["scores"] == [score] and score in (1.0, 2.0, 3.0, 4.0, 5.0)
    assert "because" in asked[0].received[0].prompt


def test_it_raises_instead_of_a_number(asked: tuple[Loopback, JudgeReward]) -> None:
    with pytest.raises(NoRewardError, match=r"no reward for query 0 .no_speech: the candidate gave no recording"):
        reward_func(asked[1], decode)([f"{PROMPT} w3"], [PROMPT], [""])


def test_bad_lists_are_named(asked: tuple[Loopback, JudgeReward]) -> None:
    with pytest.raises(InputError, match="got 1 queries, 2 prompts and 1 labels"):
        reward_func(asked[1])(["a"], ["a", "b"], [""])
    with pytest.raises(InputError, match="query 0: got a query that does not begin with its prompt"):
        reward_func(asked[1])(["a"], ["b"], [""])


class _Engine:
    """Stands for vLLM: always the same tokens."""

    def __init__(self, ids: list[int]) -> None:
        self.ids = ids

    async def generate(self, prompt: list[int], sampling: Any, multi_modal_data: Any = None) -> Any:
        return SimpleNamespace(outputs=[SimpleNamespace(token_ids=self.ids, finish_reason="stop", logprobs=None)])


@pytest.mark.heavy
@pytest.mark.filterwarnings("ignore")
def test_openrlhf_itself_by_http_and_by_file(asked: tuple[Loopback, JudgeReward], tmp_path: Path) -> None:
    pytest.importorskip("openrlhf", reason="OpenRLHF is not installed (no part of the extra `train`)")
    agent = pytest.importorskip("openrlhf.utils.agent", reason="OpenRLHF is installed without what it needs")
    sampling = SimpleNamespace(logprobs=None, max_tokens=8)
    tokens = tiny.tokenizer()

    def reward_of(ids: list[int], endpoint: str) -> Any:
        execute = agent.SingleTurnAgentExecutor([endpoint]).execute
        return execute(PROMPT, "because", sampling, 64, tokens, _Engine(ids))

    async def by_http() -> list[Any]:
        server = RewardServer(asked[1], token="a-token", decode=decode)
        url = (await server.open(port=0)).replace("http://", "http://any:a-token@")
        try:
            return [await reward_of([tiny.FIRST_SOUND + 5], f"{url}/get_reward") for _ in range(2)]
        finally:
            await server.close()

    file = tmp_path / "reward.py"
    file.write_text(
        "from tests.rewards.adapters.test_openrlhf import MADE, decode\n"
        "from wavjudge.rewards.adapters.openrlhf import reward_func as of\n"
        "from wavjudge.rewards.judge_reward import JudgeReward\n"
        f"judge = JudgeReward('openai:m?base_url={asked[0].openai_url}', {{'overall': 1.0}}, guards=None)\n"
        "reward_func = of(judge, decode)\n"
        "MADE.append(judge)\n"
    )
    first, second = asyncio.run(by_http())
    third = asyncio.run(reward_of([tiny.FIRST_SOUND + 5], str(file)))
    import_module("tests.rewards.adapters.test_openrlhf").MADE.pop().close()  # the file's copy of this module
    assert first["reward"] == second["reward"] == third["reward"]
    assert first["reward"][0] in (1.0, 2.0, 3.0, 4.0, 5.0)
    assert first["extra_logs"] == {"wavjudge_reward": first["reward"]}
