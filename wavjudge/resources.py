"""The data that ships with wavjudge (prompts, tiny, how to obtain other test sets), found wherever it was put.

In a wheel they lie inside the package (`wavjudge/_data`), in a checkout beside it. A folder counts as found when its
INDEX file is there, so a stray folder of the same name in the working directory is never taken for ours.
"""

from __future__ import annotations

from pathlib import Path

from wavjudge.errors import StoreError

_PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """The shipped folder `name` ("prompts" or "benchmarks").

    >>> (folder("prompts") / "INDEX").is_file()
    True
    """
    for place in (_PACKAGE / "_data", _PACKAGE.parent):
        if (place / name / "INDEX").is_file():
            return place / name
    raise StoreError(f"got no shipped folder {name!r} beside or inside the package", todo="install wavjudge again")


def index(name: str) -> tuple[str, ...]:
    """The entries of a shipped folder, in the order of its INDEX file (one a line, # begins a comment).

    >>> "semantic" in index("prompts")
    True
    """
    lines = (folder(name) / "INDEX").read_text(encoding="utf-8").splitlines()
    entries = (line.split("#", 1)[0].strip() for line in lines)
    return tuple(entry for entry in entries if entry)
