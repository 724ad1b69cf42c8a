"""The monitor inside TRL's own GRPOTrainer: looks every few steps, and a training that does not notice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed (extra train)")
pytest.importorskip("transformers", reason="transformers is not installed (extra train)")

from tests.loopback import Loopback
from tests.rewards.adapters import tiny
from tests.rewards.monitor.test_watch import PROMPTS, TRAINED, ours, theirs
from wavjudge.errors import InputError
from wavjudge.rewards.adapters.columns import Columns
from wavjudge.rewards.adapters.trl import TRLReward
from wavjudge.rewards.item import RewardItem, Samples
from wavjudge.rewards.monitor.watch import Watch
from wavjudge.training.monitor import MonitorCallback

STEPS, EVERY = 20, 5


def generated(model: Any, prompts: Sequence[RewardItem]) -> list[RewardItem]:
    """Sampled answers of the tiny model, which has no speech of its own for most ids: always one sound token."""
    import torch

    assert not model.training and not torch.is_grad_enabled()
    asked = torch.tensor([[4 + n % 8, 5 + n % 8] for n in range(len(prompts))])
    ids = model.generate(asked, max_new_tokens=6, do_sample=True, pad_token_id=0)[:, 2:].tolist()
    sounds = [Samples(*tiny.speech([tiny.FIRST_SOUND, *one])) for one in ids]  # type: ignore[misc]
    return [replace(one, answer_text="So.", answer_audio=sound) for one, sound in zip(prompts, sounds, strict=True)]


def train(folder: Path, server: Loopback, callbacks: list[Any], steps: int = STEPS, **more: Any) -> Any:
    """A training of some steps; the trainer."""
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    prompts = [{"prompt": f"w{n} w{n + 1}", "question_text": f"Who is {n}?", "id": str(n)} for n in range(8)]
    settings = GRPOConfig(
        output_dir=str(folder), max_steps=steps, per_device_train_batch_size=8, num_generations=4,
        max_completion_length=12, report_to=[], logging_steps=1, use_cpu=True, seed=0, disable_tqdm=True,
        remove_unused_columns=False, save_strategy="no",
    )  # fmt: skip
    with ours(server) as reward:
        given = TRLReward(reward, Columns(decode=tiny.speech))
        trainer = GRPOTrainer(tiny.model(), given, settings, Dataset.from_list(prompts),
                              processing_class=tiny.tokenizer(), callbacks=callbacks)  # fmt: skip
        trainer.train(**more)
    return trainer


@pytest.mark.heavy
@pytest.mark.filterwarnings("ignore")  # what the trainer deprecates in itself
def test_twenty_steps_watched_are_the_same_twenty_steps(tmp_path: Path) -> None:
    pytest.importorskip("trl", reason="TRL is not installed: pip install 'wavjudge[train]'")
    tiny.make_torchaudio_loadable()
    import torch

    torch.set_num_threads(1)
    with Loopback() as server, ours(server) as reward, theirs(server) as held_out:
        watch = Watch(tmp_path / "watch", PROMPTS, generated, reward=reward, held_out=held_out, training=TRAINED,
                      instruments=False)  # fmt: skip
        watched = train(tmp_path / "a", server, [MonitorCallback(watch, EVERY)])
        plain = train(tmp_path / "b", server, [])
        resumed = train(tmp_path / "c", server, [MonitorCallback(watch, EVERY)], steps=10)
    assert watch.monitor.steps == (0, 5, 10, 15, 20)
    names = ("loss", "grad_norm", "reward", "entropy")
    logged = [[[line[name] for name in names] for line in one.state.log_history if "loss" in line]
              for one in (watched, plain)]  # fmt: skip
    assert logged[0] == logged[1] and len(logged[0]) == STEPS and len({tuple(one) for one in logged[0]}) == STEPS
    looks = [line for line in watched.state.log_history if "monitor/verdict" in line]
    assert [line["step"] for line in looks] == [0, 5, 10, 15, 20] and looks[0]["monitor/verdict"] == "first"
    assert all(1 <= line["monitor/reward"] <= 5 and 1 <= line["monitor/held_out"] <= 5 for line in looks)
    assert (tmp_path / "watch" / "monitor.png").is_file()
    assert not [line for line in resumed.state.log_history if "monitor/verdict" in line], "looks are never made again"


class _Watch:
    """What the callback asks of a `Watch`; each look draws random numbers and changes the model's mode."""

    def __init__(self, alarms: tuple[str, ...] = ()) -> None:
        self.monitor = SimpleNamespace(looks=[])
        self.alarms, self.steps, self.drawn = alarms, [], []

    def is_due(self, step: int) -> bool:
        return step not in self.steps

    def look(self, step: int, model: Any) -> Any:
        import torch

        self.steps.append(step)
        self.drawn.append(float(torch.rand(1)))
        assert not any(module.training for module in model.modules())
        side = SimpleNamespace(now=None)
        return SimpleNamespace(step=step, verdict="gaming", sentence=f"step {step}: said", alarms=self.alarms,
                               reward=side, held_out=side)  # fmt: skip


def _state(step: int, rank_zero: bool = True) -> Any:
    return SimpleNamespace(global_step=step, is_world_process_zero=rank_zero, log_history=[])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("stop", [False, True])
def test_an_alarm_is_said_and_ends_a_training_only_by_asking(stop: bool, caplog: pytest.LogCaptureFixture) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'wavjudge[train]'")
    pytest.importorskip("transformers", reason="transformers is not installed: pip install 'wavjudge[train]'")
    model = torch.nn.Sequential(torch.nn.Dropout(), torch.nn.Dropout()).train()
    model[1].eval()  # a part that is kept out of training stays so
    watch: Any = _Watch(("gaming", "seconds"))
    made, control = MonitorCallback(watch, 4, stop=stop), SimpleNamespace(should_training_stop=False)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    made.on_train_begin(None, _state(0, rank_zero=False), control, model=model)
    assert not watch.steps, "one rank looks"
    made.on_train_begin(None, _state(0), control, model=model)
    for step in (1, 4, 4, 8):
        made.on_step_end(None, state := _state(step), control, model=model)
    assert watch.steps == [0, 4, 8] and len(set(watch.drawn)) == 1, "each look draws the same numbers"
    assert torch.equal(before, torch.get_rng_state()) and [model[0].training, model[1].training] == [True, False]
    assert control.should_training_stop is stop
    assert getattr(control, "should_save", False) is stop, "what was learnt until then is kept"
    assert state.log_history == [{"monitor/verdict": "gaming", "monitor/alarms": "gaming, seconds", "step": 8}]
    assert "step 8: said (alarms: gaming, seconds)" in caplog.text


def test_steps_between_looks_are_at_least_one() -> None:
    for every in (0, -1, True):
        with pytest.raises(InputError, match="expected 1 step or more"):
            MonitorCallback(_Watch(), every)  # type: ignore[arg-type]
