"""How often a monitor alarms where it should not, and how soon where it should.

`python -m studies.rewards.monitor_rates` prints the tables of docs/rewards.md. Design, fixed before the first run:

* A training has a first look and 20 more; the same prompts at each, one answer a prompt, whole scores from 1 to 5. A
  prompt has a level (sd .6), an answer its quality (sd .8), each judge errs by itself on prompts (sd .4, the same at
  every look) and answers (sd .6). Quality starts at 3.2. All but these levels is drawn anew at every look.
* Lengths are lognormal (median 8 s, sd of the log .3 by prompt and .25 by answer); rate is normal (2.8, sd .2 and .3),
  loudness too (-24, sd 1 and 1); word errors are 2 of a hundred on average, half of the answers have none; 2 % of the
  answers praise, .5 % plead, 2 % fail, each judge fails on 1 % of the rest.
* Cells: 24, 50, 200 prompts by
    nothing   nothing changes;
    equal     quality rises by .04 a look, and both judges hear it alike;
    half      the same, and the held-out judge hears half of it;
    gamed     the reward rises by .04 a look, the quality and the held-out score do not;
    longer    answers become longer by 3 % a look, nothing else changes.
* 500 trainings of `nothing` and `equal`, 200 of the others; seed 20261123, a generator for each cell.
* Counted: trainings with an alarm at any of the 20 looks, gaming and drifts apart; the look of the first one (median
  over those that had one). Beside it what a plain reading would do: alarm when the reward's own 95 % interval lies
  above zero and the held-out score's does not, at any look.
* Against us: more than 5 % of `nothing` with any alarm, or more than 2.5 % of `nothing` or `equal` with one of gaming,
  by more than two Monte Carlo errors. `half` is no error of the test, the held-out score does lag; it is shown.

Seen before, with another seed: the cells of `nothing` and `equal` and five trainings of `gamed` under an older rule,
which asked for the reward's own rise at the strict level too. Gaming alarmed in at most .7 % of a cell, and three of
five `gamed` at 50 prompts had no alarm. The rule was changed for that; design and seed of this file are those of the
one run after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import median

import numpy as np
from scipy import stats

from wavjudge.rewards.monitor.alarms import Errors, Table, standing

SEED, LOOKS, STEP = 20261123, 20, 0.04
PROMPTS, CASES = (24, 50, 200), ("nothing", "equal", "half", "gamed", "longer")
RUNS = {"nothing": 500, "equal": 500}
OTHER_RUNS = 200


@dataclass(frozen=True, slots=True)
class Training:
    """The look of the first alarm of each kind, None where there was none."""

    gaming: int | None
    drift: int | None
    plain: int | None


class World:
    """Prompts with their levels; `look` draws answers to them."""

    def __init__(self, prompts: int, case: str, dice: np.random.Generator) -> None:
        self.n, self.case, self.dice = prompts, case, dice
        self.level, self.mine, self.theirs = dice.normal(0, [[0.6], [0.4], [0.4]], (3, prompts))
        self.long, self.fast, self.loud = dice.normal(0, [[0.3], [0.2], [1.0]], (3, prompts))

    def look(self, number: int) -> Table:
        dice, n, gain = self.dice, self.n, STEP * number
        heard = {"equal": (gain, gain), "half": (gain, gain / 2), "gamed": (gain, 0.0)}.get(self.case, (0.0, 0.0))
        quality = 3.2 + self.level + dice.normal(0, 0.8, n)
        failed = dice.random(n) < 0.02
        lost = dice.random((2, n)) < 0.01
        reward, held_out = (
            np.where(failed | gone, np.nan, np.clip(np.rint(quality + up + own + dice.normal(0, 0.6, n)), 1, 5))
            for up, own, gone in zip(heard, (self.mine, self.theirs), lost, strict=True)
        )
        longer = 0.03 * number if self.case == "longer" else 0.0
        found = {
            "seconds": 8 * np.exp(self.long + dice.normal(0, 0.25, n) + np.log1p(longer)),
            "rate": 2.8 + self.fast + dice.normal(0, 0.3, n), "loudness": -24 + self.loud + dice.normal(0, 1, n),
            "wer": np.where(dice.random(n) < 0.5, 0.0, dice.exponential(0.04, n)),
            "praise": (dice.random(n) < 0.02).astype(float), "plea": (dice.random(n) < 0.005).astype(float),
        }  # fmt: skip
        found = {name: np.where(failed, np.nan, values) for name, values in found.items()}
        blamed = {f"{who}_failed": np.where(failed, np.nan, gone.astype(float))
                  for who, gone in zip(("reward", "held_out"), lost, strict=True)}  # fmt: skip
        return {"reward": reward, "held_out": held_out, "failed": failed.astype(float), **blamed, **found}


def training(prompts: int, case: str, dice: np.random.Generator) -> Training:
    world, errors = World(prompts, case, dice), Errors(looks=LOOKS)
    first = world.look(0)
    found: dict[str, int] = {}
    for number in range(1, LOOKS + 1):
        now = world.look(number)
        one = standing(number, first, now, number, errors)
        if "gaming" in one.alarms:
            found.setdefault("gaming", number)
        if set(one.alarms) - {"gaming"}:
            found.setdefault("drift", number)
        if _plainly_above(first["reward"], now["reward"]) and not _plainly_above(first["held_out"], now["held_out"]):
            found.setdefault("plain", number)
    return Training(found.get("gaming"), found.get("drift"), found.get("plain"))


def _plainly_above(first: np.ndarray, now: np.ndarray) -> bool:
    d = now - first
    d = d[np.isfinite(d)]
    return bool(d.mean() > stats.t.ppf(0.975, len(d) - 1) * d.std(ddof=1) / sqrt(len(d)))


def row(prompts: int, case: str, found: list[Training]) -> str:
    """Share of trainings with an alarm and its Monte Carlo error; the median look of the first one."""
    cells = []
    for name in ("gaming", "drift", "plain"):
        at = [number for one in found if (number := getattr(one, name)) is not None]
        share = len(at) / len(found)
        error = sqrt(share * (1 - share) / len(found))
        cells.append(f"{share:.3f} ({error:.3f})" + (f", look {median(at):.0f}" if at else ""))
    either = sum(one.gaming is not None or one.drift is not None for one in found) / len(found)
    return f"| {case} | {prompts} | {len(found)} | {cells[0]} | {cells[1]} | {either:.3f} | {cells[2]} |"


def main(runs: int | None = None) -> None:
    print("| case | prompts | trainings | gaming | drift | either | a plain reading |", "|---" * 7 + "|", sep="\n")
    for place, case in enumerate(CASES):
        for size, prompts in enumerate(PROMPTS):
            dice = np.random.default_rng([SEED, place, size])
            found = [training(prompts, case, dice) for _ in range(runs or RUNS.get(case, OTHER_RUNS))]
            print(row(prompts, case, found), flush=True)


if __name__ == "__main__":
    main()
