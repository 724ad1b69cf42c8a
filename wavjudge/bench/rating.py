"""The judge stage: rows in, ratings on disk, resumable at any moment.

Rows are streamed to the judges' lanes. What is done is read from the run's own logs: the same command again makes no
call that already has a verdict.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, ParamSpec, TypeVar

from wavjudge.bench.answers import Answers
from wavjudge.bench.done import INTERNAL as INTERNAL
from wavjudge.bench.done import RETRIED_STATUSES as RETRIED_STATUSES
from wavjudge.bench.done import Done, identity_of
from wavjudge.bench.ingest import Intake
from wavjudge.bench.rows import Row
from wavjudge.bench.watcher import Nobody, Unheard, Watcher, rows_of
from wavjudge.bench.workers import Lanes
from wavjudge.clients.identity import OnModelChange
from wavjudge.clients.spec import hide_secrets
from wavjudge.errors import InputError, MissingRecordingError, StopRun
from wavjudge.internal import ends_the_run, in_thread, managed, noted
from wavjudge.judges.base import Case, Judge, Task, unscored
from wavjudge.judges.reading.parse import NO_TAG
from wavjudge.store.answers import StoredRow
from wavjudge.store.run_folder import RunFolder, storable
from wavjudge.types import Item, Rating, Response

# A judge that does not keep to the tags is named after a few replies, before all of them are paid for.

IN_A_ROW = 5

TODO = (
    "What to try: justification=none, temperature=0, instructions=user (some servers drop the system text), a higher "
    "max_tokens, or another model"
)


@dataclass(slots=True)
class Tagless:
    """Counts the replies of one judge in a row without any of its tags. It is said once, and never after a score."""

    seen: int = 0
    is_quiet: bool = False

    def warning(self, ratings: Sequence[Rating]) -> str | None:
        """The line to be shown after the ratings of one call, or None. A call that failed counts for nothing."""
        if self.is_quiet or all(rating.status == "failed" for rating in ratings):
            return None
        if not all(lacks_its_tag(rating) for rating in ratings):
            self.is_quiet = self.is_quiet or any(rating.status == "ok" for rating in ratings)
            self.seen = 0
            return None
        self.seen += 1
        if self.seen < IN_A_ROW:
            return None
        self.is_quiet = True
        return (
            f"{ratings[0].rater} does not keep to the tags: {self.seen} replies in a row without one, no score yet. "
            f"The last one: {ratings[0].reason}. {TODO}. docs/prompts.md says how a reply is read."
        )


def lacks_its_tag(rating: Rating) -> bool:
    """Whether a rating came to nothing because its tag did not stand in the reply at all."""
    return rating.status == "unparseable" and (rating.reason or "").startswith(NO_TAG)


T = TypeVar("T")
P = ParamSpec("P")
Placed = tuple[str, Row | StoredRow]

ROWS_AT_ONCE = 16
"""Rows taken in by one trip to a thread, and acknowledged by one fdatasync."""


@dataclass(slots=True)
class Summary:
    """What one pass did. stops: why candidates and judges ended early, by name, where they did. other_models: how many
    replies under a judge's name came of which other model.

    cut_short: why the rest of the rows did not read. faults: errors of wavjudge itself (`internal`), by kind.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    tasks_done: int = 0
    tasks_already_done: int = 0
    bad_rows: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """Rows that name a recording which is not there: nothing is recorded of them, and the next pass looks again."""
    remarks: list[str] = field(default_factory=list)
    cut_short: str | None = None
    faults: Counter[str] = field(default_factory=Counter)
    speechless: list[str] = field(default_factory=list)
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


