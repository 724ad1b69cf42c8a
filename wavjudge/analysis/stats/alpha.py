"""Krippendorff's alpha: how far people agree beyond chance, whoever of them rated what.

A function of sums over prompts in each of its metrics: moments (interval), counts of the categories (nominal), or the
table of coincidences (ordinal), whose margins decide the midranks.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from wavjudge.analysis.stats.intervals import Estimate, estimate_prepared
from wavjudge.analysis.stats.panel import Panel
from wavjudge.analysis.stats.ranks import midranks
from wavjudge.analysis.stats.sums import Additive, ByWeights, Floats, Ints, Prepared, ratio

Metric = Literal["nominal", "ordinal", "interval"]
MAX_CELLS = 30_000_000
"""Prompts x cells of the table of coincidences above which ordinal alpha is computed one weighting at a time."""

_TINY = 1e-12
_ALL_EQUAL, _ALONE = "undefined: all ratings are equal", "undefined: no answer was rated by two people"


def alpha(panel: Panel, metric: Metric = "ordinal") -> Estimate:
    """Krippendorff's alpha = 1 - Do / De over subjects with two ratings or more; missing ratings are fine.

    Do = 1/n sum_u S(u) / (m_u - 1) and De = S(all) / (n (n - 1)), with S the sum of squared differences over ordered
    pairs: 1 for unequal categories (nominal), scores' (interval), or those of midranks over all n ratings (ordinal).
    """
    two = panel.taken(np.isfinite(panel.ratings).sum(axis=1) > 1)
    if not two.prompts:
        return Estimate(None, note=_ALONE)
    prepared = {"nominal": _nominal, "ordinal": _ordinal, "interval": _interval}[metric](two)
    return at_most_one(estimate_prepared(prepared, two.prompts, undefined=_ALL_EQUAL))


def _interval(panel: Panel) -> Prepared:
    return Additive(_moments(panel, _standard(panel.ratings)), _alpha_of_moments)


def _standard(scores: Floats) -> Floats:
    # Around their mean and in units of their spread, so that rounding errors stay below _TINY on any scale.
    return (scores - np.nanmean(scores)) / (max(np.nanstd(scores), 1e-9 * np.nanmax(np.abs(scores))) or 1.0)


def _moments(panel: Panel, scores: Floats) -> Floats:
    """Per prompt: number of ratings, their sum, sum of squares, and sum of S(u) / (m_u - 1)."""
    present = np.isfinite(scores)
    x, m = np.where(present, scores, 0.0), present.sum(axis=1)
    total, squares = x.sum(axis=1), (x * x).sum(axis=1)
    return panel.per_prompt(m, total, squares, 2 * (m * squares - total * total) / (m - 1))


def _alpha_of_moments(sums: Floats) -> Floats:
    n, total, squares, observed = np.moveaxis(sums, -1, 0)
    spread = 2 * (n * squares - total * total)
    return 1 - ratio((n - 1) * observed, np.where(spread > _TINY * n * n, spread, 0.0))


def _nominal(panel: Panel) -> Prepared:
    counts = _counts(panel)
    m = counts.sum(axis=1)
    observed = (m * m - (counts * counts).sum(axis=1)) / (m - 1)
    return Additive(panel.per_prompt(observed, *counts.T), _alpha_of_counts)


def _alpha_of_counts(sums: Floats) -> Floats:
    observed, counts = sums[..., 0], sums[..., 1:]
    n = counts.sum(-1)
    return 1 - ratio((n - 1) * observed, n * n - (counts * counts).sum(-1))


def _ordinal(panel: Panel) -> Prepared:
    codes, categories = _codes(panel)
    if panel.prompts * categories**2 > MAX_CELLS:
        return ByWeights(panel.prompts, lambda weights: _alpha_of_ranks(panel, codes, weights))
    counts = _counts(panel)
    share = counts / (counts.sum(axis=1, keepdims=True) - 1)
    cells = [counts[:, c] * share[:, k] - (share[:, c] if c == k else 0.0)
             for c in range(categories) for k in range(categories)]  # fmt: skip
    return Additive(panel.per_prompt(*cells), lambda sums: _alpha_of_coincidences(sums, categories))


def _alpha_of_coincidences(sums: Floats, categories: int) -> Floats:
    """From coincidences (..., C * C): how often c and k meet in a subject, each of its m ratings counting once."""
    table = sums.reshape(*sums.shape[:-1], categories, categories)
    counts = table.sum(-1)
    n = counts.sum(-1)
    score = midranks(counts) - n[..., None] / 2  # around their mean, so that sum(counts * score) is 0
    within = (counts * score**2).sum(-1)
    observed = within - np.einsum("...c,...ck,...k->...", score, table, score)
    return 1 - ratio((n - 1) * observed, np.where(within > 1e-9, n * within, 0.0))


def _alpha_of_ranks(panel: Panel, codes: Ints, weights: Floats) -> float:
    given = codes >= 0
    counts = np.bincount(codes[given], np.broadcast_to(weights[panel.prompt][:, None], codes.shape)[given]).astype(
        float
    )
    score = midranks(counts)
    ranks = np.where(given, score[codes] - counts.sum() / 2, np.nan)
    return float(_alpha_of_moments(weights @ _moments(panel, ranks)))


def _codes(panel: Panel) -> tuple[Ints, int]:
    """The number of each rating's category, -1 where missing, and how many categories there are."""
    given = np.isfinite(panel.ratings)
    codes = np.full(panel.ratings.shape, -1)
    values, codes[given] = np.unique(panel.ratings[given], return_inverse=True)
    return codes, len(values)


def _counts(panel: Panel) -> Floats:
    """How often each category was given to each subject: (n, C)."""
    codes, categories = _codes(panel)
    return np.stack([(codes == c).sum(axis=1) for c in range(categories)], axis=1).astype(float)


def at_most_one(found: Estimate) -> Estimate:
    """An interval without transformation, cut where the figure ends."""
    return found if found.high is None else replace(found, high=min(found.high, 1.0))
