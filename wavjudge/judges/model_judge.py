"""The LLM judge: prompt and case in, one call, ratings out."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from wavjudge import audio
from wavjudge.clients.base import (
    STATUS_OF,
    AudioPart,
    Client,
    Evidence,
    Failure,
    Reply,
    Request,
    Sampling,
    call_record,
    received,
)
from wavjudge.clients.identity import Identity
from wavjudge.clients.spec import hide_secrets
from wavjudge.errors import InputError
from wavjudge.internal import ends_the_run, in_thread, noted
from wavjudge.judges.base import Case, Task, unscored
from wavjudge.judges.instruments import Recogniser
from wavjudge.judges.prompts import Justification, Prompt, Transcript
from wavjudge.judges.reading import hearing
from wavjudge.judges.reading.parse import Unscored, Verdict, parse
from wavjudge.judges.render import Material, render
from wavjudge.judges.signing import plan
from wavjudge.signature import resolved
from wavjudge.types import Axis, Call, JudgeEntry, RaterKind, Rating, Status, Utterance

# The recordings that were sent last, ready to be sent again.

KEPT_BYTES = 8 * 2**20


class Recordings:
    """Loads recordings as they go to a judge, and keeps the last of them, up to so many bytes.

    The prompts of a set and the repeats ask about one answer several times in a row: it is read, checked against its
    hash and resampled once. A recording is known by that hash, so what is sent again is what was checked.
    """

    def __init__(self, max_bytes: int = KEPT_BYTES) -> None:
        self._max_bytes, self._bytes = max_bytes, 0
        self._kept: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._changing = threading.Lock()  # calls load in threads of their own

    def load(self, path: Path, *, sha256: str, sample_rate_hz: int) -> bytes:
        """As `audio.transmit`; raises what that raises."""
        key = sha256, sample_rate_hz
        with self._changing:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        wav = audio.transmit(path, sha256=sha256, sample_rate_hz=sample_rate_hz)
        self._keep(key, wav)
        return wav

    def _keep(self, key: tuple[str, int], wav: bytes) -> None:
        with self._changing:
            if key in self._kept:  # another call loaded it meanwhile
                return
            self._kept[key] = wav
            self._bytes += len(wav)
            while self._bytes > self._max_bytes:
                self._bytes -= len(self._kept.popitem(last=False)[1])


_Came = list[tuple[Request, Reply | Failure]]
_PROMPT_CHOICES = (
    "question_text", "question_audio", "answer_audio", "transcript", "reference", "history",
    "justification", "instructions",
)  # fmt: skip


class JudgeOptions(BaseModel):
    """What a SPEC can say about the judge itself; the client's own options are elsewhere."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float | None = Field(None, ge=0)
    top_p: float | None = Field(None, gt=0, le=1)
    seed: int | None = None
    max_tokens: Annotated[int, Field(gt=0)] | Literal["none"] = Field(
        4096, description="output limit, thoughts included; none: the model's own"
    )
    rate: int = Field(16000, ge=8000, le=48000, description="sample rate of the audio sent, in Hz")
    max_seconds: float = Field(600, gt=0, description="longer answers are not_applicable")
    question_text: bool | None = None
    question_audio: bool | None = None
    answer_audio: bool | None = None
    transcript: Transcript | None = None
    reference: bool | None = None
    history: bool | None = None
    justification: Justification | None = None
    instructions: Literal["system", "user"] | None = None
    order: str | None = Field(None, description="history,question,answer,reference in the order wanted")

    @property
    def sampling(self) -> Sampling:
        limit = None if self.max_tokens == "none" else self.max_tokens
        return Sampling(self.temperature, self.top_p, self.seed, limit)

    def applied(self, prompt: Prompt) -> Prompt:
        """The prompt with the choices of this SPEC."""
        order = tuple(part.strip() for part in self.order.split(",")) if self.order else None
        return prompt.changed(order=order, **{name: getattr(self, name) for name in _PROMPT_CHOICES})


