"""Who may write to the standard output while code of another hand runs."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys

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
