"""Intervals that respect prompts: the delete-one-prompt jackknife-t, and the cluster bootstrap.

Jackknife-t, per statistics.md ruling 4: on the statistic's own scale (Fisher z for correlations, logit for rates, none
for the rest) with P - 1 degrees of freedom; deterministic, P evaluations. Above `MAX_GROUPS` prompts, prompts are left
out in groups of equal size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from wavjudge.analysis.sums import Floats, Ints, Paired, Prepared, Statistic, Transform

MAX_GROUPS = 2000
"""Deletions at most; with more prompts they are left out in groups (delete-a-group jackknife)."""

MIN_PROMPTS_INTRA = 12
"""Below this no interval is given for Intra-ID statistics (ruling 4)."""

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

    `method` cluster-bootstrap draws prompts with replacement `resamples` times (percentile interval, `seed`).
    """
    if not data.n:
        return Estimate(None, note="no subjects")
    prepared = statistic.prepare(data)
    value = prepared.plain()
    if not np.isfinite(value):
        return Estimate(None, note="undefined: one side is constant")
    if statistic.name.startswith("intra_id") and data.prompts < MIN_PROMPTS_INTRA:
        return Estimate(value, note=f"no interval under {MIN_PROMPTS_INTRA} prompts")
    if data.prompts < 3:
        return Estimate(value, note="no interval under 3 prompts")
    if method == "cluster-bootstrap":
        return _bootstrap(prepared, value, data.prompts, level, resamples, seed)
    return _jackknife(prepared, statistic.transform, value, data.prompts, level)


def jackknife_groups(prompts: int) -> Ints:
    """The group of each prompt: one prompt a group, or `MAX_GROUPS` groups of (almost) equal size.

    >>> jackknife_groups(3).tolist()
    [0, 1, 2]
    """
    return np.arange(prompts) if prompts <= MAX_GROUPS else np.arange(prompts) % MAX_GROUPS


def _jackknife(prepared: Prepared, transform: Transform, value: float, prompts: int, level: float) -> Estimate:
    groups = jackknife_groups(prompts)
    count = int(groups.max()) + 1
    left = prepared.without_each(groups)
    if not np.isfinite(left).all():
        return Estimate(value, method="jackknife-t", note="no interval: it hangs on a single prompt")
    centre, values = forward(np.array(value), transform), forward(left, transform)
    if not np.isfinite(centre) or not np.isfinite(values).all():
        return Estimate(value, value, value, "jackknife-t", "at the end of its range: no spread to judge by")
    spread = np.sqrt((count - 1) / count * ((values - values.mean()) ** 2).sum())
    half = stats.t.ppf((1 + level) / 2, count - 1) * spread
    low, high = backward(np.array([centre - half, centre + half]), transform)
    note = "" if count == prompts else f"prompts left out in {count} groups"
    return Estimate(value, float(low), float(high), "jackknife-t", note)


def _bootstrap(prepared: Prepared, value: float, prompts: int, level: float, resamples: int, seed: int) -> Estimate:
    drawn = prepared.weighted(bootstrap_weights(prompts, resamples, seed))
    defined = drawn[np.isfinite(drawn)]
    note = "" if len(defined) == len(drawn) else f"{len(drawn) - len(defined)} of {len(drawn)} resamples undefined"
    if len(defined) < 0.95 * len(drawn):
        return Estimate(value, method="cluster-bootstrap", note=note)
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value, float(low), float(high), "cluster-bootstrap", note)


def bootstrap_weights(prompts: int, resamples: int, seed: int) -> Floats:
    """How often each prompt is drawn in each resample: (resamples, prompts), rows sum to the number of prompts."""
    random = np.random.default_rng(seed)
    return random.multinomial(prompts, np.full(prompts, 1 / prompts), resamples).astype(float)


def forward(values: Floats, transform: Transform) -> Floats:
    """To the scale on which an interval is made."""
    with np.errstate(divide="ignore", invalid="ignore"):
        if transform == "fisher":
            return np.arctanh(values)
        return np.log(values / (1 - values)) if transform == "logit" else np.asarray(values, float)


def backward(values: Floats, transform: Transform) -> Floats:
    """And back."""
    if transform == "fisher":
        return np.tanh(values)
    return 1 / (1 + np.exp(-values)) if transform == "logit" else values
