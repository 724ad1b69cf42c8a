"""Each person against the mean of the others, and the judge against the very same references.

A judge exchangeable with a person agrees better with the mean of three people than a person does with the mean of the
other two (.612 against .577 in statistics.md, ruling 1): a ceiling is one only if both are measured alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from wavjudge.analysis.stats.agreement import MAE, PEARSON
from wavjudge.analysis.stats.best_of_n import BEST_OF_N
from wavjudge.analysis.stats.contrary import orders
from wavjudge.analysis.stats.intervals import (
    ALIKE,
    MAX_GROUPS,
    Estimate,
    clipped,
    estimate_prepared,
    least_prompts,
    reaching,
)
from wavjudge.analysis.stats.item_tau import INTRA_ID_TAU
from wavjudge.analysis.stats.joint import Joint, OnPrompts, Remembered, difference, mean_of, where_both
from wavjudge.analysis.stats.panel import Panel
from wavjudge.analysis.stats.ranks import SPEARMAN
from wavjudge.analysis.stats.shortfall import shortfalls
from wavjudge.analysis.stats.sums import Floats, Ints, Prepared, Statistic, ratio
from wavjudge.analysis.stats.within_prompt import (
    INTRA_ID_SPEARMAN,
    INTRA_ID_ZERO_FILLED,
    WITHIN_PROMPT_ACCURACY,
)
from wavjudge.errors import InputError

STATISTICS: tuple[Statistic, ...] = (
    PEARSON, SPEARMAN, INTRA_ID_SPEARMAN, INTRA_ID_ZERO_FILLED, INTRA_ID_TAU, WITHIN_PROMPT_ACCURACY, BEST_OF_N, MAE,
)  # fmt: skip


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
    own, on the same references (`shortfall.py`); its interval holds for the whole panel. disagrees: it is surely above
    zero. figures: by the name of the statistic.
    """

    rater: str
    n: int
    prompts: int
    figures: Mapping[str, AgainstOthers]
    constant: bool
    shortfall: Estimate
    disagrees: bool


