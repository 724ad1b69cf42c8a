"""Would the judge say the same again? Repeats of one rater on the same answers.

Repeats are nested in answers, answers in prompts. What a ranking inside a prompt needs is that repeats of one answer
differ less than answers to one prompt do; an ICC over all answers is flattered by differences between prompts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wavjudge.analysis.stats.intervals import Estimate, estimate_prepared
from wavjudge.analysis.stats.panel import Panel
from wavjudge.analysis.stats.sums import Additive, Floats, ratio

_TINY = 1e-12
_NOTHING = "undefined: no answer has two fresh repeats, or no prompt two answers, or all scores are equal"


@dataclass(frozen=True, slots=True)
class Repeatability:
    """repeats: the K that `icc_k` speaks of. n: answers with two fresh repeats or more; n_cached: repeats left out.

    icc_within: share of one repeat's variance, inside a prompt, that is the answer's; icc_k: of the mean of K repeats.
    icc_overall: the same over all answers, prompts ignored (flattered). sd_within: of repeats of one answer, in points.
    label: empty, or what stands in the way of reading this as the judge's noise.
    """

    repeats: int
    n: int
    n_cached: int
    icc_within: Estimate
    icc_k: Estimate
    icc_overall: Estimate
    sd_within: Estimate
    label: str


def repeatability(
    scores: npt.ArrayLike, prompt: npt.ArrayLike, *, cached: npt.ArrayLike | None = None,
    temperature: float | None = None, repeats: int | None = None,
) -> Repeatability:  # fmt: skip
    """From scores of shape (n answers, K repeats), NaN where a repeat gave none.

    cached: same shape, True for a repeat served from a cache: left out and counted, since a copy repeats perfectly.
    repeats: the K for Spearman-Brown, by default the number of columns.

    >>> found = repeatability([[1, 2], [4, 5], [2, 2], [5, 4]], ["a", "a", "b", "b"])
    >>> found.icc_within.value, round(found.icc_k.value, 4), round(found.sd_within.value, 4)
    (0.90625, 0.9508, 0.6124)
    """
    table = np.array(scores, float)
    copies = np.zeros(table.shape, bool) if cached is None else np.asarray(cached, bool)
    n_cached = int((copies & np.isfinite(table)).sum())
    table[copies] = np.nan
    given = np.isfinite(table).any(axis=1)
    panel = Panel.of(table, prompt).taken(given)
    times = repeats or table.shape[1]
    n = int((np.isfinite(table).sum(axis=1) > 1).sum())
    figures = _figures(panel, times) if n else [Estimate(None, note=_NOTHING)] * 4
    within, at_k, overall, spread = figures
    return Repeatability(times, n, n_cached, within, at_k, overall, spread, _label(n_cached, temperature))


def spearman_brown(single: Floats, times: int) -> Floats:
    """Reliability of the mean of `times` repeats: K r / (1 + (K - 1) r).

    >>> float(spearman_brown(np.array(0.5), 3))
    0.75
    """
    return ratio(times * single, 1 + (times - 1) * single)


def _label(n_cached: int, temperature: float | None) -> str:
    labels = [f"{n_cached} cached repeats left out"] if n_cached else []
    if temperature == 0:
        labels.append("temperature 0: how steady the service is, not how sure the judge")
    return "; ".join(labels)


def _figures(panel: Panel, times: int) -> list[Estimate]:
    nested, flat = _nested(panel), _flat(panel)
    prepared = (
        Additive(nested, lambda sums: _icc(*_variances(*np.moveaxis(sums, -1, 0)))),
        Additive(nested, lambda sums: spearman_brown(_icc(*_variances(*np.moveaxis(sums, -1, 0))), times)),
        Additive(flat, lambda sums: _icc(*_variances(*_around_one_mean(sums)))),
        Additive(nested, lambda sums: np.sqrt(ratio(sums[..., 1], sums[..., 0]))),
    )
    return [estimate_prepared(each, panel.prompts, undefined=_NOTHING) for each in prepared]


def _icc(of_answers: Floats, of_repeats: Floats) -> Floats:
    return ratio(of_answers, of_answers + of_repeats)


def _variances(df_error: Floats, error: Floats, df: Floats, between: Floats, size: Floats) -> tuple[Floats, Floats]:
    """Variance of answers and of repeats from sums of squares; size / df is what a mean square multiplies by."""
    of_repeats = ratio(error, df_error)
    return ratio(ratio(between, df) - of_repeats, ratio(size, df)), of_repeats


def _answers(panel: Panel) -> tuple[Floats, Floats, Floats]:
    """Per answer: number of repeats K, their sum T, their squared deviations from T / K. Scores centred first."""
    given = np.isfinite(panel.ratings)
    k = given.sum(axis=1).astype(float)
    x = np.where(given, panel.ratings - np.nanmean(panel.ratings), 0.0)
    total = x.sum(axis=1)
    error = (np.where(given, x - (total / k)[:, None], 0.0) ** 2).sum(axis=1)
    return k, total, np.where(error > _TINY, error, 0.0)


def _nested(panel: Panel) -> Floats:
    """Per prompt: degrees of freedom and squares within answers; the same between its answers; their size."""
    k, total, error = _answers(panel)
    n, answers, sums, squares, within, k2 = panel.per_prompt(k, k > 0, total, total**2 / k, error, k * k).T
    between = squares - sums**2 / n
    return np.stack([n - answers, within, answers - 1, np.where(between > _TINY, between, 0.0), n - k2 / n], axis=1)


def _flat(panel: Panel) -> Floats:
    k, total, error = _answers(panel)
    return panel.per_prompt(k, np.ones_like(k), total, total**2 / k, error, k * k)


def _around_one_mean(sums: Floats) -> tuple[Floats, ...]:
    n, answers, total, squares, within, k2 = np.moveaxis(sums, -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        between = squares - total**2 / n
        return n - answers, within, answers - 1, np.where(between > _TINY, between, 0.0), n - k2 / n
