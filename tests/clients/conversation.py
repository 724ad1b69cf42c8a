"""What both wires' tests do: a request with real audio, a conversation with the loopback server, an expectation."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import replace
from typing import Any

import pybase64
import soundfile

from tests.loopback import Case, Server, wav
from wavjudge.clients.base import (
    AudioPart,
    Failure,
    RawReply,
    Reply,
    Request,
    Said,
    Sampling,
    TextPart,
    Wire,
)
from wavjudge.types import Usage

KEY = "k3y-0123456789abcdef-secret"
PROMPT = 'Wie natürlich klingt das? 评分 <justification> <score-semantic> <score-paralinguistic> "quoted" \\ \u2028'
FULL = Sampling(temperature=0.5, top_p=0.9, seed=7, max_tokens=300)


def audio_part(data: bytes) -> AudioPart:
    return AudioPart(hashlib.sha256(data).hexdigest(), "none", 0.2, 16000, len(data), lambda: data)


def ask(*clips: bytes, prompt: str = PROMPT, sampling: Sampling | None = None, system: str | None = None) -> Request:
    """A request: the prompt, then each clip with a word before it."""
    parts = [part for clip in clips for part in (TextPart("Recording:"), audio_part(clip))]
    return Request("judge-model", (TextPart(prompt), *parts), system, sampling or Sampling())


CLIP = wav(0.2)
REQUEST = ask(CLIP)
SPEAK = replace(REQUEST, wants=("text", "audio"), voice="coral")
"""The same with an answer in speech wanted."""

FIRST, SECOND, ANSWER = wav(0.3, seed=4), wav(0.4, seed=5), wav(0.25, seed=6)
TALK = Request(
    "talker", (audio_part(SECOND),), "Be brief.", wants=("text", "audio"), voice="coral",
    earlier=(
        Said("user", (audio_part(FIRST), TextPart("Hi?"))),
        Said("assistant", (audio_part(ANSWER), TextPart("Yes."))),
    ),
)  # fmt: skip
"""A conversation of two turns, the model's own answer to the first between them."""


async def converse(wire: Wire, requests: Iterable[Request]) -> list[Reply | Failure]:
    """Encode, send and decode one request after the other, then close."""
    try:
        return [await exchange(wire, request) for request in requests]
    finally:
        await wire.aclose()


async def exchange(wire: Wire, request: Request) -> Reply | Failure:
    raw = await wire.send(wire.encode(request), request)
    return raw if isinstance(raw, Failure) else wire.decode(raw, request)


def run(wire: Wire, *requests: Request) -> list[Reply | Failure]:
    return asyncio.run(converse(wire, requests or (REQUEST,)))


def raw_of(case: Case) -> RawReply:
    """A stored case as it comes over the wire in answer to REQUEST."""
    return RawReply(case.status, case.headers, case.body(KEY, pybase64.b64encode(CLIP).decode()))


def check(outcome: Reply | Failure, expect: Mapping[str, Any]) -> None:
    """The outcome is of the expected kind, and each field that the case names is as it says."""
    fields = dict(expect)
    reason = fields.pop("reason", [])
    if "sound" in fields:
        assert isinstance(outcome, Reply) and sound(outcome) == fields.pop("sound")
    assert isinstance(outcome, Failure if "kind" in fields else Reply), outcome
    if isinstance(outcome, Failure):
        assert all(piece in outcome.reason for piece in reason), outcome.reason
        assert len(outcome.reason) < 500
    if "usage" in fields:
        assert outcome.usage == Usage(**fields.pop("usage"))
    assert {name: getattr(outcome, name) for name in fields} == fields
    check_secrets(outcome)


def sound(reply: Reply) -> list[int] | None:
    """Sample rate, channels and frames of the audio of a reply, as libsndfile reads it; None where there is none."""
    if reply.audio_wav is None:
        return None
    with soundfile.SoundFile(io.BytesIO(reply.audio_wav)) as file:
        assert (file.format, file.subtype) == ("WAV", "PCM_16")
        return [file.samplerate, file.channels, len(file.read(dtype="int16"))]


def check_secrets(outcome: Reply | Failure) -> None:
    """No key, no part of the audio."""
    shown = f"{outcome!r} {outcome}"
    assert KEY not in shown and KEY[4:20] not in shown
    encoded = pybase64.b64encode(CLIP).decode()
    assert encoded[60:120] not in shown and encoded[-80:-20] not in shown


def damaged(document: Any) -> Iterable[Any]:
    """The document with each of its values in turn replaced by values of every other kind."""
    for path in _paths(document):
        for value in (None, [], {}, [1], [None], {"a": 1}, 1.5, True, "x"):
            yield _with(document, path, value)


def _paths(node: Any, path: tuple[Any, ...] = ()) -> Iterable[tuple[Any, ...]]:
    keys: Iterable[Any] = node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        yield (*path, key)
        yield from _paths(node[key], (*path, key))


def _with(node: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copy = node.copy()
    copy[path[0]] = _with(node[path[0]], path[1:], value)
    return copy


async def cancelled(call: Coroutine[Any, Any, object]) -> bool:
    """Whether a call that hangs gives way at once when its task is cancelled, with CancelledError."""
    task = asyncio.create_task(call)
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.wait([task])
    return task.cancelled()


async def all_at_once(wire: Wire, server: Server, number: int) -> int:
    """How many of so many calls meet at a server that answers none; they are cancelled then."""
    tasks = [asyncio.ensure_future(exchange(wire, REQUEST)) for _ in range(number)]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(20):
            while server.in_flight < number:
                await asyncio.sleep(0.01)
    met = server.in_flight
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await wire.aclose()
    return met
