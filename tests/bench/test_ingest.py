"""From a row to item and response: a candidate's failure is its outcome, a bad question recording is not."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from wavjudge.bench.answers import Row, TestSet, open_testset
from wavjudge.bench.ingest import Intake
from wavjudge.errors import InputError, MissingRecordingError
from wavjudge.nearest import apart, look
from wavjudge.store.run_folder import RunFolder
from wavjudge.types import Item, Response

RATE = 16_000


def wav(seconds: float = 0.2, peak: float = 0.5, seed: int = 0) -> bytes:
    file, rng = io.BytesIO(), np.random.default_rng(seed)
    soundfile.write(file, peak * rng.uniform(-1, 1, int(seconds * RATE)), RATE, format="WAV", subtype="PCM_16")
    return file.getvalue()


ANSWER, QUESTION, EARLIER = wav(seed=1), wav(seed=2), wav(seed=3)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunFolder]:
    with RunFolder(tmp_path / "run", write=True) as folder:
        yield folder


def answers(folder: Path, *rows: dict[str, Any]) -> TestSet:
    folder = folder / "set"
    folder.mkdir(exist_ok=True)
    recordings = {
        "a.wav": ANSWER, "q.wav": QUESTION, "h.wav": EARLIER, "broken.wav": b"hello", "empty.wav": b"",
        "silent.wav": wav(peak=0), "long.wav": wav(3), "cut.wav": ANSWER[:999],
    }  # fmt: skip
    for name, data in recordings.items():
        (folder / name).write_bytes(data)
    (folder / "rows.jsonl").write_text("".join(json.dumps({"item_id": "1"} | row) + "\n" for row in rows))
    return open_testset(folder / "rows.jsonl")


def taken(run: RunFolder, folder: Path, row: dict[str, Any], **options: Any) -> tuple[Item, Response]:
    testset = answers(folder, row)
    [(_, found)] = testset
    return Intake(run, **options).take(testset, found)


def test_a_row_becomes_an_item_and_a_response(run: RunFolder, tmp_path: Path) -> None:
    row = {
        "candidate": "m", "attempt": 2, "question_text": "Why?", "question_audio": "q.wav", "text": "Because.",
        "audio": "a.wav", "reference": "R", "language": "en", "tags": ["t"], "benchmark": "mine",
        "history": [{"role": "user", "text": "Hello", "audio": "h.wav"}, {"role": "assistant", "text": "Hi"}],
    }  # fmt: skip
    item, response = taken(run, tmp_path, row)
    [turn] = item.turns
    assert (item.benchmark, item.id, item.language, item.reference, item.tags) == ("mine", "1", "en", "R", ("t",))
    assert turn.text == "Why?" and turn.audio is not None and turn.audio.sha256 == hashlib.sha256(QUESTION).hexdigest()
    assert [(said.role, said.text, said.audio is not None) for said in item.history] == [
        ("user", "Hello", True), ("assistant", "Hi", False)]  # fmt: skip
    [answer] = response.answers
    assert (response.benchmark, response.item_id, response.candidate, response.attempt) == ("mine", "1", "m", 2)
    assert (response.status, response.reason, response.tags, answer.text) == ("ok", None, ("t",), "Because.")
    assert answer.audio is not None and (answer.audio.seconds, answer.audio.sample_rate_hz) == (0.2, RATE)


def test_the_benchmark_of_a_row_without_one_is_that_of_the_test_set(run: RunFolder, tmp_path: Path) -> None:
    item, response = taken(run, tmp_path, {"audio": "a.wav"})
    assert item.benchmark == response.benchmark == "rows"


def test_recordings_are_kept_in_the_run_by_the_hash_of_their_bytes(run: RunFolder, tmp_path: Path) -> None:
    item, response = taken(run, tmp_path, {"audio": "a.wav", "question_audio": "q.wav"})
    for ref, data in ((response.answers[0].audio, ANSWER), (item.turns[0].audio, QUESTION)):
        assert ref is not None and ref.path == f"audio/{ref.sha256[:2]}/{ref.sha256}.wav"
        assert (run.path / ref.path).read_bytes() == data


def test_recordings_may_stay_where_they_are(run: RunFolder, tmp_path: Path) -> None:
    _, response = taken(run, tmp_path, {"audio": "a.wav"}, keep="reference")
    ref = response.answers[0].audio
    assert ref is not None and ref.path == str((tmp_path / "set" / "a.wav").resolve())
    assert not (run.path / "audio").exists()


@pytest.mark.parametrize(
    "row, outcome, reason",
    [
        ({"audio": "none.wav", "status": "crashed", "reason": "out of memory"}, "crashed", "out of memory"),
        ({"text": "words only", "audio": None}, "no_speech", "the row names no recording"),
        ({"audio": "empty.wav"}, "no_speech", "zero bytes"),
        ({"audio": "silent.wav"}, "no_speech", "digital silence"),
        ({"audio": "broken.wav"}, "broken_audio", "does not decode as audio"),
        ({"audio": "cut.wav"}, "broken_audio", "was cut off"),
        ({"audio": "long.wav"}, "too_long", "expected at most 1 s"),
    ],
    ids=lambda value: str(value)[:25],
)
def test_a_failure_of_the_candidate_is_its_outcome(
    run: RunFolder, tmp_path: Path, row: dict[str, Any], outcome: str, reason: str
) -> None:
    _, response = taken(run, tmp_path, {"text": "said"} | row, max_seconds=1)
    assert response.status == outcome and reason in (response.reason or "") and len(response.reason or "") < 400
    assert response.answers[0].audio is None and response.answers[0].text == (row.get("text") or "said")
    assert not (run.path / "audio").exists()


@pytest.mark.parametrize(
    "name, said",
    [
        ("none.wav", "the recording none.wav is not there; paths are relative to"),
        ("b.wav", "is not there; paths are relative to"),
        ("A.wav", "the nearest name is a.wav, which differs in upper and lower case"),
        ("a.mp3", "is not there; the nearest name is a.wav"),
        ("empti.wav", "the nearest name is empty.wav"),
        ("sets/a.wav", "there is no folder sets"),
        ("../sat/a.wav", "there is no folder "),
        (".", "the recording . is a folder, not a file"),
        ("a.wav/b.wav", "a part of its path is a file"),
        ("a\0b.wav", "has a name that no file can have"),
        (base64.b64encode(ANSWER).decode(), "has a name that no file can have"),
        ("~/a.wav", "~ is not expanded"),
        ("$DATA/a.wav", "variables are not expanded"),
        ("${DATA}/a.wav", "variables are not expanded"),
        ("https://example.org/a.wav", "is an address, and nothing is fetched"),
        ("s3://bucket/a.wav", "is an address"),
        ("data:audio/wav;base64,UklGRg==", "is an address"),
        ("gone-link.wav", "is a link to nowhere.wav, which is not there"),
        ("pipe.wav", "is a pipe, not a file"),
        ("zero.wav", "is a device, not a file"),
    ],
    ids=lambda value: str(value)[:25],
)
@pytest.mark.parametrize("place", ["audio", "question_audio", "history", "turns", "answers"])
def test_a_recording_that_is_not_there_is_a_fault_of_the_input(
    run: RunFolder, tmp_path: Path, name: str, said: str, place: str
) -> None:
    answers(tmp_path)
    (tmp_path / "set" / "gone-link.wav").symlink_to("nowhere.wav")
    (tmp_path / "set" / "zero.wav").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "set" / "pipe.wav")
    several: dict[str, Any] = {"turns": [{"audio": "q.wav"}], "answers": [{"audio": "a.wav"}]}
    row: dict[str, Any] = {
        "audio": {"audio": name}, "question_audio": {"question_audio": name, "audio": "a.wav"},
        "history": {"history": [{"role": "user", "audio": name}], "audio": "a.wav"},
        "turns": several | {"turns": [{"audio": name}]}, "answers": several | {"answers": [{"audio": name}]},
    }[place]  # fmt: skip
    with pytest.raises(MissingRecordingError) as error:
        taken(run, tmp_path, row)
    assert said in error.value.problem and len(error.value.problem) < 500
    assert error.value.where == f'field "{place}"' and "the same command looks again" in error.value.todo


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_recording_that_may_not_be_read_is_a_fault_of_the_input(run: RunFolder, tmp_path: Path) -> None:
    answers(tmp_path)
    (tmp_path / "set" / "a.wav").chmod(0)
    with pytest.raises(MissingRecordingError, match="permission denied"):
        taken(run, tmp_path, {"audio": "a.wav"})


ACCENT = "caf\u00e9"


@pytest.mark.parametrize("named, lies", [(f"{ACCENT}.wav", "cafe\u0301.wav"), ("cafe\u0301.wav", f"{ACCENT}.wav"),
                                         ("deep\\a.wav", "deep/a.wav"), (f"{ACCENT}\\a.wav", "cafe\u0301/a.wav"),
                                         ("deep\\..\\deep\\a.wav", "deep/a.wav"), (" deep/a b.wav ", "deep/a b.wav"),
                                         ('"deep/b.wav"', "deep/b.wav"), ("'deep/b.wav'\t", "deep/b.wav"),
                                         ("deep/a%20b.wav", "deep/a b.wav"), ("caf%C3%A9.wav", f"{ACCENT}.wav"),
                                         ("file://deep/b.wav", "deep/b.wav"), ("deep/a\u00a0b.wav", "deep/a b.wav"),
                                         ("\u201cdeep\\a%20b.wav\u201d", "deep/a b.wav")])  # fmt: skip
@pytest.mark.parametrize("place", ["audio", "question_audio"])
def test_another_spelling_of_the_same_name_is_found_and_said(
    run: RunFolder, tmp_path: Path, named: str, lies: str, place: str
) -> None:
    testset = answers(tmp_path, {"audio": "a.wav"} | {place: named})
    (testset.root / lies).parent.mkdir(exist_ok=True)
    (testset.root / lies).write_bytes(wav(seed=8))
    [(_, row)] = testset
    intake = Intake(run)
    _, response = intake.take(testset, row)
    assert response.status == "ok" and intake.unchanged(testset, row, response)
    (remark,) = intake.remarks
    first, second = remark.split(" was found as ")
    assert look(first) != look(second), "two names that look the same would say nothing"
    if named.startswith("caf") and "\\" not in named and "%" not in named:
        assert (first, second) == tuple(apart(named, lies))


@pytest.mark.parametrize("form", ["{url}", "file://localhost{path}", " {url} ", "FILE://{path}"])
def test_an_address_of_a_file_is_that_file(run: RunFolder, tmp_path: Path, form: str) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    (folder / "b.wav").write_bytes(ANSWER)
    name = form.format(url=(folder / "b.wav").as_uri(), path=folder / "b.wav")
    assert taken(run, tmp_path, {"audio": name})[1].status == "ok"


@pytest.mark.parametrize("name", ["file:///nowhere/a.wav", "file:///a%00b.wav", " b.wav", "'empti.wav'", "~/b.wav",
                                  "%00", "\"", "file://", "c:\\x\\a.wav"])  # fmt: skip
def test_a_name_that_fits_nothing_in_any_spelling_is_not_there(run: RunFolder, tmp_path: Path, name: str) -> None:
    with pytest.raises(MissingRecordingError):
        taken(run, tmp_path, {"audio": name})


def test_a_home_folder_is_written_out(run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "b.wav").write_bytes(ANSWER)
    with pytest.raises(MissingRecordingError) as error:
        taken(run, tmp_path, {"audio": "~/b.wav"})
    assert f"write the path out: {tmp_path}/b.wav" in error.value.todo


def test_where_two_files_fit_neither_is_guessed(run: RunFolder, tmp_path: Path) -> None:
    answers(tmp_path)
    for name in ("\u1e69.wav", "s\u0323\u0307.wav"):  # both of s\u0307\u0323, which is there under neither
        (tmp_path / "set" / name).write_bytes(ANSWER)
    with pytest.raises(MissingRecordingError, match="several others fit it"):
        taken(run, tmp_path, {"audio": "s\u0307\u0323.wav"})


def test_a_file_whose_name_holds_a_backslash_is_that_file(run: RunFolder, tmp_path: Path) -> None:
    answers(tmp_path)
    (tmp_path / "set" / "x\\a.wav").write_bytes(ANSWER)
    assert taken(run, tmp_path, {"audio": "x\\a.wav"})[1].status == "ok"


def test_where_answers_are_texts_by_design_a_text_is_enough(run: RunFolder, tmp_path: Path) -> None:
    assert taken(run, tmp_path, {"text": "Because."})[1].status == "ok"
    _, silent = taken(run, tmp_path, {"question_text": "Why?"})
    assert (silent.status, silent.reason) == ("no_speech", "the row names no recording")


@pytest.mark.parametrize(
    "bad", ["none.wav", "broken.wav", "empty.wav", "silent.wav", "cut.wav", "a\0b.wav", "x" * 5000]
)
@pytest.mark.parametrize("place", ["question_audio", "history"])
def test_a_bad_question_is_a_bad_row_not_a_failure_of_the_candidate(
    run: RunFolder, tmp_path: Path, bad: str, place: str
) -> None:
    row = {"question_audio": bad} if place == "question_audio" else {"history": [{"role": "user", "audio": bad}]}
    with pytest.raises(InputError):
        taken(run, tmp_path, row | {"audio": "a.wav"})


def test_a_question_has_no_limit_of_length(run: RunFolder, tmp_path: Path) -> None:
    item, _ = taken(run, tmp_path, {"audio": "a.wav", "question_audio": "long.wav"}, max_seconds=1)
    assert item.turns[0].audio is not None and item.turns[0].audio.seconds == 3


def test_candidates_of_an_item_share_its_question_recording(run: RunFolder, tmp_path: Path) -> None:
    testset = answers(tmp_path, *({"candidate": name, "audio": "a.wav", "question_audio": "q.wav"} for name in "abc"))
    intake = Intake(run)
    items = [intake.take(testset, row)[0] for _, row in testset]
    assert items[0] == items[1] == items[2] and len(list((run.path / "audio").rglob("*.wav"))) == 2


def test_a_question_that_is_written_again_is_looked_at_again(run: RunFolder, tmp_path: Path) -> None:
    testset = answers(tmp_path, {"audio": "a.wav", "question_audio": "q.wav"})
    [(_, row)] = testset
    intake = Intake(run)
    first, _ = intake.take(testset, row)
    (testset.root / "q.wav").write_bytes(wav(0.5, seed=9))
    second, _ = intake.take(testset, row)
    assert first.turns[0].audio != second.turns[0].audio


def unchanged(run: RunFolder, folder: Path, row: dict[str, Any], write: bytes | None) -> bool:
    """Whether a row counts as unchanged after its recording a.wav was written anew (None: deleted)."""
    testset = answers(folder, row)
    [(_, found)] = testset
    intake = Intake(run)
    _, response = intake.take(testset, found)
    path = testset.root / "a.wav"
    path.unlink() if write is None else path.write_bytes(write)
    return intake.unchanged(testset, found, response)


@pytest.mark.parametrize("write, same", [(ANSWER, True), (wav(seed=7), False), (ANSWER + b"\0", False), (None, True)])
def test_a_recording_is_compared_by_its_bytes_and_may_be_gone(
    run: RunFolder, tmp_path: Path, write: bytes | None, same: bool
) -> None:
    assert unchanged(run, tmp_path, {"audio": "a.wav"}, write) is same


def test_a_row_without_a_recording_cannot_change(run: RunFolder, tmp_path: Path) -> None:
    assert unchanged(run, tmp_path, {"text": "x"}, wav(seed=7))


def test_paths_are_relative_to_the_file_or_absolute(run: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.wav").write_bytes(ANSWER)
    for name in (str(tmp_path / "elsewhere.wav"), "../elsewhere.wav"):
        assert taken(run, tmp_path, {"audio": name})[1].status == "ok"


def test_every_recording_keeps_its_suffix(run: RunFolder, tmp_path: Path) -> None:
    testset = answers(tmp_path, {"audio": "a"})
    soundfile.write(tmp_path / "set" / "b.FLAC", np.sin(np.arange(8000.0)), 8000, format="FLAC")
    (tmp_path / "set" / "a").write_bytes(ANSWER)
    kept = [Intake(run).take(testset, Row(item_id="1", audio=name))[1].answers[0].audio for name in ("a", "b.FLAC")]
    assert [Path(ref.path).suffix for ref in kept if ref] == ["", ".flac"]


@pytest.mark.parametrize("place", ["audio", "question_audio"])
@pytest.mark.parametrize("data", [b"NIST_1A\n   1024\n" + bytes(2000), b"/annex/objects/MD5-s1--0\n", b"<html></html>"])
def test_a_recording_that_others_read_is_a_bad_row_that_names_it(
    run: RunFolder, tmp_path: Path, data: bytes, place: str
) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "sphere.wav").write_bytes(data)
    with pytest.raises(InputError, match="which is not read"):
        taken(run, tmp_path, {"audio": "a.wav"} | {place: "sphere.wav"})
