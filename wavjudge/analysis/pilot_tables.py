"""A pilot out of tables: which axis, which judge, and the scores that a plan can be made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from wavjudge.analysis.pilot import JudgesPilot, Pilot, over_prompts, pilot, pilot_of_judges
from wavjudge.analysis.tables.axis_names import JUDGES, refuse_unknown, shared_axes, with_scales
from wavjudge.analysis.tables.matching import matched
from wavjudge.analysis.tables.ratings import PROMPT, SUBJECT, Ratings, prompt_labels
from wavjudge.errors import InputError

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
