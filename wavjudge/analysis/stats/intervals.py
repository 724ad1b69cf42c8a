"""Intervals that respect prompts: the delete-one-prompt jackknife-t, and the cluster bootstrap.

Jackknife-t, per statistics.md ruling 4: on the statistic's own scale (Fisher z for correlations, logit for rates, none
for the rest) with P - 1 degrees of freedom; deterministic, P evaluations. Above `MAX_GROUPS` prompts, prompts are left
out in groups of equal size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
from scipy import stats
from scipy.special import stdtrit

from wavjudge.analysis.stats.panel import Panel
from wavjudge.analysis.stats.sums import (
    Additive,
    Contrary,
    Floats,
    Ints,
    Joint,
    OnPrompts,
    Paired,
    Prepared,
    Remembered,
    Statistic,
    Transform,
)
from wavjudge.analysis.stats.within_prompt import groups, within_prompt_pairs

MAX_GROUPS = 2000
"""Deletions at most; with more prompts they are left out in groups (delete-a-group jackknife)."""

LARGE = 20_000
"""Prompts above which fewer resamples and permutations are drawn (statistics.md, ruling 10); the output says so."""

FEW_RESAMPLES = 1_000

MIN_PROMPTS_INTRA = 12
"""Below this no interval is given for Intra-ID statistics (ruling 4)."""

ALIKE = "no interval: every prompt says the same, so nothing shows how far the next one could differ"
NEARLY = "perfect without one prompt: interval without transformation"
RECKONED = "every prompt says the same: the interval reckons with one that says the opposite"
_SAME = 1e-9

Method = Literal["jackknife-t", "cluster-bootstrap"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval; None where undefined, and `note` says why or what is special."""

    value: float | None
    low: float | None = None
    high: float | None = None
    method: str = ""
    note: str = ""


def estimate(
    statistic: Statistic, data: Paired, *, level: float = 0.95, method: Method = "jackknife-t", resamples: int = 10_000,
    seed: int = 12345,
) -> Estimate:  # fmt: skip
    """A statistic with its interval over prompts.

    `method` cluster-bootstrap draws prompts with replacement `resamples` times (percentile interval, `seed`);
    above `LARGE` prompts 1,000 times at most, and the note says so.
    """
    if not data.n:
        return Estimate(None, note="no subjects")
    found = estimate_prepared(
        statistic.prepare(data), data.prompts, statistic.transform, level=level, method=method, resamples=resamples,
        seed=seed, least=least_prompts(statistic), undefined=why_undefined(statistic, data),
    )  # fmt: skip
    return clipped(reckoned(found, statistic, data, level), statistic.limits)


def reckoned(found: Estimate, statistic: Statistic, data: Paired, level: float = 0.95) -> Estimate:
    """The interval, reaching as far as it would with one prompt more that says the opposite (below)."""
    stuck = found.note in (ALIKE, NEARLY)
    if found.method != "jackknife-t" or not (stuck or (statistic.heeded and found.low is not None)):
        return found
    if data.prompts > MAX_GROUPS and not stuck:
        return found  # one of so many moves nothing
    pulled = contraries(statistic, data, float(found.value or 0.0), both=stuck)
    return reaching(found, pulled, data.prompts, level)


def reaching(found: Estimate, pulled: Contraries, prompts: int, level: float = 0.95) -> Estimate:
    """The interval, reaching as far down as that of the first of `pulled`, and as far up as that of the second."""
    stuck, value, ends = found.note in (ALIKE, NEARLY), float(found.value or 0.0), [found.low, found.high]
    for side, more in enumerate(pulled):
        if more is not None:
            reached = _jackknife(more, "none", prompts + 1, level)
            end = (reached.low, reached.high)[side]
            ends[side] = _farther(ends[side], end, side)
    low, high = (value if one is None else float(one) for one in ends)
    if high - low <= _SAME:
        return found
    note = RECKONED if stuck else found.note
    return replace(found, low=min(low, value), high=max(high, value), note=note)


def _farther(one: float | None, other: float | None, side: int) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    return (min, max)[side](one, other)


def least_prompts(statistic: Statistic) -> int:
    """Prompts below which the statistic gets no interval."""
    return MIN_PROMPTS_INTRA if statistic.name.startswith(("intra_id", "best_of_n")) else 3


def clipped(one: Estimate, limits: tuple[float, float]) -> Estimate:
    """The interval cut at what the value cannot exceed: nothing that could be true is cut off.

    >>> clipped(Estimate(0.9, 0.772, 1.028), (-1, 1)).high
    1.0
    """
    if one.low is None or one.high is None:
        return one
    return replace(one, low=float(max(one.low, limits[0])), high=float(min(one.high, limits[1])))


