"""What a judge is to the runner: it names its tasks, and rates one case at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from wavjudge.errors import InputError
from wavjudge.files.safe import inside
from wavjudge.types import (
    AudioRef,
    Axis,
    Call,
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
    """One answer to be rated, with the item it answers; audio paths are relative to `root`.

    outside: whether the records may name recordings that lie elsewhere, as those of `--keep-audio reference` do.
    """

    item: Item
    response: Response
    root: Path
    turn: int = -1
    outside: bool = True

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
        """Where a recording lies. `InputError` for one outside `root`, where that is not allowed."""
        path = self.root / audio.path
        if not self.outside:
            refuse_outside(path, self.root)
        return path


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


def refuse_outside(path: Path, root: Path) -> None:
    """`InputError` for a recording that a run folder names and that does not lie in it, links followed."""
    if not inside(path, root):
        raise InputError("got a recording outside the run folder", where=str(path)[:200],
                         todo="if the run is your own, say --keep-audio reference")  # fmt: skip


def unscored(
    judge: Judge, case: Case, task: Task, repeat: int, status: Status, reason: str, *, raw: str | None = None,
    call: Call | None = None,
) -> list[Rating]:  # fmt: skip
    """The ratings of a task that came to nothing, one per axis, all with the same reason.

    raw, call: a reply that came all the same, and the call that brought it.
    """
    return [
        Rating(
            subject=case.subject, axis=axis.name, scale=axis.scale, rater=judge.rater, rater_kind=judge.rater_kind,
            repeat=repeat, status=status, reason=_whole(reason), raw=raw and _whole(raw), call=call,
            signature=task.signature, time=datetime.now(UTC),
        )
        for axis in task.axes
    ]  # fmt: skip


def _whole(text: str) -> str:
    """The text with a question mark for half a character, which no file can hold."""
    return text.encode(errors="replace").decode()
