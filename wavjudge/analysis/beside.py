"""The null rows that stand beside a judge, on exactly the subjects that the judge was measured on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from wavjudge.analysis import nulls
from wavjudge.analysis.intervals import Estimate
from wavjudge.analysis.sums import Paired, Statistic
from wavjudge.analysis.tables import SUBJECT, prompt_numbers

Measure = Callable[[Paired, tuple[Statistic, ...]], Mapping[str, Estimate]]


@dataclass(frozen=True, slots=True)
class Line:
    """One null row: what the figures would be for something that does not judge. n: subjects it has a value for."""

    name: str
    n: int
    values: Mapping[str, Estimate]
    note: str = ""


def lines(
    data: Paired, subjects: pd.DataFrame, statistics: tuple[Statistic, ...], permutations: int, seed: int, *,
    covariates: pd.DataFrame | None, instruments: pd.DataFrame, estimates: Measure,
) -> tuple[Line, ...]:  # fmt: skip
    """Constant, permuted within and across prompts, each covariate, each instrument axis.

    subjects: the columns of `SUBJECT`, one row for each row of `data`, in its order. instruments: rows of
    `Ratings.per_subject`. covariates: `SUBJECT` and a column each.
    """
    found = [_null_line(nulls.constant(data), data, statistics, estimates)]
    hows: tuple[Literal["within", "across"], ...] = ("within", "across")
    found += [_permuted_line(how, data, statistics, permutations, seed) for how in hows]
    for name, values in _known(subjects, covariates, instruments):
        known = values["value"].notna().to_numpy(bool)
        if known.sum() >= 3:
            part = Paired(data.judge[known], data.people[known], prompt_numbers(subjects[known]))
            null = nulls.covariate(name, values["value"].to_numpy(float)[known], part)
            found.append(_null_line(null, part, statistics, estimates))
    return tuple(found)


def _null_line(null: nulls.Null, data: Paired, statistics: tuple[Statistic, ...], estimates: Measure) -> Line:
    values: dict[str, Estimate] = {}
    for statistic in statistics:
        scores = null.scores(statistic)
        if scores is None:
            values[statistic.name] = Estimate(None, note=null.note)
        else:
            values |= estimates(Paired(scores, data.people, data.prompt), (statistic,))
    return Line(null.name, data.n, values, null.note)


def _permuted_line(
    how: Literal["within", "across"], data: Paired, statistics: tuple[Statistic, ...], permutations: int, seed: int
) -> Line:
    dealt = nulls.permuted(statistics, data, how, permutations=permutations, seed=seed)
    note = f"95 % of {permutations} permutations"
    values = {one.statistic: Estimate(one.mean, one.low, one.high, "permutation", note) for one in dealt}
    return Line(f"permuted {how} prompts", data.n, values, "the judge's own scores, dealt out anew")


def _known(
    subjects: pd.DataFrame, covariates: pd.DataFrame | None, instruments: pd.DataFrame
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Name and values of everything that could stand in for a judge, aligned with `subjects`."""
    if covariates is not None:
        for name in (column for column in covariates.columns if column not in SUBJECT):
            table = covariates[[*SUBJECT, name]].rename(columns={name: "value"})
            yield str(name), subjects.merge(table, on=SUBJECT, how="left")
    for (axis, _), rows in instruments.groupby(["axis", "signature"]):
        table = rows[[*SUBJECT, "score"]].rename(columns={"score": "value"})
        yield f"instrument: {axis}", subjects.merge(table, on=SUBJECT, how="left")
