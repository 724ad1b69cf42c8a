"""Where the command line writes, and how an error ends it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wavjudge.cli.stdout import stdout

if TYPE_CHECKING:
    from rich.console import Console

NO_SCORE = 12
INTERRUPTED = 130
SHOWN_BAD_ROWS = 5


@contextmanager
def explained() -> Iterator[None]:
    """Print a `WavjudgeError` as what it says and exit with its code; Ctrl-C exits with 130."""
    from wavjudge.errors import WavjudgeError
    from wavjudge.reporting.text import printable

    with _logged():
        try:
            yield
        except WavjudgeError as error:
            print(f"wavjudge: {printable(str(error))}", file=sys.stderr)
            sys.exit(error.exit_code)
        except KeyboardInterrupt:
            print("wavjudge: interrupted", file=sys.stderr)
            sys.exit(INTERRUPTED)


@contextmanager
def _logged() -> Iterator[None]:
    """What the library logs as a warning goes to stderr, made printable; `main` may be called again and again."""
    import logging
    import traceback

    from wavjudge.reporting.text import printable

    log, handler = logging.getLogger("wavjudge"), logging.StreamHandler(sys.stderr)

    def words(record: logging.LogRecord) -> str:
        first = f"wavjudge: {printable(record.getMessage())}"
        if not record.exc_info:
            return first
        from wavjudge.clients.spec import hide_secrets  # its import would slow every --help down

        traced = hide_secrets("".join(traceback.format_exception(*record.exc_info)))
        return "\n".join([first, *map(printable, traced.splitlines())])

    handler.format = words  # type: ignore[method-assign]
    handler.setLevel(logging.WARNING)
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)


def console(*, err: bool = False) -> Console:
    """A rich console; 80 columns where the output is no terminal, so that a pipe sees what a screen would."""
    from rich.console import Console

    stream = sys.stderr if err else stdout()
    width = None if stream.isatty() or "COLUMNS" in os.environ else 80
    # Names and reasons come from outside: "[red]" and ":smile:" in one of them are text.
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)


def note(text: str) -> None:
    """A remark on stderr: folded for who reads it on a screen, one whole line for what reads a pipe or a log."""
    from wavjudge.reporting.text import one_line, say

    screen = console(err=True)
    if screen.is_terminal:
        say(screen, text)
    else:
        screen.print(one_line(text), soft_wrap=True)


def complain(bad_rows: Sequence[str], what: str = "bad row", more: str = " (`--json` gives all of them)") -> None:
    """Name the first bad rows, count the others. more: where these can be seen."""
    from wavjudge.reporting.text import printable

    screen = console(err=True)
    for problem in bad_rows[:SHOWN_BAD_ROWS]:
        screen.print(f"{what}: {printable(problem)}", soft_wrap=True)
    if len(bad_rows) > SHOWN_BAD_ROWS:
        screen.print(f"... and {len(bad_rows) - SHOWN_BAD_ROWS} more {what}s{more}")
