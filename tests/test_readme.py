"""README.md and the picture in it: what can be tried without a key is tried as it stands there."""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from tests.cli.typed import typed
from tests.test_docs import DOCS, ROOT, page
from wavjudge.cli.commands.demo import NEXT
from wavjudge.reporting import summary
from wavjudge.types import Axis, Scale

README = "../README.md"


def _block(language: str, number: int = 0) -> str:
    return re.findall(rf"^```{language}\n(.*?)^```$", page(README), re.MULTILINE | re.DOTALL)[number]


def test_the_script_around_a_model_answers_and_does_nothing_when_it_is_imported(tmp_path: Path) -> None:
    script = tmp_path / "answer.py"
    script.write_text(_block("python"), encoding="utf-8")
    (tmp_path / "q.wav").write_bytes(b"speech")
    done = subprocess.run(
        [sys.executable, script, "q.wav", "a.wav", "c.json"], cwd=tmp_path, capture_output=True, check=True
    )
    assert (tmp_path / "a.wav").read_bytes() == b"speech" and done.stdout == b"the words that were spoken\n"
    subprocess.run([sys.executable, "-c", "import answer"], cwd=tmp_path, check=True)
    assert "python answer.py" in NEXT and "python answer.py" in _block("sh", 1)


def test_the_sample_line_names_a_recording_that_is_there_and_the_commands_take_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "answers.jsonl").write_text(_block("json"), encoding="utf-8")
    (tmp_path / "benchmarks").symlink_to(ROOT / "benchmarks")
    monkeypatch.chdir(tmp_path)
    first = next(line for line in _block("sh", 2).splitlines() if line.endswith("--dry-run"))
    done = typed(*shlex.split(first)[1:])
    assert (done.code, done.err) == (0, "") and "calls               3" in done.out and "failed" not in done.out


def test_the_picture_shows_the_columns_that_the_demo_prints() -> None:
    picture = (DOCS / "demo.svg").read_text(encoding="utf-8").replace("&#160;", " ")
    screen = Console(file=io.StringIO(), width=80)
    cell = summary.Cell(Axis(name="clipping", scale=Scale(low=0, high=1, unit="share")))
    summary.show(screen, {("signals", "tiny", "steady", "clipping", "s"): cell}, {})
    heads = [line for line in screen.file.getvalue().splitlines() if "candidate" in line]
    assert len(heads) == 2
    drawn = {" ".join(text.split()) for text in re.findall(r">([^<]*)<", picture)}
    for head in re.split(r"\s{2,}", "  ".join(line.strip() for line in heads)):
        assert head in drawn, f"run make results: {head!r}"
