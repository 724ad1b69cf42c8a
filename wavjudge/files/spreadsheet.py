"""CSV as spreadsheets write it: which encoding, what stands between cells, which mark begins the decimals.

What can be told from the file is told once, in a warning of the logger `wavjudge`. What cannot be told is an
`InputError` and never a guess: an encoding of before Unicode, ``1,234`` (a thousand, or one and a bit), a date that
stands where a number or a name stood.
"""

from __future__ import annotations

import csv
import io
import logging
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

from wavjudge.errors import InputError
from wavjudge.files.safe import refuse_special

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
SAVE = 'save it as "CSV UTF-8"'
REST = "more cells than the header has columns"
NAMELESS = "a cell in a column without a name"

_SAMPLE = 1 << 16
_RECORDS = 100
_MARKS = (  # UTF-32 first: its mark begins with that of UTF-16
    (b"\xff\xfe\x00\x00", "utf-32"), (b"\x00\x00\xfe\xff", "utf-32"), (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"),
)  # fmt: skip
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_TOLD = re.compile(r'^"?sep=(.)"?\s*$', re.IGNORECASE)

_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+(e[+-]?[0-9]+)?", re.IGNORECASE)
_POINT = re.compile(r"[+-]?[0-9]*\.[0-9]+(e[+-]?[0-9]+)?", re.IGNORECASE)
_GROUP = re.compile(r"[+-]?[1-9][0-9]{0,2}[.,][0-9]{3}")
_GROUPS = re.compile(r"[+-]?[0-9]{1,3}((,[0-9]{3})+\.[0-9]+|(\.[0-9]{3})+,[0-9]+|(,[0-9]{3}){2,}|(\.[0-9]{3}){2,})")

_MONTH = (
    "jan(uary|uar|vier)?|feb(ruary|ruar)?|f[eé]v(r|rier)?|mar(ch|s|zo)?|m[aä]rz?|mrz|apr(il|ile)?|avr(il)?|may|mai|"
    "jun[ei]?|juin|jul[yi]?|juil(let)?|aug(ust)?|ao[uû]t|sept?(ember|embre)?|o[ck]t(ober|obre)?|nov(ember|embre)?|"
    "de[cz](ember)?|d[eé]c(embre)?|ene|abr|ago|dic|gen|mag|giu|lug|set|ott"
)
_DATE = re.compile(
    rf"[0-9]{{1,2}}[-./ ]+({_MONTH})\.?|({_MONTH})\.?[- ]+[0-9]{{1,4}}|[0-9]{{1,2}}月[0-9]{{1,2}}日|"
    r"[0-9]{1,2}\.[0-9]{1,2}\.([0-9]{2}|[0-9]{4})?|[0-9]{1,2}/[0-9]{1,2}/([0-9]{2}|[0-9]{4})|"
    r"[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}([T ]00:00(:00)?)?", re.IGNORECASE,
)  # fmt: skip
# Of names only what spreadsheets write for 3-4 or 4-26: "set-10" is no October.
_DATED_NAME = re.compile(
    rf"[0-9]{{1,2}}(-|\. )(?i:{_MONTH})|"
    r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|Mrz|Mai|Okt|Dez)[- ][0-9]{2}|"
    r"[0-9]{1,2}月[0-9]{1,2}日|[0-9]{1,2}(?P<mark>[./])[0-9]{1,2}(?P=mark)[0-9]{4}"
)
_SHORTENED = re.compile(r"[0-9][.,][0-9]+E\+[0-9]{2}")
_FAULT = re.compile(r"#[A-ZÄÖÜÉ/0]+[!?]|#N/A|#NV|#{3,}")


_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def inert(text: str) -> str:
    """A text as a cell that no spreadsheet computes: what begins as a formula does gets an apostrophe before it.

    So does what begins with apostrophes and goes on as a formula, so that `as_named` gives every text back. For cells
    of text alone: a number stays a number.

    >>> inert("=1+1"), inert("'=1"), inert("it's"), inert("a=b")
    ("'=1+1", "''=1", "it's", 'a=b')
    """
    return f"'{text}" if _FORMULA.match(text) else text


