"""The line that long work shows on a terminal, and nowhere else."""

from __future__ import annotations

import io
import re
import threading
from pathlib import Path

from tests.cli.commands.test_calibrate import simulated
from tests.cli.typed import typed
from wavjudge.cli.waiting import Waiting


class Terminal(io.StringIO):
    """Tells when the first line was written: no test sleeps."""

    def __init__(self, *, tty: bool = True) -> None:
        super().__init__()
        self.tty, self.wrote = tty, threading.Event()

    def isatty(self) -> bool:
        return self.tty

    def write(self, text: str) -> int:
        count = super().write(text)
        self.wrote.set()
        return count


def test_long_work_is_told_with_what_is_done_and_the_line_is_taken_away() -> None:
    screen = Terminal()
    with Waiting("calibrating", stream=screen, after=0.0) as line:
        line.counted(12, 100)
        assert screen.wrote.wait(10)
        assert re.fullmatch(r"calibrating, 12 of 100 done, \d+ s so far", line.line())
        line.stage("writing")
        assert re.fullmatch(r"writing, \d+ s so far", line.line())
    assert "calibrating" in screen.getvalue() and screen.getvalue().endswith("\r\x1b[K")


def test_short_work_says_nothing() -> None:
    screen = Terminal()
    with Waiting("calibrating", stream=screen):
        pass
    assert screen.getvalue() == ""


def test_a_pipe_sees_no_line_however_long_it_takes() -> None:
    screen = Terminal(tty=False)
    with Waiting("calibrating", stream=screen, after=0.0):
        assert not screen.wrote.wait(0.05)
    assert screen.getvalue() == ""


def test_an_error_takes_the_line_away_and_comes_through() -> None:
    screen = Terminal()
    try:
        with Waiting("calibrating", stream=screen, after=0.0):
            assert screen.wrote.wait(10)
            raise KeyError("x")
    except KeyError:
        assert screen.getvalue().endswith("\r\x1b[K")


def test_plots_of_many_judges_are_drawn_only_if_asked(tmp_path: Path, monkeypatch) -> None:
    ratings, labels = simulated(tmp_path, people=2)
    monkeypatch.setattr("wavjudge.cli.commands.calibrate.MOST_DRAWN", 0)
    done = typed("calibrate", ratings, "--labels", labels, "--out", tmp_path / "cal")
    assert done.code == 0 and "no plots drawn of 1 pairs of judge and axis: --plots draws them" in done.err
    assert not list((tmp_path / "cal").glob("*.png"))
    done = typed("calibrate", ratings, "--labels", labels, "--out", tmp_path / "cal2", "--plots")
    assert done.code == 0 and len(list((tmp_path / "cal2").glob("*.png"))) == 5
