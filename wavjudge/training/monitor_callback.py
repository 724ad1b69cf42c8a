"""A monitor inside a training by a trainer of transformers, such as TRL's. Checked against transformers 5.23, trl 1.16.

Being watched changes nothing in the training: the model is put back as it was, and so are torch's random numbers.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers import TrainerCallback

from wavjudge.errors import InputError
from wavjudge.rewards.monitor.alarms import Standing
from wavjudge.rewards.monitor.watch import Watch

_log = logging.getLogger(__name__)


class MonitorCallback(TrainerCallback):  # type: ignore[misc, unused-ignore]
    """For `callbacks` of a trainer: a look before the first step and after every so many.

    Parameters
    ----------
    watch: the prompts, the judges, and how the model answers (without gradients, in evaluation mode).
    every: optimiser steps between looks.
    seed: of torch's random numbers while the model answers, the same at each look.
    stop: whether an alarm ends the training, in order, after that step. Else it is a warning in the log.

    Each look's figures stand in the trainer's `log_history`. Looks are made by the process of rank 0 alone, while the
    others wait at their next step: a model that is sharded over ranks must answer otherwise than by its own `generate`.
    With `stop` all ranks stop together, and a checkpoint is saved; watch may be None on the others.
    A look that was made before a training was resumed is not made again. What `Watch.look` raises ends the training.
    """

    def __init__(self, watch: Watch | None, every: int, *, seed: int = 0, stop: bool = False) -> None:
        if isinstance(every, bool) or every < 1:
            raise InputError(f"got every={every}, expected 1 step or more between looks")
        self._watch, self._every, self._seed, self._stop = watch, every, seed, stop

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        if state.is_world_process_zero and self._watch is not None and not self._watch.monitor.looks:
            self._looked(state, model)  # the first look has nothing to stop for

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        if state.global_step % self._every == 0:
            self._look(state, control, model)

    def _look(self, state: Any, control: Any, model: Any) -> None:
        alarms = self._looked(state, model) if state.is_world_process_zero else ()
        if self._stop and _of_the_first(bool(alarms)):
            control.should_training_stop = control.should_save = True

    def _looked(self, state: Any, model: Any) -> tuple[str, ...]:
        """The alarms of this step's look; none where it was made already."""
        if self._watch is None or not self._watch.is_due(state.global_step):
            return ()
        with _aside(model, self._seed):
            standing = self._watch.look(state.global_step, model)
        state.log_history.append(_figures(standing) | {"step": state.global_step})
        _say(standing)
        return standing.alarms


def _of_the_first(said: bool) -> bool:
    """What the process of rank 0 says, on all of them: one that stopped alone would leave the others waiting."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return said
    told = [said]
    torch.distributed.broadcast_object_list(told, src=0)
    return told[0]


@contextmanager
def _aside(model: Any, seed: int) -> Iterator[None]:
    """The model for answering, then as it was, module by module; torch's random numbers too."""
    modes = [(module, module.training) for module in model.modules()]
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        model.eval()
        try:
            yield
        finally:
            for module, mode in modes:
                module.training = mode


def _say(one: Standing) -> None:
    said = f" (alarms: {', '.join(one.alarms)})" if one.alarms else ""
    _log.log(logging.WARNING if one.alarms else logging.INFO, "wavjudge: %s%s", one.sentence, said)


def _figures(one: Standing) -> dict[str, Any]:
    """What a trainer's log keeps of a look; a figure that is not known is left out."""
    found = {"monitor/reward": one.reward.now, "monitor/held_out": one.held_out.now}
    known = {name: value for name, value in found.items() if value is not None}
    return {**known, "monitor/verdict": one.verdict, "monitor/alarms": ", ".join(one.alarms)}
