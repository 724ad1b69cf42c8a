"""By which names the field's files call what we call a question, a recording, a reference: one list for all importers.

Where a file has several columns of one meaning, the name that stands first here is taken and the others are counted as
unused. Case does not matter (`Question`, `WavPath`). The names are those that VoiceBench, URO-Bench, UltraEval-Audio,
Kimi-Audio-Evalkit, VocalBench and lmms-eval's copy of VoiceBench read or write.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from wavjudge.bench.importers.base import Imported
from wavjudge.errors import InputError

ALIASES: Mapping[str, tuple[str, ...]] = {
    "item_id": ("item_id", "id", "index", "qid", "question_id", "instruct_id", "instruction_id", "data_id", "idx"),
    "question_audio": (
        "question_audio", "source_wav", "audio", "audio_path", "wav", "wavpath", "audio_file", "sound", "audio_url",
        "instruction_audio_path", "instruction_path", "file_path", "path",
    ),
    "question_text": (
        "question_text", "prompt", "instruction", "question", "query", "source_text", "instruct_text",
        "instruction_text", "transcript", "transcription", "audio_text", "text",
    ),
    "reference": ("reference", "target_text", "answer", "target", "expected"),
    "language": ("language", "lang"),
    "candidate": ("candidate", "model_name", "model"),
    "answer_text": ("answer_text", "response_text", "response", "prediction", "pred_text", "model_prediction"),
    "answer_audio": ("answer_audio", "response_audio", "response_audio_path", "pred_audio", "output_audio"),
    "tags": ("tags", "subset", "category", "sub-category", "subcategory", "task", "ability"),
}  # fmt: skip
"""Our name of a column by what others call it, the likeliest first."""

_FORMS = (
    (re.compile(rb"(?:RIFF|RF64)....WAVE", re.DOTALL), ".wav"),
    (re.compile(rb"fLaC"), ".flac"),
    (re.compile(rb"OggS.{24,280}OpusHead", re.DOTALL), ".opus"),
    (re.compile(rb"OggS"), ".ogg"),
    (re.compile(rb"ID3|\xff[\xe2-\xff][^\xf0-\xff\x00-\x0f]"), ".mp3"),
    (re.compile(rb"....ftyp", re.DOTALL), ".m4a"),
    (re.compile(rb"\x1a\x45\xdf\xa3"), ".webm"),
)
_SUFFIX = re.compile(r"\.[a-z0-9]{1,5}")


def named(columns: Iterable[str], aliases: Mapping[str, Collection[str]] = ALIASES) -> dict[str, str]:
    """Our names and the columns that hold them, as far as there are any; no column serves twice.

    >>> named(["Qid", "Audio", "Question", "Answer", "Score"])
    {'item_id': 'Qid', 'question_audio': 'Audio', 'question_text': 'Question', 'reference': 'Answer'}
    """
    by_lower = {name.lower(): name for name in reversed(list(columns))}
    found: dict[str, str] = {}
    for ours, theirs in aliases.items():
        name = next((by_lower.pop(alias) for alias in theirs if alias in by_lower), None)
        if name is not None:
            found[ours] = name
    return found


def refuse_missing(needed: Iterable[str], columns: Collection[str], where: str) -> None:
    """Raises `InputError` with the columns that were seen, unless every needed one is among them."""
    if missing := [name for name in needed if name not in columns]:
        raise InputError(f"got no column {_listed(missing)}, but {_listed(columns) or 'none at all'}", where=where)


def refuse_without(meaning: str, found: Mapping[str, str], columns: Collection[str], where: str) -> None:
    """Raises `InputError` unless a column of that meaning was found by its aliases."""
    if meaning not in found:
        raise InputError(
            f"got the columns {_listed(columns) or 'none at all'}, expected one of {_listed(ALIASES[meaning])} "
            f"for {meaning}", where=where)  # fmt: skip


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


def recording(value: Any, imported: Imported) -> str | None:
    """The name of a recording for a row, from a cell: a path, bytes, or a struct {bytes, path} as Hugging Face has it.

    Bytes are handed over as they are (`Imported.hold`) under the suffix that their content calls for; whether they can
    be played is found when they are taken in. Raises `ValueError` for a cell of another kind.
    """
    if isinstance(value, Mapping):
        data, path = value.get("bytes"), value.get("path")
        if data is None and path is None and value.get("array") is not None:
            raise ValueError("got decoded samples, expected the bytes of an audio file or a path")
    else:
        data, path = (value, None) if isinstance(value, bytes | bytearray) else (None, value)
    if isinstance(data, bytes | bytearray):
        return imported.hold(bytes(data), suffix(data, str(path or "")))
    if data is not None or not isinstance(path, str | None):
        raise ValueError(f"got {type(value).__name__} {str(value)[:40]!r}, expected a path, bytes, or a struct of both")
    return path or None


def suffix(data: bytes | bytearray, name: str = "") -> str:
    """The suffix that the first bytes of a recording call for; that of its name where they are of no known form.

    >>> suffix(b"fLaC\\0\\0\\0\\x22", "x.wav"), suffix(b"garbage", "x.WAV"), suffix(b"garbage")
    ('.flac', '.wav', '.bin')
    """
    known = next((ending for form, ending in _FORMS if form.match(data)), None)
    own = PurePosixPath(name.replace("\\", "/")).suffix.lower()
    return known or (own if _SUFFIX.fullmatch(own) else ".bin")


def one_text(value: Any, separator: str = " / ") -> str | None:
    """A text cell: stripped, None where empty; a list becomes one text.

    >>> one_text([" a", "b"]), one_text(" "), one_text(3)
    ('a / b', None, '3')
    """
    if isinstance(value, list | tuple):
        value = separator.join(text for text in map(one_text, value) if text)
    if value is None or value != value:
        return None
    return str(value).strip() or None


def tags_of(raw: Mapping[str, Any], names: Iterable[str]) -> tuple[str, ...]:
    """The cells of columns as tags `column=value`.

    >>> tags_of({"subset": "sing", "level": 2, "note": None}, ["subset", "level", "note", "none"])
    ('subset=sing', 'level=2')
    """
    return tuple(f"{name}={text}" for name in names if (text := one_text(raw.get(name))) is not None)


def source_files(path: Path, *patterns: str) -> list[Path]:
    """The file itself, or the files of a folder that fit a pattern, in order of their names."""
    if path.is_file():
        return [path]
    found = {file for pattern in patterns for file in path.glob(pattern) if file.is_file()}
    return sorted(file for file in found if not any(part.startswith(".") for part in file.relative_to(path).parts))
