"""The answers to one prompt as a group: what its valid rewards say, and how far each answer stands out.

    A_i = (R_i - mean R) / (sd(R) + 1e-4)        over the valid rewards of the group

An answer without a reward has advantage 0 and mask 0: its tokens get no preference gradient. A group with fewer than
two valid rewards prefers nothing, so all its masks are 0. Formula: WavAlign (arXiv 2604.14932) in its released code,
which takes the population deviation in one trainer and the sample deviation in two others; here it is named.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from wavjudge.errors import InputError

__all__ = ["EPSILON", "Advantages", "Deviation", "Group", "advantages", "groups_of"]

Deviation = Literal["population", "sample"]
"""population: divide the squares by n (the reference's masked trainer). sample: by n - 1 (its fused one, TRL, verl)."""

EPSILON = 1e-4
"""Added to the deviation, in points of the scale: an all but equal group has small advantages, not wild ones."""

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """The rewards of the answers to one prompt: `rewards` and `valid`, shape (n,); a missing reward is NaN in memory.

    >>> Group.of([5, 5, 5, None]).has_signal, Group.of([4, 4, 4, 5]).variance
    (False, 0.1875)
    """

    rewards: Floats
    valid: Bools

    @classmethod
    def of(cls, rewards: Sequence[float | None]) -> Group:
        """From one reward an answer, None where there is none; at least two answers."""
        if len(rewards) < 2:
            raise InputError(f"got {len(rewards)} answers to a prompt, expected at least 2 to compare",
                             todo="sample several rollouts of each prompt")  # fmt: skip
        valid = np.array([reward is not None for reward in rewards])
        values = np.array([np.nan if reward is None else reward for reward in rewards], float)
        if wrong := values[valid & ~np.isfinite(values)].tolist():
            raise InputError(f"got the reward {wrong[0]}, expected a number", todo="a missing reward is None")
        return cls(values, valid)

    @property
    def n_valid(self) -> int:
        return int(self.valid.sum())

    @property
    def usable(self) -> bool:
        """Whether two answers can be compared at all."""
        return self.n_valid >= 2

    @property
    def has_signal(self) -> bool:
        """Whether the valid rewards differ, so that there is something to prefer."""
        return self.usable and bool(np.ptp(self.rewards[self.valid]) > 0)

    @property
    def best(self) -> float:
        """The highest valid reward; NaN without one."""
        return float(self.rewards[self.valid].max()) if self.n_valid else float("nan")

    @property
    def variance(self) -> float:
        """Population variance (divided by n) of the valid rewards, in squared points; NaN with fewer than two."""
        return float((self._centred() ** 2).mean()) if self.usable else float("nan")

    def advantages(self, deviation: Deviation = "population", epsilon: float = EPSILON) -> Floats:
        """Shape (n,): 0 where there is no reward, and everywhere if fewer than two are valid.

        >>> Group.of([4, 4, 4, 5]).advantages().round(2)
        array([-0.58, -0.58, -0.58,  1.73])
        >>> Group.of([5, 5, 5, None]).advantages()
        array([0., 0., 0., 0.])
        """
        if deviation not in get_args(Deviation):
            raise InputError(f"got the deviation {deviation!r}, expected one of {', '.join(get_args(Deviation))}")
        found = np.zeros(len(self.rewards))
        if self.usable:
            centred = self._centred()
            squares = (centred**2).sum() / (len(centred) - (deviation == "sample"))
            found[self.valid] = centred / (np.sqrt(squares) + epsilon)
        return found

    @property
    def mask(self) -> Bools:
        """Shape (n,): whose tokens take part in the preference term."""
        return self.valid & self.usable

    def _centred(self) -> Floats:
        values = self.rewards[self.valid]
        apart = values - values[0]  # equal rewards are then exactly 0 apart, whatever their digits
        return np.asarray(apart - apart.mean())


@dataclass(frozen=True, slots=True, eq=False)
class Advantages:
    """values, mask: shape (n answers,), in the order they were given. groups: one a prompt, in order of appearance."""

    values: Floats
    mask: Bools
    groups: tuple[Group, ...]


def advantages(
    rewards: Sequence[float | None], prompts: Sequence[Hashable], *, deviation: Deviation = "population",
    epsilon: float = EPSILON,
) -> Advantages:  # fmt: skip
    """Advantages of a batch of answers. prompts: what each one answers, equal for the answers to one prompt.

    >>> found = advantages([4, 2, 2, None, 5, 5], ["a", "b", "a", "b", "c", "c"])
    >>> found.values.round(3), found.mask.astype(int), len(found.groups)
    (array([ 1.,  0., -1.,  0.,  0.,  0.]), array([1, 0, 1, 0, 1, 1]), 3)
    """
    values, mask, groups = np.zeros(len(rewards)), np.zeros(len(rewards), bool), []
    for places in groups_of(prompts, len(rewards)).values():
        group = Group.of([rewards[place] for place in places])
        values[places], mask[places] = group.advantages(deviation, epsilon), group.mask
        groups.append(group)
    return Advantages(values, mask, tuple(groups))


def groups_of(prompts: Sequence[Hashable], n: int) -> dict[Hashable, list[int]]:
    """The places of the answers to each prompt, prompts in order of appearance.

    >>> groups_of(["a", "b", "a"], 3)
    {'a': [0, 2], 'b': [1]}
    """
    if len(prompts) != n:
        raise InputError(f"got {n} rewards and {len(prompts)} prompts, expected as many of both")
    if not n:
        raise InputError("got no answers, expected at least 2 to each prompt")
    places: dict[Hashable, list[int]] = {}
    for place, prompt in enumerate(prompts):
        places.setdefault(prompt, []).append(place)
    return places
