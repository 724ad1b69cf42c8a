"""Two candidates on the same prompts: paired by prompt, with what was lost on either side.

A prompt counts once, whatever the number of its answers. "Answered" compares the prompts where both have a score; "all
items" gives a candidate's failures (no speech, crash, time-out) the scale's minimum, for a candidate that answers only
what it finds easy must not win by silence. A judge's failure is no number in either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from math import factorial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import sparse, stats

from wavjudge.analysis.stats.agreement import BIAS
from wavjudge.analysis.stats.intervals import ALIKE, RECKONED, Estimate, clipped, estimate, estimate_prepared
from wavjudge.analysis.stats.paired import p_of_zero
from wavjudge.analysis.stats.sums import Additive, Floats, Ints, Paired, ratio
from wavjudge.types import Scale

EXACT_PROMPTS = 16
"""Up to this many prompts (with a difference other than zero) all 2^P flips of sign are counted."""

_MOST_SIGNS, _SIGNS_AT_ONCE = 200_000_000, 4_000_000


@dataclass(frozen=True, slots=True)
class Answers:
    """What one candidate got for its answers on one axis; arrays of shape (answers,).

    score: NaN where there is none. failed: the candidate failed there (then nobody scored). prompt: any labels. why:
    a word for each answer without a score (an outcome, or a status of the judge), if known.
    """

    score: Floats
    failed: npt.NDArray[np.bool_]
    prompt: npt.NDArray[Any]
    why: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class PairedMeans:
    """Means over the prompts that both have, first minus second, in points of the scale.

    p: clustered t; p_permutation: flips of sign, `flips` says how many and whether these are all. How often each
    rejects a true hypothesis: docs/studies.md, "Two equal candidates".
    effect: mean / sd of the prompts' differences (Cohen's d_z), None without spread.
    """

    prompts: int
    mean_first: float | None
    mean_second: float | None
    difference: Estimate
    p: float | None
    p_permutation: float | None
    flips: str
    effect: float | None


@dataclass(frozen=True, slots=True)
class CandidateComparison:
    """answered: prompts with a score on both sides. all_items: with failures at the scale's minimum; None if it has no
    minimum. lost_first: prompts that only the second has a score for, because the first failed, was left unscored by
    the judge, or was never asked; lost_second likewise. lost_both: known on both sides and scored on neither.
    """

    answered: PairedMeans
    all_items: PairedMeans | None
    lost_first: Lost
    lost_second: Lost
    lost_both: int


@dataclass(frozen=True, slots=True)
class Lost:
    """Prompts that one side lost, by reason. words: how many by `Answers.why`; one prompt may stand under several."""

    failed: int
    unscored: int
    not_asked: int
    words: Mapping[str, int] = field(default_factory=dict, repr=False)


def compare_candidates(
    first: Answers, second: Answers, scale: Scale, *, level: float = 0.95, flips: int = 10_000, seed: int = 12345
) -> CandidateComparison:
    """Paired by prompt: mean score of the prompt's answers, first minus second.

    >>> a = Answers(np.array([5.0, 4, 4, 5]), np.zeros(4, bool), np.array(["q1", "q2", "q3", "q4"]))
    >>> b = Answers(np.array([3.0, 4, 3, np.nan]), np.array([False, False, False, True]), a.prompt)
    >>> c = compare_candidates(a, b, Scale(low=1, high=5))
    >>> c.answered.prompts, c.answered.difference.value, c.all_items.difference.value, c.lost_second
    (3, 1.0, 1.75, Lost(failed=1, unscored=0, not_asked=0))
    """
    names, places = np.unique(np.r_[first.prompt, second.prompt], return_inverse=True)
    place_a, place_b = np.split(places.reshape(-1), [len(first.score)])
    a, b = _means(first.score, place_a, len(names)), _means(second.score, place_b, len(names))
    answered, all_items = _paired(a, b, level, flips, seed), None
    if scale.low is not None:
        low_a, low_b = (np.where(side.failed, scale.low, side.score) for side in (first, second))
        filled = _means(low_a, place_a, len(names)), _means(low_b, place_b, len(names))
        same = all(np.array_equal(*two, equal_nan=True) for two in zip(filled, (a, b), strict=True))
        all_items = answered if same else _paired(*filled, level, flips, seed)  # its many flips need not be made twice
    has_a, has_b = np.isfinite(a), np.isfinite(b)
    asked_both = np.isin(np.arange(len(names)), place_a) & np.isin(np.arange(len(names)), place_b)
    return CandidateComparison(
        answered, all_items,
        _lost(first, place_a, ~has_a & has_b), _lost(second, place_b, ~has_b & has_a),
        int((asked_both & ~has_a & ~has_b).sum()),
    )  # fmt: skip


def sign_flip(differences: npt.ArrayLike, *, flips: int = 10_000, seed: int = 12345) -> tuple[float | None, str]:
    """Two-sided p of "differences are as often this way round as that", from the sums under flips of sign.

    Exact up to `EXACT_PROMPTS` differences other than zero (zeros do not change a sum), else (1 + k) / (1 + flips) with
    seeded random flips, k those at least as far from zero. Above 20,000 prompts there are fewer flips, 1,000 at least.

    >>> sign_flip([1, 1, 1, 1, 1, 0])  # 2 of 32
    (0.0625, 'exact, 32 flips')
    """
    d = np.asarray(differences, float)
    if not len(d):
        return None, "no prompts"
    d = d[np.abs(d) > 1e-12]
    seen = abs(float(d.sum())) - 1e-9 * max(1.0, float(np.abs(d).sum()))
    if len(d) <= EXACT_PROMPTS:
        count = 2 ** len(d)
        signs = 1.0 - 2.0 * (np.arange(count)[:, None] >> np.arange(len(d)) & 1)
        return float((np.abs(signs @ d) >= seen).mean()), f"exact, {count} flips"
    flips = min(flips, max(1000, _MOST_SIGNS // len(d)))
    random, rows = np.random.default_rng(seed), max(1, _SIGNS_AT_ONCE // len(d))
    sums = [_flipped(random, min(rows, flips - done), d) for done in range(0, flips, rows)]
    extreme = int((np.abs(np.concatenate(sums)) >= seen).sum())
    return (1 + extreme) / (1 + flips), f"{flips} random flips, seed {seed}"


def _flipped(random: np.random.Generator, times: int, d: Floats) -> Floats:
    # The sum of all, less twice those that are turned round: half the arithmetic of a matrix of signs.
    return np.asarray(d.sum() - 2 * (random.integers(0, 2, (times, len(d)), dtype=np.int8) @ d))


def _paired(a: Floats, b: Floats, level: float, flips: int, seed: int) -> PairedMeans:
    both = np.isfinite(a) & np.isfinite(b)
    d = (a - b)[both]
    if not len(d):
        return PairedMeans(
            0, None, None, Estimate(None, note="no prompt with a score on both sides"), None, None, "", None
        )
    found = estimate(BIAS, Paired(a[both], b[both], np.arange(len(d))), level=level)
    p_flip, how = sign_flip(d, flips=flips, seed=seed)
    sd = float(d.std(ddof=1)) if len(d) > 1 else 0.0
    effect = float(d.mean()) / sd if sd > 1e-12 else None
    means = float(a[both].mean()), float(b[both].mean())
    return PairedMeans(len(d), *means, found, p_of_zero(found, len(d), level), p_flip, how, effect)


def _means(score: Floats, place: npt.NDArray[np.intp], prompts: int) -> Floats:
    """Mean score of each prompt, NaN where it has none."""
    told = np.isfinite(score)
    counts = np.bincount(place[told], minlength=prompts).astype(float)
    return ratio(np.bincount(place[told], score[told], prompts).astype(float), counts)


def _lost(side: Answers, place: npt.NDArray[np.intp], lost: npt.NDArray[np.bool_]) -> Lost:
    """A prompt with any unscored answer that did not fail was lost by the judge, not by the candidate."""
    asked, unscored = np.zeros(len(lost), bool), np.zeros(len(lost), bool)
    asked[place] = True
    unscored[place[~side.failed]] = True
    here = {(int(at), word) for at, word in zip(place, side.why, strict=False) if lost[at] and word}
    words = dict(sorted(Counter(word for _, word in here).items()))
    failed, left, never = (int((lost & known).sum()) for known in (asked & ~unscored, asked & unscored, ~asked))
    return Lost(failed, left, never, words)


# Candidates' means: does the judge put the candidates in the order that people put them in?
#
# Scores pooled over all answers cannot say so: a judge that sees which prompts are easy rises with people over all
# answers and may still order the candidates exactly backwards (Simpson's paradox). So the judge's mean and people's
# mean of each candidate are compared, over the prompts on which every candidate has an answer that both sides scored.
#
# Prompts are a sample, candidates are not: an interval speaks of these candidates on other prompts. Of other
# candidates a handful says little, which `chance` shows: the share of all orders of so many that agree with people as
# well.

MIN_CANDIDATES, MIN_PROMPTS = 3, 12
"""Below which nothing is said of averages: two means correlate by 1 or -1 whatever they are."""

MOST_ORDERS = 7
"""Candidates up to which all orders are looked at: 5,040."""

CLEAR = 0.95
"""A pair of candidates is clearly told apart by people where this interval of the mean difference excludes zero."""

Order = Literal["alike", "turned", "mixed"]
"""Of the pairs of candidates that people clearly tell apart (of all pairs that they order, if there is none): alike,
the judge orders more of them as people do than the other way; turned, it turns more of them around, and does not cease
to when any one candidate is left out; mixed, neither."""

_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class CandidateMeans:
    """names: sorted. judge, people: the mean of each candidate over the shared prompts. prompts: how many these are, of
    `all_prompts`.

    pearson: of the means, with its jackknife-t interval over prompts. spearman: of the means, None where one side does
    not differ. pairs: pairs of candidates whose means people tell apart in any way; agreed: those that the judge orders
    alike; turned: those that it orders the other way; order: what these say. pairwise: on single prompts, the share of
    pairs that people order in which the judge's order is the same. people_differ, judge_differs: p of the hypothesis
    that the candidates' means are equal. chance: the share of orders of so many candidates whose Spearman is as far
    from zero on the same side; None above `MOST_ORDERS`. tau: Kendall's tau-b of the means, None where spearman is.
    """

    names: tuple[str, ...]
    judge: tuple[float, ...]
    people: tuple[float, ...]
    prompts: int
    all_prompts: int
    pearson: Estimate
    spearman: float | None
    pairs: int
    agreed: int
    turned: int
    order: Order
    pairwise: Estimate
    people_differ: float | None
    judge_differs: float | None
    chance: float | None
    tau: float | None


def candidate_means(judge: Floats, people: Floats, candidate: npt.ArrayLike, prompt: Ints) -> CandidateMeans:
    """judge, people: scores of the same answers, shape (n,); candidate, prompt: whose answers, to what.

    >>> judge, people = np.array([2.0, 3, 1, 4, 5, 2]), np.array([3.0, 2, 1, 5, 4, 1])
    >>> found = candidate_means(judge, people, ["a", "b", "c"] * 2, np.array([0, 0, 0, 1, 1, 1]))
    >>> found.people, found.agreed, found.pairs
    ((4.0, 3.0, 1.0), 2, 3)
    """
    names, ours, theirs, every = by_prompt(judge, people, candidate, prompt)
    first, second = (s.mean(axis=0) if len(s) else np.full(len(names), np.nan) for s in (ours, theirs))
    signs, told = _signs(first, second), _signs(second, second) != 0
    rho = _spearman(first, second)
    return CandidateMeans(
        names, tuple(map(float, first)), tuple(map(float, second)), len(ours), every, _pearson(ours, theirs), rho,
        _count(told), _count(signs > 0), _count(signs < 0), _order(signs, _clear(theirs)), _on_prompts(ours, theirs),
        differ(theirs), differ(ours), _chance(second, rho),
        None if rho is None else float(stats.kendalltau(first.round(9), second.round(9)).statistic),
    )  # fmt: skip


def by_prompt(
    judge: Floats, people: Floats, candidate: npt.ArrayLike, prompt: Ints
) -> tuple[tuple[str, ...], Floats, Floats, int]:
    """Names; the judge's and people's mean of each prompt and candidate, shape (prompts, candidates), of the prompts
    that every candidate has; and how many prompts there are in all."""
    names, who = np.unique(np.asarray(candidate, str), return_inverse=True)
    _, where = np.unique(prompt, return_inverse=True)
    shape = (int(where.max()) + 1 if len(where) else 0, len(names))
    cell = where.reshape(-1) * shape[1] + who.reshape(-1)
    counts, *sums = (np.bincount(cell, w, shape[0] * shape[1]).reshape(shape) for w in (None, judge, people))
    whole = (counts > 0).all(axis=1)
    ours, theirs = (side[whole] / counts[whole] for side in sums)
    return tuple(map(str, names)), ours, theirs, shape[0]


@dataclass(frozen=True, slots=True)
class Across:
    """Pearson's r of candidates' means as a function of the prompts' weights; both of shape (prompts, candidates)."""

    judge: Floats
    people: Floats

    def plain(self) -> float:
        return float(self.weighted(np.ones((1, len(self.judge))))[0])

    def without_each(self, groups: Ints) -> Floats:
        # From sums: weights of every group and prompt would be 2 GB for 125,000 prompts.
        sizes = np.bincount(groups)
        rest = (len(groups) - sizes)[:, None]
        members = sparse.csr_array((np.ones(len(groups)), (groups, np.arange(len(groups)))))
        ours, theirs = ((side.sum(axis=0) - members @ side) / rest for side in (self.judge, self.people))
        return correlation(ours, theirs)

    def weighted(self, weights: Floats) -> Floats:
        total = weights.sum(axis=1, keepdims=True)
        return correlation(weights @ self.judge / total, weights @ self.people / total)


