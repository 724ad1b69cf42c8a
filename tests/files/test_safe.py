"""A run folder from somebody else is data: nothing outside it is written, read or waited for."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.bench.answers import write_answers
from tests.cli.typed import spec, typed
from tests.loopback import Loopback
from wavjudge import score
from wavjudge.errors import StoreError
from wavjudge.files import safe
from wavjudge.store.run_folder import RunFolder

LOGS = ("items.jsonl", "responses.jsonl", "ratings.jsonl", "unanswered.jsonl", "internal-errors.log")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of two answers, rated without a network."""
    return score(write_answers(tmp_path / "answers", 2), judges=["checks"], out=tmp_path / "run", axes=["refusal"]).path


def again(tmp_path: Path, *more: object) -> str:
    done = typed("score", tmp_path / "answers" / "answers.jsonl", "--judge", "checks", "--axes", "refusal,wer", "--out",
                 tmp_path / "run", *more)  # fmt: skip
    assert "Traceback" not in done.err
    return done.err if done.code == 2 else f"exit {done.code}"


@pytest.mark.parametrize("name", ["manifest.json", *LOGS])
def test_a_link_in_the_place_of_a_file_is_neither_read_nor_written_through(
    run: Path, tmp_path: Path, name: str
) -> None:
    victim = tmp_path / "bashrc"
    victim.write_text("alias ll='ls -l'")
    (run / name).unlink(missing_ok=True)
    (run / name).symlink_to(victim)
    if name in LOGS:
        with pytest.raises(StoreError, match="got a link"), RunFolder(run, write=True) as folder:
            folder.keep_fault("x") if name.endswith(".log") else folder.log(name.removesuffix(".jsonl"))  # type: ignore[arg-type]
    if name not in ("unanswered.jsonl", "internal-errors.log"):
        assert "got a link or a pipe" in again(tmp_path)
    assert victim.read_text() == "alias ll='ls -l'"


@pytest.mark.parametrize("folder", ["audio", "prompts"])
def test_a_link_in_the_place_of_a_folder_is_not_written_through(tmp_path: Path, folder: str) -> None:
    (tmp_path / "victim").mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / folder).symlink_to(tmp_path / "victim")
    write_answers(tmp_path / "answers", 2)
    assert "got a link or a pipe" in again(tmp_path)
    assert list((tmp_path / "victim").iterdir()) == []


def test_a_linked_lock_file_is_not_written_through(run: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (run / ".lock").unlink(missing_ok=True)
    (run / ".lock").symlink_to(victim)
    assert "expected a folder that can be written" in again(tmp_path)
    assert victim.read_text() == "mine"


@pytest.mark.parametrize("name", ["manifest.json", "items.jsonl", "ratings.jsonl"])
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.mkdir()], ids=["pipe", "folder"])
def test_a_pipe_is_not_waited_for(run: Path, tmp_path: Path, name: str, make) -> None:
    (run / name).unlink()
    make(run / name)
    told = again(tmp_path)
    assert "plain file" in told or "Is a directory" in told
    assert typed("show", run).code in (0, 2)


def test_a_file_with_a_second_name_elsewhere_is_not_written_to(run: Path, tmp_path: Path) -> None:
    os.link(run / "ratings.jsonl", tmp_path / "elsewhere")
    before = (tmp_path / "elsewhere").read_bytes()
    assert "second name elsewhere" in again(tmp_path)
    assert (tmp_path / "elsewhere").read_bytes() == before
    assert typed("export", run, "--out", tmp_path / "table.csv").code == 0  # reading does no harm


def test_the_run_folder_itself_may_be_a_link(run: Path, tmp_path: Path) -> None:
    (tmp_path / "short").symlink_to(run)
    assert typed("show", tmp_path / "short").code == 0
    assert typed("score", tmp_path / "short", "--judge", "checks", "--axes", "wer").code == 0


@pytest.mark.parametrize("way", ["absolute", "above", "link"])
def test_a_recording_outside_a_run_folder_is_not_opened(tmp_path: Path, way: str) -> None:
    write_answers(tmp_path / "answers", 2)
    foreign = score(
        tmp_path / "answers" / "answers.jsonl", judges=["checks"], out=tmp_path / "run", axes=["refusal"]
    ).path
    inner = next(
        path for path in (foreign / "audio").rglob("*.wav") if path.stem in (foreign / "responses.jsonl").read_text()
    )
    shutil.copy(inner, tmp_path / "secret.wav")
    name = str(inner.relative_to(foreign))
    if way == "link":
        inner.unlink()
        inner.symlink_to(tmp_path / "secret.wav")
    else:
        log = foreign / "responses.jsonl"
        log.write_text(
            log.read_text().replace(name, {"absolute": f"{tmp_path}/secret.wav", "above": "../secret.wav"}[way])
        )
    with Loopback() as server:
        for out in ((), ("--out", tmp_path / "other")):
            done = typed("score", foreign, "--judge", spec(server), "--prompt-set", "semantic", *out)
            assert "got a recording outside the run folder" in done.err
        assert len({heard.sha256 for one in server.received for heard in one.recordings}) == 1  # the other answer
        own = typed("score", foreign, "--judge", spec(server), "--prompt-set", "semantic", "--keep-audio", "reference")
        assert own.code == 0 and server.requests == 2, own.err


