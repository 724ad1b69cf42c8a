"""From the rows of a source to ours, one at a time: what cannot be used is noted with its place and passed over.

Also here: how a JSON file that is one long list is read without holding it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from wavjudge.bench.importers.base import Imported
from wavjudge.bench.importers.columns import recording
from wavjudge.bench.rows import ItemRow, validated
from wavjudge.bench.table_files import Raw
from wavjudge.errors import InputError
from wavjudge.internal import ends_the_run, noted
from wavjudge.regular import refuse_special

R = TypeVar("R", bound=ItemRow)
_CHUNK = 1 << 18
_SPACE = re.compile(r"[ \t\r\n]*")
_AFTER = frozenset(" \t\r\n,]}")


class Unread(str):
    """Why an element of a list could not be read, in its place."""


class BadCell(ValueError):
    """A cell of a row that cannot be used, with the column it stands in."""

    def __init__(self, column: str, problem: str) -> None:
        super().__init__(f'field "{column}": {problem}')


def usable(
    source: Iterable[tuple[str, Raw]], fields: Callable[[Mapping[str, Any]], Mapping[str, Any]], kind: type[R],
    imported: Imported,
) -> Iterator[tuple[str, R]]:  # fmt: skip
    """The rows that `fields` makes of the source's; a bad one is named in `bad_rows`, and the rest goes on."""
    for where, raw in source:
        try:
            row = raw if isinstance(raw, str) else validated(fields(raw), kind)
        except BadCell as error:
            row = str(error)
        except Exception as error:  # whatever a row of another project holds, the others are read
            if ends_the_run(error):
                raise
            row = noted(error)
        if isinstance(row, str):
            imported.sounds.clear()
            imported.bad_rows.append(f"{where}, {row}")
        else:
            yield where, row


def counted(source: Iterable[tuple[str, Raw]], used: Collection[str], imported: Imported) -> Iterator[tuple[str, Raw]]:
    """The rows as they are, with the fields that nobody uses counted."""
    for where, raw in source:
        if not isinstance(raw, str):
            imported.unused_fields.update(raw.keys() - set(used))
        yield where, raw


def sound(column: str, value: Any, imported: Imported) -> str | None:
    """`columns.recording`, whose complaint names the column."""
    try:
        return recording(value, imported)
    except ValueError as error:
        raise BadCell(column, str(error)) from error


def elements(path: Path) -> Iterator[tuple[str, str, Any]]:
    """Place, key and element of a JSON file that is a list (its key is ""), or an object of lists; read bit by bit.

    Raises `InputError` where the file is neither. What stands before the flaw was yielded by then. An element that
    holds what is no UTF-8 text is an `Unread` that says so.
    """
    refuse_special(path)
    with path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
        reader = _Reader(iter(lambda: file.read(_CHUNK), ""), path)
        if reader.next_is("["):
            yield from ((f"{path}, element {number}", "", _text(value)) for number, value in reader.values("]"))
            return
        reader.expect("{")
        while not reader.next_is("}"):
            key = reader.value()
            reader.expect(":")
            reader.expect("[")
            yield from ((f"{path}, {key!r}, element {number}", str(key), _text(v)) for number, v in reader.values("]"))
            reader.next_is(",")


def _text(value: Any) -> Any:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        return Unread(f"expected UTF-8 text, got {error.object[error.start]!a}")
    return value


class _Reader:
    """One JSON value after the other out of a text that comes in pieces."""

    def __init__(self, pieces: Iterator[str], path: Path) -> None:
        self._pieces, self._path = pieces, path
        self._text, self._at = "", 0
        self._decoder = json.JSONDecoder()

    def next_is(self, sign: str) -> bool:
        """Whether the sign comes next; it is passed then."""
        self._skip_space()
        found = self._text.startswith(sign, self._at)
        self._at += len(sign) if found else 0
        return found

    def expect(self, sign: str) -> None:
        if not self.next_is(sign):
            raise InputError(f"expected {sign!r}, got {self._text[self._at : self._at + 40]!r}",
                             where=str(self._path), todo="expected a JSON list, or an object of lists")  # fmt: skip

    def values(self, end: str) -> Iterator[tuple[int, Any]]:
        number = 0
        while not self.next_is(end):
            yield (number := number + 1), self.value()
            if not self.next_is(","):
                self.expect(end)
                return

    def value(self) -> Any:
        self._skip_space()
        while True:
            try:
                value, at = self._decoder.raw_decode(self._text, self._at)
            except RecursionError as error:
                raise InputError("got JSON that is nested too deep", where=str(self._path)) from error
            except json.JSONDecodeError as error:
                if not self._more():
                    raise InputError(f"got what is no JSON ({error.msg})", where=str(self._path)) from error
            else:
                # A number may go on in the next piece: "1" and "0", "0." and "5".
                if not isinstance(value, int | float) or self._text[at : at + 1] in _AFTER or not self._more():
                    self._at = at
                    return value

    def _skip_space(self) -> None:
        while (found := _SPACE.match(self._text, self._at)) and (at := found.end()) == len(self._text):
            self._at = at
            if not self._more():
                return
        self._at = found.end() if found else self._at

    def _more(self) -> bool:
        """Read on, as much again as is left: a long value is then parsed a few times, not thousands."""
        left = self._text[self._at :]
        pieces: list[str] = []
        while sum(map(len, pieces)) <= len(left) and (piece := next(self._pieces, "")):
            pieces.append(piece)
        self._text, self._at = left + "".join(pieces), 0
        return bool(pieces)
