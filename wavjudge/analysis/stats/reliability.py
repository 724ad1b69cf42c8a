"""How far people agree among themselves: Krippendorff's alpha, the intraclass correlations, and what follows from them.

All are functions of sums over prompts, so their intervals are those of every other statistic here: delete-one-prompt
jackknife-t, without a transformation (docs/studies.md, "People among themselves"). `leave_one_out.py` measures each
person, and the judge beside him; `Repeatability` one rater's repeats.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from wavjudge.analysis.stats.agreement import PEARSON, midranks
from wavjudge.analysis.stats.intervals import Estimate, estimate_prepared, one_side
from wavjudge.analysis.stats.panel import Panel
from wavjudge.analysis.stats.sums import Additive, ByWeights, Floats, Ints, Joint, Prepared, ratio, where_both

_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Reliability:
    """What people reach among themselves, on one axis.

    n: subjects rated at all; n_two: by two people or more (alpha uses these); n_complete: by everybody (ICC uses
    these). alpha_*: Krippendorff's. icc_1_1: subjects rated by interchangeable strangers; icc_a_*: absolute agreement
    of these raters' peers; icc_c_*: agreement up to each rater's generosity; *_1: of one person, *_k of the mean of k.
    """

    raters: int
    prompts: int
    n: int
    n_two: int
    n_complete: int
    alpha_nominal: Estimate
    alpha_ordinal: Estimate
    alpha_interval: Estimate
    icc_1_1: Estimate
    icc_a_1: Estimate
    icc_a_k: Estimate
    icc_c_1: Estimate
    icc_c_k: Estimate


def reliability(panel: Panel) -> Reliability:
    """Every figure of `Reliability` with its interval over prompts.

    >>> both = reliability(Panel.of([[1, 2], [2, 3], [3, 4], [4, 5]], ["a", "b", "c", "d"]))
    >>> both.icc_c_1.value, round(both.icc_a_1.value, 4), round(both.alpha_interval.value, 4)
    (1.0, 0.7692, 0.7083)
    """
    counts = np.isfinite(panel.ratings).sum(axis=1)
    return Reliability(
        raters=panel.k,
        prompts=panel.prompts,
        n=int((counts > 0).sum()),
        n_two=int((counts > 1).sum()),
        n_complete=int(panel.complete.sum()),
        alpha_nominal=alpha(panel, "nominal"),
        alpha_ordinal=alpha(panel, "ordinal"),
        alpha_interval=alpha(panel, "interval"),
        icc_1_1=icc(panel, "1,1"),
        icc_a_1=icc(panel, "A,1"),
        icc_a_k=icc(panel, "A,k"),
        icc_c_1=icc(panel, "C,1"),
        icc_c_k=icc(panel, "C,k"),
    )


Squares = tuple[Floats, Floats, Floats, Floats, Floats, int]
"""Mean squares of subjects (R), raters (C), error (E) and within subjects (W); number of subjects n and of raters k."""


def _share(part: Floats, whole: Floats) -> Floats:
    # A whole that cancels out (ratings have variance 1) leaves a rounding error, not something to divide by.
    return ratio(part, np.where(whole > 1e-11, whole, 0.0))


def _icc_1_1(squares: Squares) -> Floats:
    r, _, _, w, _, k = squares
    return _share(r - w, r + (k - 1) * w)


def _icc_a_1(squares: Squares) -> Floats:
    r, c, e, _, n, k = squares
    return _share(r - e, r + (k - 1) * e + k * (c - e) / n)


def _icc_a_k(squares: Squares) -> Floats:
    r, c, e, _, n, _ = squares
    return _share(r - e, r + (c - e) / n)


def _icc_c_1(squares: Squares) -> Floats:
    r, _, e, _, _, k = squares
    return _share(r - e, r + (k - 1) * e)


def _icc_c_k(squares: Squares) -> Floats:
    r, _, e, _, _, _ = squares
    return _share(r - e, r)


ICC: dict[str, Callable[[Squares], Floats]] = {
    "1,1": _icc_1_1,
    "A,1": _icc_a_1,
    "A,k": _icc_a_k,
    "C,1": _icc_c_1,
    "C,k": _icc_c_k,
}
"""The intraclass correlations by McGraw and Wong's names; 1,1 is Shrout and Fleiss's ICC1, A,1 ICC2, C,1 ICC3."""


def icc(panel: Panel, form: str = "A,1") -> Estimate:
    """One of `ICC`, from the two-way mean squares of the subjects that everybody rated; the note says how many."""
    complete = panel.taken(panel.complete)
    if panel.k < 2 or len(complete.prompt) < 2:
        return Estimate(None, note=f"undefined: {len(complete.prompt)} subjects rated by all of {panel.k} people")
    found = estimate_prepared(_icc(complete, form), complete.prompts, undefined="undefined: all subjects are alike")
    return _noted(at_most_one(found), len(complete.prompt), len(panel.prompt))


def _icc(complete: Panel, form: str) -> Prepared:
    x = complete.ratings - complete.ratings.mean()
    x = x / (max(x.std(), 1e-9 * np.abs(complete.ratings).max()) or 1.0)  # rounding errors stay below _TINY
    rows = x.sum(axis=1)
    parts = complete.per_prompt(np.ones_like(rows), rows * rows, (x * x).sum(axis=1), *x.T)
    return Additive(parts, lambda sums: ICC[form](_mean_squares(sums)))


def _mean_squares(sums: Floats) -> Squares:
    n, rows, squares, columns = sums[..., 0], sums[..., 1], sums[..., 2], sums[..., 3:]
    k = columns.shape[-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        middle = columns.sum(-1) ** 2 / (n * k)
        total, of_rows, of_columns = squares - middle, rows / k - middle, (columns**2).sum(-1) / n - middle
        # What rounding leaves of nothing is nothing.
        error, within = (np.where(part > _TINY * n, part, 0.0) for part in (
            total - of_rows - of_columns, total - of_rows))  # fmt: skip
        of_rows = np.where(of_rows > _TINY * n, of_rows, 0.0)
        return of_rows / (n - 1), of_columns / (k - 1), error / (n - 1) / (k - 1), within / n / (k - 1), n, k


def _noted(found: Estimate, used: int, of: int) -> Estimate:
    if used == of:
        return found
    note = f"from the {used} of {of} subjects that everybody rated"
    return replace(found, note=f"{found.note}; {note}" if found.note else note)


def corrected_correlation(judge: Floats, panel: Panel, *, judge_reliability: float = 1.0) -> Estimate:
    """What Pearson's r of judge and people would be if people were measured without error (Spearman, 1904).

    r(judge, mean of people) / sqrt(ICC(C,k) * judge_reliability), on the subjects that the judge and everybody rated;
    judge: shape (n,), NaN where unscored. It may exceed 1 by chance; undefined where ICC(C,k) is not positive.
    Never beside an uncorrected figure without its name.
    """
    both = panel.complete & np.isfinite(judge)
    chosen = panel.taken(both)
    if panel.k < 2 or len(chosen.prompt) < 2:
        return Estimate(None, note=f"undefined: {len(chosen.prompt)} subjects rated by the judge and all people")
    r = where_both(PEARSON, judge[both], chosen.mean(), chosen.prompt)
    assert r is not None
    joint = Joint((r, _icc(chosen, "C,k")), lambda v: _attenuation(v[0], v[1] * judge_reliability))
    flat = one_side(judge[both], chosen.mean())
    undefined = (
        f"undefined: {flat or 'people do not agree beyond chance, so their mean has no reliability to divide by'}"
    )
    return _noted(estimate_prepared(joint, chosen.prompts, undefined=undefined), len(chosen.prompt), len(panel.prompt))


def _attenuation(r: Floats, of_people: Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        return ratio(r, np.sqrt(of_people))


# Krippendorff's alpha: how far people agree beyond chance, whoever of them rated what.
#
# A function of sums over prompts in each of its metrics: moments (interval), counts of the categories (nominal), or
# the table of coincidences (ordinal), whose margins decide the midranks.

Metric = Literal["nominal", "ordinal", "interval"]
MAX_CELLS = 30_000_000
"""Prompts x cells of the table of coincidences above which ordinal alpha is computed one weighting at a time."""

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


# Would the judge say the same again? Repeats of one rater on the same answers.
#
# Repeats are nested in answers, answers in prompts. What a ranking inside a prompt needs is that repeats of one
# answer differ less than answers to one prompt do; an ICC over all answers is flattered by differences between
# prompts.

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
        Additive(nested, lambda sums: _icc_of_repeats(*_variances(*np.moveaxis(sums, -1, 0)))),
        Additive(nested, lambda sums: spearman_brown(_icc_of_repeats(*_variances(*np.moveaxis(sums, -1, 0))), times)),
        Additive(flat, lambda sums: _icc_of_repeats(*_variances(*_around_one_mean(sums)))),
        Additive(nested, lambda sums: np.sqrt(ratio(sums[..., 1], sums[..., 0]))),
    )
    return [estimate_prepared(each, panel.prompts, undefined=_NOTHING) for each in prepared]


def _icc_of_repeats(of_answers: Floats, of_repeats: Floats) -> Floats:
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
