"""How many human labels, from a pilot or from assumed agreement; and how to split money between people and judge.

Formulas for independent subjects (normal quantiles z) are stretched twice: by the design effect 1 + (m - 1) ICC for m
answers to a prompt, and by (t / z)^2, for wavjudge's intervals are t over prompts. `Plan` holds every step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy import stats

from wavjudge.analysis.pilot import Averaged
from wavjudge.analysis.stats.paired import steiger_c
from wavjudge.errors import InputError


@dataclass(frozen=True, slots=True)
class Plan:
    """Labels needed for a goal. independent: subjects by the named formula, one a prompt and normal quantiles.
    prompts, labels: with `answers_per_prompt` answers each (labels = prompts x answers), design effect and t included.
    """

    goal: str
    formula: str
    independent: int
    design_effect: float
    answers_per_prompt: int
    prompts: int
    labels: int
    sentence: str


def for_pearson(
    half_width: float, r: float, *, answers_per_prompt: int = 1, icc: float = 0.0, level: float = 0.95
) -> Plan:
    """Labels for a Fisher interval of Pearson's r (or, nearly, Spearman's) with the wanted half width.

    With h = z / sqrt(n - 3) the half width is sinh(2h) / (cosh(2 atanh r) + cosh(2h)); solved for n.

    >>> for_pearson(0.1, 0.7).independent
    105
    """
    _need(0 < half_width < 1 and -1 < r < 1, f"half width {half_width} of r = {r}")
    c, w = math.cosh(2 * math.atanh(r)), half_width
    h = math.log((w * c + math.sqrt((w * c) ** 2 + 1 - w * w)) / (1 - w)) / 2
    independent = 3 + (_z(level) / h) ** 2
    goal = f"Pearson's r of about {r:.2f} to within {half_width:g}"
    return _plan(goal, "Fisher z interval", independent, answers_per_prompt, icc, _stretch(level))


def for_average(
    what: Averaged, half_width: float, sd: float, *, answers_per_prompt: int = 1, icc: float = 0.0, level: float = 0.95
) -> Plan:
    """Labels for a mean, a bias or an MAE to within `half_width`: n = (z sd / half_width)^2.

    sd is that of the scores, of judge minus people, or of its absolute value (`Pilot.sd`).

    >>> for_average("bias", 0.1, sd=1.0).independent
    385
    """
    _need(half_width > 0 and sd >= 0, f"half width {half_width} with sd {sd}")
    independent = (_z(level) * sd / half_width) ** 2
    goal = f"the {what.upper() if what == 'mae' else what} to within {half_width:g} points"
    return _plan(goal, "normal interval of a mean", independent, answers_per_prompt, icc, _stretch(level))


def for_two_judges(
    r12: float, r13: float, r23: float, *, power: float = 0.8, level: float = 0.95, answers_per_prompt: int = 1,
    icc: float = 0.0,
) -> Plan:  # fmt: skip
    """Labels to tell two judges apart whose correlations with the same people are r12, r13, and r23 with each other.

    n = 3 + (z_a/2 + z_b)^2 (2 - 2c) / (atanh r12 - atanh r13)^2, c of Steiger (1980), as in `dependent.steiger`.

    >>> for_two_judges(0.7, 0.8, 0.7).independent, for_two_judges(0.7, 0.75, 0.7).independent
    (166, 745)
    """
    inside = all(-1 < r < 1 for r in (r12, r13, r23)) and r12 != r13
    possible = 1 - r12**2 - r13**2 - r23**2 + 2 * r12 * r13 * r23 > 0
    _need(inside and possible, f"correlations {r12}, {r13} with people and {r23} between judges")
    gap = math.atanh(r12) - math.atanh(r13)
    independent = 3 + (_z(level) + float(stats.norm.ppf(power))) ** 2 * (2 - 2 * steiger_c(r12, r13, r23)) / gap**2
    goal = f"to tell judges with r {r12:.2f} and {r13:.2f} apart ({r23:.2f} between them, power {power:.0%})"
    formula = "Steiger's dependent correlations"
    return _plan(goal, formula, independent, answers_per_prompt, icc, _stretch(level, power))


def for_two_candidates(
    difference: float, sd: float, *, noise: tuple[float, float] = (0.0, 0.0), repeats: tuple[int, int] = (1, 1),
    power: float = 0.8, level: float = 0.95, answers_per_prompt: int = 1, icc: float = 0.0,
) -> Plan:  # fmt: skip
    """Prompts to see a paired difference of means between two candidates (Miller, arXiv 2411.00640):
    n = (z_a/2 + z_b)^2 (sd^2 + s_A^2 / K_A + s_B^2 / K_B) / difference^2.

    sd: of the difference over prompts, without the noise of sampling; noise: s_A, s_B, the sd of one candidate's score
    from sample to sample of one prompt; repeats: K_A, K_B samples a prompt. An sd from observed single differences
    holds that noise already: leave `noise` at zero.

    >>> for_two_candidates(0.2, 1.0).independent, for_two_candidates(0.03, 1 / 3).independent
    (197, 969)
    """
    _need(difference != 0 and sd >= 0 and min(repeats) >= 1, f"difference {difference}, sd {sd}, repeats {repeats}")
    variance = sd**2 + sum(s**2 / k for s, k in zip(noise, repeats, strict=True))
    independent = (_z(level) + float(stats.norm.ppf(power))) ** 2 * variance / difference**2
    goal = f"to see a difference of {abs(difference):g} points between two candidates (power {power:.0%})"
    return _plan(goal, "paired mean difference", independent, answers_per_prompt, icc, _stretch(level, power))


@dataclass(frozen=True, slots=True)
class Split:
    """How to spend a budget: `labelled` prompts by people and judge, `judged` prompts by the judge (those included).

    effective_labels: labels that people alone would need for the same interval; people_only: what the whole budget buys
    without a judge. Where people alone do as well, `judged` is 0.
    """

    formula: str
    labelled: int
    judged: int
    cost: float
    effective_labels: float
    people_only: int
    sentence: str


def split_budget(budget: float, r: float, label_cost: float, judge_cost: float, *, prompts: int | None = None) -> Split:
    """The split that makes PPI++ narrowest: minimise (1 - r^2) / n + r^2 / T with n label_cost + T judge_cost = budget,
    n labelled of T judged prompts: n : T = sqrt((1 - r^2) / label_cost) : sqrt(r^2 / judge_cost).

    The same as ppi_py's n0 (1 - r^2 + sqrt(g r^2 (1 - r^2))), g = judge_cost / label_cost. r: correlation of judge and
    people over prompts; costs per prompt in one currency, the judge's with what the recording costs; prompts: no more
    than these exist.

    >>> s = split_budget(100, 0.8, label_cost=1.0, judge_cost=0.05)
    >>> s.labelled, s.judged, s.people_only, round(s.effective_labels)
    (77, 459, 100, 165)
    """
    _need(budget > 0 and label_cost > 0 and judge_cost >= 0 and -1 < r < 1, f"budget {budget} with r = {r}")
    _need(judge_cost > 0 or prompts is not None, "a free judge and no end of prompts")
    most = math.inf if prompts is None else prompts
    people_only = math.floor(min(budget / label_cost, most) + 1e-9)
    judged = min(_best_judged(budget, max(r, 0.0), label_cost, judge_cost), most)
    labelled = min((budget - judged * judge_cost) / label_cost, judged)
    n, total = math.floor(labelled + 1e-9), math.floor(judged + 1e-9)
    effective = 1 / ((1 - r * r) / n + r * r / total) if n else 0.0
    if effective <= people_only or r <= 0:
        sentence = f"Spend it all on people: {people_only} labels; this judge would not narrow the interval."
        return Split(_SPLIT, people_only, 0, people_only * label_cost, float(people_only), people_only, sentence)
    sentence = (
        f"Let people label {n} prompts and the judge rate {total}, these included: as good as {effective:.0f} labels, "
        f"where people alone would come to {people_only}."
    )
    return Split(_SPLIT, n, total, n * label_cost + total * judge_cost, effective, people_only, sentence)


_SPLIT = "PPI++ cost-optimal split"


def _best_judged(budget: float, r: float, label_cost: float, judge_cost: float) -> float:
    if judge_cost == 0:
        return math.inf
    return budget * r / math.sqrt(judge_cost) / (math.sqrt((1 - r * r) * label_cost) + r * math.sqrt(judge_cost))


def _plan(
    goal: str, formula: str, independent: float, answers: int, icc: float, stretch: Callable[[int], float]
) -> Plan:
    _need(answers >= 1 and icc <= 1, f"{answers} answers a prompt with ICC {icc}")
    # An ICC below zero is noise of the pilot; planning on it would promise too much.
    effect = 1 + (answers - 1) * max(icc, 0.0)
    n = math.ceil(independent - 1e-9)
    prompts = max(math.ceil(independent * effect / answers - 1e-9), 3)
    while prompts * answers < independent * effect * stretch(prompts - 1):
        prompts += 1
    labels = prompts * answers
    sentence = (
        f"{goal[0].upper()}{goal[1:]}: {labels} labels on {prompts} prompts, {answers} each "
        f"({_why_more(n, labels, answers, effect)})."
    )
    return Plan(goal, formula, n, effect, answers, prompts, labels, sentence)


def _why_more(independent: int, labels: int, answers: int, effect: float) -> str:
    """Why there are more labels than the formula for independent ones says.

    >>> _why_more(197, 199, 1, 1.0)
    "197 by normal quantiles, 2 more for Student's t"
    """
    if answers == 1:
        return f"{independent} by normal quantiles, {labels - independent} more for Student's t"
    return f"{independent} if all were independent; design effect {effect:.2f}"


def _stretch(level: float, power: float | None = None) -> Callable[[int], float]:
    """(t / z)^2 by degrees of freedom: what intervals and tests by t cost more than their normal formulas."""
    tails = [(1 + level) / 2] + ([] if power is None else [power])
    normal = sum(stats.norm.ppf(tail) for tail in tails)
    return lambda freedom: float((sum(stats.t.ppf(tail, freedom) for tail in tails) / normal) ** 2)


def _z(level: float) -> float:
    return float(stats.norm.ppf((1 + level) / 2))


def _need(possible: bool, got: str) -> None:
    if not possible:
        raise InputError(
            f"cannot plan with {got}", todo="give values that can occur together, in the units of the help"
        )
