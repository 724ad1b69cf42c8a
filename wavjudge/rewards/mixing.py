"""Lambda, the share of the preference term in the loss, from the rewards of the groups.

    L = lambda L_preference + (1 - lambda) L_supervised
    gate = sigmoid(slope (max R - threshold))           is the best answer good enough to learn from
    info = clip(var R / largest possible var, 0, 1)     do the answers differ; population variance, ((high - low) / 2)^2
    raw = lambda_max gate info                          of one group, over its valid rewards
    lambda = (1 - ema_decay) mean raw + ema_decay state     clipped to 0..lambda_max; without a state: mean raw

`ema_decay` weighs the past: at .9 the state moves slowly. Formulas: WavAlign (arXiv 2604.14932) in its released code,
where the state moves with each micro-batch of each rank. Here it moves once an optimiser step, by the sums of all
ranks. A group with fewer than two valid rewards gives nothing: no preference term, and it moves no state.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from wavjudge.errors import InputError
from wavjudge.rewards.groups import Group
from wavjudge.types import Scale

Advance = Literal["optimiser_step", "micro_batch"]
"""When the state moves. micro_batch: as the reference does, so that accumulation makes the state forget faster."""

_KEYS = {"advance", "state", "pending"}


@dataclass(frozen=True, slots=True)
class Gates:
    """The numbers of the mixture, those of the paper's code by default; thresholds in points of `scale`.

    >>> round(Gates().raw(Group.of([1, 3, 4, 5])), 2)
    0.44
    """

    threshold: float = 3.0
    slope: float = 5.0
    lambda_max: float = 0.8
    ema_decay: float = 0.9
    scale: Scale = field(default_factory=lambda: Scale(low=1, high=5))

    def __post_init__(self) -> None:
        if self.scale.low is None or self.scale.high is None:
            raise InputError("got a scale with an open end, expected both: the largest variance comes from them")
        if not 0 < self.lambda_max <= 1:
            raise InputError(f"got lambda_max {self.lambda_max}, expected above 0, up to 1")
        if not 0 <= self.ema_decay < 1:
            raise InputError(f"got ema_decay {self.ema_decay}, expected 0 up to below 1",
                             todo="it weighs the past: 0 is no smoothing")  # fmt: skip
        if not (math.isfinite(self.slope) and math.isfinite(self.threshold)):
            raise InputError(f"got slope {self.slope} and threshold {self.threshold}, expected numbers")

    @classmethod
    def on(cls, scale: Scale) -> Gates:
        """The paper's numbers on another scale: rewards mapped linearly to 1..5 meet the same gates.

        >>> gates = Gates.on(Scale(low=0, high=10))
        >>> gates.threshold, gates.slope
        (5.0, 2.0)
        """
        if scale.low is None or scale.high is None:
            return cls(scale=scale)
        points = (scale.high - scale.low) / 4
        return cls(threshold=scale.low + 2 * points, slope=5 / points, scale=scale)

    @property
    def largest_variance(self) -> float:
        """Of rewards on the scale: half of them at either end; 4 on 1..5."""
        assert self.scale.low is not None and self.scale.high is not None
        return ((self.scale.high - self.scale.low) / 2) ** 2

    def reward_gate(self, group: Group) -> float:
        """How far the best valid reward opens the gate, 0 to 1."""
        # The sigmoid as a tanh: it does not overflow.
        return 0.5 * (1 + math.tanh(self.slope * (group.best - self.threshold) / 2))

    def information_gate(self, group: Group) -> float:
        """The variance of the valid rewards as a share of the largest possible one, 0 to 1."""
        return min(group.variance / self.largest_variance, 1.0)

    def raw(self, group: Group) -> float:
        """What one usable group says lambda should be."""
        if wrong := [r for r in group.rewards[group.valid].tolist() if not self.scale.holds(r)]:
            raise InputError(
                f"got the reward {wrong[0]:g}, expected {self.scale.low:g}..{self.scale.high:g}",
                todo="combine axes with weights that sum to 1, or give the gates the scale of the rewards: Gates.on",
            )
        return self.lambda_max * self.reward_gate(group) * self.information_gate(group)

    def sums(self, groups: Iterable[Group]) -> Sums:
        """What the usable ones of these groups say together."""
        return sum((Sums(self.raw(group), 1) for group in groups if group.usable), Sums())


@dataclass(frozen=True, slots=True)
class Sums:
    """raw: sum of the raw lambdas of usable groups; groups: how many. Add them over micro-batches and ranks:
    ``Sums.of(all_reduced([sums.raw, sums.groups]))``."""

    raw: float = 0.0
    groups: int = 0

    @classmethod
    def of(cls, pair: Iterable[float]) -> Sums:
        raw, groups = pair
        return cls(float(raw), round(groups))

    def __add__(self, other: Sums) -> Sums:
        return Sums(self.raw + other.raw, self.groups + other.groups)


class Mixture:
    """Lambda along a training. Give `micro_batch` the sums of all ranks; call `optimiser_step` after each step.

    >>> mixture = Mixture()
    >>> sums = mixture.gates.sums([Group.of([1, 1, 5, 5]), Group.of([3, 3, 3, 3]), Group.of([5, None, None, None])])
    >>> round(mixture.micro_batch(sums), 4), mixture.state
    (0.4, None)
    >>> mixture.optimiser_step(); round(mixture.state, 4)
    0.4
    """

    def __init__(self, gates: Gates | None = None, advance: Advance = "optimiser_step") -> None:
        if advance not in get_args(Advance):
            raise InputError(f"got advance {advance!r}, expected one of {', '.join(get_args(Advance))}")
        self.gates, self.advance = gates or Gates(), advance
        self.state: float | None = None
        self.pending = Sums()

    def micro_batch(self, sums: Sums) -> float:
        """Lambda of one micro-batch, 0 without a usable group: then there is no preference term to weigh, and the
        supervised term has weight 1. The past in it is the state before this optimiser step."""
        if not sums.groups:
            return 0.0
        self.pending += sums
        found = self._smoothed(sums)
        if self.advance == "micro_batch":
            self.optimiser_step()
        return found

    def optimiser_step(self) -> None:
        """Move the state by all that was seen since the last step; without a usable group it stays."""
        if self.pending.groups:
            self.state = self._smoothed(self.pending)
        self.pending = Sums()

    def _smoothed(self, sums: Sums) -> float:
        mean, decay = sums.raw / sums.groups, self.gates.ema_decay
        mixed = mean if self.state is None else (1 - decay) * mean + decay * self.state
        return min(max(mixed, 0.0), self.gates.lambda_max)

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint, as JSON values; also in the middle of an accumulation."""
        return {"advance": self.advance, "state": self.state, "pending": [self.pending.raw, self.pending.groups]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where a checkpoint stopped. Another `advance`, or a state above lambda_max, is an `InputError`."""
        if set(state) != _KEYS:
            raise InputError(f"got the state {sorted(state)} of a mixture, expected {', '.join(sorted(_KEYS))}")
        if state["advance"] != self.advance:
            raise InputError(f"got a state that moves each {state['advance']}, expected each {self.advance}",
                             todo="resume with the settings that the training began with")  # fmt: skip
        at = state["state"]
        if at is not None and not 0 <= at <= self.gates.lambda_max:
            raise InputError(f"got the state {at}, expected 0..{self.gates.lambda_max}")
        self.state, self.pending = at, Sums.of(state["pending"])
