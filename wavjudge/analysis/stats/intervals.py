"""Intervals that respect prompts: the delete-one-prompt jackknife-t, and the cluster bootstrap.

Jackknife-t, per statistics.md ruling 4: on the statistic's own scale (Fisher z for correlations, logit for rates, none
for the rest) with P - 1 degrees of freedom; deterministic, P evaluations. Above `MAX_GROUPS` prompts, prompts are left
out in groups of equal size.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
from scipy import stats
from scipy.special import stdtrit

from wavjudge.analysis.stats.contrary import Contraries, contraries
from wavjudge.analysis.stats.sums import Additive, Floats, Ints, Paired, Prepared, Statistic, Transform
from wavjudge.analysis.stats.undefined import why_undefined

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
    """The interval, reaching as far as it would with one prompt more that says the opposite (`contrary.py`)."""
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
