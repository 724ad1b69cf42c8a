"""verl: its own loading of functions and managers where it is installed, else the calls it makes."""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.loopback import Loopback
from tests.rewards.adapters import tiny
from wavjudge.errors import InputError, NoRewardError
from wavjudge.rewards.adapters import verl
from wavjudge.rewards.adapters.options import built

ADAPTER = "pkg://wavjudge.rewards.adapters.verl"


@pytest.fixture
def options() -> Iterator[dict[str, Any]]:
    with Loopback() as server:
        spec = f"openai:m?base_url={server.openai_url}&attempts=1"
        given = {"judges": [spec], "weights": {"overall": 1.0}, "guards": [], "cache": False}
        yield given
        built(given).close()


def info(n: int) -> dict[str, Any]:
    sound, rate = tiny.speech([tiny.FIRST_SOUND + n])  # type: ignore[misc]
    return {"answer_audio": sound, "sample_rate_hz": rate, "question_text": "Why?"}


def test_one_sample(options: dict[str, Any]) -> None:
    found = asyncio.run(verl.compute_score("set", "So.", "because", info(3), reward_router_address=None, **options))
    assert found["score"] in (1.0, 2.0, 3.0, 4.0, 5.0) and found["status"] == "ok"


@pytest.mark.parametrize(("truth", "reference"), [(42, "42"), (np.int64(0), "0"), ("So.", "So."), ({"a": 1}, None)])
def test_a_ground_truth_may_be_a_number(truth: Any, reference: str | None) -> None:
    assert verl._item("set", "So.", truth, info(1)).reference == reference
    assert verl.item_of(None, truth, {"question_text": "Why?"}).reference == reference


def test_a_sample_without_reward_raises(options: dict[str, Any]) -> None:
    with pytest.raises(NoRewardError, match=r"a sample of 'set' .no_speech: the candidate gave no recording"):
        asyncio.run(verl.compute_score("set", "So.", "", {}, **options))


