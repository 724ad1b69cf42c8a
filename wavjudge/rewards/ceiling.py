"""The failure rate over a window of answers, and the ceiling above which training stops.

Two things can go wrong, and each has a ceiling of its own. A judge that was asked and gave no score (a refusal, a
time-out, a reply that cannot be read): every status but ``ok`` counts, since a policy can learn to provoke each of
them, and so does a score that was put in by a policy. And a candidate that gave nothing to judge (no speech, a broken
file, an answer over the length limit, an answer on which a guard trips): that is no failure of a judge, costs nothing,
and is common at the beginning of a training; only where it is most of what comes does it stop.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import Any

from wavjudge.errors import InputError, NoRewardError
from wavjudge.rewards.combine import Reward
from wavjudge.types import OUTCOMES


class Ceiling:
    """Stops training when more than `share` of the last `window` judged answers failed, or the candidate gives nothing.

    The allowed number is that of a full window from the first answer on: with the defaults the 21st failure among any
    200 answers in a row stops, be it answer 21 or 9,000. With several ranks gather the rewards first and add all of
    them on every rank, in the same order: then all ranks stop at once and none waits for another.

    share, window: 10 % of 200 answers is our choice, no figure of the paper, whose code has no ceiling.
    own_share: the share of the last `window` answers that the candidate itself may fail to give; 1 for no such limit.

    >>> ceiling = Ceiling(share=0.25, window=4)
    >>> ceiling.add([Reward(4.0), Reward(None, "refused", "content filter"), Reward(3.0)])
    >>> ceiling.failure_rate, dict(ceiling.counts)
    (0.3333333333333333, {'ok': 2, 'refused': 1})
    >>> ceiling.add([Reward(None, "no_speech", "silence")])
    >>> ceiling.add([Reward(None, "failed", "time-out")])
    Traceback (most recent call last):
    ...
    wavjudge.errors.NoRewardError: 2 of the last 4 answers got no reward (refused 1, failed 1), expected at most ...
    """

    def __init__(self, share: float = 0.10, window: int = 200, own_share: float = 0.5) -> None:
        if not (0 <= share < 1 and window >= 1):
            raise InputError(f"got a ceiling of {share} over {window} answers, expected a share in [0, 1) and a window")
        if not 0 <= own_share <= 1:
            raise InputError(f"got own_share={own_share}, expected a share of 0 to 1; 1 is no limit")
        self.share, self.window, self.own_share = share, window, own_share
        self.counts: Counter[str] = Counter()
        self._judged: deque[str] = deque(maxlen=window)
        self._own: deque[str] = deque(maxlen=window)
        self._reason: str | None = None

    @property
    def allowed(self) -> int:
        """The judge's failures in a full window that do not stop."""
        return _allowed(self.share, self.window)

    @property
    def failure_rate(self) -> float:
        """Share of failures among the judged answers in the window; 0 before the first."""
        return sum(status != "ok" for status in self._judged) / max(len(self._judged), 1)

    @property
    def over(self) -> NoRewardError | None:
        """What `add` raises while too many answers in the window have no score of a judge."""
        failed = Counter(status for status in self._judged if status != "ok")
        if failed.total() <= self.allowed:
            return None
        return NoRewardError(
            f"{failed.total()} of the last {len(self._judged)} answers got no reward ({_named(failed)}), expected at "
            f"most {self.allowed} of {self.window}; the last one: {self._reason}",
            todo="look at what fails: the judge (key, model, prompt) or what the policy has learnt to say",
        )

    @property
    def silent(self) -> NoRewardError | None:
        """What `add` raises while the candidate itself fails to give too many of the answers in the window."""
        failed = Counter(status for status in self._own if status)
        if failed.total() <= (allowed := _allowed(self.own_share, self.window)):
            return None
        return NoRewardError(
            f"the candidate gave nothing to judge in {failed.total()} of the last {len(self._own)} answers "
            f"({_named(failed)}), expected at most {allowed} of {self.window}",
            todo="listen to what the policy gives: it may have learnt to say nothing, or nothing decodes",
        )

    def add(self, rewards: Iterable[Reward], own: Iterable[bool] | None = None) -> None:
        """Count rewards, one an answer; `NoRewardError` at the first one that is too much. All of them are counted.

        own: of each whether the candidate gave nothing to judge; by default where its status is an outcome.
        """
        error: NoRewardError | None = None
        for reward, theirs in _with(rewards, own):
            self.count(reward, theirs)
            error = error or self.over or self.silent
        if error is not None:
            raise error

    def count(self, reward: Reward, own: bool) -> None:
        """Count one reward, and raise nothing."""
        self.counts[reward.status] += 1
        self._own.append(reward.status if own else "")
        if own:
            return
        self._judged.append(reward.status)
        if reward.status != "ok":
            self._reason = reward.reason

    def forget(self) -> None:
        """Begin with an empty window; the counts stay."""
        self._judged.clear()
        self._own.clear()
        self._reason = None

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint, as JSON values: what `load_state_dict` takes."""
        return {"counts": dict(self.counts), "judged": list(self._judged), "own": list(self._own)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where a checkpoint stopped; after a stop by this ceiling with an empty window."""
        if set(state) != {"counts", "judged", "own"}:
            raise InputError(f"got the state {sorted(state)} of a ceiling, expected counts, judged and own")
        self.counts = Counter(state["counts"])
        self._judged = deque(state["judged"], maxlen=self.window)
        self._own = deque(state["own"], maxlen=self.window)
        if self.over or self.silent:
            self.forget()  # whoever resumes has mended the cause; the old failures would stop at once


def _allowed(share: float, window: int) -> int:
    return int(share * window + 1e-9)  # 0.29 * 100 is 28.999...


def _named(failed: Counter[str]) -> str:
    return ", ".join(f"{status} {count}" for status, count in failed.most_common())


def _with(rewards: Iterable[Reward], own: Iterable[bool] | None) -> Iterable[tuple[Reward, bool]]:
    found = list(rewards)
    return zip(found, [one.status in OUTCOMES[1:] for one in found] if own is None else list(own), strict=True)
