"""How far people agree among themselves: Krippendorff's alpha, the intraclass correlations, and what follows from them.

All are functions of sums over prompts, so their intervals are those of every other statistic here: delete-one-prompt
jackknife-t, without a transformation (docs/studies.md, "People among themselves"). `leave_one_out.py` measures each
person, and the judge beside him; `repeatability.py` one rater's repeats.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from wavjudge.analysis.stats.agreement import PEARSON
from wavjudge.analysis.stats.alpha import alpha, at_most_one
from wavjudge.analysis.stats.intervals import Estimate, estimate_prepared
from wavjudge.analysis.stats.joint import Joint, where_both
from wavjudge.analysis.stats.panel import Panel
from wavjudge.analysis.stats.sums import Additive, Floats, Prepared, ratio
from wavjudge.analysis.stats.undefined import one_side

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
