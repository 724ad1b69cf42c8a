"""The progress bar of a run: rate, time left, money, failures. It goes to stderr and only to a terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from wavjudge.cli.console import SHOWN_BAD_ROWS, console
from wavjudge.report.text import printable

if TYPE_CHECKING:
    from wavjudge.clients.onion import Meter
    from wavjudge.errors import StopRun
    from wavjudge.types import Rating, Response


LONG_WAIT_SECONDS = 10.0


class _Wait(ProgressColumn):
    """How long the provider lets calls wait: read at each drawing, since nothing moves the bar meanwhile."""

    max_refresh = 0.5

    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self._meter = meter

    def render(self, task: Task) -> Text:
        return Text(waiting(self._meter), style="yellow")


def waiting(meter: Meter) -> str:
    """What to say of calls that wait for long before they try again; empty where none does."""
    seconds = meter.longest_wait
    return f"waiting {seconds:.0f} s to try again" if seconds >= LONG_WAIT_SECONDS else ""


class Bar:
    """A `Watcher` with a rich progress bar; silent when stderr is no terminal or `quiet`."""

    def __init__(self, meter: Meter, *, quiet: bool = False) -> None:
        self._meter, self._quiet, self._failed, self._no_answer = meter, quiet, 0, 0
        self._missing = 0
        self._progress = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=18), MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(compact=True), TextColumn("{task.fields[money]}"),
            TextColumn("{task.fields[failed]}", style="red"), _Wait(meter),
            console=console(err=True), disable=quiet or not sys.stderr.isatty(), transient=True,
        )  # fmt: skip
        self._answers = self._progress.add_task("answers", total=0, rate="", money="", failed="", visible=False)
        self._task = self._progress.add_task("ratings", total=0, rate="", money="", failed="")

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._progress.stop()

    def to_answer(self, questions: int) -> None:
        self._grow(self._answers, questions)
        self._progress.update(self._answers, visible=True)

    def answered(self, response: Response) -> None:
        self._no_answer += response.status != "ok"
        self._forward(self._answers, f"{self._no_answer} failed" if self._no_answer else "")

    def planned(self, calls: int) -> None:
        self._grow(self._task, calls)

    def _grow(self, task: TaskID, more: int) -> None:
        self._progress.update(task, total=max((self._progress.tasks[task].total or 0) + more, 0))

    def rated(self, ratings: Sequence[Rating]) -> None:
        self._failed += any(rating.status != "ok" for rating in ratings)
        self._forward(self._task, f"{self._failed} not scored" if self._failed else "")

    def _forward(self, task: TaskID, failed: str) -> None:
        speed = self._progress.tasks[task].speed
        rate = f"{speed:.1f}/s" if speed else ""
        self._progress.update(task, advance=1, rate=rate, money=money(self._meter), failed=failed)

    def missing(self, problem: str) -> None:
        self._missing += 1
        if self._missing <= SHOWN_BAD_ROWS:
            self._progress.console.print(f"missing recording: {printable(problem)}", soft_wrap=True)

    def gave_up(self, who: str, why: StopRun) -> None:
        if not self._quiet:
            self._progress.console.print(f"{printable(who)} stopped, the others go on: {printable(why.problem)}",
                                         soft_wrap=True)  # fmt: skip

    def changed(self, sentence: str) -> None:
        if not self._quiet:
            self._progress.console.print(printable(sentence), soft_wrap=True)

    def warned(self, sentence: str) -> None:
        self.changed(sentence)

    def stopping(self, grace_seconds: float) -> None:
        text = f"stopping: waiting up to {grace_seconds:g} s for calls under way; Ctrl-C again gives them up"
        self._progress.console.print(text)


def money(meter: Meter) -> str:
    """What is known of the cost so far; empty where nothing was sent."""
    if not meter.attempts:
        return ""
    known = f"{meter.usd:.4f} USD"
    return f"{known} + {meter.unpriced} unpriced" if meter.unpriced else known
