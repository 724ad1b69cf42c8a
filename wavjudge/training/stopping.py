"""What is kept of a training that stops between two checkpoints: its last whole step.

A step samples, is judged, and then moves the weights. What stops it before they move (a judge that cannot be asked, the
ceiling, Ctrl-C, an error of the model's own code) leaves the weights of the step before. With the random states, lambda
and counts of then they make a checkpoint like one on time: the same command goes on from it. A training that
diverged keeps nothing: its weights are what is wrong.
"""

from __future__ import annotations

import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import TrainerCallback

from wavjudge.errors import DivergedError, StopRun
from wavjudge.training.checkpoint import NAME, Saved
from wavjudge.training.watched import WatchedTrainer

__all__ = ["LastStep", "interruptible"]


class LastStep(TrainerCallback):
    """Remembers what a checkpoint of the last whole step needs beside the weights; the last of the callbacks.

    With several processes an interrupt is waited with to the end of the step, where all of them hear of it: one that
    saved alone would wait for the others. `is_interrupted` says so afterwards.
    """

    def __init__(self, trainer: WatchedTrainer) -> None:
        self._trainer, self._is_moving = trainer, False
        self._saved: Saved | None = None
        self._random: Any = None
        self._tokens = 0
        self.is_asked_to_stop = self.is_interrupted = False

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._take()

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._is_moving = True  # from here to the end of the step the weights are of no step

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._is_moving = False
        self._take()
        if self._ranks > 1 and self._any(self.is_asked_to_stop):
            self.is_interrupted = control.should_save = control.should_training_stop = True

    def keep(self, error: BaseException) -> Path | None:
        """The checkpoint of the last whole step, written if need be; None where there is none to be kept."""
        step = self._trainer.state.global_step
        if not step or self._saved is None or self._is_moving or not self._may_keep(error):
            return None
        path = Path(self._trainer.args.output_dir) / f"checkpoint-{step}"
        if not (path / NAME).is_file():
            _restore(self._random)
            self._trainer.state.num_input_tokens_seen = self._tokens
            self._trainer.keep(self._saved)
        return path

    def _may_keep(self, error: BaseException) -> bool:
        """A `StopRun` is met by all processes together; of anything else the others may know nothing."""
        if isinstance(error, DivergedError):
            return False
        return isinstance(error, StopRun) or self._ranks == 1

    @property
    def _ranks(self) -> int:
        return int(self._trainer.accelerator.num_processes)

    def _any(self, asked: bool) -> bool:
        flag = torch.tensor(float(asked), device=self._trainer.accelerator.device)
        return bool(self._trainer.accelerator.reduce(flag, reduction="sum").item())

    def _take(self) -> None:
        self._saved, self._tokens = self._trainer.saved(), self._trainer.state.num_input_tokens_seen
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        self._random = random.getstate(), np.random.get_state(), torch.get_rng_state(), cuda


def _restore(states: Any) -> None:
    python, numpy, cpu, cuda = states
    random.setstate(python)
    np.random.set_state(numpy)
    torch.set_rng_state(cpu)
    if cuda:
        torch.cuda.set_rng_state_all(cuda)


@contextmanager
def interruptible(last: LastStep, ranks: int, told: Callable[[str], None]) -> Iterator[None]:
    """SIGTERM is a Ctrl-C too: what a cluster sends before it takes the machine away. A second one does not wait."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def met(number: int, frame: Any) -> None:
        if ranks == 1 or last.is_asked_to_stop:
            raise KeyboardInterrupt
        last.is_asked_to_stop = True
        told("stopping at the end of this step; once more stops at once, without a checkpoint of it")

    before = {number: signal.signal(number, met) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
