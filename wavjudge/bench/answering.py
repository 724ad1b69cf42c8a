"""The answer stage: items in, candidates' answers on disk, resumable at any moment.

Items are streamed to the candidates' lanes. A conversation is asked turn by turn, and later turns see the candidate's
own earlier answers. What a candidate does is an outcome; a question that was lost on its way is none: what it cost is
recorded, and the same command asks it again.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from sys import intern
from typing import Any

from wavjudge.bench.candidates.base import Answer, Candidate, Turn, recordable, shown
from wavjudge.bench.candidates.command_words import what_helps
from wavjudge.bench.ingest import Intake
from wavjudge.bench.rows import ItemRow
from wavjudge.bench.test_set import Benchmark
from wavjudge.bench.watcher import Nobody, Unheard, Watcher, rows_of
from wavjudge.bench.workers import Lanes
from wavjudge.clients.accepted import FAULTS_AT_START, hint
from wavjudge.clients.base import call_record, received
from wavjudge.clients.spec import hide_secrets
from wavjudge.errors import CandidateDownError, InputError, MissingRecordingError, NeverAcceptedError, StopRun
from wavjudge.internal import PREFIX, ends_the_run, in_thread, noted
from wavjudge.speech.base import Lost
from wavjudge.store.run_folder import RunFolder, storable
from wavjudge.types import Call, Item, Message, Outcome, Response, Unanswered, Utterance

# One conversation between the user of an item and a candidate: what was said so far, and the record it comes to.


@dataclass(frozen=True, slots=True)
class Question:
    """One attempt at an item. supersedes: the id of the failed answer that this one replaces."""

    item: Item
    attempt: int
    supersedes: str | None


@dataclass(slots=True)
class Conversation:
    """What was said so far between the user of an item and a candidate."""

    question: Question
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

    def lost(self, candidate: str, lost: Lost) -> Unanswered:
        """The record of a conversation that came to no answer, with the calls of its earlier turns."""
        item, calls = self.question.item, (*self.calls, *lost.calls)
        return Unanswered(
            benchmark=item.benchmark, item_id=item.id, candidate=candidate, attempt=self.question.attempt,
            turn=len(self.answers), reason=lost.reason, calls=calls, time=datetime.now(UTC),
        )  # fmt: skip

    def response(self, candidate: str) -> Response:
        item = self.question.item
        where = f"turn {len(self.answers)} of {len(item.turns)}: " if self.reason and len(item.turns) > 1 else ""
        return Response(
            benchmark=item.benchmark, item_id=item.id, candidate=candidate, attempt=self.question.attempt,
            answers=tuple(self.answers), status=self.status, reason=self.reason and where + self.reason,
            seconds_taken=None if self.seconds is None else round(self.seconds, 4), calls=tuple(self.calls),
            details=self.details, tags=item.tags, supersedes=self.question.supersedes,
        )  # fmt: skip


ITEMS_AT_ONCE = 16
"""Items taken in by one trip to a thread, and acknowledged by one fdatasync."""

BROKEN_AT_START = 5
"""A candidate that crashes on its first answers, this many, and never answered one, is a wrong command: stop."""

NAMED_LOST = 20

_Taken = tuple[Item, bytes]
"""An item and its digest, by which it is known again."""

INTERNAL = "internal"
"""Asks again also what was lost by an error of wavjudge after the candidate had answered, and been paid."""
KEPT = "lost by an internal error in an earlier pass, and paid for; --retry-answers internal asks it again"


@dataclass(slots=True)
class Asked:
    """What one pass did. lost: questions that reached nobody, or answers that never arrived; asked again on resume.

    stops: why candidates ended early, by name; the others went on. cut_short: why the rest of the items did not read.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    answered: int = 0
    already_answered: int = 0
    lost: int = 0
    lost_why: list[str] = field(default_factory=list)
    bad_rows: list[str] = field(default_factory=list)
    items: int = 0
    missing: list[str] = field(default_factory=list)
    """Items that name a recording which is not there; the next pass looks again."""
    remarks: list[str] = field(default_factory=list)
    cut_short: str | None = None
    stops: dict[str, StopRun] = field(default_factory=dict)
    interrupted: bool = False

    @property
    def stopped(self) -> StopRun | None:
        """The first of `stops`."""
        return next(iter(self.stops.values()), None)