def as_named(cell: str) -> str:
    """The text that `inert` made the cell of.

    >>> as_named("'=1+1"), as_named("''=1"), as_named("'tis"), as_named("=1")
    ('=1+1', "'=1", "'tis", '=1')
    """
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


@dataclass(frozen=True, slots=True)
class Dialect:
    """encoding: Python's name of it. separator: between cells. begins: lines before the header. decimal_point: False
    where the file has the look of a spreadsheet that may write decimals with a comma."""

    encoding: str = "utf-8-sig"
    separator: str = ","
    begins: int = 0
    decimal_point: bool = True

    @property
    def said(self) -> str:
        """What is not as usual, in words; "" where nothing is."""
        parts = [self.encoding.upper()] if not self.encoding.startswith("utf-8") else []
        parts += [f"{_named(self.separator)} between cells"] if self.separator != "," else []
        return " with ".join(parts)


def dialect(path: Path) -> Dialect:
    """How the file is written, from its beginning. Raises `InputError` for an Excel workbook.

    A tab-separated file counts as usual where it is called .tsv.
    """
    refuse_special(path)
    state = path.stat()
    return _sniffed(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=64)  # a file is opened several times; what it is like is said once
def _sniffed(path: Path, _changed: int, _size: int) -> Dialect:
    with path.open("rb") as file:
        head = file.read(_SAMPLE)
    if head.startswith(_WORKBOOKS):
        raise InputError("got an Excel workbook, expected text", todo=SAVE, where=str(path))
    encoding = _encoding(head)
    text, whole = head.decode(encoding, "replace"), len(head) < _SAMPLE
    found = _of_text(text, encoding, whole=whole)
    _refuse_mixed(text, found, whole, path)
    if found.said and not (found == Dialect(separator="\t") and path.suffix.lower() == ".tsv"):
        logging.getLogger("wavjudge").warning("%s: read as %s", path, found.said)
    return found


def _encoding(head: bytes) -> str:
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    head = head[:256]  # the header is Latin, whatever the language of the rest
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) > len(head) // 5:  # every other byte of Latin text is zero in UTF-16
        return "utf-16-le" if odd > even else "utf-16-be"
    return "utf-8-sig"


def _of_text(text: str, encoding: str, *, whole: bool) -> Dialect:
    first = text.partition("\n")[0]
    if told := _TOLD.match(first):
        return Dialect(encoding, told[1], 1, decimal_point=told[1] == ",")
    separator = max(SEPARATORS, key=lambda one: _fit(text, one, whole))  # the comma where several fit
    if _fit(text, separator, whole)[0] <= 0 and text.count("\n") > 1:
        separator = ","  # a header alone decides nothing
    # A program writes tabs and UTF-8 with points; semicolons are there because the comma is taken.
    return Dialect(encoding, separator, 0, separator == "," or (separator in "\t|" and encoding.startswith("utf-8")))


def _fit(text: str, separator: str, whole: bool) -> tuple[float, int]:
    """How well the separator explains the text: records as long as the header, and cells of the header."""
    reader, records = csv.reader(io.StringIO(text, newline=""), delimiter=separator), list[int]()
    try:
        for row in reader:
            if row:
                records.append(len(row))
            if len(records) > _RECORDS:
                break
    except csv.Error:
        pass
    if not whole and len(records) > 2:
        records.pop()  # cut off by the end of the sample
    if not records or records[0] < 2:
        return (-1.0, 0)
    rows = records[1:]
    return (sum(1 for n in rows if n == records[0]) / len(rows) if rows else 0.0, records[0])


