"""`wavjudge demo`, whole: about a minute."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest

import wavjudge
from tests.cli.typed import shell

pytestmark = pytest.mark.heavy


def test_the_demo_needs_nothing_but_a_folder() -> None:
    with tempfile.TemporaryDirectory() as place:
        run, started = Path(place) / "run", time.perf_counter()
        first = shell("demo", "--out", run, cwd=Path(place), seconds_at_most=900)
        print(f"wavjudge demo: {time.perf_counter() - started:.0f} s")
        assert first.code == 0
        assert "Rated by signals" in first.out and "These are measurements by instruments" in first.out
        narrow = [line for line in first.out.splitlines() if str(run) not in line and "wavjudge score " not in line]
        assert max(map(len, narrow)) <= 80  # paths are not broken
        counts = {response.status for response in wavjudge.load(run).responses()}
        assert counts == {"ok", "no_speech"}
        assert "Self-test: the instruments against the labels by construction" in first.out
        assert "measured by the instrument signals" in (run / "leaderboard.md").read_text(encoding="utf-8")
        kept = {path: path.read_bytes() for path in (run / "selftest").iterdir()}
        ratings = len(list(wavjudge.load(run).ratings()))
        again = shell("demo", "--out", run, "--quiet", cwd=Path(place))
        assert (again.code, again.out, again.err) == (0, "", "")
        assert len(list(wavjudge.load(run).ratings())) == ratings
        assert kept == {path: path.read_bytes() for path in (run / "selftest").iterdir()}