@pytest.mark.parametrize("name", ["/etc/passwd", "../secret.wav", "linked.wav", "linked/secret.wav"])
def test_an_import_stays_inside_its_source(tmp_path: Path, name: str) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (tmp_path / "secret.wav").write_bytes(b"mine")
    (source / "linked.wav").symlink_to(tmp_path / "secret.wav")
    (source / "linked").symlink_to(tmp_path)
    (source / "table.csv").write_text(f"item_id,question,audio_path\n1,Why?,{name}\n2,Who?,\n")
    done = typed("import", "plain", source / "table.csv", "--out", tmp_path / "out",
                 "--columns", "answer_audio=audio_path")  # fmt: skip
    assert "lies outside the source folder" in done.err and "--outside" in done.err
    assert not list((tmp_path / "out").rglob("audio/**/*"))
    told = typed("import", "plain", source / "table.csv", "--out", tmp_path / "told", "--outside",
                 "--columns", "answer_audio=audio_path")  # fmt: skip
    assert told.code == 0 and list((tmp_path / "told").rglob("audio/**/*"))


def test_what_leads_out_of_a_folder_of_recordings_is_not_taken(tmp_path: Path) -> None:
    from wavjudge.bench.answers import open_testset

    write_answers(tmp_path, 2)
    folder = tmp_path / "folder"
    folder.mkdir()
    shutil.copy(tmp_path / "a-0.wav", folder / "q0.wav")
    (folder / "q1.wav").symlink_to(tmp_path / "a-1.wav")
    (tmp_path / "secret.txt").write_text("mine")
    (folder / "q0.txt").symlink_to(tmp_path / "secret.txt")
    testset = open_testset(folder)
    rows = [row for _, row in testset]
    assert [(row.item_id, row.text) for row in rows] == [("q0", None)]
    assert len(testset.bad_rows) == 1 and "leads out of the folder" in testset.bad_rows[0]


@pytest.mark.parametrize("field", ["items", "prompts"])
def test_a_test_set_stays_in_its_folder(tmp_path: Path, field: str) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "secret.jsonl").write_text('{"item_id": "1", "question_text": "Why?"}\n')
    (tmp_path / "set" / "items.jsonl").write_text('{"item_id": "1", "question_text": "Why?"}\n')
    (tmp_path / "set" / "benchmark.toml").write_text(f'{field} = "../secret.jsonl"\n')
    done = typed(
        "run", tmp_path / "set", "--candidate", "cascade:offline", "--only", "answers", "--out", tmp_path / "run"
    )
    assert done.code == 2 and f'field "{field}"' in done.err and "leads out of the folder" in done.err


def test_a_file_is_replaced_as_a_whole_and_nothing_half_is_left(tmp_path: Path) -> None:
    safe.replace(tmp_path, "a/b.txt", b"one")
    safe.replace(tmp_path, "a/b.txt", b"two")
    assert safe.read_bytes(tmp_path, "a/b.txt") == b"two"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.txt"]
    assert safe.read_bytes(tmp_path, "a/c.txt") is None


def test_answers_of_a_hand_edited_run_are_named_and_passed_over(run: Path, tmp_path: Path) -> None:
    import json

    log = run / "responses.jsonl"
    first, second = map(json.loads, log.read_text().splitlines())
    lines = [first | {"answers": []}, second, second, second | {"item_id": "gone"}, first | {"attempt": 10**25},
             first | {"seconds_taken": -1}, first | {"attempt": 2, "answers": [*first["answers"]] * 3}]  # fmt: skip
    log.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"a": ' * 5000 + "\n")
    done = typed("score", run, "--judge", "checks", "--axes", "wer", "--json")
    assert done.code == 0
    told = " ".join(done.json["this_pass"]["bad_rows"])
    for words in (
        "got 0 to 1 turns",
        "got 3 to 1 turns",
        "the first one stands",
        "not in items.jsonl",
        "attempt",
        "seconds_taken",
    ):
        assert words in told
    assert done.json["this_pass"]["done"] == 1
    for command in (("export", run, "--out", tmp_path / "t.csv"), ("show", run, "q0"), ("show", run, "q1")):
        assert typed(*command).code == 0
