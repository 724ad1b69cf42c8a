"""From a SPEC's options to a client: a wire with the run's cache, budget and meter around it."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from wavjudge.clients.accepted import Accepted
from wavjudge.clients.base import Client, Wire
from wavjudge.clients.cache import ReplyCache
from wavjudge.clients.identity import Identity
from wavjudge.clients.limits import Limits
from wavjudge.clients.middleware import Meter, build_client
from wavjudge.clients.money.budget import Budget
from wavjudge.clients.money.listed import find_price, listed_models, warning
from wavjudge.clients.money.prices import Price
from wavjudge.clients.retry import RetrySettings
from wavjudge.clients.spec import Spec, hide_secrets
from wavjudge.errors import AuthError
from wavjudge.nearest import listed, nearest

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


@dataclass(slots=True, kw_only=True)
class ClientContext:
    """What all clients of a run share."""

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


def network_client(
    spec: Spec, context: ClientContext, wire: Wire, options: ClientOptions, *, scope: str = "", cached: bool = True,
    identity: Identity | None = None,
) -> Client:  # fmt: skip
    """A wire with the run's cache, budget and meter around it, and the limits and retries that a SPEC asks for.

    cached: whether replies may come from the cache of other runs and go to it. scope: what of the wire's options
    changes replies, beside its address. identity: of a judge, who must stay the same.
    """
    if not _elsewhere(spec) and (soon := warning(spec.kind, spec.name)):
        _log.warning("%s", soon)
    return build_client(
        wire, cache=context.cache if cached else None, scope=f"{_elsewhere(spec)} {scope}", budget=context.budget,
        meter=context.meter, price=context.price_of(spec), unpriced=context.unpriced(spec),
        settings=RetrySettings(max_attempts=options.attempts),
        limits=Limits(most=options.max_in_flight, max_bytes=options.max_megabytes * MEBIBYTE, rpm=options.rpm),
        identity=identity, accepted=Accepted(f"{spec.kind}:{spec.name}"),
    )  # fmt: skip


def openai_wire(options: OpenAIOptions, context: ClientContext, *, replay: Literal["text", "audio"] = "text") -> Wire:
    """The wire of the openai protocol that options ask for. replay: how a model's own earlier answers are sent."""
    from wavjudge.clients.wires.openai import OpenAIWire

    return OpenAIWire(
        base_url=options.base_url, api_key=context.key(options), part=options.part, timeout_seconds=options.timeout,
        max_tokens_field=options.max_tokens_field, trust_audio_tokens=options.trust_audio_tokens, replay=replay,
        auth=options.auth,
    )  # fmt: skip


def gemini_wire(options: GeminiOptions, context: ClientContext) -> Wire:
    """The wire of Google's Gemini API that options ask for."""
    from wavjudge.clients.wires.gemini import GeminiWire

    return GeminiWire(
        base_url=options.base_url, api_key=context.key(options), timeout_seconds=options.timeout,
        thinking_budget=options.thinking_budget, thinking_level=options.thinking_level,
    )  # fmt: skip
