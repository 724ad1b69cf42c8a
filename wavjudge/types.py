"""The nouns of wavjudge, on one page.

What is written to disk is a frozen pydantic model (`Record`) that refuses unknown fields and carries a schema
version. What lives in memory only (a request on its way to a judge, its reply) is a frozen dataclass in
`clients/base.py`. Units stand in the names: seconds, hz, usd.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

SCHEMA_VERSION: Literal[1] = 1  # of every record on disk; docs/schema.md says when it changes, and what of old runs

Status = Literal["ok", "unparseable", "refused", "not_heard", "not_applicable", "skipped", "failed"]
"""What became of one rating; only ``ok`` has a score.

unparseable: a reply without exactly the declared verdict, or a score off its scale. refused: the provider or the
model declined. not_heard: the audio did not reach the rater. not_applicable: the axis does not apply (no reference,
language not covered, over a length limit). skipped: a person said "cannot judge". failed: the call itself failed.
"""
STATUSES: tuple[Status, ...] = get_args(Status)

Outcome = Literal["ok", "no_speech", "broken_audio", "too_long", "crashed", "timed_out"]
"""What became of a candidate's answer. Everything but ``ok`` counts against the candidate and meets no judge."""
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

RaterKind = Literal["person", "model", "instrument", "constructed"]
Role = Literal["user", "assistant", "system"]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]  # an attempt, a turn, a repeat: one that every table can hold
AxisName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]


class Record(BaseModel):
    """Base of everything that is stored: immutable, and an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Scale(Record):
    """The range of an axis; ``None`` is an open end. Scores of different scales are never mixed.

    >>> Scale(low=1, high=5).holds(5.0), Scale(low=1, high=5).holds(5.5), Scale(low=0, unit="words/s").holds(900)
    (True, False, True)
    """

    low: float | None = None
    high: float | None = None
    unit: str = "points"

    @model_validator(mode="after")
    def _ordered(self) -> Scale:
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"scale low {self.low} is not below high {self.high}")
        return self

    def holds(self, score: float) -> bool:
        """Whether a score lies on the scale, both ends included."""
        return (self.low is None or score >= self.low) and (self.high is None or score <= self.high)


class Axis(Record):
    """One thing that is rated, with its declared scale."""

    name: AxisName
    scale: Scale = Scale(low=1, high=5)


class AudioRef(Record):
    """A recording on disk: where it lies, and the sha256 of its bytes, by which it is known everywhere."""

    path: Annotated[str, Field(pattern=r"^[^\x00]*$")]  # no file has a NUL in its name
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    seconds: Annotated[float, Field(ge=0, le=1e9)]
    sample_rate_hz: Annotated[int, Field(gt=0, le=2**31 - 1)]


class Utterance(Record):
    """Something said: its text, its recording, or both. An answer that never came has neither."""

    text: str | None = None
    audio: AudioRef | None = None


class Message(Utterance):
    """An utterance with the role of who said it: the fixed context before an item's turns."""

    role: Role


class Stored(Record):
    """A record with a line of its own in a run folder."""

    schema_version: Literal[1] = SCHEMA_VERSION


class Usage(Record):
    """What a call consumed, as the provider says; ``None`` is "not said", which is not zero.

    `output_tokens` includes `reasoning_tokens` and `audio_output_tokens`, at every provider.
    `audio_output_tokens` is written only where it is said: a judge's rating keeps the id that it had before the field.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    audio_input_tokens: int | None = None
    cached_input_tokens: int | None = None
    reasoning_tokens: int | None = None
    audio_output_tokens: int | None = Field(default=None, exclude_if=lambda count: count is None)
    usd: float | None = None


class Call(Record):
    """The call behind a rating. A joint prompt gives several ratings with one `id`: count usage once per id."""

    id: str
    prompt_hash: str | None = None
    request_hash: str | None = None
    nonce: str | None = None
    resolved_model: str | None = None
    provider_id: str | None = None
    attempts: int = 1
    seconds: float | None = None
    cached: bool = False
    usage: Usage = Usage()


class Check(Record):
    """A rule by which an answer can be checked without a judge, as the test set states it.

    kind: the rule, such as ``choice``, ``reference`` or ``instruction``; what it needs stands in `options`
    (docs/checks.md lists them). A kind that nobody here knows is kept, and no instrument applies it.
    """

    kind: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
    options: dict[str, JsonValue] = {}


class Item(Stored):
    """One prompt of a test set: the user's turns, in order, after a fixed history."""

    benchmark: str
    id: str
    turns: Annotated[tuple[Utterance, ...], Field(min_length=1)]
    history: tuple[Message, ...] = ()
    language: str | None = None
    reference: str | None = None
    checks: tuple[Check, ...] = ()
    tags: tuple[str, ...] = ()


class Response(Stored):
    """What one candidate answered to one item in one attempt: one utterance per turn, and what became of it.

    calls, details: the calls to a provider that the answer took, and whatever else the candidate said of it (exit
    code, the end of stderr, voice). Both are empty for answers that were handed in.
    """

    benchmark: str
    item_id: str
    candidate: str
    attempt: Count = 0
    answers: tuple[Utterance, ...]
    status: Outcome = "ok"
    reason: str | None = None
    seconds_taken: Annotated[float, Field(ge=0)] | None = None
    calls: tuple[Call, ...] = ()
    details: dict[str, float | str | None] = {}
    tags: tuple[str, ...] = ()
    supersedes: str | None = None

    @property
    def id(self) -> str:
        """Sixteen hex digits of the sha256 of the record's canonical JSON; what a later record supersedes."""
        text = "wavjudge.response.1\n" + self.model_dump_json()
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def turn(self, turn: int = -1) -> int:
        """The index of a turn, where a negative one counts from the last."""
        return turn if turn >= 0 else max(len(self.answers) + turn, 0)

    def subject(self, turn: int = -1) -> Subject:
        """The subject of a rating of one turn (default: the last)."""
        return Subject(
            benchmark=self.benchmark, item_id=self.item_id, candidate=self.candidate, attempt=self.attempt,
            turn=self.turn(turn),
        )  # fmt: skip


