"""The run folder: a manifest, append-only JSONL logs, prompts and audio by content hash.

    RUN/
      manifest.json     what this run is; rewritten as a whole, atomically
      items.jsonl  responses.jsonl  unanswered.jsonl  ratings.jsonl  comparisons.jsonl
      prompts/<hash>.md     each prompt text once
      audio/<aa>/<sha256>.<suffix>     each recording once
      internal-errors.log     tracebacks of wavjudge's own errors, where there were any
      .lock             held by the one process that may write

A record is *acknowledged* when the fdatasync of its group has returned; records that arrive while one sync runs
share the next one. What kill -9 can leave is a torn last line: opening for writing heals it, reading passes over it.
Nothing is ever changed in place: a correction appends a record that `supersedes` another. Only this module opens run
files, by `run_files`.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, TypeVar, get_args

from filelock import FileLock, Timeout
from pydantic import ValidationError

from wavjudge.errors import InputError, RunLockedError, StoreError
from wavjudge.files import safe
from wavjudge.internal import ends_the_run, noted
from wavjudge.nearest import of_path
from wavjudge.types import SCHEMA_VERSION, Comparison, Item, Rating, Response, RunManifest, Stored, Unanswered
from wavjudge.version import __version__

Kind = Literal["items", "responses", "unanswered", "ratings", "comparisons"]
RECORDS: Final[dict[Kind, type[Stored]]] = {
    "items": Item, "responses": Response, "unanswered": Unanswered, "ratings": Rating, "comparisons": Comparison,
}  # fmt: skip

FAULTS: Final = "internal-errors.log"

GROUP_SECONDS = 0.005
"""How long a group waits for others to join it: a sync for each record would cost more than the record."""

R = TypeVar("R", bound=Stored)


class Log:
    """One append-only JSONL file. `append` returns when the records are on the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.healed_bytes = safe.heal(path.parent, path.name)
        # Unbuffered: what a buffer keeps of a failed write would come out later, torn.
        self._file = safe.opened(path.parent, path.name, "ab")
        self._writing = threading.Lock()
        self._waiting: list[bytes] = []
        self._durable: asyncio.Future[None] | None = None
        self._syncing: asyncio.Future[None] | None = None
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
            self._flusher.add_done_callback(self._flushed)
        await asyncio.shield(durable)

    def append_now(self, *records: Stored) -> None:
        """The same for plain, synchronous callers (importers)."""
        self._write(b"".join(_line(record) for record in records))

    async def _flush(self) -> None:
        while self._waiting:
            await asyncio.sleep(GROUP_SECONDS)
            group, self._waiting = b"".join(self._waiting), []
            durable = self._syncing = self._durable
            self._durable = None
            assert durable is not None
            try:
                await asyncio.to_thread(self._write, group)
            except Exception as error:  # whatever it is, those who wait must hear of it, and it is no row's own
                durable.set_exception(error if ends_the_run(error) else self._broken(error))
                durable.exception()  # marks it as seen: a caller that was cancelled does not await it any more
            else:
                durable.set_result(None)
        self._flusher = None  # here, not when the task is over: what is appended between the two would wait for ever

    def _flushed(self, flusher: asyncio.Task[None]) -> None:
        """Nobody waits for ever: where the flusher itself broke, nothing is known of what it held, and the run ends."""
        if flusher.cancelled() or flusher.exception() is not None:
            self._flusher, self._waiting = None, []
            for waited in (self._syncing, self._durable):
                if waited is not None and not waited.done():
                    waited.set_exception(self._broken())
                    waited.exception()
            self._durable = None

    def _broken(self, error: Exception | None = None) -> StoreError:
        why = f" ({noted(error)})" if error else ""
        return StoreError(f"the log broke while it was written{why}", where=str(self.path),
                          todo="run the same command: it goes on from what is on the disk")  # fmt: skip

    def _write(self, data: bytes) -> None:
        with self._writing:
            start = os.fstat(self._file.fileno()).st_size
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[self._file.write(rest) :]
                safe.sync(self._file)
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
        return StoreError("got no such folder, expected a run folder", where=str(path), todo=of_path(path))
    got = "a folder without manifest.json" if path.is_dir() else "a file"
    return StoreError(f"got {got}, expected a run folder", where=str(path), todo="name the folder that `--out` wrote")


