"""What makes a pair of preferences: which score orders the answers, and how far apart two of them have to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Literal, get_args

from wavjudge.errors import InputError

Mode = Literal["sum", "semantic", "paralinguistic", "weighted", "overall"]
Source = Literal["best_output", "sft_target"]

USED: dict[Mode, tuple[str, ...]] = {
    "sum": ("semantic", "paralinguistic"), "semantic": ("semantic",), "paralinguistic": ("paralinguistic",),
    "weighted": ("semantic", "paralinguistic"), "overall": ("overall",),
}  # fmt: skip
"""The scores that each mode needs, by the schema's names: paralinguistic is our axis acoustic. overall stands in no
schema: the reference's judge gives two scores, ours may give one of the whole answer."""

AXES = {"semantic": "semantic", "paralinguistic": "acoustic", "overall": "overall"}

DECIMALS = 9
"""Of a score and a gap: a gap of 1 on paper is not one of .9999999999 here."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What makes a pair.

    mode: which score orders. weights: of semantic and paralinguistic in mode weighted; one of weight 0 is not needed.
    min_gap: the least gap, itself included. margin: the least gap in standard errors of a gap (`Noise`). top_k: only
    the pairs of the largest gaps. chosen: the best answer, or the demonstration. seed: decides among equals.
    """

    mode: Mode = "semantic"
    weights: tuple[float, float] = (1.0, 1.0)
    min_gap: float = 1.0
    margin: float = 0.0
    top_k: int | None = None
    chosen: Source = "best_output"
    seed: int = 12345

    def __post_init__(self) -> None:
        _one_of("mode", self.mode, get_args(Mode))
        _one_of("chosen", self.chosen, get_args(Source))
        for name, value in (("min_gap", self.min_gap), ("margin", self.margin), *(("weight", w) for w in self.weights)):
            if isinstance(value, bool) or not (isfinite(value) and value >= 0):
                raise InputError(f"got {name}={value}, expected a number, 0 or more")
        if len(self.weights) != 2 or not any(self.weights):
            raise InputError(f"got the weights {self.weights}, expected two, not both 0")
        if self.top_k is not None and (isinstance(self.top_k, bool) or self.top_k < 1):
            raise InputError(f"got top_k={self.top_k}, expected 1 or more, or None for all")

    @property
    def used(self) -> dict[str, float]:
        """The scores that this mode needs, by the schema's names, with their weights.

        >>> Rules("sum").used, Rules("weighted", (0.5, 0)).used
        ({'semantic': 1.0, 'paralinguistic': 1.0}, {'semantic': 0.5})
        """
        if self.mode != "weighted":
            return dict.fromkeys(USED[self.mode], 1.0)
        return {name: weight for name, weight in zip(USED["weighted"], self.weights, strict=True) if weight}

    def score(self, scores: Mapping[str, float | None]) -> float | None:
        """The score of an answer in this mode; None where one that it needs is missing.

        >>> Rules("sum").score({"semantic": 4, "paralinguistic": 2}), Rules("semantic").score({"semantic": 4})
        (6.0, 4.0)
        """
        total = 0.0
        for name, weight in self.used.items():
            if (one := scores.get(name)) is None:
                return None
            total += weight * one
        return round(total, DECIMALS)


def _one_of(name: str, got: str, known: tuple[str, ...]) -> None:
    if got not in known:
        raise InputError(f"got {name} {got!r}, expected one of {', '.join(known)}")
