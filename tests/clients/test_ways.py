"""The ways to a server: Azure's addresses and header, proxies, the environment, what headers say of retries."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web

from tests.clients.conversation import KEY, REQUEST, run
from tests.clients.wires.test_guarded import WAYS, good
from tests.loopback.hostile import Hostile
from wavjudge.clients.accepted import hint
from wavjudge.clients.base import Failure, Reply, Wire
from wavjudge.clients.fake import FakeWire, VirtualClock
from wavjudge.clients.middleware import Meter, build_client
from wavjudge.clients.wires.gemini import GeminiWire
from wavjudge.clients.wires.openai import OpenAIWire
from wavjudge.clients.wires.openai_speech import OpenAITranscriptionWire
from wavjudge.clients.wires.wire import check_options, retry_after_seconds
from wavjudge.errors import InputError, MissingPartError, SpecError


async def four(request: web.Request, body: bytes) -> web.Response:
    return web.Response(body=good("<score>4</score>"))


@pytest.mark.parametrize("wire", [OpenAIWire, OpenAITranscriptionWire])
def test_azures_address_keeps_its_version_and_the_key_has_its_own_header(wire: Any) -> None:
    request = REQUEST if wire is OpenAIWire else WAYS["ear"][1]
    with Hostile(four) as server:
        url = f"{server.url}/openai/deployments/my-audio?api-version=2025-04-01-preview"
        (outcome,) = run(wire(base_url=url, api_key=KEY), request)
    assert isinstance(outcome, Reply)
    method = "chat/completions" if wire is OpenAIWire else "audio/transcriptions"
    assert server.heard[0].startswith(f"POST /openai/deployments/my-audio/{method}?api-version=2025-04-01-preview\n")
    head = server.heard[0].partition("\n\n")[0].lower()
    assert f"\napi-key: {KEY.lower()}" in head and "authorization" not in head


def test_the_header_of_the_key_can_be_named() -> None:
    with Hostile(four) as server:
        for auth in ("api-key", "bearer"):
            url = f"{server.url}/v1" + ("?api-version=1" if auth == "bearer" else "")
            run(OpenAIWire(base_url=url, api_key=KEY, auth=auth))  # type: ignore[arg-type]
    first, second = (heard.partition("\n\n")[0].lower() for heard in server.heard)
    assert "\napi-key:" in first and "authorization" not in first
    assert "\nauthorization: bearer" in second and "api-key" not in second and "?api-version=1\n" in second


def test_a_key_in_an_address_is_refused_without_being_repeated() -> None:
    with pytest.raises(SpecError) as refused:
        OpenAIWire(base_url=f"http://127.0.0.1:9/v1?api-key={KEY}", api_key=KEY)
    assert "api_key_env" in str(refused.value) and KEY not in str(refused.value)


def test_no_variable_changes_geminis_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_GENAI_API_VERSION", "v1alpha")
    with Hostile(four) as server:
        run(GeminiWire(base_url=server.url, api_key=KEY))
    assert server.heard[0].startswith("POST /v1/models/judge-model:generateContent\n")


@pytest.mark.parametrize(
    ("name", "value"),
    [("GOOGLE_GENAI_CLIENT_MODE", mode) for mode in ("record", "replay", "auto")]
    + [("GOOGLE_GENAI_USE_ENTERPRISE", "true"), ("GOOGLE_GENAI_USE_VERTEXAI", "true")]
    + [("GOOGLE_GENAI_HTTP_CLIENT", kind) for kind in ("aiohttp", "httpx2")],
)
def test_no_variable_brings_gemini_another_client(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with Hostile(four) as server:
        run(GeminiWire(base_url=server.url, api_key=KEY))
    assert server.heard[0].startswith("POST /v1/models/judge-model:generateContent\n")


def test_headers_of_the_environment_go_to_openai_and_to_no_address_of_a_spec(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer gateway\nX-Gateway: mine\napi-key: gateway")
    with Hostile(four) as server:
        for auth in ("bearer", "api-key"):
            run(OpenAIWire(base_url=f"{server.url}/v1", api_key=KEY, auth=auth))
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        run(OpenAIWire(api_key=KEY))
    *named, own = server.heard
    assert not any("gateway" in head or "mine" in head for head in named)
    assert all(KEY in head for head in named)
    assert "\nx-gateway: mine" in own  # the user's own address, from the same environment as the headers


WIRES = pytest.mark.parametrize("wire", [OpenAIWire, GeminiWire])


@WIRES
def test_a_socks_proxy_without_its_package_is_said_before_anything_is_sent(
    wire: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingPartError, match="SOCKS") as told:
        wire(base_url="http://127.0.0.1:9/v1", api_key=KEY)
    assert "httpx2[socks]" in str(told.value)


@contextlib.asynccontextmanager
async def socks(met: list[str]) -> Any:
    """A SOCKS5 proxy on loopback that joins both sides."""

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly((await reader.readexactly(2))[1])
        writer.write(b"\x05\x00")
        kind = (await reader.readexactly(4))[3]
        size = 4 if kind == 1 else (await reader.readexactly(1))[0]
        address = await reader.readexactly(size)
        port = int.from_bytes(await reader.readexactly(2))
        host = ".".join(map(str, address)) if kind == 1 else address.decode()
        met.append(f"{host}:{port}")
        there, back = await asyncio.open_connection(host, port)
        writers.extend([writer, back])
        writer.write(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        await asyncio.gather(_pump(reader, back), _pump(there, writer), return_exceptions=True)

    writers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


@WIRES
def test_a_socks_proxy_with_its_package_works(wire: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("socksio", reason="needs httpx2[socks]")

    async def go(url: str, met: list[str]) -> Reply | Failure:
        async with socks(met) as port:
            monkeypatch.setenv("ALL_PROXY", f"socks5://127.0.0.1:{port}")
            for name in ("NO_PROXY", "no_proxy"):
                monkeypatch.delenv(name)
            made: Wire = wire(base_url=f"{url}/v1", api_key=KEY)
            raw = await made.send(made.encode(REQUEST), REQUEST)
            await made.aclose()
            return raw if isinstance(raw, Failure) else made.decode(raw, REQUEST)

    met: list[str] = []
    with Hostile(four) as server:
        outcome = asyncio.run(go(server.url, met))
    assert isinstance(outcome, Reply), outcome
    assert met == [server.url.removeprefix("http://")]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"x-ms-retry-after-ms": "1500"}, 1.5), ({"llm_provider-retry-after": "7"}, 7.0), ({"ratelimit-reset": "9"}, 9.0),
     ({"x-ratelimit-reset": "1763805605"}, 5.0), ({"x-ratelimit-reset": "1763805605500"}, 5.5),
     ({"retry-after": "3", "x-ratelimit-reset": "50"}, 3.0), ({"x-ratelimit-reset": "soon"}, None)],
)  # fmt: skip
def test_what_proxies_say_of_waiting_is_obeyed(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_seconds(headers, lambda: 1763805600.0) == (seconds and pytest.approx(seconds))


@WIRES
def test_what_a_server_says_of_trying_again_decides(wire: Any) -> None:
    async def busy(request: web.Request, body: bytes) -> web.Response:
        said = {"x-should-retry": "false" if len(server.heard) > 1 else "true"}
        return web.Response(status=400 if len(server.heard) == 1 else 503, text="busy", headers=said)

    async def go(url: str) -> Reply | Failure:
        client = build_client(wire(base_url=f"{url}/v1", api_key=KEY), clock=clock)
        try:
            return await client.complete(REQUEST)
        finally:
            await client.aclose()

    clock = VirtualClock()
    with Hostile(busy) as server:
        outcome = clock.run(go(server.url))
        assert len(server.heard) == 2  # a 400 that may be tried again, then a 503 that may not
    assert isinstance(outcome, Failure) and outcome.http_status == 503


def test_a_long_wait_can_be_seen() -> None:
    clock = VirtualClock()
    meter, seen = Meter(clock=clock), []

    async def watch() -> None:
        await clock.sleep(100.0)
        seen.append(meter.longest_wait)

    async def main() -> None:
        client = build_client(FakeWire([Failure("rate_limited", "later", 300.0, 429), "4"]), meter=meter, clock=clock)
        await asyncio.gather(client.complete(REQUEST), watch())

    clock.run(main())
    assert seen == [200.0] and meter.longest_wait == 0.0


@pytest.fixture(autouse=True)
def _proxies(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    yield


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("HTTP_PROXY", "http://user:SECRET/PW@127.0.0.1:8080", "is no address of a proxy"),
        ("HTTPS_PROXY", "http://user:SECRET#PW@127.0.0.1:8080", "is no address of a proxy"),
        ("https_proxy", "http://user:SECRET?PW@127.0.0.1:8080", "is no address of a proxy"),
        ("HTTP_PROXY", "127.0.0.1:SECRET", "is no address of a proxy"),
        ("ALL_PROXY", "socks://127.0.0.1:7891/", "'socks', expected one of"),
        ("ALL_PROXY", "socks4://127.0.0.1:7891", "'socks4', expected one of"),
        ("HTTP_PROXY", "ftp://127.0.0.1:21", "'ftp', expected one of"),
        ("SSL_CERT_FILE", "/SECRET/nonexistent", "names no file"),
    ],
)
def test_an_environment_with_which_nothing_connects_is_said_before_anything_is_sent(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for other in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "SSL_CERT_FILE"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, value)
    with pytest.raises(InputError) as caught:
        check_options("http://127.0.0.1:1/v1", 60)
    assert name in caught.value.problem and said in caught.value.problem
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    "value", ["http://127.0.0.1:8080", "127.0.0.1:8080", "http://u:p%2F@h:1/", "http://a@b.c:p@h:1", "https://h"]
)
def test_a_proxy_that_can_be_spoken_to_is_taken(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    check_options(None, 60)


@contextlib.asynccontextmanager
async def wanting_a_password(met: list[str]) -> Any:
    """An HTTP proxy on loopback that lets nobody through."""

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.append((await reader.readuntil(b"\r\n\r\n")).decode().partition(" ")[0])
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def by_proxy(
    wire: Any, base_url: str, port: int | None, variable: str, monkeypatch: pytest.MonkeyPatch
) -> tuple[Failure, list[str]]:
    async def go() -> Reply | Failure:
        async with wanting_a_password(met) as open_port:
            monkeypatch.setenv(variable, f"http://127.0.0.1:{port or open_port}")
            made: Wire = wire(base_url=base_url, api_key=KEY)
            raw = await made.send(made.encode(REQUEST), REQUEST)
            await made.aclose()
            return raw if isinstance(raw, Failure) else made.decode(raw, REQUEST)

    met: list[str] = []
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    outcome = asyncio.run(go())
    assert isinstance(outcome, Failure), outcome
    return outcome, met


@WIRES
@pytest.mark.parametrize(("base_url", "variable", "method"), [
    ("https://judge.invalid/v1", "HTTPS_PROXY", "CONNECT"), ("http://judge.invalid/v1", "http_proxy", "POST"),
])  # fmt: skip
def test_a_proxy_that_wants_a_password_is_named_and_not_tried_again(
    wire: Any, base_url: str, variable: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome, met = by_proxy(wire, base_url, None, variable, monkeypatch)
    assert met == [method] and outcome.kind == "bad_request" and "HTTP 407" in outcome.reason
    assert "wants a user and a password" in hint(outcome.reason)


@WIRES
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_where_nobody_listens_is_named_by_its_variable(
    wire: Any, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome, _ = by_proxy(wire, f"{scheme}://judge.invalid/v1", 9, f"{scheme.upper()}_PROXY", monkeypatch)
    assert outcome.kind == "unreachable" and "the proxy " in outcome.reason
    assert f" of {scheme.upper()}_PROXY" in outcome.reason
