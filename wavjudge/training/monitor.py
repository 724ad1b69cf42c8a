"""[monitor] of a config: the policy answers prompts that it is not trained on, and a held-out judge listens, too.

    speaker, prompts ── answering ─► Watch (rewards/monitor/watch.py) ── monitor_callback.py ─► the trainer

OUT/monitor holds the looks, the table and the picture. The reward's judge is asked through an object of its own, so
that a look has no part in the training's ceiling, its log and its limit of cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import torch

from wavjudge.rewards.item import RewardItem
from wavjudge.rewards.monitor.plan import Fingerprint
from wavjudge.rewards.monitor.watch import Answer, Watch
from wavjudge.training.config import HybridConfig
from wavjudge.training.data import Example, Speaker, examples, sha256_of
from wavjudge.training.judges import judge_of
from wavjudge.training.monitor_callback import MonitorCallback
from wavjudge.training.rollouts import answered

__all__ = ["Monitoring", "answering", "monitoring"]


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
