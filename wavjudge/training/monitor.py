"""[monitor] of a config: the policy answers prompts that it is not trained on, and a held-out judge listens, too.

    speaker, prompts ── answering ─► Watch (rewards/monitor/watch.py) ── MonitorCallback ─► the trainer

OUT/monitor holds the looks, the table and the picture. The reward's judge is asked through an object of its own, so
that a look has no part in the training's ceiling, its log and its limit of cost.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import TrainerCallback

from wavjudge.errors import InputError
from wavjudge.rewards.item import RewardItem
from wavjudge.rewards.monitor.alarms import Standing
from wavjudge.rewards.monitor.plan import Fingerprint
from wavjudge.rewards.monitor.watch import Answer, Watch
from wavjudge.training.config import HybridConfig
from wavjudge.training.data import Example, Speaker, examples, sha256_of
from wavjudge.training.rollouts import answered, judge_of

__all__ = ["Monitoring", "answering", "monitoring"]


# A monitor inside a training by a trainer of transformers, such as TRL's. Checked against transformers 5.23, trl
# 1.16.
#
# Being watched changes nothing in the training: the model is put back as it was, and so are torch's random numbers.

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


@dataclass(frozen=True, slots=True)
class Monitoring:
    """What a training with a [monitor] has beside it. said: what would be done, for people. Close it at the end."""

    callback: MonitorCallback
    said: list[str]
    opened: ExitStack = field(default_factory=ExitStack)


def monitoring(config: HybridConfig, speaker: Speaker, trained: Sequence[Example], rank: int) -> Monitoring | None:
    """The monitor that the config asks for, if any. trained: every row that the training reads, the held-out ones too.

    Raises `InputError` before anything is asked where prompts or judges are not apart. Processes but the first ask
    nobody: they only hear whether the training stops.
    """
    if (held := config.monitor) is None:
        return None
    if rank:
        return Monitoring(MonitorCallback(None, held.every, seed=held.seed, stop=held.stop), [])
    asked = examples(held.prompts, speaker, targets=False)
    known = {one.where: _fingerprint(one) for one in trained}
    apart = {where: one for where, one in known.items() if one.parts}
    with ExitStack() as opened:
        reward, other = (opened.enter_context(judge_of(one)) for one in (config.reward, held.held_out))
        answer = answering(speaker, asked, size=config.train.answers, max_new_tokens=config.train.max_new_tokens,
                           temperature=config.train.temperature, rate_hz=config.reward.sample_rate_hz)  # fmt: skip
        watch = Watch(
            config.train.out / "monitor", [one.item for one in asked], answer, reward=reward, held_out=other,
            training=apart, instruments=held.instruments, same_family=held.same_family, alpha=held.alpha,
            looks=held.looks,
        )  # fmt: skip
        said = [f"monitor: {len(asked)} prompts before the first step and every {held.every} steps, by the reward's "
                f"judge and by {other.signature}", *_not_compared(len(known) - len(apart))]  # fmt: skip
        callback = MonitorCallback(watch, held.every, seed=held.seed, stop=held.stop)
        return Monitoring(callback, said, opened.pop_all())


def answering(
    speaker: Speaker, asked: Sequence[Example], *, size: int, max_new_tokens: int, temperature: float, rate_hz: int
) -> Answer:
    """Answers by the model's own `generate`, sampled as rollouts are: no top_p, no top_k. size: prompts at once."""

    def answer(model: Any, prompts: Sequence[RewardItem]) -> list[RewardItem]:
        made: list[RewardItem] = []
        for start in range(0, len(asked), size):
            some = asked[start : start + size]
            ids = _generated(model, speaker, some, max_new_tokens=max_new_tokens, temperature=temperature)
            made += [answered(speaker, one, said, rate_hz, 0) for one, said in zip(some, ids, strict=True)]
        return made

    return answer


def _generated(model: Any, speaker: Speaker, asked: Sequence[Example], **how: Any) -> Iterator[list[int]]:
    """The ids of each answer, its end included. Prompts of unequal length are padded in front."""
    pad, ends, longest = speaker.tokenizer.pad_token_id, speaker.vocabulary.ends, max(len(one.prompt) for one in asked)
    rows = [[pad] * (longest - len(one.prompt)) + list(one.prompt) for one in asked]
    heard = [[0] * (longest - len(one.prompt)) + [1] * len(one.prompt) for one in asked]
    made = model.generate(
        input_ids=torch.tensor(rows, device=model.device), attention_mask=torch.tensor(heard, device=model.device),
        do_sample=True, top_k=0, top_p=1.0, pad_token_id=pad, eos_token_id=sorted(ends) or None, **how,
    )  # fmt: skip
    for ids in made[:, longest:].tolist():
        last = next((at for at, one in enumerate(ids) if one in ends), len(ids) - 1)
        yield ids[: last + 1]


def _fingerprint(one: Example) -> Fingerprint:
    sound = None if one.question_audio is None else sha256_of(one.question_audio)
    return Fingerprint.of([(one.row.question_text, sound)])


def _not_compared(count: int) -> list[str]:
    return [f"monitor: {count} rows are ids alone; whether they ask a monitored prompt is not known"] if count else []
