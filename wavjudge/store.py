"""The run folder: a manifest, append-only JSONL logs, prompts and audio by content hash.

    RUN/
      manifest.json     what this run is; rewritten as a whole, atomically
      items.jsonl  responses.jsonl  unanswered.jsonl  ratings.jsonl  comparisons.jsonl
      prompts/<hash>.md     each prompt text once
      audio/<aa>/<sha256>.<suffix>     each recording once
      .lock             held by the one process that may write

A record is *acknowledged* when the fdatasync of its group has returned; records that arrive while one sync runs
share the next one. What kill -9 can leave is a torn last line: opening for writing heals it, reading passes over it.
Nothing is ever changed in place: a correction appends a record that `supersedes` another. Only this module opens run
files.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Literal, TypeVar

from filelock import FileLock, Timeout
from pydantic import ValidationError

from wavjudge.errors import RunLockedError, StoreError
from wavjudge.types import Comparison, Item, Rating, Response, RunManifest, Stored, Unanswered

Kind = Literal["items", "responses", "unanswered", "ratings", "comparisons"]
RECORDS: Final[dict[Kind, type[Stored]]] = {
    "items": Item, "responses": Response, "unanswered": Unanswered, "ratings": Rating, "comparisons": Comparison,
}  # fmt: skip

GROUP_SECONDS = 0.005
"""How long a group waits for others to join it: a sync for each record would cost more than the record."""

R = TypeVar("R", bound=Stored)


class Log:
    """One append-only JSONL file. `append` returns when the records are on the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.healed_bytes = _heal(path)
        self._file = path.open("ab", buffering=0)  # what a buffer keeps of a failed write would come out later, torn
        self._writing = threading.Lock()
        self._waiting: list[bytes] = []
        self._durable: asyncio.Future[None] | None = None
        self._flusher: asyncio.Task[None] | None = None

    async def append(self, *records: Stored) -> None:
        """Write records and wait until they are durable; concurrent callers share one fdatasync."""
        if not records:
            return
        self._waiting += [_line(record) for record in records]
        if self._durable is None:
            self._durable = asyncio.get_running_loop().create_future()
        durable = self._durable
        if self._flusher is None:
            self._flusher = asyncio.create_task(self._flush())
        await asyncio.shield(durable)

    def append_now(self, *records: Stored) -> None:
        """The same for plain, synchronous callers (importers)."""
        self._write(b"".join(_line(record) for record in records))

    async def _flush(self) -> None:
        while self._waiting:
            await asyncio.sleep(GROUP_SECONDS)
            group, self._waiting = b"".join(self._waiting), []
            durable, self._durable = self._durable, None
            assert durable is not None
            try:
                await asyncio.to_thread(self._write, group)
            except Exception as error:  # whatever it is, those who wait must hear of it
                durable.set_exception(error)
                durable.exception()  # marks it as seen: a caller that was cancelled does not await it any more
            else:
                durable.set_result(None)
        self._flusher = None

    def _write(self, data: bytes) -> None:
        with self._writing:
            start = os.fstat(self._file.fileno()).st_size
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[self._file.write(rest) :]
                _sync(self._file)
            except OSError as error:
                with suppress(OSError):  # a full disk: take the half-written group back, or a torn line stays inside
                    os.ftruncate(self._file.fileno(), start)
                raise StoreError(
                    f"got {error.strerror!r} while writing", where=str(self.path),
                    todo="make room or check the disk, then run the same command",
                ) from error  # fmt: skip

    async def drain(self) -> None:
        """Wait until nothing is on its way to the disk."""
        while self._flusher is not None:
            await asyncio.shield(self._flusher)

    def close(self) -> None:
        """Close the file, after the write that may be under way in its thread."""
        with self._writing:
            self._file.close()


def no_run(path: Path) -> StoreError:
    """The error for a path at which no run lies; a path that is not there is said to be that."""
    if not path.exists():
        return StoreError("got no such folder, expected a run folder", where=str(path), todo="check the path")
    got = "a folder without manifest.json" if path.is_dir() else "a file"
    return StoreError(f"got {got}, expected a run folder", where=str(path), todo="name the folder that `--out` wrote")


