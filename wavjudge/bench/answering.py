"""The answer stage: items in, candidates' answers on disk, resumable at any moment.

Items are streamed; each candidate has a short queue and as many workers as it says. A conversation is asked turn by
turn, and later turns see the candidate's own earlier answers. What a candidate does is an outcome and recorded; a
question that did not reach it is not, and the same command asks it again.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from sys import intern

from wavjudge.bench.benchmark import Benchmark
from wavjudge.bench.candidates.base import Answer, Candidate, Lost, Turn, recordable, shown
from wavjudge.bench.intake import Intake
from wavjudge.bench.row import ItemRow
from wavjudge.bench.runner import first_of
from wavjudge.bench.watching import Nobody, Watcher
from wavjudge.errors import CandidateDownError, InputError, StopRun
from wavjudge.store import RunFolder
from wavjudge.types import Call, Item, Message, Outcome, Response, Utterance

ITEMS_AT_ONCE = 16
"""Items taken in by one trip to a thread, and acknowledged by one fdatasync."""

BROKEN_AT_START = 5
"""A candidate that crashes on its first answers, this many, and never answered one, is a wrong command: stop."""

NAMED_LOST = 20


@dataclass(slots=True)
class Asked:
    """What one pass did. lost: questions that reached nobody, or answers that never arrived; asked again on resume."""

    outcomes: Counter[str] = field(default_factory=Counter)
    answered: int = 0
    already_answered: int = 0
    lost: int = 0
    lost_why: list[str] = field(default_factory=list)
    bad_rows: list[str] = field(default_factory=list)
    stopped: StopRun | None = None
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class _Question:
    item: Item
    attempt: int
    supersedes: str | None


@dataclass(slots=True)
class _Lane:
    candidate: Candidate
    queue: asyncio.Queue[_Question | None]
    broken_in_a_row: int = 0
    has_answered: bool = False


class Asker:
    """One pass over a test set with some candidates. `stop` ends it early without losing what is under way."""

    def __init__(
        self, run: RunFolder, candidates: Sequence[Candidate], *, intake: Intake, attempts: int = 1,
        retry: Collection[Outcome] = (), watcher: Watcher | None = None,
    ) -> None:  # fmt: skip
        self._run, self._candidates, self._intake, self._attempts = run, candidates, intake, attempts
        self._watcher = watcher or Nobody()
        # In memory for as long as the run: of each item a digest, of each answer its key.
        self._items = {(item.benchmark, item.id): _digest(item) for item in run.items()}
        self._done = {_key(r): (r.id if r.status in retry else None) for r in run.responses()}
        self._stopping = asyncio.Event()
        self.summary = Asked()

    def stop(self) -> None:
        """Ask nothing more; answers under way are awaited and stored."""
        self.summary.interrupted = True
        self._stopping.set()

    async def ask(self, benchmark: Benchmark) -> Asked:
        """Ask every candidate every item, as often as `attempts` says. A `StopRun` stands in the summary afterwards."""
        self._watcher.to_answer(len(benchmark) * len(self._candidates) * self._attempts)
        lanes = [_Lane(candidate, asyncio.Queue(2 * candidate.concurrency)) for candidate in self._candidates]
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._feed(benchmark, lanes))
                for lane in lanes:
                    for _ in range(lane.candidate.concurrency):
                        group.create_task(self._work(lane))
        except BaseExceptionGroup as several:
            raise first_of(several) from several
        self.summary.bad_rows += benchmark.bad_rows
        return self.summary

    async def _feed(self, benchmark: Benchmark, lanes: Sequence[_Lane]) -> None:
        rows = iter(benchmark)
        while not self._stopping.is_set():
            if (items := await asyncio.to_thread(self._take, benchmark, rows)) is None:
                self._watcher.to_answer(-len(benchmark.bad_rows) * len(self._candidates) * self._attempts)
                break
            new = [item for item in items if (item.benchmark, item.id) not in self._items]
            await self._run.log("items").append(*new)
            self._items.update({(item.benchmark, item.id): _digest(item) for item in new})
            for item in items:
                for lane in lanes:
                    for question in self._questions(item, lane.candidate):
                        await lane.queue.put(question)
        for lane in lanes:
            for _ in range(lane.candidate.concurrency):
                await lane.queue.put(None)

    def _take(self, benchmark: Benchmark, rows: Iterator[tuple[str, ItemRow]]) -> list[Item] | None:
        """The next items, their recordings looked at and kept; None at the end. Runs in a thread."""
        batch = list(islice(rows, ITEMS_AT_ONCE))
        return [item for where, row in batch if (item := self._taken(benchmark, where, row))] if batch else None

    def _taken(self, benchmark: Benchmark, where: str, row: ItemRow) -> Item | None:
        try:
            item = self._intake.item(row, benchmark=benchmark.benchmark, root=benchmark.root)
            if self._items.get((item.benchmark, item.id), digest := _digest(item)) == digest:
                return item
            raise InputError(f"item {item.id!r} is not the one this run was started with",
                             todo="use another --out for a changed test set")  # fmt: skip
        except InputError as error:
            self.summary.bad_rows.append(f"{where}: {error}")
            self._watcher.to_answer(-len(self._candidates) * self._attempts)
            return None

    def _questions(self, item: Item, candidate: Candidate) -> Iterator[_Question]:
        for attempt in range(self._attempts):
            key = (item.benchmark, item.id, candidate.name, attempt)
            if key not in self._done or self._done[key]:
                yield _Question(item, attempt, self._done.get(key))
            else:
                self.summary.already_answered += 1
                self._watcher.to_answer(-1)

    async def _work(self, lane: _Lane) -> None:
        while (question := await lane.queue.get()) is not None:
            if self._stopping.is_set():
                continue  # the queue is emptied, so that whoever feeds it can end
            try:
                response = await self._conversation(lane.candidate, question)
                if isinstance(response, Lost):
                    self._count_lost(question.item, lane.candidate, response)
                    continue
                await self._store(response)
                _refuse_broken(lane, response)
            except StopRun as stop:
                self.summary.stopped = self.summary.stopped or stop
                self._stopping.set()

    async def _conversation(self, candidate: Candidate, question: _Question) -> Response | Lost:
        """All turns of an item, up to the first that comes to nothing."""
        item, talk = question.item, _Conversation(question)
        for number, asked in enumerate(item.turns):
            turn = Turn(shown(item, number), question.attempt, number, tuple(talk.before), self._run.path)
            started = time.monotonic()
            answer = await candidate.answer(turn)
            if isinstance(answer, Lost):
                return answer
            answer = recordable(answer)
            heard = await asyncio.to_thread(self._heard, answer, candidate.speech)
            talk.went_on(asked, answer, heard, time.monotonic() - started)
            if talk.status != "ok":
                break
        return talk.response(candidate.name)

    def _heard(self, answer: Answer, speech: bool) -> tuple[Utterance, Outcome, str | None]:
        """The answer as it is kept, and what is wrong with it."""
        text = answer.text
        if answer.status != "ok":
            said = self._intake.answer(text, answer.audio)[0] if answer.audio else Utterance(text=text)
            return said, answer.status, answer.reason or "the candidate did not say why"
        if speech:
            return self._intake.answer(text, answer.audio)
        is_there = bool((text or "").strip())
        return Utterance(text=text), *(("ok", None) if is_there else ("no_speech", "the candidate gave no text"))

    def _count_lost(self, item: Item, candidate: Candidate, lost: Lost) -> None:
        self.summary.lost += 1
        if len(self.summary.lost_why) < NAMED_LOST:
            self.summary.lost_why.append(f"{candidate.name}, item {item.id}: {lost.reason}")
        self._watcher.to_answer(-1)

    async def _store(self, response: Response) -> None:
        await self._run.log("responses").append(response)
        self._done[_key(response)] = None
        self.summary.answered += 1
        self.summary.outcomes[response.status] += 1
        self._watcher.answered(response)


@dataclass(slots=True)
class _Conversation:
    """What was said so far between the user of an item and a candidate."""

    question: _Question
    before: list[Message] = field(default_factory=list)
    answers: list[Utterance] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    details: dict[str, float | str | None] = field(default_factory=dict)
    seconds: float | None = 0.0
    status: Outcome = "ok"
    reason: str | None = None

    def __post_init__(self) -> None:
        self.before += self.question.item.history

    def went_on(
        self, asked: Utterance, answer: Answer, heard: tuple[Utterance, Outcome, str | None], seconds: float
    ) -> None:
        """One turn more. seconds: what it took by the clock, for an answer that does not say itself."""
        said, self.status, self.reason = heard
        self.answers.append(said)
        self.calls += answer.calls
        self.details |= answer.details
        taken = seconds if answer.seconds is None and answer.timed else answer.seconds
        self.seconds = None if taken is None or self.seconds is None else self.seconds + taken
        self.before += [Message(role="user", text=asked.text, audio=asked.audio),
                        Message(role="assistant", text=said.text, audio=said.audio)]  # fmt: skip

    def response(self, candidate: str) -> Response:
        item = self.question.item
        where = f"turn {len(self.answers)} of {len(item.turns)}: " if self.reason and len(item.turns) > 1 else ""
        return Response(
            benchmark=item.benchmark, item_id=item.id, candidate=candidate, attempt=self.question.attempt,
            answers=tuple(self.answers), status=self.status, reason=self.reason and where + self.reason,
            seconds_taken=None if self.seconds is None else round(self.seconds, 4), calls=tuple(self.calls),
            details=self.details, tags=item.tags, supersedes=self.question.supersedes,
        )  # fmt: skip


def _refuse_broken(lane: _Lane, response: Response) -> None:
    """Stop early where a candidate has only ever crashed: more of the same helps nobody."""
    lane.has_answered = lane.has_answered or response.status != "crashed"
    lane.broken_in_a_row = 0 if lane.has_answered else lane.broken_in_a_row + 1
    if lane.broken_in_a_row >= BROKEN_AT_START:
        raise CandidateDownError(
            f"the candidate {lane.candidate.name} crashed on its first {BROKEN_AT_START} answers, the last time with: "
            f"{response.reason}",
            todo="mend it, then run the same command with --retry-answers crashed",
        )


def _digest(item: Item) -> bytes:
    return hashlib.sha256(item.model_dump_json().encode()).digest()[:16]


def _key(response: Response) -> tuple[str, str, str, int]:
    return intern(response.benchmark), response.item_id, intern(response.candidate), response.attempt
