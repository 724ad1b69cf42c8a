"""Names for SPECs, from two files called `wavjudge.toml`: the user's own, and that of the working directory.

    own      in the user's configuration folder, or the file that WAVJUDGE_CONFIG names: the user's word
    folder   in the working directory, never in a folder above it: it may have come with somebody's data

A table `[models.NAME]` holds `spec = "KIND:NAME?..."`, or `kind`, `name` and the options as keys of their own. What the
folder's file may not do is said in `spec.FromFolder`.
"""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path
from typing import Any

import platformdirs

from wavjudge.clients.spec import NAMED_FILE, FromFolder, Spec, parse_spec
from wavjudge.errors import SpecError
from wavjudge.nearest import listed, nearest, of_path

OWN_FILE = "WAVJUDGE_CONFIG"
MAX_BYTES = 1 << 20

BUILT_IN = frozenset({
    "openai", "gemini", "azure", "signals", "checks", "replay", "command", "python", "recorded", "cascade", "espeak",
    "moonshine", "echo",
})  # fmt: skip
"""What stands for something here already: every kind of judge, candidate, voice and ear (a test compares them)."""


class Names(dict[str, str]):
    """SPECs by name; those of the folder's file are `FromFolder`. told: which files were found, in a sentence each."""

    told: tuple[str, ...] = ()


def load_named(folder: str | Path = ".") -> Names:
    """What both files define, each name as a canonical SPEC. A name in both means what the user's own file says.

    Raises `SpecError` with file and table for what does not read, and for a name that is built in.

    >>> load_named("a folder without the file")
    {}
    """
    own, found = own_file(), Path(folder) / NAMED_FILE
    mine = _definitions(own, needed=OWN_FILE in os.environ)
    theirs = {} if _same(own, found) else _definitions(found)
    names = Names({name: FromFolder(spec) for name, spec in theirs.items()} | mine)
    names.told = (*_told(theirs, found, "of this folder"), *_told(mine, own, "of your own"))
    return names


def own_file() -> Path:
    """Where the user's own names stand."""
    if chosen := os.environ.get(OWN_FILE):
        return Path(chosen)
    return Path(platformdirs.user_config_dir("wavjudge", appauthor=False)) / NAMED_FILE


def _told(names: dict[str, str], path: Path, whose: str) -> list[str]:
    # repr: a path holds what its maker liked, and this goes to a terminal.
    return [f"the {NAMED_FILE} {whose} is used: {str(path.absolute())!r} defines {', '.join(names)}"] if names else []


def _same(own: Path, found: Path) -> bool:
    try:
        return own.samefile(found) and not found.is_symlink()
    except OSError:
        return False


def _definitions(path: Path, *, needed: bool = False) -> dict[str, str]:
    if (text := _text_of(path)) is None:
        if needed:
            raise SpecError(f"got no such file, which {OWN_FILE} names", where=str(path), todo=of_path(path))
        return {}
    try:
        tables = tomllib.loads(text).get("models", {})
    except (ValueError, RecursionError) as error:
        todo = 'text stands in quotation marks, below its table: spec = "KIND:NAME"'
        raise SpecError(f"not TOML: {error}", where=str(path), todo=todo) from None
    _refuse_misnamed(path, text)
    if not isinstance(tables, dict):
        raise SpecError("got models = ..., expected tables [models.NAME]", where=str(path))
    return {name: str(_definition(name, table, f"{path}, [models.{name}]")) for name, table in tables.items()}


def _text_of(path: Path) -> str | None:
    """The text of the file, None where there is none; a pipe or a device is not read, nor a file without end."""
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0))) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise SpecError("got what is no plain file, expected TOML", where=str(path))
            data = file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise SpecError(f"got a file that cannot be read ({error})", where=str(path)) from None
    if len(data) > MAX_BYTES:
        raise SpecError(f"got a file of more than {MAX_BYTES} bytes, expected some names", where=str(path))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecError(f"not TOML: expected UTF-8, got the byte 0x{data[error.start]:02x}", where=str(path)) from None


def _definition(name: str, table: Any, where: str) -> Spec:
    try:
        refuse_built_in(name)
        if not isinstance(table, dict) or ("spec" in table) == ("kind" in table):
            raise _no_spec(table)
        texts = {key: _text(key, value) for key, value in table.items()}
        base = parse_spec(texts.pop("spec")) if "spec" in texts else Spec(texts.pop("kind"), texts.pop("name", ""))
        return base.changed(texts)
    except SpecError as error:
        raise SpecError(error.problem, todo=error.todo, where=where) from None


def _refuse_misnamed(path: Path, text: str) -> None:
    """A table that is called nearly as the one that is read would define nothing, without a word."""
    for name in tomllib.loads(text):
        if name != "models" and nearest(name, ["models"]):
            raise SpecError(f"got the table [{name}...], expected [models.NAME]", todo="did you mean models?",
                            where=str(path))  # fmt: skip


def _no_spec(table: Any) -> SpecError:
    """Of a table that says no model, or says it twice: what it holds, and what was perhaps meant."""
    if not isinstance(table, dict):
        return SpecError(f"got {type(table).__name__}, expected a table", todo='write spec = "KIND:NAME" into it')
    keys = [key for key in table if key not in ("spec", "kind")]
    near = [f"{key!r} is perhaps {found}" for key in keys if (found := nearest(key, ("spec", "kind")))]
    return SpecError(f"got {listed(table)}, expected either spec or kind",
                     todo="; ".join([*near, 'write spec = "KIND:NAME?key=value"']))  # fmt: skip


def refuse_built_in(name: str) -> None:
    """`SpecError` for a name that means something already, however it is written, or that is none."""
    if not all(c.isascii() and (c.isalnum() or c in "_.-") for c in name) or not name[:1].isalnum():
        raise SpecError(f"got the name {name!r}, expected letters, digits and _ . -")
    if name.lower() in BUILT_IN:
        raise SpecError(f"got the name {name!r}, which is built in and cannot be defined again",
                        todo="call the model something else")  # fmt: skip


def _text(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise SpecError(f"got {key} = {type(value).__name__}, expected a string, number or boolean")
