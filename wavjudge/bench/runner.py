"""The judge stage: rows in, ratings on disk, resumable at any moment.

Rows are streamed to the judges' lanes. What is done is read from the run's own logs: the same command again makes no
call that already has a verdict.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from sys import intern
from typing import Literal

from wavjudge.bench.identities import FirstAnswers, identity_of
from wavjudge.bench.intake import Intake
from wavjudge.bench.lanes import Lanes
from wavjudge.bench.row import Row
from wavjudge.bench.stored import StoredRow
from wavjudge.bench.testset import Answers
from wavjudge.bench.watching import Nobody, Watcher
from wavjudge.clients.identity import OnModelChange
from wavjudge.errors import InputError, MissingRecordingError, StopRun
from wavjudge.judge.base import Case, Judge, Task
from wavjudge.signature import planned
from wavjudge.store import RunFolder
from wavjudge.types import Item, Rating, RatingKey, Response, Status, Stored, Subject

RETRIED_STATUSES: frozenset[Status] = frozenset({"failed"})
"""What a resume asks for again: calls that failed. Refused, unparseable and unheard are verdicts about the judge."""

ROWS_AT_ONCE = 16
"""Rows taken in by one trip to a thread, and acknowledged by one fdatasync."""


@dataclass(slots=True)
class Summary:
    """What one pass did. stops: why candidates and judges ended early, by name, where they did. other_models: how many
    replies under a judge's name came of which other model."""

    outcomes: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    tasks_done: int = 0
    tasks_already_done: int = 0
    bad_rows: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """Rows that name a recording which is not there: nothing is recorded of them, and the next pass looks again."""
    remarks: list[str] = field(default_factory=list)
    stops: dict[str, StopRun] = field(default_factory=dict)
    other_models: dict[str, dict[str, int]] = field(default_factory=dict)
    interrupted: bool = False

    @property
    def stopped(self) -> StopRun | None:
        """The first of `stops`."""
        return next(iter(self.stops.values()), None)


@dataclass(frozen=True, slots=True)
class _Job:
    case: Case
    task: Task
    repeat: int
    supersedes: tuple[tuple[str, str], ...]  # (axis, id of the failed rating that this one replaces)


@dataclass(frozen=True, slots=True)
class _Taken:
    """A row with its records; the new ones are not in the run folder yet."""

    where: str
    item: Item
    response: Response
    is_new: bool


class Done:
    """What the run folder already holds, by the key that resume compares.

    It is all in memory, and all that grows with a run: so records stand as JSON, a fifth of the memory of the objects.
    """

    def __init__(self, run: RunFolder, retry: Collection[Status]) -> None:
        self._items = {(item.benchmark, item.id): _json(item) for item in run.items()}
        self._responses = {_key(response): _json(response) for response in run.responses()}
        self._ratings: dict[RatingKey, str | None] = {}
        self.answered = FirstAnswers()
        for rating in run.ratings():
            self.answered.add(rating)
            self._ratings[_rating_key(rating)] = rating.id if rating.status in retry else None

    def item(self, benchmark: str, item_id: str) -> Item | None:
        found = self._items.get((benchmark, item_id))
        return None if found is None else Item.model_validate_json(found)

    def add(self, item: Item) -> None:
        self._items[item.benchmark, item.id] = _json(item)

    def response(self, key: tuple[str, str, str, int]) -> Response | None:
        found = self._responses.get(key)
        return None if found is None else Response.model_validate_json(found)

    def needed(self, subject: Subject, judge: Judge, task: Task, repeat: int) -> tuple[tuple[str, str], ...] | None:
        """None if the task is done; else what it supersedes (often nothing)."""
        keys = {axis.name: _task_key(subject, axis.name, judge.rater, task.signature, repeat) for axis in task.axes}
        stale = tuple((axis, self._ratings[key] or "") for axis, key in keys.items() if key in self._ratings)
        if len(stale) == len(keys) and not any(old for _, old in stale):
            return None
        return tuple((axis, old) for axis, old in stale if old)


