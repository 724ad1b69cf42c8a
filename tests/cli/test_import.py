"""`wavjudge import`: wrong formats and sources."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.typed import spec, typed
from tests.loopback.server import Loopback
from tests.loopback.verdict import wav
from wavjudge.bench.importers import FORMATS


def vstyle(folder: Path, **changes: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "one.wav").write_bytes(wav(0.2))
    row = {"instruct_id": 7, "id": 1, "instruct_text": "Say it slowly.", "ability": "speed/slow", "model_name": "m",
           "response_audio_path": "one.wav", "response_text": "Slowly.", "mos": 3}  # fmt: skip
    with (folder / "metadata.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({key: value for key, value in (row | changes).items() if value is not ...}) + "\n")
    return folder


def test_an_import_is_scored_as_it_is(tmp_path: Path) -> None:
    source = vstyle(tmp_path / "source")
    done = typed("import", "vstyle", source, "--out", tmp_path / "answers")
    assert done.code == 0
    assert "1 answers, 1 recordings" in done.err and 'field "mos"' in done.err
    with Loopback() as server:
        words = ("--judge", spec(server), "--out", tmp_path / "run", "--prompt-set", "semantic", "--json")
        scored = typed("score", tmp_path / "answers", *words)
        assert "Say it slowly." in server.received[0].prompt
    assert scored.json["axes"][0]["benchmark"] == "vstyle"


def test_what_cannot_be_used_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    source = vstyle(tmp_path / "source")
    vstyle(source, instruct_id=8, response_audio_path="gone.wav")
    vstyle(source, model_name=...)
    done = typed("import", "vstyle", source, "--out", tmp_path / "answers")
    assert done.code == 0
    assert "2 answers, 1 recordings" in done.err
    assert f"{source / 'metadata.jsonl'}, line 3" in done.err
    assert f"{source / 'metadata.jsonl'}, line 2: the recording gone.wav is not there" in done.err


def test_many_bad_rows_are_counted_on_the_screen_and_listed_in_json(tmp_path: Path) -> None:
    source = vstyle(tmp_path / "source")
    for number in range(300):
        vstyle(source, id=10 + number, instruct_id=10 + number, response_audio_path=f"gone{number}.wav")
        vstyle(source, model_name=..., **{f"odd{number}": 1})
    done = typed("import", "vstyle", source, "--out", tmp_path / "answers", "--json")
    assert done.code == 0
    assert len(done.err.splitlines()) < 50
    assert "... and 295 more bad rows" in done.err
    assert (done.json["answers"], len(done.json["bad_rows"]), len(done.json["missing_recordings"])) == (301, 300, 300)
    assert done.json["missing_recordings"][-1].endswith("gone299.wav is not there")


def test_wrong_formats_and_sources(tmp_path: Path) -> None:
    source = vstyle(tmp_path / "source")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "metadata.jsonl").write_text("{}\n", encoding="utf-8")
    for words, piece in (
        (("nostyle", source), f"got the format 'nostyle', expected one of {', '.join(sorted(FORMATS))}"),
        (("vstyle", tmp_path / "nowhere"), "got no such file"),
        (("vstyle", tmp_path / "empty"), "got not a single usable row"),
        (("vstyle", source, "--keep-audio", "move"), "got --keep-audio 'move'"),
    ):
        done = typed("import", *words, "--out", tmp_path / "answers" / str(words[-1]).replace("/", "_"))
        assert done.code == 2
        assert piece in done.err
