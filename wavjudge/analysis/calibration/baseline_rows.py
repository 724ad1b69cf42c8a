"""The null rows that stand beside a judge, on exactly the subjects that the judge was measured on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from wavjudge.analysis.stats import baselines
from wavjudge.analysis.stats.intervals import LARGE, Estimate, estimate_prepared, least_prompts, why_neither
from wavjudge.analysis.stats.sums import Joint, Paired, Statistic, difference
from wavjudge.analysis.tables.ratings import SUBJECT

BASELINE: Literal["baseline"] = "baseline"
"""What a null row is called in tables: pandas and others read the word "null" as a missing cell."""

Measure = Callable[[Paired, tuple[Statistic, ...]], Mapping[str, Estimate]]


@dataclass(frozen=True, slots=True)
class Line:
    """One null row: what the figures would be for something that does not judge. n: subjects it has a value for, which
    belong to so many prompts.

    kind "gain": the judge's figures minus those of a null row, on the same subjects, paired by prompt.
    """

    name: str
    n: int
    prompts: int
    values: Mapping[str, Estimate]
    note: str = ""
    kind: Literal["baseline", "gain"] = BASELINE


def lines(
    data: Paired, subjects: pd.DataFrame, statistics: tuple[Statistic, ...], permutations: int, seed: int, *,
    covariates: pd.DataFrame | None, instruments: pd.DataFrame, estimates: Measure,
) -> tuple[Line, ...]:  # fmt: skip
    """Constant, permuted within and across prompts, each covariate, each instrument axis.

    subjects: the columns of `SUBJECT`, one row for each row of `data`, in its order. instruments: rows of
    `Ratings.per_subject`. covariates: `SUBJECT` and a column each.
    """
    found = [_null_line(baselines.constant(data), data, statistics, estimates)]
    hows: tuple[Literal["within", "across"], ...] = ("within", "across")
    found += [_permuted_line(how, data, statistics, permutations, seed) for how in hows]
    for name, values in _known(subjects, covariates, instruments):
        known = values["value"].notna().to_numpy(bool)
        if known.sum() >= 3:
            part = data.taken(known)
            null = baselines.covariate(name, values["value"].to_numpy(float)[known], part)
            found.append(_null_line(null, part, statistics, estimates))
    return tuple(found)


TRANSCRIPT_ONLY, AUDIO_ADDS = "transcript only", "what audio adds"
_MINUS = "the judge minus transcript only: {}"


def transcript_lines(
    data: Paired, subjects: pd.DataFrame, statistics: tuple[Statistic, ...], judge: tuple[str, pd.DataFrame], *,
    estimates: Measure,
) -> tuple[Line, ...]:  # fmt: skip
    """Each judge that is this one without the answer's audio, and what the audio adds: the paired difference.

    data, subjects: as in `lines`. judge: its signature, and rows of `Ratings.per_subject` of its axis. Both figures of
    a difference are taken on the subjects that both judges scored.
    """
    signature, rows = judge
    found: list[Line] = []
    for other, own in rows.groupby("signature"):
        if not transcript_only(str(other), signature):
            continue
        scores = subjects.merge(own[[*SUBJECT, "score"]], on=SUBJECT, how="left")["score"].to_numpy(float)
        known = np.isfinite(scores)
        if known.any():
            heard = data.taken(known)
            read = heard.judged(scores[known])
            found.append(Line(TRANSCRIPT_ONLY, read.n, read.prompts, estimates(read, statistics), str(other)))
            gains = {one.name: _gain(one, heard, read) for one in statistics}
            found.append(Line(AUDIO_ADDS, read.n, read.prompts, gains, _MINUS.format(other), "gain"))
    return tuple(found)


def _gain(statistic: Statistic, heard: Paired, read: Paired) -> Estimate:
    joint = Joint((statistic.prepare(heard), statistic.prepare(read)), difference)
    sides = {"with the sound": heard, "with the transcript only": read}
    return estimate_prepared(
        joint, heard.prompts, least=least_prompts(statistic), undefined=why_neither(statistic, sides)
    )


def _null_line(null: baselines.Null, data: Paired, statistics: tuple[Statistic, ...], estimates: Measure) -> Line:
    values: dict[str, Estimate] = {}
    for statistic in statistics:
        scores = null.scores(statistic)
        if scores is None:
            values[statistic.name] = Estimate(None, note=null.note)
        else:
            values |= estimates(data.judged(scores), (statistic,))
    return Line(null.name, data.n, data.prompts, values, null.note)


def _permuted_line(
    how: Literal["within", "across"], data: Paired, statistics: tuple[Statistic, ...], permutations: int, seed: int
) -> Line:
    permutations = baselines.permutations_for(data.prompts, permutations)
    dealt = baselines.permuted(statistics, data, how, permutations=permutations, seed=seed)
    note = f"95 % of {permutations} permutations" + (f" (above {LARGE} prompts)" if data.prompts > LARGE else "")
    values = {one.statistic: _dealt(one, note) for one in dealt}
    return Line(f"permuted {how} prompts", data.n, data.prompts, values, "the judge's own scores, dealt out anew")


def _dealt(one: baselines.Permuted, note: str) -> Estimate:
    """Where every permutation gives the same figure (a constant judge) there is no range of them."""
    alike = one.low is None or one.high is None or one.high - one.low < 1e-9
    low, high = (None, None) if alike else (one.low, one.high)
    return Estimate(one.mean, low, high, "permutation", "all permutations give the same" if alike else note)


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


# Which judge is another one without the answer's sound: the transcript-only null row (statistics.md, ruling 2).

_SOUNDS = frozenset({"qa", "aa"})
"""What `judges/signing.py` calls the question's and the answer's audio among the inputs of a signature."""

_PROMPT, _INPUTS, _TRANSFORM, _PLANNED = 1, 4, 6, 8


def transcript_only(reading: str, hearing: str) -> bool:
    """Is `reading` the judge `hearing` without the answer's audio, and otherwise the same?

    Model, prompt name and version, parser, sampling, all other inputs and the place of the justification are equal;
    the question's audio may be missing too. The prompt's hash is not compared, since the inputs are in it: words
    changed without a new version are not seen here. The model that really answered is equal where both signatures
    name it.

    >>> heard = "openai:m|semantic.2#3f9a02c4d1be|parse:2|t:0|qt,qa,own,aa|before|pcm16-16000-mono2|v1|is:m-1"
    >>> read = "openai:m|semantic.2#77e10a5b6c2d|parse:2|t:0|qt,own|before|no-audio|v1|is:m-1"
    >>> transcript_only(read, heard), transcript_only(heard, read), transcript_only(read, read)
    (True, False, False)
    >>> transcript_only(read.replace("t:0", "t:1"), heard), transcript_only("ann", heard)
    (False, False)
    """
    ours, theirs = reading.split("|"), hearing.split("|")
    if min(len(ours), len(theirs)) < _PLANNED:
        return False  # no judge's signature: an instrument, or a rater's name
    sounds, all_sounds = (set(one[_INPUTS].split(",")) & _SOUNDS for one in (ours, theirs))
    if "aa" in sounds or "aa" not in all_sounds or not sounds <= all_sounds:
        return False
    named = min(len(ours), len(theirs))  # the resolved model is the last field, where there is one
    return _without_sound(ours[:named]) == _without_sound(theirs[:named])


def _without_sound(fields: list[str]) -> list[str]:
    kept = [name for name in fields[_INPUTS].split(",") if name not in _SOUNDS]
    changed = {_PROMPT: fields[_PROMPT].split("#")[0], _INPUTS: ",".join(kept), _TRANSFORM: ""}
    return [changed.get(place, field) for place, field in enumerate(fields)]
