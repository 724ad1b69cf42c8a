"""From a SPEC to a judge. A new kind of judge is an entry of `KINDS` here, and its options a pydantic model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from wavjudge.clients.base import Client, Wire
from wavjudge.clients.build import (
    ClientContext,
    ClientOptions,
    GeminiOptions,
    OpenAIOptions,
    gemini_wire,
    network_client,
    openai_wire,
)
from wavjudge.clients.identity import Identity, Recognised
from wavjudge.clients.replay import ReplayClient
from wavjudge.clients.spec import Kind, Spec, choose, parse_spec
from wavjudge.errors import InputError
from wavjudge.judges.base import Judge
from wavjudge.judges.instruments import Recogniser
from wavjudge.judges.model_judge import JudgeOptions, ModelJudge
from wavjudge.judges.prompts import Prompt
from wavjudge.store.run_folder import RunFolder


class ReplayOptions(BaseModel):
    """Options of `replay:RUN`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rater: str | None = Field(
        None, description="which judge of the run, such as openai:NAME; needed if there are several"
    )


class InstrumentOptions(BaseModel):
    """Options of every instrument."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workers: int | None = Field(None, ge=1, description="threads; default one a core")


class ChecksOptions(InstrumentOptions):
    """Options of `checks`."""

    text: Literal["own", "recognised"] = Field("own", description="what the rules read: own | recognised")


@dataclass(slots=True, kw_only=True)
class JudgeContext(ClientContext):
    """What the judges of a run share: what their clients share, and what is asked of them."""

    prompts: Sequence[Prompt] = ()
    axes: Sequence[str] | None = None


def build(text: str, context: JudgeContext) -> Judge:
    """The judge that a SPEC names. Raises `SpecError`, `AuthError`, `MissingPartError`."""
    spec, kind = choose(text, KINDS, "judge", context.named)
    return kind.build(spec, context)


def _openai(spec: Spec, context: JudgeContext) -> Judge:
    options, judge = spec.read(OpenAIOptions, JudgeOptions)
    return _model_judge(spec, context, openai_wire(options, context), options, judge, scope=options.part)


def _gemini(spec: Spec, context: JudgeContext) -> Judge:
    options, judge = spec.read(GeminiOptions, JudgeOptions)
    thinking = [str(value) for value in (options.thinking_budget, options.thinking_level) if value is not None]
    scope = f"think:{thinking[0]}" if thinking else ""
    return _model_judge(spec, context, gemini_wire(options, context), options, judge, scope=scope)


def _model_judge(
    spec: Spec, context: JudgeContext, wire: Wire, options: ClientOptions, judge: JudgeOptions, *, scope: str
) -> Judge:
    identity = Identity(f"{spec.kind}:{spec.name}")
    client = network_client(spec, context, wire, options, scope=scope, identity=identity)
    extra = scope if scope.startswith("think:") else ""
    return _listening(spec, spec, context, client, judge, identity, extra=extra, concurrency=options.max_in_flight)


def _listening(
    spec: Spec, model: Spec, context: JudgeContext, client: Client, options: JudgeOptions, identity: Identity,
    *,
    extra: str = "", concurrency: int,
) -> Judge:  # fmt: skip
    return ModelJudge(
        client, kind=model.kind, model=model.name, spec=str(spec), prompts=context.prompts, options=options,
        extra=extra, concurrency=concurrency, recogniser=_recogniser(context, options), identity=identity,
    )  # fmt: skip


def _replay(spec: Spec, context: JudgeContext) -> Judge:
    (options,) = spec.read(ReplayOptions)
    with RunFolder(Path(spec.name)) as run:
        entries = {entry.rater: entry for entry in (run.manifest.judges if run.manifest else ()) if ":" in entry.rater}
        chosen = entries.get(options.rater or next(iter(entries), ""))
        if chosen is None or (options.rater is None and len(entries) > 1):
            raise InputError(f"got {options.rater!r} for a run with the judges {sorted(entries)}", where=spec.name,
                             todo="name one: replay:RUN?rater=KIND:NAME")  # fmt: skip
        client = ReplayClient(rating for rating in run.ratings() if rating.rater == chosen.rater)
    original = parse_spec(chosen.spec)
    known = {key: value for key, value in original.options.items() if key in JudgeOptions.model_fields}
    (judge,) = Spec(original.kind, original.name, known).read(JudgeOptions)
    identity = Identity(chosen.rater)
    return _listening(spec, original, context, Recognised(client, identity), judge, identity, extra=_thinking(original),
                      concurrency=1)  # fmt: skip


def _thinking(spec: Spec) -> str:
    said = [spec.options[key] for key in ("thinking_budget", "thinking_level") if key in spec.options]
    return f"think:{said[0]}" if said else ""


def _signals(spec: Spec, context: JudgeContext) -> Judge:
    from wavjudge.judges.instruments import signals_judge

    (options,) = spec.read(InstrumentOptions)
    _require_known(context)
    return signals_judge(context.axes, spec=str(spec), workers=options.workers)


def _checks(spec: Spec, context: JudgeContext) -> Judge:
    from wavjudge.judges.instruments import checks_judge

    (options,) = spec.read(ChecksOptions)
    _require_known(context)
    recognised = options.text == "recognised"
    return checks_judge(context.axes, recognised=recognised, spec=str(spec), workers=options.workers)


def _require_known(context: JudgeContext) -> None:
    from wavjudge.judges.instruments import require_known

    if not context.prompts:  # no other judge could be meant by an axis that is not among the instruments'
        require_known(context.axes)


def _recogniser(context: JudgeContext, options: JudgeOptions) -> Recogniser | None:
    wanted = any(options.applied(prompt).inputs.transcript == "recognised" for prompt in context.prompts)
    return Recogniser() if wanted else None


KINDS: dict[str, Kind[Judge]] = {
    "openai": Kind("openai:gpt-audio-1.5", "OpenAI, and any server of its protocol through base_url (vLLM and others)",
                   (OpenAIOptions, JudgeOptions), _openai, ("OPENAI_API_KEY",)),
    "gemini": Kind("gemini:gemini-3.5-flash", "Google's Gemini API",
                   (GeminiOptions, JudgeOptions), _gemini, ("GOOGLE_API_KEY", "GEMINI_API_KEY")),
    "signals": Kind("signals", "instruments that run offline: signal quality, rate, intelligibility; no judge",
                    (InstrumentOptions,), _signals),
    "checks": Kind("checks", "rules on the words of an answer: choice, reference, refusal, instructions, WER; no judge",
                   (ChecksOptions,), _checks),
    "replay": Kind("replay:RUN", "the stored replies of a run, parsed again; sends nothing", (ReplayOptions,), _replay),
}  # fmt: skip
