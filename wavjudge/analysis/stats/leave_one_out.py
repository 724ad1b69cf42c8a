"""Each person against the mean of the others, and the judge against the very same references.

A judge exchangeable with a person agrees better with the mean of three people than a person does with the mean of the
other two (.612 against .577 in statistics.md, ruling 1): a ceiling is one only if both are measured alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from wavjudge.analysis.stats.agreement import MAE, PEARSON, SPEARMAN
from wavjudge.analysis.stats.intervals import (
    ALIKE,
    MAX_GROUPS,
    Estimate,
    clipped,
    estimate_prepared,
    jackknife_groups,
    least_prompts,
    orders,
    reaching,
)
from wavjudge.analysis.stats.panel import Panel
from wavjudge.analysis.stats.sums import (
    Floats,
    Ints,
    Joint,
    OnPrompts,
    Prepared,
    Remembered,
    Statistic,
    difference,
    mean_of,
    ratio,
    where_both,
)
from wavjudge.analysis.stats.within_prompt import (
    BEST_OF_N,
    INTRA_ID_SPEARMAN,
    INTRA_ID_TAU,
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
    own, on the same references (below); its interval holds for the whole panel. disagrees: it is surely above
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


# Who of a panel disagrees with everyone: by how much a person's correlation falls short of half of the others'.
#
#     HALF * mean_i r(i, rest) - mean_i r(j, rest), where the rest is everybody but i and j
#
# Why so: on an axis where nobody agrees with anybody (r near 0), nobody in particular disagrees, so a fixed bound on
# r would name all; and the one in question must not spoil the references that the others are measured by.
#
# Each pair of people has references of its own. They are computed for all i at once, and only on the answers that
# somebody rated: for k people and L labels this is k times L, whoever rated what.

HALF = 0.5
"""A person is named who reaches less than this share of the correlation that the others reach."""

FALSE_ALARM = 0.05
"""Chance that anybody of a panel is named though his true share is `HALF`; far smaller for people alike."""

_TINY = 1e-12


def shortfalls(panel: Panel) -> list[Estimate]:
    """The shortfall of each person, with an interval that holds for all of them together."""
    if panel.k < 3:
        return [Estimate(None, note="with two people nobody can say which of them disagrees")] * panel.k
    labels = _Labels.of(panel)
    return [_shortfall(labels, panel, j) for j in range(panel.k)]


def _shortfall(labels: _Labels, panel: Panel, j: int) -> Estimate:
    his, mine = _others(labels, j), _own(labels, j)
    known = np.isfinite(his.plain) & np.isfinite(mine.plain)
    known[j] = False
    if not known.any():
        return Estimate(None, note="undefined: scores are constant, or shared with nobody")
    value = HALF * his.plain[known].mean() - mine.plain[known].mean()
    left = HALF * his.mean_without(known) - mine.mean_without(known)
    return estimate_prepared(_Known(float(value), left), panel.prompts, level=1 - 2 * FALSE_ALARM / panel.k)


@dataclass(frozen=True, slots=True)
class _Known:
    """A statistic whose value and jackknife are known already."""

    value: float
    left: Floats

    def plain(self) -> float:
        return self.value

    def without_each(self, groups: Ints) -> Floats:
        return self.left

    def weighted(self, weights: Floats) -> Floats:
        raise InputError("a shortfall has an interval by the jackknife alone")


@dataclass(frozen=True, slots=True)
class _Labels:
    """All labels of a panel as one list: row (subject), rater and score of each, by rater and row; and for each subject
    the sum and number of its labels. group: of each subject, for the jackknife; groups: how many there are."""

    row: Ints
    rater: Ints
    score: Floats
    total: Floats
    count: Floats
    table: Floats
    group: Ints
    groups: int

    @classmethod
    def of(cls, panel: Panel) -> _Labels:
        present = np.isfinite(panel.ratings)
        rater, row = np.nonzero(present.T)
        table = np.where(present, panel.ratings, 0.0)
        group = jackknife_groups(panel.prompts)[panel.prompt] if len(panel.prompt) else panel.prompt
        return cls(row, rater, table[row, rater], table.sum(axis=1), present.sum(axis=1).astype(float), panel.ratings,
                   group, int(group.max()) + 1 if len(group) else 0)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Correlations:
    """One correlation for each i: plain, shape (k,); and those that change without a group: whose (i), which group, and
    the value then. Without any other group it stays as it is."""

    plain: Floats
    who: Ints
    group: Ints
    without: Floats
    groups: int

    def mean_without(self, known: np.ndarray) -> Floats:
        """The mean over the known ones without each group; NaN where one of them is undefined then; (groups,)."""
        kept = known[self.who]
        change = (self.without - self.plain[self.who])[kept]
        change = np.bincount(self.group[kept], change, self.groups)
        return np.asarray(self.plain[known].mean() + change / known.sum(), float)


def _others(labels: _Labels, j: int) -> _Correlations:
    """r(i, rest) for every i, on the answers that i rated."""
    beside = np.nan_to_num(labels.table[:, j])[labels.row]
    with_j = np.isfinite(labels.table[:, j])[labels.row]
    rest = ratio(labels.total[labels.row] - labels.score - beside, labels.count[labels.row] - 1 - with_j)
    stands = np.isfinite(rest) & (labels.rater != j)
    return _correlations(
        labels.score[stands], rest[stands], labels.rater[stands], labels.group[labels.row[stands]], labels,
    )  # fmt: skip


def _own(labels: _Labels, j: int) -> _Correlations:
    """r(j, rest) for every i, on the answers that j rated."""
    rows = np.flatnonzero(np.isfinite(labels.table[:, j]))
    table = labels.table[rows]
    present = np.isfinite(table)
    own = table[:, j]
    rest = ratio((labels.total[rows] - own)[:, None] - np.where(present, table, 0.0),
                 (labels.count[rows] - 1)[:, None] - present)  # fmt: skip
    row, who = np.nonzero(np.isfinite(rest))
    return _correlations(own[row], rest[row, who], who, labels.group[rows[row]], labels)


def _correlations(x: Floats, y: Floats, who: Ints, group: Ints, labels: _Labels) -> _Correlations:
    """Pearson's r of x and y for each of `who`, plain and without each group that he has an answer in."""
    k = labels.table.shape[1]
    n = np.bincount(who, minlength=k).astype(float)
    x, y = _centred(x, who, n), _centred(y, who, n)
    columns = (np.ones_like(x), x, y, x * x, y * y, x * y)
    whole = np.stack([_sums(who, column, k) for column in columns], axis=-1)
    cells, cell = np.unique(who * labels.groups + group, return_inverse=True)
    parts = np.stack([_sums(cell.reshape(-1), column, len(cells)) for column in columns], axis=-1)
    owner = cells // max(labels.groups, 1)
    return _Correlations(_pearson(whole), owner, cells % max(labels.groups, 1), _pearson(whole[owner] - parts),
                         labels.groups)  # fmt: skip


def _centred(scores: Floats, who: Ints, n: Floats) -> Floats:
    """The scores of each in units of his own spread, around his mean; constant scores are zero."""
    mean = ratio(_sums(who, scores, len(n)), n)
    around = scores - mean[who]
    spread = np.sqrt(ratio(_sums(who, around * around, len(n)), n))
    unit = np.maximum(np.nan_to_num(spread), 1e-9 * np.nan_to_num(abs(mean)))
    return np.asarray(around / np.where(unit > 0, unit, 1.0)[who])


def _sums(who: Ints, column: Floats, count: int) -> Floats:
    return np.asarray(np.bincount(who, column, count), float)


def _pearson(sums: Floats) -> Floats:
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        vx, vy = xx / n - (x / n) ** 2, yy / n - (y / n) ** 2
        cov = xy / n - x * y / n**2
    vx, vy = np.where(vx < _TINY, 0.0, vx), np.where(vy < _TINY, 0.0, vy)
    return np.asarray(np.clip(ratio(cov, np.sqrt(vx * vy)), -1, 1))
