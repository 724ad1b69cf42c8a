"""The prompt that was not seen: what an interval reckons with where everything agrees, or where failures are rare.

A jackknife judges by what differs between prompts. Where a judge orders every prompt as people do, or fails once in a
hundred answers, a small sample often holds no exception, and the jackknife is sure that there are none (coverage of
Intra-ID with an accurate judge and two answers a prompt: .16 at 20 prompts, .86 at 400). So one prompt is added that
says the opposite of all others, the jackknife is taken once more, and the interval reaches as far as that one does on
the side of the added prompt. For a share this is close to Clopper and Pearson's limits (0 of n: 3 / n, for their
3.7 / n); with many prompts, or much that differs, it hardly matters. The study `exceptions` of docs/studies.md says how
well it covers, and how wide.
"""

from __future__ import annotations

import numpy as np

from wavjudge.analysis.stats.joint import Joint, OnPrompts, Remembered
from wavjudge.analysis.stats.sums import Additive, Contrary, Ints, Paired, Prepared, Statistic

APART = 0.75
"""How far apart, in spans of the scale, judge and people stand on the answer that is added. Whole spans made intervals
of RMSE and kappa far wider and covered no better where failures were rare; half a span was too little."""

Contraries = tuple[Prepared | None, Prepared | None]
Answer = tuple[float, float]
"""What the judge and what people say of the answer that is added."""


def contraries(statistic: Statistic, data: Paired, value: float, *, both: bool) -> Contraries:
    """The statistic with one prompt more that pulls it down, and with one that pulls it up; None: no such end.

    both: an agreement gets both ends; else only the one that `value`, its value, speaks against.

    order: a prompt whose rank correlation is as far from 0 as chance's own standard deviation, 1 / sqrt(m - 1) with m
    answers (two: -1 and 1). Else one answer: an error of `APART` (a shortfall where errors lower the value); a
    disagreement of it, and an agreement at the upper end; a difference of either sign.
    """
    if statistic.contrary == "order":
        return _orders(statistic, data)
    low, high = data.reach
    if not high - low > 1e-9:
        return None, None  # everybody said the same: nobody knows how far apart they could be
    inset = (1 - APART) / 2 * (high - low)
    less, more = low + inset, high - inset
    down, up = _answers(statistic.contrary, less, more)
    if statistic.contrary == "agreement" and not both:
        down, up = (down, None) if value >= 0 else (None, up)
    first, second = (
        None if one is None else statistic.prepare(data.with_prompt([one[0]], [one[1]])) for one in (down, up)
    )
    return first, second


def _answers(kind: Contrary, less: float, more: float) -> tuple[Answer | None, Answer | None]:
    match kind:
        case "error":
            return None, (more, less)
        case "shortfall":
            return (more, less), None
        case "agreement":
            return (more, less), (more, more)
        case "difference":
            return (less, more), (more, less)
    return None, None


def _orders(statistic: Statistic, data: Paired) -> Contraries:
    return orders(statistic.prepare(data), data.prompt)


def orders(prepared: Prepared, prompt: Ints) -> Contraries:
    """Of any prepared statistic of order within a prompt, averages over people too. prompt: of each answer."""
    sizes = np.bincount(prompt)
    if not (sizes > 1).any():
        return None, None
    chance = 1 / np.sqrt(sizes[sizes > 1].mean() - 1)
    return _with_row(prepared, len(sizes), -chance), _with_row(prepared, len(sizes), chance)


def _with_row(prepared: Prepared, prompts: int, rho: float) -> Prepared | None:
    """The same with prompt number `prompts` added, on which everybody's rank correlation is rho."""
    match prepared:
        case Additive():
            return Additive(np.vstack([prepared.parts, [1.0, rho]]), prepared.value)
        case Remembered():
            return _with_row(prepared.prepared, prompts, rho)
        case OnPrompts():
            more = _with_row(prepared.prepared, prompts, rho)
            return more and OnPrompts(more, np.append(prepared.own, prompts))
        case Joint():
            parts = [_with_row(part, prompts, rho) for part in prepared.parts]
            return Joint(tuple(part for part in parts if part is not None), prepared.value)
    return None
