"""10,000 cluster resamples of 2,000 answers to 500 prompts: every statistic, beside scipy.stats.bootstrap.

Both draw prompts with replacement and give the percentile interval. The peer is written as well as SciPy allows:
vectorised over resamples (all but Kendall's, which has no such form) in batches of 10, its fastest of 10 to 10,000, and
what is a sum over prompts handed to it per prompt, which is our own way of computing it. Its plain form, one call of
`scipy.stats.pearsonr` a resample, stands beside it for Pearson. Our statistics share one draw of prompts, which the
first of them (Pearson) pays for.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from studies.coverage.populations import POPULATIONS, answers
from wavjudge.analysis.calibration.findings import STATISTICS
from wavjudge.analysis.stats.intervals import estimate
from wavjudge.analysis.stats.sums import Floats, Ints, Paired
from wavjudge.analysis.stats.within_prompt import _pairs, _per_prompt_rho

PROMPTS, BATCH = 500, 10
PLAIN = "pearson, one call a resample"

Drawn = Callable[[Ints], Floats]
"""The statistic of drawn prompts, numbers of shape (..., P), along the last axis."""


def measure(task: dict[str, Any]) -> dict[str, float]:
    """CPU seconds, `ours NAME` and `scipy NAME`; the widths of both intervals must agree within a tenth."""
    resamples, found = task["resamples"], {}
    data = answers(POPULATIONS["typical"], "4 each", PROMPTS, np.random.default_rng(7)).paired(np.random.default_rng(8))
    peers = _peers(data)
    for statistic in STATISTICS:
        began = time.process_time()
        mine = estimate(statistic, data, method="cluster-bootstrap", resamples=resamples)
        found[f"ours {statistic.name}"] = time.process_time() - began
        began = time.process_time()
        theirs = _bootstrap(peers[statistic.name], resamples, vectorized=statistic.name != "kendall_tau_b")
        found[f"scipy {statistic.name}"] = time.process_time() - began
        assert mine.low is not None and mine.high is not None
        assert abs(mine.high - mine.low - (theirs.high - theirs.low)) < 0.1 * (mine.high - mine.low), statistic.name
    began = time.process_time()
    _bootstrap(_plain_pearson(data), resamples, vectorized=False)
    found[f"scipy {PLAIN}"] = time.process_time() - began
    return found


def _bootstrap(drawn: Drawn, resamples: int, *, vectorized: bool) -> Any:
    return stats.bootstrap(
        (np.arange(PROMPTS),), lambda numbers, axis=-1: drawn(numbers), n_resamples=resamples, method="percentile",
        vectorized=vectorized, batch=BATCH if vectorized else None, rng=np.random.default_rng(12345),
    ).confidence_interval  # fmt: skip


def _peers(data: Paired) -> dict[str, Drawn]:
    x, y = data.judge.reshape(PROMPTS, -1), data.people.reshape(PROMPTS, -1)

    def both(numbers: Ints) -> tuple[Floats, Floats]:
        shape = (*numbers.shape[:-1], -1)
        return x[numbers].reshape(shape), y[numbers].reshape(shape)

    def ranked(numbers: Ints) -> tuple[Floats, Floats]:
        a, b = both(numbers)
        return stats.rankdata(a, axis=-1), stats.rankdata(b, axis=-1)

    _, rho, judge_differs, people_differ = _per_prompt_rho(data)
    several, agreeing = _pairs(data).T
    apart = x - y
    return {
        "pearson": lambda numbers: _pearson(*both(numbers)),
        "spearman": lambda numbers: _pearson(*ranked(numbers)),
        "kendall_tau_b": lambda numbers: stats.kendalltau(*both(numbers)).statistic,
        "intra_id_spearman": _mean_where(rho, judge_differs & people_differ),
        "intra_id_zero_filled": _mean_where(rho, people_differ),
        "within_prompt_accuracy": lambda numbers: agreeing[numbers].sum(-1) / several[numbers].sum(-1),
        "mae": lambda numbers: np.abs(apart)[numbers].mean((-1, -2)),
        "rmse": lambda numbers: np.sqrt((apart**2)[numbers].mean((-1, -2))),
        "within_one": lambda numbers: (np.abs(apart) <= 1)[numbers].mean((-1, -2)),
        "bias": lambda numbers: apart[numbers].mean((-1, -2)),
        "kappa_quadratic": lambda numbers: _kappa(*both(numbers)),
    }


def _mean_where(values: Floats, known: Any) -> Drawn:
    filled, counted = np.where(known, values, 0.0), known.astype(float)
    return lambda numbers: np.asarray(filled[numbers].sum(-1) / counted[numbers].sum(-1))


def _pearson(a: Floats, b: Floats) -> Floats:
    return np.asarray(stats.pearsonr(a, b, axis=-1).statistic)


def _kappa(a: Floats, b: Floats) -> Floats:
    cov = ((a - a.mean(-1, keepdims=True)) * (b - b.mean(-1, keepdims=True))).mean(-1)
    return np.asarray(2 * cov / (a.var(-1) + b.var(-1) + (a.mean(-1) - b.mean(-1)) ** 2))


def _plain_pearson(data: Paired) -> Drawn:
    x, y = data.judge.reshape(PROMPTS, -1), data.people.reshape(PROMPTS, -1)
    return lambda numbers: stats.pearsonr(x[numbers].ravel(), y[numbers].ravel()).statistic