class RunFolder(AbstractContextManager["RunFolder"]):
    """A run folder, open for reading, or for writing by one process at a time."""

    def __init__(self, path: Path, *, write: bool = False) -> None:
        self.path = path
        self._bad: dict[tuple[Kind, int], str] = {}
        self._logs: dict[Kind, Log] = {}
        self._lock = FileLock(path / ".lock", timeout=0) if write else None
        if write:
            self._open_for_writing()
        elif self.manifest is None:
            raise no_run(path)

    def _open_for_writing(self) -> None:
        assert self._lock is not None
        try:
            (self.path / "prompts").mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except Timeout as error:
            raise RunLockedError("another process is writing to this run folder", where=str(self.path),
                                 todo="wait until it ends, or use another --out") from error  # fmt: skip
        except OSError as error:
            raise StoreError(
                f"got {error.strerror!r}, expected a folder that can be written", where=str(self.path)
            ) from error

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        for log in self._logs.values():
            log.close()
        if self._lock is not None:
            self._lock.release()

    async def drain(self) -> None:
        """Wait until nothing is on its way to the disk: records of callers that were cancelled, too."""
        for log in self._logs.values():
            await log.drain()

    def log(self, kind: Kind) -> Log:
        """The log of one kind of record, opened (and healed) on first use."""
        if self._lock is None:
            raise StoreError("got a write to a run folder that is open for reading", where=str(self.path))
        if kind not in self._logs:
            self._logs[kind] = Log(self.path / f"{kind}.jsonl")
        return self._logs[kind]

    def read(self, kind: Kind, *, without: bytes | None = None) -> Iterator[Stored]:
        """The records of one kind, in the order written. A line that is no record is noted in `bad_lines`, not lost.

        Lines that hold the bytes `without` are passed over unread: reading costs ten times what looking for them does.
        """
        path = self.path / f"{kind}.jsonl"
        if not path.is_file():
            return
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if without is not None and without in line:
                    continue
                try:
                    yield RECORDS[kind].model_validate_json(line)
                except ValidationError as error:
                    if line.endswith(b"\n"):
                        self._bad[kind, number] = f"{path}, line {number}: {first_problem(error)}"

    @property
    def bad_lines(self) -> list[str]:
        """What was passed over in all that was read so far, each line once."""
        return list(self._bad.values())

    def items(self) -> Iterator[Item]:
        return _only(Item, self.read("items"))

    def responses(self) -> Iterator[Response]:
        """The answers that stand: one that was asked for again and superseded is left out."""
        later = _only(Response, self.read("responses", without=b'"supersedes":null'))
        gone = {response.supersedes for response in later if response.supersedes}
        for response in _only(Response, self.read("responses")):
            if not gone or response.id not in gone:
                yield response

    def ratings(self, *, superseded: bool = False) -> Iterator[Rating]:
        """The ratings that stand: the ones another record supersedes are left out unless asked for."""
        gone = set() if superseded else self._superseded()
        for rating in _only(Rating, self.read("ratings")):
            if not gone or rating.id not in gone:
                yield rating

    def _superseded(self) -> set[str]:
        ratings = _only(Rating, self.read("ratings", without=b'"supersedes":null'))
        return {rating.supersedes for rating in ratings if rating.supersedes}

    @property
    def manifest(self) -> RunManifest | None:
        path = self.path / "manifest.json"
        if not path.is_file():
            return None
        try:
            return RunManifest.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise StoreError(f"got a manifest that does not fit ({first_problem(error)})", where=str(path),
                             todo="a newer wavjudge may have written it: upgrade this one") from error  # fmt: skip

    def write_manifest(self, manifest: RunManifest) -> None:
        _replace(self.path / "manifest.json", (manifest.model_dump_json(indent=2) + "\n").encode())

    def add_prompt(self, digest: str, text: str) -> None:
        """Keep a prompt text under its hash."""
        path = self.path / "prompts" / f"{digest}.md"
        if not path.is_file():
            _replace(path, text.encode())

    def add_audio(self, data: bytes, sha256: str, suffix: str) -> str:
        """Keep a recording under the hash of its bytes; gives the path relative to the run folder."""
        name = f"audio/{sha256[:2]}/{sha256}{suffix.lower()}"
        path = self.path / name
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            _replace(path, data, sync=False)  # checked by its hash when read, and the source can give it again
        return name


def first_problem(error: ValidationError) -> str:
    """The first complaint of pydantic in one line: field, message.

    >>> try: Item.model_validate({"benchmark": "b", "id": "1", "turns": []})
    ... except ValidationError as error: print(first_problem(error))
    field "turns": Tuple should have at least 1 item after validation, not 0
    """
    detail = error.errors(include_url=False, include_context=False)[0]
    field = ".".join(str(part) for part in detail["loc"])
    return f'field "{field}": {detail["msg"]}' if field else detail["msg"]


def _only(kind: type[R], records: Iterator[Stored]) -> Iterator[R]:
    for record in records:
        assert isinstance(record, kind)
        yield record


def _line(record: Stored) -> bytes:
    return record.model_dump_json(exclude_defaults=False).encode() + b"\n"


def _heal(path: Path) -> int:
    """Cut a torn last line off (or end it, if it is whole); gives the number of bytes cut."""
    if not path.is_file() or not path.stat().st_size:
        return 0
    with path.open("r+b") as file:
        data_end = file.seek(0, os.SEEK_END)
        start = _last_line_start(file, data_end)
        file.seek(start)
        last = file.read()
        if last.endswith(b"\n"):
            return 0
        with suppress(ValueError):
            json.loads(last)
            file.write(b"\n")
            return 0
        file.truncate(start)
        return len(last)


def _last_line_start(file: IO[bytes], end: int) -> int:
    position = end
    while position > 0:
        step = min(65536, position)
        position -= step
        file.seek(position)
        found = file.read(step).rfind(b"\n", 0, step - 1 if position + step == end else step)
        if found >= 0:
            return position + found + 1
    return 0


def _sync(file: IO[bytes]) -> None:
    # macOS has no fdatasync.
    getattr(os, "fdatasync", os.fsync)(file.fileno())


def _replace(path: Path, data: bytes, *, sync: bool = True) -> None:
    """Write a whole file so that a reader sees the old one or the new one, never half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")  # two may write the same
    try:
        with temporary.open("wb") as file:
            file.write(data)
            if sync:
                file.flush()
                _sync(file)
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise StoreError(
            f"got {error.strerror!r} while writing", where=str(path), todo="check room and permissions"
        ) from error