def correlation(x: Floats, y: Floats) -> Floats:
    """Pearson's r along the last axis; NaN where one side is constant."""
    x, y = x - x.mean(axis=-1, keepdims=True), y - y.mean(axis=-1, keepdims=True)
    vx, vy = (x * x).sum(-1), (y * y).sum(-1)
    spread = np.sqrt(np.where(vx > _SAME**2, vx, 0.0) * np.where(vy > _SAME**2, vy, 0.0))
    return np.asarray(np.clip(ratio((x * y).sum(-1), spread), -1, 1))


def _pearson(ours: Floats, theirs: Floats) -> Estimate:
    prompts, candidates = ours.shape
    if candidates < MIN_CANDIDATES or not prompts:
        return Estimate(None, note=f"undefined: it takes {MIN_CANDIDATES} candidates with a prompt in common")
    # The angle between the candidates' means on both sides errs alike wherever it lies; Fisher's z runs off to infinity
    # where a handful of means lie on a line by chance.
    found = estimate_prepared(Across(ours, theirs), prompts, "angle", undefined=f"undefined: {flat(ours, theirs)}")
    if found.note != ALIKE:
        return found
    # As in intervals.py: one more prompt, on which the judge puts those in the middle of people's order first and
    # people see no difference: it pulls a perfect line out of line.
    value, order = float(found.value or 0.0), np.argsort(np.argsort(theirs.mean(axis=0), kind="stable"))
    low, high = min(ours.min(), theirs.min()), max(ours.max(), theirs.max())
    row = high - (high - low) * abs(2 * order / (candidates - 1) - 1)
    more = Across(np.vstack([ours, row]), np.vstack([theirs, np.full(candidates, theirs.mean())]))
    reached = estimate_prepared(more, prompts + 1, "angle")
    if reached.low is None or reached.high is None:
        return found
    low, high = min(reached.low, value), max(reached.high, value)
    return clipped(Estimate(value, low, high, found.method, RECKONED), (-1, 1))


