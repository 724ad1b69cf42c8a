"""A folder of recordings as answers: FOLDER/CANDIDATE/ITEM.wav, or FOLDER/ITEM.wav for a single candidate.

What a recording is, a file says by its suffix or by its first bytes. One in a format that is not read is a bad row, and
a candidate of which nothing is read is an error: it would be missing from every table without a word.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from wavjudge import containers
from wavjudge.audio import SUFFIXES
from wavjudge.bench.raw import Raw, not_utf8
from wavjudge.errors import InputError
from wavjudge.run_files import inside

_UNREAD = """
    3g2 3gp aac ac3 adts amr ape asf avi awb dff dsf dts eac3 f32 flv gsm m4a m4b m4v mka mkv mov mp2 mp4 mpc nist pcm
    ra raw rm s16 sph spx ts tta voc weba webm wma wmv wv
"""
UNREAD = frozenset(f".{name}" for name in _UNREAD.split())
"""Suffixes of recordings that are not read here."""
CONVERT = "convert it to WAV or FLAC, for example with ffmpeg"
_NO_SOUND = frozenset({".txt", ".json", ".jsonl", ".csv", ".md", ".lab", ".textgrid", ".png", ".svg", ".npy", ".pt"})


def rows(path: Path) -> Iterator[tuple[str, Raw]]:
    """A row for each recording in a folder, or for the one file; a bad one for each that is not read."""
    files = [(path, True)] if not path.is_dir() else sorted(_recordings(path))
    root = path.parent if not path.is_dir() else path
    if not files:
        raise InputError("got a folder without recordings and without responses.jsonl", where=str(path),
                         todo=f"put {', '.join(sorted(SUFFIXES))} files there, or write a responses.jsonl")  # fmt: skip
    for file, is_read in files:
        if not is_read:
            yield str(file), f"got {_kind(file)}, which is not read; {CONVERT}"
            continue
        if path.is_dir() and not inside(file, root):
            yield str(file), "got a link that leads out of the folder; copy the recording, or write a table of paths"
            continue
        row = {"item_id": _parts(file, root)[-1], "candidate": _candidate(file, root)}
        try:
            yield str(file), row | {"audio": str(file.relative_to(root)), "text": _said(file)}
        except UnicodeDecodeError as error:
            yield str(file), f"its text file: {not_utf8(error)}"


def refuse_unread(folder: Path) -> None:
    """Refuse a folder in which every recording of a candidate is of a format that is not read."""
    read: set[str] = set()
    passed_over: defaultdict[str, list[Path]] = defaultdict(list)
    for file, is_read in sorted(_recordings(folder)):
        name = _candidate(file, folder)
        read.add(name) if is_read else passed_over[name].append(file)
    if lost := sorted(passed_over.keys() - read):
        name, files = lost[0], passed_over[lost[0]]
        others = f", and {len(lost) - 1} candidates more" if len(lost) > 1 else ""
        suffixes = ", ".join(sorted({file.suffix.lower() or "no suffix" for file in files}))
        raise InputError(
            f"got {len(files)} recordings of the candidate {name}{others}, and none that is read ({suffixes})",
            where=str(folder), todo=f"{CONVERT}, or move the candidate's folder away",
        )  # fmt: skip


def _recordings(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Audio files at any depth, and whether they are read; no hidden ones: macOS leaves a `._NAME.wav` beside each."""
    for file in folder.rglob("*"):
        suffix = file.suffix.lower()
        if any(part.startswith(".") for part in file.relative_to(folder).parts) or suffix in _NO_SOUND or file.is_dir():
            continue
        if suffix in SUFFIXES:  # a pipe or a link to nowhere too: taking it in says what it is
            yield file, True
        elif suffix in UNREAD or (kind := _first_bytes(file)) in containers.UNREAD:
            yield file, False
        elif kind is not None:  # another suffix, but sound
            yield file, True


def _first_bytes(file: Path) -> str | None:
    """The kind of recording that the first bytes name; those of MP3 without a tag are too few to tell."""
    if not file.is_file():
        return None
    try:
        with file.open("rb") as opened:
            return containers.named(opened.read(12))
    except OSError:
        return None


def _kind(file: Path) -> str:
    return f"a {file.suffix} file" if file.suffix else f"a file of the format {_first_bytes(file)}"


def _parts(file: Path, root: Path) -> tuple[str, ...]:
    return file.relative_to(root).with_suffix("").parts


def _candidate(file: Path, root: Path) -> str:
    return "/".join(_parts(file, root)[:-1]) or root.resolve().name


def _said(recording: Path) -> str | None:
    text = recording.with_suffix(".txt")
    if text.is_symlink() or not text.is_file():  # a link may lead to any file, whose words would be taken and sent
        return None
    return text.read_text(encoding="utf-8-sig").strip()
