"""Made-up studies for the tests of `analysis`: scores of judges and people, and what hypothesis may make of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from wavjudge.analysis.stats.agreement import (
    BIAS,
    KAPPA_QUADRATIC,
    KENDALL_TAU_B,
    MAE,
    PEARSON,
    RMSE,
    SPEARMAN,
    WITHIN_ONE,
)
from wavjudge.analysis.stats.panel import Panel
from wavjudge.analysis.stats.sums import Floats, Paired
from wavjudge.analysis.stats.within_prompt import (
    INTRA_ID_SPEARMAN,
    INTRA_ID_ZERO_FILLED,
    WITHIN_PROMPT_ACCURACY,
)

STATISTICS = (
    PEARSON, KAPPA_QUADRATIC, BIAS, MAE, RMSE, WITHIN_ONE, SPEARMAN, KENDALL_TAU_B,
    INTRA_ID_SPEARMAN, INTRA_ID_ZERO_FILLED, WITHIN_PROMPT_ACCURACY,
)  # fmt: skip


def golden(name: str) -> Any:
    """A hand-derived or published case."""
    return json.loads((Path(__file__).parent / "golden" / f"{name}.json").read_text())


def on_scale(scores: Floats) -> Floats:
    return np.clip(np.rint(scores), 1, 5)


def study(seed: int, prompts: int = 20, answers: int = 4, noise: float = 0.8) -> Paired:
    """Scores 1-5 of a judge and of people, who share what a prompt and an answer deserve."""
    random = np.random.default_rng(seed)
    truth = (3.3 + random.normal(0, 0.6, prompts)[:, None] + random.normal(0, 0.6, (prompts, answers))).ravel()
    judge, people = (on_scale(truth + random.normal(0, noise, truth.size)) for _ in range(2))
    return Paired(judge, people, np.repeat(np.arange(prompts), answers))


def people(
    seed: int, prompts: int = 20, answers: int = 4, raters: int = 3, *, agree: float = 0.6, noise: float = 0.8,
    missing: float = 0.0,
) -> Panel:  # fmt: skip
    """Scores 1-5 of several people; `agree` is the spread of what they have in common, `noise` of what they do not."""
    random = np.random.default_rng(seed)
    truth = (3.3 + random.normal(0, agree, prompts)[:, None] + random.normal(0, agree, (prompts, answers))).ravel()
    ratings = on_scale(truth[:, None] + random.normal(0, noise, (truth.size, raters)))
    ratings[random.random(ratings.shape) < missing] = np.nan
    return Panel.of(ratings, np.repeat(np.arange(prompts), answers))


@st.composite
def pairs(draw: st.DrawFn, most: int = 24) -> Paired:
    """Small tables with ties, constant sides and prompts of unequal size."""
    n = draw(st.integers(2, most))
    scores = arrays.arrays(float, n, elements=st.integers(1, 5).map(float))
    prompt = draw(arrays.arrays(int, n, elements=st.integers(0, 5)))
    return Paired.of(draw(scores), draw(scores), prompt)


@st.composite
def panels(draw: st.DrawFn, most: int = 12, *, missing: bool = True) -> Panel:
    """Small panels with ties, gaps and constant raters."""
    n, k = draw(st.integers(2, most)), draw(st.integers(2, 4))
    whole = st.integers(1, 5).map(float)
    elements = st.one_of(whole, whole, st.just(float("nan"))) if missing else whole
    return Panel.of(draw(arrays.arrays(float, (n, k), elements=elements)),
                    draw(arrays.arrays(int, n, elements=st.integers(0, 4))))  # fmt: skip


def replicated(data: Paired, times: Floats) -> Paired:
    """Each prompt as often as `times` says, every copy a prompt of its own."""
    rows, copies = [], []
    for prompt, count in enumerate(times.astype(int)):
        own = np.flatnonzero(data.prompt == prompt)
        for copy in range(count):
            rows.append(own)
            copies += [f"{prompt}.{copy}"] * len(own)
    chosen = np.concatenate(rows) if rows else np.array([], int)
    return Paired.of(data.judge[chosen], data.people[chosen], np.array(copies))
