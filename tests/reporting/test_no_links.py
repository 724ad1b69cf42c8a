"""Results are written into a folder that may be somebody else's: through no link, and whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from wavjudge.analysis.tables import flat
from wavjudge.bench.importers import plain
from wavjudge.bench.importers.base import write as write_import
from wavjudge.errors import InputError, StoreError, WavjudgeError
from wavjudge.files.safe import new_file, write_new
from wavjudge.reporting import leaderboard, plots, table
from wavjudge.rewards.pairs import files
from wavjudge.rewards.pairs.build import Rules

REPORT = table.Report("t", (), (), (), ())
WAYS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "text": ("calibration.csv", lambda path: write_new(path, "new")),
    "compare": ("monitor.csv", lambda path: table.write(REPORT, path)),
    "compare json": ("x.json", lambda path: table.write(REPORT, path)),
    "export csv": ("x.csv", lambda path: flat.write([], path)),
    "export parquet": ("x.parquet", lambda path: flat.write([], path)),
    "png": ("x.png", lambda path: plots.save(Figure(), path)),
    "svg": ("x.svg", lambda path: plots.save(Figure(), path)),
    "pairs": ("x.jsonl", lambda path: files.write([], path, Rules(), {})),
}


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_written_through_a_link(way: str, tmp_path: Path) -> None:
    name, write = WAYS[way]
    (tmp_path / "out").mkdir()
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "out" / name).symlink_to(tmp_path / "mine")
    with pytest.raises(WavjudgeError, match="link"):
        write(tmp_path / "out" / name)
    assert (tmp_path / "mine").read_text() == "mine"
    (tmp_path / "mine").unlink()
    with pytest.raises(WavjudgeError, match="link"):
        write(tmp_path / "out" / name)  # of a link to nowhere, the file would be made
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize("way", WAYS)
def test_a_second_name_elsewhere_keeps_what_it_held(way: str, tmp_path: Path) -> None:
    name, write = WAYS[way]
    (tmp_path / "out").mkdir()
    write(tmp_path / "out" / name)
    os.link(tmp_path / "out" / name, tmp_path / "mine")
    held = (tmp_path / "mine").read_bytes()
    write(tmp_path / "out" / name)
    assert (tmp_path / "mine").read_bytes() == held and not (tmp_path / "mine").samefile(tmp_path / "out" / name)
    assert [one.name for one in (tmp_path / "out").iterdir()] == [name]


def test_a_pipe_is_refused_before_anything_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.csv")
    with pytest.raises(StoreError, match="pipe"):
        write_new(tmp_path / "x.csv", "new")


def test_a_file_that_fails_half_way_leaves_the_old_one(tmp_path: Path) -> None:
    write_new(tmp_path / "x", "old")
    with pytest.raises(ValueError, match="half"), new_file(tmp_path / "x") as file:
        file.write(b"new")
        raise ValueError("half way")
    assert {one.name: one.read_text() for one in tmp_path.iterdir()} == {"x": "old"}


def test_a_leaderboard_is_written_by_the_same_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(leaderboard._FORMS, ".md", lambda board: "new")
    (tmp_path / "x.md").symlink_to(tmp_path / "mine")
    with pytest.raises(StoreError, match="link"):
        leaderboard.write(None, tmp_path / "x.md")  # type: ignore[arg-type]
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize("link", [".unfinished", "audio", "audio/a"])
def test_an_import_writes_into_no_linked_folder(link: str, tmp_path: Path) -> None:
    source, out, mine = (tmp_path / name for name in ("source", "out", "mine"))
    for folder in (source / "a", out, mine):
        folder.mkdir(parents=True)
    (source / "a" / "1.wav").write_bytes(b"sound")
    (source / "rows.jsonl").write_text(json.dumps({"item_id": "1", "audio": "a/1.wav"}) + "\n")
    (out / link).parent.mkdir(exist_ok=True)
    (out / link).symlink_to(mine)
    with pytest.raises(InputError, match="link"):
        write_import(plain.read(source / "rows.jsonl", {}), out)
    assert list(mine.iterdir()) == []
