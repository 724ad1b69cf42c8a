"""What a judge is to the runner: it names its tasks, and rates one case at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from wavjudge.types import (
    AudioRef,
    Axis,
    Item,
    JudgeEntry,
    Message,
    RaterKind,
    Rating,
    Response,
    Role,
    Status,
    Subject,
    Utterance,
)


@dataclass(frozen=True, slots=True)
class Case:
    """One answer to be rated, with the item it answers; audio paths are relative to `root`."""

    item: Item
    response: Response
    root: Path
    turn: int = -1

    @property
    def subject(self) -> Subject:
        return self.response.subject(self.turn)

    @property
    def question(self) -> Utterance:
        return self.item.turns[self.response.turn(self.turn)]

    @property
    def answer(self) -> Utterance:
        return self.response.answers[self.response.turn(self.turn)]

    @property
    def before(self) -> tuple[Message, ...]:
        """What was said before the rated turn: the item's history, then the earlier turns with their answers."""
        earlier = zip(self.item.turns, self.response.answers, strict=False)
        turns = [pair for _, pair in zip(range(self.response.turn(self.turn)), earlier, strict=False)]
        roles: tuple[Role, Role] = ("user", "assistant")
        return (*self.item.history, *(
            Message(role=role, text=said.text, audio=said.audio)
            for pair in turns for role, said in zip(roles, pair, strict=True)
        ))  # fmt: skip

    def path(self, audio: AudioRef) -> Path:
        return self.root / audio.path


@dataclass(frozen=True, slots=True)
class Task:
    """One unit of work on a case: axes that one call settles together, under one signature.

    The signature is the planned one, known before the call: see `signature.planned`.
    """

    name: str
    axes: tuple[Axis, ...]
    signature: str


class Judge(Protocol):
    """Whoever rates by machine: an LLM judge, the instruments, a replay."""

    rater: str
    rater_kind: RaterKind
    tasks: tuple[Task, ...]
    concurrency: int

    async def rate(self, case: Case, task: Task, repeat: int) -> list[Rating]:
        """One rating per axis of the task. Raises only `StopRun`: every other failure is a status."""
        ...

    def entry(self) -> JudgeEntry: ...

    async def aclose(self) -> None: ...


def unscored(judge: Judge, case: Case, task: Task, repeat: int, status: Status, reason: str) -> list[Rating]:
    """The ratings of a task that came to nothing, one per axis, all with the same reason."""
    return [
        Rating(
            subject=case.subject, axis=axis.name, scale=axis.scale, rater=judge.rater, rater_kind=judge.rater_kind,
            repeat=repeat, status=status, reason=reason, signature=task.signature, time=datetime.now(UTC),
        )
        for axis in task.axes
    ]  # fmt: skip
