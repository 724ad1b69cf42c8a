"""The alternative annotator test: may the judge stand in for a person of this panel?

Calderon, Reichart and Dror, arXiv 2501.10970, with one change (statistics.md, ruling 6): the means of prompts are what
is tested, since answers to one prompt are not independent and a test on answers finds too much.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from wavjudge.analysis.panel import Panel
from wavjudge.analysis.sums import Floats, ratio
from wavjudge.errors import InputError

Score = Literal["accuracy", "rmse"]
"""How well x fits the other people's a on a subject: share of x == a, or -sqrt(mean (x - a)^2)."""

EPSILONS = (0.0, 0.05, 0.10, 0.15, 0.20, 0.25)
"""The advantage granted to the judge, on a grid. The authors advise .2 against experts, .15 skilled, .1 crowd."""

MIN_PROMPTS = 6
"""Prompts below which a person is not tested: 2^-5 could not be rejected at .05 among three people even if all won."""

T_TEST_FROM = 30
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Opponent:
    """The judge against one person, measured by the agreement of each with the other people; means of prompt means.

    judge_wins: share of subjects where the judge fits the others at least as well (ties count); person_wins: likewise;
    ties: share of both. p_value: of the null hypothesis person_wins - judge_wins >= epsilon; rejected: after
    Benjamini-Yekutieli over the panel, so the judge holds its own against this person.
    """

    rater: str
    n: int
    prompts: int
    judge_wins: float
    person_wins: float
    ties: float
    p_value: float
    rejected: bool
    test: Literal["t", "sign-flip"]


@dataclass(frozen=True, slots=True)
class Alternative:
    """Outcome of the test.

    omega: share of people against whom the judge holds its own. passed: omega >= .5, or None where there is no verdict
    (fewer than three people tested). rho: mean of judge_wins, to rank judges. ties: their rate; they make rho large.

    epsilon, score and q were fixed beforehand and belong to the result; `passed_at` is for the reader: epsilon, omega,
    passed. not_tested: people with too few prompts.
    """

    epsilon: float
    score: Score
    q: float
    opponents: tuple[Opponent, ...]
    omega: float | None
    passed: bool | None
    rho: float | None
    ties: float | None
    passed_at: tuple[tuple[float, float, bool], ...]
    not_tested: tuple[str, ...]


def alternative(judge: Floats, panel: Panel, *, epsilon: float, score: Score, q: float = 0.05) -> Alternative:
    """The test. judge: shape (n,), NaN where unscored. A subject counts for a person if he, the judge and somebody
    else rated it.

    The null hypothesis of person j is mean(person wins - judge wins) >= epsilon over prompts: one-sided t test from
    30 prompts on, exact sign-flip test below, or where all prompts are alike.

    >>> people = Panel.of(np.tile([[1.0], [3], [5], [2], [4], [2], [3]], 3), range(7))
    >>> outcome = alternative(people.mean(), people, epsilon=0.2, score="accuracy")
    >>> outcome.omega, outcome.ties, outcome.opponents[0].p_value
    (1.0, 1.0, 0.0078125)
    >>> alternative(people.mean(), people, epsilon=0.0, score="accuracy").omega
    0.0
    """
    if not 0 <= epsilon < 1 or not 0 < q < 1:
        raise InputError(
            f"epsilon {epsilon}, q {q}", todo="epsilon is a share of subjects, 0 to below 1; q lies in 0-1"
        )
    judge = np.asarray(judge, float)
    contests = [_contest(judge, panel, j, score) for j in range(panel.k)]
    tested = [c for c in contests if c is not None and len(c.ties) >= MIN_PROMPTS]
    left_out = tuple(r for r in panel.raters if r not in {c.rater for c in tested})
    if not tested:
        return Alternative(epsilon, score, q, (), None, None, None, None, (), left_out)
    at = {e: _rejected(tested, e, q) for e in (epsilon, *EPSILONS)}
    omega = float(np.mean(at[epsilon][1]))
    opponents = tuple(_opponent(c, p, r) for c, p, r in zip(tested, *at[epsilon], strict=True))
    return Alternative(
        epsilon,
        score,
        q,
        opponents,
        omega,
        omega >= 0.5 if len(tested) >= 3 else None,
        float(np.mean([o.judge_wins for o in opponents])),
        float(np.mean([o.ties for o in opponents])),
        tuple((e, float(np.mean(at[e][1])), bool(np.mean(at[e][1]) >= 0.5)) for e in EPSILONS),
        left_out,
    )


@dataclass(frozen=True, slots=True)
class _Contest:
    """Prompt means of the wins of judge and person, and of ties; each of shape (prompts of this person,)."""

    rater: str
    n: int
    judge_wins: Floats
    person_wins: Floats
    ties: Floats


