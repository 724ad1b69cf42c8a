"""The server: reads and checks every request, keeps count, and answers or fails as planned."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any

import orjson
import pybase64
from aiohttp import web

from tests.loopback.dialects import GEMINI, OPENAI, VERSION, Dialect, Heard, Turn, without_audio_counts
from tests.loopback.endpoints import SPEECH, TRANSCRIPTIONS
from tests.loopback.faults import DELIVERIES, Plan, known_cases, sequence
from tests.loopback.verdict import Recording, Unheard, untagged, verdict

_MAX_BODY = 256 * 2**20

Model = str | None | Callable[[int], str | None]


def swapped(first: str | None, then: str | None, at: int) -> Callable[[int], str | None]:
    """A provider behind whose name the model changes: request number `at` (from 0) is the first of the other."""
    return lambda number: first if number < at else then


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it arrived; `prompt` and `recordings` are those of all its turns."""

    protocol: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    document: dict[str, Any]
    prompt: str
    recordings: tuple[Recording, ...]
    turns: tuple[Turn, ...]
    voice: str | None


class Server:
    """Both protocols and the speech endpoints on one port of 127.0.0.1.

    Parameters
    ----------
    plan: names of faults in order, or a `Plan`; may be set anew between requests (numbers go on).
    model: what replies say of the model: a name, None for nothing, or a function from the number of the request
        (`swapped`). as_stored: the replies of tests/replies keep the model that they name.
    seed: of the scores. latency_seconds: before every reply. keep: how many requests `received` holds.
    key: the only key accepted; None accepts any. says_it_heard: what a judge says in the tag `heard`; None leaves it
    out. counts_audio: whether replies count the audio tokens of the request. keeps_to_tags: False writes the
    score without any tag.
    """

    def __init__(
        self, plan: Plan | Iterable[str | None] = (), *, seed: int = 0, latency_seconds: float = 0.0, keep: int = 16,
        key: str | None = None, model: Model = VERSION, as_stored: bool = False, says_it_heard: str | None = "yes",
        counts_audio: bool = True, keeps_to_tags: bool = True,
    ) -> None:  # fmt: skip
        self.plan: Plan = plan if callable(plan) else sequence(plan)
        self.model, self.as_stored = model, as_stored
        self.seed, self.latency_seconds, self.key = seed, latency_seconds, key
        self.says_it_heard, self.counts_audio, self.keeps_to_tags = says_it_heard, counts_audio, keeps_to_tags
        self.received: deque[Received] = deque(maxlen=keep)
        self.requests = self.in_flight = self.most_in_flight = 0
        self.faults: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        """How often a good reply was sent, by the sha256 of the first recording."""
        self.url = ""

    @property
    def openai_url(self) -> str:
        return f"{self.url}/v1"

    @property
    def gemini_url(self) -> str:
        return f"{self.url}/gem"

    def stats(self) -> dict[str, Any]:
        """What `GET /stats` answers, for those in another process."""
        counts = {"requests": self.requests, "most_in_flight": self.most_in_flight}
        return counts | {"faults": dict(self.faults), "answered": dict(self.answered)}

    async def open(self, port: int = 0) -> str:
        """Listen; gives the URL."""
        app = web.Application(client_max_size=_MAX_BODY)
        app.router.add_post("/v1/chat/completions", partial(self._meet, dialect=OPENAI))
        app.router.add_post("/v1/audio/speech", partial(self._meet, dialect=SPEECH))
        app.router.add_post("/v1/audio/transcriptions", partial(self._meet, dialect=TRANSCRIPTIONS))
        app.router.add_post(r"/gem/{version:v1\w*}/models/{model}:generateContent", partial(self._meet, dialect=GEMINI))
        app.router.add_get("/stats", self._stats)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port, backlog=1024)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self.url

    async def close(self) -> None:
        await self._runner.cleanup()

    async def _stats(self, request: web.Request) -> web.Response:
        return web.json_response(self.stats())

    async def _meet(self, request: web.Request, dialect: Dialect) -> web.StreamResponse:
        number, self.requests = self.requests, self.requests + 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            return await self._reply(request, dialect, number)
        finally:
            self.in_flight -= 1

    async def _reply(self, request: web.Request, dialect: Dialect, number: int) -> web.StreamResponse:
        body = await request.read()
        try:
            document = dialect.parse(body, request.headers.get("content-type", ""))
            heard = dialect.read(document)
        except (Unheard, ValueError, LookupError, TypeError) as error:
            return web.json_response(dialect.error(400, str(error)), status=400)
        path, headers = request.path, dict(request.headers)
        self.received.append(
            Received(
                dialect.name, path, headers, body, document, heard.prompt, heard.recordings, heard.turns, heard.voice
            )
        )
        if self.key is not None and dialect.key(request.headers) != self.key:
            return web.json_response(dialect.error(401, "Incorrect API key provided."), status=401)
        if self.latency_seconds:
            await asyncio.sleep(self.latency_seconds)
        fault = self.plan(number)
        if fault is not None:
            self.faults[fault] += 1
            return await self._fail(request, dialect, heard, fault, number)
        self.answered.update(r.sha256 for r in heard.recordings[:1])
        good = self._good(dialect, heard, number, number)
        return web.Response(body=good, content_type="audio/wav" if good[:4] == b"RIFF" else "application/json")

    def _good(self, dialect: Dialect, heard: Heard, number: int, name: int = 0) -> bytes:
        """The reply to request `number`; name: the number in its id."""
        said = verdict(heard.prompt, heard.recordings, self.seed, self.says_it_heard)
        answer = dialect.answer(said if self.keeps_to_tags else untagged(said), heard, name)
        if isinstance(answer, bytes):
            return answer
        return orjson.dumps(self._named(answer if self.counts_audio else without_audio_counts(answer), number))

    def _named(self, answer: dict[str, Any], number: int) -> dict[str, Any]:
        model = self.model(number) if callable(self.model) else self.model
        told = {name: model for name in ("model", "modelVersion") if name in answer}
        return {name: value for name, value in (answer | told).items() if name not in told or value is not None}

    async def _fail(
        self, request: web.Request, dialect: Dialect, heard: Heard, fault: str, number: int
    ) -> web.StreamResponse:
        if deliver := DELIVERIES.get(fault):
            return await deliver(request, self._good(dialect, heard, number))
        case = known_cases(dialect.name)[fault]
        audio = pybase64.b64encode(heard.recordings[0].data).decode() if heard.recordings else ""
        headers = {"content-type": "application/json", **case.headers}
        body = self._renamed(case.body(dialect.key(request.headers), audio), number)
        return web.Response(body=body, status=case.status, headers=headers)

    def _renamed(self, body: bytes, number: int) -> bytes:
        """A stored reply by the model of this server: behind one name stands one model, however a call ends."""
        with suppress(ValueError):
            document = None if self.as_stored else orjson.loads(body)
            if isinstance(document, dict) and {"model", "modelVersion"} & document.keys():
                return orjson.dumps(self._named(document, number))
        return body


class Loopback(Server):
    """The server in a thread of its own, for the length of a `with`."""

    def __enter__(self) -> Loopback:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="loopback", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.open(), self._loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self.close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