def flat(ours: Floats, theirs: Floats) -> str:
    """Which side gives every candidate the same mean.

    >>> flat(np.array([[3.0, 3.0]]), np.array([[1.0, 2.0]]))
    "the judge's mean is the same for every candidate (3.00)"
    """
    said = [f"{whose} mean is the same for every candidate ({mean[0]:.2f})"
            for whose, mean in (("the judge's", ours.mean(axis=0)), ("the labels'", theirs.mean(axis=0)))
            if np.ptp(mean) < _SAME * max(1.0, abs(mean[0]))]  # fmt: skip
    return " and ".join(said) or "the means of one side hardly differ"


def _spearman(first: Floats, second: Floats) -> float | None:
    if len(first) < 2 or not np.isfinite(first).all():
        return None
    rho = float(correlation(stats.rankdata(first.round(9)), stats.rankdata(second.round(9))))
    return rho if np.isfinite(rho) else None


def _signs(first: Floats, second: Floats) -> Floats:
    """Of each pair of candidates: 1 where both sides order it alike, -1 the other way, 0 where one sees no difference;
    shape (candidates, candidates), symmetric."""
    ours, theirs = (np.nan_to_num(np.sign((side[:, None] - side).round(9))) for side in (first, second))
    return np.asarray(ours * theirs)


