"""Names, texts and rows from outside are shown as text: no colour, no cursor, no line of their own."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from rich.cells import cell_len

import wavjudge
from tests.cli.typed import Typed, answers, rows, spec, typed
from tests.loopback.server import Loopback

ESCAPE = "\x1b[31mred\x1b[0m\x1b[2J\x07"
NAMES = {
    "markup": "[red]boss[/red][link=http://x]",
    "escape": ESCAPE,
    "line break": "good\nwavjudge: everything is fine",
    "carriage return": "bad\rgood",
    "right to left": "\u202eeman\u2066",
    "line separator": "a\u2028b\x85c",
    "wide": "声" * 60,
    "braces": "{x} %s %(a)s :smile: \\n",
    "looks like a number": "1e9",
}


def harmless(done: Typed) -> None:
    for stream in (done.out, done.err):
        assert not [c for c in stream if c != "\n" and (ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or c in "\u2028\u202e")]


@pytest.fixture(params=NAMES.values(), ids=list(NAMES))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_hostile_candidate_is_text_in_every_command(name: str, tmp_path: Path) -> None:
    answers(tmp_path, 1)
    row = {"item_id": "q0", "candidate": name, "question_text": f"?{ESCAPE}", "text": f"[bold]yes[/bold]{ESCAPE}",
           "audio": "answers/a-0.wav", "tags": [f"tag={ESCAPE}"], "reference": ESCAPE}  # fmt: skip
    file, run, table = rows(row, folder=tmp_path), tmp_path / "run", tmp_path / "table.csv"
    with Loopback() as server:
        scored = typed("score", file, "--judge", spec(server), "--out", run, "--prompt-set", "semantic")
    (rating,) = wavjudge.load(run).ratings()
    shown = {id_: typed("show", run, *id_) for id_ in ((), ("q0",), (rating.id,))}
    exported = typed("export", run, "--out", table)
    for done in (scored, *shown.values(), exported):
        assert done.code == 0
        harmless(done)
    listed = "\n".join(shown["q0",].out.splitlines()[:-1])  # but for the hint with its path
    assert max(map(cell_len, (scored.out + listed).splitlines())) <= 80
    assert "everything is fine" not in {line.strip() for line in scored.out.splitlines()}
    assert "[bold]yes[/bold]" in shown[rating.id,].out
    if name.startswith(("[", "{", "1")):
        assert all("".join(name.split()) in "".join(done.out.split()) for done in (scored, shown["q0",]))  # folded
        assert name in shown[rating.id,].out
    with table.open(encoding="utf-8", newline="") as file_:
        (exported_row,) = csv.DictReader(file_)
    assert exported_row["candidate"] == rating.subject.candidate == name  # stored as it is


def test_a_line_break_in_a_name_cannot_forge_a_line(tmp_path: Path) -> None:
    answers(tmp_path, 1)
    forged = "good\n0 answers, all fine"
    file = rows({"item_id": "q0", "candidate": forged, "status": "crashed", "reason": "no memory"}, folder=tmp_path)
    with Loopback() as server:
        done = typed("score", file, "--judge", spec(server), "--out", tmp_path / "run")
    shown = typed("show", tmp_path / "run", "q0")
    assert not [line for line in (done.out + shown.out).splitlines() if line.strip().startswith("0 answers")]
    assert "good\ufffd0 answers, all fine: crashed" in shown.out


def test_hostile_bad_rows_are_named_harmlessly(tmp_path: Path) -> None:
    answers(tmp_path, 1)
    good = {"item_id": ESCAPE, "candidate": "[red]", "question_text": "?", "audio": "answers/a-0.wav"}
    lost = {"item_id": "q", "audio": "answers/a-0.wav", "question_audio": f"{ESCAPE}.wav"}
    bad = ({"item_id": "q", ESCAPE: 1}, {"item_id": "q", "\ud800": 1}, {"item_id": "\udfff"}, lost)
    file = rows(good, good, *bad, folder=tmp_path)
    with Loopback() as server:
        done = typed("score", file, "--judge", spec(server), "--out", tmp_path / "run")
    assert (done.code, done.err.count("bad row:"), done.err.count("missing recording:")) == (9, 4, 1)
    harmless(done)


def test_hostile_words_in_a_reply_are_shown_as_text_and_stored_as_they_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = f"<justification>{ESCAPE} [red] :smile:</justification><score>4</score>"
    monkeypatch.setattr("tests.loopback.server.verdict", lambda *_: said)
    file, run = answers(tmp_path, 1), tmp_path / "run"
    with Loopback() as server:
        harmless(typed("score", file, "--judge", spec(server), "--out", run, "--axes", "semantic"))
    (rating,) = wavjudge.load(run).ratings()
    shown = typed("show", run, rating.id)
    harmless(shown)
    assert "[red] :smile:" in shown.out
    assert rating.raw == said


def test_hostile_words_of_a_command_line_are_quoted(tmp_path: Path) -> None:
    out = ("--out", tmp_path / "x")
    score = ("score", tmp_path / ESCAPE, "--judge", ESCAPE, *out)
    for words in (("show", tmp_path, ESCAPE), ("judges", ESCAPE), ("prompts", ESCAPE), ("import", ESCAPE, *out), score):
        done = typed(*words)
        assert done.code == 2
        harmless(done)