def _contest(judge: Floats, panel: Panel, j: int, score: Score) -> _Contest | None:
    others = np.delete(panel.ratings, j, axis=1)
    rows = np.isfinite(judge) & np.isfinite(panel.ratings[:, j]) & np.isfinite(others).any(axis=1)
    if not rows.any():
        return None
    lead = _fit(judge[rows], others[rows], score) - _fit(panel.ratings[rows, j], others[rows], score)
    _, number = np.unique(panel.prompt[rows], return_inverse=True)
    sizes = np.bincount(number)
    means = [np.bincount(number, won) / sizes for won in (lead >= -_SAME, lead <= _SAME, abs(lead) <= _SAME)]
    return _Contest(panel.raters[j], int(rows.sum()), *means)


def _fit(x: Floats, others: Floats, score: Score) -> Floats:
    given = np.isfinite(others)
    distance = np.where(given, np.abs(x[:, None] - others), 0.0)
    count = given.sum(axis=1).astype(float)
    if score == "accuracy":
        return ratio((given & (distance <= _SAME)).sum(axis=1).astype(float), count)
    return -np.sqrt(ratio((distance**2).sum(axis=1), count))


def _rejected(tested: list[_Contest], epsilon: float, q: float) -> tuple[list[float], list[bool]]:
    p = [p_value(c.person_wins - c.judge_wins, epsilon) for c in tested]
    return p, [bool(r) for r in stats.false_discovery_control(p, method="by") <= q]


def _opponent(contest: _Contest, p: float, rejected: bool) -> Opponent:
    return Opponent(
        rater=contest.rater,
        n=contest.n,
        prompts=len(contest.ties),
        judge_wins=float(contest.judge_wins.mean()),
        person_wins=float(contest.person_wins.mean()),
        ties=float(contest.ties.mean()),
        p_value=p,
        rejected=rejected,
        test="t" if _by_t(contest.person_wins - contest.judge_wins) else "sign-flip",
    )


def _by_t(differences: Floats) -> bool:
    return len(differences) >= T_TEST_FROM and float(np.ptp(differences)) > _SAME


def p_value(differences: Floats, epsilon: float) -> float:
    """One-sided p of the null hypothesis that the mean over prompts is epsilon or more.

    >>> p_value(np.array([-1.0, -1.0, 0.0]), 0.0)
    0.25
    """
    if _by_t(differences):
        return float(stats.ttest_1samp(differences, epsilon, alternative="less").pvalue)
    return sign_flip(differences - epsilon)


def sign_flip(values: Floats) -> float:
    """Share of all 2^P ways to choose the signs of |values| whose sum is as low as the sum of `values`, or lower.

    Exact: the sums of one half of the prompts are looked up among those of the other half. Values all alike need no
    counting: 2^-P if negative, else 1.
    """
    if np.ptp(values) <= _SAME:
        return 0.5 ** len(values) if values[0] < -_SAME else 1.0
    size = np.abs(values)
    first, second = _signed_sums(size[::2]), np.sort(_signed_sums(size[1::2]))
    as_low = np.searchsorted(second, values.sum() + _SAME - first, side="right").sum()
    return float(as_low / (len(first) * len(second)))


def _signed_sums(size: Floats) -> Floats:
    sums = np.zeros(1)
    for each in size:
        sums = np.concatenate([sums - each, sums + each])
    return sums


def sentence(outcome: Alternative) -> str:
    """The verdict in plain words.

    >>> people = Panel.of(np.tile([[1.0], [3], [5], [2], [4], [2], [3]], 3), range(7))
    >>> print(sentence(alternative(people.mean(), people, epsilon=0.2, score="rmse")))
    The judge may stand in for a person of this panel: it holds its own against 3 of 3 people (omega 1.00, .50 is
    needed; epsilon 0.20, score rmse). It fits the others as well as a person or better on 1.00 of the answers, ties
    in 1.00.
    """
    if outcome.omega is None:
        return f"No verdict: nobody has {MIN_PROMPTS} prompts that the judge and another person rated too."
    held = sum(o.rejected for o in outcome.opponents)
    how = f"epsilon {outcome.epsilon:.2f}, score {outcome.score}"
    against = f"against {held} of {len(outcome.opponents)} people (omega {outcome.omega:.2f}, .50 is needed; {how})"
    if outcome.passed is None:
        head = f"No verdict: that takes three people. The judge holds its own {against}."
    elif outcome.passed:
        head = f"The judge may stand in for a person of this panel: it holds its own {against}."
    else:
        head = f"Not shown that the judge may stand in for a person of this panel: it holds its own only {against}."
    share = f"on {outcome.rho:.2f} of the answers, ties in {outcome.ties:.2f}."
    return f"{head} It fits the others as well as a person or better {share}"
