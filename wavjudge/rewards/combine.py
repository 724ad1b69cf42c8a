"""From one answer's axes to one reward, or to the reason why there is none.

    R = sum_k w_k s_k        over the weighted axes k; the weights sum to 1, so R stays on the scale of the axes

One weighted axis without a score and the answer has no reward: the sum over what is left would read a missing 5 as a
0. A failure becomes a number only where somebody asks for one by name (policy ``constant``), and even then its status
goes with it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean
from typing import Literal, get_args

from wavjudge.errors import InputError, NoRewardError
from wavjudge.judges.reading.parse import Unscored, Verdict
from wavjudge.types import Outcome, Rating, Scale, Status

__all__ = ["OnFailure", "Policy", "Reward", "RewardStatus", "Unscored", "Verdict", "Weights", "combine", "outcomes"]

RewardStatus = Status | Outcome | Literal["other_model"]
"""What became of judging one answer. other_model: it was rated by another model than the one that is obeyed."""

OnFailure = Literal["skip", "raise", "constant"]
"""What becomes of an answer without a reward. skip: it has none, and no gradient. raise: training stops. constant: it
is given a number that nobody measured; only to reproduce results that were made so."""

_SUM_TO_ONE = 1e-9
_DECIMALS = 9
"""Of a reward: 3.7, not 3.6999999999999997, so that rewards that are equal on paper are equal here."""


@dataclass(frozen=True, slots=True)
class Reward:
    """The reward of one answer. `score` is None where there is none; `status` says what became of the judging.

    status: ``ok``, the judge's failure (`types.Status`), the candidate's own (`types.Outcome`), or ``other_model``:
    the verdict came from another model than the one that was calibrated or that began. A score beside
    another status than ok was not given by the judge: it is a constant that was asked for.
    """

    score: float | None
    status: RewardStatus = "ok"
    reason: str | None = None

    def __post_init__(self) -> None:
        if self.score is None and self.status == "ok":
            raise InputError("got a reward without a score and with status 'ok', expected the reason why there is none")
        if self.score is not None and not math.isfinite(self.score):
            raise InputError(f"got the reward {self.score}, expected a number", todo="a missing score is None")


@dataclass(frozen=True, slots=True)
class Weights:
    """Which axes make the reward, by how much, on which scale.

    >>> Weights({"semantic": 0.7, "acoustic": 0.7})
    Traceback (most recent call last):
    ...
    wavjudge.errors.InputError: got weights with the sum 1.4, expected 1: the reward must stay on the scale of its axes
    What to do: divide each by 1.4
    """

    axes: Mapping[str, float]
    scale: Scale = field(default_factory=lambda: Scale(low=1, high=5))

    def __post_init__(self) -> None:
        if not self.axes:
            raise InputError("got no axis, expected at least one with its weight")
        for axis, weight in self.axes.items():
            if not (math.isfinite(weight) and weight > 0):
                raise InputError(f"got the weight {weight} of {axis}, expected a number above 0",
                                 todo="leave an axis out that should not count")  # fmt: skip
        total = math.fsum(self.axes.values())
        if abs(total - 1) > _SUM_TO_ONE:
            raise InputError(
                f"got weights with the sum {total:g}, expected 1: the reward must stay on the scale of its axes",
                todo=f"divide each by {total:g}",
            )


@dataclass(frozen=True, slots=True)
class Policy:
    """What to do with an answer that has no reward, and the constant where that is what was asked for."""

    on_failure: OnFailure = "skip"
    constant: float | None = None

    def __post_init__(self) -> None:
        if self.on_failure not in get_args(OnFailure):
            raise InputError(f"got the policy {self.on_failure!r}, expected one of {', '.join(get_args(OnFailure))}")
        if (self.constant is None) == (self.on_failure == "constant"):
            raise InputError(
                f"got the policy {self.on_failure!r} with the constant {self.constant}",
                todo="name a constant with the policy 'constant', and only there; the reference code uses 2.5",
            )

    def settled(self, reward: Reward) -> Reward:
        """What this policy makes of a reward that may have no score; its status and reason stay.

        >>> Policy("constant", 2.5).settled(Reward(None, "no_speech", "digital silence"))
        Reward(score=2.5, status='no_speech', reason='digital silence')
        """
        if reward.score is not None:
            return reward
        if self.on_failure == "raise":
            raise NoRewardError(f"got no reward for an answer ({reward.status}: {reward.reason})",
                                todo="mend the judge, or use the policy 'skip'")  # fmt: skip
        return Reward(self.constant, reward.status, reward.reason)


SKIP = Policy()


def combine(axes: Mapping[str, Verdict | Unscored], weights: Weights, policy: Policy = SKIP) -> Reward:
    """The reward of one answer from what became of each of its axes. Axes without a weight are not looked at.

    >>> both = Weights({"semantic": 0.7, "acoustic": 0.3})
    >>> combine({"semantic": Verdict(4), "acoustic": Verdict(3)}, both)
    Reward(score=3.7, status='ok', reason=None)
    >>> lost = {"semantic": Verdict(4), "acoustic": Unscored("refused", "content filter")}
    >>> combine(lost, both)
    Reward(score=None, status='refused', reason='acoustic: content filter')
    >>> combine(lost, both, Policy("constant", 2.5)).score
    2.5
    """
    missing = [(axis, found) for axis, found in ((axis, _found(axes, axis)) for axis in weights.axes)
               if isinstance(found, Unscored)]  # fmt: skip
    if missing:
        reason = "; ".join(f"{axis}: {found.reason}" for axis, found in missing)
        return policy.settled(Reward(None, missing[0][1].status, reason))
    total = math.fsum(weight * _on_scale(axes[axis], axis, weights) for axis, weight in weights.axes.items())
    return Reward(round(total, _DECIMALS))


def _found(axes: Mapping[str, Verdict | Unscored], axis: str) -> Verdict | Unscored:
    return axes.get(axis) or Unscored("failed", f"nobody rated it; rated were {', '.join(axes) or 'no axes'}")


def _on_scale(found: Verdict | Unscored, axis: str, weights: Weights) -> float:
    assert isinstance(found, Verdict)
    if not (math.isfinite(found.score) and weights.scale.holds(found.score)):
        raise InputError(
            f"got {found.score} on {axis}, expected {weights.scale.low:g}..{weights.scale.high:g}",
            todo="give the weights the scale of the axes",
        )
    return found.score


def outcomes(ratings: Iterable[Rating], scale: Scale) -> dict[str, Verdict | Unscored]:
    """What became of each axis of one answer, from its ratings: the mean of the ok repeats, as in the analysis.

    Ratings on another scale, of several answers, or of several signatures on one axis are an `InputError`.
    """
    by_axis: dict[str, list[Rating]] = {}
    for rating in ratings:
        by_axis.setdefault(rating.axis, []).append(rating)
    _one({rating.subject for some in by_axis.values() for rating in some}, "answers", "combine one answer at a time")
    return {axis: _outcome(some, axis, scale) for axis, some in by_axis.items()}


def _outcome(ratings: list[Rating], axis: str, scale: Scale) -> Verdict | Unscored:
    _one({rating.signature for rating in ratings}, f"judges on {axis}", "choose one signature an axis")
    _one({(rating.scale.low, rating.scale.high) for rating in ratings} | {(scale.low, scale.high)},
         f"scales on {axis}", "give the weights the scale of the axes")  # fmt: skip
    scores = [rating.score for rating in ratings if rating.score is not None]
    return Verdict(fmean(scores)) if scores else Unscored(ratings[0].status, ratings[0].reason or "")


def _one(found: set[object], of: str, todo: str) -> None:
    if len(found) > 1:
        named = "; ".join(sorted(str(each) for each in found))
        raise InputError(f"got {len(found)} {of}, expected one ({named})", todo=todo)