class Unanswered(Stored):
    """A question that was paid for and lost on its way (a provider down half way): no outcome, and asked again.

    turn: the turn at which it was lost, from 0. calls: what was spent on it, earlier turns included.
    """

    benchmark: str
    item_id: str
    candidate: str
    attempt: Count = 0
    turn: Count = 0
    reason: str
    calls: tuple[Call, ...]
    time: datetime


class Subject(Record):
    """What is rated. Intra-ID statistics group by (benchmark, item_id, turn)."""

    benchmark: str
    item_id: str
    candidate: str
    attempt: Count = 0
    turn: Count = 0


class Rating(Stored):
    """One rater's word on one axis of one subject. Whoever judges is a rater: people, models, instruments.

    `score` is None exactly when `status` is not ok: a judge's failure is never a number.

    >>> subject = Subject(benchmark="tiny", item_id="1", candidate="a")
    >>> Rating(subject=subject, axis="overall", scale=Scale(low=1, high=5), rater="ann", rater_kind="person",
    ...        score=6, status="ok", signature="person:ann")
    Traceback (most recent call last):
    ...
    pydantic_core._pydantic_core.ValidationError: 1 validation error for Rating
      Value error, score 6.0 is off the scale 1.0..5.0 [...
    """

    subject: Subject
    axis: AxisName
    scale: Scale
    rater: str
    rater_kind: RaterKind
    repeat: Count = 0
    score: float | None = None
    status: Status
    reason: str | None = None
    justification: str | None = None
    raw: str | None = None
    details: dict[str, float | str | None] = {}
    call: Call | None = None
    signature: str
    time: datetime | None = None
    supersedes: str | None = None

    @model_validator(mode="after")
    def _a_failure_is_not_a_number(self) -> Rating:
        if (self.score is None) == (self.status == "ok"):
            raise ValueError(f"a score stands exactly when the status is ok; got {self.score} with {self.status!r}")
        if self.score is not None and not self.scale.holds(self.score):
            raise ValueError(f"score {self.score} is off the scale {self.scale.low}..{self.scale.high}")
        if self.status != "ok" and not self.reason:
            raise ValueError(f"status {self.status!r} needs a reason")
        return self

    @property
    def id(self) -> str:
        """Sixteen hex digits of the sha256 of the record's canonical JSON: its name in `wavjudge show`."""
        text = "wavjudge.rating.1\n" + self.model_dump_json()
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def key(self) -> RatingKey:
        """What makes two ratings the same work: used for resume and for finding duplicates."""
        s = self.subject
        return (
            (s.benchmark, s.item_id, s.candidate, s.attempt, s.turn),
            self.axis,
            self.rater,
            self.signature,
            self.repeat,
        )


RatingKey = tuple[tuple[str, str, str, int, int], str, str, str, int]


class Comparison(Stored):
    """Which of two answers is better on one axis. Imports write it (TRACE, SpeakBench); nothing reads it yet."""

    first: Subject
    second: Subject
    axis: AxisName
    rater: str
    rater_kind: RaterKind
    repeat: Count = 0
    outcome: Literal["a", "b", "tie", "both_good", "both_bad"] | None = None
    shown_first: Literal["a", "b"] | None = None
    status: Status
    reason: str | None = None
    justification: str | None = None
    raw: str | None = None
    call: Call | None = None
    signature: str
    time: datetime | None = None
    supersedes: str | None = None


class JudgeEntry(Record):
    """One judge of a run: the SPEC as given (no key is ever part of it) and what was made of it."""

    spec: str
    rater: str
    signatures: dict[str, str]
    details: dict[str, float | str | None] = {}


class CandidateEntry(Record):
    """One candidate of a run: the SPEC as given (no key is ever part of it) and what was made of it."""

    spec: str
    candidate: str
    details: dict[str, float | str | None] = {}


class BenchmarkEntry(Record):
    """The test set that a run asked: its name, version and licence, the hash of its items file, how it is judged."""

    name: str
    version: str | None = None
    licence: str | None = None
    items_sha256: str | None = None
    rated_turns: Literal["last", "each"] = "last"
    axes: tuple[AxisName, ...] = ()
    prompts: str | None = None
    prompt_set: str | None = None


class RunManifest(Stored):
    """What a run folder holds and how it came about; rewritten as a whole, unlike the logs beside it."""

    wavjudge_version: str
    created: datetime
    updated: datetime
    source: str | None = None
    joined: tuple[str, ...] = ()
    benchmark: BenchmarkEntry | None = None
    candidates: tuple[CandidateEntry, ...] = ()
    attempts: int = 1
    judges: tuple[JudgeEntry, ...] = ()
    repeats: int = 1
    counts: dict[str, int] = {}
    usage: Usage = Usage()
    candidates_usage: Usage = Usage()
    data_sha256: str | None = None
    versions: dict[str, str] = {}
    notes: tuple[str, ...] = ()