@dataclass(slots=True)
class _Crashes:
    """Of one candidate, over all passes: whether it ever did anything but crash; of this pass: how often it did."""

    works: bool = False
    standing: int = 0
    in_this_pass: int = 0
    unbegun: int = 0
    """Questions of this pass that are lost to what may be a wrong SPEC."""
    last: str | None = None

    def count(self, response: Response, *, now: bool) -> None:
        if response.status != "crashed":
            self.works = True
            return
        self.standing += not response.supersedes  # one that replaces another does not add to those that stand
        self.in_this_pass += now
        self.last = response.reason

    def down(self, name: str, which: str) -> CandidateDownError:
        return CandidateDownError(f"the candidate {name} crashed on {which} answers, the last time with: {self.last}",
                                  todo=f"{hint(self.last or '') or 'mend the candidate'}; then run the same command "
                                       "with --retry-answers crashed, which asks these again")  # fmt: skip

    def unable(self, name: str, which: str) -> NeverAcceptedError:
        last = self.last or ""
        todo = f"{hint(last) or what_helps(last)}; nothing was recorded against the candidate, and the mended command"
        problem = f"the candidate {name} did not come to its work on {which}, the last time with: {last}"
        return NeverAcceptedError(problem, todo=f"{todo} asks them again, in the same --out")


