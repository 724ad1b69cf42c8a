"""The snippets of docs/rewards.md run as they stand, with a loopback server for the judge and a tiny model."""

from __future__ import annotations

import asyncio
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.loopback import Loopback
from tests.rewards.adapters import tiny
from tests.rewards.adapters.test_openrlhf import decode
from tests.test_docs import page, section

SPEC = "gemini:gemini-3.5-flash"


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A judge that answers; the snippets' own paths lie in an empty folder, beside the reader's own module."""
    monkeypatch.chdir(tmp_path)
    mine = ModuleType("my_model")
    mine.__dict__.update(speech=tiny.speech, speech_of_text=decode)
    monkeypatch.setitem(sys.modules, "my_model", mine)
    with Loopback() as server:
        yield f"openai:m?base_url={server.openai_url}"


def run(name: str, spec: str, **given: Any) -> dict[str, Any]:
    """What a snippet leaves; tones are no speech, so the guard is taken out, and here is no GPU."""
    (code,) = re.findall(rf"```python\n# {name}\n(.*?)```", page("rewards.md"), re.DOTALL)
    assert SPEC in code
    code = code.replace(SPEC, spec).replace("1.0}", "1.0}, guards=None").replace('"out"', '"out", use_cpu=True')
    exec(compile(code, name, "exec"), given)
    return given


def test_core(spec: str) -> None:
    left = run("core", spec, samples=tiny.speech([tiny.FIRST_SOUND + 1] * 3)[0])  # type: ignore[index]
    assert 1 <= left["found"].score <= 5 and left["found"].reward.reason is None


def test_reference(spec: str) -> None:
    first, second = (tiny.speech([tiny.FIRST_SOUND + n] * 2)[0] for n in (1, 2))  # type: ignore[index]
    left = run("reference", spec, first=first, second=second)
    assert all(1 <= score <= 5 for score in left["reward"](["Why?"] * 2, ["So.", "Thus."], [first, second]))
    left["judge"].close()
    assert (Path("runs/train/manifest.json")).is_file()


def test_the_command_of_the_page_is_one(spec: str) -> None:
    (line,) = re.findall(r"```sh\n(wavjudge rewards serve .*)\n", section(page("rewards.md"), _HTTP))
    words = shlex.split(line.replace(SPEC, spec).replace("my_model:speech_of_text", "math:sqrt"))
    command = [sys.executable, "-m", *words, "--port", "0", "--guards", "none"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("listening on http://127.0.0.1:")
        process.terminate()
        assert process.wait(30) == 0


_HTTP = "OpenRLHF, and everything else: HTTP"


@pytest.mark.heavy
@pytest.mark.filterwarnings("ignore")
def test_trl(spec: str) -> None:
    pytest.importorskip("trl", reason="TRL is not installed: pip install 'wavjudge[train]'")
    tiny.make_torchaudio_loadable()
    from datasets import Dataset

    dataset = Dataset.from_list([{"prompt": f"w{n}"} for n in range(8)])
    left = run("trl", spec, model=tiny.model(), tokenizer=tiny.tokenizer(), dataset=dataset, speech=tiny.speech)
    assert left["trainer"].reward_func_names == ["wavjudge"] and left["trainer"]._has_async_funcs
    left["judge"].close()


@pytest.mark.heavy
@pytest.mark.filterwarnings("ignore")
def test_watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A callback of the page is given to a trainer; its first look is made by a model."""
    pytest.importorskip("transformers", reason="transformers is not installed: pip install 'wavjudge[train]'")
    tiny.make_torchaudio_loadable()
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n# watch\n(.*?)```", page("rewards.md"), re.DOTALL)
    with Loopback() as server:
        judges = {"openai:gpt-audio-1.5": f"openai:m?base_url={server.openai_url}",
                  SPEC: f"gemini:m?base_url={server.gemini_url}"}  # fmt: skip
        quick = {"1.0}": "1.0}, guards=None", "0.5}": "0.5}, guards=None", "=512": "=6",
                 "training=[": "instruments=False, training=["}  # fmt: skip
        for old, new in {**judges, **quick}.items():
            assert old in code
            code = code.replace(old, new)
        taken: list[Any] = []
        given: dict[str, Any] = {
            "tokenizer": tiny.tokenizer(), "speech": tiny.speech, "dataset": [{"prompt": "w1"}],
            "questions": [f"w{n} w{n + 1}" for n in range(12)], "trainer": SimpleNamespace(add_callback=taken.append),
        }  # fmt: skip
        exec(compile(code, "watch", "exec"), given)
        state = SimpleNamespace(global_step=0, is_world_process_zero=True, log_history=[])
        taken[0].on_train_begin(None, state, None, model=tiny.model())
        for judge in given["watch"]._judges:  # its connections, otherwise closed by whichever test collects the garbage
            judge.close()
    assert [line["monitor/verdict"] for line in state.log_history] == ["first"]
    assert (tmp_path / "runs" / "watch" / "monitor.md").is_file()


@pytest.mark.heavy
@pytest.mark.filterwarnings("ignore")
def test_swift(spec: str) -> None:
    pytest.importorskip("swift", reason="ms-swift is not installed (no part of the extra `train`)")
    left = run("swift", spec)
    given = {"prompt_id": ["a", "a"], "response_token_ids": [[tiny.FIRST_SOUND + n] for n in (1, 2)],
             "messages": [[{"role": "user", "content": "Why?"}]] * 2}  # fmt: skip
    assert len(asyncio.run(left["orms"]["wavjudge"]()(["So.", "Thus."], **given))) == 2
    left["judge"].close()


@pytest.mark.heavy
@pytest.mark.filterwarnings("ignore")
def test_verl(spec: str) -> None:
    pytest.importorskip("verl", reason="verl is not installed (no part of the extra `train`)")
    ppo = pytest.importorskip("verl.trainer.ppo.reward", reason="verl is installed without what it needs")
    from omegaconf import OmegaConf

    (lines,) = re.findall(r"```text\n(reward\..*?)```", section(page("rewards.md"), "verl"), re.DOTALL)
    told = [line.removeprefix("+").replace(SPEC, spec) for line in lines.splitlines()]
    more = [
        "reward.custom_reward_function={}",
        "actor_rollout_ref.rollout.n=2",
        "reward.reward_kwargs.wavjudge.guards=[]",
    ]
    config = OmegaConf.from_dotlist([*told, *more])

    async def made() -> Any:
        return ppo.load_reward_manager(config, tiny.tokenizer())

    manager = asyncio.run(made())
    assert type(manager).__name__ == "JudgeRewardManager" and manager._reward.weights.axes == {"overall": 1.0}
    manager._reward.close()


@pytest.mark.heavy
@pytest.mark.filterwarnings("ignore")
def test_openrlhf(spec: str) -> None:
    left = run("openrlhf", spec)
    found = left["reward_func"](["Why? w1 a5"], ["Why?"], [""])
    assert SimpleNamespace(**found).rewards == found["scores"]
    left["judge"].close()
