"""What goes to a provider and what comes back: requests, replies, failures, and the protocol of a wire client.

These live in memory only. A wire client is three functions: `encode` and `decode` are pure, `send` is the network.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, TypeVar

from wavjudge.clients.spec import hide_secrets
from wavjudge.errors import InputError
from wavjudge.internal import ends_the_run, noted
from wavjudge.types import Call, Status, Usage

FailureKind = Literal[
    "refused",
    "not_heard",
    "bad_request",
    "auth",
    "quota",
    "rate_limited",
    "unavailable",
    "unreachable",
    "timeout",
    "malformed",
    "cut_off",
    "broken_audio",
    "moved",
    "too_large",
    "internal",
]
"""Why there is no usable reply.

refused: the provider or model declined (a block, a refusal, a content filter). not_heard: the audio was not received
(no audio tokens, or rejected as undecodable). bad_request: the provider will never accept this request. auth and
quota: the account, not the request. rate_limited, unavailable, timeout: transient. unreachable: nobody listens at the
address, or it is none: a server that is not up, or a wrong base_url. malformed: a reply that is not of the protocol, or
empty. cut_off: the output limit was reached before the verdict. broken_audio: an answer whose speech is no
sound, which was given and is paid for. moved: a redirect, which is never followed. too_large:
a reply beyond what any answer takes, of which the rest was not read. internal: wavjudge could not read what came, by an
error of its own: never sent again by itself.
"""

RETRIED: frozenset[FailureKind] = frozenset({"rate_limited", "unavailable", "unreachable", "timeout", "malformed"})
FATAL: frozenset[FailureKind] = frozenset({"auth", "quota"})

STATUS_OF: Mapping[FailureKind, Status] = {
    "refused": "refused", "not_heard": "not_heard", "cut_off": "unparseable", "broken_audio": "failed",
    "bad_request": "failed", "auth": "failed", "quota": "failed", "rate_limited": "failed", "unavailable": "failed",
    "unreachable": "failed", "timeout": "failed", "malformed": "failed", "moved": "failed", "too_large": "failed",
    "internal": "failed",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TextPart:
    """A piece of the prompt."""

    text: str


@dataclass(frozen=True, slots=True)
class AudioPart:
    """A recording to be heard: known by the hash of its source and the transform, loaded only when it is sent.

    `load` gives a 16-bit PCM WAV file; `wav_bytes` bounds its size before it is loaded, so that the bytes in flight
    can be reserved. A cache hit never decodes audio.
    """

    sha256: str
    transform: str
    seconds: float
    sample_rate_hz: int
    wav_bytes: int
    load: Callable[[], bytes] = field(repr=False, compare=False)


Part = TextPart | AudioPart


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the model draws its reply; None leaves the provider's default, and the signature says `default`."""

    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    max_tokens: int | None = None

    def given(self) -> dict[str, float | None]:
        """Its choices by name, None where the provider decides; `dataclasses.asdict` would copy each of them."""
        return {"temperature": self.temperature, "top_p": self.top_p, "seed": self.seed, "max_tokens": self.max_tokens}


