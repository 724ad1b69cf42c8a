"""Who may write to the standard output while code of another hand runs."""

from __future__ import annotations

import contextlib
import io
import logging
import subprocess
import sys

import pytest

from wavjudge.cli.console import explained
from wavjudge.cli.stdout import keeping_stdout, stdout

HANGS = """
import os, threading
from wavjudge.bench.candidates.function import THREAD
from wavjudge.cli.stdout import keeping_stdout, stdout
with keeping_stdout():
    threading.Thread(target=threading.Event().wait, daemon=True, name=THREAD).start()
    print("result", file=stdout())
os.write(1, b"late")
"""


def test_a_stream_that_is_no_process_is_kept_and_given_back() -> None:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        with keeping_stdout():
            print("loud")
            print("result", file=stdout())
        print("after")
    assert (out.getvalue(), err.getvalue()) == ("result\nafter\n", "loud\n")


def test_a_call_that_still_hangs_never_gets_it_back() -> None:
    done = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("result\n", "late")


def test_the_log_of_an_error_holds_its_traceback_line_by_line_without_keys(capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger("wavjudge.rewards.server")
    with explained():
        try:
            raise ValueError("sk-abcdefghijklmnop\x1b[31m")
        except ValueError:
            log.exception("a request failed")
        log.warning("a plain one")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "wavjudge: a request failed" and lines[-1] == "wavjudge: a plain one"
    assert lines[1].startswith("Traceback") and "test_stdout.py" in lines[2]
    assert "ValueError: [hidden]" in lines[-2] and "\x1b" not in lines[-2]