def _refuse_foreign(path: Path) -> None:
    """`StoreError` where a folder holds files and none of a run: it is somebody's for something else."""
    names = sorted(one.name for one in path.iterdir() if not one.name.startswith(".")) if path.is_dir() else []
    if names and not {"manifest.json", "prompts", "audio", *(f"{kind}.jsonl" for kind in get_args(Kind))} & set(names):
        raise StoreError(
            f"got a folder with other files in it ({', '.join(names[:3])}), expected a new one, an empty one or a run",
            where=str(path), todo="name another --out",
        )  # fmt: skip


class RunFolder(AbstractContextManager["RunFolder"]):
    """A run folder, open for reading, or for writing by one process at a time."""

    def __init__(self, path: Path, *, write: bool = False) -> None:
        self.path = path
        self._bad: dict[tuple[Kind, int], str] = {}
        self._twice: dict[str, str] = {}
        self._logs: dict[Kind, Log] = {}
        self._lock = FileLock(path / ".lock", timeout=0) if write else None
        if write:
            self._open_for_writing()
        elif self.manifest is None:
            raise no_run(path)

    def _open_for_writing(self) -> None:
        assert self._lock is not None
        _refuse_foreign(self.path)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            safe.make_folder(self.path, "prompts")
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
        if not safe.has(self.path, path.name):
            return
        with safe.opened(self.path, path.name, "rb") as file:
            for number, line in enumerate(file, 1):
                if without is not None and without in line:
                    continue
                record = _record(kind, line)
                if isinstance(record, Stored):
                    yield record
                elif line.endswith(b"\n"):
                    self._bad[kind, number] = f"{path}, line {number}: {record}"

    @property
    def bad_lines(self) -> list[str]:
        """What was passed over in all that was read so far, each line once."""
        return [*self._bad.values(), *self._twice.values()]

    def items(self) -> Iterator[Item]:
        return _only(Item, self.read("items"))

    def responses(self) -> Iterator[Response]:
        """The answers that stand: one that was asked for again and superseded is left out. Of several records of one
        answer, which wavjudge never writes, the first stands, and the others are noted in `bad_lines`."""
        later = _only(Response, self.read("responses", without=b'"supersedes":null'))
        gone = {response.supersedes for response in later if response.supersedes}
        seen = set[int]()
        for response in _only(Response, self.read("responses")):
            if gone and response.id in gone:
                continue
            key = (response.benchmark, response.item_id, response.candidate, response.attempt)
            if (name := hash(key)) in seen:
                told = f"a second record of the answer {key[1:]} of (item, candidate, attempt); the first one stands"
                self._twice.setdefault(response.id, f"{self.path / 'responses.jsonl'}: {told}")
                continue
            seen.add(name)
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
        try:
            data = safe.read_bytes(self.path, path.name)
        except FileNotFoundError:
            return None
        if data is None:
            return None
        try:
            return RunManifest.model_validate_json(data)
        except ValidationError as error:
            raise _unfit(data, first_problem(error), path) from error
        except (ValueError, RecursionError) as error:
            raise _unfit(data, str(error), path) from error

    @property
    def is_begun(self) -> bool:
        """Whether an answer or a rating stands here: without one, what was meant to be a run may yet become another."""
        return any(safe.has_bytes(self.path, f"{kind}.jsonl") for kind in ("responses", "ratings", "comparisons"))

    def forget_items(self) -> None:
        """Let go of questions that nobody has answered: the test set may have been mended since, or be another."""
        if (
            self._lock is not None
            and "items" not in self._logs
            and not self.is_begun
            and (safe.has_bytes(self.path, "items.jsonl"))
        ):
            safe.replace(self.path, "items.jsonl", b"")

    def write_manifest(self, manifest: RunManifest) -> None:
        safe.replace(self.path, "manifest.json", (manifest.model_dump_json(indent=2) + "\n").encode())

    def keep_fault(self, traceback: str) -> None:
        """Append the traceback of an error of wavjudge itself, for whoever will mend it."""
        with safe.opened(self.path, FAULTS, "ab") as file:
            text = f"{datetime.now(UTC).isoformat()} wavjudge {__version__}\n{traceback}\n"
            file.write(text.encode(errors="replace"))

    def add_prompt(self, digest: str, text: str) -> None:
        """Keep a prompt text under its hash."""
        name = f"prompts/{digest}.md"
        if not safe.has(self.path, name):
            safe.replace(self.path, name, text.encode())

    def add_audio(self, data: bytes, sha256: str, suffix: str) -> str:
        """Keep a recording under the hash of its bytes; gives the path relative to the run folder."""
        name = f"audio/{sha256[:2]}/{sha256}{suffix.lower()}"
        if not safe.has(self.path, name):
            # Not durable: it is checked by its hash when read, and the source can give it again.
            safe.replace(self.path, name, data, durable=False)
        return name


