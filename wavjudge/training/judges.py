"""The judge that a section of a config names."""

from __future__ import annotations

from pathlib import Path

from wavjudge.errors import InputError
from wavjudge.rewards.gate import OPTIONS, Obedience, of_options
from wavjudge.rewards.guards import Guards
from wavjudge.rewards.judge_reward import JudgeReward
from wavjudge.training.sections import JudgeSection, RewardSection

__all__ = ["judge_of"]


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


def _obedience(held: JudgeSection) -> Obedience | None:
    if not isinstance(held, RewardSection):
        return None
    return of_options(held.calibration, **{name: getattr(held, name) for name in OPTIONS})
