"""Where a recording lies that a row names, and what to say where none does.

A path that leads nowhere is a mistake of the table or of the disk it points to, and never the candidate's silence. The
file is found under another spelling of the same name (Unicode composed or decomposed, backslashes, spaces or quotation
marks around it, file://, %20) where exactly one fits; anything further off is named as the nearest there is, and left
to whoever wrote the path.
"""

from __future__ import annotations

import difflib
import errno
import os
import re
import stat
from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from wavjudge.errors import InputError, MissingRecordingError
from wavjudge.files.safe import kind_of_file
from wavjudge.files.tables import TABLES, raw_rows
from wavjudge.nearest import apart, look
from wavjudge.store.answers import is_run

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_LOCAL = re.compile(r"file://(?:localhost(?=/))?|file:", re.IGNORECASE)
_QUOTES = {*zip("\"'`\u201c\u2018\u201e\u00ab", "\"'`\u201d\u2019\u201c\u00bb", strict=True)}
_VARIABLE = re.compile(r"\$\{?\w|%\w+%")
_LOOKED_AT = 20_000  # entries of a folder that are compared with a name that is not among them
_SHOWN = 200


def located(root: Path, name: str, *, hint: bool = True) -> tuple[Path, str | None]:
    """The regular, readable file that `name` means under `root`, and a remark where it is spelt otherwise.

    Raises `MissingRecordingError`. hint: whether a folder is searched for the nearest name.
    """
    path, remark = root / name, None
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        path, remark = _spelt_otherwise(root, name, hint)
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise _refused(name, _why_not(error)) from error
    if not stat.S_ISREG(mode):
        raise _refused(name, f"is {kind_of_file(mode)}, not a file")
    if not os.access(path, os.R_OK):
        raise _refused(name, "may not be read (permission denied)", "mend the permissions")
    return path, remark


def found(root: Path, name: str) -> Path | None:
    """The same, or None."""
    try:
        return located(root, name, hint=False)[0]
    except MissingRecordingError:
        return None


def home_of(root: Path) -> Path:
    """The folder from which recordings of somebody else's rows are taken: the one that was named, links followed. In
    the cache of huggingface_hub a snapshot's files are links to blobs beside the snapshots."""
    home = root.resolve()
    for above in (home, *home.parents):
        if above.parent.name == "snapshots" and (above.parent.parent / "blobs").is_dir():
            return above.parent.parent
    return home


def _refused(name: str, why: str, todo: str = "mend the path") -> MissingRecordingError:
    shown = name if len(name) <= _SHOWN else f"{name[:_SHOWN]}... ({len(name)} characters)"
    return MissingRecordingError(f"the recording {shown} {why}", todo=f"{todo}; the same command looks again")


def _why_not(error: Exception) -> str:
    if isinstance(error, PermissionError):
        return "may not be looked at (permission denied)"
    if isinstance(error, OSError) and error.errno == errno.ENOTDIR:
        return "is not there: a part of its path is a file, not a folder"
    if isinstance(error, OSError) and error.errno != errno.ENAMETOOLONG:
        return f"cannot be opened ({error.strerror})"
    return "has a name that no file can have, as if the recording itself stood in the place of its path"


def _spelt_otherwise(root: Path, name: str, hint: bool) -> tuple[Path, str]:
    spellings = _spellings(name)
    fitting = list(dict.fromkeys(path for one in spellings for path in _composed(root, one)))
    if len(fitting) == 1:
        shown = name[:_SHOWN] if name == name.strip() else repr(name[:_SHOWN])
        return fitting[0], " was found as ".join(apart(shown, _relative(fitting[0], root)))
    if fitting:
        several = ", ".join(apart(*(_relative(path, root) for path in fitting[:4])))
        raise _refused(name, f"is not there under this very name, and several others fit it: {several}")
    if (root / name).is_symlink():
        aim = os.readlink(root / name)  # noqa: PTH115
        todo = "fetch it: git annex get" if ".git/annex/" in aim else "put the file back"
        raise _refused(name, f"is a link to {aim}, which is not there", todo)
    raise _refused(name, *_absent(root, name, hint))


def _spellings(name: str) -> list[str]:
    """What a name that is not there may mean: without spaces and quotation marks around it, an address of a file as its
    path, %20 as a space, backslashes as slashes."""
    bare = name.strip()
    while len(bare) > 1 and (bare[0], bare[-1]) in _QUOTES:
        bare = bare[1:-1].strip()
    found = [name, bare]
    if local := _LOCAL.match(bare):
        found = [bare[local.end() :], unquote(bare[local.end() :])]
        found += [one.removeprefix("/") for one in found if re.match("/[A-Za-z]:", one)]  # file:///C:/
    found += [unquote(one) for one in found]
    found += [one.replace("\\", "/") for one in found]
    return [one for one in dict.fromkeys(found) if one and "\0" not in one]


def _composed(root: Path, name: str) -> list[Path]:
    """The files whose name looks the same (composed and decomposed letters, odd spaces), part by part."""
    places = [(Path(name).anchor and Path(Path(name).anchor)) or root]
    for part in [part for part in Path(name).parts if part != Path(name).anchor]:
        places = [one for place in places for one in _entries(place, part)][:8]
    return [place for place in places if place.is_file()]


