"""Rollouts on their way to the judge: sampled, decoded, asked about; what one rank meets, all ranks are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from accelerate.utils import gather_object

from wavjudge.errors import InputError, StopRun, WavjudgeError
from wavjudge.rewards.combine import Reward
from wavjudge.rewards.gate import OPTIONS, CalibrationGate, of_options
from wavjudge.rewards.guards import Guards
from wavjudge.rewards.item import RewardItem, Samples, why
from wavjudge.rewards.judge_reward import Judged, JudgeReward
from wavjudge.training.audio import decoded
from wavjudge.training.config import JudgeSection, RewardSection
from wavjudge.training.data import Example, Speaker
from wavjudge.training.diagnostics import evaluating

__all__ = ["Judge", "answered", "judge_of", "rewards_of_all", "sampled"]


class Judge(Protocol):
    """What gives rewards: `JudgeReward`, without a ceiling of its own, for that would stop one rank alone."""

    def score_now(self, items: Sequence[RewardItem]) -> list[Judged]:
        """One result an item."""


def sampled(prompts: list[list[int]], trainer: Any) -> dict[str, Any]:
    """TRL's `rollout_func`: prompts are ids already, and so are the answers. A policy is heard without dropout."""
    with evaluating(trainer.accelerator.unwrap_model(trainer.model)):
        answers, logps = trainer._generate_single_turn(prompts, None, {}, trainer.num_generations)
    return {"prompt_ids": prompts, "completion_ids": answers, "logprobs": logps}


def rewards_of_all(
    judge: Judge, speaker: Speaker, asked: Sequence[Example], answers: Sequence[Sequence[int]], *, rate_hz: int,
    step: int,
) -> tuple[list[Reward], list[Judged]]:  # fmt: skip
    """The rewards of this rank's answers, and what came of those of all ranks in their order. Each rank has to call.

    An error of one rank (`StopRun`, `InputError`) is raised by all of them: one that stopped alone would leave the
    others waiting for it.
    """
    mine: list[Judged] = []
    error: StopRun | InputError | None = None
    try:
        items = [answered(speaker, one, ids, rate_hz, step) for one, ids in zip(asked, answers, strict=True)]
        mine = [replace(one, ratings=()) for one in judge.score_now(items)]  # what all ranks are told of
    except (StopRun, InputError) as met:
        error = met
    together = gather_object([(mine, error)])
    if errors := [met for _, met in together if met is not None]:
        raise errors[0]
    return [one.reward for one in mine], [one for theirs, _ in together for one in theirs]


def answered(speaker: Speaker, asked: Example, ids: Sequence[int], rate_hz: int, step: int) -> RewardItem:
    """The answer alone, as words and as sound; no sound where its ids make none, and the judge is told so.

    What the model's own code raises at these ids is the outcome of this answer, and ends no training.
    """
    item = replace(asked.item, details={"step": float(step)})
    try:
        heard, text = decoded(speaker, ids, rate_hz=rate_hz, codec=speaker.codec), speaker.text(ids)
    except WavjudgeError:
        raise
    except (Exception, SystemExit) as error:
        return replace(item, crashed=why(error, "the speaker"))
    return replace(item, answer_audio=None if heard is None else Samples(*heard), answer_text=text)


# The judge that a section of a config names.


def judge_of(held: JudgeSection, log: Path | None = None) -> JudgeReward:
    """Without a ceiling of its own: it would stop one process alone.

    Raises `InputError` where the calibration of a reward does not permit it, and for a reward that an instrument gives.
    """
    reward = JudgeReward(
        held.judges, held.weights, guards=Guards(held.guards, floor=held.floor) if held.guards else None,
        repeats=held.repeats, tries=held.tries, deadline_seconds=held.deadline_seconds, prompts=held.prompts,
        prompt_set=held.prompt_set, price=held.price, max_cost=held.max_cost, cache=held.cache, log=log,
        calibration=_obedience(held),
    )  # fmt: skip
    if isinstance(held, RewardSection) and not held.instruments_for_debugging and (axes := reward.instruments):
        reward.close()
        raise InputError(
            f"got {', '.join(axes)} as a reward, which an instrument measures and no judge hears", where="[reward]",
            todo="an instrument is a guard: whatever it does not hear is what a training by it learns. Weigh a judge's "
            "axis, or set instruments_for_debugging = true to try a setup out",
        )  # fmt: skip
    return reward


def _obedience(held: JudgeSection) -> CalibrationGate | None:
    if not isinstance(held, RewardSection):
        return None
    return of_options(held.calibration, **{name: getattr(held, name) for name in OPTIONS})
