"""The alternative annotator test: may the judge stand in for a person of this panel?

Calderon, Reichart and Dror, arXiv 2501.10970, with two changes. The means of prompts are what is tested, since answers
to one prompt are not independent and a test on answers finds too much. And the t test is made careful: where a person
seldom wins and the judge never does, the differences are far from symmetric, a small sample often holds too few of the
person's wins, and the plain t test rejects a true hypothesis far too often (exactly .151 at 30 prompts of one answer,
epsilon .15; flips of sign .142 to .377 below). Under `MIN_PROMPTS` there is no verdict at all: too few to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats
from scipy.special import bdtr, stdtr

from wavjudge.analysis.stats.panel import Panel
from wavjudge.analysis.stats.sums import Floats, ratio
from wavjudge.errors import InputError

Score = Literal["accuracy", "rmse"]
"""How well x fits the other people's a on a subject: share of x == a, or -sqrt(mean (x - a)^2)."""

EPSILONS = (0.0, 0.05, 0.10, 0.15, 0.20, 0.25)
"""The advantage granted to the judge, on a grid. The authors advise .2 against experts, .15 skilled, .1 crowd."""

MIN_PROMPTS = 30
"""Prompts below which a person is not tested, as in the authors' own rule of thumb: too few to say anything."""

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


@dataclass(frozen=True, slots=True)
class Alternative:
    """Outcome of the test.

    omega: share of people against whom the judge holds its own. passed: omega >= .5, or None where there is no verdict
    (fewer than three people tested). rho: mean of judge_wins, to rank judges. ties: their rate; they make rho large.

    epsilon, score and q were fixed beforehand and belong to the result; `passed_at` is for the reader: epsilon, omega,
    passed. not_tested: people with too few prompts; most_prompts: the most that any person has.
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
    most_prompts: int = 0


def alternative(judge: Floats, panel: Panel, *, epsilon: float, score: Score, q: float = 0.05) -> Alternative:
    """The test. judge: shape (n,), NaN where unscored. A subject counts for a person if he, the judge and somebody
    else rated it.

    The null hypothesis of person j is mean(person wins - judge wins) >= epsilon over prompts; see `p_value`. A person
    with fewer than `MIN_PROMPTS` prompts is not tested.

    >>> people = Panel.of(np.tile([[1.0], [3], [5], [2], [4], [2]], (5, 3)), range(30))
    >>> outcome = alternative(people.mean(), people, epsilon=0.2, score="accuracy")
    >>> outcome.omega, outcome.ties, round(outcome.opponents[0].p_value, 6)  # 0.8^30
    (1.0, 1.0, 0.001238)
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
    most = max((len(c.ties) for c in contests if c is not None), default=0)
    if not tested:
        return Alternative(epsilon, score, q, (), None, None, None, None, (), left_out, most)
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
        most,
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
    )


def p_value(differences: Floats, epsilon: float) -> float:
    """One-sided p of the null hypothesis that the mean over prompts is epsilon or more; differences lie in -1..1.

    The t test with one prompt more, which the person wins: what a small sample may have missed. Where the judge wins no
    prompt at all, p is never below the exact binomial chance of so few prompts for the person, P(B(n, epsilon) <=
    wins), which holds whatever the differences look like: a mean of epsilon needs at least that share of prompts above
    zero. The exact size with one answer a prompt is at most .060 at .05 (test_alternative_annotator.py).

    >>> round(p_value(np.zeros(30), 0.15), 4), round(0.85**30, 4)
    (0.0076, 0.0076)
    """
    with_one = np.append(differences, 1.0)
    spread = float(with_one.std(ddof=1))
    if spread < _SAME:
        return 1.0  # the person wins every prompt
    found = float(stdtr(len(differences), (with_one.mean() - epsilon) / spread * np.sqrt(len(with_one))))
    if differences.min() < -_SAME:
        return found
    wins = int((differences > _SAME).sum())
    return max(found, float(bdtr(wins, len(differences), epsilon)))


def sentence(outcome: Alternative) -> str:
    """The verdict in plain words.

    >>> people = Panel.of(np.tile([[1.0], [3], [5], [2], [4], [2]], (5, 3)), range(30))
    >>> print(sentence(alternative(people.mean(), people, epsilon=0.2, score="rmse")))
    The judge may stand in for a person of this panel: it holds its own against 3 of 3 people (omega 1.00, .50 is
    needed; epsilon 0.20, score rmse). It fits the others as well as a person or better on 1.00 of the answers, ties
    in 1.00.
    """
    if outcome.omega is None:
        return (
            f"Too few to say whether the judge may stand in for a person: that takes {MIN_PROMPTS} prompts which the "
            f"judge, the person and another person rated, for three people; here it is {outcome.most_prompts} at most."
        )
    held = sum(o.rejected for o in outcome.opponents)
    how = f"epsilon {outcome.epsilon:.2f}, score {outcome.score}"
    against = f"against {held} of {len(outcome.opponents)} people (omega {outcome.omega:.2f}, .50 is needed; {how})"
    if outcome.passed is None:
        need = f"that takes three people with {MIN_PROMPTS} prompts each"
        head = f"Too few to say whether the judge may stand in for a person: {need}. It holds its own {against}."
    elif outcome.passed:
        head = f"The judge may stand in for a person of this panel: it holds its own {against}."
    else:
        head = f"Not shown that the judge may stand in for a person of this panel: it holds its own only {against}."
    share = f"on {outcome.rho:.2f} of the answers, ties in {outcome.ties:.2f}."
    return f"{head} It fits the others as well as a person or better {share}"
