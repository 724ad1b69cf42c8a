"""For trainers that cannot be told "no reward": the mean of the prompt's other answers, counted and logged.

With it the answer's distance from the mean of its group is 0, as without a reward; the deviation shrinks a little, so
the other answers count a little more. It is no estimate of what the answer was worth. A prompt without any valid answer
has no such mean, and raises.
"""

from __future__ import annotations

import logging
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from statistics import fmean

from wavjudge.errors import NoRewardError
from wavjudge.rewards.combine import Reward
from wavjudge.rewards.groups import groups_of

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Neutral:
    """Puts the group's mean where a reward is missing. neutralised, answers: how many of how many, so far.

    >>> neutral = Neutral()
    >>> neutral.fill([Reward(4), Reward(None, "refused", "filter"), Reward(2), Reward(5)], ["a", "a", "a", "b"])
    [4, 3.0, 2, 5]
    >>> neutral.neutralised, neutral.answers
    (1, 4)
    """

    neutralised: int = 0
    answers: int = 0

    def fill(self, rewards: Sequence[Reward], prompts: Sequence[Hashable]) -> list[float]:
        """One number an answer. prompts: equal for those to one prompt; one without any raises `NoRewardError`."""
        filled: list[float] = [0.0] * len(rewards)
        for prompt, places in groups_of(prompts, len(rewards)).items():
            instead = self.mean([rewards[place] for place in places], prompt)
            for place in places:
                score = rewards[place].score
                filled[place] = instead if score is None else score
        self.count(rewards)
        return filled

    def mean(self, group: Sequence[Reward], prompt: Hashable) -> float:
        """The mean of the valid rewards of one prompt's answers."""
        scores = [reward.score for reward in group if reward.score is not None]
        if not scores:
            raise NoRewardError(
                f"none of the {len(group)} answers to prompt {prompt!r} has a reward; the last one: {group[-1].reason}",
                todo="look at what fails; this trainer cannot leave a prompt out",
            )
        return fmean(scores)

    def count(self, rewards: Sequence[Reward]) -> None:
        """Count and log the missing among some rewards."""
        missing = [reward for reward in rewards if reward.score is None]
        self.answers += len(rewards)
        self.neutralised += len(missing)
        if missing:
            counts = (len(missing), len(rewards), self.neutralised, self.answers)
            first = f"{missing[0].status}: {missing[0].reason}"
            _log.warning("neutralised %d of %d answers (%d of %d so far); the first: %s", *counts, first)
