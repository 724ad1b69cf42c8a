"""What a checkpoint holds beside weights and optimiser, and which checkpoints can be trusted.

`wavjudge.json` is written last, once everything else of the checkpoint is on disk: a folder without it is one that a
crash cut off, and is passed over. It holds lambda's state, the failures in the window, and the settings that the
training began with, so that nobody goes on with others by mistake.
"""

from __future__ import annotations

import json
import math
import os
import random
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import Trainer, TrainerCallback

from wavjudge.errors import DivergedError, InputError, StopRun
from wavjudge.training.data import Batch, Example, Speaker, collated
from wavjudge.training.losses import next_token_logps
from wavjudge.training.masks import Rule

__all__ = ["NAME", "LastStep", "Saved", "WatchedTrainer", "checked_model", "interruptible", "newest"]


NAME = "wavjudge.json"
STEPS = "train.steps"
_PREFIX = "checkpoint-"


@dataclass(frozen=True, slots=True)
class Saved:
    """The state beside the weights, as JSON values.

    step: optimiser steps done. ranks: processes; another number would deal out other prompts and random numbers.
    mixture, ceiling: their `state_dict`, where there is one. counts: of what was met so far: rewards by status, tokens.
    settings: a flat mapping of everything that decides what is learnt.
    """

    step: int
    ranks: int
    mixture: Mapping[str, Any] = field(default_factory=dict)
    ceiling: Mapping[str, Any] | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def write(self, checkpoint: Path) -> None:
        """Whole or not at all, and after all files of the folder are on disk."""
        for path in sorted(checkpoint.iterdir()):
            if path.is_file():
                _synced(path)
        temporary = checkpoint / f".{NAME}.tmp"
        temporary.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        _synced(temporary)
        temporary.replace(checkpoint / NAME)
        _synced(checkpoint)

    @classmethod
    def read(cls, checkpoint: Path) -> Saved:
        """`InputError` where there is none, or none of ours."""
        path = checkpoint / NAME
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise InputError(f"got a checkpoint without {NAME}: it was cut off, or another program made it",
                             where=str(checkpoint), todo="resume from an earlier one") from None  # fmt: skip
        except (ValueError, TypeError) as error:
            raise InputError(f"got a file that does not read ({error})", where=str(path)) from error

    def longer(self, settings: Mapping[str, Any]) -> str:
        """A line on another number of steps than this checkpoint was made for; empty where it is the same."""
        then, now = self.settings.get(STEPS), settings.get(STEPS)
        if then == now:
            return ""
        return f"{now} steps now, {then} when {self.step} were done: the learning rate goes on along the new schedule"

    def meant_for(self, settings: Mapping[str, Any], ranks: int, where: str) -> None:
        """`InputError` that names what differs from the settings that this checkpoint was made with."""
        known = json.loads(json.dumps(dict(settings)))
        keys = sorted(key for key in {*known, *self.settings} if known.get(key) != self.settings.get(key))
        if STEPS in keys and (known.get(STEPS) or 0) >= self.step:
            keys.remove(STEPS)  # how long a training goes on is decided as it goes
        other = [f"{key}: {self.settings.get(key)!r} then, {known.get(key)!r} now" for key in keys]
        if self.ranks != ranks:
            other.append(f"processes: {self.ranks} then, {ranks} now")
        if other:
            raise InputError(
                f"got a checkpoint that was made with other settings ({'; '.join(other)})", where=where,
                todo="take the settings back, or begin anew in another folder",
            )  # fmt: skip


def newest(out: Path) -> tuple[Path | None, list[Path]]:
    """The last whole checkpoint of a training, and later ones that were cut off."""
    cut_off: list[Path] = []
    for _, path in sorted(_checkpoints(out), reverse=True):
        if (path / NAME).is_file():
            return path, cut_off
        cut_off.append(path)
    return None, cut_off


def _checkpoints(out: Path) -> Iterator[tuple[int, Path]]:
    for path in out.glob(f"{_PREFIX}*"):
        number = path.name.removeprefix(_PREFIX)
        if path.is_dir() and number.isdecimal():
            yield int(number), path


def _synced(path: Path) -> None:
    at = os.open(path, os.O_RDONLY)
    try:
        os.fsync(at)
    finally:
        os.close(at)


# What both trainers do alike: held-out likelihood, a stop at what is no number, checkpoints with their settings.