def _count(pairs: npt.NDArray[np.bool_]) -> int:
    return int(np.triu(pairs, 1).sum())


def _clear(scores: Floats) -> npt.NDArray[np.bool_]:
    """Which pairs of candidates differ by more than noise: Student's t of the paired difference over prompts."""
    prompts, candidates = scores.shape
    if prompts < 2:
        return np.zeros((candidates, candidates), dtype=bool)
    apart = scores.mean(axis=0)[:, None] - scores.mean(axis=0)
    spread = np.cov(scores, rowvar=False).reshape(candidates, candidates)
    variance = np.diag(spread)[:, None] + np.diag(spread) - 2 * spread
    half = stats.t.ppf((1 + CLEAR) / 2, prompts - 1) * np.sqrt(np.maximum(variance, 0.0) / prompts)
    return np.asarray(abs(apart) > half + _SAME)


def _order(signs: Floats, clear: npt.NDArray[np.bool_]) -> Order:
    """signs, clear: of each pair, shape (candidates, candidates).

    >>> turned = -np.ones((3, 3))
    >>> _order(turned, turned < 0), _order(-turned, turned < 0)
    ('turned', 'alike')
    """
    kept = np.where(np.eye(len(signs), dtype=bool) | ~(clear if clear.any() else signs != 0), 0, signs)
    lean = kept.sum() / 2
    if lean > 0:
        return "alike"
    return "turned" if lean < 0 and (lean - kept.sum(axis=1)).max() <= 0 else "mixed"


