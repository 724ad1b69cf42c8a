"""The progress bar of a run: rate, time left, money, failures. It goes to stderr and only to a terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from wavjudge.cli.console import console

if TYPE_CHECKING:
    from wavjudge.clients.onion import Meter
    from wavjudge.types import Rating


class Bar:
    """A `Watcher` with a rich progress bar; silent when stderr is no terminal or `quiet`."""

    def __init__(self, meter: Meter, *, quiet: bool = False) -> None:
        self._meter, self._failed = meter, 0
        self._progress = Progress(
            SpinnerColumn(), BarColumn(bar_width=18), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(compact=True), TextColumn("{task.fields[money]}"),
            TextColumn("{task.fields[failed]}", style="red"),
            console=console(err=True), disable=quiet or not sys.stderr.isatty(), transient=True,
        )  # fmt: skip
        self._task = self._progress.add_task("rating", total=0, rate="", money="", failed="")

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._progress.stop()

    def planned(self, calls: int) -> None:
        task = self._progress.tasks[self._task]
        self._progress.update(self._task, total=max((task.total or 0) + calls, 0))

    def rated(self, ratings: Sequence[Rating]) -> None:
        self._failed += any(rating.status != "ok" for rating in ratings)
        speed = self._progress.tasks[self._task].speed
        self._progress.update(
            self._task, advance=1, rate=f"{speed:.1f}/s" if speed else "", money=money(self._meter),
            failed=f"{self._failed} not scored" if self._failed else "",
        )  # fmt: skip

    def stopping(self, grace_seconds: float) -> None:
        text = f"stopping: waiting up to {grace_seconds:g} s for calls under way; Ctrl-C again gives them up"
        self._progress.console.print(text)


def money(meter: Meter) -> str:
    """What is known of the cost so far; empty where nothing was sent."""
    if not meter.attempts:
        return ""
    known = f"{meter.usd:.4f} USD"
    return f"{known} + {meter.unpriced} unpriced" if meter.unpriced else known
