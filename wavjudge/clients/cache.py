"""Replies kept for the next run: the same audio, words, model, sampling and repeat are not paid for twice.

One SQLite file (write-ahead log) in the user's cache folder, `WAVJUDGE_CACHE` names another folder. Rows are JSON.
Whatever goes wrong with the file costs the cache, never the run.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Generic, TypeVar

import platformdirs

from wavjudge.clients.base import AudioPart, Client, Failure, Part, Reply, Request
from wavjudge.errors import StoreError
from wavjudge.internal import ends_the_run, noted
from wavjudge.types import Usage

# Small jobs of many tasks, done by one trip to a thread: a trip costs more than what a job does there.

Job = TypeVar("Job")
Result = TypeVar("Result")


MOMENT_SECONDS = 0.005
"""How long the first job waits for others to join it: nothing beside a call, and half as many trips."""


class Together(Generic[Job, Result]):
    """What arrives within a moment, or while the thread is busy, goes together.

    Parameters
    ----------
    work: gives one result per job, in their order; what it raises, each of the tasks hears that wait for this trip.
    """

    def __init__(self, thread: Executor, work: Callable[[Sequence[Job]], Sequence[Result]]) -> None:
        self._thread, self._work = thread, work
        self._waiting: list[tuple[Job, asyncio.Future[Result]]] = []
        self._trips: asyncio.Task[None] | None = None

    async def do(self, job: Job) -> Result:
        """The result of this job."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Result] = loop.create_future()
        self._waiting.append((job, done))
        if self._trips is None:
            self._trips = loop.create_task(self._travel())
        return await done

    async def _travel(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(MOMENT_SECONDS)
                taken, self._waiting = self._waiting, []
                await self._trip(taken)
        finally:
            self._trips = None

    async def _trip(self, taken: Sequence[tuple[Job, asyncio.Future[Result]]]) -> None:
        loop, waiting = asyncio.get_running_loop(), [done for _, done in taken]
        try:
            results = await loop.run_in_executor(self._thread, self._work, [job for job, _ in taken])
        except Exception as error:
            for done in waiting:
                if not done.done():
                    done.set_exception(error)
            return
        for done, result in zip(waiting, results, strict=True):
            if not done.done():
                done.set_result(result)


T = TypeVar("T")
_Row = tuple[str, float, str, bytes | None]

KEY_VERSION = "wavjudge.reply.1"
"""Goes up when a key or a row changes its meaning; older rows then are simply never found."""

_CREATE = """CREATE TABLE IF NOT EXISTS replies_1 (
    key TEXT PRIMARY KEY, created REAL NOT NULL, reply TEXT NOT NULL, audio BLOB)"""
_CUT_OFF = frozenset({"length", "max_tokens"})
_log = logging.getLogger(__name__)


def cache_file() -> Path:
    """Where the replies lie: in the folder of WAVJUDGE_CACHE, else in the user's cache folder of this system."""
    folder = os.environ.get("WAVJUDGE_CACHE") or platformdirs.user_cache_dir("wavjudge", appauthor=False)
    return Path(folder) / "replies.sqlite"


def request_key(request: Request, scope: str) -> str:
    """The tagged sha256 of all that decides a reply; `evidence` is left out, since no wire sends it.

    `scope` is what the wire adds to every request: its name, its base URL, its own options.
    """
    sampling = {key: None if value is None else float(value) for key, value in request.sampling.given().items()}
    content: dict[str, Any] = {
        "scope": scope, "model": request.model, "system": request.system, "parts": [_part(p) for p in request.parts],
        "sampling": sampling, "wants": sorted(request.wants), "repeat": request.repeat,
    }  # fmt: skip
    # What most requests lack is left out, so that the replies of older versions are still found.
    content |= {"earlier": [[s.role, [_part(p) for p in s.parts]] for s in request.earlier]} if request.earlier else {}
    content |= {name: said for name in ("voice", "language") if (said := getattr(request, name)) is not None}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(f"{KEY_VERSION}\n{text}".encode()).hexdigest()


def reply_to_json(reply: Reply) -> str:
    """A reply without its audio, as one line of JSON."""
    plain = {name: getattr(reply, name) for name in Reply.__dataclass_fields__ if name not in ("usage", "audio_wav")}
    return json.dumps({**plain, "usage": reply.usage.model_dump()}, sort_keys=True)


def reply_from_json(text: str, audio_wav: bytes | None = None) -> Reply:
    """The reply that `reply_to_json` wrote.

    >>> reply_from_json(reply_to_json(Reply("4", finish="stop"))) == Reply("4", finish="stop")
    True
    """
    plain: dict[str, Any] = json.loads(text)
    return Reply(**{**plain, "usage": Usage(**plain["usage"])}, audio_wav=audio_wav)


class ReplyCache:
    """The cache file, opened on first use by a thread of its own, so that the event loop never waits for a disk.

    A file that cannot be used (corrupt, locked for longer than `patience_seconds`, read-only) is reported once as a
    warning of the logger `wavjudge.clients.cache`; from then on nothing is found and nothing is kept.
    """

    def __init__(
        self, path: Path | None = None, *, patience_seconds: float = 5.0, wall_time: Callable[[], float] = time.time
    ) -> None:
        self.path = path or cache_file()
        self.broken = False
        self._patience, self._wall_time = patience_seconds, wall_time
        self._thread = ThreadPoolExecutor(1, "wavjudge-cache")
        self._reads: Together[str, Reply | None] = Together(self._thread, self._read)
        self._writes: Together[_Row, None] = Together(self._thread, self._write)
        self._connection: sqlite3.Connection | None = None

    async def get(self, key: str) -> Reply | None:
        """The reply kept under a key, or None."""
        return None if self.broken else await self._reads.do(key)

    async def put(self, key: str, reply: Reply) -> None:
        """Keep a reply; returns when the database has it."""
        row = (key, self._wall_time(), reply_to_json(reply), reply.audio_wav)
        if not self.broken:
            await self._writes.do(row)

    def close(self) -> None:
        """Finish what is under way and let go of the file."""
        self._thread.submit(self._close).result()
        self._thread.shutdown()

    def _read(self, keys: Sequence[str]) -> list[Reply | None]:
        return self._guarded(lambda: [self._find(key) for key in keys], [None] * len(keys))

    def _write(self, rows: Sequence[_Row]) -> list[None]:
        return self._guarded(lambda: self._insert(rows), [None] * len(rows))

    def _guarded(self, work: Callable[[], list[T]], otherwise: list[T]) -> list[T]:
        if self.broken:
            return otherwise
        try:
            return work()
        except (sqlite3.Error, OSError) as error:
            self.broken = True
            _log.warning("the reply cache %s is not used in this run: %s", self.path, error)
            return otherwise

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._connection = _connect(self.path, self._patience)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._connection.execute(_CREATE)
        return self._connection

    def _find(self, key: str) -> Reply | None:
        row = self._open().execute("SELECT reply, audio FROM replies_1 WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        try:
            return replace(reply_from_json(*row), cached=True)
        except (ValueError, TypeError, KeyError):
            return None  # a row that is no reply is no hit; the next reply replaces it

    def _insert(self, rows: Sequence[_Row]) -> list[None]:
        connection = self._open()
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT OR REPLACE INTO replies_1 VALUES (?, ?, ?, ?)", rows)
        connection.execute("COMMIT")
        return [None] * len(rows)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Cached:
    """A client that looks into the cache first, and makes one call for identical requests that are under way at once.

    A reply that this request did not pay for is marked `cached`. Failures and cut-off replies are never kept; a
    failure is shared with the requests that were waiting for it. With `read` off every request makes its own call.
    The cache belongs to whoever made it: `aclose` closes the client inside, not the cache.
    """

    def __init__(
        self, client: Client, cache: ReplyCache, *, scope: str = "", read: bool = True, write: bool = True
    ) -> None:
        self._client, self._cache, self._scope = client, cache, scope
        self._may_read, self._may_write = read, write
        self._under_way: dict[str, asyncio.Future[Reply | Failure | None]] = {}

    async def complete(self, request: Request) -> Reply | Failure:
        key = request_key(request, self._scope)
        if not self._may_read:
            return await self._call(key, request)
        while key in self._under_way:
            shared = await asyncio.shield(self._under_way[key])
            if shared is not None:
                return replace(shared, cached=True) if isinstance(shared, Reply) else shared
        return await self._lead(key, request)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _lead(self, key: str, request: Request) -> Reply | Failure:
        future = self._under_way[key] = asyncio.get_running_loop().create_future()
        outcome = None
        try:
            outcome = await self._cache.get(key) or await self._call(key, request)
            return outcome
        finally:
            # Cancelled or raised: None tells those who wait to try for themselves.
            del self._under_way[key]
            future.set_result(outcome)

    async def _call(self, key: str, request: Request) -> Reply | Failure:
        outcome = await self._client.complete(request)
        if self._may_write and isinstance(outcome, Reply) and (outcome.finish or "").lower() not in _CUT_OFF:
            try:
                await self._cache.put(key, outcome)
            except Exception as error:
                if ends_the_run(error):
                    raise
                noted(error)  # the reply is there and paid for, whether it can be kept for others or not
        return outcome


@dataclass(frozen=True, slots=True)
class CacheStats:
    """What the cache file holds; `bytes` counts the file and its log."""

    path: Path
    entries: int
    bytes: int
    oldest: datetime | None


def stats(path: Path | None = None) -> CacheStats:
    """What is kept. A file that is not there is an empty cache; StoreError if it cannot be read."""
    path = path or cache_file()
    if not path.exists():
        return CacheStats(path, 0, 0, None)
    (entries, oldest), *_ = _on_file(path, "SELECT count(*), min(created) FROM replies_1")
    size = sum(file.stat().st_size for file in path.parent.glob(path.name + "*"))
    return CacheStats(path, entries, size, None if oldest is None else datetime.fromtimestamp(oldest, UTC))


def remove(older_than: timedelta, path: Path | None = None) -> int:
    """Forget the replies older than this, give their space back, and return how many there were."""
    return _delete(time.time() - older_than.total_seconds(), path or cache_file())


def clear(path: Path | None = None) -> int:
    """Forget every reply and return how many there were."""
    return _delete(float("inf"), path or cache_file())


def _delete(before: float, path: Path) -> int:
    if not path.exists():
        return 0
    gone = _on_file(path, "DELETE FROM replies_1 WHERE created < ? RETURNING 1", before)
    _on_file(path, "VACUUM")
    return len(gone)


def _on_file(path: Path, statement: str, *values: float) -> list[Any]:
    try:
        with closing(_connect(path, 5.0)) as connection:
            connection.execute(_CREATE)
            return connection.execute(statement, values).fetchall()
    except sqlite3.Error as error:
        raise StoreError(
            f"the reply cache cannot be used: {error}", todo="close other runs or delete the file", where=str(path)
        ) from error


def _connect(path: Path, patience_seconds: float) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=patience_seconds, isolation_level=None)


def _part(part: Part) -> list[str]:
    return ["audio", part.sha256, part.transform] if isinstance(part, AudioPart) else ["text", part.text]