class Asker:
    """One pass over a test set with some candidates. `stop` ends it early without losing what is under way."""

    def __init__(
        self, run: RunFolder, candidates: Sequence[Candidate], *, intake: Intake, attempts: int = 1,
        retry: Collection[str] = (), watcher: Watcher | None = None,
    ) -> None:  # fmt: skip
        self._run, self._candidates, self._intake, self._attempts = run, candidates, intake, attempts
        self._watcher = Unheard(watcher or Nobody())
        # In memory for as long as the run: of each item a digest, of each answer its key.
        self._items = {(item.benchmark, item.id): _digest(item) for item in run.items()}
        self._done: dict[tuple[str, str, str, int], str | None] = {}
        self._crashes: defaultdict[str, _Crashes] = defaultdict(_Crashes)
        for response in run.responses():
            self._done[_key(response)] = response.id if response.status in retry else None
            self._crashes[response.candidate].count(response, now=False)
        self._kept = set() if INTERNAL in retry else _paid_for(run)
        self._lanes = Lanes(candidates, self._ask, self._candidate_stopped, self._broke)
        self.summary = Asked()

    def stop(self) -> None:
        """Ask nothing more; answers under way are awaited and stored."""
        self.summary.interrupted = True
        self._lanes.stop()

    async def ask(self, benchmark: Benchmark) -> Asked:
        """Ask every candidate every item, as often as `attempts` says. A `StopRun` ends its candidate alone."""
        self._watcher.to_answer(rows_of(benchmark) * len(self._candidates) * self._attempts)
        await self._lanes.run(lambda: self._feed(benchmark))
        self.summary.bad_rows += benchmark.bad_rows
        self.summary.remarks += self._intake.remarks
        for name in (candidate.name for candidate in self._candidates):
            if (crashes := self._crashes[name]).standing and not crashes.works:
                self.summary.stops.setdefault(name, crashes.down(name, f"all of its {crashes.standing}"))
            elif crashes.unbegun and not crashes.works and not self.summary.answered:
                self.summary.stops.setdefault(name, crashes.unable(name, "any of its questions"))
        return self.summary

    async def _feed(self, benchmark: Benchmark) -> None:
        rows = iter(benchmark)
        while not self._lanes.are_over:
            if (taken := await in_thread(self._take, benchmark, rows)) is None:
                self._watcher.to_answer(-len(benchmark.bad_rows) * len(self._candidates) * self._attempts)
                break
            new = [(item, digest) for item, digest in taken if (item.benchmark, item.id) not in self._items]
            await self._run.log("items").append(*[item for item, _ in new])
            self._items.update({(item.benchmark, item.id): digest for item, digest in new})
            for item, _ in taken:
                await self._lanes.put(partial(self._questions, item))

    def _take(self, benchmark: Benchmark, rows: Iterator[tuple[str, ItemRow]]) -> list[_Taken] | None:
        """The next items, their recordings looked at and kept; None at the end. Runs in a thread."""
        batch = [found for _ in range(ITEMS_AT_ONCE) if (found := self._next(benchmark, rows))]
        return [one for where, row in batch if (one := self._taken(benchmark, where, row))] if batch else None

    def _next(self, benchmark: Benchmark, rows: Iterator[tuple[str, ItemRow]]) -> tuple[str, ItemRow] | None:
        """The next row; None at the end, and where the rest does not read: what was read so far is asked."""
        try:
            return next(rows, None)
        except Exception as error:
            if ends_the_run(error):
                raise
            self.summary.cut_short = f"{benchmark.path}: {_reason(error)}"
            return None

    def _taken(self, benchmark: Benchmark, where: str, row: ItemRow) -> _Taken | None:
        try:
            item = storable(self._intake.item(row, benchmark=benchmark.benchmark, root=benchmark.root))
            if self._items.get((item.benchmark, item.id), digest := _digest(item)) == digest:
                self.summary.items += 1
                return item, digest
            raise InputError(f"item {item.id!r} is not the one this run was started with",
                             todo="use another --out for a changed test set")  # fmt: skip
        except MissingRecordingError as error:
            self.summary.missing.append(f"{where}, {error}")
            self._watcher.missing(f"{where}, {error}")
            self._watcher.to_answer(-len(self._candidates) * self._attempts)
            return None
        except Exception as error:
            if ends_the_run(error):
                raise
            self.summary.bad_rows.append(f"{where}: {_reason(error)}")
            self._watcher.to_answer(-len(self._candidates) * self._attempts)
            return None

    def _questions(self, item: Item, candidate: Candidate) -> Iterator[Question]:
        for attempt in range(self._attempts):
            key = (item.benchmark, item.id, candidate.name, attempt)
            if key in self._kept:
                self._count_lost(f"{candidate.name}, item {item.id}: {KEPT}")
            elif key not in self._done or self._done[key]:
                yield Question(item, attempt, self._done.get(key))
            else:
                self.summary.already_answered += 1
                self._watcher.to_answer(-1)

    async def _ask(self, candidate: Candidate, question: Question) -> None:
        response = await self._conversation(candidate, question)
        if response is not None:
            await self._store(response)
            self._refuse_broken(candidate, response)

    async def _conversation(self, candidate: Candidate, question: Question) -> Response | None:
        """All turns of an item, up to the first that comes to nothing; None where one was lost."""
        talk = Conversation(question)
        with received() as came:
            try:
                return await self._talked(candidate, talk, came)
            except StopRun as stop:
                await self._keep_cost(talk.lost(candidate.name, Lost(stop.problem)))
                raise
            except Exception as error:  # an error of ours is not the candidate's, and what it said was paid for
                if ends_the_run(error):
                    raise
                calls = tuple(call_record(outcome, request) for request, outcome in came)
                await self._lose(talk.lost(candidate.name, Lost(_reason(error), calls)))
                return None

    async def _talked(self, candidate: Candidate, talk: Conversation, came: list[Any]) -> Response | None:
        """came: the calls of the turn under way; those of the turns before it stand in `talk`."""
        question, item = talk.question, talk.question.item
        for number, asked in enumerate(item.turns):
            turn = Turn(shown(item, number), question.attempt, number, tuple(talk.before), self._run.path)
            started = time.monotonic()
            came.clear()
            answer = await candidate.answer(turn)
            if isinstance(answer, Lost) and self._is_its_own(candidate, answer):
                answer = Answer(status="crashed", reason=answer.reason, calls=answer.calls, details=answer.details)
            if isinstance(answer, Lost):
                await self._lose(talk.lost(candidate.name, answer))
                self._refuse_unbegun(candidate, answer)
                return None
            answer = recordable(answer)
            heard = await in_thread(self._heard, answer, candidate.speech)
            talk.went_on(asked, answer, heard, time.monotonic() - started)
            came.clear()
            if talk.status != "ok":
                break
        return talk.response(candidate.name)

    def _is_its_own(self, candidate: Candidate, lost: Lost) -> bool:
        """Whether what was refused for good is the candidate's crash: asked again it would only be paid for again.

        Of one that never answered, a refusal may be that of a wrong SPEC: the user's mistake is no outcome.
        """
        return lost.for_good and (self._crashes[candidate.name].works or not lost.of_setup)

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

    async def _lose(self, lost: Unanswered) -> None:
        self._count_lost(f"{lost.candidate}, item {lost.item_id}: {lost.reason}")
        await self._keep_cost(lost)

    def _count_lost(self, why: str) -> None:
        self.summary.lost += 1
        if len(self.summary.lost_why) < NAMED_LOST:
            self.summary.lost_why.append(why)
        self._watcher.to_answer(-1)

    async def _broke(self, candidate: Candidate, question: Question | None, error: Exception) -> None:
        """A question of which not even a record could be made is lost."""
        which = f"item {question.item.id}" if question else "a question"
        self._count_lost(f"{candidate.name}, {which}: {_reason(error)}")

    async def _keep_cost(self, lost: Unanswered) -> None:
        if lost.calls:
            await self._run.log("unanswered").append(lost)

    async def _store(self, response: Response) -> None:
        await self._run.log("responses").append(response)
        self._done[_key(response)] = None
        self.summary.answered += 1
        self.summary.outcomes[response.status] += 1
        self._watcher.answered(response)

    def _refuse_broken(self, candidate: Candidate, response: Response) -> None:
        """Stop early where a candidate has only ever crashed: more of the same helps nobody."""
        crashes = self._crashes[candidate.name]
        crashes.count(response, now=True)
        if not crashes.works and crashes.in_this_pass >= BROKEN_AT_START:
            raise crashes.down(candidate.name, f"its first {BROKEN_AT_START}")

    def _refuse_unbegun(self, candidate: Candidate, lost: Lost) -> None:
        """Stop one whose questions all came to nothing in a way that a wrong SPEC brings about."""
        crashes = self._crashes[candidate.name]
        if not lost.of_setup or crashes.works:
            return
        crashes.unbegun, crashes.last = crashes.unbegun + 1, lost.reason
        if crashes.unbegun >= FAULTS_AT_START:
            raise crashes.unable(candidate.name, f"its first {FAULTS_AT_START} questions")

    def _candidate_stopped(self, candidate: Candidate, stop: StopRun) -> None:
        self.summary.stops.setdefault(candidate.name, stop)
        if not self._lanes.are_over:
            self._watcher.gave_up(candidate.name, stop)


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, InputError) else hide_secrets(noted(error))


def _paid_for(run: RunFolder) -> set[tuple[str, str, str, int]]:
    """The questions whose answer came and was lost by an error of ours: asked again, they would be paid for again."""
    lost = (one for one in run.read("unanswered") if isinstance(one, Unanswered))
    return {(one.benchmark, one.item_id, one.candidate, one.attempt) for one in lost if one.reason.startswith(PREFIX)}


def _digest(item: Item) -> bytes:
    return hashlib.sha256(item.model_dump_json().encode()).digest()[:16]


def _key(response: Response) -> tuple[str, str, str, int]:
    return intern(response.benchmark), response.item_id, intern(response.candidate), response.attempt