def estimate_prepared(
    prepared: Prepared, prompts: int, transform: Transform = "none", *, level: float = 0.95,
    method: Method = "jackknife-t", resamples: int = 10_000, seed: int = 12345, least: int = 3,
    undefined: str = "undefined: the scores do not suffice for it",
) -> Estimate:  # fmt: skip
    """The same for anything prepared over `prompts`; no interval under `least` of them."""
    value = prepared.plain()
    if not np.isfinite(value):
        return Estimate(None, note=undefined)
    if prompts < least:
        return Estimate(value, note=f"no interval under {least} prompts")
    if method == "cluster-bootstrap":
        return _bootstrap(prepared, value, prompts, level, resamples, seed)
    return _jackknife(prepared, transform, prompts, level)


def jackknife_groups(prompts: int) -> Ints:
    """The group of each prompt: one prompt a group, or `MAX_GROUPS` groups of (almost) equal size.

    >>> jackknife_groups(3).tolist()
    [0, 1, 2]
    """
    return np.arange(prompts) if prompts <= MAX_GROUPS else np.arange(prompts) % MAX_GROUPS


def _jackknife(prepared: Prepared, transform: Transform, prompts: int, level: float) -> Estimate:
    value, groups = prepared.plain(), jackknife_groups(prompts)
    telling = prepared.informative if isinstance(prepared, Additive) else prompts
    count = int(groups.max()) + 1
    left = prepared.without_each(groups)
    if not np.isfinite(left).all():
        return Estimate(value, method="jackknife-t", note="no interval: it hangs on a single prompt")
    at_end = not np.isfinite(forward(np.append(left, value), transform)).all()
    if at_end and transform == "logit":
        return _few_exceptions(value, 1.0 if left.max() == 1 else 0.0, telling, level)
    if np.ptp(left) < _SAME:
        return Estimate(value, method="jackknife-t", note=ALIKE)
    scale: Transform = "none" if at_end else transform
    centre, values = forward(np.array(value), scale), forward(left, scale)
    spread = np.sqrt((count - 1) / count * ((values - values.mean()) ** 2).sum())
    half = stdtrit(max(min(count, telling) - 1, 1), (1 + level) / 2) * spread
    low, high = backward(np.array([centre - half, centre + half]), scale)
    notes = [f"prompts left out in {count} groups"] if count < prompts else []
    if at_end:
        low, high = max(low, -1.0), min(high, 1.0)
        notes.append(NEARLY)
    return Estimate(value, float(low), float(high), "jackknife-t", "; ".join(notes))


def _few_exceptions(value: float, end: float, prompts: int, level: float) -> Estimate:
    """A rate with all exceptions in one prompt of P, or with none, has no spread that could be measured.

    Clopper and Pearson's limits for 0 or 1 of P prompts, times the share that is excepted in such a prompt (1 if there
    is none): conservative without exception, and far from certainty.
    """
    tail, rate = (1 - level) / 2, abs(end - value)
    if rate == 0:
        low, high, note = 0.0, 1 - tail ** (1 / prompts), f"no exception in {prompts} prompts"
    else:
        limits = stats.beta.ppf([tail, 1 - tail], [1, 2], [prompts, prompts - 1])
        low, high = np.minimum(rate * prompts * limits, 1.0)
        note = f"all exceptions in one of {prompts} prompts"
    low, high = sorted((abs(end - low), abs(end - high)))
    return Estimate(value, float(low), float(high), "exact", note)


def _bootstrap(prepared: Prepared, value: float, prompts: int, level: float, resamples: int, seed: int) -> Estimate:
    fewer = prompts > LARGE and resamples > FEW_RESAMPLES
    drawn = prepared.weighted(bootstrap_weights(prompts, FEW_RESAMPLES if fewer else resamples, seed))
    defined = drawn[np.isfinite(drawn)]
    notes = [f"{len(drawn)} resamples (above {LARGE} prompts)"] if fewer else []
    if len(defined) < len(drawn):
        notes.append(f"{len(drawn) - len(defined)} of {len(drawn)} resamples undefined")
    note = "; ".join(notes)
    if len(defined) < 0.95 * len(drawn):
        return Estimate(value, method="cluster-bootstrap", note=note)
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    if high - low < _SAME:
        return Estimate(value, method="cluster-bootstrap", note=ALIKE)
    return Estimate(value, float(low), float(high), "cluster-bootstrap", note)


def bootstrap_weights(prompts: int, resamples: int, seed: int) -> Floats:
    """How often each prompt is drawn in each resample: (resamples, prompts), rows sum to the number of prompts.

    Read-only: the statistics of one table share the last draw of moderate size.
    """
    draw = _kept_weights if prompts * resamples <= _KEPT_CELLS else _drawn_weights
    return draw(prompts, resamples, seed)


