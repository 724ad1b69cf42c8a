"""What a first small set of labels says about the quantities that plans are made of (`planning`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from wavjudge.analysis.agreement import PEARSON
from wavjudge.analysis.sums import Floats, Paired
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
