"""Exceptions planted into wavjudge's own functions, one call of one function at a time.

Which functions handle a row is not written down anywhere: it is measured. A scenario runs over few rows and over more;
whatever of wavjudge is called more often then handles a row. So a stage that is added tomorrow is tested too.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dis import opmap
from pathlib import Path
from types import CodeType, FrameType

import wavjudge

PACKAGE = str(Path(wavjudge.__file__).parent)
Name = tuple[str, str]
"""File inside the package, and qualified name."""


class PlantedError(Exception):
    """What nobody foresaw."""


_RESUME = opmap["RESUME"]


def name_of(code: CodeType) -> Name:
    return code.co_filename.removeprefix(PACKAGE + "/"), code.co_qualname


def _begins(frame: FrameType) -> bool:
    """Whether a function begins here; a coroutine that only goes on is no call, though the interpreter says so."""
    code, at = frame.f_code.co_code, frame.f_lasti
    return at < 0 or code[at] != _RESUME or code[at + 1] == 0


@contextmanager
def watched(on_call: Callable[[Name], None]) -> Iterator[None]:
    """Every call of a function of the package, in this thread and in those that are begun inside the block."""

    def trace(frame: FrameType, event: str, arg: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGE) and _begins(frame):
            on_call(name_of(frame.f_code))

    before = sys.gettrace()
    threading.settrace(trace)
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)
        threading.settrace(before)  # type: ignore[arg-type]


def calls(scenario: Callable[[int], object], rows: int) -> Counter[Name]:
    """How often each function is called where there are so many rows."""
    found: Counter[Name] = Counter()
    lock = threading.Lock()

    def count(name: Name) -> None:
        with lock:
            found[name] += 1

    with watched(count):
        scenario(rows)
    return found


def handlers(scenario: Callable[[int], object], few: int, many: int) -> dict[Name, int]:
    """The functions that handle rows, each with the number of a call in the middle of `many` rows."""
    scenario(few)  # what is imported and loaded once is loaded now
    less, more = calls(scenario, few), calls(scenario, many)
    return {name: more[name] - (more[name] - less[name]) // 2 for name in more if more[name] >= less[name] + many - few}


def _raising(file: str) -> Callable[[type[BaseException]], None]:
    """A line of that file, as far as a traceback tells: what looks like an error of ours is treated as one."""
    made: dict[str, Callable[[type[BaseException]], None]] = {}
    exec(compile("def plant(error):\n    raise error('planted')\n", f"{PACKAGE}/{file}", "exec"), made)
    return made["plant"]


@contextmanager
def planted(where: Name, call: int, error: type[BaseException] = PlantedError) -> Iterator[list[int]]:
    """Raise at one call of one function; the list holds a number once it has happened."""
    happened: list[int] = []
    seen = 0
    lock, plant = threading.Lock(), _raising(where[0])

    def count(name: Name) -> None:
        nonlocal seen
        if name != where:
            return
        with lock:
            seen += 1
            now = seen == call
        if now:
            happened.append(call)
            plant(error)

    def unheard(told: sys.UnraisableHookArgs) -> None:
        """Of a generator that is thrown away half done: closing it is a call, and nobody can hear what it raises."""
        if isinstance(told.exc_value, PlantedError):
            happened.clear()
        else:
            before(told)

    before, sys.unraisablehook = sys.unraisablehook, unheard
    try:
        with watched(count):
            yield happened
    finally:
        sys.unraisablehook = before
