"""A server that does as a test says, and remembers every byte it was sent: for redirects, endless bodies, echoes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from types import TracebackType

from aiohttp import web

Handler = Callable[[web.Request, bytes], Awaitable[web.StreamResponse]]


class Hostile:
    """Every path and method of one port of 127.0.0.1, in a thread of its own for the length of a `with`."""

    def __init__(self, handler: Handler | None = None) -> None:
        self.handler = handler or _nothing
        self.heard: list[str] = []
        """Each request as it came: request line, headers, body."""
        self.url = ""

    async def _meet(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        head = "".join(f"\n{name}: {value}" for name, value in request.headers.items())
        self.heard.append(f"{request.method} {request.raw_path}{head}\n\n{body.decode(errors='replace')}")
        return await self.handler(request, body)

    async def _open(self) -> None:
        app = web.Application(client_max_size=2**28)
        app.router.add_route("*", "/{path:.*}", self._meet)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    def __enter__(self) -> Hostile:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="hostile", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _nothing(request: web.Request, body: bytes) -> web.StreamResponse:
    return web.Response(status=418)
