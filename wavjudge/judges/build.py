"""From a SPEC to a judge. A new kind of judge is an entry of `KINDS` here, and its options a pydantic model."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from wavjudge.clients.accepted import Accepted
from wavjudge.clients.base import Client, Wire
from wavjudge.clients.cache import ReplyCache
from wavjudge.clients.identity import Identity, Recognised
from wavjudge.clients.limits import Limits
from wavjudge.clients.middleware import Meter, build_client
from wavjudge.clients.money.budget import Budget
from wavjudge.clients.money.listed import find_price, listed_models, warning
from wavjudge.clients.money.prices import Price
from wavjudge.clients.replay import ReplayClient
from wavjudge.clients.retry import RetrySettings
from wavjudge.clients.spec import Kind, Spec, choose, hide_secrets, parse_spec
from wavjudge.errors import AuthError, InputError
from wavjudge.judges.base import Judge
from wavjudge.judges.instruments import Recogniser
from wavjudge.judges.model_judge import JudgeOptions, ModelJudge
from wavjudge.judges.prompts import Prompt
from wavjudge.nearest import listed, nearest
from wavjudge.store.run_folder import RunFolder

MEBIBYTE = 1024 * 1024
_log = logging.getLogger(__name__)


class ClientOptions(BaseModel):
    """Options of every judge that is reached over a network."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    base_url: str | None = Field(None, description="another server of the same protocol")
    api_key_env: str | None = Field(None, description="environment variable that holds the key")
    timeout: float = Field(120.0, gt=0, description="seconds for one attempt, all in all")
    max_in_flight: int = Field(64, ge=1, description="calls at once; fewer when the provider says 429")
    max_megabytes: int = Field(32, ge=1, description="audio in flight, MiB")
    rpm: float | None = Field(None, gt=0, description="calls a minute")
    attempts: int = Field(8, ge=1, description="sends per call, the first included")

    @property
    def key(self) -> str | None:
        """The key from the environment variable that was named; None leaves the provider's usual one."""
        if self.api_key_env is None:
            return None
        if not (key := os.environ.get(self.api_key_env)):
            raise AuthError(f"the environment variable {self.api_key_env} is not set",
                            todo=f"export {self.api_key_env}=... and run the same command")  # fmt: skip
        return key


class OpenAIOptions(ClientOptions):
    """Options of `openai:`."""

    part: Literal["input_audio", "audio_url", "input_audio_uri"] = "input_audio"
    max_tokens_field: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    trust_audio_tokens: bool = True
    auth: Literal["bearer", "api-key"] | None = Field(
        None, description="header of the key: bearer | api-key; default: api-key for Azure"
    )


class GeminiOptions(ClientOptions):
    """Options of `gemini:`. How much it thinks changes its verdicts, so both stand in the signature."""

    thinking_budget: int | None = None
    thinking_level: str | None = None


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


@dataclass(slots=True)
class Workshop:
    """What the judges of a run share."""

    prompts: Sequence[Prompt]
    axes: Sequence[str] | None = None
    named: Mapping[str, str] = field(default_factory=dict)
    cache: ReplyCache | None = None
    budget: Budget | None = None
    price: Price | None = None
    meter: Meter = field(default_factory=Meter)
    sends: bool = True
    """False for a dry run, which needs no key."""

    def key(self, options: ClientOptions) -> str | None:
        return options.key if self.sends else "dry-run"

    def price_of(self, spec: Spec) -> Price | None:
        """The price given for the run, else the provider's own; None where neither is known.

        A model of the same name on another server costs what that server asks, which nobody here knows.
        """
        return self.price or (None if _elsewhere(spec) else find_price(spec.kind, spec.name))

    def unpriced(self, spec: Spec) -> str:
        """Why the price of a model is not known, in words for a limit that cannot be kept."""
        if where := _elsewhere(spec):
            asked = f"{spec.kind}:{spec.name} is asked at {hide_secrets(where)}"
            alone = "listed prices hold there alone, and what this server asks is not known"
            return f"{asked}, which is not the provider's own address: {alone}"
        known = listed_models(spec.kind)
        near = nearest(spec.name, known)
        like = f"did you mean {near}?" if near else f"listed are {listed(known)}"
        return f"no price is listed for {spec.kind}:{spec.name} ({like})"


def _elsewhere(spec: Spec) -> str:
    """The base URL of another server than the provider's own; empty for the provider."""
    variable = {"openai": "OPENAI_BASE_URL", "gemini": "GOOGLE_GEMINI_BASE_URL"}.get(spec.kind, "")
    return spec.options.get("base_url") or os.environ.get(variable, "")


def build(text: str, shop: Workshop) -> Judge:
    """The judge that a SPEC names. Raises `SpecError`, `AuthError`, `MissingPartError`."""
    spec, kind = choose(text, KINDS, "judge", shop.named)
    return kind.build(spec, shop)


