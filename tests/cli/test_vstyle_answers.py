"""Real answers of a real model, from their own format to instruments and judges. The data is not in this repository."""

from __future__ import annotations

from pathlib import Path

import pytest

import wavjudge
from tests.cli.typed import spec, typed
from tests.loopback.server import Loopback

DATA = Path(__file__).parents[3] / "shared" / "data" / "vstyle-answers"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the folder with the VStyle answers lies elsewhere")


def test_import_measure_judge(tmp_path: Path) -> None:
    imported = typed("import", "vstyle", DATA, "--out", tmp_path / "answers")
    assert (imported.code, imported.out) == (0, "")
    assert "16 answers, 16 recordings" in imported.err and "bad row" not in imported.err
    assert typed("import", "vstyle", DATA, "--out", tmp_path / "answers").code == 2

    measured = typed("score", tmp_path / "answers", "--judge", "signals", "--axes", "clipping,speech_share", "--out",
                     tmp_path / "measured")  # fmt: skip
    assert (measured.code, measured.err) == (0, "")
    assert [r.status for r in wavjudge.load(tmp_path / "measured").ratings()] == ["ok"] * 32

    with Loopback() as server:
        judges = ("--judge", spec(server), "--judge", spec(server, "gemini"))
        judged = typed("score", tmp_path / "answers", *judges, "--axes", "acoustic", "--out", tmp_path / "judged")
        assert server.requests == 32
        seconds = [received.recordings[-1].seconds for received in server.received]
    assert (judged.code, judged.err) == (0, "")
    assert min(seconds) > 3 and max(seconds) < 41
    ratings = list(wavjudge.load(tmp_path / "judged").ratings())
    assert [rating.status for rating in ratings] == ["ok"] * 32
    assert {rating.subject.benchmark for rating in ratings} == {"vstyle"}
    assert any("ability=" in row["tags"] for row in wavjudge.load(tmp_path / "judged").rows())  # type: ignore[operator]


def test_recordings_can_stay_where_they_are(tmp_path: Path) -> None:
    words = ("import", "vstyle", DATA / "metadata.jsonl", "--out", tmp_path / "answers", "--keep-audio", "reference")
    assert typed(*words).code == 0
    assert [path.name for path in (tmp_path / "answers").iterdir()] == ["responses.jsonl"]
    with Loopback() as server:
        typed("score", tmp_path / "answers", "--judge", spec(server), "--axes", "acoustic", "--out", tmp_path / "run")
        assert server.requests == 16
