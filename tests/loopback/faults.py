"""What can go wrong, by name, and when: replies stored as data, ways to break a connection, and plans."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pybase64
from aiohttp import web

from tests.loopback import spoken

REPLIES = Path(__file__).parent.parent / "replies"
HANG_SECONDS = 600.0
_TRICKLE_SECONDS = 0.02
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 s

Plan = Callable[[int], str | None]
"""From the number of a request (0, 1, ... in order of arrival) to the name of its fault, or None."""


@dataclass(frozen=True, slots=True)
class Case:
    """One stored reply of a provider and what a wire must make of it.

    `text` may hold {KEY}, {AUDIO} (what the request held), and in base64 {WAV} and {PCM}: a word of the server's own,
    as a file and as samples. {PCM} in URL-safe base64 is {PCM-URL}.
    """

    name: str
    text: str
    expect: Mapping[str, Any]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self, key: str, audio: str) -> bytes:
        """The body, with the key and the base64 of the audio that the request had echoed where the case says so."""
        told = {"{KEY}": key, "{AUDIO}": audio, **_sounds()}
        text = self.text
        for name, value in told.items():
            text = text.replace(name, value)
        return text.encode()


WORD = spoken.pcm("Hello.")


@cache
def _sounds() -> Mapping[str, str]:
    wav, plain = pybase64.b64encode(spoken.as_wav(WORD)), pybase64.b64encode(WORD)
    safe = pybase64.urlsafe_b64encode(WORD)
    return {"{WAV}": wav.decode(), "{PCM}": plain.decode(), "{PCM-URL}": safe.decode()}


def known_cases(protocol: str) -> Mapping[str, Case]:
    """All cases of a protocol: replies in text, and replies to those who want speech."""
    return {**cases(protocol), **cases(f"{protocol}_audio")}


@cache
def cases(protocol: str) -> Mapping[str, Case]:
    """The cases of `tests/replies/PROTOCOL.jsonl` by name; a `body` is JSON, a `text` stands as it is."""
    lines = (REPLIES / f"{protocol}.jsonl").read_text(encoding="utf-8").splitlines()
    return {case.name: case for case in map(_case, lines)}


def _case(line: str) -> Case:
    row = json.loads(line)
    text = row["text"] if "text" in row else json.dumps(row["body"])
    return Case(row["case"], text, row["expect"], row.get("status", 200), row.get("headers", {}))


def sequence(names: Iterable[str | None]) -> Plan:
    """The faults in this order, then none."""
    fixed = tuple(names)
    return lambda number: fixed[number] if number < len(fixed) else None


def chances(shares: Mapping[str, float], seed: int = 0) -> Plan:
    """Each request draws its fault with these probabilities: the same number draws the same fault."""
    names, weights = [*shares, None], [*shares.values(), 1 - sum(shares.values())]

    def draw(number: int) -> str | None:
        return random.Random(f"{seed} {number}").choices(names, weights)[0]

    return draw


async def _hang(request: web.Request, whole: bytes) -> web.StreamResponse:
    await asyncio.sleep(HANG_SECONDS)
    return web.Response(body=whole)


async def _trickle(request: web.Request, whole: bytes) -> web.StreamResponse:
    reply = await _begin(request, whole)
    for index in range(len(whole)):
        await reply.write(whole[index : index + 1])
        await asyncio.sleep(_TRICKLE_SECONDS)
    return reply


async def _cut(request: web.Request, whole: bytes) -> web.StreamResponse:
    reply = await _begin(request, whole)
    await reply.write(whole[: len(whole) // 2])
    _transport(request).close()
    return reply


async def _disconnect(request: web.Request, whole: bytes) -> web.StreamResponse:
    _transport(request).close()
    return web.Response()


async def _reset(request: web.Request, whole: bytes) -> web.StreamResponse:
    connection: socket.socket = _transport(request).get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    _transport(request).abort()
    return web.Response()


async def _garbage(request: web.Request, whole: bytes) -> web.StreamResponse:
    _transport(request).write(b"\x00\x01 this is no HTTP\r\n\r\n")
    _transport(request).close()
    return web.Response()


async def _begin(request: web.Request, whole: bytes) -> web.StreamResponse:
    reply = web.StreamResponse(headers={"content-type": "application/json", "content-length": str(len(whole))})
    await reply.prepare(request)
    return reply


def _transport(request: web.Request) -> asyncio.Transport:
    transport = request.transport
    assert isinstance(transport, asyncio.Transport)
    return transport


DELIVERIES: Mapping[str, Callable[[web.Request, bytes], Awaitable[web.StreamResponse]]] = {
    "slow": _hang, "trickle": _trickle, "cut": _cut, "disconnect": _disconnect, "reset": _reset, "garbage": _garbage,
}  # fmt: skip
"""Ways in which a good reply does not arrive. slow: not within ten minutes; trickle: a byte every 20 ms."""
