"""A pipe in the place of a file is said, whichever command was to read it; nothing waits for somebody to write."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.typed import typed


def _pipe(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    os.mkfifo(path)
    return path


def _ratings(path: Path) -> Path:
    path.write_text("item_id,candidate,axis,rater,score\n1,a,overall,j,3\n2,a,overall,j,4\n")
    return path


COMMANDS: dict[str, Callable[[Path], tuple[object, ...]]] = {
    "prompts": lambda folder: ("prompts", "--prompts", _pipe(folder / "p" / "a.md").parent),
    "questions": lambda folder: ("score", "tiny", "--judge", "checks", "--questions", _pipe(folder / "q.csv")),
    "questions.jsonl": lambda folder: ("score", "tiny", "--judge", "checks", "--questions", _pipe(folder / "q.jsonl")),
    "benchmark.toml": lambda folder: ("run", _pipe(folder / "b" / "benchmark.toml").parent, "--candidate", "echo:"),
    "items": lambda folder: ("run", _pipe(folder / "b" / "items.jsonl").parent, "--candidate", "echo:"),
    "labels": lambda folder: ("calibrate", _ratings(folder / "r.csv"), "--labels", _pipe(folder / "q.csv")),
    "jsonl labels": lambda folder: ("calibrate", _pipe(folder / "r.jsonl"), "--labels", folder / "q.csv"),
    "answers.jsonl": lambda folder: ("score", _pipe(folder / "a.jsonl"), "--judge", "checks"),
    "answers.csv": lambda folder: ("score", _pipe(folder / "a.csv"), "--judge", "checks"),
    "answers.parquet": lambda folder: ("score", _pipe(folder / "a.parquet"), "--judge", "checks"),
    "responses": lambda folder: ("score", _pipe(folder / "b" / "responses.jsonl").parent, "--judge", "checks"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_pipe_is_said_and_not_waited_for(tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = COMMANDS[command](tmp_path)
    out = ("--out", "run") if words[0] in ("score", "run", "calibrate") else ()
    done = typed(*words, *out)
    assert (done.code, "is a pipe, not a file" in done.err) == (2, True), done.err