def _refuse_mixed(text: str, found: Dialect, whole: bool, path: Path) -> None:
    """Refuse a file whose header stands by one separator and whose rows by another: any reading would invent cells."""
    lines = [line for line in text.splitlines()[found.begins :] if line.strip()]
    rows = lines[1:_RECORDS] if whole or len(lines) < 3 else lines[1:-1][:_RECORDS]
    for own in (one for one in SEPARATORS if rows and _cells(lines[0], one) > 1):
        width = _cells(lines[0].rstrip(own), own)
        if any(_cells(row, own) >= width for row in rows) or _cells(lines[0], found.separator) > width:
            continue
        for other in (one for one in SEPARATORS if one != own and _cells(lines[0], one) == 1):
            fitting = sum(_cells(row, other) >= width for row in rows)
            if 2 * fitting > len(rows):
                raise InputError(
                    f"got {_named(own)} between the names of the columns and {_named(other)} between the cells of the "
                    f"rows below ({fitting} of the first {len(rows)})", where=f"{path}, header",
                    todo=f"write the header with {_named(other)}, or all rows with {_named(own)}",
                )  # fmt: skip


def _cells(line: str, separator: str) -> int:
    """How many cells a line has by a separator; 0 where it cannot be told."""
    try:
        return len(next(csv.reader([line], delimiter=separator), ()))
    except csv.Error:
        return 0


def _named(separator: str) -> str:
    return SEPARATORS.get(separator, repr(separator))


class Records:
    """The records of a CSV file: (line of its end, cells) each, without empty ones and without empty cells at the end.

    A text stands in the place of the cells of a record that cannot be read, and of one with fewer cells than its header
    (a file that was cut off ends so). header: names of the columns, "" for none.
    """

    def __init__(self, path: Path, lines: Iterable[str], found: Dialect) -> None:
        self._begins, self._separator = found.begins, found.separator
        self.header: list[str] = []
        # Strict, or a quotation mark that nothing closes would swallow the rows after it.
        self._reader = csv.reader(islice(lines, found.begins, None), delimiter=found.separator, strict=True)
        first = next(iter(self), (0, list[str]()))[1]
        if isinstance(first, str):
            raise InputError(first, where=f"{path}, header")
        self.header = [cell.strip() for cell in first]
        if repeated := [name for name in self.header if name and self.header.count(name) > 1]:
            raise InputError(f"got the column {repeated[0]!r} twice", todo="rename one", where=f"{path}, header")

    def __iter__(self) -> Iterator[tuple[int, list[str] | str]]:
        while True:
            try:
                row = next(self._reader, None)
            except csv.Error as error:
                yield self._line, f"expected a CSV row, got none ({error})"
                continue
            except UnicodeDecodeError as error:
                yield self._line + 1, f"got bytes that are no {error.encoding.upper()}, from there on nothing is read"
                return
            if row is None:
                return
            if cells := _trimmed(row):
                yield self._line, self._short(row) if len(row) < len(self.header) else _decoded(cells)

    def _short(self, row: list[str]) -> str:
        """What is said of a record with fewer cells than the header."""
        said = f"got {len(row)} {'cell' if len(row) == 1 else 'cells'}, and a header of {len(self.header)} columns"
        line = self._separator.join(row)
        for other in (one for one in SEPARATORS if one != self._separator):
            if _cells(line, other) >= len(self.header):
                return f"{said}: here {_named(other)} stand between cells, and elsewhere {_named(self._separator)}"
        return f"{said}; write the row to its end (empty cells too have their {_named(self._separator)})"

    @property
    def _line(self) -> int:
        return self._reader.line_num + self._begins

    def fields(self, cells: list[str]) -> dict[str, str | list[str]]:
        """The cells by the names of their columns; "" for empty ones at the end."""
        row: dict[str, str | list[str]] = {name: "" for name in self.header if name}
        row |= {name or NAMELESS: cell for name, cell in zip(self.header, cells, strict=False) if name or cell}
        if len(cells) > len(self.header):
            row[REST] = cells[len(self.header) :]
        return row


@contextmanager
def opened(path: Path) -> Iterator[Records]:
    """The records of a file, to be read while it is open."""
    found = dialect(path)
    with path.open(encoding=found.encoding, errors="surrogateescape", newline="") as file:
        yield Records(path, file, found)