def network_client(
    spec: Spec, shop: Workshop, wire: Wire, options: ClientOptions, *, scope: str = "", cached: bool = True,
    identity: Identity | None = None,
) -> Client:  # fmt: skip
    """A wire with the run's cache, budget and meter around it, and the limits and retries that a SPEC asks for.

    cached: whether replies may come from the cache of other runs and go to it. scope: what of the wire's options
    changes replies, beside its address. identity: of a judge, who must stay the same.
    """
    if not _elsewhere(spec) and (soon := warning(spec.kind, spec.name)):
        _log.warning("%s", soon)
    return build_client(
        wire, cache=shop.cache if cached else None, scope=f"{_elsewhere(spec)} {scope}", budget=shop.budget,
        meter=shop.meter, price=shop.price_of(spec), unpriced=shop.unpriced(spec),
        settings=RetrySettings(max_attempts=options.attempts),
        limits=Limits(most=options.max_in_flight, max_bytes=options.max_megabytes * MEBIBYTE, rpm=options.rpm),
        identity=identity, accepted=Accepted(f"{spec.kind}:{spec.name}"),
    )  # fmt: skip


def openai_wire(options: OpenAIOptions, shop: Workshop, *, replay: Literal["text", "audio"] = "text") -> Wire:
    """The wire of the openai protocol that options ask for. replay: how a model's own earlier answers are sent."""
    from wavjudge.clients.wires.openai import OpenAIWire

    return OpenAIWire(
        base_url=options.base_url, api_key=shop.key(options), part=options.part, timeout_seconds=options.timeout,
        max_tokens_field=options.max_tokens_field, trust_audio_tokens=options.trust_audio_tokens, replay=replay,
        auth=options.auth,
    )  # fmt: skip


def gemini_wire(options: GeminiOptions, shop: Workshop) -> Wire:
    """The wire of Google's Gemini API that options ask for."""
    from wavjudge.clients.wires.gemini import GeminiWire

    return GeminiWire(
        base_url=options.base_url, api_key=shop.key(options), timeout_seconds=options.timeout,
        thinking_budget=options.thinking_budget, thinking_level=options.thinking_level,
    )  # fmt: skip


def _openai(spec: Spec, shop: Workshop) -> Judge:
    options, judge = spec.read(OpenAIOptions, JudgeOptions)
    return _model_judge(spec, shop, openai_wire(options, shop), options, judge, scope=options.part)


def _gemini(spec: Spec, shop: Workshop) -> Judge:
    options, judge = spec.read(GeminiOptions, JudgeOptions)
    thinking = [str(value) for value in (options.thinking_budget, options.thinking_level) if value is not None]
    scope = f"think:{thinking[0]}" if thinking else ""
    return _model_judge(spec, shop, gemini_wire(options, shop), options, judge, scope=scope)


def _model_judge(
    spec: Spec, shop: Workshop, wire: Wire, options: ClientOptions, judge: JudgeOptions, *, scope: str
) -> Judge:
    identity = Identity(f"{spec.kind}:{spec.name}")
    client = network_client(spec, shop, wire, options, scope=scope, identity=identity)
    extra = scope if scope.startswith("think:") else ""
    return _listening(spec, spec, shop, client, judge, identity, extra=extra, concurrency=options.max_in_flight)


def _listening(
    spec: Spec, model: Spec, shop: Workshop, client: Client, options: JudgeOptions, identity: Identity, *,
    extra: str = "", concurrency: int,
) -> Judge:  # fmt: skip
    return ModelJudge(
        client, kind=model.kind, model=model.name, spec=str(spec), prompts=shop.prompts, options=options, extra=extra,
        concurrency=concurrency, recogniser=_recogniser(shop, options), identity=identity,
    )  # fmt: skip


def _replay(spec: Spec, shop: Workshop) -> Judge:
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
    return _listening(spec, original, shop, Recognised(client, identity), judge, identity, extra=_thinking(original),
                      concurrency=1)  # fmt: skip


def _thinking(spec: Spec) -> str:
    said = [spec.options[key] for key in ("thinking_budget", "thinking_level") if key in spec.options]
    return f"think:{said[0]}" if said else ""


def _signals(spec: Spec, shop: Workshop) -> Judge:
    from wavjudge.judges.instruments import signals_judge

    (options,) = spec.read(InstrumentOptions)
    _require_known(shop)
    return signals_judge(shop.axes, spec=str(spec), workers=options.workers)


def _checks(spec: Spec, shop: Workshop) -> Judge:
    from wavjudge.judges.instruments import checks_judge

    (options,) = spec.read(ChecksOptions)
    _require_known(shop)
    recognised = options.text == "recognised"
    return checks_judge(shop.axes, recognised=recognised, spec=str(spec), workers=options.workers)


def _require_known(shop: Workshop) -> None:
    from wavjudge.judges.instruments import require_known

    if not shop.prompts:  # no other judge could be meant by an axis that is not among the instruments'
        require_known(shop.axes)


def _recogniser(shop: Workshop, options: JudgeOptions) -> Recogniser | None:
    wanted = any(options.applied(prompt).inputs.transcript == "recognised" for prompt in shop.prompts)
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
