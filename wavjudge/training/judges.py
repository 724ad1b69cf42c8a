"""The judge that a section of a config names."""

from __future__ import annotations

from pathlib import Path

from wavjudge.rewards.guards import Guards
from wavjudge.rewards.judge_reward import JudgeReward
from wavjudge.training.sections import JudgeSection

__all__ = ["judge_of"]


def judge_of(held: JudgeSection, log: Path | None = None) -> JudgeReward:
    """Without a ceiling of its own: it would stop one process alone."""
    return JudgeReward(
        held.judges, held.weights, guards=Guards(held.guards, floor=held.floor) if held.guards else None,
        repeats=held.repeats, tries=held.tries, deadline_seconds=held.deadline_seconds, prompts=held.prompts,
        prompt_set=held.prompt_set, price=held.price, max_cost=held.max_cost, cache=held.cache, log=log,
    )  # fmt: skip