class Runner:
    """One pass over a test set with some judges. `stop` ends it early without losing what is under way."""

    def __init__(
        self,
        run: RunFolder,
        judges: Sequence[Judge],
        *,
        intake: Intake,
        repeats: int = 1,
        retry: Collection[Status] = RETRIED_STATUSES,
        rated_turns: Literal["last", "each"] = "last",
        watcher: Watcher | None = None,
        on_model_change: OnModelChange = "stop",
    ) -> None:
        self._run, self._judges, self._intake, self._repeats = run, judges, intake, repeats
        self._each_turn = rated_turns == "each"
        self._watcher = watcher or Nobody()
        self._done = Done(run, retry)
        self._done.answered.prepare(judges, on_model_change, self._watcher.changed)
        self._lanes = Lanes(judges, self._do, self._judge_stopped)
        self.summary = Summary()
        self._rows = self._taken_back = 0

    def stop(self) -> None:
        """Send nothing more; calls under way are awaited and stored."""
        self.summary.interrupted = True
        self._lanes.stop()

    async def rate(self, testset: Answers) -> Summary:
        """Take in every row and rate every answer. A `StopRun` ends its judge and stands in the summary afterwards."""
        self._rows = len(testset)
        self._watcher.planned(self._rows * self._calls_per_answer)
        await self._lanes.run(lambda: self._feed(testset))
        self.summary.bad_rows += testset.bad_rows
        self.summary.remarks += self._intake.remarks
        found = {judge.rater: identity.others for judge in self._judges if (identity := identity_of(judge))}
        self.summary.other_models = {rater: dict(others) for rater, others in found.items() if others}
        return self.summary

    @property
    def _calls_per_answer(self) -> int:
        return sum(len(judge.tasks) * self._repeats_of(judge) for judge in self._judges)

    def _repeats_of(self, judge: Judge) -> int:
        return self._repeats if judge.rater_kind == "model" else 1  # an instrument repeats itself to the digit

    async def _feed(self, testset: Answers) -> None:
        rows: Iterator[tuple[str, Row | StoredRow]] = iter(testset)
        while not self._lanes.are_over and (taken := await asyncio.to_thread(self._take, testset, rows)) is not None:
            cases = await self._cases(taken)
            self._take_back(len(self.summary.bad_rows) + len(testset.bad_rows))
            for case in cases:
                await self._lanes.put(partial(self._jobs, case))
        if not self._lanes.are_over:
            self._take_back(self._rows - self.summary.outcomes.total())

    def _take_back(self, bad_rows: int) -> None:
        """Of bad rows nothing will be asked: what was announced for them is not to come."""
        self._watcher.planned((self._taken_back - bad_rows) * self._calls_per_answer)
        self._taken_back = bad_rows

    def _take(self, testset: Answers, rows: Iterator[tuple[str, Row | StoredRow]]) -> list[_Taken] | None:
        """The next rows, taken in where they are new; None at the end. Runs in a thread, for which the feeder waits."""
        batch = list(islice(rows, ROWS_AT_ONCE))
        return [taken for where, row in batch if (taken := self._taken(testset, where, row))] if batch else None

    def _taken(self, testset: Answers, where: str, row: Row | StoredRow) -> _Taken | None:
        key = (row.benchmark or testset.benchmark, row.item_id, row.candidate, row.attempt)
        item, known = self._done.item(*key[:2]), self._done.response(key)
        try:
            if item is None or known is None:
                return _Taken(where, *self._intake.take(testset, row), is_new=True)
            if not self._intake.unchanged(testset, row, known):
                names = ", ".join(filter(None, row.recordings))
                raise InputError(f"the recording {names} is not the one this run was started with",
                                 todo="use another --out for changed answers")  # fmt: skip
            if isinstance(row, Row) and [turn.text for turn in item.turns] != [said.text for said in row.asked()]:
                raise InputError(f"item {row.item_id!r} has another question than the one this run was started with",
                                 todo="use another --out for changed questions")  # fmt: skip
            return _Taken(where, item, known, is_new=False)
        except MissingRecordingError as error:
            self.summary.missing.append(f"{where}, {error}")
            self._watcher.missing(f"{where}, {error}")
            self._watcher.planned(-self._calls_per_answer)
            return None
        except InputError as error:
            self._refuse(where, error)
            return None

    async def _cases(self, taken: Sequence[_Taken]) -> list[Case]:
        """The cases of rows whose records are on the disk; none for a bad row and for a candidate's failure."""
        items: list[Item] = []
        good = [row for row in taken if self._is_known(row, items)]
        responses = [row.response for row in good if row.is_new]
        if items:
            await self._run.log("items").append(*items)
        if responses:
            await self._run.log("responses").append(*responses)
        return [case for row in good for case in self._cases_of(row)]

    def _is_known(self, row: _Taken, items: list[Item]) -> bool:
        """Whether the item is the one known under its id; a new id is known from now on, and its item joins `items`."""
        known = self._done.item(row.item.benchmark, row.item.id)
        if known is None:
            self._done.add(row.item)
            items.append(row.item)
        if known is None or _same(known, row.item):
            return True
        self._refuse(row.where, InputError(
            f"item {row.item.id!r} has another question, history or reference than in an earlier row",
            todo="give it an item_id of its own",
        ))  # fmt: skip
        return False

    def _refuse(self, where: str, error: InputError) -> None:
        self.summary.bad_rows.append(f"{where}: {error}")

    def _cases_of(self, row: _Taken) -> list[Case]:
        """The turns of an answer that are rated: the last, or each. None of an answer that failed."""
        response = row.response
        self.summary.outcomes[response.status] += 1
        turns = range(len(response.answers)) if self._each_turn else (-1,)
        rated = [Case(row.item, response, self._run.path, turn) for turn in turns] if response.status == "ok" else []
        self._watcher.planned((len(rated) - 1) * self._calls_per_answer)
        return rated

    def _jobs(self, case: Case, judge: Judge) -> Iterator[_Job]:
        for task in judge.tasks:
            for repeat in range(self._repeats_of(judge)):
                supersedes = self._done.needed(case.subject, judge, task, repeat)
                if supersedes is not None:
                    yield _Job(case, task, repeat, supersedes)
                    continue
                self.summary.tasks_already_done += 1
                self._watcher.planned(-1)

    async def _do(self, judge: Judge, job: _Job) -> None:
        await self._store(await judge.rate(job.case, job.task, job.repeat), dict(job.supersedes))
        if (identity := identity_of(judge)) is not None:
            identity.admit()  # after the rating is kept, whoever gave it

    def _judge_stopped(self, judge: Judge, stop: StopRun) -> None:
        self.summary.stops.setdefault(judge.rater, stop)
        if not self._lanes.are_over:
            self._watcher.gave_up(judge.rater, stop)

    async def _store(self, ratings: Sequence[Rating], supersedes: dict[str, str]) -> None:
        stored = [
            rating.model_copy(update={"supersedes": supersedes[rating.axis]}) if rating.axis in supersedes else rating
            for rating in ratings
        ]
        await self._run.log("ratings").append(*stored)
        self.summary.tasks_done += 1
        self.summary.statuses.update(rating.status for rating in stored)
        self._watcher.rated(stored)


def _json(record: Stored) -> bytes:
    return record.model_dump_json().encode()


def _key(response: Response) -> tuple[str, str, str, int]:
    return response.benchmark, response.item_id, response.candidate, response.attempt


def _same(first: Item, second: Item) -> bool:
    return first.model_copy(update={"tags": ()}) == second.model_copy(update={"tags": ()})


def _rating_key(rating: Rating) -> RatingKey:
    return _task_key(rating.subject, rating.axis, rating.rater, planned(rating.signature), rating.repeat)


def _task_key(subject: Subject, axis: str, rater: str, signature: str, repeat: int) -> RatingKey:
    # Of a hundred thousand keys each has its own copy of the same few names, unless they are interned.
    benchmark, candidate = intern(subject.benchmark), intern(subject.candidate)
    answer = (benchmark, subject.item_id, candidate, subject.attempt, subject.turn)
    return answer, intern(axis), intern(rater), intern(signature), repeat
