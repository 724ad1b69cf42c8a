"""A cell is one situation of a study, run many times; what comes out is counted, never averaged away.

Each run says for each statistic and method whether the interval held the truth (or whether the test rejected what is
true). A run without an interval is counted as such and enters no share.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from wavjudge.analysis.stats.intervals import Estimate


class Outcome(NamedTuple):
    """hit: the event that is counted happened; None: no interval, no test. above: the truth lies above the interval."""

    hit: bool | None
    width: float = math.nan
    above: bool = False


class Truth(NamedTuple):
    """The population's value, and the standard error with which it is known (0: closed form or symmetry)."""

    value: float
    error: float = 0.0


Found = dict[tuple[str, str], Outcome]
"""By statistic and method."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What is drawn and judged once, and where it stands in its study. prompts: what the study varies."""

    case: str
    layout: str
    prompts: int
    once: Callable[[np.random.Generator, int], Found]
    truths: Mapping[str, Truth] = field(default_factory=dict)


def held(found: Estimate, truth: float) -> Outcome:
    """Whether the interval holds the truth; ends belong to it."""
    if found.low is None or found.high is None:
        return Outcome(None)
    inside = found.low - 1e-12 <= truth <= found.high + 1e-12
    return Outcome(inside, found.high - found.low, truth > found.high + 1e-12)


def rejected(p: float | None) -> Outcome:
    """Whether a true hypothesis was rejected at 5 %."""
    return Outcome(None if p is None else p <= 0.05 + 1e-12)


@dataclass(slots=True)
class Tally:
    """Counts over the runs of one statistic and method."""

    runs: int = 0
    defined: int = 0
    hits: int = 0
    above: int = 0
    width: float = 0.0

    def add(self, outcome: Outcome) -> None:
        self.runs += 1
        if outcome.hit is not None:
            self.defined += 1
            self.hits += outcome.hit
            self.above += outcome.above
            self.width += outcome.width

    def figures(self) -> dict[str, object]:
        """Shares over the runs with an interval, with the binomial standard error; undefined over all runs."""
        n = self.defined
        share = self.hits / n if n else math.nan
        return {
            "runs": self.runs, "undefined": _say(1 - n / self.runs), "found": _say(share),
            "monte_carlo_error": _say(math.sqrt(share * (1 - share) / n) if n else math.nan),
            "truth_above": _say(self.above / n if n else math.nan),
            "mean_width": _say(self.width / n if n else math.nan),
        }  # fmt: skip


def run(cell: Cell, runs: int, random: np.random.Generator) -> dict[tuple[str, str], Tally]:
    """All runs of a cell; the number of the run is the seed of whatever the code under study draws itself."""
    tallies: dict[tuple[str, str], Tally] = {}
    for number in range(runs):
        for key, outcome in cell.once(random, number).items():
            tallies.setdefault(key, Tally()).add(outcome)
    return tallies


def _say(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4f}"
