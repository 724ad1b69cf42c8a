"""What leaves for whom, and how much may come back, through both SDKs and each endpoint."""

from __future__ import annotations

import functools
import gzip
import json
import resource
import zlib
from collections.abc import Callable, Mapping

import pybase64
import pytest
from aiohttp import web

from tests.clients.conversation import CLIP, KEY, REQUEST, SPEAK, audio_part, check_secrets, run
from tests.loopback.hostile import Handler, Hostile
from wavjudge.clients.base import Failure, Reply, Request, TextPart, Wire
from wavjudge.clients.wires.gemini import GeminiWire
from wavjudge.clients.wires.openai import OpenAIWire
from wavjudge.clients.wires.openai_speech import OpenAISpeechWire, OpenAITranscriptionWire

MIB = 2**20
SAY = Request("talker", (TextPart("Hello there."),), wants=("audio",), voice="alloy")
HEAR = Request("ear", (audio_part(CLIP),))
Way = tuple[Callable[[str], Wire], Request]
WAYS: Mapping[str, Way] = {
    "openai judge": (lambda url: OpenAIWire(base_url=f"{url}/v1", api_key=KEY), REQUEST),
    "openai candidate": (lambda url: OpenAIWire(base_url=f"{url}/v1", api_key=KEY), SPEAK),
    "gemini judge": (lambda url: GeminiWire(base_url=url, api_key=KEY), REQUEST),
    "gemini candidate": (lambda url: GeminiWire(base_url=url, api_key=KEY), SPEAK),
    "voice": (lambda url: OpenAISpeechWire(base_url=f"{url}/v1", api_key=KEY), SAY),
    "ear": (lambda url: OpenAITranscriptionWire(base_url=f"{url}/v1", api_key=KEY), HEAR),
}
PLACES = {
    "another port": "{else}/v1/chat/completions", "another host": "http://localhost:{port}/x",
    "the scheme changed": "https://127.0.0.1:{own}/v1", "no scheme": "//127.0.0.1:{port}/x",
    "userinfo before it": "http://127.0.0.1:{own}@127.0.0.1:{port}/x", "a path": "/again", "itself": "",
    "a file": "file:///etc/passwd", "nonsense": "http://[::1", "a number": "http://2130706433:{port}/",
}  # fmt: skip


def answer(server: Hostile, way: str) -> Reply | Failure:
    make, request = WAYS[way]
    (outcome,) = run(make(server.url), request)
    check_secrets(outcome)
    return outcome


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_no_redirect_is_followed_and_neither_key_nor_recording_goes_elsewhere(way: str, status: int) -> None:
    async def away(request: web.Request, body: bytes) -> web.Response:
        return web.Response(status=status, headers={"location": f"{other.url}/v1/chat/completions"})

    with Hostile() as other, Hostile(away) as server:
        outcome = answer(server, way)
        assert len(server.heard) == 1 and other.heard == []
    assert isinstance(outcome, Failure) and (outcome.kind, outcome.http_status) == ("moved", status)
    assert f"{other.url}/v1/chat/completions (on another server)" in outcome.reason
    assert "not followed" in outcome.reason and "base_url" in outcome.reason


@pytest.mark.parametrize("way", ["openai judge", "gemini judge"])
@pytest.mark.parametrize("place", PLACES)
def test_wherever_it_points(way: str, place: str) -> None:
    async def away(request: web.Request, body: bytes) -> web.Response:
        own, port = server.url.rpartition(":")[2], other.url.rpartition(":")[2]
        to = PLACES[place].replace("{else}", other.url).replace("{own}", own).replace("{port}", port)
        return web.Response(status=307, headers={"location": to or str(request.url)})

    with Hostile() as other, Hostile(away) as server:
        outcome = answer(server, way)
        assert len(server.heard) == 1 and other.heard == []
    assert isinstance(outcome, Failure) and outcome.kind == "moved"
    assert ("on the same server" in outcome.reason) == (place in ("a path", "itself"))


def test_a_redirect_does_not_bring_the_key_into_the_message() -> None:
    async def away(request: web.Request, body: bytes) -> web.Response:
        return web.Response(status=302, headers={"location": f"http://u:{KEY}@127.0.0.1:9/{KEY}/x?key={KEY}"})

    with Hostile(away) as server:
        outcome = answer(server, "openai judge")
    assert isinstance(outcome, Failure) and "127.0.0.1:9/[key]/x (on another server)" in outcome.reason


def good(text: str) -> bytes:
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
                       "candidates": [{"content": {"parts": [{"text": text}]}, "finishReason": "STOP"}],
                       "text": text}).encode()  # fmt: skip


def zipped(times: int, whole: bytes) -> bytes:
    for _ in range(times):
        whole = gzip.compress(whole)
    return whole


