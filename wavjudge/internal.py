"""Errors that nobody foresaw in the handling of one row: the row gets a status or is a bad row, and the rest goes on.

Whoever handles a row catches `Exception`, lets pass what `ends_the_run`, and puts what `noted` says where the row's
reason stands. It begins with `PREFIX`, so that it can be told from what somebody's file or model did. The traceback is
not lost: `collecting` hands the first of each kind to whoever keeps it, and counts them all, so that a command that met
one does not end with 0.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import ParamSpec, TypeVar

from wavjudge.errors import InputError, WavjudgeError

PREFIX = "internal: "
EXIT_CODE = 70
"""Of a command that met such errors and otherwise came to its end; the EX_SOFTWARE of other programs."""

_MESSAGE_CHARS = 200
_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
_HERE = Path(__file__).parent
_log = logging.getLogger(__name__)

T = TypeVar("T")
R = TypeVar("R")
P = ParamSpec("P")


def ends_the_run(error: BaseException) -> bool:
    """Whether an error is more than one row's: no memory, no room, and all of our own that are not about an input.

    >>> ends_the_run(KeyError("x")), ends_the_run(InputError("got no audio")), ends_the_run(OSError(28, "No space"))
    (False, False, True)
    """
    if not isinstance(error, Exception) or isinstance(error, MemoryError):
        return True
    if isinstance(error, WavjudgeError):
        return not isinstance(error, InputError)
    return isinstance(error, OSError) and error.errno in _DISK


@dataclass(slots=True)
class Faults:
    """What was noted while it was collected. keep: is handed the traceback of the first of each kind."""

    keep: Callable[[str], object] | None = None
    kinds: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def count(self) -> int:
        return self.kinds.total()

    def add(self, error: BaseException) -> None:
        kind = _kind(error)
        with self._lock:
            self.kinds[kind] += 1
            is_first = self.kinds[kind] == 1
        if is_first and self.keep is not None:
            self.keep("".join(traceback.format_exception(error)))


_current: ContextVar[Faults | None] = ContextVar("faults", default=None)


@contextmanager
def collecting(keep: Callable[[str], object] | None = None) -> Iterator[Faults]:
    """Count what is noted inside the block, in tasks and threads that are begun there too.

    What is around the block counts it as well.
    """
    outer, faults = _current.get(), Faults(keep)
    token = _current.set(faults)
    try:
        yield faults
    finally:
        _current.reset(token)
        if outer is not None:
            outer.kinds.update(faults.kinds)


def noted(error: BaseException) -> str:
    """The reason that a row gets for an error; the error is counted, and its traceback kept."""
    faults = _current.get()
    if faults is not None:
        faults.add(error)
    else:  # without the message: it may quote what no log shall hold
        _log.error("met %s", _kind(error))
    try:
        said = " ".join(str(error).split())[:_MESSAGE_CHARS].encode(errors="replace").decode()
    except Exception:  # an exception whose own words raise
        said = ""
    return f"{PREFIX}{_kind(error)}{f': {said}' if said else ''}"


def is_ours(error: BaseException) -> bool:
    """Whether an error was raised by a line of wavjudge itself, and not by a library that it called."""
    lines = traceback.extract_tb(error.__traceback__)
    return bool(lines) and lines[-1].filename.startswith(f"{_HERE}{os.sep}")


def each(handle: Callable[[T], R], rows: Iterable[T]) -> Iterator[R]:
    """What `handle` makes of each row; a row that it does not manage is noted and passed over.

    >>> with collecting() as faults:
    ...     list(each(lambda number: 6 // number, [1, 0, 3])), faults.count
    ([6, 2], 1)
    """
    for row in rows:
        try:
            handled = handle(row)
        except Exception as error:
            if ends_the_run(error):
                raise
            noted(error)
            continue
        yield handled


def managed(handle: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R | str:
    """What `handle` gives, or the reason why it does not: for those who go through rows that may each be wrong."""
    try:
        return handle(*args, **kwargs)
    except Exception as error:
        if ends_the_run(error):
            raise
        return str(error) if isinstance(error, InputError) else noted(error)


async def in_thread(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """As `asyncio.to_thread`; but no future can hold a StopIteration, and whoever awaited one would wait for ever."""

    def run() -> R:
        try:
            return function(*args, **kwargs)
        except StopIteration as error:
            raise RuntimeError("StopIteration") from error

    return await asyncio.to_thread(run)


def _kind(error: BaseException) -> str:
    """What it is and the last line of ours that it came through."""
    place = ""
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename.startswith(f"{_HERE}{os.sep}"):
            place = f" at {Path(frame.filename).relative_to(_HERE).as_posix()}:{frame.lineno}"
    return f"{type(error).__name__}{place}"
