"""What a number in place of a failure does to a group, and what leaving it out does.

    python -m studies.rewards.simulation

Design. A group is G answers to one prompt. Its level is 2.5, 3.5 or 4.2, equally likely; each answer's score is that
plus a normal error of sd .9, rounded to a whole number and cut to 1..5 (it is the world that is cut here, no measured
score). Each answer's judging fails with probability p, whatever its score; in the rows "worst" instead the lowest
answer of the group (the first of equals) fails with probability p, and no other: long, noisy and refused answers are
bad ones more often than not. 3,000 groups with a failure are drawn for each row; groups without one are the same in
both arms and left out. Seed [20261122, row].

Arms: `reference` (every failure is 2.5) and `overall` (ours: left out), each as its preset in wavjudge/rewards, so
through the code that trains. Each arm is held against two others: *truth*, the group had nothing failed, which nobody
can have; and *judged*, the same group with the failed answers gone, which is what `overall` computes, so that its
figures there are 0 by construction. Population deviation throughout.

    touched    share of groups with a failure, over all that were drawn
    A failed   mean advantage of the failed answers
    rewarded   share of failed answers with an advantage above 0: training would make them likelier
    gradient   share of failed answers with a mask of 1 and an advantage that is not 0
    off truth, off judged    mean distance of a judged answer's advantage to that
    flips truth, flips judged    share of judged answers whose advantage has the other sign than there
    lambda truth, lambda judged    mean of raw lambda minus that; without two rewards a group's is 0
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wavjudge.reporting.table import number
from wavjudge.rewards.combine import Unscored, Verdict, combine
from wavjudge.rewards.groups import Group
from wavjudge.rewards.presets import Preset, preset

LEVELS, SD, SEED, GROUPS = (2.5, 3.5, 4.2), 0.9, 20261122, 3000
ROWS = [(4, p, "any") for p in (0.02, 0.05, 0.10, 0.20)] + [(8, 0.02, "any"), (8, 0.05, "any"), (4, 0.10, "worst")]
ARMS = ("reference", "overall")
COLUMNS = ("G", "p", "fails", "touched", "arm", "A failed", "rewarded", "gradient", "off truth", "off judged",
           "flips truth", "flips judged", "lambda truth", "lambda judged")  # fmt: skip

Scores = npt.NDArray[np.float64]
Failed = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Drawn:
    """True scores and what failed, of the touched groups, shape (groups, G); the share of groups that were touched."""

    scores: Scores
    failed: Failed
    touched: float


def drawn(size: int, p: float, fails: str, groups: int, row: int) -> Drawn:
    """Groups with at least one failure."""
    dice = np.random.default_rng([SEED, row])
    found: list[tuple[Scores, Failed]] = []
    total = 0
    while sum(len(scores) for scores, _ in found) < groups:
        levels = dice.choice(LEVELS, (groups, 1))
        scores = np.clip(np.round(levels + SD * dice.standard_normal((groups, size))), 1, 5)
        failed = dice.random((groups, size)) < p
        if fails == "worst":
            failed = (np.arange(size) == scores.argmin(axis=1)[:, None]) & failed[:, :1]
        kept = failed.any(axis=1)
        found.append((scores[kept], failed[kept]))
        total += groups
    every = [np.concatenate(parts) for parts in zip(*found, strict=True)]
    return Drawn(every[0][:groups], every[1][:groups], len(every[0]) / total)


def rewarded(scores: Scores, failed: Failed, arm: Preset) -> Group:
    """The group that an arm makes of some answers."""
    lost = Unscored("failed", "time-out")
    outcomes = [lost if gone else Verdict(score) for score, gone in zip(scores.tolist(), failed, strict=True)]
    return Group.of([combine({"overall": outcome}, arm.weights, arm.policy).score for outcome in outcomes])


@dataclass(frozen=True, slots=True)
class Made:
    """What was made of the groups: advantages and masks of shape (groups, G), raw lambdas of shape (groups,)."""

    advantages: Scores
    mask: Failed
    raw: Scores

    @classmethod
    def of(cls, groups: list[Group], arm: Preset) -> Made:
        return cls(
            np.array([group.advantages(arm.deviation) for group in groups]), np.array([g.mask for g in groups]),
            np.array([arm.gates.raw(group) if group.usable else 0.0 for group in groups]),
        )  # fmt: skip


def made(data: Drawn, arm: Preset) -> Made:
    """What an arm makes of these groups."""
    return Made.of([rewarded(*both, arm) for both in zip(data.scores, data.failed, strict=True)], arm)


def figures(data: Drawn, arm: Preset) -> dict[str, float]:
    """The last columns of one row."""
    given, judged = made(data, arm), ~data.failed
    lost, mask = given.advantages[data.failed], given.mask[data.failed]
    found = {"A failed": lost.mean(), "rewarded": (lost > 0).mean(), "gradient": ((lost != 0) & mask).mean()}
    truth = Made.of([Group.of(row.tolist()) for row in data.scores], arm)
    for name, other in (("truth", truth), ("judged", made(data, preset("overall")))):
        found[f"off {name}"] = abs(given.advantages - other.advantages)[judged].mean()
        found[f"flips {name}"] = (given.advantages * other.advantages < 0)[judged].mean()
        found[f"lambda {name}"] = (given.raw - other.raw).mean()
    return found


def lines(groups: int = GROUPS) -> Iterator[str]:
    """The table in Markdown."""
    yield "| " + " | ".join(COLUMNS) + " |"
    yield "|" + "---|" * len(COLUMNS)
    for row, (size, p, fails) in enumerate(ROWS):
        data = drawn(size, p, fails, groups, row)
        for arm in ARMS:
            found = figures(data, preset(arm))
            cells = [str(size), f"{p:.2f}", fails, f"{data.touched:.2f}", f"`{arm}`"]
            yield "| " + " | ".join([*cells, *(number(found[name], 3) for name in COLUMNS[5:])]) + " |"


if __name__ == "__main__":
    print("\n".join(lines()))