_KEPT_CELLS, _DRAWN_AT_ONCE = 8_000_000, 100_000


def _drawn_weights(prompts: int, resamples: int, seed: int) -> Floats:
    # Counting drawn numbers is eight times as fast as drawing counts (multinomial).
    random, weights = np.random.default_rng(seed), np.empty((resamples, prompts))
    rows = max(1, _DRAWN_AT_ONCE // prompts)
    for start in range(0, resamples, rows):
        part = weights[start : start + rows]
        numbers = random.integers(0, prompts, part.shape) + prompts * np.arange(len(part))[:, None]
        part[:] = np.bincount(numbers.ravel(), minlength=part.size).reshape(part.shape)
    weights.flags.writeable = False
    return weights


_kept_weights = lru_cache(maxsize=1)(_drawn_weights)


def forward(values: Floats, transform: Transform) -> Floats:
    """To the scale on which an interval is made."""
    with np.errstate(divide="ignore", invalid="ignore"):
        if transform == "fisher":
            return np.arctanh(values)
        if transform == "angle":
            return np.arcsin(values)
        return np.log(values / (1 - values)) if transform == "logit" else np.asarray(values, float)


def backward(values: Floats, transform: Transform) -> Floats:
    """And back."""
    if transform == "fisher":
        return np.tanh(values)
    if transform == "angle":
        return np.sin(np.clip(values, -np.pi / 2, np.pi / 2))
    return 1 / (1 + np.exp(-values)) if transform == "logit" else values


# Intervals that take the people as a sample too, beside the prompts (statistics.md, ruling 4: raters by option).
#
# Variance = that of leaving out prompts + that of leaving out people, each by the delete-one jackknife. Cameron,
# Gelbach and Miller (2011, doi 10.1198/jbes.2010.07136) take off the variance of their crossings; so much is counted
# twice here, as in Owen's pigeonhole bootstrap (2007, arXiv 0712.1111): a little wide, never negative. Student's t
# with Satterthwaite's degrees of freedom.
#
# The study `twoway` of docs/studies.md: it holds what it promises or more, but for bias with three people (.92 to .93
# from 20 prompts on), where that over prompts alone holds .50 to .78: the mean of three leanings is itself a draw.

MIN_PEOPLE = 3
METHOD = "two-way jackknife-t"


def without_people(panel: Panel, judge: Floats) -> list[Paired]:
    """The judge against the mean of the people left, without each person (above 2,000 people: each group of them).

    judge: shape (n,), NaN where unscored. People who rated nothing that the judge scored are no part of it.

    >>> people = Panel.of([[1, 3], [2, 4]], ["a", "b"])
    >>> [one.people.tolist() for one in without_people(people, np.array([1.0, 2.0]))]
    [[3.0, 4.0], [1.0, 2.0]]
    """
    panel, judge = panel.taken(np.isfinite(judge)), judge[np.isfinite(judge)]
    present = np.flatnonzero(np.isfinite(panel.ratings).any(axis=0))
    groups, found = jackknife_groups(len(present)), []
    for group in range(int(groups.max()) + 1 if len(present) else 0):
        without = present[groups == group].tolist()
        left = panel.mean(*without)
        rated = np.isfinite(left)
        each = np.delete(panel.ratings, without, axis=1)[rated]
        found.append(Paired.of(judge[rated], left[rated], panel.prompt[rated], each))
    return found


def two_way(statistic: Statistic, data: Paired, without: Sequence[Paired], *, level: float = 0.95) -> Estimate:
    """A statistic with its interval over prompts and people. without: `without_people` of the same data.

    No interval with fewer than three people, under three prompts (twelve for Intra-ID), or where a value without one
    of them is undefined or at the end of its range.
    """
    if not data.n:
        return Estimate(None, note="no subjects")
    prepared = statistic.prepare(data)
    value = prepared.plain()
    if not np.isfinite(value):
        return Estimate(None, note=why_undefined(statistic, data))
    least = least_prompts(statistic)
    if data.prompts < least:
        return Estimate(value, note=f"no interval under {least} prompts")
    if len(without) < MIN_PEOPLE:
        return Estimate(value, note=f"no interval over people with fewer than {MIN_PEOPLE} of them")
    by_prompt = forward(prepared.without_each(jackknife_groups(data.prompts)), statistic.transform)
    by_person = forward(np.array([statistic.of(one) for one in without]), statistic.transform)
    centre = forward(np.array(value), statistic.transform)
    if not (np.isfinite(by_prompt).all() and np.isfinite(by_person).all() and np.isfinite(centre)):
        return Estimate(value, method=METHOD, note="no interval: undefined, or perfect, without one prompt or person")
    variances = np.array([_variance(by_prompt), _variance(by_person)])
    if variances.sum() < 1e-18:
        return Estimate(value, method=METHOD, note=ALIKE)
    half = _t(variances, np.array([len(by_prompt) - 1, len(by_person) - 1]), level) * np.sqrt(variances.sum())
    low, high = backward(np.array([centre - half, centre + half]), statistic.transform)
    return clipped(Estimate(value, float(low), float(high), METHOD), statistic.limits)


def _variance(values: Floats) -> float:
    """The jackknife's, of values without each part."""
    return float((len(values) - 1) / len(values) * ((values - values.mean()) ** 2).sum())


def _t(variances: Floats, freedom: Floats, level: float) -> float:
    return float(stats.t.ppf((1 + level) / 2, variances.sum() ** 2 / (variances**2 / freedom).sum()))


# Why a statistic does not exist, in words: the cause in the data, not the list of all causes there could be.
#
# "Its scores" are those of whoever the row is of: a judge, a null row, a person. "The labels" are what they are held
# to.

WITHIN = ("intra_id", "best_of_n", "within_prompt")
"""How the names of statistics begin that need two answers to one prompt."""


def why_undefined(statistic: Statistic, data: Paired) -> str:
    """The cause for which the statistic has no value on these data.

    >>> from wavjudge.analysis.stats.within_prompt import INTRA_ID_SPEARMAN
    >>> why_undefined(INTRA_ID_SPEARMAN, Paired.of([1, 2], [1, 3], ["q1", "q2"]))
    'undefined: no prompt has two answers that both sides scored'
    """
    return f"undefined: {_cause(statistic, data)}"


def why_neither(statistic: Statistic, sides: Mapping[str, Paired]) -> str:
    """Of a difference: which of the two has no value, and why. sides: each one's data, by its name."""
    causes = (
        f"{name}: {_cause(statistic, data)}" for name, data in sides.items() if not np.isfinite(statistic.of(data))
    )
    return f"undefined: {'; '.join(causes)}"


def _cause(statistic: Statistic, data: Paired) -> str:
    if statistic.name.endswith("within_one") and data.scale is not None and data.scale[1] - data.scale[0] <= 1:
        return "the scale is not wider than a point, so everybody is within one"
    if statistic.name.startswith(WITHIN):
        return _within(statistic, data)
    if data.n < 2:
        return "both sides scored one answer only" if data.n else "both sides scored no answer in common"
    return one_side(data.judge, data.people) or "the scores and the labels hardly differ between the answers"


def one_side(judge: Floats, people: Floats) -> str:
    """Which side gives every answer the same score; empty if neither does.

    >>> one_side(np.array([3.0, 3.0]), np.array([1.0, 2.0]))
    'its scores are all the same (3)'
    """
    sides = (("its scores", judge), ("the labels", people))
    said = [f"{whose} are all the same ({side[0]:.4g})" for whose, side in sides
            if len(side) and np.ptp(side) <= _SAME * max(1.0, abs(side[0]))]  # fmt: skip
    return " and ".join(said)


def _within(statistic: Statistic, data: Paired) -> str:
    found = groups(data)
    several = found.defined + found.judge_constant + found.people_constant
    if not len(within_prompt_pairs(data.prompt)[0]):
        return "no prompt has two answers that both sides scored"
    on = "the one prompt" if several == 1 else f"each of the {several} prompts"
    if statistic.name == "within_prompt_tie_calibrated" and data.prompts < 2:
        return "there is one prompt, and what counts as a tie is learnt on others"
    if not found.defined + found.judge_constant:
        return f"the labels are the same for all answers to {on} with two answers or more"
    if not found.people_constant:
        return f"its scores are the same for all answers to {on} with two answers or more"
    return (f"of the {several} prompts with two answers or more, its scores are the same for all answers to "
            f"{found.judge_constant}, and the labels are to the other {found.people_constant}")  # fmt: skip


# The prompt that was not seen: what an interval reckons with where everything agrees, or where failures are rare.
#
# A jackknife judges by what differs between prompts. Where a judge orders every prompt as people do, or fails once in
# a hundred answers, a small sample often holds no exception, and the jackknife is sure that there are none (coverage
# of Intra-ID with an accurate judge and two answers a prompt: .16 at 20 prompts, .86 at 400). So one prompt is added
# that says the opposite of all others, the jackknife is taken once more, and the interval reaches as far as that one
# does on the side of the added prompt. For a share this is close to Clopper and Pearson's limits (0 of n: 3 / n, for
# their 3.7 / n); with many prompts, or much that differs, it hardly matters. The study `exceptions` of
# docs/studies.md says how well it covers, and how wide.

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