def raw_deflate(whole: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(whole) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("identity", bytes), ("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", raw_deflate),
     ("gzip, gzip", lambda whole: zipped(2, whole)), ("gzip, identity", gzip.compress)],
)  # fmt: skip
@pytest.mark.parametrize("way", ["openai judge", "gemini judge", "ear"])
def test_a_reply_of_usual_size_is_read_however_it_is_packed(
    way: str, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    async def reply(request: web.Request, body: bytes) -> web.Response:
        return web.Response(body=pack(good("<score>4</score>")), headers={"content-encoding": encoding})

    with Hostile(reply) as server:
        outcome = answer(server, way)
    assert isinstance(outcome, Reply) and outcome.text == "<score>4</score>"


def endless(head: bytes, status: int = 200) -> Handler:
    async def reply(request: web.Request, body: bytes) -> web.StreamResponse:
        stream = web.StreamResponse(status=status, headers={"content-type": "application/json"})
        stream.enable_chunked_encoding()
        await stream.prepare(request)
        await stream.write(head)
        for _ in range(4096):
            await stream.write(b" " * MIB)
        return stream

    return reply


@functools.cache
def packed(times: int) -> bytes:
    """256 MiB of spaces, packed so often."""
    inner = zlib.compressobj(1, wbits=31)
    data = b"".join([inner.compress(b" " * MIB) for _ in range(256)]) + inner.flush()
    return zipped(times - 1, data)


def bomb(times: int, status: int = 200) -> Handler:
    whole = packed(times)

    async def reply(request: web.Request, body: bytes) -> web.Response:
        return web.Response(body=whole, status=status, headers={"content-encoding": ", ".join(["gzip"] * times)})

    return reply


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["endless", "bomb", "bomb in a bomb"])
def test_a_reply_without_end_is_a_failure_in_bounded_memory(way: str, name: str) -> None:
    handler = {"endless": lambda: endless(b"{"), "bomb": lambda: bomb(1), "bomb in a bomb": lambda: bomb(2)}[name]()
    with Hostile(handler) as server:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        outcome = answer(server, way)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert isinstance(outcome, Failure) and outcome.kind == "too_large"
    limit = "128 MiB" if "candidate" in way or way == "voice" else "512 KiB"
    assert f"more than {limit}" in outcome.reason
    assert grown < 400 * 1024  # KiB; the server's own share is in it


@pytest.mark.parametrize("way", ["openai judge", "gemini judge", "voice"])
@pytest.mark.parametrize("handler", [endless(b'{"error": ', 500), bomb(1, 429)])
def test_of_an_error_without_end_the_beginning_is_kept_and_its_status_counts(way: str, handler: Handler) -> None:
    with Hostile(handler) as server:
        outcome = answer(server, way)
    assert isinstance(outcome, Failure) and outcome.kind in ("unavailable", "rate_limited")
    assert outcome.http_status in (500, 429)


@pytest.mark.parametrize("way", ["openai judge", "gemini judge"])
def test_an_announced_length_that_does_not_come_is_no_reply(way: str) -> None:
    async def reply(request: web.Request, body: bytes) -> web.StreamResponse:
        stream = web.StreamResponse(headers={"content-length": str(10**15)})
        await stream.prepare(request)
        await stream.write(good("<score>4</score>"))
        assert request.transport is not None
        request.transport.close()
        return stream

    with Hostile(reply) as server:
        outcome = answer(server, way)
    assert isinstance(outcome, Failure) and outcome.kind == "unavailable" and outcome.sent


def test_a_long_spoken_answer_is_no_long_judgement() -> None:
    speech = pybase64.b64encode(CLIP + b"\0" * (8 * MIB)).decode()
    said = {"audio": {"data": speech, "transcript": "hm"}, "content": None}

    async def reply(request: web.Request, body: bytes) -> web.Response:
        return web.json_response({"choices": [{"message": said, "finish_reason": "stop"}]})

    with Hostile(reply) as server:
        assert isinstance(answer(server, "openai candidate"), Reply)
        outcome = answer(server, "openai judge")
    assert isinstance(outcome, Failure) and outcome.kind == "too_large"


@pytest.mark.parametrize("way", WAYS)
def test_what_never_left_is_told_from_what_was_lost(way: str) -> None:
    async def cut(request: web.Request, body: bytes) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    make, request = WAYS[way]
    (nobody,) = run(make("http://127.0.0.1:9"), request)
    with Hostile(cut) as server:
        (lost,) = run(make(server.url), request)
    assert isinstance(nobody, Failure) and (nobody.kind, nobody.sent) == ("unreachable", False)
    assert isinstance(lost, Failure) and (lost.kind, lost.sent) == ("unavailable", True)


def test_the_clip_is_long_enough_to_be_found_elsewhere() -> None:
    with Hostile() as server:
        answer(server, "openai judge")
        assert pybase64.b64encode(CLIP).decode() in server.heard[0] and KEY in server.heard[0]