def _entries(folder: Path, part: str) -> list[Path]:
    if part in (".", ".."):
        return [folder / part]
    try:
        if (folder / part).exists():
            return [folder / part]
        names = _names(str(folder), folder.stat().st_mtime_ns)
    except OSError:
        return []
    return [folder / name for name in names.get(look(part), ())]


@lru_cache(maxsize=8)
def _names(folder: str, written: int) -> dict[str, tuple[str, ...]]:
    """The entries of a folder by what their names look like; `written` makes a folder that changed another one."""
    found: dict[str, tuple[str, ...]] = {}
    for name in os.listdir(folder):  # noqa: PTH208 - a hundred thousand names, no paths
        key = look(name)
        found[key] = (*found.get(key, ()), name)
    return found


def _absent(root: Path, name: str, hint: bool) -> tuple[str, str]:
    """What is wrong with a name under which nothing lies, and what to do."""
    if not _LOCAL.match(name.strip()) and (_URL.match(name.strip()) or name.startswith("data:")):
        return "is an address, and nothing is fetched", "download it, and name the file"
    if name.strip().startswith("~"):
        return "is not there: ~ is not expanded", _written_out(name.strip())
    if _VARIABLE.search(name):
        return "is not there: variables are not expanded", "write the path out"
    if not hint:
        return "is not there", "mend the path or put the file back"
    return f"is not there{_nearest(root, name)}", "mend the path or put the file back"


def _written_out(name: str) -> str:
    try:
        there = Path(name.replace("\\", "/")).expanduser()
        return f"write the path out: {there}" if there.is_file() else "write the path out"
    except (OSError, RuntimeError, ValueError):  # no such user
        return "write the path out"


def _nearest(root: Path, own: str) -> str:
    """The nearest name, in words; empty where nothing is near."""
    name = (_spellings(own) or [own])[-1]
    wanted = root / name.replace("\\", "/")
    folder = wanted.parent
    while not folder.is_dir() and folder != folder.parent:
        wanted, folder = folder, folder.parent
    if wanted != root / name.replace("\\", "/"):
        near = _near(folder, wanted.name, folders=True)
        missing = f"; there is no folder {_relative(wanted, root)}"
        return f"{missing}, the nearest is {_relative(folder / near, root)}" if near else missing
    if near := _near(folder, wanted.name):
        way = ", which differs in upper and lower case" if near.casefold() == wanted.name.casefold() else ""
        return f"; the nearest name is {_relative(folder / near, root)}{way}"
    if Path(name).is_file():
        return f"; there is one relative to the working directory, but paths are relative to {root}"
    return f"; paths are relative to {root}"


def _near(folder: Path, name: str, *, folders: bool = False) -> str | None:
    try:
        entries = islice(folder.iterdir(), _LOOKED_AT)
        names = [one.name for one in entries if not folders or one.is_dir()]
    except OSError:
        return None
    same = [one for one in sorted(names) if one.casefold() == name.casefold()]
    stems = {Path(one).stem.casefold(): one for one in sorted(names, reverse=True)}  # the suffix is the same for all
    near = [stems[one] for one in difflib.get_close_matches(Path(name).stem.casefold(), stems, 1, 0.7)]
    return next(iter((*same, *near)), None)


def _relative(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


# A run folder, one of its files, or answers in the place of a test set; a run's file in the place of answers.

_OF_RUNS = ("responses.jsonl", "items.jsonl", "ratings.jsonl", "manifest.json")


def refuse_for_questions(path: Path) -> None:
    """`InputError` where `path` holds answers, not questions to ask."""
    if is_run(path):
        raise InputError(
            "got a run folder, expected a test set with questions to ask", where=str(path), todo=_ways(path)
        )
    _refuse_file_of_run(path)
    if path.is_file() and path.suffix.lower() in TABLES and _holds_answers(next(iter(raw_rows(path)), ("", ""))[1]):
        raise InputError("got a table of answers, expected questions to ask", where=str(path),
                         todo=f"to rate these answers: wavjudge score {path} --judge SPEC; to ask their questions, "
                              "give a table without candidate, text and audio")  # fmt: skip


def refuse_for_answers(path: Path) -> None:
    """`InputError` where `path` is a file inside a run folder, which is rated as a whole."""
    _refuse_file_of_run(path)


def _refuse_file_of_run(path: Path) -> None:
    if path.name in _OF_RUNS and is_run(path.parent):
        raise InputError(f"got {path.name} of a run folder", where=str(path), todo=_ways(path.parent))


def _ways(run: Path) -> str:
    return (f"to rate the answers in it: wavjudge score {run} --judge SPEC --out {run}; to ask the same questions "
            "once more, name the test set that it was begun with (`source` in its manifest.json)")  # fmt: skip


def _holds_answers(row: Mapping[str, Any] | str) -> bool:
    if isinstance(row, str):
        return False
    is_written = "text" in row and ("question_text" in row or "question_audio" in row)
    return is_written or any(name in row for name in ("candidate", "answers", "audio"))
