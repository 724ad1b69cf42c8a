"""One line on stderr for work that takes long: what is done, for how long, and how much of it where that is known.

It says no time left: judges and axes take unequally long, and nothing here knows how long the next one will take.
"""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import TextIO

AFTER_SECONDS = 3.0
_EVERY_SECONDS = 0.5


class Waiting:
    """Within it `line()` is shown after three seconds, and taken away at the end; nothing where stderr is no terminal.

    What is printed for good belongs behind it.
    """

    def __init__(self, what: str, *, stream: TextIO | None = None, after: float = AFTER_SECONDS) -> None:
        self.what, self._stream, self._after = what, stream or sys.stderr, after
        self._began, self._ended, self._done = time.monotonic(), threading.Event(), ""
        self._thread = threading.Thread(target=self._show, daemon=True, name="wavjudge-waiting")

    def __enter__(self) -> Waiting:
        if self._stream.isatty():
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def stage(self, what: str) -> None:
        """From here on something else is done, of which nothing is counted yet."""
        self.what, self._done = what, ""

    def counted(self, done: int, of: int) -> None:
        """So many pieces are done."""
        self._done = f", {done:,} of {of:,} done"

    def line(self) -> str:
        return f"{self.what}{self._done}, {time.monotonic() - self._began:.0f} s so far"

    def _show(self) -> None:
        pause, shown = self._after, False
        while not self._ended.wait(pause):
            # Cut to a usual width: a line that is folded could not be taken away.
            self._stream.write(f"\r\x1b[K{self.line()[:78]}")
            self._stream.flush()
            pause, shown = _EVERY_SECONDS, True
        if shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
