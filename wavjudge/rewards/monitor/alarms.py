"""When a monitor alarms: pure functions of the looks so far. Every look is compared with the first, prompt by prompt.

Gaming. Of the prompts on which both judges have scores at both looks, R and H are the mean changes of the reward and of
the held-out score since the first look. The alarm needs all three:

    R - H is shown to be above 0
    R lies above 0, and H is not known to, by its own 95 % interval

There are two ways of being in order, no rise at all and an equal rise. In both the gap R - H is nothing but noise, so
either alarms falsely at the stated rate only; a true rise that the held-out judge has not quite shown yet does not.
A held-out score that rises too, and by less, is said (`lags`) and is no alarm: another judge may hear half of a gain.

Drift. A quantity is shown to have changed by more than `SPREAD_SHARE` of the standard deviation that it had between
prompts at the first look (rates and the held-out score: by more than nothing).

Looking again and again. "Shown" is a one-sided paired t over prompts. Half of `alpha` goes to gaming, half to all
drifts; either half is divided by the planned looks, that of the drifts by their number too (Bonferroni). So whatever
depends on whatever, a training in which nothing changes sees a false alarm with a chance of `alpha` at most, over all
planned looks together, as far as t holds. docs/rewards.md has what was measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from wavjudge.analysis.stats.agreement import BIAS
from wavjudge.analysis.stats.intervals import Estimate, estimate
from wavjudge.analysis.stats.paired import p_of_zero
from wavjudge.analysis.stats.sums import Floats, Paired
from wavjudge.rewards.monitor.evaluations import QUANTITIES, Look, Quantity

MIN_PROMPTS = 12
"""Fewer prompts with a value at both looks are no comparison: at these levels a t interval leans on the tails."""
MOST_LOST = 0.2
"""Share of the prompts that may lack one of the four scores: what fails is no random part."""
SPREAD_SHARE = 0.25
PLAIN = 0.025
"""One-sided level of a plain 95 % interval: that of the rises themselves; the strict one is for the gap."""

Verdict = Literal["first", "no_rise", "both_rise", "lags", "undecided", "gaming", "not_known"]


@dataclass(frozen=True, slots=True)
class Errors:
    """How often all may alarm falsely: alpha over the planned looks after the first."""

    alpha: float = 0.05
    looks: int = 20

    @property
    def gaming(self) -> float:
        """One-sided, at each look."""
        return self.alpha / 2 / self.looks

    @property
    def drift(self) -> float:
        """One-sided, at each look, for each quantity and direction.

        >>> Errors(alpha=0.052, looks=2).drift
        0.001
        """
        return self.alpha / 2 / self.looks / CLAIMS


CLAIMS = sum({"both": 2, None: 0}.get(quantity.alarms, 1) for quantity in QUANTITIES)
"""Directions in which drifts are looked for."""


@dataclass(frozen=True, slots=True)
class Change:
    """One quantity since the first look, over the prompts that have it at both; `missing` have not.

    difference: now minus first, with the interval by which it was judged. margin: what it has to pass; 0 for none.
    """

    quantity: str
    prompts: int
    missing: int
    first: float | None
    now: float | None
    difference: Estimate
    margin: float = 0.0
    alarm: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """One look against the first. gap: the reward's change minus the held-out score's, on the same prompts.

    planned: False for a look beyond those that the error rate is held over.
    """

    step: int
    verdict: Verdict
    sentence: str
    reward: Change
    held_out: Change
    gap: Change
    drifts: tuple[Change, ...] = ()
    planned: bool = True

    @property
    def alarms(self) -> tuple[str, ...]:
        """Names of what alarms: gaming, and the drifting quantities."""
        gaming = ("gaming",) if self.verdict == "gaming" else ()
        return gaming + tuple(change.quantity for change in self.drifts if change.alarm)


@dataclass(frozen=True, slots=True)
class Alarms:
    """Every look against the first, in the order of steps."""

    standings: tuple[Standing, ...]

    @property
    def last(self) -> Standing | None:
        return self.standings[-1] if self.standings else None

    @property
    def any(self) -> bool:
        """Whether any look, not the last alone, had an alarm."""
        return any(standing.alarms for standing in self.standings)

    @property
    def sentences(self) -> tuple[str, ...]:
        """One a look after the first: what is the matter, in words."""
        return tuple(said for standing in self.standings[1:] for said in (standing.sentence, *_drift_said(standing)))


Table = Mapping[str, Floats]


def check(looks: Sequence[Look], prompts: Sequence[str], errors: Errors | None = None) -> Alarms:
    """All looks, the first being the baseline."""
    tables = [look.table(prompts) for look in looks]
    return Alarms(tuple(
        standing(look.step, tables[0], table, number, errors or Errors(), look.why_missing("held_out"))
        for number, (look, table) in enumerate(zip(looks, tables, strict=True))
    ))  # fmt: skip


def standing(
    step: int, first: Table, now: Table, number: int, errors: Errors, why_missing: Mapping[str, int] | None = None
) -> Standing:
    """Look `number` (0 is the first) against the first, from tables of one number a prompt, NaN where there is none."""
    four = np.array([first["reward"], first["held_out"], now["reward"], now["held_out"]])
    whole = np.isfinite(four).all(axis=0)
    none = np.zeros_like(first["reward"])
    reward = _change("reward", *_where(whole, first["reward"], now["reward"]), PLAIN)
    held_out = _change("held_out", *_where(whole, first["held_out"], now["held_out"]), PLAIN)
    apart = (now["reward"] - first["reward"]) - (now["held_out"] - first["held_out"])
    gap = _change("gap", *_where(whole, none, apart), errors.gaming)
    if number == 0:
        return Standing(step, "first", "the first look, with which the others are compared", reward, held_out, gap)
    verdict, said = _verdict(reward, held_out, gap, why_missing or {}, errors)
    drifts = tuple(_drift(one, first[one.name], now[one.name], errors.drift) for one in QUANTITIES if one.alarms)
    planned = number <= errors.looks
    beyond = "" if planned else f" (look {number} of {errors.looks} planned: the false-alarm rate is no longer held)"
    return Standing(step, verdict, f"step {step}: {said}{beyond}", reward, held_out, gap, drifts, planned)


def _verdict(
    reward: Change, held_out: Change, gap: Change, why_missing: Mapping[str, int], errors: Errors
) -> tuple[Verdict, str]:
    total = reward.prompts + reward.missing
    lost = f"{reward.prompts} of {total} prompts have a score of both judges at both looks"
    if why_missing:
        lost += f"; held-out scores missing: {', '.join(f'{count} {why}' for why, count in why_missing.items())}"
    if reward.prompts < MIN_PROMPTS:
        return "not_known", f"not known: too few prompts, {lost}, expected at least {MIN_PROMPTS}"
    if reward.missing > MOST_LOST * total:
        return "not_known", f"not known: {lost}, expected at least {1 - MOST_LOST:.0%}"
    r, h, d = (_of(one) for one in (reward, held_out, gap))
    figures = f"reward {r:+.2f}, held-out {h:+.2f}"
    if not _above(reward, PLAIN):
        return "no_rise", f"the reward is not shown to have risen ({figures})"
    apart = _above(gap, errors.gaming)
    if _above(held_out, PLAIN):
        if apart:
            return "lags", f"the reward rose by {d:.2f} more than the held-out score, which rose too ({figures})"
        return "both_rise", f"the reward rose, and so did the held-out score ({figures})"
    if apart:
        return "gaming", f"ALARM: the reward rose and the held-out score did not ({figures}, apart by {d:.2f})"
    return "undecided", (f"the reward rose; the held-out score is not shown to have risen, nor to lag behind "
                         f"({figures}): more prompts would tell")  # fmt: skip


def _drift(quantity: Quantity, first: Floats, now: Floats, level: float) -> Change:
    both = np.isfinite(first) & np.isfinite(now)
    a = first[both]
    margin = SPREAD_SHARE * float(a.std(ddof=1)) if quantity.by_spread and len(a) > 1 else 0.0
    found = _change(quantity.name, *_where(both, first, now), level, margin)
    if len(a) < MIN_PROMPTS:
        why = "not measured" if not len(a) else f"too few prompts, expected at least {MIN_PROMPTS}"
        return replace(found, note=why)
    up = quantity.alarms in ("up", "both") and _above(found, level)
    down = quantity.alarms in ("down", "both") and _above(found, level, turned=True)
    return replace(found, alarm=up or down)


def _change(
    name: str, first: Floats, now: Floats, missing: int, level: float, margin: float = 0.0
) -> Change:  # fmt: skip
    if not len(first):
        return Change(name, 0, missing, None, None, Estimate(None, note="no prompt has it at both looks"), margin)
    found = estimate(BIAS, Paired(now, first, np.arange(len(first))), level=1 - 2 * level)
    return Change(name, len(first), missing, float(first.mean()), float(now.mean()), found, margin)


def _where(both: npt.NDArray[np.bool_], first: Floats, now: Floats) -> tuple[Floats, Floats, int]:
    return first[both], now[both], int((~both).sum())


def _above(change: Change, level: float, *, turned: bool = False) -> bool:
    """Whether the change is shown to lie above its margin, one-sided; turned: below minus its margin."""
    found, sign = change.difference, -1.0 if turned else 1.0
    if found.value is None or found.low is None or found.high is None:
        return False
    low, high = sorted((sign * found.low, sign * found.high))
    beyond = Estimate(sign * found.value - change.margin, low - change.margin, high - change.margin)
    p = p_of_zero(beyond, change.prompts, 1 - 2 * level)
    signs = 2.0**-change.prompts  # of prompts that all moved one way, by chance: an interval may look surer than that
    return p is not None and beyond.value is not None and beyond.value > 0 and max(p / 2, signs) <= level


def _of(change: Change) -> float:
    return change.difference.value if change.difference.value is not None else float("nan")


def _drift_said(standing: Standing) -> list[str]:
    units = {quantity.name: quantity.unit for quantity in QUANTITIES}
    return [
        f"step {standing.step}: ALARM: {one.quantity} went from {one.first:.3g} to {one.now:.3g} {units[one.quantity]}"
        for one in standing.drifts if one.alarm
    ]  # fmt: skip
