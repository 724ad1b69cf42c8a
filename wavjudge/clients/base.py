"""What goes to a provider and what comes back: requests, replies, failures, and the protocol of a wire client.

These live in memory only. A wire client is three functions: `encode` and `decode` are pure, `send` is the network.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from wavjudge.types import Status, Usage

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
