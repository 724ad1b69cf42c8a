"""Regular files only: a pipe would be waited on for ever, and a device might never end."""

from __future__ import annotations

import stat
from pathlib import Path

from wavjudge.errors import InputError


def kind_of_file(mode: int) -> str:
    """What stands at a path, in words.

    >>> kind_of_file(0o010644), kind_of_file(0o040755)
    ('a pipe', 'a folder')
    """
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device",
             stat.S_IFBLK: "a device", stat.S_IFLNK: "a link", stat.S_IFREG: "a file"}  # fmt: skip
    return kinds.get(stat.S_IFMT(mode), "no file")


def refuse_special(path: Path) -> None:
    """`InputError` for a pipe, a device or a socket; nothing for a file, a folder, or what is not there.

    >>> refuse_special(Path("/dev/null"))
    Traceback (most recent call last):
    wavjudge.errors.InputError: /dev/null: it is a device, not a file
    What to do: write what it gives into a file, and name that
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # opening it says what is wrong
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise InputError(f"it is {kind_of_file(mode)}, not a file", where=str(path),
                         todo="write what it gives into a file, and name that")  # fmt: skip