def _decoded(cells: list[str]) -> list[str] | str:
    """The cells, unless one of them kept bytes that are not UTF-8."""
    try:
        "".join(cells).encode("utf-8", "surrogateescape").decode("utf-8")
    except UnicodeDecodeError as error:
        return _of_before_unicode(error)
    return cells


def _trimmed(row: list[str]) -> list[str]:
    end = len(row)
    while end and not row[end - 1].strip():
        end -= 1
    return row[:end]


def not_utf8(error: UnicodeDecodeError) -> str:
    return f"expected UTF-8 text, got the byte 0x{error.object[error.start]:02x}"


def _of_before_unicode(error: UnicodeDecodeError) -> str:
    """The same, and what the byte would be in what Excel writes as plain CSV in Western Europe: perhaps, not surely."""
    like = error.object[error.start : error.start + 1].decode("cp1252", "replace")
    return f"{not_utf8(error)} ({like!r} if this is Windows-1252; {SAVE})"


class Ambiguous(Exception):
    """A cell that may be two numbers. cell: as it stands. why: in words."""

    def __init__(self, cell: str, why: str) -> None:
        super().__init__(cell, why)
        self.cell, self.why = cell, why


def with_points(cells: Collection[str], *, decimal_point: bool) -> dict[str, str]:
    """The cells of one column of numbers that have a decimal comma, with a point in its place.

    decimal_point: of the dialect. Raises `Ambiguous` where a mark may separate decimals or thousands.

    >>> with_points(["4,5", "3", "3,667"], decimal_point=False)
    {'4,5': '4.5', '3,667': '3.667'}
    """
    told = {cell: cell.strip() for cell in cells}
    if grouped := [cell for cell, text in told.items() if _GROUPS.fullmatch(text)]:
        raise Ambiguous(grouped[0], "a number with separators between thousands")
    commas = [cell for cell, text in told.items() if _COMMA.fullmatch(text)]
    points = [cell for cell, text in told.items() if _POINT.fullmatch(text)]
    if commas and points:
        raise Ambiguous(commas[0], f"a decimal comma in a column that has {points[0]!r} too")
    for marked, doubt in ((commas, True), (points, not decimal_point)):
        if doubt and marked and all(_GROUP.fullmatch(told[cell]) for cell in marked):
            whole = told[marked[0]].replace(",", "").replace(".", "")
            raise Ambiguous(
                marked[0], f"{whole} or a number with three decimals, and nothing in the column tells which"
            )
    return {cell: told[cell].replace(",", ".") for cell in commas}


def dates(cells: Collection[str]) -> list[str]:
    """The cells that are dates: in a column of scores each was another thing once.

    >>> dates(["4", "03. Apr", "2026-04-03", "3-4"])
    ['03. Apr', '2026-04-03']
    """
    return [cell for cell in cells if _DATE.fullmatch(cell.strip())]


def damaged_names(cells: Collection[str]) -> list[tuple[str, str]]:
    """Cells of a column of names that a spreadsheet has changed, and into what; dates only beside others.

    >>> damaged_names(["q-1", "1.23457E+15"]), damaged_names(["3-Apr", "4-Apr"])
    ([('1.23457E+15', 'a long number that a spreadsheet has shortened')], [])
    >>> damaged_names(["3-Apr", "3-13"])
    [('3-Apr', 'a date that a spreadsheet made of it')]
    """
    told = [(cell, cell.strip()) for cell in cells if cell.strip()]
    found = [(cell, "a long number that a spreadsheet has shortened") for cell, t in told if _SHORTENED.fullmatch(t)]
    found += [(cell, "an error of a spreadsheet") for cell, text in told if _FAULT.fullmatch(text)]
    dated = [(cell, "a date that a spreadsheet made of it") for cell, text in told if _DATED_NAME.fullmatch(text)]
    return found + (dated if len(dated) < len(told) else [])
