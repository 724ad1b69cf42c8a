"""Calibration: how far each judge can be trusted, per axis, beside what people and nothing at all reach.

One finding a judge (by signature) and axis, against the mean of the people. Beside it stand null rows
(`baseline_rows.py`) and how the people agree among themselves; judge and people are compared like with like on shared
leave-one-out references (statistics.md, ruling 1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from wavjudge.analysis.calibration import baseline_rows
from wavjudge.analysis.calibration.baseline_rows import Line
from wavjudge.analysis.stats import baselines
from wavjudge.analysis.stats.agreement import (
    BIAS,
    KAPPA_QUADRATIC,
    KENDALL_TAU_B,
    MAE,
    PEARSON,
    RMSE,
    SPEARMAN,
    WITHIN_ONE,
)
from wavjudge.analysis.stats.alternative_annotator import Alternative, Score, alternative
from wavjudge.analysis.stats.candidates import CandidateMeans, candidate_means
from wavjudge.analysis.stats.intervals import Estimate, Method, estimate, two_way, without_people
from wavjudge.analysis.stats.leave_one_out import LeaveOneOut, leave_one_out
from wavjudge.analysis.stats.panel import Panel
from wavjudge.analysis.stats.recalibration import Recalibration, recalibrate
from wavjudge.analysis.stats.reliability import (
    Reliability,
    Repeatability,
    corrected_correlation,
    reliability,
    repeatability,
)
from wavjudge.analysis.stats.sums import Floats, Paired, Statistic
from wavjudge.analysis.stats.within_prompt import (
    BEST_OF_N,
    INTRA_ID_SPEARMAN,
    INTRA_ID_TAU,
    INTRA_ID_ZERO_FILLED,
    WITHIN_PROMPT_ACCURACY,
    WITHIN_PROMPT_TIE_CALIBRATED,
    Groups,
    groups,
)
from wavjudge.analysis.tables.axis_names import shared_axes
from wavjudge.analysis.tables.matching import matched
from wavjudge.analysis.tables.ratings import (
    SUBJECT,
    Ratings,
    Unpaired,
    paired,
    prompt_labels,
    prompt_numbers,
    spread,
    with_unscored,
)
from wavjudge.analysis.tables.read import among
from wavjudge.signature import temperature
from wavjudge.types import RaterKind, Scale

# What is in no figure of a calibration: named, and bounded from both sides.

_WHY = {
    "judge_only": "have a rating and no label",
    "people_only": "have a label and no rating of this judge",
    "judge_unscored": "got no score of this judge; only the worst-case bounds hold them",
    "people_unscored": "got no score of the people who were asked",
}


def left_out(left: Unpaired) -> Iterator[str]:
    """How many answers are left out, why, and the first of them.

    >>> print(*left_out(Unpaired(0, 7, 0, 0, {"people_only": ("q1/a", "q2/a", "q3/a", "q4/a", "q5/a")})))
    7 answers have a label and no rating of this judge: q1/a; q2/a; q3/a; q4/a; q5/a; ...
    """
    for kind, names in left.named.items():
        count = getattr(left, kind)
        more = "; ..." if count > len(names) else ""
        blank = next((part for name in names for part in name.split("/") if part != part.strip()), None)
        if blank is not None:
            more += f" (names with a blank at an end, such as {blank!r}, are other names: take the blanks off)"
        yield f"{count} answers {_WHY[kind]}: {'; '.join(names)}{more}"


def bounds(rows: pd.DataFrame, people: pd.DataFrame, scale: Scale) -> Mapping[str, tuple[float, float]]:
    """Worst cases of bias and mean: every labelled answer that the judge left unscored gets the lowest, or the highest,
    score. Nothing without labels, or on an open scale."""
    both = rows[[*SUBJECT, "score"]].merge(people[[*SUBJECT, "score"]], on=SUBJECT, suffixes=("_judge", ""))
    both = both[both["score"].notna()]
    if both.empty or scale.low is None or scale.high is None:
        return {}
    filled = [both["score_judge"].fillna(end).to_numpy(float) for end in (scale.low, scale.high)]
    labels = both["score"].to_numpy(float)
    return {
        "bias": (float((filled[0] - labels).mean()), float((filled[1] - labels).mean())),
        "mean": (float(filled[0].mean()), float(filled[1].mean())),
    }


# How much of a calibration hangs on one candidate: each statistic with each candidate left out in turn.
#
# Prompts are a sample, candidates are not (statistics.md, ruling 4): an interval does not speak of candidates that
# are not in the table. Nor does this range. It shows how far the figures move among those that are: where one
# candidate makes the judge look good, nobody should expect as much of the next one.

MOST = 10_000_000
"""Candidates times answers above which nobody is left out: with so many, one of them moves little."""


@dataclass(frozen=True, slots=True)
class Span:
    """Least and greatest value, and without whom; None where it is undefined whoever is left out.

    undefined: candidates without whom the statistic does not exist; they bound nothing.
    """

    low: float | None = None
    high: float | None = None
    without_low: str = ""
    without_high: str = ""
    undefined: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WithoutCandidate:
    """names: of all candidates, sorted. spans: by statistic; none where one candidate is all, or there are too many."""

    names: tuple[str, ...]
    spans: Mapping[str, Span]


def without_candidate(
    data: Paired, candidate: npt.ArrayLike, statistics: Sequence[Statistic], *, most: int = MOST
) -> WithoutCandidate:
    """candidate: the name of each row of `data`, shape (n,).

    >>> from wavjudge.analysis.stats.agreement import BIAS
    >>> found = without_candidate(Paired.of([1, 2, 6], [1, 1, 1], [0, 0, 1]), ["a", "b", "c"], [BIAS])
    >>> found.spans["bias"]
    Span(low=0.5, high=3.0, without_low='c', without_high='a', undefined=())
    """
    names, number = np.unique(np.asarray(candidate, str), return_inverse=True)
    told = tuple(map(str, names))
    if len(told) < 2 or len(told) * data.n > most:
        return WithoutCandidate(told, {})
    values = []
    for one in range(len(told)):  # one at a time: each is almost the whole table once more
        rest = data.taken(number != one)
        values.append([statistic.of(rest) for statistic in statistics])
    columns = zip(*values, strict=True)
    return WithoutCandidate(told, {s.name: _span(told, column) for s, column in zip(statistics, columns, strict=True)})


def _span(names: tuple[str, ...], values: Sequence[float]) -> Span:
    found = {name: float(value) for name, value in zip(names, values, strict=True) if np.isfinite(value)}
    undefined = tuple(name for name in names if name not in found)
    if not found:
        return Span(undefined=undefined)
    least, most = min(found, key=found.__getitem__), max(found, key=found.__getitem__)
    return Span(found[least], found[most], least, most, undefined)


STATISTICS: tuple[Statistic, ...] = (
    PEARSON, SPEARMAN, KENDALL_TAU_B, INTRA_ID_SPEARMAN, INTRA_ID_ZERO_FILLED, WITHIN_PROMPT_ACCURACY,
    MAE, RMSE, WITHIN_ONE, BIAS, KAPPA_QUADRATIC,
)  # fmt: skip
"""Those whose coverage `studies/coverage` measures."""

FIGURES: tuple[Statistic, ...] = (
    *STATISTICS[:5], INTRA_ID_TAU, STATISTICS[5], WITHIN_PROMPT_TIE_CALIBRATED, BEST_OF_N, *STATISTICS[6:],
)  # fmt: skip
"""All of the table, in the order of its columns."""

Sampled = Literal["prompts", "prompts+raters"]
"""What intervals take as a sample; everything else stays as it is."""

LABEL_KINDS: dict[str, RaterKind] = {"human": "person", "constructed": "constructed"}


@dataclass(frozen=True, slots=True)
class Settings:
    """What was fixed before looking; it stands in the record.

    epsilon, alt_score: of the alternative annotator test (.2 for experts, .15 skilled, .1 crowd). seed: of everything
    that draws. method, resamples: of the intervals. random: "prompts+raters" gives the judge's own figures an interval
    over people too (`twoway.py`); null rows, people's rows and differences stay with prompts.
    """

    method: Method = "jackknife-t"
    resamples: int = 10_000
    seed: int = 12345
    epsilon: float = 0.15
    alt_score: Score = "rmse"
    permutations: int = baselines.PERMUTATIONS
    random: Sampled = "prompts"


@dataclass(frozen=True, slots=True)
class Finding:
    """One judge on one axis.

    data: subjects that both sides scored; left: those that only one did. n_raters: people per subject, on average.
    bounds: range of bias and of the judge's mean whatever the unscored answers would have got. statuses: the judge's
    ratings by status. corrected: Pearson's r if people's mean were without error; None where one person rated.
    without: the same figures with each candidate left out in turn. means: the candidates' means on both sides.
    """

    judge: str
    signature: str
    axis: str
    scale: Scale
    label_kind: str
    data: Paired
    left: Unpaired
    n_raters: float
    n_off_scale: int
    statuses: Mapping[str, int]
    groups: Groups
    values: Mapping[str, Estimate]
    corrected: Estimate | None
    skill: Mapping[str, Estimate]
    bounds: Mapping[str, tuple[float, float]]
    nulls: tuple[Line, ...]
    others: LeaveOneOut | None
    alternative: Alternative | None
    repeats: Repeatability | None
    maps: tuple[Recalibration, ...]
    without: WithoutCandidate
    means: CandidateMeans


@dataclass(frozen=True, slots=True)
class Calibration:
    """All findings; how the people of each axis agree among themselves; what was wrong with the tables, in words."""

    settings: Settings
    findings: tuple[Finding, ...]
    people: Mapping[str, Reliability]
    problems: tuple[str, ...] = field(default=())


def calibrate(
    ratings: Ratings, labels: Ratings, settings: Settings | None = None, *, label_kind: str = "human",
    covariates: pd.DataFrame | None = None, watch: Callable[[int, int], None] | None = None,
) -> Calibration:  # fmt: skip
    """Every judge and instrument of `ratings` on every axis that `labels` hold.

    label_kind: "human" takes labels of rater_kind person, "constructed" those true by construction; never both.
    covariates: the columns of `SUBJECT` and one column a covariate (answer length, say); each becomes a null row.
    watch: told after each finding how many of how many are done.

    Raises InputError where nobody of that kind labelled anything, or no axis is on both sides.
    """
    labels = matched(ratings, labels, LABEL_KINDS[label_kind])
    desk = _Desk(ratings, labels, settings or Settings(), label_kind, covariates)
    grouped, findings = desk.judged.groupby(["axis", "rater", "signature"], sort=True), list[Finding]()
    for _, rows in grouped:
        findings.append(desk.finding(rows))
        if watch is not None:
            watch(len(findings), grouped.ngroups)
    found = tuple(findings)
    panels = {axis: desk.panel(axis)[0] for axis in sorted({one.axis for one in found})}
    among = {axis: reliability(panel) for axis, panel in panels.items() if panel.k > 1}
    problems = [f"ratings: {problem}" for problem in ratings.problems]
    problems += [f"labels: {problem}" for problem in labels.problems]
    problems += [f"{one.axis}, {one.signature}: {line}" for one in found for line in left_out(one.left)]
    return Calibration(desk.settings, found, among, tuple(problems))


class _Desk:
    """What all findings are made from."""

    def __init__(
        self, ratings: Ratings, labels: Ratings, settings: Settings, label_kind: str, covariates: pd.DataFrame | None
    ) -> None:
        self.ratings, self.labels, self.settings, self.label_kind = ratings, labels, settings, label_kind
        self.kind, self.covariates = LABEL_KINDS[label_kind], covariates
        people = labels.people(self.kind)
        # An axis that people left without a single score says nothing; the problems of the table say why.
        self.people = people[among(people["axis"], shared_axes(ratings, labels, self.kind))]
        table = ratings.per_subject()
        machines = among(table["rater_kind"], ("model", "instrument"))
        self.all_judges = table[machines]
        self.judged = self.all_judges[among(self.all_judges["axis"], self.people["axis"].unique())]
        self.panel = lru_cache(maxsize=None)(self._panel)

    def _panel(self, axis: str) -> tuple[Panel, pd.DataFrame]:
        return self.labels.panel(axis, self.kind)

    def finding(self, rows: pd.DataFrame) -> Finding:
        axis, judge, signature = (str(rows[name].iloc[0]) for name in ("axis", "rater", "signature"))
        people, scale = self.people[self.people["axis"] == axis], self.labels.axes[axis].scale
        data, left = paired(rows, people)
        data = replace(data, scale=_ends(scale))
        panel, subjects = self.panel(axis)
        scores = _aligned(rows, subjects)
        labelled = people["n_raters"] > 0
        several = panel.k > 1 and bool(np.isfinite(scores).any())
        if several:  # rows of both come in the order of `SUBJECT`
            data = replace(data, each=panel.ratings[np.isfinite(scores)])
        values, skill = self._figures(data, panel, scores)
        if left.judge_unscored and data.n:
            values = {**values, BEST_OF_N.name: self._choice(rows, people, data)}
        answers = _scored_by_both(rows, people)
        return Finding(
            judge=judge, signature=signature, axis=axis, scale=scale, label_kind=self.label_kind, data=data, left=left,
            n_raters=float(people.loc[labelled, "n_raters"].mean()),
            n_off_scale=self._off_scale(axis, judge, signature),
            statuses={name[2:]: int(rows[name].sum()) for name in rows.columns if name.startswith("n_")},
            groups=groups(data), values=values, skill=skill,
            corrected=corrected_correlation(scores, panel) if several else None,
            bounds=bounds(rows, people, scale), nulls=self._nulls(data, rows, answers),
            others=leave_one_out(panel, scores) if several else None,
            alternative=self._alternative(panel, scores) if several else None,
            repeats=self._repeats(axis, judge, signature), maps=self._maps(rows, people, scale),
            without=without_candidate(data, answers["candidate"], FIGURES),
            means=candidate_means(data.judge, data.people, answers["candidate"], data.prompt),
        )  # fmt: skip

    def _figures(
        self, data: Paired, panel: Panel, scores: Floats
    ) -> tuple[Mapping[str, Estimate], Mapping[str, Estimate]]:
        """The judge's statistics and skills, with the interval that was asked for."""
        if self.settings.random == "prompts" or not data.n:
            return estimates(data, self.settings), baselines.skills(data) if data.n else {}
        without = without_people(panel, scores)
        values = {one.name: two_way(one, data, without) for one in FIGURES}
        skills = {one.name: two_way(baselines.skill_statistic(one), data, without) for one in (MAE, RMSE, WITHIN_ONE)}
        return values, skills if data.prompts > 1 else baselines.skills(data)

    def _choice(self, rows: pd.DataFrame, people: pd.DataFrame, data: Paired) -> Estimate:
        """`best_of_n` where the judge left labelled answers without a score: they are among the answers to choose from,
        and it never chooses one of them."""
        if self.settings.random != "prompts":
            return Estimate(None, note="not known with people as a sample, where answers are unscored")
        return estimate(BEST_OF_N, with_unscored(rows, people, data), method=self.settings.method,
                        resamples=self.settings.resamples, seed=self.settings.seed)  # fmt: skip

    def _off_scale(self, axis: str, judge: str, signature: str) -> int:
        frame = self.ratings.frame
        own = (frame["axis"] == axis) & (frame["rater"] == judge) & (frame["signature"] == signature)
        return int(frame.loc[own, "off_scale"].sum())

    def _nulls(self, data: Paired, rows: pd.DataFrame, subjects: pd.DataFrame) -> tuple[Line, ...]:
        if not data.n:
            return ()

        def measure(other: Paired, chosen: tuple[Statistic, ...]) -> Mapping[str, Estimate]:
            return estimates(other, self.settings, chosen)

        found = baseline_rows.lines(
            data, subjects, FIGURES, self.settings.permutations, self.settings.seed,
            covariates=self.covariates, instruments=self._instruments(rows), estimates=measure,
        )  # fmt: skip
        own = self.all_judges[self.all_judges["axis"] == rows["axis"].iloc[0]]
        judge = (str(rows["signature"].iloc[0]), own)
        return found + baseline_rows.transcript_lines(data, subjects, FIGURES, judge, estimates=measure)

    def _instruments(self, rows: pd.DataFrame) -> pd.DataFrame:
        """What the instruments measured, but for the very axis that is being calibrated."""
        measured = self.all_judges[self.all_judges["rater_kind"] == "instrument"]
        own = (measured["axis"] == rows["axis"].iloc[0]) & (measured["signature"] == rows["signature"].iloc[0])
        found: pd.DataFrame = measured[~own]
        return found

    def _alternative(self, panel: Panel, scores: Floats) -> Alternative:
        return alternative(scores, panel, epsilon=self.settings.epsilon, score=self.settings.alt_score)

    def _repeats(self, axis: str, judge: str, signature: str) -> Repeatability | None:
        frame = self.ratings.frame
        own = frame[(frame["axis"] == axis) & (frame["rater"] == judge) & (frame["signature"] == signature)]
        if own["repeat"].nunique() < 2:
            return None
        wide, subjects = spread(own, "repeat")
        copies, _ = spread(own.assign(score=own["cached"].astype(float).where(own["score"].notna())), "repeat")
        return repeatability(
            wide.to_numpy(float), prompt_numbers(subjects), cached=(copies == 1).to_numpy(bool),
            temperature=temperature(signature),
        )  # fmt: skip

    def _maps(self, rows: pd.DataFrame, people: pd.DataFrame, scale: Scale) -> tuple[Recalibration, ...]:
        both = rows[[*SUBJECT, "score"]].merge(people[[*SUBJECT, "score"]], on=SUBJECT, suffixes=("_judge", ""))
        prompt = prompt_labels(both)
        return tuple(
            recalibrate(
                both["score_judge"].to_numpy(float), both["score"].to_numpy(float), prompt, kind=kind,
                axis=str(rows["axis"].iloc[0]), scale=scale, signature=str(rows["signature"].iloc[0]),
                label_kind="human" if self.label_kind == "human" else "constructed", seed=self.settings.seed,
            )
            for kind in ("linear", "isotonic")
        )  # fmt: skip


def estimates(data: Paired, settings: Settings, statistics: tuple[Statistic, ...] = FIGURES) -> Mapping[str, Estimate]:
    """Each statistic with its interval, by name."""
    return {
        statistic.name: estimate(
            statistic, data, method=settings.method, resamples=settings.resamples, seed=settings.seed
        )
        for statistic in statistics
    }


def _scored_by_both(rows: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """The subjects of `paired`, merged as it merges, so that they come in the order of its data."""
    columns = [*SUBJECT, "score"]
    both = rows[columns].merge(people[columns], on=SUBJECT, how="outer", suffixes=("_judge", ""))
    return both.loc[both["score_judge"].notna() & both["score"].notna(), SUBJECT]


def _ends(scale: Scale) -> tuple[float, float] | None:
    """Of a closed scale."""
    return None if scale.low is None or scale.high is None else (scale.low, scale.high)


def _aligned(rows: pd.DataFrame, subjects: pd.DataFrame) -> Floats:
    """The judge's scores in the order of `subjects`, NaN where there is none."""
    return subjects.merge(rows[[*SUBJECT, "score"]], on=SUBJECT, how="left")["score"].to_numpy(float)
