"""A folder of recordings as answers: FOLDER/CANDIDATE/ITEM.wav, or FOLDER/ITEM.wav for a single candidate.

What a recording is, a file says by its suffix or by its first bytes. One in a format that is not read is a bad row, and
a candidate of which nothing is read is an error: it would be missing from every table without a word.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from wavjudge import containers
from wavjudge.audio import SUFFIXES
from wavjudge.errors import InputError
from wavjudge.files.safe import inside
from wavjudge.files.tables import Raw, not_utf8

_UNREAD = """
    3g2 3gp aac ac3 adts amr ape asf avi awb dff dsf dts eac3 f32 flv gsm m4a m4b m4v mka mkv mov mp2 mp4 mpc nist pcm
    ra raw rm s16 sph spx ts tta voc weba webm wma wmv wv
"""
UNREAD = frozenset(f".{name}" for name in _UNREAD.split())
"""Suffixes of recordings that are not read here."""
CONVERT = "convert it to WAV or FLAC, for example with ffmpeg"
HOW = "convert them to WAV or FLAC, for example: ffmpeg -i OLD NEW.wav"
_NOT_READ = re.compile(r"got a (?:\S+ of the format )?([^,]+?)(?: file)?, which is not read")
_NO_SOUND = frozenset({".txt", ".json", ".jsonl", ".csv", ".md", ".lab", ".textgrid", ".png", ".svg", ".npy", ".pt"})


def rows(path: Path) -> Iterator[tuple[str, Raw]]:
    """A row for each recording in a folder, or for the one file; a bad one for each that is not read."""
    files = [(path, True)] if not path.is_dir() else sorted(_recordings(path))
    root = path.parent if not path.is_dir() else path
    if not files and not (path.is_dir() and any(_linked_folders(root))):
        raise InputError("got a folder without recordings and without responses.jsonl", where=str(path),
                         todo=f"put {', '.join(sorted(SUFFIXES))} files there, or write a responses.jsonl")  # fmt: skip
    for file, is_read in files:
        if _leads_nowhere(file):  # an unmounted disk, perhaps: taking it in says so, and the same command looks again
            yield str(file), _awaited(file, root)
            continue
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
    if path.is_dir():
        yield from _passed_over(root, {file.parent for file, _ in files})


def unread(bad_rows: Iterable[str]) -> Counter[str]:
    """How many of some bad rows are recordings in a format that is not read, by the kind that they are said to be.

    >>> unread(["a.m4a, got a .m4a file, which is not read", "b: got a recording of the format MP4, which is not read"])
    Counter({'.m4a': 1, 'MP4': 1})
    """
    return Counter(found[1] for row in bad_rows if (found := _NOT_READ.search(row)))


def unread_in(folder: Path) -> Counter[str]:
    """The same of the recordings in a folder, by suffix."""
    return Counter(file.suffix.lower() or "no suffix" for file, is_read in _recordings(folder) if not is_read)


def kinds(found: Counter[str]) -> str:
    """Such counts in words.

    >>> kinds(Counter({".wma": 1, ".m4a": 3}))
    '3 .m4a, 1 .wma'
    """
    return ", ".join(f"{count} {kind}" for kind, count in found.most_common())


def refuse_unread(folder: Path) -> None:
    """Refuse a folder in which every recording of a candidate is of a format that is not read."""
    read: set[str] = set()
    passed_over: defaultdict[str, list[Path]] = defaultdict(list)
    for file, is_read in sorted(_recordings(folder)):
        name = _candidate(file, folder)
        if name not in read:  # of a candidate that has one, no more are opened
            read.add(name) if is_read and not _holds_unread(file) else passed_over[name].append(file)
    if lost := sorted(passed_over.keys() - read):
        name, files = lost[0], passed_over[lost[0]]
        others = f", and {len(lost) - 1} candidates more" if len(lost) > 1 else ""
        found = ", ".join(sorted({file.suffix.lower() or "no suffix" for file in files}))
        kinds = _kinds_within(file for file in files if file.suffix.lower() not in UNREAD)
        told = f"{found}; what they hold is {', '.join(sorted(kinds))}" if kinds else found
        todo = containers.remedy(*kinds) if len(kinds) == 1 else CONVERT
        raise InputError(
            f"got {len(files)} recordings of the candidate {name}{others}, and none that is read ({told})",
            where=str(folder), todo=f"{todo}, or move the candidate's folder away",
        )  # fmt: skip


def _recordings(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Audio files at any depth, and whether they are read; no hidden ones: macOS leaves a `._NAME.wav` beside each."""
    for file in folder.rglob("*"):
        suffix = file.suffix.lower()
        if any(part.startswith(".") for part in file.relative_to(folder).parts) or suffix in _NO_SOUND or file.is_dir():
            continue
        if _leads_nowhere(file) and (suffix not in UNREAD and (not suffix or file.parent == folder)):
            yield file, True  # perhaps a candidate's folder on a disk that is not mounted
        elif suffix in SUFFIXES:  # a pipe or a link to nowhere too: taking it in says what it is
            yield file, True
        elif suffix in UNREAD or (kind := _first_bytes(file)) in containers.UNREAD:
            yield file, False
        elif kind is not None:  # another suffix, but sound
            yield file, True


def _first_bytes(file: Path) -> str | None:
    """The kind of recording that the first bytes name; those of MP3 without a tag are too few to tell."""
    return containers.named(_begin(file))


def _holds_unread(file: Path) -> bool:
    """Whether a file with the suffix of a recording that is read holds another kind."""
    return bool(_kinds_within([file]))


def _kinds_within(files: Iterable[Path]) -> set[str]:
    """The kinds that are not read among those that files hold, whatever they are called."""
    return {kind for file in files if (kind := containers.kind_of(_begin(file))) in containers.UNREAD}


def _begin(file: Path) -> bytes:
    if not file.is_file():
        return b""
    try:
        with file.open("rb") as opened:
            return opened.read(containers.LOOKED_AT)
    except OSError:
        return b""


def _leads_nowhere(file: Path) -> bool:
    return file.is_symlink() and not file.exists()


def _awaited(file: Path, root: Path) -> Raw:
    """The row of a link whose goal is not there: a recording, or the folder of a candidate."""
    is_folder = file.suffix.lower() not in SUFFIXES | UNREAD
    candidate, item = (file.name, file.name) if is_folder else (_candidate(file, root), _parts(file, root)[-1])
    return {"item_id": item, "candidate": candidate, "audio": str(file.relative_to(root))}


def _passed_over(root: Path, heard: set[Path]) -> Iterator[tuple[str, Raw]]:
    """What stands where a candidate's folder would and gives no answer: a link to a folder, a folder without sound."""
    for link in _linked_folders(root):
        where = "" if inside(link, root) else ", and it leads out of the folder"
        yield str(link), f"got a link to a folder, which is not followed{where}; copy the recordings, or write a table"
    holds = {folder for file in heard for folder in (file, *file.parents)}
    for folder in (root, *(one for one in _folders(root) if one in holds and one not in heard)):
        for empty in sorted(one for one in folder.iterdir() if _is_own_folder(one) and one not in holds):
            yield str(empty), "got a folder without a recording, and so no answer of its candidate"


def _linked_folders(root: Path) -> Iterator[Path]:
    yield from (one for one in _folders(root) if one.is_symlink())


def _folders(root: Path) -> list[Path]:
    """Folders below, links to some among them, no hidden ones."""
    found = (one for one in root.rglob("*") if one.is_dir())
    return sorted(one for one in found if not any(part.startswith(".") for part in one.relative_to(root).parts))


def _is_own_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and not path.name.startswith(".")


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