_DAMAGED = (
    "put a copy of the file back, or move it away: the records of the run stand beside it, and the command that made "
    "the run writes a new one (it then names what that command names, and not what earlier ones did)"
)


def _unfit(data: bytes, problem: str, path: Path) -> StoreError:
    """The error for a manifest that cannot be read: of a newer wavjudge where its own version says so, else damaged."""
    if (newer := _newer(data)) is not None:
        return StoreError(f"got a manifest that a newer wavjudge wrote ({newer}; {problem})", where=str(path),
                          todo="upgrade this wavjudge")  # fmt: skip
    return StoreError(f"got a damaged manifest ({problem})", where=str(path), todo=_DAMAGED)


def _newer(data: bytes) -> str | None:
    """Which newer wavjudge wrote a manifest, by the versions in it; None where they say nothing of the kind."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    schema, version = found.get("schema_version"), found.get("wavjudge_version")
    if isinstance(schema, int) and schema > SCHEMA_VERSION:
        return f"schema version {schema:.3g}, and this one reads {SCHEMA_VERSION}"
    is_newer = isinstance(version, str) and _parts(version) > _parts(__version__)
    return f"version {str(version)[:40]}, and this is {__version__}" if is_newer else None


def _parts(version: str) -> tuple[int, ...]:
    """The numbers that a version begins with.

    >>> _parts("0.10.1.dev3"), _parts("new")
    ((0, 10, 1), ())
    """
    found = re.match(r"\d{1,9}(\.\d{1,9})*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def first_problem(error: ValidationError) -> str:
    """The first complaint of pydantic in one line: field, message.

    >>> try: Item.model_validate({"benchmark": "b", "id": "1", "turns": []})
    ... except ValidationError as error: print(first_problem(error))
    field "turns": Tuple should have at least 1 item after validation, not 0
    """
    detail = error.errors(include_url=False, include_context=False)[0]
    field = ".".join(str(part) for part in detail["loc"])[:80]
    return f'field "{field}": {detail["msg"]}' if field else detail["msg"]


def _record(kind: Kind, line: bytes) -> Stored | str:
    """The record of a line, or what is wrong with it."""
    try:
        return RECORDS[kind].model_validate_json(line)
    except ValidationError as error:
        return first_problem(error)
    except Exception as error:
        if ends_the_run(error):
            raise
        return noted(error)


def storable(record: R) -> R:
    """The record, if what is read back from its line is the same; else `InputError`: a record that no run could read
    again (half a character, a number without end deep inside it) is none.
    """
    try:
        again = type(record).model_validate_json(record.model_dump_json())
    except ValidationError as error:
        raise InputError(f"got what no record can hold: {first_problem(error)}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"got what no record can hold ({error})") from error
    if again != record:
        raise InputError("got a number or a text that a record cannot hold as it is")
    return record


def _only(kind: type[R], records: Iterator[Stored]) -> Iterator[R]:
    for record in records:
        assert isinstance(record, kind)
        yield record


def _line(record: Stored) -> bytes:
    return record.model_dump_json(exclude_defaults=False).encode() + b"\n"
