"""A training that stops between two checkpoints keeps its last whole step, and goes on from it as if undisturbed."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra train)")
pytest.importorskip("trl", reason="TRL is not installed (extra train)")

from tests.loopback.server import Loopback
from tests.training.processes import figures, finished, folder, logged, started, state
from wavjudge.errors import AuthError, DivergedError, NoRewardError, StopRun
from wavjudge.training.checkpoint import NAME, LastStep, Saved, newest

pytestmark = [pytest.mark.filterwarnings("ignore")]

STEPS, ROLLOUTS = 6, 8
"""Of each training, and of each of its steps."""


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as running:
        yield running


def without_checkpoints(path: Path, server: Loopback, ceiling: str = '"none"') -> Path:
    folder(path, server.openai_url, steps=STEPS, save_every=100)
    text = (path / "c.toml").read_text(encoding="utf-8").replace('ceiling = "none"', f"ceiling = {ceiling}")
    (path / "c.toml").write_text(text, encoding="utf-8")
    return path


def same(one: Path, other: Path) -> None:
    (weights, kept), (others, other_kept) = state(one, STEPS), state(other, STEPS)
    assert all(torch.equal(value, others[name]) for name, value in weights.items())
    assert kept["mixture"] == other_kept["mixture"] and kept["counts"] == other_kept["counts"]
    assert figures(one) == figures(other)


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("fault", "ceiling", "code"),
    [("auth", '"none"', AuthError.exit_code), ("bad_request", "0.1\nwindow = 20", NoRewardError.exit_code)],
    ids=["a key that is taken away", "the ceiling"],
)
def test_a_stop_keeps_the_last_step_and_going_on_is_as_if_undisturbed(
    tmp_path: Path, server: Loopback, fault: str, ceiling: str, code: int
) -> None:
    undisturbed = without_checkpoints(tmp_path / "undisturbed", server, ceiling)
    finished(undisturbed)
    path, begun = without_checkpoints(tmp_path / "run", server, ceiling), server.requests
    server.plan = lambda number: fault if number >= begun + 3 * ROLLOUTS + 2 else None
    process = started(path)
    said, _ = process.communicate(timeout=200)
    assert process.returncode == code, said
    assert "checkpoint-3: the same command goes on from it" in said
    server.plan = lambda number: None
    assert "of which 3 are done" in finished(path)
    same(undisturbed, path)


@pytest.mark.heavy
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_keeps_the_last_step(tmp_path: Path, server: Loopback, number: int) -> None:
    path = without_checkpoints(tmp_path / "run", server)
    process = started(path)
    until = time.monotonic() + 120
    while len([row for row in logged(path) if "reward" in row]) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(number)
    said, _ = process.communicate(timeout=100)
    assert process.returncode == 130, said
    last, cut_off = newest(path / "out")
    assert last is not None and not cut_off and Saved.read(last).step >= 1 and str(last.name) in said
    assert f"of which {Saved.read(last).step} are done" in finished(path)


@pytest.mark.heavy
def test_a_training_may_be_given_more_steps(tmp_path: Path, server: Loopback) -> None:
    path = without_checkpoints(tmp_path / "run", server)
    finished(path)
    text = (path / "c.toml").read_text(encoding="utf-8")
    (path / "c.toml").write_text(text.replace("steps = 6\n", "steps = 8\n"), encoding="utf-8")
    assert "8 steps now, 6 when 6 were done" in finished(path)
    assert Saved.read(path / "out" / "checkpoint-8").step == 8
    (path / "c.toml").write_text(text.replace("steps = 6\n", "steps = 7\n"), encoding="utf-8")
    process = started(path)
    said, _ = process.communicate(timeout=100)
    assert process.returncode == 2 and "train.steps: 8 then, 7 now" in said


class Fake:
    """What `LastStep` uses of a trainer."""

    def __init__(self, out: Path, ranks: int = 1) -> None:
        self.state, self.args = (
            SimpleNamespace(global_step=3, num_input_tokens_seen=7),
            SimpleNamespace(output_dir=str(out)),
        )
        self.accelerator, self.written = SimpleNamespace(num_processes=ranks, device="cpu"), list[Saved]()

    def saved(self) -> Saved:
        return Saved(self.state.global_step, 1)

    def keep(self, saved: Saved) -> None:
        self.written.append(saved)


def last_step(trainer: Fake, *, moving: bool = False) -> LastStep:
    last: Any = LastStep(trainer)  # type: ignore[arg-type]
    last.on_train_begin(None, None, None)
    if moving:
        last.on_pre_optimizer_step(None, None, None)
    return last  # type: ignore[no-any-return]


def test_what_diverged_or_was_moving_is_not_kept(tmp_path: Path) -> None:
    for error, moving in ((DivergedError("nan"), False), (StopRun("late"), True), (KeyboardInterrupt(), True)):
        trainer = Fake(tmp_path)
        assert last_step(trainer, moving=moving).keep(error) is None and not trainer.written
    beginning = Fake(tmp_path)
    beginning.state.global_step = 0
    assert last_step(beginning).keep(StopRun("at once")) is None and not beginning.written


def test_of_several_processes_only_what_all_meet_is_kept(tmp_path: Path) -> None:
    """One that saved alone would wait for the others."""
    trainer = Fake(tmp_path, ranks=2)
    assert last_step(trainer).keep(RuntimeError("one card")) is None and not trainer.written
    assert last_step(trainer).keep(NoRewardError("all")) == tmp_path / "checkpoint-3" and len(trainer.written) == 1
    alone = Fake(tmp_path)
    assert last_step(alone).keep(RuntimeError("out of memory")) == tmp_path / "checkpoint-3" and alone.written


def test_a_checkpoint_that_is_whole_is_not_written_again(tmp_path: Path) -> None:
    (tmp_path / "checkpoint-3").mkdir()
    (tmp_path / "checkpoint-3" / NAME).write_text("{}", encoding="utf-8")
    trainer = Fake(tmp_path)
    assert last_step(trainer).keep(KeyboardInterrupt()) == tmp_path / "checkpoint-3" and not trainer.written


def test_the_random_states_are_those_of_the_last_step(tmp_path: Path) -> None:
    trainer = Fake(tmp_path)
    last = last_step(trainer)
    expected = torch.rand(3)
    torch.rand(100)
    trainer.state.num_input_tokens_seen = 9  # what TRL counts while it samples
    last.keep(StopRun("in the middle of a step"))
    assert torch.equal(torch.rand(3), expected) and trainer.state.num_input_tokens_seen == 7
