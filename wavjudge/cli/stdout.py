"""The standard output, kept for results while code of another hand runs in this process."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TextIO

_kept: TextIO | None = None


def stdout() -> TextIO:
    """Where results are written: the standard output, also while `keeping_stdout` keeps it from everyone else."""
    return _kept or sys.stdout


@contextmanager
def keeping_stdout() -> Iterator[None]:
    """Within it only `stdout()` reaches the standard output; what code of another hand prints goes to stderr.

    A candidate's function, its import, a library in C or a program that it starts may print at any time and from any
    thread, and what `--json` writes is read by programs. So the output of the whole process is turned, once.
    """
    global _kept
    was = sys.stdout
    with ExitStack() as stack:
        _kept = stack.enter_context(_copy_of(was)) if _is_the_process(was) else was
        sys.stdout = sys.stderr
        try:
            yield
        finally:
            _kept.flush()
            sys.stdout, _kept = was, None


def _is_the_process(stream: TextIO) -> bool:
    try:
        return stream.fileno() == 1
    except (OSError, ValueError):  # a test's StringIO
        return False


@contextmanager
def _copy_of(stream: TextIO) -> Iterator[TextIO]:
    """A copy of the process's output, which itself becomes stderr; given back unless a candidate's call still hangs."""
    stream.flush()
    with os.fdopen(os.dup(1), "w", encoding=stream.encoding, errors=stream.errors) as copy:
        os.dup2(2, 1)
        try:
            yield copy
        finally:
            from wavjudge.bench.candidates.function import THREAD

            if not any(thread.name == THREAD for thread in threading.enumerate()):
                os.dup2(copy.fileno(), 1)