class Runner:
    """One pass over a test set with some judges. `stop` ends it early without losing what is under way."""

    def __init__(
        self,
        run: RunFolder,
        judges: Sequence[Judge],
        *,
        intake: Intake,
        repeats: int = 1,
        retry: Collection[str] = RETRIED_STATUSES,
        rated_turns: Literal["last", "each"] = "last",
        watcher: Watcher | None = None,
        on_model_change: OnModelChange = "stop",
    ) -> None:
        self._run, self._judges, self._intake, self._repeats = run, judges, intake, repeats
        self._each_turn = rated_turns == "each"
        self._watcher = Unheard(watcher or Nobody())
        self._done = Done(run, retry)
        self._done.answered.prepare(judges, on_model_change, self._watcher.changed)
        self._tell_foreign(judges)
        self._lanes = Lanes(judges, self._do, self._judge_stopped, self._broke)
        self._tagless: defaultdict[str, Tagless] = defaultdict(Tagless)
        self.summary = Summary()
        self._rows = self._taken_back = 0
        self._calls_per_answer = sum(len(judge.tasks) * self._repeats_of(judge) for judge in judges)

    def _tell_foreign(self, judges: Sequence[Judge]) -> None:
        for judge in judges:
            identity = identity_of(judge)
            if identity is None or identity.rule == "mark" or not (found := self._done.foreign(judge)):
                continue
            models = ", ".join(f"{count} by {name or 'a model without a name'}" for name, count in found.items())
            self._watcher.changed(f"{judge.rater}: the first reply of this run was from {identity.said}, and another "
                                  f"model alone gave some verdicts ({models}): they stay; it is asked too")  # fmt: skip

    def stop(self) -> None:
        """Send nothing more; calls under way are awaited and stored."""
        self.summary.interrupted = True
        self._lanes.stop()

    async def rate(self, testset: Answers) -> Summary:
        """Take in every row and rate every answer. A `StopRun` ends its judge and stands in the summary afterwards."""
        self._rows = rows_of(testset)
        self._watcher.planned(self._rows * self._calls_per_answer)
        await self._lanes.run(lambda: self._feed(testset))
        self.summary.bad_rows += testset.bad_rows
        self.summary.remarks += self._intake.remarks
        found = {judge.rater: identity.others for judge in self._judges if (identity := identity_of(judge))}
        self.summary.other_models = {rater: dict(others) for rater, others in found.items() if others}
        return self.summary

    def _repeats_of(self, judge: Judge) -> int:
        return self._repeats if judge.rater_kind == "model" else 1  # an instrument repeats itself to the digit

    async def _feed(self, testset: Answers) -> None:
        rows: Iterator[Placed] = iter(testset)
        while not self._lanes.are_over and (taken := await in_thread(self._take, testset, rows)) is not None:
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

    def _take(self, testset: Answers, rows: Iterator[Placed]) -> list[_Taken] | None:
        """The next rows, taken in where they are new; None at the end. Runs in a thread, for which the feeder waits."""
        batch = [found for _ in range(ROWS_AT_ONCE) if (found := self._next(testset, rows))]
        taken: list[_Taken] = []
        for where, row in batch:
            if (one := self._managed(where, None, self._taken, testset, where, row)) is not None:
                taken.append(one)
        return taken if batch else None

    def _next(self, testset: Answers, rows: Iterator[Placed]) -> Placed | None:
        """The next row; None at the end, and where the rest does not read: what was read so far is rated."""
        try:
            return next(rows, None)
        except Exception as error:
            if ends_the_run(error):
                raise
            self.summary.cut_short = f"{testset.path}: {_reason(error)}"
            return None

    def _taken(self, testset: Answers, where: str, row: Row | StoredRow) -> _Taken | None:
        key = (row.benchmark or testset.benchmark, row.item_id, row.candidate, row.attempt)
        item, known = self._done.item(*key[:2]), self._done.response(key)
        if item is None or known is None:
            new_item, new_response = self._intake.take(testset, row)
            return _Taken(where, storable(new_item), storable(new_response), is_new=True)
        if not self._intake.unchanged(testset, row, known):
            names = ", ".join(filter(None, row.recordings))
            raise InputError(f"the recording {names} is not the one this run was started with",
                             todo="use another --out for changed answers")  # fmt: skip
        if isinstance(row, Row) and [turn.text for turn in item.turns] != [said.text for said in row.asked()]:
            raise InputError(f"item {row.item_id!r} has another question than the one this run was started with",
                             todo="use another --out for changed questions")  # fmt: skip
        if isinstance(row, Row) and (field := _changed(row, item, known)):
            raise InputError(f'field "{field}" of item {row.item_id!r} is not the one this run was started with, and '
                             "its ratings are of that one", todo="use another --out for changed answers")  # fmt: skip
        return _Taken(where, item, known, is_new=False)

    def _managed(self, where: str, otherwise: T, handle: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `handle` makes of a row; `otherwise` where it raises, and the row is a bad one."""
        try:
            return handle(*args, **kwargs)
        except MissingRecordingError as error:
            self.summary.missing.append(f"{where}, {error}")
            self._watcher.missing(f"{where}, {error}")
            self._watcher.planned(-self._calls_per_answer)
            return otherwise
        except Exception as error:
            if ends_the_run(error):
                raise
            self.summary.bad_rows.append(f"{where}: {_reason(error)}")
            return otherwise

    async def _cases(self, taken: Sequence[_Taken]) -> list[Case]:
        """The cases of rows whose records are on the disk; none for a bad row and for a candidate's failure."""
        items: list[Item] = []
        good = [row for row in taken if self._managed(row.where, False, self._is_known, row, items)]
        responses = [row.response for row in good if row.is_new]
        await self._run.log("items").append(*items)
        await self._run.log("responses").append(*responses)
        return [case for row in good for case in self._managed(row.where, [], self._cases_of, row)]

    def _is_known(self, row: _Taken, items: list[Item]) -> bool:
        """Whether the item is the one known under its id; a new id is known from now on, and its item joins `items`."""
        known = self._done.item(row.item.benchmark, row.item.id)
        if known is None:
            self._done.add(row.item)
            items.append(row.item)
        if known is None or _same(known, row.item):
            return True
        raise InputError(f"item {row.item.id!r} has another question, history or reference than in an earlier row",
                         todo="give it an item_id of its own")  # fmt: skip

    def _cases_of(self, row: _Taken) -> list[Case]:
        """The turns of an answer that are rated: the last, or each. None of an answer that failed."""
        response = row.response
        self.summary.outcomes[response.status] += 1
        turns = range(len(response.answers)) if self._each_turn else (-1,)
        outside = self._intake.keep == "reference"
        rated = (
            [Case(row.item, response, self._run.path, turn, outside) for turn in turns]
            if response.status == "ok"
            else []
        )
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
        managed(self._admit, judge)  # after the rating is kept, whoever gave it

    def _admit(self, judge: Judge) -> None:
        if (identity := identity_of(judge)) is not None:
            identity.admit()

    async def _broke(self, judge: Judge, job: _Job | None, error: Exception) -> None:
        """A rating that raised what nobody foresaw has failed; one that cannot even be recorded is a bad row."""
        reason = _reason(error)
        if job is None:
            self.summary.bad_rows.append(f"an answer for {judge.rater}: {reason}")
            return
        try:
            await self._store(unscored(judge, job.case, job.task, job.repeat, "failed", reason), dict(job.supersedes))
        except Exception as again:
            if ends_the_run(again):
                raise
            noted(again)
            self.summary.bad_rows.append(f"item {job.case.item.id!r}, {judge.rater}: {reason}")

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
        managed(self._count, stored)  # the ratings stand, whatever becomes of their counting

    def _count(self, stored: Sequence[Rating]) -> None:
        self.summary.tasks_done += 1
        self.summary.statuses.update(rating.status for rating in stored)
        self._watcher.rated(stored)
        if warning := self._tagless[stored[0].rater].warning(stored):
            self._watcher.warned(warning)


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, InputError) else hide_secrets(noted(error))


def _changed(row: Row, item: Item, known: Response) -> str | None:
    """The field in which a row differs from what the run holds of it, beside its question and its recording."""
    if (row.reference, row.language) != (item.reference, item.language):
        return "reference" if row.reference != item.reference else "language"
    if [(one.role, one.text) for one in row.history] != [(one.role, one.text) for one in item.history]:
        return "history"
    said = [one.text for one in row.said()][: len(known.answers)]
    return "text" if said != [answer.text for answer in known.answers] else None


def _same(first: Item, second: Item) -> bool:
    return first.model_copy(update={"tags": ()}) == second.model_copy(update={"tags": ()})