@pytest.mark.parametrize(
    ("info", "more", "said"),
    [
        ({"answer_audio": np.zeros(9)}, {}, r'extra_info\["answer_audio"\]: got samples without a sample rate'),
        ({}, {"wieghts": 1}, "got the option wieghts, known are judges, weights"),
        ({}, {"weights": {"overall": 2.0}}, "got weights with the sum 2"),
    ],
)
def test_bad_options_are_named(options: dict[str, Any], info: Any, more: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        asyncio.run(verl.compute_score("set", "So.", "", info, **{**options, **more}))


@pytest.fixture
def manager_base(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the manager uses of verl's base class."""

    class RewardManagerBase:
        def __init__(self, config: Any, tokenizer: Any, compute_score: Any) -> None:
            self.config, self.tokenizer, self.loop = config, tokenizer, asyncio.get_event_loop()

    names = [
        "verl",
        "verl.experimental",
        "verl.experimental.reward_loop",
        "verl.experimental.reward_loop.reward_manager",
    ]
    for name in [*names, f"{names[-1]}.base"]:
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules[f"{names[-1]}.base"].RewardManagerBase = RewardManagerBase  # type: ignore[attr-defined]
    monkeypatch.delitem(vars(verl), "JudgeRewardManager", raising=False)


def sample(uid: str, n: int, told: dict[str, Any] | None = None) -> list[Any]:
    ids = np.array([4, tiny.FIRST_SOUND + n, 0, 0])
    batch = {"responses": ids, "attention_mask": np.array([1, 1, 1, 1, 0, 0])}
    asked = [{"role": "user", "content": "Why?"}]
    words = {"uid": uid, "data_source": "set", "raw_prompt": asked, **(told or {})}
    return [SimpleNamespace(batch=batch, non_tensor_batch=words)]


def configured(options: dict[str, Any], n: int, wait: float = 0.2) -> Any:
    decode = f"{__name__}:decoded" if __name__ in sys.modules else "tests.rewards.adapters.test_verl:decoded"
    kwargs = {"wavjudge": {**options, "decode": decode, "wait_seconds": wait}}
    rollout = SimpleNamespace(rollout=SimpleNamespace(n=n))
    return SimpleNamespace(reward={"reward_kwargs": kwargs}, actor_rollout_ref=rollout)


def decoded(ids: Any) -> Any:
    assert len(ids) == 2, "padding reached the decoder"
    return None if int(ids[1]) == tiny.FIRST_SOUND else tiny.speech(ids)


class Words:
    def decode(self, ids: Any, skip_special_tokens: bool) -> str:
        return " ".join(f"w{one}" for one in ids)


@pytest.mark.usefixtures("manager_base")
def test_a_failed_sample_gets_the_mean_of_its_prompt(options: dict[str, Any]) -> None:
    async def scored() -> list[float]:
        manager = verl.JudgeRewardManager(configured(options, 3), Words(), None)
        made = await asyncio.gather(*(manager.run_single(sample("p", n)) for n in (0, 1, 2)))
        return [one["reward_score"] for one in made]

    failed, *valid = asyncio.run(scored())
    assert failed == sum(valid) / 2


@pytest.mark.usefixtures("manager_base")
@pytest.mark.parametrize(
    ("samples", "said"),
    [
        ([("p", 0), ("p", 0)], "got 2 of the 3 answers to prompt 'p' within 0.2 s"),
        ([("p", 0), ("p", 0), ("p", 0)], "none of the 3 answers to prompt 'p' has a reward"),
    ],
    ids=["a sibling never comes", "all failed"],
)
def test_what_has_no_mean_raises_and_does_not_hang(options: dict[str, Any], samples: Any, said: str) -> None:
    async def scored() -> None:
        manager = verl.JudgeRewardManager(configured(options, 3), Words(), None)
        await asyncio.gather(*(manager.run_single(sample(*one)) for one in samples))

    with pytest.raises(NoRewardError, match=said):
        asyncio.run(scored())


def flagged(uid: str, n: int, **meta: Any) -> Any:
    (one,) = sample(uid, n)
    return [SimpleNamespace(batch=one.batch, non_tensor_batch=one.non_tensor_batch, meta_info=meta)]


def of_split(uid: str | None, n: int, split: str) -> Any:
    (one,) = sample(uid or "", n, {"extra_info": {"split": split, "index": n}})
    if uid is None:
        del one.non_tensor_batch["uid"]
    return [one]


@pytest.mark.usefixtures("manager_base")
def test_a_sample_of_a_validation_is_answered_alone_and_at_once_and_none_is_kept(options: dict[str, Any]) -> None:
    """verl 0.9.1: `val_kwargs.n` is 1 while training samples 8, and no call says which of both it is."""

    async def scored() -> tuple[list[Any], int]:
        manager = verl.JudgeRewardManager(configured(options, 8, wait=600.0), Words(), None)
        asked = [flagged("a", 0, validate=True), flagged("b", 1, validate=True), of_split("c", 0, "test"),
                 of_split("d", 2, "Validation"), of_split(None, 0, "dev")]  # fmt: skip
        async with asyncio.timeout(60):
            return await asyncio.gather(*map(manager.run_single, asked)), len(manager._siblings)

    found, kept = asyncio.run(scored())
    assert [math.isnan(one["reward_score"]) for one in found] == [True, False, True, False, True] and kept == 0
    told = [one["reward_extra_info"] for one in found]
    assert [one["unscored"] for one in told] == [1, 0, 1, 0, 1] and told[0]["status"] == "no_speech"
    assert len({tuple(one) for one in told}) == 1, "verl reads the keys of the first sample from all of them"


@pytest.mark.usefixtures("manager_base")
def test_training_goes_on_waiting_for_its_group_whatever_a_validation_does(options: dict[str, Any]) -> None:
    async def scored() -> list[float]:
        manager = verl.JudgeRewardManager(configured(options, 2, wait=600.0), Words(), None)
        asked = [of_split("p", 0, "train"), flagged("p", 0, validate=True), of_split("p", 1, "train")]
        async with asyncio.timeout(60):
            made = await asyncio.gather(*map(manager.run_single, asked))
        assert len(manager._siblings) == 0
        return [one["reward_score"] for one in made]

    failed, alone, valid = asyncio.run(scored())
    assert failed == valid and math.isnan(alone)


@pytest.mark.usefixtures("manager_base")
def test_nobody_waits_for_a_sibling_that_was_cancelled(options: dict[str, Any]) -> None:
    async def scored() -> float:
        manager = verl.JudgeRewardManager(configured(options, 3, wait=600.0), Words(), None)
        gone = asyncio.create_task(manager.run_single(sample("p", 2)))
        await asyncio.sleep(0)
        gone.cancel()
        async with asyncio.timeout(60):
            made = await asyncio.gather(*(manager.run_single(sample("p", n)) for n in (0, 1)))
        assert made[0]["reward_score"] == made[1]["reward_score"]
        return len(manager._siblings)

    assert asyncio.run(scored()) == 0


@pytest.mark.usefixtures("manager_base")
@pytest.mark.parametrize("said", ["train", "Train ", "TRAINING", "train-clean-100", {"validate": False}, None, "other"])
def test_nan_is_for_a_validation_or_where_nothing_is_said_and_never_for_training(
    options: dict[str, Any], said: Any
) -> None:
    one = flagged("p", 0, **said) if isinstance(said, dict) else of_split("p", 0, said) if said else sample("p", 0)

    async def scored() -> float:
        manager = verl.JudgeRewardManager(configured(options, 4, wait=0.01), Words(), None)
        return (await manager.run_single(one))["reward_score"]

    if said in (None, "other"):
        assert math.isnan(asyncio.run(scored()))
        return
    with pytest.raises(NoRewardError, match="got 1 of the 4 answers to prompt 'p'"):
        asyncio.run(scored())


@pytest.mark.usefixtures("manager_base")
@pytest.mark.parametrize(
    ("n", "validation_n", "warned"), [(4, 4, True), (4, 8, True), (4, 2, True), (4, 1, False), (1, 1, False)]
)
def test_a_validation_that_looks_like_a_training_is_warned_of_at_the_start(
    options: dict[str, Any], n: int, validation_n: int, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    config = configured(options, n)
    config.actor_rollout_ref.rollout.val_kwargs = SimpleNamespace(n=validation_n)

    async def made() -> None:
        verl.JudgeRewardManager(config, Words(), None)

    asyncio.run(made())
    assert ("name the split in each row" in caplog.text) is warned
    assert ("gets the mean of its siblings" in caplog.text.replace("\n", " ")) is (1 < validation_n < n)


@pytest.mark.usefixtures("manager_base")
@pytest.mark.parametrize("given", [5, True, {"val": 1}, ["val", 3], [["val"]], b"val", 1.5, None])
def test_splits_that_are_no_names_are_refused_at_the_start(options: dict[str, Any], given: Any) -> None:
    config = configured({**options, "validation_splits": given}, 2)

    async def made() -> None:
        verl.JudgeRewardManager(config, Words(), None)

    with pytest.raises(InputError, match=r"got validation_splits .*, expected a list of names"):
        asyncio.run(made())


@pytest.mark.usefixtures("manager_base")
@pytest.mark.parametrize(("given", "names"), [("val", {"val"}), (["val", "held"], {"val", "held"}), (("a",), {"a"})])
def test_one_split_is_one_name(options: dict[str, Any], given: Any, names: set[str]) -> None:
    assert verl._splits(given) == names


RAISED: list[BaseException] = []


def raising(ids: Any) -> Any:
    if int(ids[1]) == tiny.FIRST_SOUND:
        raise RAISED[-1]
    return tiny.speech(ids)


@pytest.mark.usefixtures("manager_base")
@pytest.mark.parametrize("error", [RuntimeError("no such codec token"), SystemExit(1), StopIteration()])
def test_a_decoder_that_raises_at_one_sample_loses_that_sample(options: dict[str, Any], error: BaseException) -> None:
    RAISED.append(error)
    config = configured(options, 2)
    config.reward["reward_kwargs"]["wavjudge"]["decode"] = f"{__name__}:raising"

    async def scored() -> list[Any]:
        manager = verl.JudgeRewardManager(config, Words(), None)
        return await asyncio.gather(*(manager.run_single(sample("p", n)) for n in (0, 1)))

    lost, valid = asyncio.run(scored())
    assert lost["reward_score"] == valid["reward_score"] and lost["reward_extra_info"]["status"] == "crashed"


@pytest.mark.usefixtures("manager_base")
def test_training_without_a_uid_is_refused(options: dict[str, Any]) -> None:
    async def scored(n: int) -> float:
        manager = verl.JudgeRewardManager(configured(options, n), Words(), None)
        return (await manager.run_single(of_split(None, 1, "train")))["reward_score"]

    with pytest.raises(InputError, match="without uid"):
        asyncio.run(scored(2))
    assert asyncio.run(scored(1)) >= 1, "one answer a prompt has no siblings"


@pytest.mark.heavy
@pytest.mark.filterwarnings("ignore")
def test_verl_itself_loads_and_calls_both(options: dict[str, Any]) -> None:
    pytest.importorskip("verl", reason="verl is not installed (no part of the extra `train`)")
    ppo = pytest.importorskip("verl.trainer.ppo.reward", reason="verl is installed without what it needs")
    import torch
    from omegaconf import OmegaConf
    from tensordict import TensorDict
    from verl import DataProto

    torch.set_num_threads(1)
    own = {"source": "importlib", "name": "JudgeRewardManager", "module": {"path": ADAPTER}}
    base = {
        "reward_kwargs": {"wavjudge": {**options, "decode": "tests.rewards.adapters.test_verl:decoded"}},
        "custom_reward_function": {"path": None, "name": None}, "sandbox_fusion": None, "reward_manager": own,
    }  # fmt: skip
    by_function = {
        **base, "reward_manager": {"source": "register", "name": "naive"},
        "custom_reward_function": {"path": ADAPTER, "name": "compute_score", "reward_kwargs": options},
    }  # fmt: skip

    def data(n: int) -> Any:
        batch = {
            "prompts": [[4, 5]],
            "responses": [[4, tiny.FIRST_SOUND + n, 0, 0]],
            "attention_mask": [[1] * 4 + [0] * 2],
        }
        told = {
            "raw_prompt": [{"role": "user", "content": "Why?"}],
            "uid": "p",
            "data_source": "set",
            "reward_model": {"ground_truth": "because"},
            "extra_info": info(n),
        }
        tensors = TensorDict({name: torch.tensor(rows) for name, rows in batch.items()}, batch_size=1)
        return DataProto(batch=tensors, non_tensor_batch={k: np.array([v], dtype=object) for k, v in told.items()})

    async def scored(reward: dict[str, Any], numbers: tuple[int, ...]) -> list[Any]:
        config = OmegaConf.create({"reward": reward, "actor_rollout_ref": {"rollout": {"n": len(numbers)}}})
        manager = ppo.load_reward_manager(config, tiny.tokenizer())
        return [r["reward_score"] for r in await asyncio.gather(*(manager.run_single(data(n)) for n in numbers))]

    failed, first, second = asyncio.run(scored(base, (0, 1, 2)))
    assert failed == (first + second) / 2
    assert asyncio.run(scored(by_function, (1, 2))) != []
