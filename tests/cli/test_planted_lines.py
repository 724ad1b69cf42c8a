"""Hostile lines planted into the files of a run: no command ends with a traceback, and nothing good is lost."""

from __future__ import annotations

import copy
import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_hostile_names import ESCAPE, harmless
from tests.cli.typed import answers, spec, typed
from tests.loopback.server import Loopback

VALUES: list[Any] = [
    "a\0b", ESCAPE, '=cmd|"/c calc"!A1', "@SUM(1)", "<script>alert(1)</script>", "a\nb\r\u2028c", "\u202eabc", 10**400,
    2**63, -1, 1.5, None, True, [], {}, "", "x" * 10_000,
]  # fmt: skip
RAW = ['"\\ud800"', "1e400", "NaN", "[" * 3000 + "]" * 3000, "9" * 5000]
LINES = [b"\0", b"null", b"[]", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a":1e400}', b"9" * 5000, b"\xed\xa0\x80",
         b"<html>", b"\x1b[31m", b"=cmd"]  # fmt: skip
LEFT = {"scale", "attempt", "rater", "signature", "resolved_model"}
"""Fields whose other values make a good record that contradicts the others: another scale, another judge, which the
commands refuse to mix."""


def mutants(row: dict[str, Any], *, deep: bool = True) -> list[str]:
    """The record with each of its fields, and of those within, replaced by each hostile value."""
    found: list[str] = []
    for name in row.keys() - LEFT:
        pieces = [json.dumps(value) for value in VALUES] + RAW
        inner = row[name][0] if isinstance(row[name], list) and row[name] else row[name]
        if deep and isinstance(inner, dict):
            pieces += [one if inner is row[name] else f"[{one}]" for one in mutants(inner, deep=False)]
        changed = json.dumps(copy.copy(row) | {name: "@here@"})
        found += [changed.replace('"@here@"', piece) for piece in pieces]
    return found


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planted")
    file = answers(folder, 3, candidates=("a", "b"))
    with Loopback() as server:
        judge = ("--judge", spec(server), "--axes", "semantic", "--repeats", "2", "--no-cache")
        assert typed("score", file, *judge, "--out", folder / "run").code == 0
    return folder / "run"


def words(run: Path, out: Path) -> dict[str, tuple[object, ...]]:
    return {
        "show": ("show", run, "q0"), "csv": ("export", run, "--out", out / "a.csv"),
        "parquet": ("export", run, "--out", out / "a.parquet"),
        "paper": ("export", run, "--format", "paper", "--out", out / "a.jsonl"),
        "leaderboard": ("leaderboard", run, "--out", out / "board.csv"),
        "pairs": ("pairs", run, "--outside", "--mode", "semantic", "--out", out / "pairs.jsonl"),
        "rollouts": ("rewards", "rollouts", run, "--pool"),
    }  # fmt: skip


def table(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("kind", ["ratings", "responses", "items"])
def test_hostile_lines_in_a_run_take_no_command_down_and_lose_nothing(kind: str, good: Path, tmp_path: Path) -> None:
    clean = {name: typed(*line).code for name, line in words(good, tmp_path).items()}
    run, out = tmp_path / "planted", tmp_path / "out"
    shutil.copytree(good, run)
    lines = (good / f"{kind}.jsonl").read_bytes().splitlines()
    evil = [one.encode("utf-8", "surrogatepass") for one in mutants(json.loads(lines[0]))]
    (run / f"{kind}.jsonl").write_bytes(b"\n".join([*lines[:1], *LINES, *evil, *lines[1:]]) + b"\n")
    out.mkdir()
    for name, line in words(run, out).items():
        done = typed(*line)
        assert done.code == clean[name], (name, done.err[-500:])
        assert "Traceback" not in done.err
        harmless(done)
    cells = table(out / "a.csv")
    assert not [cell for row in cells for cell in row if cell.startswith(("=", "@", "+", "\t", "\r"))]
    before = table(tmp_path / "a.csv")
    assert len(before) > 6 and all(row in cells for row in before)
