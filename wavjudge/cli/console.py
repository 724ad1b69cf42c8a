"""Where the command line writes, and how an error ends it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

INTERRUPTED = 130


@contextmanager
def explained() -> Iterator[None]:
    """Print a `WavjudgeError` as what it says and exit with its code; Ctrl-C exits with 130."""
    from wavjudge.errors import WavjudgeError

    try:
        yield
    except WavjudgeError as error:
        print(f"wavjudge: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("wavjudge: interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # `wavjudge show RUN | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def console(*, err: bool = False) -> Console:
    """A rich console; 80 columns where the output is no terminal, so that a pipe sees what a screen would."""
    from rich.console import Console

    stream = sys.stderr if err else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else 80
    # No markup: names and reasons come from outside, and "[red]" in one of them is text.
    return Console(file=stream, width=width, highlight=False, markup=False)
