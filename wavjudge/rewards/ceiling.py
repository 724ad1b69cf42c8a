"""The failure rate over a window of answers, and the ceiling above which training stops.

Every status but ``ok`` counts, whoever caused it: a refusal, a time-out and an answer over the length limit are
failures of the judge on paper, and a policy can learn to provoke them. So does a score that was put in by a policy
or a guard: the answer itself was not judged.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import Any

from wavjudge.errors import InputError, NoRewardError
from wavjudge.rewards.combine import Reward


class Ceiling:
    """Stops training when more than `share` of the last `window` answers failed.

    The allowed number is that of a full window from the first answer on: with the defaults the 21st failure among any
    200 answers in a row stops, be it answer 21 or 9,000. With several ranks gather the rewards first and add all of
    them on every rank, in the same order: then all ranks stop at once and none waits for another.

    share, window: 10 % of 200 answers is our choice, no figure of the paper, whose code has no ceiling.

    >>> ceiling = Ceiling(share=0.25, window=4)
    >>> ceiling.add([Reward(4.0), Reward(None, "refused", "content filter"), Reward(3.0)])
    >>> ceiling.failure_rate, dict(ceiling.counts)
    (0.3333333333333333, {'ok': 2, 'refused': 1})
    >>> ceiling.add([Reward(None, "failed", "time-out")])
    Traceback (most recent call last):
    ...
    wavjudge.errors.NoRewardError: 2 of the last 4 answers got no reward (refused 1, failed 1), expected at most ...
    """

    def __init__(self, share: float = 0.10, window: int = 200) -> None:
        if not (0 <= share < 1 and window >= 1):
            raise InputError(f"got a ceiling of {share} over {window} answers, expected a share in [0, 1) and a window")
        self.share, self.window = share, window
        self.counts: Counter[str] = Counter()
        self._last: deque[str] = deque(maxlen=window)

    @property
    def allowed(self) -> int:
        """Failures in a full window that do not stop."""
        return int(self.share * self.window + 1e-9)  # 0.29 * 100 is 28.999...

    @property
    def failure_rate(self) -> float:
        """Share of failures among the answers in the window; 0 before the first."""
        return sum(status != "ok" for status in self._last) / max(len(self._last), 1)

    def add(self, rewards: Iterable[Reward]) -> None:
        """Count rewards, one an answer; `NoRewardError` at the first one that is too much. All of them are counted."""
        error: NoRewardError | None = None
        for reward in rewards:
            self.counts[reward.status] += 1
            self._last.append(reward.status)
            error = error or self._over(reward)
        if error is not None:
            raise error

    def _over(self, reward: Reward) -> NoRewardError | None:
        failed = Counter(status for status in self._last if status != "ok")
        if failed.total() <= self.allowed:
            return None
        named = ", ".join(f"{status} {count}" for status, count in failed.most_common())
        return NoRewardError(
            f"{failed.total()} of the last {len(self._last)} answers got no reward ({named}), expected at most "
            f"{self.allowed} of {self.window}; the last one: {reward.reason}",
            todo="look at what fails: the judge (key, model, prompt) or what the policy has learnt to say",
        )

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint, as JSON values: what `load_state_dict` takes."""
        return {"counts": dict(self.counts), "last": list(self._last)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where a checkpoint stopped."""
        if set(state) != {"counts", "last"}:
            raise InputError(f"got the state {sorted(state)} of a ceiling, expected counts and last")
        self.counts = Counter(state["counts"])
        self._last = deque(state["last"], maxlen=self.window)
