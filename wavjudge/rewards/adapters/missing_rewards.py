"""For trainers that cannot be told "no reward": the mean of the prompt's other answers, counted and logged.

With it the answer's distance from the mean of its group is 0, as without a reward; the deviation shrinks a little, so
the other answers count a little more. It is no estimate of what the answer was worth. A prompt without any valid answer
has no such mean, and raises.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
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


# The answers to one prompt where a trainer asks for one at a time: a failed one waits for the others.
#
# What is done is forgotten: a prompt of which all answers came, and one of which no answer came for longer than a
# failed one would wait. So as much is kept as is under way, whatever the length of the training.


@dataclass(slots=True)
class _Family:
    """The answers to one prompt so far. lost: those that came to nothing at all. last: when the last one came.
    training: whether somebody said so of one of them."""

    last: float
    training: bool = False
    rewards: list[Reward] = field(default_factory=list)
    lost: int = 0
    whole: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def scored(self) -> bool:
        return any(one.score is not None for one in self.rewards)


class Siblings:
    """Numbers for answers that come one at a time; a failed one gets the mean of its prompt's others.

    n: answers to a prompt. wait_seconds: how long a failed one waits for them; only it waits, valid ones go at once.
    When it has waited in vain (a group cut off by the trainer, an answer that was cancelled), it gets the mean of those
    that came. Where none of them has a reward it raises `NoRewardError`, unless they are no more than validation_n, the
    answers to a prompt in a validation, and nobody said that they are of the training: then it is taken for one, and
    gets NaN. Nobody trains by a validation. A validation of n answers or more looks like a training: it raises too.
    """

    def __init__(
        self, n: int, *, validation_n: int = 0, wait_seconds: float = 600.0, neutral: Neutral | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._n, self._validation_n = n, validation_n if validation_n < n else 0
        self._wait_seconds, self.neutral, self._clock = wait_seconds, neutral or Neutral(), clock
        self._families: dict[Hashable, _Family] = {}

    def __len__(self) -> int:
        """Prompts of which answers may still come."""
        return len(self._families)

    async def number(self, reward: Reward, prompt: Hashable, *, training: bool = False) -> float:
        """The reward, or the mean of the prompt's valid ones once all are there; else `NoRewardError`.

        training: whether it is known to be of the training; False where nobody said.
        """
        family = self._family(prompt)
        family.rewards.append(reward)
        family.training |= training
        self._settle(family, prompt)
        self.neutral.count([reward])
        if reward.score is not None:
            return reward.score
        try:
            await asyncio.wait_for(family.whole.wait(), self._wait_seconds)
        except TimeoutError:
            self._forget(family, prompt)
            if self._looks_like_a_validation(family):
                return math.nan
        if not family.scored:
            raise self._alone(family, prompt) from None
        return self.neutral.mean(family.rewards, prompt)

    def _looks_like_a_validation(self, family: _Family) -> bool:
        few = len(family.rewards) + family.lost <= self._validation_n
        return few and not family.training and not family.scored

    def lost(self, prompt: Hashable) -> None:
        """An answer to this prompt came to nothing (an error, a cancelled call): nobody waits for it."""
        family = self._family(prompt)
        family.lost += 1
        self._settle(family, prompt)

    def _family(self, prompt: Hashable) -> _Family:
        now = self._clock()
        for other, family in list(self._families.items()):
            if now - family.last <= self._wait_seconds:
                break  # the oldest stand first
            del self._families[other]
        family = self._families.pop(prompt) if prompt in self._families else _Family(now)
        family.last = now
        self._families[prompt] = family
        return family

    def _settle(self, family: _Family, prompt: Hashable) -> None:
        if len(family.rewards) + family.lost >= self._n:
            self._forget(family, prompt)
            family.whole.set()

    def _forget(self, family: _Family, prompt: Hashable) -> None:
        if self._families.get(prompt) is family:
            del self._families[prompt]

    def _alone(self, family: _Family, prompt: Hashable) -> NoRewardError:
        came, why = len(family.rewards), family.rewards[-1].reason
        whole = came + family.lost >= self._n
        found = (
            f"none of the {came} answers to prompt {prompt!r} has a reward; the last one: {why}"
            if whole
            else f"got {came} of the {self._n} answers to prompt {prompt!r} within {self._wait_seconds:g} s, "
            f"and none of them has a reward ({why})"
        )
        one_worker = "" if whole else "let one worker see all answers to a prompt (verl: reward.num_workers=1), and "
        return NoRewardError(found, todo=f"look at what fails; {one_worker}say which samples are of the validation "
                             "(verl: extra_info.split), which stops no training")  # fmt: skip