def _on_prompts(ours: Floats, theirs: Floats) -> Estimate:
    a, b = np.triu_indices(ours.shape[1], 1)
    told = np.sign((theirs[:, a] - theirs[:, b]).round(9))
    alike = (told != 0) & (np.sign((ours[:, a] - ours[:, b]).round(9)) == told)
    parts = np.stack([(told != 0).sum(axis=1), alike.sum(axis=1)], axis=1).astype(float)
    prepared = Additive(parts, lambda sums: ratio(sums[..., 1], sums[..., 0]))
    return estimate_prepared(prepared, len(parts), "logit", undefined="undefined: people see no difference")


def differ(scores: Floats) -> float | None:
    """p of equal means of the candidates: repeated measures F with Greenhouse and Geisser's degrees of freedom.

    scores: shape (prompts, candidates). None under two of either. Where every prompt says the same about the candidates
    p is that of the sign test, 2^(1 - P).

    >>> from scipy.stats import ttest_rel
    >>> x = np.array([[1.0, 2], [2, 4], [3, 3], [2, 5]])
    >>> round(differ(x), 6) == round(float(ttest_rel(x[:, 0], x[:, 1]).pvalue), 6)
    True
    """
    prompts, candidates = scores.shape
    if prompts < 2 or candidates < 2:
        return None
    inner = scores - scores.mean(axis=1, keepdims=True)  # what a prompt adds to all of them is gone
    means = inner.mean(axis=0)
    between = prompts * float(means @ means)
    spread = np.cov(inner, rowvar=False)
    trace = float(np.trace(spread))
    if trace < _SAME:
        return 1.0 if between < _SAME else float(2.0 ** (1 - prompts))
    epsilon = trace**2 / ((candidates - 1) * float((spread * spread).sum()))
    freedom = epsilon * (candidates - 1)
    return float(stats.f.sf(between / trace, freedom, freedom * (prompts - 1)))


def _chance(people: Floats, rho: float | None) -> float | None:
    count = len(people)
    if rho is None or not MIN_CANDIDATES <= count <= MOST_ORDERS:
        return None
    ranks = stats.rankdata(people.round(9))
    orders = np.array(list(permutations(range(1, count + 1))), float)
    found = correlation(orders, np.broadcast_to(ranks, orders.shape)) * (1 if rho >= 0 else -1)
    return float((found >= abs(rho) - _SAME).sum() / factorial(count))
