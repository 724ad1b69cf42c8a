"""The judges of a reward: who rates which weighted axis, the asking, and which of their ratings stand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from wavjudge.errors import InputError, ModelChangedError
from wavjudge.judges.base import Case, Judge, Task, unscored
from wavjudge.rewards.combine import Weights
from wavjudge.signature import planned
from wavjudge.types import RaterKind, Rating, Status

ASKED_AGAIN: frozenset[Status] = frozenset({"unparseable", "not_heard"})
"""What `tries` asks for again. A failed call was retried already, and a refusal stands."""


class Jury:
    """Judges and their tasks on the weighted axes. tries: how often one is asked whose reply has no verdict.

    Raises `InputError` where no judge rates a weighted axis, or one on another scale than the weights have.
    """

    def __init__(self, judges: Sequence[Judge], weights: Weights, *, repeats: int, tries: int) -> None:
        self.judges = tuple(judges)
        self.tasks = _tasks(self.judges, weights)
        self._repeats, self._tries = repeats, tries

    def weighed(self, weights: Weights) -> Jury:
        """The same judges on the axes of other weights."""
        return Jury(self.judges, weights, repeats=self._repeats, tries=self._tries)

    @property
    def signatures(self) -> dict[str, str]:
        """The signature that rates each axis, as planned: without the model that will answer."""
        return {axis.name: task.signature for _, task in self.tasks for axis in task.axes}

    @property
    def kinds(self) -> dict[str, RaterKind]:
        """What kind of rater rates each axis."""
        return {axis.name: judge.rater_kind for judge, task in self.tasks for axis in task.axes}

    async def ratings(self, case: Case) -> list[Rating]:
        """All ratings of one answer; an instrument is asked once, whatever `repeats` says."""
        async with asyncio.TaskGroup() as group:
            asked = [
                group.create_task(self._asked(judge, case, task, repeat))
                for judge, task in self.tasks
                for repeat in range(self._repeats if judge.rater_kind == "model" else 1)
            ]
        return [rating for one in asked for rating in one.result()]

    async def aclose(self) -> None:
        for judge in self.judges:
            await judge.aclose()

    async def _asked(self, judge: Judge, case: Case, task: Task, repeat: int) -> list[Rating]:
        """The ratings of one task; each further try is a repeat of its own, so that no cache answers it."""
        made: list[Rating] = []
        for number in range(repeat, repeat + self._tries * self._repeats, self._repeats):
            try:
                found = await judge.rate(case, task, number)
            except ModelChangedError as error:  # raised for the batch, once what is under way has come back
                found = unscored(judge, case, task, number, "failed", f"not asked: {error.problem}")
            made += found
            if not any(rating.status in ASKED_AGAIN for rating in found):
                break
        return made


def standing(ratings: Sequence[Rating]) -> list[Rating]:
    """Of each axis the ratings that settle it: the ok ones, else all. A failed call never learns who answered."""
    scored = {rating.axis for rating in ratings if rating.status == "ok"}
    return [
        rating.model_copy(update={"signature": planned(rating.signature)})
        for rating in ratings if rating.status == "ok" or rating.axis not in scored
    ]  # fmt: skip


def _tasks(judges: Sequence[Judge], weights: Weights) -> list[tuple[Judge, Task]]:
    """The tasks that rate a weighted axis. `InputError` where nobody rates one, or on another scale."""
    tasks = [(judge, task) for judge in judges for task in judge.tasks if _weighted(task, weights)]
    rated = {axis.name: axis.scale for _, task in tasks for axis in task.axes}
    if missing := sorted(set(weights.axes) - set(rated)):
        raise InputError(f"got a weight for {', '.join(missing)}, which none of the judges rates",
                         todo="name a prompt set that has it, or leave it out")  # fmt: skip
    wanted = weights.scale.low, weights.scale.high
    for axis in weights.axes:
        if (found := (rated[axis].low, rated[axis].high)) != wanted:
            raise InputError(
                f"got weights on the scale {wanted[0]}..{wanted[1]}, and {axis} is rated on {found[0]}..{found[1]}",
                todo="give Weights the scale of the axes; axes of different scales make no sum",
            )
    return tasks


def _weighted(task: Task, weights: Weights) -> bool:
    return any(axis.name in weights.axes for axis in task.axes)
