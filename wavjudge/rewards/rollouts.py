"""What rated rollouts would be worth to a training, before it starts.

A group is what one candidate answered to one prompt in several attempts, as in training; `pool` takes the answers of
all candidates to a prompt for one group. The figures are those of `groups.py` and `mixing.py` on this data: no model,
no forecast. Rewards move once a training has begun, and a group of another size has another share without signal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
import pandas as pd

from wavjudge.analysis.leaderboard.leaderboard import judged_by, mean
from wavjudge.analysis.stats.intervals import Estimate
from wavjudge.analysis.tables.ratings import PROMPT, SUBJECT, Ratings, joined
from wavjudge.analysis.tables.responses import ANSWER, Answers
from wavjudge.errors import InputError
from wavjudge.rewards.combine import Reward, Unscored, Verdict, Weights, combine
from wavjudge.rewards.groups import Group
from wavjudge.rewards.presets import Preset
from wavjudge.types import OUTCOMES, STATUSES


@dataclass(frozen=True, slots=True)
class Spread:
    """One axis, or the reward made of them, over all groups. Scores in points, variances in squared points.

    answers, unscored: rollouts in groups, and those without a score. groups: with two scores or more, of which
    `no_signal` have them all equal. mean: over scored answers.
    variance, variance_sample: within a prompt, divided by n (what the gate reads) and by n - 1; means over `groups`.
    """

    name: str
    answers: int
    unscored: int
    groups: int
    no_signal: int
    mean: float | None
    variance: float | None
    variance_sample: float | None

    @classmethod
    def of(cls, name: str, groups: Sequence[Group]) -> Spread:
        usable = [group for group in groups if group.usable]
        scores = [score for group in groups for score in group.rewards[group.valid].tolist()]
        answers = sum(len(group.rewards) for group in groups)
        return cls(
            name, answers, answers - len(scores), len(usable), sum(not group.has_signal for group in usable),
            _mean(scores), _mean([group.variance for group in usable]),
            _mean([group.variance * group.n_valid / (group.n_valid - 1) for group in usable]),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rollouts:
    """What the data says.

    axes: one row an axis; reward: the same of the rewards. reward_gate, information_gate: means over usable groups.
    lambda_: mean of the raw lambdas, where the moving average would settle, with its interval over prompts;
    lambda_spread: their 10th and 90th percentile.
    candidates, signatures: whose answers, and who judged which axis. statuses: what became of the answers.
    sizes: answers a group, and how many groups have so many. single: prompts left out because they have one answer.
    ceiling: the share of answers without a judge's score that stops training. notes: what is special about the data.
    """

    axes: tuple[Spread, ...]
    reward: Spread
    reward_gate: float | None
    information_gate: float | None
    lambda_: Estimate
    lambda_spread: tuple[float, float] | None
    weights: dict[str, float]
    candidates: tuple[str, ...]
    signatures: dict[str, str]
    statuses: dict[str, int]
    sizes: dict[int, int]
    single: int
    ceiling: float | None
    data_sha256: str
    notes: tuple[str, ...] = ()

    @property
    def failure_rate(self) -> float:
        """Share of the answers that no judge scored, for the judge's reasons or the candidate's."""
        return 1 - self.statuses.get("ok", 0) / sum(self.statuses.values())

    @property
    def judge_failure_rate(self) -> float:
        """Share of what a judge was asked about that it did not score: what the ceiling is held against."""
        judged = {status: count for status, count in self.statuses.items() if status not in OUTCOMES[1:]}
        return 1 - judged.get("ok", 0) / max(sum(judged.values()), 1)

    @property
    def without_signal(self) -> int:
        """Groups that give a preference nothing: too few rewards, or all equal."""
        return sum(self.sizes.values()) - self.reward.groups + self.reward.no_signal

    @property
    def sentence(self) -> str:
        """The finding in plain words."""
        total = sum(self.sizes.values())
        idle = f"{self.without_signal} of {total} prompts ({self.without_signal / total:.0%}) would teach nothing"
        if self.lambda_.value is None:
            return f"No prompt has two rewards to compare: {idle}, and there is no lambda."
        said = f"Lambda would settle near {self.lambda_.value:.2f}: of the loss that share is preference, the rest "
        said += f"supervised. {idle}."
        if self.ceiling is not None and self.judge_failure_rate > self.ceiling:
            said += (f" {self.judge_failure_rate:.0%} of the judged answers got no judge's score, over the ceiling of "
                     f"{self.ceiling:.0%}: training would stop.")  # fmt: skip
        return said


def rollouts(
    ratings: Ratings, responses: pd.DataFrame | None, preset: Preset, *, rater: str | None = None,
    signatures: Collection[str] | None = None, candidate: str | None = None, pool: bool = False,
) -> Rollouts:  # fmt: skip
    """From ratings of several answers to each prompt.

    responses: as for a leaderboard; an answer that the candidate failed to give is a rollout without a reward.
    rater, signatures: keep only these judges; two signatures on one weighted axis are an `InputError`.
    candidate: whose answers, where there are several. pool: take the answers of all candidates to a prompt together.

    >>> table = pd.DataFrame({"item_id": list("1111222233"), "candidate": "a", "attempt": [0, 1, 2, 3] * 2 + [0, 1],
    ...                       "axis": "overall", "rater": "m", "score": [1, 1, 5, 5, 3, 3, 3, 3, 4, None],
    ...                       "status": ["ok"] * 9 + ["refused"]})
    >>> from wavjudge.rewards.presets import preset
    >>> from wavjudge.types import Axis
    >>> found = rollouts(Ratings.of(table, [Axis(name="overall")]), None, preset("overall"))
    >>> round(found.lambda_.value, 3), found.reward.variance, found.without_signal, found.statuses
    (0.4, 2.0, 2, {'ok': 9, 'refused': 1})
    """
    rated = _weighted(judged_by(ratings, rater, signatures), ratings, preset.weights)
    answers = Answers.of(responses, rated)
    table = _rewarded(answers, rated, preset)
    names = _candidates(table, candidate, pool)
    parts = [part for _, part in table[table["candidate"].isin(names)].groupby(PROMPT, sort=True)]
    groups = [part for part in parts if len(part) > 1]
    if not groups:
        raise InputError(f"got {len(parts)} prompts with one answer each, expected several rollouts of a prompt",
                         todo="run with --attempts 4, or take all answers to a prompt together: --pool")  # fmt: skip
    return Rollouts(
        axes=tuple(Spread.of(axis, [_group(part, axis) for part in groups]) for axis in preset.weights.axes),
        **_mixture(groups, preset),
        weights=dict(preset.weights.axes), candidates=names,
        signatures={str(axis): str(name) for axis, name in rated.groupby("axis")["signature"].first().items()},
        statuses=dict(Counter(pd.concat(groups)["status"]).most_common()),
        sizes=dict(sorted(Counter(map(len, groups)).items())), single=len(parts) - len(groups),
        ceiling=preset.ceiling, data_sha256=answers.data_sha256(ratings), 
        notes=(*map(str, ratings.problems), *answers.notes(rated), *_unrated(answers, rated)),
    )  # fmt: skip


def _weighted(rated: pd.DataFrame, ratings: Ratings, weights: Weights) -> pd.DataFrame:
    """The rows of the weighted axes; each axis on the scale of the weights, and by one signature in all benchmarks."""
    rated = rated[rated["axis"].isin(list(weights.axes))]
    for axis in weights.axes:
        names = rated["signature"][rated["axis"] == axis].unique()
        if not len(names):
            had = ", ".join(sorted(ratings.frame["axis"].unique())) or "(no axis)"
            raise InputError(f"got no ratings on {axis} by this judge; the data holds {had}",
                             todo="weigh the axes that are there: --weights NAME=WEIGHT,NAME=WEIGHT")  # fmt: skip
        if len(names) > 1:
            raise InputError(f"got {len(names)} signatures on {axis}, expected one: {'; '.join(names)}",
                             todo="choose one: --signature")  # fmt: skip
        found = ratings.axes[axis].scale
        if (found.low, found.high) != (weights.scale.low, weights.scale.high):
            raise InputError(f"got {axis} on {found.low}..{found.high}, and weights on "
                             f"{weights.scale.low}..{weights.scale.high}", todo="axes of one scale only")  # fmt: skip
    return rated


def _rewarded(answers: Answers, rated: pd.DataFrame, preset: Preset) -> pd.DataFrame:
    """One row a subject: a column of scores for each axis, `reward` and `status`; missing scores are NaN."""
    found: dict[tuple[object, ...], dict[str, Verdict | Unscored]] = {}
    for row in answers.without_failed(rated).to_dict("records"):
        found.setdefault(tuple(row[name] for name in SUBJECT), {})[row["axis"]] = _outcome(row)
    rewards = {subject: combine(axes, preset.weights, preset.policy) for subject, axes in found.items()}
    outcomes = answers.failed.merge(answers.table, on=ANSWER)
    for row in outcomes.to_dict("records"):
        rewards[tuple(row[name] for name in SUBJECT)] = preset.policy.settled(Reward(None, row["status"], "no answer"))
    rows = [
        {**dict(zip(SUBJECT, subject, strict=True)), "reward": reward.score, "status": reward.status,
         **{axis: getattr(found.get(subject, {}).get(axis), "score", None) for axis in preset.weights.axes}}
        for subject, reward in rewards.items()
    ]  # fmt: skip
    scores = ["reward", *preset.weights.axes]
    return pd.DataFrame(rows).astype(dict.fromkeys(scores, "float64"))


def _unrated(answers: Answers, rated: pd.DataFrame) -> Iterator[str]:
    """Answers that exist and that nobody looked at are no failures: they are not in the groups, and named."""
    given = answers.table[answers.table["status"] == "ok"]
    seen = joined(given[ANSWER], rated[ANSWER].drop_duplicates(), ANSWER, "left")
    count = int((seen["_merge"] != "both").sum())
    if count:
        yield f"{count} answers that no weighted axis was rated of, left out"


def _outcome(row: Mapping[Hashable, Any]) -> Verdict | Unscored:
    if row["n_ok"]:
        return Verdict(row["score"])
    status = next(status for status in STATUSES if row[f"n_{status}"])
    return Unscored(status, f"{row['n_unscored']} ratings without a score")


def _candidates(table: pd.DataFrame, asked: str | None, pool: bool) -> tuple[str, ...]:
    names = tuple(sorted(table["candidate"].unique()))
    if asked is not None and asked not in names:
        raise InputError(f"got the candidate {asked}, expected one of {', '.join(names)}")
    if asked is None and len(names) > 1 and not pool:
        raise InputError(f"got {len(names)} candidates, expected one policy: {', '.join(names)}",
                         todo="choose one: --candidate; or take all answers to a prompt together: --pool")  # fmt: skip
    return names if asked is None else (asked,)


def _group(part: pd.DataFrame, column: str) -> Group:
    return Group.of([None if np.isnan(score) else score for score in part[column]])


def _mixture(parts: Sequence[pd.DataFrame], preset: Preset) -> dict[str, Any]:
    """What the gates make of the rewards of these groups."""
    groups, gates = [_group(part, "reward") for part in parts], preset.gates
    usable = [group for group in groups if group.usable]
    raw = np.array([gates.raw(group) for group in usable])
    return {
        "reward": Spread.of("reward", groups),
        "reward_gate": _mean([gates.reward_gate(group) for group in usable]),
        "information_gate": _mean([gates.information_gate(group) for group in usable]),
        "lambda_": mean(raw, np.arange(len(raw))),
        "lambda_spread": tuple(np.quantile(raw, [0.1, 0.9]).tolist()) if len(raw) else None,
    }


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None
