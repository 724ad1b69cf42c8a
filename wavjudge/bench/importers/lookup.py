"""Names and rows that an import has to remember, in little memory: a test set may have a hundred thousand of them."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable


def mark(*names: object) -> int:
    """A number of eight bytes that stands for some names; a different one for different names, as far as chance goes.

    >>> mark("a", "b") == mark("a", "b"), mark("a", "b") == mark("ab", "")
    (True, False)
    """
    text = json.dumps(names, default=str).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest())


class Lookup:
    """Texts by name, on disk; gone when the object is.

    >>> found = Lookup([("7", "Why?"), ("8", "Who?"), ("7", "Where?")])
    >>> found.get("7"), found.get("9"), len(found)
    ('Where?', None, 2)
    """

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._base = sqlite3.connect("")  # a temporary file
        self._base.execute("CREATE TABLE texts (name TEXT PRIMARY KEY, text TEXT) WITHOUT ROWID")
        self._base.executemany("INSERT OR REPLACE INTO texts VALUES (?, ?)", pairs)

    def get(self, name: str) -> str | None:
        found = self._base.execute("SELECT text FROM texts WHERE name = ?", (name,)).fetchone()
        return None if found is None else str(found[0])

    def __len__(self) -> int:
        return int(self._base.execute("SELECT count(*) FROM texts").fetchone()[0])