@dataclass(frozen=True, slots=True)
class Evidence:
    """The same facts as data, for raters that read no prompt (the instruments)."""

    question: str | None = None
    reference: str | None = None
    transcript: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """An earlier message of the conversation, by the user or by the model itself."""

    role: Literal["user", "assistant"]
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One call: what was said before, the ordered parts of the last message, how to sample, what is wanted back.

    earlier: oldest first; empty for a judge. voice: in which the answer is spoken, where `wants` holds audio; None is
    the provider's default. language: of the recordings, for a wire that transcribes (`en`); others do not send it.
    may_be_silent: a reply that ended by itself without a word is an answer (a candidate's), and no broken reply.
    """

    model: str
    parts: tuple[Part, ...]
    system: str | None = None
    sampling: Sampling = Sampling()
    wants: tuple[Literal["text", "audio"], ...] = ("text",)
    evidence: Evidence = Evidence()
    repeat: int = 0
    earlier: tuple[Said, ...] = ()
    voice: str | None = None
    language: str | None = None
    may_be_silent: bool = False

    @property
    def all_parts(self) -> tuple[Part, ...]:
        """The parts of every message in order, the last message's at the end."""
        return (*(part for said in self.earlier for part in said.parts), *self.parts)

    @property
    def audio_parts(self) -> tuple[AudioPart, ...]:
        """The recordings of every message; a wire may send the model's own as text (`replay`)."""
        return tuple(part for part in self.all_parts if isinstance(part, AudioPart))

    @property
    def digest(self) -> str:
        """Sixteen hex digits over everything asked except the model: the same question, whoever answers it."""
        sampling = list(self.sampling.given().values())
        content: list[Any] = [self.system, _known(self.parts), sampling, self.wants, self.repeat]
        more = {
            "earlier": [[said.role, _known(said.parts)] for said in self.earlier] or None,
            "voice": self.voice, "language": self.language,
        }  # fmt: skip
        if given := {name: value for name, value in more.items() if value is not None}:
            content.append(given)  # left out where empty: requests of old runs keep their digest
        return hashlib.sha256(f"wavjudge.request.1\n{json.dumps(content)}".encode()).hexdigest()[:16]

    @property
    def wav_bytes(self) -> int:
        """Bytes of audio this request will hold in memory, before base64; the answer's audio is not among them."""
        return sum(part.wav_bytes for part in self.audio_parts)


def _known(parts: tuple[Part, ...]) -> list[list[str]]:
    return [[part.text] if isinstance(part, TextPart) else [part.sha256, part.transform] for part in parts]


@dataclass(frozen=True, slots=True)
class RawReply:
    """What came over the wire: status code, the few headers that matter (lower case), the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


NO_USAGE = Usage()


@dataclass(frozen=True, slots=True)
class Reply:
    """A usable reply: text, and audio where that was wanted.

    audio_wav: a WAV file as the provider sent it, its samples untouched. None where audio was wanted is an answer
    without speech: the candidate's outcome, not a failure of the call. text: what the provider says was spoken, else
    what was written beside it; empty where it says neither.
    """

    text: str
    usage: Usage = NO_USAGE
    finish: str | None = None
    provider_id: str | None = None
    resolved_model: str | None = None
    audio_wav: bytes | None = field(default=None, repr=False)
    attempts: int = 1
    seconds: float = 0.0
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """No usable reply: why, in words that hold no key and no audio; how long the provider asks to wait, in seconds.

    sent: False where the request surely never left, so that it cannot have cost anything. retry: what the server says
    of trying again; None leaves it to the kind.
    finish: of a reply that was stopped on its way (limit, filter), whose `text` may hold more than its end.
    """

    kind: FailureKind
    reason: str
    retry_after_seconds: float | None = None
    http_status: int | None = None
    text: str | None = None
    finish: str | None = None
    usage: Usage = NO_USAGE
    provider_id: str | None = None
    resolved_model: str | None = None
    attempts: int = 1
    seconds: float = 0.0
    sent: bool = True
    retry: bool | None = None


class Wire(Protocol):
    """One provider's protocol. `send` never raises for what the network or the provider does."""

    name: str

    def encode(self, request: Request) -> bytes: ...

    def decode(self, raw: RawReply, request: Request) -> Reply | Failure: ...

    async def send(self, body: bytes, request: Request) -> RawReply | Failure: ...

    async def aclose(self) -> None: ...


class Client(Protocol):
    """A wire with its onion around it (cache, limits, retry): what a judge calls."""

    async def complete(self, request: Request) -> Reply | Failure: ...

    async def aclose(self) -> None: ...


# The only two things the onion asks of time, so that a test can put its own in their place.


class Clock(Protocol):
    """Seconds that only go forward, from an unknown start, and a way to wait for them."""

    def now(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class RealClock:
    """The machine's monotonic clock."""

    def now(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


REAL_CLOCK: Clock = RealClock()


# One attempt of one call, as a function. What one attempt must hold (a place, memory, money) wraps this function;
# what outlives an attempt (waiting, the cache) wraps a client. So a call that waits for its next attempt holds
# nothing.

KEPT_BYTES = 1 << 16
"""Of a reply that could not be read, so many are kept."""

Attempt = Callable[[Request], Awaitable[Reply | Failure]]
T = TypeVar("T")

_LONG_BYTES = 2**17  # four seconds of a judge's audio: below it the way to a thread takes longer than the work


def once(wire: Wire, clock: Clock = REAL_CLOCK) -> Attempt:
    """Encode, send, decode; the outcome's `seconds` are those of this attempt.

    The body is built anew for each attempt: that costs microseconds, and keeping it would hold the audio in memory
    while the call sleeps. Raises what the request's own `load` raises (InputError for a recording that is gone).
    Where there is much to decode, resample or write in base64, a thread does it: all other calls would wait for it.
    """

    async def attempt(request: Request) -> Reply | Failure:
        started = clock.now()
        body = await _aside(request.wav_bytes, lambda: _encoded(wire, request))
        raw = await wire.send(body, request)
        if isinstance(raw, Failure):
            outcome: Reply | Failure = raw
        else:
            outcome = await _aside(len(raw.body), lambda: _decoded(wire, raw, request))
        outcome = timed(outcome, clock.now() - started)
        if (received := _received.get()) is not None:
            received.append((request, outcome))
        return outcome

    return attempt


async def _aside(size: int, work: Callable[[], T]) -> T:
    return await asyncio.to_thread(work) if size > _LONG_BYTES else work()


_received: ContextVar[list[tuple[Request, Reply | Failure]] | None] = ContextVar("received", default=None)


@contextmanager
def received() -> Iterator[list[tuple[Request, Reply | Failure]]]:
    """What comes over the wire inside the block, whatever becomes of it afterwards: it may have been paid for."""
    found: list[tuple[Request, Reply | Failure]] = []
    token = _received.set(found)
    try:
        yield found
    finally:
        _received.reset(token)


def _encoded(wire: Wire, request: Request) -> bytes:
    """The body; `InputError` where it cannot be made, so that nothing counts as sent."""
    try:
        return wire.encode(request)
    except Exception as error:
        if ends_the_run(error) or isinstance(error, InputError):
            raise
        raise InputError(hide_secrets(noted(error))) from error


def _decoded(wire: Wire, raw: RawReply, request: Request) -> Reply | Failure:
    """What came, read; where that breaks, the bytes are kept: they were paid for, and are not asked for again."""
    try:
        return wire.decode(raw, request)
    except Exception as error:
        if ends_the_run(error):
            raise
        without_key = getattr(wire, "without_key", str)  # of a wire that has a key
        kept = hide_secrets(without_key(raw.body[:KEPT_BYTES].decode(errors="replace")))
        reason = hide_secrets(noted(error)).removeprefix("internal: ")
        return Failure("internal", reason, http_status=raw.status, text=kept)


def timed(outcome: Reply | Failure, seconds: float, attempts: int = 1) -> Reply | Failure:
    """The same outcome with how long it took and how many attempts it needed."""
    if isinstance(outcome, Reply):
        return replace(outcome, seconds=seconds, attempts=attempts)
    return replace(outcome, seconds=seconds, attempts=attempts)


# The record of a call, as a rating and an answer keep it.


def call_record(
    outcome: Reply | Failure, request: Request, *, prompt_hash: str | None = None, nonce: str | None = None
) -> Call:
    """Who answered, how often it was sent, what it consumed; with the prompt behind it, for a judge's call."""
    return Call(
        id=secrets.token_hex(8), prompt_hash=prompt_hash, request_hash=request.digest, nonce=nonce,
        resolved_model=outcome.resolved_model, provider_id=outcome.provider_id, attempts=outcome.attempts,
        seconds=round(outcome.seconds, 4), cached=isinstance(outcome, Reply) and outcome.cached, usage=outcome.usage,
    )  # fmt: skip
