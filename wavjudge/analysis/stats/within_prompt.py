"""Agreement inside a prompt, among several answers to it: what a reward and a pairwise preference need.

A prompt's rank correlation exists only where both sides differ within it. The paper's Intra-ID Spearman is the mean
over the prompts where it exists; a judge that gives everybody a 4 makes the rest vanish without lowering it. So
the same mean with zeros for the prompts where people differ and the judge does not stands beside it, and the counts of
both. Kendall's tau-b per prompt and the gain of choosing by the judge stand further down.

    >>> INTRA_ID_TAU.of(Paired.of([1, 2, 3, 1, 2], [1, 3, 2, 4, 4], [0, 0, 0, 1, 1]))  # (2 - 1) / 3, and none
    0.3333333333333333
    >>> two_prompts = Paired.of([3, 1, 2, 5, 5, 1], [4, 1, 1, 2, 4, 3], [0, 0, 0, 1, 1, 1])
    >>> round(BEST_OF_N.of(two_prompts), 4)  # gains 4 - 2 of 4 - 2, and (2 + 4) / 2 - 3 of 4 - 3: 2 of 3 points
    0.6667
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wavjudge.analysis.stats.sums import Floats, Ints, Paired, additive, per_prompt, ratio

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Groups:
    """Prompts with two answers or more, by whether their rank correlation exists.

    defined: both sides differ. judge_constant: people differ, the judge does not. people_constant: the people do not.
    """

    defined: int
    judge_constant: int
    people_constant: int


def groups(data: Paired) -> Groups:
    """How many prompts tell something about ranking inside a prompt."""
    sizes, _, judge_differs, people_differ = _per_prompt_rho(data)
    several = sizes >= 2
    return Groups(
        int((several & judge_differs & people_differ).sum()),
        int((several & ~judge_differs & people_differ).sum()),
        int((several & ~people_differ).sum()),
    )


def _intra(data: Paired) -> Floats:
    """Per prompt: is rho defined; rho or 0."""
    _, rho, judge_differs, people_differ = _per_prompt_rho(data)
    defined = judge_differs & people_differ
    return np.stack([defined, np.where(defined, rho, 0.0)], axis=1).astype(float)


def _zero_filled(data: Paired) -> Floats:
    """Per prompt: do people differ; rho, or 0 where the judge does not."""
    _, rho, judge_differs, people_differ = _per_prompt_rho(data)
    return np.stack([people_differ, np.where(judge_differs & people_differ, rho, 0.0)], axis=1).astype(float)


def _mean_rho(sums: Floats) -> Floats:
    return ratio(sums[..., 1], sums[..., 0])


INTRA_ID_SPEARMAN = additive("intra_id_spearman", _intra, _mean_rho, limits=(-1, 1), contrary="order", heeded=True)
"""Mean over prompts of Spearman's rho among the prompt's answers, where it is defined (WavAlign, arXiv 2604.14932)."""

INTRA_ID_ZERO_FILLED = additive(
    "intra_id_zero_filled", _zero_filled, _mean_rho, limits=(-1, 1), contrary="order", heeded=True
)
"""The same over all prompts where people differ; a judge that does not differ there counts as rho = 0."""


def _pairs(data: Paired) -> Floats:
    first, second = within_prompt_pairs(data.prompt)
    agree = np.sign(data.judge[first] - data.judge[second]) == np.sign(data.people[first] - data.people[second])
    prompt = data.prompt[first]
    return np.stack(
        [np.bincount(prompt, minlength=data.prompts), np.bincount(prompt, agree, data.prompts)], axis=1
    ).astype(float)


WITHIN_PROMPT_ACCURACY = additive(
    "within_prompt_accuracy", _pairs, lambda sums: ratio(sums[..., 1], sums[..., 0]), "logit"
)
"""Share of pairs of answers to one prompt on whose order (first better, second better, tied) judge and people agree,
pooled over prompts (acc_eq of "Ties Matter", arXiv 2305.14324, without tie calibration)."""


TIE_FOLDS = 5
"""Folds of prompts: what counts as a tie in one of them is learnt on the others."""


def _tie_calibrated(data: Paired) -> Floats:
    first, second = within_prompt_pairs(data.prompt)
    prompt, apart = data.prompt[first], abs(data.judge[first] - data.judge[second]).round(9)
    order = np.sign(data.people[first] - data.people[second])
    folds = min(TIE_FOLDS, data.prompts)
    if folds < 2 or not len(first):
        return np.zeros((data.prompts, 2))  # nothing to learn from: undefined
    as_told = np.sign(data.judge[first] - data.judge[second]) == order
    epsilon = _tie_thresholds(apart, order == 0, as_told & (apart > 0), prompt % folds, folds)[prompt % folds]
    agree = np.where(apart <= epsilon, order == 0, as_told)
    return np.stack([np.bincount(prompt, minlength=data.prompts), np.bincount(prompt, agree, data.prompts)], 1)


def _tie_thresholds(apart: Floats, tied: Bools, as_told: Bools, fold: Ints, folds: int) -> Floats:
    """Per fold, the difference up to which pairs of the other folds are best taken for ties; shape (folds,).

    Candidates are the differences that occur, and 0; of equally good ones the smallest.
    """
    values, place = np.unique(np.r_[0.0, apart], return_inverse=True)
    cell = fold * len(values) + place.reshape(-1)[1:]
    # At a threshold right are: tied pairs up to it, and pairs told right beyond it.
    gains = np.bincount(cell, tied.astype(float) - as_told, folds * len(values)).reshape(folds, -1)
    right = np.cumsum(gains.sum(axis=0) - gains, axis=1)
    return np.asarray(values[np.argmax(right, axis=1)])


WITHIN_PROMPT_TIE_CALIBRATED = additive(
    "within_prompt_tie_calibrated", _tie_calibrated, lambda sums: ratio(sums[..., 1], sums[..., 0]), "logit"
)
"""The same share where judge scores no further apart than epsilon count as tied ("Ties Matter"). Epsilon is learnt on
the other four fifths of the prompts, so a pair never helps to choose its own; in intervals it stands still."""


def within_prompt_pairs(prompt: Ints) -> tuple[Ints, Ints]:
    """All pairs of items of one prompt, as two arrays of item numbers.

    >>> within_prompt_pairs(np.array([0, 1, 0, 0]))
    (array([0, 0, 2]), array([2, 3, 3]))
    """
    order = np.argsort(prompt, kind="stable")
    sizes = np.bincount(prompt)
    end = np.cumsum(sizes)
    # Each item is the first of as many pairs as items follow it in its prompt.
    follow = np.repeat(end, sizes) - np.arange(len(order)) - 1
    first = np.repeat(np.arange(len(order)), follow)
    second = first + 1 + np.arange(len(first)) - np.repeat(np.cumsum(follow) - follow, follow)
    return order[first], order[second]


def _per_prompt_rho(data: Paired) -> tuple[Ints, Floats, np.ndarray, np.ndarray]:
    """Per prompt: size, rho (0 where undefined), does the judge differ, do people differ."""
    x, y = (_ranks_within(scores, data.prompt) for scores in (data.judge, data.people))
    n, sx, sy, sxx, syy, sxy = per_prompt(data, np.ones(data.n), x, y, x * x, y * y, x * y).T
    vx, vy, cov = sxx - sx * sx / n, syy - sy * sy / n, sxy - sx * sy / n
    judge_differs, people_differ = vx > 1e-9, vy > 1e-9
    return n.astype(np.intp), np.nan_to_num(ratio(cov, np.sqrt(vx * vy))), judge_differs, people_differ


def _ranks_within(scores: Floats, prompt: Ints) -> Floats:
    """Midranks of each score among the scores of its prompt."""
    order = np.lexsort((scores, prompt))
    s, p = scores[order], prompt[order]
    new_run = np.r_[True, (s[1:] != s[:-1]) | (p[1:] != p[:-1])]
    run = np.cumsum(new_run) - 1
    first = np.flatnonzero(new_run)
    length = np.diff(np.r_[first, len(s)])
    ranks = np.empty(len(s))
    ranks[order] = (first + (length - 1) / 2)[run]
    # Positions count from the start of the table; correlation within a prompt does not see the offset, but
    # rounding would, so it is taken off.
    sizes = np.bincount(prompt)
    return ranks - (np.cumsum(sizes) - sizes)[prompt]


# Kendall's tau-b among the answers to one prompt, averaged over prompts (tau "per item").
#
# The convention of the dialogue metrics on Topical-Chat and of G-Eval on SummEval: a prompt on which one side gives
# one score throughout has no tau and is left out of the mean. The head of this file says what that hides; the
# zero-filled Intra-ID is the figure that counts such prompts.


def taus(data: Paired) -> Floats:
    """Per prompt: is tau defined; tau or 0; (P, 2)."""
    first, second = within_prompt_pairs(data.prompt)
    judge, people = (np.sign((side[first] - side[second]).round(9)) for side in (data.judge, data.people))
    order, ours, theirs = (
        np.bincount(data.prompt[first], weights, data.prompts).astype(float)
        for weights in (judge * people, judge**2, people**2)
    )
    found = ratio(order, np.sqrt(ours * theirs))
    return np.stack([np.isfinite(found), np.nan_to_num(found)], axis=1).astype(float)


INTRA_ID_TAU = additive(
    "intra_id_tau", taus, lambda sums: ratio(sums[..., 1], sums[..., 0]), limits=(-1, 1), contrary="order", heeded=True
)
"""Mean over prompts of tau-b = (concordant - discordant) / sqrt(pairs untied by the judge * pairs untied by people)."""


# What choosing by the judge gains: people's score of the judge's favourite among the answers to one prompt.
#
# Whoever trains or re-ranks by a judge asks for this. Of the answers to one prompt the judge's favourite is taken
# (where several share its highest score, each of them equally often). It gains people's score of the favourite less
# the mean of all answers to the prompt, which is what choosing blindly gets. The most that could be gained is the
# best answer's score less the mean. `best_of_n` is the sum of the first over all prompts divided by the sum of the
# second: 1 chooses as well as people themselves, 0 is as good as blind, below 0 worse than blind.
#
# A ratio of sums, not a mean of ratios: a prompt counts by how much there is to gain, in points of the scale. A
# prompt whose answers are all good to within a tenth of a point would else weigh as much as one where a good answer
# stands among bad ones; and one on which people see no difference has no ratio, and rightly counts for nothing here.

_SAME = 1e-9


def _gains(data: Paired) -> Floats:
    """Per prompt: what the best answer gains over the mean, what the judge's favourite gains; (P, 2)."""
    chosen = data.judge >= _highest(data.judge, data)[data.prompt] - _SAME
    n, total, k, of_chosen = per_prompt(data, np.ones(data.n), data.people, chosen, np.where(chosen, data.people, 0)).T
    mean = total / n
    parts = np.stack([_highest(data.people, data) - mean, of_chosen / k - mean], axis=1)
    parts[parts[:, 0] < _SAME] = 0.0
    usual = parts[:, 0].sum() / max(int((parts[:, 0] > 0).sum()), 1)
    # In the unit of a usual prompt, so that one prompt more or less is one.
    return np.asarray(parts / usual) if usual > 0 else parts


def _highest(scores: Floats, data: Paired) -> Floats:
    found = np.full(data.prompts, -np.inf)
    np.maximum.at(found, data.prompt, scores)
    return found


BEST_OF_N = additive(
    "best_of_n", _gains, lambda sums: ratio(sums[..., 1], sums[..., 0]), limits=(-np.inf, 1), contrary="order"
)
"""Share of the possible gain that choosing by the judge gets. Undefined where people nowhere see a difference."""
