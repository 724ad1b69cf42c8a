"""One conversation between the user of an item and a candidate: what was said so far, and the record it comes to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from wavjudge.bench.candidates.base import Answer, Lost
from wavjudge.types import Call, Item, Message, Outcome, Response, Unanswered, Utterance


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
