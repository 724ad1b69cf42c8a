"""docs/candidates.md: its files are written as they stand there, its commands typed, its table compared.

`python -m tests.test_candidates_page` writes the table anew.
"""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from tests.cli.typed import typed
from tests.signals.sounds import needs_espeak, needs_models
from tests.test_docs import DOCS, page
from wavjudge.bench.candidates.build import KINDS
from wavjudge.cli.commands.lists import _options
from wavjudge.store.run_folder import RunFolder

BEGIN, END = "<!-- candidates -->\n", "<!-- /candidates -->\n"


def table() -> str:
    """The options of every kind of candidate."""
    parts = []
    for name, kind in KINDS.items():
        rows = [
            f"| `{option['name']}` | {option['default']} | {option['meaning'].replace('|', chr(92) + '|')} |"
            for option in _options(kind.options)
        ]
        head = [
            f"### {name}\n",
            f"`{kind.example}`: {kind.about}.\n",
            "| option | default | meaning |",
            "|---|---|---|",
        ]
        parts.append("\n".join([*head, *rows]) + "\n")
    return "\n".join(parts)


def blocks(title: str) -> dict[str, list[str]]:
    """The fenced blocks of a section, by language."""
    text = page("candidates.md")
    body = text[text.index(f"## {title}\n") :]
    body = body[: found.start() + 3] if (found := re.search(r"^## ", body[3:], re.MULTILINE)) else body
    found_blocks: dict[str, list[str]] = {}
    for language, block in re.findall(r"^```(\w+)\n(.*?)^```$", body, re.MULTILINE | re.DOTALL):
        found_blocks.setdefault(language, []).append(block)
    return found_blocks


def lay(folder: Path, title: str) -> None:
    """The files of a section, each called as its first line says."""
    for language in ("python", "toml"):
        for block in blocks(title).get(language, []):
            path = folder / block.splitlines()[0].removeprefix("# ")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block, encoding="utf-8")


def run(folder: Path, title: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin:/bin")
    for block in blocks(title)["sh"]:
        for line in block.splitlines():
            done = typed(*shlex.split(line)[1:])
            assert done.code == 0, done.err


@pytest.mark.parametrize("title", ["A program", "A program that keeps its model loaded", "A Python function"])
def test_an_example_answers_every_item(title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay(tmp_path, title)
    run(tmp_path, title, monkeypatch)
    (out,) = (tmp_path / "runs").iterdir()
    with RunFolder(out) as folder:
        responses = list(folder.responses())
    assert [response.status for response in responses] == ["ok"] * 24
    assert all(answer.audio and answer.text for response in responses for answer in response.answers)


@needs_espeak
@needs_models
@pytest.mark.heavy
def test_the_offline_cascade_answers_and_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path, "A cascade", monkeypatch)
    with RunFolder(tmp_path / "runs" / "cascade") as folder:
        assert {response.status for response in folder.responses()} == {"ok"}
        heard = [r.score for r in folder.ratings() if r.axis == "intelligibility" and r.score is not None]
    assert len(heard) == 24 and sum(heard) / 24 > 0.8


def test_stored_answers_play_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay(tmp_path, "A program")
    run(tmp_path, "A program", monkeypatch)
    run(tmp_path, "Stored answers", monkeypatch)
    with RunFolder(tmp_path / "runs" / "program") as first, RunFolder(tmp_path / "runs" / "recorded") as again:
        a, b = ({r.item_id: r.answers for r in folder.responses()} for folder in (first, again))
    assert a == b and len(a) == 24


def test_a_test_set_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    title = "A test set of your own"
    lay(tmp_path, title)
    (tmp_path / "mine" / "items.jsonl").write_text(blocks(title)["json"][0], encoding="utf-8")
    run(tmp_path, title, monkeypatch)
    sys.modules.pop("reader", None)
    with RunFolder(tmp_path / "runs" / "mine") as folder:
        ratings = {(r.subject.item_id, r.subject.turn, r.rater, r.axis): r for r in folder.ratings()}
        assert folder.manifest is not None and folder.manifest.benchmark is not None
        assert folder.manifest.benchmark.licence == "CC-BY-4.0"
    assert ratings["one", 0, "checks", "reference_match"].score == 1
    assert {key[2] for key in ratings} == {"checks", "signals"}
    assert {key[1] for key in ratings if key[0] == "talk"} == {1}, "of two turns the last is rated"


def test_the_commands_for_an_api_are_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They need a key and a server: here only as far as what they would ask."""
    monkeypatch.chdir(tmp_path)
    for line in blocks("Models behind an API")["sh"][0].splitlines():
        done = typed(*shlex.split(line)[1:], "--dry-run")
        assert done.code == 0 and "24 items" in done.out, done.err


def test_the_options_stand_on_the_page() -> None:
    text = page("candidates.md")
    assert text[text.index(BEGIN) + len(BEGIN) : text.index(END)] == table(), "run python -m tests.test_candidates_page"


if __name__ == "__main__":
    whole = (DOCS / "candidates.md").read_text(encoding="utf-8")
    head, tail = whole[: whole.index(BEGIN) + len(BEGIN)], whole[whole.index(END) :]
    (DOCS / "candidates.md").write_text(head + table() + tail, encoding="utf-8")
