"""What every wire to a chat model does, through its real SDK: stored replies, lost connections, loops, cancelling."""

from __future__ import annotations

import asyncio
import gc
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.clients.conversation import (
    KEY,
    REQUEST,
    SPEAK,
    all_at_once,
    cancelled,
    check,
    exchange,
    raw_of,
    run,
)
from tests.loopback import Case, Loopback, cases
from wavjudge.clients.base import Failure, RawReply, Reply, Request, Wire
from wavjudge.clients.wires.gemini import GeminiWire
from wavjudge.clients.wires.openai import OpenAIWire
from wavjudge.clients.wires.wire import within

Make = Callable[..., Wire]


def openai(server: Loopback | None, **options: Any) -> Wire:
    """With a server, a wire to it; without one, a wire to a port where nobody listens."""
    url = server.openai_url if server else "http://127.0.0.1:9/v1"
    return OpenAIWire(base_url=url, api_key=KEY, **{"timeout_seconds": 20, **options})


def gemini(server: Loopback | None, **options: Any) -> Wire:
    url = server.gemini_url if server else "http://127.0.0.1:9"
    return GeminiWire(base_url=url, api_key=KEY, **{"timeout_seconds": 20, **options})


MAKERS: Mapping[str, Make] = {"openai": openai, "gemini": gemini}
STORED = {
    f"{kind}{more}/{name}": (kind, request, case)
    for kind in MAKERS
    for more, request in (("", REQUEST), ("_audio", SPEAK))
    for name, case in cases(f"{kind}{more}").items()
}


@pytest.fixture(params=MAKERS)
def make(request: pytest.FixtureRequest) -> Make:
    return MAKERS[request.param]


@pytest.mark.parametrize("name", STORED)
def test_decode_of_every_stored_reply(name: str) -> None:
    kind, request, case = STORED[name]
    check(MAKERS[kind](None).decode(raw_of(case), request), case.expect)


@pytest.mark.parametrize("request_", [REQUEST, SPEAK], ids=["judge", "speech"])
@pytest.mark.parametrize("kind", MAKERS)
def test_every_stored_reply_through_the_sdk(server: Loopback, kind: str, request_: Request) -> None:
    stored: list[Case] = [case for of, request, case in STORED.values() if (of, request) == (kind, request_)]
    faults, before = iter([case.name for case in stored]), server.requests
    server.plan, server.as_stored = lambda number: next(faults), True
    for case, outcome in zip(stored, run(MAKERS[kind](server), *[request_] * len(stored)), strict=True):
        check(outcome, case.expect)
    assert server.requests - before == len(stored)  # the SDK retried nothing and asked for no continuation


@pytest.mark.parametrize("name", ["slow", "trickle"])
def test_a_late_reply_is_a_timeout(server: Loopback, make: Make, name: str) -> None:
    server.plan = lambda number: name
    run(make(None))  # the SDK is imported: what follows is the wire's own time
    began = time.monotonic()
    (outcome,) = run(make(server, timeout_seconds=0.2))
    check(outcome, {"kind": "timeout", "reason": ["0.2 s"]})
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("name", ["cut", "disconnect", "reset", "garbage"])
def test_a_lost_connection_is_unavailable_and_the_next_call_works(server: Loopback, make: Make, name: str) -> None:
    faults, before = iter([None, name, None]), server.requests
    server.plan = lambda number: next(faults)
    first, lost, last = run(make(server), REQUEST, REQUEST, REQUEST)
    check(lost, {"kind": "unavailable", "reason": ["connection failed"]})
    assert isinstance(first, Reply) and isinstance(last, Reply) and first.text and first.finish.lower() == "stop"
    assert first == replace(last, provider_id=first.provider_id)
    assert server.requests - before == 3


def test_nobody_listens(make: Make) -> None:
    (outcome,) = run(make(None))
    check(outcome, {"kind": "unreachable", "reason": ["connection failed", "refused it, nobody listens there"]})
    assert isinstance(outcome, Failure) and "imeout" not in outcome.reason and "ssl" not in outcome.reason


def test_a_host_that_is_none_is_no_time_out() -> None:
    async def sent() -> RawReply:
        try:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        except OSError as error:
            raise RuntimeError("Request timed out.") from error

    outcome = asyncio.run(within(20, sent(), KEY))
    check(outcome, {"kind": "unreachable", "reason": ["connection failed", "there is no host"]})


def test_two_runs_with_one_wire(server: Loopback, make: Make) -> None:
    wire = make(server)
    assert isinstance(run(wire)[0], Reply)
    assert isinstance(run(wire)[0], Reply)


@pytest.mark.filterwarnings("ignore:(?i)unclosed:ResourceWarning")
def test_a_wire_left_open_in_a_loop_that_ended(server: Loopback, make: Make) -> None:
    wire = make(server)
    assert isinstance(asyncio.run(exchange(wire, REQUEST)), Reply)
    assert isinstance(run(wire)[0], Reply)
    gc.collect()  # the sockets left open complain here, not in another test


def test_cancelling_passes_through(server: Loopback, make: Make) -> None:
    async def go() -> tuple[bool, Reply | Failure]:
        wire = make(server)
        await exchange(wire, REQUEST)
        server.plan = lambda number: "slow"
        stopped = await cancelled(exchange(wire, REQUEST))
        server.plan = lambda number: None
        after = await exchange(wire, REQUEST)
        await wire.aclose()
        return stopped, after

    stopped, after = asyncio.run(go())
    assert stopped and isinstance(after, Reply)


def test_the_transport_does_not_throttle(make: Make) -> None:
    with Loopback(lambda number: "slow") as server:
        assert asyncio.run(all_at_once(make(server), server, 150)) == 150
