"""Nobody is left behind: the measuring processes end with the process that started them, even after kill -9."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.typed import answers


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a matter of POSIX")
def test_kill_9_leaves_no_measuring_process(tmp_path: Path) -> None:
    psutil = pytest.importorskip("psutil", reason="psutil is not installed (extra dev)")
    command = [sys.executable, "-m", "wavjudge", "score", str(answers(tmp_path, 3000, seconds=0.05)), "--judge",
               "signals?workers=2", "--axes", "clipping", "--out", str(tmp_path / "run")]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not _measured(tmp_path / "run"):
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.01)  # polling a file of another process: there is no event to wait for
        children = psutil.Process(process.pid).children(recursive=True)
    finally:
        process.kill()
        process.wait()
    assert len(children) >= 2
    _, alive = psutil.wait_procs(children, timeout=20)
    for child in alive:
        child.kill()
    assert alive == []


def _measured(run: Path) -> bool:
    log = run / "ratings.jsonl"
    return log.is_file() and log.stat().st_size > 0