class WatchedTrainer(Trainer):
    """Stands before a trainer of TRL's among the bases. Those set, before TRL's constructor runs: speaker, rule,
    settings (kept in checkpoints, another training's are refused) and held_out, whose likelihood is measured."""

    speaker: Speaker
    rule: Rule | None
    settings: Mapping[str, Any]
    held_out: Sequence[Example]

    def _send_telemetry(self) -> None:
        """Nothing is told to anybody about a training."""

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """TRL's figures and ours. A gradient that is no number stops before a checkpoint of it is made."""
        if not math.isfinite(norm := logs.get("grad_norm", 0.0)):
            raise _diverged(f"got the gradient norm {norm} at step {self.state.global_step}")
        super().log(logs, start_time)

    def finite(self, loss: Tensor) -> None:
        """All ranks stop together where the loss of one is no number; each of them has to call."""
        wrong = self.accelerator.reduce((~torch.isfinite(loss.detach())).float(), reduction="sum")
        if wrong.item():
            raise _diverged(f"got a loss that is no number at step {self.state.global_step + 1}")

    # ---- held-out demonstrations

    def evaluate(self, *_: Any, metric_key_prefix: str = "eval", **__: Any) -> dict[str, float]:
        """Negative log-likelihood of the held-out demonstrations, in nats a token, text and speech apart."""
        found = self._likelihoods()
        metrics = {f"{metric_key_prefix}_nll_{kind}": value for kind, value in found.items()}
        was_training = self.model.training
        self.model.eval()  # TRL sorts its figures by this
        self.log(metrics)
        self.model.train(was_training)
        self.control: Any = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    @torch.no_grad()
    def _likelihoods(self) -> dict[str, float]:
        """Every rank measures its share of the held-out rows; sums and counts are added up."""
        model, device = self.accelerator.unwrap_model(self.model), self.accelerator.device
        was_training = model.training
        model.eval()
        totals = torch.zeros(4, dtype=torch.float64)
        for place in range(self.accelerator.process_index, len(self.held_out), self.accelerator.num_processes):
            batch = self.batch([self.held_out[place]])
            nll = -self.logps(model, batch)
            for at, mask in enumerate((batch.masks.text, batch.masks.speech)):
                totals[2 * at] += nll[mask].double().sum().cpu()
                totals[2 * at + 1] += mask.sum().cpu()
        model.train(was_training)
        text, texts, speech, speeches = self.accelerator.reduce(totals.float().to(device), reduction="sum").tolist()
        return {"text": text / max(texts, 1), "speech": speech / max(speeches, 1)}

    def logps(self, model: Any, batch: Batch) -> Tensor:
        """At temperature 1, whatever rollouts are sampled at: a demonstration was not sampled."""
        with self.accelerator.autocast():
            logits = model(input_ids=batch.ids, attention_mask=batch.attention).logits
        return next_token_logps(logits, batch.ids)

    def batch(self, held: Sequence[Example]) -> Batch:
        """Demonstrations side by side, where the model is."""
        made = collated(held, self.speaker.vocabulary, pad=self.processing_class.pad_token_id, rule=self.rule)
        return made.to(self.accelerator.device)

    # ---- what is kept and taken up again

    def saved(self) -> Saved:
        """The state beside the weights."""
        return Saved(self.state.global_step, self.accelerator.num_processes, settings=self.settings)

    def taken_up(self, saved: Saved) -> None:
        """The state of a checkpoint whose settings are ours."""

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        super()._save_checkpoint(model, trial)
        self.accelerator.wait_for_everyone()  # every rank has written its random state
        if self.args.should_save:
            beside = self._kept or self.saved()
            beside.write(Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}")

    _kept: Saved | None = None

    def keep(self, saved: Saved) -> None:
        """A checkpoint of the last whole step, after a stop in the next. saved: the state beside the weights then."""
        self._kept = saved
        self._save_checkpoint(self.model, None)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint is not None:
            saved = Saved.read(Path(checkpoint))
            saved.meant_for(self.settings, self.accelerator.num_processes, checkpoint)
            self.taken_up(saved)


def checked_model(speaker: Speaker) -> Any:
    """The speaker's model. `InputError` where its ids are not the vocabulary's, or a weight is no number: it would be
    met at the first rollout, where it is an error of the sampling."""
    model = speaker.model()
    rows, size = model.get_input_embeddings().weight.shape[0], speaker.vocabulary.size
    if rows != size:
        raise InputError(f"got a model of {rows} ids and a vocabulary of {size}, expected as many of both",
                         todo="say Vocabulary.of(..., size=) of the model's output")  # fmt: skip
    if wrong := [name for name, one in model.named_parameters() if not bool(torch.isfinite(one).all())]:
        raise InputError(f"got a model with weights that are no numbers: {wrong[0]}, {len(wrong)} tensor(s) in all",
                         todo="load a checkpoint from before the training diverged")  # fmt: skip
    return model


def _diverged(what: str) -> DivergedError:
    return DivergedError(what, todo="resume from the last checkpoint with a smaller learning rate, in a new folder")


# What is kept of a training that stops between two checkpoints: its last whole step.
#
# A step samples, is judged, and then moves the weights. What stops it before they move (a judge that cannot be asked,
# the ceiling, Ctrl-C, an error of the model's own code) leaves the weights of the step before. With the random
# states, lambda and counts of then they make a checkpoint like one on time: the same command goes on from it. A
# training that diverged keeps nothing: its weights are what is wrong.


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
