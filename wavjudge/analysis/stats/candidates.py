"""Two candidates on the same prompts: paired by prompt, with what was lost on either side.

A prompt counts once, whatever the number of its answers. "Answered" compares the prompts where both have a score; "all
items" gives a candidate's failures (no speech, crash, time-out) the scale's minimum, for a candidate that answers only
what it finds easy must not win by silence. A judge's failure is no number in either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from wavjudge.analysis.stats.agreement import BIAS
from wavjudge.analysis.stats.intervals import Estimate, estimate
from wavjudge.analysis.stats.paired import p_of_zero
from wavjudge.analysis.stats.sums import Floats, Paired, ratio
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
