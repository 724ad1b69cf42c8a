"""Each person against the mean of the others, and the judge against the very same references.

A judge exchangeable with a person agrees better with the mean of three people than a person does with the mean of the
other two (.612 against .577 in statistics.md, ruling 1): a ceiling is one only if both are measured alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wavjudge.analysis.agreement import MAE, PEARSON
from wavjudge.analysis.intervals import Estimate, estimate_prepared
from wavjudge.analysis.joint import Joint, OnPrompts, difference, mean_of, where_both
from wavjudge.analysis.panel import Panel
from wavjudge.analysis.ranks import SPEARMAN
from wavjudge.analysis.sums import Floats, Prepared, Statistic
from wavjudge.errors import InputError

STATISTICS: tuple[Statistic, ...] = (PEARSON, SPEARMAN, MAE)
HALF = 0.5
"""A person is named who reaches less than this share of the correlation that the others reach."""

FALSE_ALARM = 0.05
"""Chance that anybody of a panel is named though his true share is `HALF`; far smaller for people alike."""


@dataclass(frozen=True, slots=True)
class AgainstOthers:
    """One statistic against leave-one-out references.

    person: of the person; judge: of the judge on the same subjects and references; gap: judge minus person, paired.
    """

    person: Estimate
    judge: Estimate
    gap: Estimate


@dataclass(frozen=True, slots=True)
class Person:
    """One person against the mean of the others, on the n subjects that he, somebody else and the judge rated; they
    belong to so many prompts.

    constant: gave one and the same score throughout. shortfall: half of the correlation that the others reach, less his
    own, on the same references; its interval holds for the whole panel. disagrees: shortfall surely above zero.
    """

    rater: str
    n: int
    prompts: int
    pearson: AgainstOthers
    spearman: AgainstOthers
    mae: AgainstOthers
    constant: bool
    shortfall: Estimate
    disagrees: bool


@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """All persons, and their average, in which every person counts the same.

    n, prompts: subjects that the judge and two people or more rated, and the prompts they belong to.
    undefined: by statistic, who is not in the average because it does not exist for him.
    """

    persons: tuple[Person, ...]
    pearson: AgainstOthers
    spearman: AgainstOthers
    mae: AgainstOthers
    undefined: dict[str, tuple[str, ...]]
    n: int
    prompts: int

    @property
    def disagreeing(self) -> tuple[str, ...]:
        """Who disagrees with everyone."""
        return tuple(person.rater for person in self.persons if person.disagrees)


def leave_one_out(panel: Panel, judge: Floats) -> LeaveOneOut:
    """Every person, and the judge, against the mean of the other people; averaged over the people.

    judge: shape (n,), NaN where unscored. Only subjects that the judge and two people scored count, so that all are
    measured alike. A person for whom a statistic is undefined, his own or the judge's, is left out of both averages.

    >>> people = Panel.of([[1, 1, 2], [2, 3, 2], [3, 3, 4], [5, 4, 5]], ["a", "b", "c", "d"])
    >>> found = leave_one_out(people, np.array([1.0, 2.0, 3.0, 4.0]))
    >>> round(found.mae.person.value, 3), round(found.mae.judge.value, 3), found.disagreeing
    (0.667, 0.417, ())
    """
    if panel.k < 2:
        raise InputError(f"{panel.k} people: there is nobody else", todo="give the ratings of two people or more")
    rated = (np.isfinite(panel.ratings).sum(axis=1) > 1) & np.isfinite(judge)
    panel, judge = panel.taken(rated), judge[rated]
    sides = {s.name: [_sides(s, panel, judge, j) for j in range(panel.k)] for s in STATISTICS}
    persons = [_person(panel, j, [of_all[j] for of_all in sides.values()]) for j in range(panel.k)]
    averages = [_averaged(s, sides[s.name], panel.prompts) for s in STATISTICS]
    undefined = {name: tuple(panel.raters[j] for j, pair in enumerate(of_all) if _defined(pair) is None)
                 for name, of_all in sides.items()}  # fmt: skip
    return LeaveOneOut(tuple(persons), averages[0], averages[1], averages[2], undefined, len(judge), panel.prompts)


Sides = tuple[OnPrompts, OnPrompts] | None
"""A statistic of one person and of the judge, on the same subjects against the same references."""


def _sides(statistic: Statistic, panel: Panel, judge: Floats, j: int) -> Sides:
    others = np.where(np.isfinite(panel.ratings[:, j]), panel.mean(j), np.nan)
    person = where_both(statistic, panel.ratings[:, j], others, panel.prompt)
    beside = where_both(statistic, judge, others, panel.prompt)
    return (person, beside) if person and beside else None


def _defined(pair: Sides) -> Sides:
    return pair if pair and all(np.isfinite(side.plain()) for side in pair) else None


def _person(panel: Panel, j: int, sides: list[Sides]) -> Person:
    rated = np.isfinite(panel.ratings[:, j])
    own = panel.ratings[rated, j]
    shortfall = _shortfall(panel, j)
    pearson, spearman, mae = (_against(s, pair) for s, pair in zip(STATISTICS, sides, strict=True))
    return Person(
        rater=panel.raters[j],
        n=len(own),
        prompts=len(np.unique(panel.prompt[rated])),
        pearson=pearson,
        spearman=spearman,
        mae=mae,
        constant=bool(len(own) and np.ptp(own) == 0),
        shortfall=shortfall,
        disagrees=shortfall.low is not None and shortfall.low > 0,
    )


def _against(statistic: Statistic, pair: Sides) -> AgainstOthers:
    if pair is None:
        nobody = Estimate(None, note="no subjects")
        return AgainstOthers(nobody, nobody, nobody)
    # Both know the same prompts: without the others, which would only feign degrees of freedom.
    return _estimated(statistic, pair[0].prepared, pair[1].prepared, len(pair[0].own))


def _averaged(statistic: Statistic, sides: list[Sides], prompts: int) -> AgainstOthers:
    pairs = [pair for pair in map(_defined, sides) if pair]
    if not pairs:
        nobody = Estimate(None, note="undefined for everybody")
        return AgainstOthers(nobody, nobody, nobody)
    persons, judge = (Joint(tuple(pair[side] for pair in pairs), mean_of) for side in (0, 1))
    return _estimated(statistic, persons, judge, prompts)


def _estimated(statistic: Statistic, person: Prepared, judge: Prepared, prompts: int) -> AgainstOthers:
    return AgainstOthers(
        estimate_prepared(person, prompts, statistic.transform),
        estimate_prepared(judge, prompts, statistic.transform),
        estimate_prepared(Joint((judge, person), difference), prompts),
    )


def _shortfall(panel: Panel, j: int) -> Estimate:
    """HALF * mean_i r(i, rest) - mean_i r(j, rest), where the rest is everybody but i and j.

    Why so: on an axis where nobody agrees with anybody (r near 0), nobody in particular disagrees, so a fixed bound on
    r would name all; and the one in question must not spoil the references that the others are measured by.
    """
    if panel.k < 3:
        return Estimate(None, note="with two people nobody can say which of them disagrees")
    others, own = [], []
    for i in (i for i in range(panel.k) if i != j):
        rest = panel.mean(i, j)
        his, mine = (where_both(PEARSON, panel.ratings[:, who], rest, panel.prompt) for who in (i, j))
        if his and mine and _defined((his, mine)):
            others.append(his)
            own.append(mine)
    if not others:
        return Estimate(None, note="undefined: scores are constant, or shared with nobody")
    joint = Joint((*others, *own), lambda v: HALF * mean_of(v[: len(others)]) - mean_of(v[len(others) :]))
    return estimate_prepared(joint, panel.prompts, level=1 - 2 * FALSE_ALARM / panel.k)
