"""What a first small set of labels says about the quantities that plans are made of (`planning`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from wavjudge.analysis.stats.agreement import PEARSON
from wavjudge.analysis.stats.sums import Floats, Paired
from wavjudge.errors import InputError

Averaged = Literal["mean", "bias", "mae"]


@dataclass(frozen=True, slots=True)
class Pilot:
    """What a pilot says about the quantities that plans are made of; sd's in points of the scale, None = undefined.

    The ICCs are those of what is averaged: people's scores, judge minus people, its absolute value, and for Pearson's r
    the influence of each subject, z_x z_y - r (z_x^2 + z_y^2) / 2.
    """

    n: int
    prompts: int
    answers_per_prompt: float
    pearson: float | None
    sd: dict[Averaged, float]
    icc: dict[Averaged | Literal["pearson"], float | None]


def pilot(judge: npt.ArrayLike, people: npt.ArrayLike, prompt: npt.ArrayLike) -> Pilot:
    """Agreement, spreads and ICCs of a first small set of labels (all scored)."""
    data = Paired.of(judge, people, prompt)
    if data.n < 3:
        raise InputError(f"a pilot of {data.n} labels", todo="label a few prompts with several answers each first")
    d = data.judge - data.people
    columns: dict[Averaged, Floats] = {"mean": data.people, "bias": d, "mae": np.abs(d)}
    r = PEARSON.of(data)
    icc: dict[Averaged | Literal["pearson"], float | None] = {
        name: intraclass(column, data.prompt) for name, column in columns.items()
    }
    icc["pearson"] = intraclass(_influence(data, r), data.prompt) if np.isfinite(r) else None
    sd = {name: float(column.std(ddof=1)) for name, column in columns.items()}
    return Pilot(data.n, data.prompts, data.n / data.prompts, float(r) if np.isfinite(r) else None, sd, icc)


@dataclass(frozen=True, slots=True)
class JudgesPilot:
    """Two judges against the same people: their correlations, and the ICC of what tells them apart (the difference of
    each subject's influence on the two Fisher z)."""

    n: int
    prompts: int
    answers_per_prompt: float
    first: float | None
    second: float | None
    between: float | None
    icc: float | None


def pilot_of_judges(
    first: npt.ArrayLike, second: npt.ArrayLike, people: npt.ArrayLike, prompt: npt.ArrayLike
) -> JudgesPilot:
    """Correlations of two judges with people and each other, over the subjects that all have scored."""
    one, other = Paired.of(first, people, prompt), Paired.of(second, people, prompt)
    if one.n < 3:
        raise InputError(f"a pilot of {one.n} labels", todo="label a few prompts with several answers each first")
    pairs = (one, other, Paired.of(first, second, prompt))
    r12, r13, r23 = (float(PEARSON.of(pair)) for pair in pairs)
    icc = None
    if np.isfinite([r12, r13]).all() and max(abs(r12), abs(r13)) < 1:
        moved = [_influence(pair, r) / (1 - r * r) for pair, r in ((one, r12), (other, r13))]
        icc = intraclass(moved[0] - moved[1], one.prompt)
    shown = [r if np.isfinite(r) else None for r in (r12, r13, r23)]
    return JudgesPilot(one.n, one.prompts, one.n / one.prompts, shown[0], shown[1], shown[2], icc)


def over_prompts(
    judge: npt.ArrayLike, people: npt.ArrayLike, candidate: npt.ArrayLike, prompt: npt.ArrayLike
) -> float | None:
    """Correlation of judge and people over prompts, what PPI++ for one candidate lives on: of each candidate's mean a
    prompt, the candidates' own means taken off. None where it is undefined.

    >>> over_prompts([1, 2, 5, 4, 5, 9], [1, 2, 4, 2, 3, 5], list("aaabbb"), [1, 2, 3, 1, 2, 3])
    0.985...
    """
    names = np.unique(np.asarray(candidate), return_inverse=True)[1].reshape(-1)
    places = np.unique(np.asarray(prompt), return_inverse=True)[1].reshape(-1)
    cells, cell = np.unique(names * (places.max(initial=0) + 1) + places, return_inverse=True)
    owner = cells // (places.max(initial=0) + 1)
    centred = []
    for scores in (np.asarray(judge, float), np.asarray(people, float)):
        means = np.bincount(cell, scores) / np.bincount(cell)
        centred.append(means - (np.bincount(owner, means) / np.bincount(owner))[owner])
    x, y = centred
    spread = float((x @ x) * (y @ y))
    return float(x @ y / np.sqrt(spread)) if spread > 1e-12 else None


def intraclass(values: npt.ArrayLike, prompt: npt.ArrayLike) -> float | None:
    """ICC(1,1) of answers within prompts, by one-way mean squares: (MSB - MSW) / (MSB + (m0 - 1) MSW), with
    m0 = (n - sum m^2 / n) / (P - 1) for unequal sizes m. None with one prompt, one answer a prompt, or no spread.

    >>> intraclass([1, 2, 3, 4], ["a", "a", "b", "b"])  # MSB 4, MSW 1/2
    0.7777777777777778
    """
    v = np.asarray(values, float)
    _, number = np.unique(np.asarray(prompt), return_inverse=True)
    number = number.reshape(-1)
    size = np.bincount(number)
    n, prompts = len(v), len(size)
    if prompts < 2 or n == prompts or np.ptp(v) < 1e-12:
        return None
    means = np.bincount(number, v) / size
    within = ((v - means[number]) ** 2).sum() / (n - prompts)
    between = (size * (means - v.mean()) ** 2).sum() / (prompts - 1)
    usual = (n - (size**2).sum() / n) / (prompts - 1)
    return float((between - within) / (between + (usual - 1) * within))


def _influence(data: Paired, r: float) -> Floats:
    x, y = ((v - v.mean()) / v.std() for v in (data.judge, data.people))
    return np.asarray(x * y - r * (x * x + y * y) / 2)
