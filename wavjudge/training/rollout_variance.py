"""How far the rollouts of one prompt lay apart in a training, axis by axis: from what the training logged.

A group is the answers to one prompt at one step, as the trainer compared them. A step that was done twice, since a
crash lay between, counts once: by its last answers, which are those that the checkpoint learnt from.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean

from wavjudge.rewards.groups import Group
from wavjudge.rewards.rollouts import Spread
from wavjudge.store import RunFolder
from wavjudge.types import Rating, Response

__all__ = ["rollout_variance"]

Attempt = tuple[str, int]
"""A prompt's id and which of its answers."""


def rollout_variance(logs: Iterable[Path], *, generations: int, after: int, until: int) -> list[Spread]:
    """A row for each axis, and one for the reward, over the steps from `after` up to below `until`.

    logs: the folders `rewards/rank-*` of a training. generations: answers to a prompt at a step. No row without a log.
    """
    groups: dict[str, list[Group]] = defaultdict(list)
    for log in sorted(logs):
        with RunFolder(log) as folder:
            responses, ratings = list(folder.responses()), list(folder.ratings())
        columns = _columns(responses, ratings)
        for group in _groups(responses, generations, after, until):
            for name, scores in columns.items():
                groups[name].append(Group.of([scores.get(one) for one in group]))
    return [Spread.of(name, found) for name, found in groups.items()]


def _groups(responses: Iterable[Response], generations: int, after: int, until: int) -> list[list[Attempt]]:
    steps: dict[tuple[int, str], list[Attempt]] = defaultdict(list)
    for one in responses:
        step = one.details.get("step")
        if isinstance(step, float) and after <= step < until:
            steps[int(step), one.item_id].append((one.item_id, one.attempt))
    return [sorted(held)[-generations:] for held in steps.values()]


def _columns(responses: Sequence[Response], ratings: Iterable[Rating]) -> dict[str, Mapping[Attempt, float]]:
    """Scores by axis, the mean of the repeats that were scored; rewards last."""
    found: dict[str, dict[Attempt, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in ratings:
        if one.score is not None:
            found[one.axis][one.subject.item_id, one.subject.attempt].append(one.score)
    for said in responses:
        if isinstance(reward := said.details.get("reward"), float):
            found["reward"][said.item_id, said.attempt].append(reward)
    return {name: {at: fmean(scores) for at, scores in held.items()} for name, held in found.items()}
