"""How an import is written: killed anywhere and done again it is the same, and no name stands twice."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.asking import ask, program
from tests.bench.importers.test_trace import ONE as PAIR
from tests.bench.importers.test_trace import source as trace_source
from tests.bench.importers.written import imported, jsonl, recording, tone
from wavjudge import resources
from wavjudge.bench.importers.base import Imported, write
from wavjudge.bench.rows import ItemRow, Row
from wavjudge.types import Rating, Scale, Subject

IMPORT = """
import os, sys
from pathlib import Path
from tests.bench.importers.test_write import source
from wavjudge.bench.importers import base

def dies(after, call):
    count = iter(range(after))
    def dying(*args, **kwargs):
        if next(count, None) is None:
            os.kill(os.getpid(), 9)
        return call(*args, **kwargs)
    return dying

def half_copied(source, target):
    Path(target).write_bytes(Path(source).read_bytes()[:100])
    os.kill(os.getpid(), 9)

where, root, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
if where == "rows":
    base._Keeper.kept = dies(12, base._Keeper.kept)
elif where == "ratings":
    base.flat.flat = dies(3, base.flat.flat)
elif where == "copy":
    base.shutil.copyfile = half_copied
elif where == "held":
    Path.write_bytes = lambda path, data: (path.open("wb").write(data[:100]), os.kill(os.getpid(), 9))
elif where == "in place":
    Path.replace = dies(22, Path.replace)
base.write(source(root), out)
"""


def source(root: Path) -> Imported:
    """Ten items with a recording inside the source, ten answers with one beside it, ten ratings."""
    found = Imported("set", root)

    def items() -> Iterator[tuple[str, ItemRow]]:
        for number in range(10):
            yield f"line {number}", ItemRow(item_id=str(number), question_audio=found.hold(tone(300 + number)))

    def ratings() -> Iterator[Rating]:
        for number in range(10):
            subject = Subject(benchmark="set", item_id=str(number), candidate="a")
            yield Rating(subject=subject, axis="overall", scale=Scale(low=1, high=5), rater="ann",
                         rater_kind="person", score=3, status="ok", signature="ann")  # fmt: skip

    found.items, found.tables = items(), {"labels": ratings()}
    found.rows = ((f"line {n}", Row(item_id=str(n), candidate="a", audio=f"{n}.wav")) for n in range(10))
    return found


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture(name="root")
def beside(tmp_path: Path) -> Path:
    for number in range(10):
        recording(tmp_path / "in" / f"{number}.wav", tone(800 + number))
    return tmp_path / "in"


@pytest.mark.parametrize("where", ["rows", "ratings", "copy", "held", "in place"])
def test_killed_and_done_again_it_is_the_same(where: str, root: Path, tmp_path: Path) -> None:
    write(source(root), tmp_path / "whole")
    killed = subprocess.run([sys.executable, "-c", IMPORT, where, str(root), str(tmp_path / "out")], check=False)
    assert killed.returncode == -signal.SIGKILL
    left = contents(tmp_path / "out")
    write(source(root), tmp_path / "out")
    found = contents(tmp_path / "out")
    assert left.keys() - found.keys() != set() or where == "in place"  # it was under way
    assert found == contents(tmp_path / "whole") and len(found) == 24


def test_of_two_of_one_name_the_first_is_taken_and_the_other_is_told(tmp_path: Path) -> None:
    found = Imported("set", tmp_path)
    found.items = iter([("line 1", ItemRow(item_id="a", question_text="?")),
                        ("line 2", ItemRow(item_id="b", question_text="?")),
                        ("line 3", ItemRow(item_id="b", question_text="another", benchmark="set")),
                        ("line 4", ItemRow(item_id="b", question_text="?", benchmark="other"))])  # fmt: skip
    answers = [{"item_id": "a"}, {"item_id": "a", "attempt": 1}, {"item_id": "a", "candidate": "y"}, {"item_id": "a"}]
    found.rows = iter([(f"line {number}", Row.model_validate({"candidate": "x", "text": "So."} | answer))
                       for number, answer in enumerate(answers, 1)])  # fmt: skip
    done = write(found, tmp_path / "out")
    assert (done.items, done.rows) == (3, 3)
    assert found.bad_rows == [
        "line 3, field \"item_id\": item 'b' stands already further up; left out",
        "line 4, field \"item_id\": the answer of 'x' to 'a' stands already further up; left out",
    ]
    kept = [json.loads(line)["question_text"] for line in (tmp_path / "out" / "items.jsonl").read_text().splitlines()]
    assert kept == ["?", "?", "?"]


def head(out: Path) -> dict[str, object]:
    return tomllib.loads((out / "benchmark.toml").read_text(encoding="utf-8"))


def test_the_shipped_head_goes_into_sets_of_any_name(tmp_path: Path) -> None:
    row = {"index": 0, "audio_path": "0.wav", "audio_content": "Who?", "answer": "He", "WavPath": "0.wav"}
    recording(tmp_path / "in" / "0.wav")
    imported("kimi", jsonl(tmp_path / "in" / "sd-qa.jsonl", [row]), tmp_path / "kimi")
    imported("ultraeval", tmp_path / "in" / "sd-qa.jsonl", tmp_path / "ultraeval")
    imported("trace", trace_source(tmp_path / "trace_in", PAIR), tmp_path / "trace")
    for name, own in (("kimi", "sd-qa"), ("ultraeval", "sd-qa"), ("trace", "speakbench")):
        shipped = head(resources.folder("benchmarks") / name)
        expected = {"name": own} | {field: shipped[field] for field in ("source", "licence", "axes", "prompt_set")}
        assert head(tmp_path / name).items() >= expected.items()


@pytest.mark.parametrize("changes, field", [
    ({"question_audio": "cut.wav"}, "question_audio"), ({"question_audio": "no-cut.wav"}, "question_audio"),
    ({"turns": ({"text": "?", "audio": "cut.wav"},)}, "turns"),
    ({"question_text": "?", "history": ({"role": "user", "audio": "cut.wav"},)}, "history"),
])  # fmt: skip
def test_a_recording_that_was_cut_is_told_with_file_row_and_field_when_it_is_asked(
    changes: dict[str, object], field: str, tmp_path: Path
) -> None:
    recording(tmp_path / "in" / "cut.wav", tone()[:900])
    rows = [{"item_id": "a", "question_text": "?"}, {"item_id": "b"} | changes]
    found = Imported("set", tmp_path / "in")
    found.items = iter([(f"line {number}", ItemRow.model_validate(row)) for number, row in enumerate(rows, 1)])
    write(found, tmp_path / "out")
    candidate = program(tmp_path, "print('So.')")
    done = ask(tmp_path / "out", candidate)
    assert done.asked.answered == 1
    [told] = done.asked.bad_rows + done.asked.missing
    named = f"{tmp_path / 'out' / 'items.jsonl'}, line 2"
    assert told.removeprefix(named)[:2] in (": ", ", ") and f'field "{field}": ' in told and "cut.wav" in told
