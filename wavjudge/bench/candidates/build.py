"""From a SPEC to a candidate. A new kind of candidate is a file here and an entry of `KINDS`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from wavjudge.bench.candidates.base import Candidate
from wavjudge.bench.candidates.cascade import Cascade, CascadeOptions, Echo
from wavjudge.bench.candidates.function import PythonCandidate, PythonOptions
from wavjudge.bench.candidates.model import AnswerOptions, ModelCandidate
from wavjudge.bench.candidates.persistent import PersistentCandidate
from wavjudge.bench.candidates.process import CommandCandidate, CommandOptions
from wavjudge.bench.candidates.recorded import RecordedCandidate, RecordedOptions
from wavjudge.clients.base import Wire
from wavjudge.clients.build import ClientOptions, GeminiOptions, OpenAIOptions, gemini_wire, network_client, openai_wire
from wavjudge.clients.spec import Kind, Spec, choose
from wavjudge.errors import SpecError
from wavjudge.judges.build import JudgeContext
from wavjudge.speech.asr import build_asr
from wavjudge.speech.tts import build_tts


def build_candidate(text: str, shop: JudgeContext) -> Candidate:
    """The candidate that a SPEC names. Raises `SpecError`, `AuthError`, `MissingPartError`."""
    spec, kind = choose(text, KINDS, "candidate", shop.named)
    return kind.build(spec, shop)


class TalkingOptions(OpenAIOptions):
    """Options of `openai:` as a candidate."""

    replay: Literal["text", "audio"] = Field("text", description="how its own earlier answers are sent; OpenAI: text")


def _openai(spec: Spec, shop: JudgeContext) -> Candidate:
    options, answer = spec.read(TalkingOptions, AnswerOptions)
    return _model(spec, shop, openai_wire(options, shop, replay=options.replay), options, answer)


def _gemini(spec: Spec, shop: JudgeContext) -> Candidate:
    options, answer = spec.read(GeminiOptions, AnswerOptions)
    return _model(spec, shop, gemini_wire(options, shop), options, answer)


def _model(spec: Spec, shop: JudgeContext, wire: Wire, options: ClientOptions, answer: AnswerOptions) -> Candidate:
    if answer.tts and answer.output == "audio":
        raise SpecError(f"got tts={answer.tts} for a model that is asked to speak itself",
                        todo="add output=text, or leave tts out")  # fmt: skip
    voice = build_tts(answer.tts, shop) if answer.tts else None
    # Not cached: an answer is kept in the run folder, and a second attempt is meant to be another one.
    client = network_client(spec, shop, wire, options, cached=False)
    return ModelCandidate(
        client, name=f"{spec.kind}:{spec.name}", model=spec.name, spec=str(spec), options=answer, voice=voice,
        concurrency=options.max_in_flight,
    )  # fmt: skip


def _command(spec: Spec, shop: JudgeContext) -> Candidate:
    (options,) = spec.read(CommandOptions)
    return (PersistentCandidate if options.persistent else CommandCandidate)(spec.name, str(spec), options)


def _python(spec: Spec, shop: JudgeContext) -> Candidate:
    return PythonCandidate(spec.name, str(spec), *spec.read(PythonOptions))


def _recorded(spec: Spec, shop: JudgeContext) -> Candidate:
    return RecordedCandidate(spec.name, str(spec), *spec.read(RecordedOptions))


def _cascade(spec: Spec, shop: JudgeContext) -> Candidate:
    (options,) = spec.read(CascadeOptions)
    ear, voice = build_asr(options.asr, shop), build_tts(options.tts, shop)
    mind = Echo() if options.llm == "echo" else build_candidate(reading_and_writing(options.llm, shop), shop)
    return Cascade(spec.name, str(spec), ear, mind, voice, options.workers)


def reading_and_writing(llm: str, shop: JudgeContext) -> str:
    """The SPEC of a model, set to read and to write."""
    spec, _ = choose(llm, KINDS, "candidate", shop.named)
    if spec.kind not in ("openai", "gemini"):
        raise SpecError(f"got llm={llm}, expected echo, openai:NAME or gemini:NAME")
    return str(spec.changed({"input": "text", "output": "text"}))


KINDS: dict[str, Kind[Candidate]] = {
    "openai": Kind("openai:gpt-audio-1.5", "OpenAI, and any server of its protocol through base_url (vLLM and others)",
                   (TalkingOptions, AnswerOptions), _openai, ("OPENAI_API_KEY",)),
    "gemini": Kind("gemini:gemini-3.5-flash?output=text&tts=espeak", "Google's Gemini API",
                   (GeminiOptions, AnswerOptions), _gemini, ("GOOGLE_API_KEY", "GEMINI_API_KEY")),
    "command": Kind("command:python answer.py", "any program: question.wav in, answer.wav out, text on stdout",
                    (CommandOptions,), _command),
    "python": Kind("python:my_model:answer", "a Python function", (PythonOptions,), _python),
    "recorded": Kind("recorded:PATH", "stored answers: a table, a folder of recordings, a run folder",
                     (RecordedOptions,), _recorded),
    "cascade": Kind("cascade:offline", "an ear, a mind and a voice; by default offline parts (extras local, tts)",
                    (CascadeOptions,), _cascade),
}  # fmt: skip
