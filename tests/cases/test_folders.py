"""Case 08: a recording in a format that is not read is named and counted, a candidate of such alone an error."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.cli.typed import Typed, rows, typed
from wavjudge import load


def test_a_candidate_of_which_nothing_is_read_is_an_error(case: Callable[[str], Path], tmp_path: Path) -> None:
    done = typed("score", case("08") / "rec", "--judge", "checks", "--out", tmp_path / "run")
    assert done.code == 2 and not (tmp_path / "run").exists()
    assert "got 1 recordings of the candidate beta, and none that is read (.m4a)" in done.err and "ffmpeg" in done.err


def test_what_is_passed_over_of_another_is_named_and_counted(case: Callable[[str], Path], tmp_path: Path) -> None:
    folder = case("08") / "rec"
    shutil.rmtree(folder / "beta")
    done = typed("score", folder, "--judge", "checks", "--out", tmp_path / "run", "--json")
    assert done.json["answers"] == {"alpha": {"ok": 1}} and done.code == 0
    assert len(done.json["this_pass"]["bad_rows"]) == 1
    assert f"bad row: {folder / 'alpha' / 'q3.webm'}, got a .webm file, which is not read; convert it" in done.err


def test_recordings_that_are_left_out_are_counted_by_kind_and_most_of_them_are_no_success(
    case: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = case("08") / "rec"
    shutil.rmtree(folder / "beta")
    words = ("score", folder, "--judge", "checks", "--out", tmp_path / "run")
    half = typed(*words)
    assert half.code == 0 and "1 of 2 recordings were left out, in formats that are not read: 1 .webm." in half.err
    for name in ("q4.m4a", "q5.m4a", "q6.webm"):
        (folder / "alpha" / name).write_bytes(b"whatever")
    most = typed(*words)
    assert most.code == 9
    assert "4 of 5 recordings were left out, in formats that are not read: 2 .webm, 2 .m4a." in most.err
    assert "ffmpeg -i OLD NEW.wav" in most.err


@pytest.mark.parametrize("suffix", ["m4a", "MP4", "webm", "aac", "wma", "amr", "3gp", "mkv", "raw", "pcm", "spx"])
def test_every_usual_suffix_of_sound_is_known(case: Callable[[str], Path], tmp_path: Path, suffix: str) -> None:
    folder = case("08") / "rec"
    shutil.rmtree(folder / "beta")
    (folder / "alpha" / f"q9.{suffix}").write_bytes(b"whatever")
    done = typed("score", folder, "--judge", "checks", "--out", tmp_path / "run")
    assert f"q9.{suffix}, got a .{suffix} file, which is not read" in done.err


def test_sound_is_known_by_its_first_bytes_and_what_is_no_sound_is_left_alone(
    case: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = case("08") / "rec"
    m4a = (folder / "beta" / "q1.m4a").rename(folder / "alpha" / "q4.part")
    (folder / "beta").rmdir()
    shutil.copy(folder / "alpha" / "q1.wav", folder / "alpha" / "q5")
    for name in ("notes.txt", "scores.json", "cover.png", "Thumbs.db", ".hidden.m4a", "._q1.wav"):
        (folder / "alpha" / name).write_bytes(b"no sound")
    done = typed("score", folder, "--judge", "checks", "--out", tmp_path / "run", "--json")
    assert done.json["answers"] == {"alpha": {"ok": 2}}
    assert len(done.json["this_pass"]["bad_rows"]) == 2 and f"{m4a}, got a .part file, which is not read" in done.err


@pytest.mark.parametrize("suffix, format_, subtype", [("aiff", "AIFF", "PCM_16"), ("AIF", "AIFF", "PCM_24"),
                                                      ("caf", "CAF", "PCM_16"), ("au", "AU", "PCM_16"),
                                                      ("opus", "OGG", "OPUS"), ("w64", "W64", "FLOAT")])  # fmt: skip
def test_whatever_libsndfile_reads_whole_is_read(tmp_path: Path, suffix: str, format_: str, subtype: str) -> None:
    (tmp_path / "rec" / "alpha").mkdir(parents=True)
    file = io.BytesIO()
    soundfile.write(file, 0.3 * np.sin(np.arange(24_000.0) * 0.1), 24_000, format=format_, subtype=subtype)
    (tmp_path / "rec" / "alpha" / f"q1.{suffix}").write_bytes(file.getvalue())
    done = typed("score", tmp_path / "rec", "--judge", "checks", "--out", tmp_path / "run", "--json")
    assert done.json["answers"] == {"alpha": {"ok": 1}} and done.json["this_pass"]["bad_rows"] == []


def test_pipes_and_links_to_nowhere_in_a_folder_are_said(case: Callable[[str], Path], tmp_path: Path) -> None:
    folder = case("08") / "rec"
    shutil.rmtree(folder / "beta")
    os.mkfifo(folder / "alpha" / "q7.wav")
    (folder / "alpha" / "q8.wav").symlink_to("gone.wav")
    done = typed("score", folder, "--judge", "checks", "--out", tmp_path / "run")
    assert "alpha/q7.wav is a pipe, not a file" in done.err and "alpha/q8.wav is a link to gone.wav" in done.err
    assert [response.item_id for response in load(tmp_path / "run").responses()] == ["q1"]


def test_a_row_that_names_an_unread_format_is_a_bad_row_not_a_broken_answer(
    case: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = case("08") / "rec"
    (folder / "lfs.wav").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")
    names = ("alpha/q1.wav", "alpha/q3.webm", "beta/q1.m4a", "lfs.wav")
    fields = [{"item_id": name, "audio": name} for name in names]
    done = typed("score", rows(*fields, folder=folder), "--judge", "checks", "--out", tmp_path / "run", "--json")
    assert done.json["answers"] == {"candidate": {"ok": 1}}
    assert "of the format Git LFS" in done.err and "git lfs pull" in done.err
    assert "of the format WebM, which is not read" in done.err and "of the format MP4, which is not read" in done.err


def _scored(folder: Path, tmp_path: Path) -> Typed:
    return typed("score", folder, "--judge", "checks", "--out", tmp_path / "run", "--json")


@pytest.fixture
def alone(case: Callable[[str], Path]) -> Path:
    """A folder with one candidate, alpha, of whom one recording is read."""
    folder = case("08") / "rec"
    shutil.rmtree(folder / "beta")
    (folder / "alpha" / "q3.webm").unlink()
    return folder


@pytest.mark.parametrize("name", ["gamma", "gpt-4.1", "alpha/q8.wav", "alpha/more"])
def test_a_link_to_what_is_not_there_is_a_missing_recording_and_looked_at_again(
    alone: Path, tmp_path: Path, name: str
) -> None:
    (alone / name).symlink_to("/mnt/of/another/machine")
    done = _scored(alone, tmp_path)
    assert f"{name} is a link to /mnt/of/another/machine, which is not there" in done.err
    assert done.code == 9 and done.json["answers"] == {"alpha": {"ok": 1}}
    (alone / name).unlink()
    if name.endswith(".wav"):
        shutil.copy(alone / "alpha" / "q1.wav", alone / name)
        assert _scored(alone, tmp_path).json["answers"] == {"alpha": {"ok": 2}}


@pytest.mark.parametrize("outside", [True, False])
def test_a_link_to_a_folder_is_named_and_not_followed(alone: Path, tmp_path: Path, outside: bool) -> None:
    goal = tmp_path / "elsewhere" if outside else alone / "alpha"
    goal.mkdir(exist_ok=True)
    (alone / "gamma").symlink_to(goal)
    done = _scored(alone, tmp_path)
    assert f"bad row: {alone / 'gamma'}, got a link to a folder, which is not followed" in done.err
    assert ("leads out of the folder" in done.err) == outside and done.json["answers"] == {"alpha": {"ok": 1}}


@pytest.mark.parametrize("name", ["gamma", "lab/gamma", "gamma/deep"])
@pytest.mark.parametrize("text", [None, "q1.txt"])
def test_a_candidate_without_a_recording_is_named(alone: Path, tmp_path: Path, name: str, text: str | None) -> None:
    shutil.copytree(alone / "alpha", alone / "lab" / "delta")
    (alone / name).mkdir(parents=True)
    if text:
        (alone / name / text).write_text("I would say so.")
    done = _scored(alone, tmp_path)
    empty = alone / name.removesuffix("/deep")
    assert f"bad row: {empty}, got a folder without a recording" in done.err
    assert len(done.json["this_pass"]["bad_rows"]) == 1 and done.code == 0


def test_folders_beside_the_recordings_of_a_candidate_are_no_candidates(alone: Path, tmp_path: Path) -> None:
    (alone / "alpha" / "transcripts").mkdir()
    (alone / ".cache").mkdir()
    assert _scored(alone, tmp_path).json["this_pass"]["bad_rows"] == []


@pytest.mark.parametrize("begin, kind, todo", [(b"\0\0\0\x20ftypM4A \0\0\0\0", "MP4", "ffmpeg"),
                                               (b"\x1a\x45\xdf\xa3" + bytes(20), "WebM", "ffmpeg"),
                                               (b"\xff\xf1\x50\x80" + bytes(20), "AAC", "ffmpeg"),
                                               (b"version https://git-lfs.", "Git LFS", "git lfs pull")])  # fmt: skip
def test_a_candidate_whose_files_hold_another_format_is_an_error_whatever_their_suffix(
    alone: Path, tmp_path: Path, begin: bytes, kind: str, todo: str
) -> None:
    (alone / "gamma").mkdir()
    for number in range(2):
        (alone / "gamma" / f"q{number}.wav").write_bytes(begin)
    done = _scored(alone, tmp_path)
    assert done.code == 2 and "got 2 recordings of the candidate gamma, and none that is read (.wav" in done.err
    assert kind in done.err and todo in done.err