class ModelJudge:
    """One model asked with one or more prompts; each prompt is a task, one call each."""

    rater_kind: RaterKind = "model"

    def __init__(
        self, client: Client, *, kind: str, model: str, spec: str, prompts: Sequence[Prompt], options: JudgeOptions,
        extra: str = "", concurrency: int = 64, recogniser: Recogniser | None = None,
        identity: Identity | None = None,
    ) -> None:  # fmt: skip
        self.rater = f"{kind}:{model}"
        self.identity = identity or Identity(self.rater)
        self._client, self._model, self._spec, self._options = client, model, spec, options
        self.concurrency, self._recogniser, self._recordings = concurrency, recogniser, Recordings()
        self._transform, self._extra = audio.transform(options.rate), extra
        self.prompts = {prompt.name: options.applied(prompt) for prompt in prompts}
        self._prompt_hashes = {name: prompt.digest for name, prompt in self.prompts.items()}
        self.tasks = tuple(self._task(prompt) for prompt in self.prompts.values())

    def _task(self, prompt: Prompt) -> Task:
        signed = plan(self.rater, prompt, self._options.sampling, self._transform, extra=self._extra,
                      recogniser=self._recogniser.name if self._recogniser else "")  # fmt: skip
        return Task(prompt.name, tuple(axis.axis for axis in prompt.axes), signed)

    def entry(self) -> JudgeEntry:
        return JudgeEntry(
            spec=self._spec, rater=self.rater, signatures={task.name: task.signature for task in self.tasks}
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    async def rate(self, case: Case, task: Task, repeat: int) -> list[Rating]:
        """One call; one rating per axis of the prompt. Raises `StopRun`, and what `internal.ends_the_run`."""
        with received() as came:
            try:
                return await self._rated(case, task, repeat)
            except InputError as error:  # the recording vanished or changed after it was taken in
                return unscored(self, case, task, repeat, "failed", str(error))
            except Exception as error:
                if ends_the_run(error):
                    raise
                return self._broke(case, task, repeat, error, came)

    def _broke(self, case: Case, task: Task, repeat: int, error: Exception, came: _Came) -> list[Rating]:
        """Ratings that an error of ours came to. A reply that came before it was paid for, and is kept."""
        reason = hide_secrets(noted(error))
        request, outcome = came[-1] if came else (None, None)
        if request is None or outcome is None:
            return unscored(self, case, task, repeat, "failed", reason)
        call = call_record(outcome, request, prompt_hash=self._prompt_hashes[task.name])
        return unscored(self, case, task, repeat, "failed", reason, raw=outcome.text, call=call)

    async def _rated(self, case: Case, task: Task, repeat: int) -> list[Rating]:
        prompt = self.prompts[task.name]
        if reason := self._unrecognisable(case, prompt):
            return unscored(self, case, task, repeat, "not_applicable", reason)
        transcript = await self._transcript(case, prompt)
        if reason := self._not_applicable(case, prompt, transcript):
            return unscored(self, case, task, repeat, "not_applicable", reason)
        request, nonce = self.request(case, prompt, transcript, repeat)
        outcome = await self._client.complete(request)
        call = call_record(outcome, request, prompt_hash=self._prompt_hashes[prompt.name], nonce=nonce)
        rows = _rows(outcome, prompt, audio_sent=bool(request.audio_parts))
        return [self._rating(case, task, repeat, axis, call, rows[axis.name]) for axis in task.axes]

    def would_ask(self, case: Case) -> Iterator[Request]:
        """The calls that rating this case would take, without recognising or sending anything: for a dry run."""
        for prompt in self.prompts.values():
            transcript = {
                "none": None,
                "own": case.answer.text,
                "recognised": case.answer.text or "(not recognised yet)",
            }[prompt.inputs.transcript]
            if self._unrecognisable(case, prompt) is None and self._not_applicable(case, prompt, transcript) is None:
                yield self.request(case, prompt, transcript, 0)[0]

    async def _transcript(self, case: Case, prompt: Prompt) -> str | None:
        if self._recogniser and prompt.inputs.transcript == "recognised" and case.answer.audio:
            return await in_thread(self._recogniser.text, case)
        return case.answer.text if prompt.inputs.transcript == "own" else None

    def _unrecognisable(self, case: Case, prompt: Prompt) -> str | None:
        wanted = self._recogniser and prompt.inputs.transcript == "recognised"
        return self._recogniser.cannot(case) if wanted and self._recogniser else None

    def _not_applicable(self, case: Case, prompt: Prompt, transcript: str | None) -> str | None:
        question, answer, inputs = case.question, case.answer, prompt.inputs
        shown = (inputs.question_text and question.text) or (inputs.question_audio and question.audio)
        if "question" in prompt.needs and not shown:
            return (f"prompt {prompt.name!r} needs a question, and none is given that this judge may see: name the "
                    "questions with --questions")  # fmt: skip
        if "reference" in prompt.needs and not case.item.reference:
            return f"prompt {prompt.name!r} needs a reference, and the item has none"
        if not inputs.answer_audio:
            return None if transcript else "a transcript-only judge needs the answer's text, and there is none"
        if answer.audio is None:
            return "the answer is text by design, and this judge listens"
        if answer.audio.seconds > self._options.max_seconds:
            limit = self._options.max_seconds
            return f"the answer is {answer.audio.seconds:.1f} s long, this judge's limit is {limit:g} s"
        return None

    def request(self, case: Case, prompt: Prompt, transcript: str | None, repeat: int) -> tuple[Request, str]:
        """The call that `rate` will make, and the nonce of its data blocks."""
        item = case.item
        material = Material(
            case.question, case.answer, transcript, item.reference, case.before, lambda said: self._hear(case, said)
        )
        system, parts, nonce = render(prompt, material)
        evidence = Evidence(case.question.text, item.reference, transcript, item.language)
        request = Request(self._model, parts, system, self._options.sampling, evidence=evidence, repeat=repeat)
        return request, nonce

    def _hear(self, case: Case, utterance: Utterance) -> AudioPart:
        ref, rate = utterance.audio, self._options.rate
        assert ref is not None
        return AudioPart(
            sha256=ref.sha256, transform=self._transform, seconds=ref.seconds, sample_rate_hz=rate,
            wav_bytes=audio.wav_size(ref.seconds, rate),
            load=lambda: self._recordings.load(case.path(ref), sha256=ref.sha256, sample_rate_hz=rate),
        )  # fmt: skip

    def _rating(self, case: Case, task: Task, repeat: int, axis: Axis, call: Call, row: _Row) -> Rating:
        return Rating(
            subject=case.subject, axis=axis.name, scale=axis.scale, rater=self.rater, rater_kind=self.rater_kind,
            repeat=repeat, score=row.score, status=row.status, reason=row.reason, justification=row.justification,
            raw=row.raw, details=row.details, call=call, signature=resolved(task.signature, call.resolved_model),
            time=datetime.now(UTC),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Row:
    score: float | None
    status: Status
    reason: str | None
    justification: str | None
    raw: str | None
    details: dict[str, float | str | None] = field(default_factory=dict)


def _rows(outcome: Reply | Failure, prompt: Prompt, *, audio_sent: bool) -> dict[str, _Row]:
    """What a call gives each axis. Of a reply that was stopped on its way the verdicts that were whole are read."""
    if isinstance(outcome, Reply):
        return _read(outcome, outcome.text, prompt, audio_sent=audio_sent)
    lost = _Row(None, STATUS_OF[outcome.kind], f"{outcome.kind}: {outcome.reason}", None, outcome.text,
                _details(outcome.finish))  # fmt: skip
    rows = dict.fromkeys((axis.name for axis in prompt.axes), lost)
    if outcome.finish is None or outcome.text is None or (audio_sent and outcome.usage.audio_input_tokens == 0):
        return rows
    read = _read(outcome, outcome.text, prompt, audio_sent=audio_sent)
    return rows | {name: row for name, row in read.items() if row.status in ("ok", "not_heard")}


def _read(outcome: Reply | Failure, text: str, prompt: Prompt, *, audio_sent: bool) -> dict[str, _Row]:
    counted = outcome.usage.audio_input_tokens or None  # whether a count of 0 is to be believed, the wire has decided
    parsed = parse(text, prompt, audio_sent=audio_sent, audio_tokens=counted, finish=outcome.finish)
    known = hearing.verified(parsed.heard, counted) if audio_sent else None
    details = _details(outcome.finish, known)
    return {name: _row(one, parsed.justification, text, details) for name, one in parsed.outcomes.items()}


def _details(finish: str | None, known: str | None = None) -> dict[str, float | str | None]:
    said: dict[str, float | str | None] = {"finish": finish, hearing.DETAIL: known}
    return {name: value for name, value in said.items() if value is not None}


def _row(
    verdict: Verdict | Unscored, justification: str | None, raw: str, details: dict[str, float | str | None]
) -> _Row:
    if isinstance(verdict, Verdict):
        return _Row(verdict.score, "ok", None, justification, raw, details)
    if verdict.status == "not_heard":
        details = {name: value for name, value in details.items() if name != hearing.DETAIL}
    return _Row(None, verdict.status, verdict.reason, justification, raw, details)