@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """All persons, and their average by the name of the statistic, in which every person counts the same.

    n, prompts: subjects that the judge and two people or more rated, and the prompts they belong to.
    undefined: by statistic, who is not in the average because it does not exist for him.
    """

    persons: tuple[Person, ...]
    figures: Mapping[str, AgainstOthers]
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
    >>> round(found.figures["mae"].person.value, 3), round(found.figures["mae"].judge.value, 3), found.disagreeing
    (0.667, 0.417, ())
    """
    if panel.k < 2:
        raise InputError(f"{panel.k} people: there is nobody else", todo="give the ratings of two people or more")
    rated = (np.isfinite(panel.ratings).sum(axis=1) > 1) & np.isfinite(judge)
    panel, judge = panel.taken(rated), judge[rated]
    sides: dict[str, list[Sides]] = {one.name: [] for one in STATISTICS}
    for j in range(panel.k):
        rows = np.flatnonzero(np.isfinite(panel.ratings[:, j]))
        data = _Side.of(panel, judge, j, rows)
        for one in STATISTICS:
            sides[one.name].append(data.both(one))
    short = shortfalls(panel)
    persons = [_person(panel, j, [of_all[j] for of_all in sides.values()], short[j]) for j in range(panel.k)]
    averages = {s.name: _averaged(s, sides[s.name], panel.prompt) for s in STATISTICS}
    undefined = {name: tuple(panel.raters[j] for j, pair in enumerate(of_all) if not (pair and _is_defined(pair[0])))
                 for name, of_all in sides.items()}  # fmt: skip
    return LeaveOneOut(tuple(persons), averages, undefined, len(judge), panel.prompts)


Sides = tuple[OnPrompts, OnPrompts] | None
"""A statistic of one person and of the judge, on the same subjects against the same references."""


@dataclass(frozen=True, slots=True)
class _Side:
    """Person j, the judge, and the mean of the others, on the subjects that j rated. Shape (n of j,) each."""

    own: Floats
    judge: Floats
    others: Floats
    prompt: Ints

    @classmethod
    def of(cls, panel: Panel, judge: Floats, j: int, rows: Ints) -> _Side:
        # The others' mean on these rows alone: of a crowd everybody rated few.
        rest = np.delete(panel.ratings[rows], j, axis=1)
        present = np.isfinite(rest)
        others = ratio(np.where(present, rest, 0.0).sum(axis=1), present.sum(axis=1).astype(float))
        return cls(panel.ratings[rows, j], judge[rows], others, panel.prompt[rows])

    def both(self, statistic: Statistic) -> Sides:
        person = where_both(statistic, self.own, self.others, self.prompt)
        beside = where_both(statistic, self.judge, self.others, self.prompt)
        return (_once(person), _once(beside)) if person and beside else None


def _once(side: OnPrompts) -> OnPrompts:
    return replace(side, prepared=Remembered(side.prepared))


def _is_defined(side: OnPrompts) -> bool:
    return bool(np.isfinite(side.plain()))


def _person(panel: Panel, j: int, sides: list[Sides], shortfall: Estimate) -> Person:
    rated = np.isfinite(panel.ratings[:, j])
    own = panel.ratings[rated, j]
    _, prompt = np.unique(panel.prompt[rated], return_inverse=True)
    return Person(
        rater=panel.raters[j],
        n=len(own),
        prompts=len(np.unique(panel.prompt[rated])),
        figures={s.name: _against(s, pair, prompt) for s, pair in zip(STATISTICS, sides, strict=True)},
        constant=bool(len(own) and np.ptp(own) == 0),
        shortfall=shortfall,
        disagrees=shortfall.low is not None and shortfall.low > 0,
    )


def _against(statistic: Statistic, pair: Sides, prompt: Ints) -> AgainstOthers:
    if pair is None:
        nobody = Estimate(None, note="no subjects")
        return AgainstOthers(nobody, nobody, nobody)
    # Both know the same prompts: without the others, which would only feign degrees of freedom.
    return _estimated(statistic, pair[0].prepared, pair[1].prepared, prompt)


def _averaged(statistic: Statistic, sides: list[Sides], prompt: Ints) -> AgainstOthers:
    nobody = Estimate(None, note="undefined for everybody")
    pairs = [pair for pair in sides if pair and _is_defined(pair[0])]
    if not pairs:
        return AgainstOthers(nobody, nobody, nobody)
    alike = [pair for pair in pairs if _is_defined(pair[1])]
    person = _interval(statistic, _mean([own for own, _ in pairs]), prompt)
    if not alike:
        flat = replace(nobody, note="undefined: the judge's scores do not differ")
        return AgainstOthers(person, flat, flat)
    beside = _estimated(statistic, _mean([own for own, _ in alike]), _mean([its for _, its in alike]), prompt)
    return replace(beside, person=person)


def _mean(sides: list[OnPrompts]) -> Prepared:
    return Joint(tuple(sides), mean_of)


def _estimated(statistic: Statistic, person: Prepared, judge: Prepared, prompt: Ints) -> AgainstOthers:
    his, its = (_interval(statistic, side, prompt) for side in (person, judge))
    gap = Joint((judge, person), difference)
    return AgainstOthers(his, its, estimate_prepared(gap, _count(prompt), least=least_prompts(statistic)))


def _interval(statistic: Statistic, side: Prepared, prompt: Ints) -> Estimate:
    """An order within a prompt reckons with a prompt that says the opposite, as the judge's own figures do."""
    prompts = _count(prompt)
    found = estimate_prepared(side, prompts, statistic.transform, least=least_prompts(statistic))
    asked = (statistic.heeded and found.low is not None) or found.note == ALIKE
    if statistic.contrary == "order" and asked and prompts <= MAX_GROUPS:
        found = reaching(found, orders(side, prompt), prompts)
    return clipped(found, statistic.limits)


def _count(prompt: Ints) -> int:
    return int(prompt.max()) + 1
