"""The progress bar of a run: rate, time left, money, failures. It goes to stderr and only to a terminal."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
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
)
from rich.text import Text

from wavjudge.cli.console import SHOWN_BAD_ROWS, console
from wavjudge.reporting.text import printable

if TYPE_CHECKING:
    from wavjudge.clients.middleware import Meter
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

    def __init__(self, meter: Meter, *, quiet: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._meter, self._quiet, self._failed, self._no_answer = meter, quiet, 0, 0
        self._missing = 0
        self._progress = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=18), MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"), TextColumn("{task.fields[left]}"), TextColumn("{task.fields[money]}"),
            TextColumn("{task.fields[failed]}", style="red"), _Wait(meter),
            console=console(err=True), disable=quiet or not sys.stderr.isatty(), transient=True,
        )  # fmt: skip
        self._answers = self._progress.add_task(
            "answers", total=0, rate="", left="", money="", failed="", visible=False
        )
        self._task = self._progress.add_task("ratings", total=0, rate="", left="", money="", failed="")
        self._paces = {task: Pace(clock) for task in (self._answers, self._task)}

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
        self._forward(self._answers, f"{self._no_answer} failed" if self._no_answer else "", is_work=True)

    def planned(self, calls: int) -> None:
        self._grow(self._task, calls)

    def _grow(self, task: TaskID, more: int) -> None:
        self._progress.update(task, total=max((self._progress.tasks[task].total or 0) + more, 0))

    def rated(self, ratings: Sequence[Rating]) -> None:
        self._failed += any(rating.status != "ok" for rating in ratings)
        self._forward(self._task, f"{self._failed} not scored" if self._failed else "", is_work=was_work(ratings))

    def _forward(self, task: TaskID, failed: str, *, is_work: bool) -> None:
        pace, state = self._paces[task], self._progress.tasks[task]
        if is_work:
            pace.count()
        left = (state.total or 0) - state.completed - 1
        rate = f"{pace.per_second:.1f}/s" if pace.per_second else ""
        self._progress.update(task, advance=1, rate=rate, left=pace.left(left), money=money(self._meter), failed=failed)

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


class Pace:
    """How fast work goes that takes time: what the cache answers and what needs no call says nothing of the rest."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._ends = clock, deque[float](maxlen=200)

    def count(self) -> None:
        self._ends.append(self._clock())

    @property
    def per_second(self) -> float | None:
        """None before there is anything to tell it from."""
        if len(self._ends) < 4 or (span := self._ends[-1] - self._ends[0]) <= 0:
            return None
        return (len(self._ends) - 1) / span

    def left(self, pieces: float) -> str:
        """The time that so many pieces take at this pace, if each of them is work.

        >>> pace = Pace(iter(range(9)).__next__)
        >>> for _ in range(5): pace.count()
        >>> pace.left(90)
        '01:30 left'
        """
        if not self.per_second or pieces <= 0:
            return ""
        minutes, seconds = divmod(round(pieces / self.per_second), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02} left" if hours else f"{minutes:02}:{seconds:02} left"


def was_work(ratings: Sequence[Rating]) -> bool:
    """Whether ratings took a call of their own, or measuring."""
    return any(rating.rater_kind == "instrument" or (rating.call and not rating.call.cached) for rating in ratings)


def money(meter: Meter) -> str:
    """What is known of the cost so far; empty where nothing was sent."""
    if not meter.attempts:
        return ""
    known = f"{meter.usd:.4f} USD"
    return f"{known} + {meter.unpriced} unpriced" if meter.unpriced else known
