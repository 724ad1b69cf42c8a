"""`prompts`, `judges`, `cache`, and the names of `wavjudge.toml`."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.cli.commands.test_score import NATURALNESS
from tests.cli.typed import answers, spec, typed
from tests.loopback.server import Loopback
from wavjudge.judges.build import KINDS
from wavjudge.judges.prompts import load_all


def test_prompts_are_listed_with_hash_axes_and_inputs() -> None:
    done = typed("prompts")
    for prompt in load_all().values():
        assert f"{prompt.name}.{prompt.version}" in done.out and prompt.digest in done.out
        assert all(axis.name in done.out for axis in prompt.axes)
    assert "<score-paralingu" in done.out and "\u2026" not in done.out
    assert max(map(cell_len, done.out.splitlines())) <= 80
    assert [row["name"] for row in typed("prompts", "--json").json] == ["semantic", "acoustic", "overall", "joint"]


def test_a_prompt_is_printed_with_the_reply_it_asks_for() -> None:
    done = typed("prompts", "joint")
    assert done.code == 0
    assert done.out.startswith("You are rating a spoken answer")
    assert "<score-semantic>N</score-semantic>" in done.out


def test_own_prompts(tmp_path: Path) -> None:
    (tmp_path / "natural.md").write_text(NATURALNESS, encoding="utf-8")
    (row,) = typed("prompts", "--prompts", tmp_path, "--json").json
    assert (row["name"], row["axes"][0]["name"], row["inputs"]["question_text"]) == ("natural", "naturalness", False)
    assert "reading aloud" in typed("prompts", "natural", "--prompts", tmp_path).out
    assert typed("prompts", "semantic", "--prompts", tmp_path).code == 2


@pytest.mark.parametrize(
    ("old", "new", "piece"),
    [
        ("+++\n", "", "got a file without a TOML head"),
        ("version = 3", "version = ", "got a head that is not TOML"),
        ("version = 3", "", 'field "version": Field required'),
        ("low = 0", "low = 11", "low"),
        ('tag = "score-natural"', 'tag = "justification"', "tag"),
        ('transcript = "none"', 'transcript = "none"\nanswer_audio = false', "nothing to judge"),
        ('justification = "after"', 'justification = "last"', 'field "layout.justification"'),
        ("[layout]", "[lay]", 'field "lay"'),
    ],
)
def test_a_prompt_file_that_does_not_fit_is_refused_with_file_and_field(
    old: str, new: str, piece: str, tmp_path: Path
) -> None:
    (tmp_path / "natural.md").write_text(NATURALNESS.replace(old, new, 1), encoding="utf-8")
    for words in (("prompts",), ("score", answers(tmp_path), "--judge", "openai:m", "--out", tmp_path / "run")):
        done = typed(*words, "--prompts", tmp_path)
        assert done.code == 2
        assert f"{tmp_path / 'natural.md'}: " in done.err and piece in done.err


def test_judges_are_listed_with_what_they_are_and_whether_their_key_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    before = typed("judges").out
    monkeypatch.setenv("GEMINI_API_KEY", "AIza-not-to-be-shown")
    after = typed("judges").out
    assert "OPENAI_API_KEY not set" in before and "GEMINI_API_KEY not set" in before
    assert "GEMINI_API_KEY is set" in after and "AIza" not in after
    for kind in KINDS.values():
        assert kind.example in after
    assert max(map(cell_len, after.splitlines())) <= 80


@pytest.mark.parametrize("kind", KINDS)
def test_every_option_of_a_judge_is_listed_with_default_and_meaning(kind: str) -> None:
    done, listed = typed("judges", kind), typed("judges", kind, "--json").json[kind]["options"]
    assert {option["name"] for option in listed} == {name for m in KINDS[kind].options for name in m.model_fields}
    for option in listed:
        assert option["name"] in done.out
        assert option["meaning"] and option["default"]
    assert "\u2026" not in done.out
    assert max(map(cell_len, done.out.splitlines())) <= 80


def test_the_names_of_wavjudge_toml_are_judges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = answers(tmp_path, 1)
    monkeypatch.chdir(tmp_path)
    with Loopback() as server:
        table = f'[models.fast]\nspec = "{spec(server)}"\n[models.rules]\nkind = "signals"\nworkers = 1\n'
        Path("wavjudge.toml").write_text(table, encoding="utf-8")
        for number, name in enumerate(("@fast", "fast?temperature=0")):
            done = typed("score", file, "--judge", name, "--out", f"run{number}", "--axes", "semantic")
            assert done.code == 0
        temperatures = [received.document.get("temperature") for received in server.received]
        mixed = ("score", file, "--judge", "@fast", "--judge", "@rules", "--out", "run2", "--axes", "semantic,clipping")
        assert typed(*mixed).code == 0
    assert temperatures == [None, 0]
    assert typed("score", file, "--judge", "@rules", "--out", "run3", "--axes", "clipping").code == 0
    listed = typed("judges").out
    assert "@fast  openai:loopback?base_url=" in listed and "@rules  signals?workers=1" in listed
    unknown = typed("score", file, "--judge", "@slow", "--out", "run4")
    assert (unknown.code, "expected a model of wavjudge.toml: fast, rules" in unknown.err) == (2, True)


@pytest.mark.parametrize(
    "text", ["models = 1", "[models.x]\nspec = 'openai:m'\nkey = 'sk-0123456789abcdef'", "[models"]
)
def test_a_broken_wavjudge_toml_is_named(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("wavjudge.toml").write_text(text, encoding="utf-8")
    done = typed("judges")
    assert done.code == 2
    assert "wavjudge.toml" in done.err and "0123456789abcdef" not in done.err


def test_the_cache_is_counted_and_cleared(tmp_path: Path) -> None:
    place = Path(os.environ["WAVJUDGE_CACHE"]) / "replies.sqlite"
    assert typed("cache", "info").out.split("\n")[:2] == [str(place), "0 replies, 0.0 MB, oldest -"]
    assert typed("cache", "clear").out == "0 replies removed\n"
    with Loopback() as server:
        typed("score", answers(tmp_path, 3), "--judge", spec(server), "--out", tmp_path / "run", "--axes", "semantic")
    assert "3 replies, " in typed("cache", "info").out
    with sqlite3.connect(place) as connection:
        connection.execute("UPDATE replies_1 SET created = ? WHERE rowid = 1", (time.time() - 3 * 86400,))
    connection.close()
    assert typed("cache", "clear", "--older-than-days", 2).out == "1 replies removed\n"
    assert typed("cache", "clear").out == "2 replies removed\n"
    assert typed("cache", "clear", "--older-than-days", "soon").code == 2


def test_a_cache_that_is_no_database_is_an_error_of_its_own(tmp_path: Path) -> None:
    place = Path(os.environ["WAVJUDGE_CACHE"])
    place.mkdir()
    (place / "replies.sqlite").write_bytes(b"not a database" * 100)
    for words in (("cache", "info"), ("cache", "clear")):
        done = typed(*words)
        assert (done.code, "the reply cache cannot be used" in done.err) == (2, True)
