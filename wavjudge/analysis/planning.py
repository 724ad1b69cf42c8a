"""How many human labels, from a pilot or from assumed agreement; and how to split money between people and judge.

Formulas for independent subjects (normal quantiles z) are stretched twice: by the design effect 1 + (m - 1) ICC for m
answers to a prompt, and by (t / z)^2, for wavjudge's intervals are t over prompts. `Plan` holds every step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from wavjudge.analysis.stats.agreement import PEARSON
from wavjudge.analysis.stats.paired import steiger_c
from wavjudge.analysis.stats.sums import Floats, Paired
from wavjudge.analysis.tables.axis_names import JUDGES, refuse_unknown, shared_axes, with_scales
from wavjudge.analysis.tables.matching import matched
from wavjudge.analysis.tables.ratings import PROMPT, SUBJECT, Ratings, prompt_labels
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


# What a first small set of labels says about the quantities that plans are made of (`planning`).

Averaged = Literal["mean", "bias", "mae"]


@dataclass(frozen=True, slots=True)
class Pilot:
    """What a pilot says about the quantities that plans are made of; sd's in points of the scale, None = undefined.

    The ICCs are those of what is averaged: people's scores, judge minus people, its absolute value, and for Pearson's r
    the influence of each subject, z_x z_y - r (z_x^2 + z_y^2) / 2.
    """

    n: int
    prompts: int
    answers_per_prompt: float
    pearson: float | None
    sd: dict[Averaged, float]
    icc: dict[Averaged | Literal["pearson"], float | None]


def pilot(judge: npt.ArrayLike, people: npt.ArrayLike, prompt: npt.ArrayLike) -> Pilot:
    """Agreement, spreads and ICCs of a first small set of labels (all scored)."""
    data = Paired.of(judge, people, prompt)
    if data.n < 3:
        raise InputError(f"a pilot of {data.n} labels", todo="label a few prompts with several answers each first")
    d = data.judge - data.people
    columns: dict[Averaged, Floats] = {"mean": data.people, "bias": d, "mae": np.abs(d)}
    r = PEARSON.of(data)
    icc: dict[Averaged | Literal["pearson"], float | None] = {
        name: intraclass(column, data.prompt) for name, column in columns.items()
    }
    icc["pearson"] = intraclass(_influence(data, r), data.prompt) if np.isfinite(r) else None
    sd = {name: float(column.std(ddof=1)) for name, column in columns.items()}
    return Pilot(data.n, data.prompts, data.n / data.prompts, float(r) if np.isfinite(r) else None, sd, icc)


@dataclass(frozen=True, slots=True)
class JudgesPilot:
    """Two judges against the same people: their correlations, and the ICC of what tells them apart (the difference of
    each subject's influence on the two Fisher z)."""

    n: int
    prompts: int
    answers_per_prompt: float
    first: float | None
    second: float | None
    between: float | None
    icc: float | None


def pilot_of_judges(
    first: npt.ArrayLike, second: npt.ArrayLike, people: npt.ArrayLike, prompt: npt.ArrayLike
) -> JudgesPilot:
    """Correlations of two judges with people and each other, over the subjects that all have scored."""
    one, other = Paired.of(first, people, prompt), Paired.of(second, people, prompt)
    if one.n < 3:
        raise InputError(f"a pilot of {one.n} labels", todo="label a few prompts with several answers each first")
    pairs = (one, other, Paired.of(first, second, prompt))
    r12, r13, r23 = (float(PEARSON.of(pair)) for pair in pairs)
    icc = None
    if np.isfinite([r12, r13]).all() and max(abs(r12), abs(r13)) < 1:
        moved = [_influence(pair, r) / (1 - r * r) for pair, r in ((one, r12), (other, r13))]
        icc = intraclass(moved[0] - moved[1], one.prompt)
    shown = [r if np.isfinite(r) else None for r in (r12, r13, r23)]
    return JudgesPilot(one.n, one.prompts, one.n / one.prompts, shown[0], shown[1], shown[2], icc)


def over_prompts(
    judge: npt.ArrayLike, people: npt.ArrayLike, candidate: npt.ArrayLike, prompt: npt.ArrayLike
) -> float | None:
    """Correlation of judge and people over prompts, what PPI++ for one candidate lives on: of each candidate's mean a
    prompt, the candidates' own means taken off. None where it is undefined.

    >>> over_prompts([1, 2, 5, 4, 5, 9], [1, 2, 4, 2, 3, 5], list("aaabbb"), [1, 2, 3, 1, 2, 3])
    0.985...
    """
    names = np.unique(np.asarray(candidate), return_inverse=True)[1].reshape(-1)
    places = np.unique(np.asarray(prompt), return_inverse=True)[1].reshape(-1)
    cells, cell = np.unique(names * (places.max(initial=0) + 1) + places, return_inverse=True)
    owner = cells // (places.max(initial=0) + 1)
    centred = []
    for scores in (np.asarray(judge, float), np.asarray(people, float)):
        means = np.bincount(cell, scores) / np.bincount(cell)
        centred.append(means - (np.bincount(owner, means) / np.bincount(owner))[owner])
    x, y = centred
    spread = float((x @ x) * (y @ y))
    return float(x @ y / np.sqrt(spread)) if spread > 1e-12 else None


def intraclass(values: npt.ArrayLike, prompt: npt.ArrayLike) -> float | None:
    """ICC(1,1) of answers within prompts, by one-way mean squares: (MSB - MSW) / (MSB + (m0 - 1) MSW), with
    m0 = (n - sum m^2 / n) / (P - 1) for unequal sizes m. None with one prompt, one answer a prompt, or no spread.

    >>> intraclass([1, 2, 3, 4], ["a", "a", "b", "b"])  # MSB 4, MSW 1/2
    0.7777777777777778
    """
    v = np.asarray(values, float)
    _, number = np.unique(np.asarray(prompt), return_inverse=True)
    number = number.reshape(-1)
    size = np.bincount(number)
    n, prompts = len(v), len(size)
    if prompts < 2 or n == prompts or np.ptp(v) < 1e-12:
        return None
    means = np.bincount(number, v) / size
    within = ((v - means[number]) ** 2).sum() / (n - prompts)
    between = (size * (means - v.mean()) ** 2).sum() / (prompts - 1)
    usual = (n - (size**2).sum() / n) / (prompts - 1)
    return float((between - within) / (between + (usual - 1) * within))


def _influence(data: Paired, r: float) -> Floats:
    x, y = ((v - v.mean()) / v.std() for v in (data.judge, data.people))
    return np.asarray(x * y - r * (x * x + y * y) / 2)


# A pilot out of tables: which axis, which judge, and the scores that a plan can be made of.

USUAL = "overall"
"""The axis that a plan is made for where a pilot has several and none is named."""


@dataclass(frozen=True, slots=True)
class CandidatesPilot:
    """Two candidates on the same prompts: mean and sd of the paired difference, one a prompt."""

    prompts: int
    difference: float
    sd: float


def of_judge(ratings: Ratings, labels: Ratings, axis: str | None, judge: str | None) -> Pilot:
    """One judge beside people."""
    rows = _beside_people(ratings, labels, axis, [judge])
    return pilot(rows["score_0"], rows["people"], prompt_labels(rows))


def of_judges(ratings: Ratings, labels: Ratings, axis: str | None, judges: list[str]) -> JudgesPilot:
    """Two judges beside the same people."""
    if len(judges) != 2:
        raise InputError(f"got {len(judges)} judges, expected two", todo="name both: --judge A --judge B")
    rows = _beside_people(ratings, labels, axis, list(judges))
    return pilot_of_judges(rows["score_0"], rows["score_1"], rows["people"], prompt_labels(rows))


def for_budget(ratings: Ratings, labels: Ratings, axis: str | None, judge: str | None) -> float | None:
    """Correlation of one judge and people over prompts, within candidates."""
    rows = _beside_people(ratings, labels, axis, [judge])
    return over_prompts(rows["score_0"], rows["people"], rows["candidate"], prompt_labels(rows))


def of_candidates(ratings: Ratings, axis: str | None, judge: str | None, candidates: list[str]) -> CandidatesPilot:
    """Two candidates as one judge scored them; attempts averaged, prompts that either lacks left out."""
    rows = _judge(ratings, chosen_axis(ratings, None, axis), judge)
    known = sorted(rows["candidate"].unique())
    if len(candidates) != 2 or not set(candidates) <= set(known):
        raise InputError(f"got the candidates {', '.join(candidates) or '(none)'}, expected two of {', '.join(known)}",
                         todo="name both: --candidate A --candidate B")  # fmt: skip
    means = rows.groupby([*PROMPT, "candidate"])["score"].mean().unstack("candidate")
    d = (means[candidates[0]] - means[candidates[1]]).dropna().to_numpy(float)
    if len(d) < 3:
        raise InputError(f"a pilot of {len(d)} prompts that both candidates have a score on, expected three or more")
    return CandidatesPilot(len(d), float(d.mean()), float(d.std(ddof=1)))


def _beside_people(ratings: Ratings, labels: Ratings, axis: str | None, judges: list[str | None]) -> pd.DataFrame:
    """One row a subject that all of them and people scored: `SUBJECT`, people, score_0, score_1, ..."""
    labels = matched(ratings, labels)
    name = chosen_axis(ratings, labels, axis)
    people = labels.people()
    found = people.loc[people["axis"] == name, [*SUBJECT, "score"]].rename(columns={"score": "people"})
    for number, judge in enumerate(judges):
        own = _judge(ratings, name, judge)[[*SUBJECT, "score"]]
        found = found.merge(own.rename(columns={"score": f"score_{number}"}), on=SUBJECT)
    return found.dropna().reset_index(drop=True)


def chosen_axis(ratings: Ratings, labels: Ratings | None, asked: str | None) -> str:
    """The axis of a pilot: the one asked for, the only one, or else `USUAL`; labels: it must be on both sides."""
    frame = with_scales(ratings).frame if labels is None else ratings.frame
    rated = set(frame["axis"][frame["rater_kind"].isin(JUDGES)].unique())
    both = rated if labels is None else set(shared_axes(ratings, labels))
    if asked is None and (len(both) == 1 or USUAL in both):
        return str(next(iter(both))) if len(both) == 1 else USUAL
    if asked is not None:
        refuse_unknown(asked, both, ratings, *([] if labels is None else [labels]))
    if asked is None:
        raise InputError(f"got no axis, expected one of {', '.join(sorted(both)) or '(none is rated)'}",
                         todo="name one: --on AXIS")  # fmt: skip
    return asked


def _judge(ratings: Ratings, axis: str, asked: str | None) -> pd.DataFrame:
    """Per-subject rows of one judge, named by rater or signature; the only one where nobody is named."""
    rows = ratings.per_subject()
    rows = rows[(rows["axis"] == axis) & rows["rater_kind"].isin(["model", "instrument"])]
    if asked is not None:
        rows = rows[np.logical_or(rows["rater"] == asked, rows["signature"] == asked)]
    if (count := rows["signature"].nunique()) != 1:
        known = ratings.judges().query("axis == @axis")
        named = known["rater"] if known["rater"].is_unique else known["signature"]
        found = f"{count} judges of {axis}{f' named {asked}' if asked else ''}"
        raise InputError(f"found {found}, expected one: {', '.join(sorted(named.unique()))}",
                         todo="name one by its rater or signature: --judge NAME")  # fmt: skip
    return rows[rows["score"].notna()]
