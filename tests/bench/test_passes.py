"""Several passes over one run folder: what its manifest keeps of the judges, and what a pass announces."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import wavjudge
from tests.bench.answers import write_answers
from tests.bench.asking import Ledger
from tests.loopback import Loopback
from wavjudge import resources
from wavjudge.api import runs
from wavjudge.store.run_folder import RunFolder
from wavjudge.types import JudgeEntry


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as running:
        yield running


def scored(folder: Path, server: Loopback, **more: Any) -> Ledger:
    file, ledger = folder / "answers" / "answers.jsonl", Ledger()
    if not file.exists():
        write_answers(folder / "answers", 20)
    judges = more.pop("judges", [f"openai:m?base_url={server.openai_url}"])
    runs.score(file, judges=judges, out=folder / "run", watcher=ledger, **more)
    return ledger


def entries(folder: Path) -> tuple[JudgeEntry, ...]:
    with RunFolder(folder / "run") as run:
        assert run.manifest is not None
        return run.manifest.judges


def test_a_spec_keeps_the_signatures_of_all_its_passes(tmp_path: Path, server: Loopback) -> None:
    for axes in (["semantic"], ["acoustic", "overall"], ["semantic"]):
        scored(tmp_path, server, axes=axes)
    (entry,) = entries(tmp_path)
    assert sorted(entry.signatures) == ["acoustic", "overall", "semantic"]


def test_a_prompt_that_changed_under_its_name_has_an_entry_of_its_own(tmp_path: Path, server: Loopback) -> None:
    text = (resources.folder("prompts") / "overall.md").read_text("utf-8")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "overall.md").write_text(f"{text}\nBe brief.\n", encoding="utf-8")
    scored(tmp_path, server, axes=["overall"])
    for _ in range(2):
        scored(tmp_path, server, axes=["overall"], prompts=tmp_path / "mine", prompt_set="overall")
    found = entries(tmp_path)
    assert len(found) == 2 and len({entry.signatures["overall"] for entry in found}) == 2
    with RunFolder(tmp_path / "run") as run:
        assert {rating.signature.split("|is:")[0] for rating in run.ratings()} == {
            entry.signatures["overall"] for entry in found
        }


def test_what_is_announced_is_what_is_done_whatever_rows_are_bad(tmp_path: Path, server: Loopback) -> None:
    file = write_answers(tmp_path / "answers", 20)
    lines = file.read_text("utf-8").splitlines()
    lines[0] = "{"  # no JSON
    lines[3] = json.dumps(json.loads(lines[3]) | {"attempt": "first"})  # a field of another type
    lines[5] = lines[4]  # stands already
    lines[17] = json.dumps(json.loads(lines[17]) | {"item_id": "q16", "candidate": "b"})  # q16 with another question
    lines[19] = "[]"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    ledger = scored(tmp_path, server, repeats=2, judges=[f"openai:{n}?base_url={server.openai_url}" for n in "mn"])
    assert ledger.calls == ledger.tasks == 15 * 3 * 2 * 2
    again = scored(tmp_path, server, repeats=2, judges=[f"openai:{n}?base_url={server.openai_url}" for n in "mn"])
    assert again.calls == again.tasks == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", "Canberra."),
        ("reference", "Canberra"),
        ("language", "de"),
        ("history", [{"role": "user", "text": "Hm."}]),
    ],
)
def test_a_row_that_was_changed_since_is_a_bad_row_that_names_the_field(
    field: str, value: object, tmp_path: Path, server: Loopback
) -> None:
    file = write_answers(tmp_path / "answers", 3)
    scored(tmp_path, server, judges=[f"openai:m?base_url={server.openai_url}"])
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    rows[1][field] = value
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    made = server.requests
    again = wavjudge.score(file, judges=[f"openai:m?base_url={server.openai_url}"], out=tmp_path / "run")
    assert again.summary is not None and server.requests == made
    (problem,) = again.summary.bad_rows
    assert f'line 2: field "{field}" of item' in problem and "use another --out for changed answers" in problem
