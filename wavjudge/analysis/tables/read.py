"""Flat tables from files: CSV, JSONL, Parquet with the columns of `wavjudge export`, four of them required.

An empty cell is a missing cell, and both get the default: benchmark and candidate "", attempt, turn and repeat 0,
rater_kind as asked for, signature the rater's name, status "ok" where a number stands, "skipped" where nothing does,
"unparseable" where text does, cached unknown (NA). Nothing is judged here: `tables.Ratings` validates, and needs the
scores as they came.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from wavjudge.errors import InputError
from wavjudge.files import spreadsheet
from wavjudge.files.safe import refuse_special
from wavjudge.nearest import meant
from wavjudge.types import RaterKind

_LOG = logging.getLogger("wavjudge")

COLUMNS = (
    "benchmark", "item_id", "candidate", "attempt", "turn", "axis", "scale_low", "scale_high", "rater", "rater_kind",
    "repeat", "score", "status", "reason", "justification", "signature", "tags", "cached", "hearing",
)  # fmt: skip
REQUIRED = ("item_id", "axis", "rater", "score")
WHOLE = ("attempt", "turn", "repeat")
NUMBERS = ("score", "scale_low", "scale_high", *WHOLE, "label_probability")
NAMES = ("benchmark", "item_id", "candidate", "axis", "rater")
TEXTS = ("benchmark", "item_id", "candidate", "axis", "rater", "reason", "justification", "tags", "hearing")
_TRUE_OR_FALSE = {
    **dict.fromkeys(("true", "1", "1.0", "wahr", "vrai", "verdadero", "vero"), True),
    **dict.fromkeys(("false", "0", "0.0", "falsch", "faux", "falso"), False),
}
"""The last four and three are what spreadsheets write in other languages."""
_BATCH = 50_000
SHOWN = 20
_WORKBOOKS = frozenset({".xls", ".xlsx", ".xlsm", ".ods", ".numbers"})

Bools = npt.NDArray[np.bool_]


def read_table(path: str | Path, *, rater_kind: RaterKind = "model") -> pd.DataFrame:
    """A table of ratings as a DataFrame with every column of `COLUMNS`; columns it does not know stay at the end.

    path: .csv, .jsonl, .ndjson or .parquet; text is UTF-8. rater_kind: for rows that do not say theirs.
    Identifiers stay as written (``007``, ``NA``). Raises `InputError` with file, row and column.
    """
    path = Path(path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        todo = f"in Excel or LibreOffice: {spreadsheet.SAVE}" if path.suffix.lower() in _WORKBOOKS else ""
        raise InputError(f"got {path.suffix or 'no suffix'}, expected one of {', '.join(_READERS)}", where=str(path),
                         todo=todo)  # fmt: skip
    refuse_special(path)
    try:
        frame = reader(path)
    except InputError:
        raise
    except (OSError, ValueError, Warning) as error:
        raise InputError(f"got a file that cannot be read: {error}", where=str(path)) from error
    return completed(frame, rater_kind=rater_kind, where=str(path))


def completed(frame: pd.DataFrame, *, rater_kind: RaterKind = "model", where: str = "") -> pd.DataFrame:
    """The frame with every column of `COLUMNS`, missing and empty cells filled; rows numbered from 0.

    >>> frame = pd.DataFrame({"item_id": [1, 2], "axis": "overall", "rater": "ann", "score": [4, None]})
    >>> completed(frame)[["candidate", "repeat", "rater_kind", "status", "signature"]].to_dict("records")[1]
    {'candidate': '', 'repeat': 0, 'rater_kind': 'model', 'status': 'skipped', 'signature': 'ann'}
    """
    missing = [name for name in REQUIRED if name not in frame.columns]
    if missing:
        raise _lacking([str(name) for name in frame.columns], missing, where)
    frame = frame.reset_index(drop=True)
    filled = {name: texts(frame, name) for name in TEXTS}
    filled |= {name: _whole(frame, name, where) for name in WHOLE}
    filled |= {name: _real(frame, name, where) for name in ("scale_low", "scale_high")}
    number, is_text = numbers(frame["score"])
    status = np.where(is_text, "unparseable", np.where(np.isnan(number), "skipped", "ok"))
    filled["score"] = frame["score"]
    filled["cached"] = _flags(frame, "cached", where)
    filled["status"] = _or(texts(frame, "status"), pd.Series(status, dtype="str"))
    filled["rater_kind"] = _or(texts(frame, "rater_kind"), rater_kind)
    filled["signature"] = _or(texts(frame, "signature"), filled["rater"])
    others = {str(name): frame[name] for name in frame.columns if name not in COLUMNS}
    return pd.DataFrame({name: filled[name] for name in COLUMNS} | others)


_COMMON = {
    **dict.fromkeys(("id", "item", "prompt", "prompt_id", "question", "question_id", "sample", "sample_id", "utterance",
                     "utterance_id"), "item_id"),
    **dict.fromkeys(("dimension", "aspect", "criterion", "metric", "attribute"), "axis"),
    **dict.fromkeys(("annotator", "annotator_id", "worker", "worker_id", "listener", "listener_id", "evaluator",
                     "judge", "user", "user_id", "person", "participant"), "rater"),
    **dict.fromkeys(("rating", "value", "points", "grade", "stars", "mos", "label", "mark"), "score"),
    **dict.fromkeys(("model", "system", "method"), "candidate"),
}  # fmt: skip
"""What other tables of ratings call these columns."""


def _lacking(there: list[str], missing: list[str], where: str) -> InputError:
    """Of a table without some of the required columns: what it has, what is missing, and what was perhaps meant."""
    if not there:
        return InputError(f"got an empty file, expected a table with the columns {', '.join(REQUIRED)}", where=where,
                          todo="check the path, and whether the file was written to its end")  # fmt: skip
    free = [name for name in COLUMNS if name not in there]
    strange = [name for name in there if name not in COLUMNS]
    near = [f"{name!r} is perhaps {found}" for name in strange if (found := meant(name, free, _COMMON))]
    shown = ", ".join(there[:SHOWN]) + (f" and {len(there) - SHOWN} more" if len(there) > SHOWN else "")
    return InputError(
        f"got the columns {shown}, expected also {', '.join(missing)}", where=where,
        todo="; ".join([*near, f"required are {', '.join(REQUIRED)}, one rating a row; `wavjudge export` writes all"]),
    )  # fmt: skip


def numbers(column: pd.Series[Any]) -> tuple[npt.NDArray[np.float64], Bools]:
    """The column as floats, NaN where no finite number stands; and where something stands that is no number.

    >>> numbers(pd.Series(["4", "", "good", None, "inf", True]))[1].tolist()
    [False, False, True, False, True, True]
    """
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        found = column.to_numpy(dtype=float, na_value=np.nan)
        return np.where(np.isinf(found), np.nan, found), np.isinf(found)
    found = pd.to_numeric(column.astype("str"), errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    found = np.where(np.isinf(found), np.nan, found)
    stands = column.notna() & column.astype("str").str.strip().ne("")
    return found, stands.to_numpy(bool) & np.isnan(found)


def texts(frame: pd.DataFrame, name: str) -> pd.Series[Any]:
    """A column as text, "" where it is missing. Whole numbers stay whole: 7 is "7", also where a cell is empty."""
    if name not in frame.columns:
        return pd.Series("", index=frame.index, dtype="str")
    column = frame[name]
    if pd.api.types.is_float_dtype(column) and (column.dropna() % 1 == 0).all():
        column = column.astype("Int64")
    return column.astype("str").where(column.notna(), "")


def _or(column: pd.Series[Any], default: str | pd.Series[Any]) -> pd.Series[Any]:
    return column.where(column.str.strip() != "", default)


def _whole(frame: pd.DataFrame, name: str, where: str) -> pd.Series[Any]:
    if name not in frame.columns:
        return pd.Series(0, index=frame.index, dtype="int64")
    number, is_text = numbers(frame[name])
    number = np.where(np.isnan(number) & ~is_text, 0, number)
    _refuse(frame[name], is_text | (number < 0) | (number % 1 != 0), "a whole number from 0 on", where)
    return pd.Series(number.astype("int64"))


def _real(frame: pd.DataFrame, name: str, where: str) -> pd.Series[Any]:
    if name not in frame.columns:
        return pd.Series(np.nan, index=frame.index, dtype="float64")
    number, is_text = numbers(frame[name])
    _refuse(frame[name], is_text, "a number or nothing", where)
    return pd.Series(number)


def _flags(frame: pd.DataFrame, name: str, where: str) -> pd.Series[Any]:
    if name not in frame.columns or pd.api.types.is_bool_dtype(frame[name]):
        return pd.Series(frame.get(name, pd.NA), index=frame.index, dtype="boolean")
    said = texts(frame, name).str.strip().str.lower()
    _refuse(said, (~said.isin(["", *_TRUE_OR_FALSE])).to_numpy(bool), "true, false or nothing", where)
    return said.map(_TRUE_OR_FALSE).astype("boolean")


def among(column: pd.Series[Any], names: Iterable[str]) -> Bools:
    """Which cells of a column of texts are one of a few names: pandas' `isin` makes a Python object of every cell."""
    found = np.zeros(len(column), dtype=bool)
    for name in names:
        found |= (column == name).to_numpy(bool)
    return found


def _refuse(column: pd.Series[Any], bad: Bools, expected: str, where: str) -> None:
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise InputError(
            f"got {column.iloc[row]!r}, expected {expected} ({int(bad.sum())} such rows)",
            where=f"{where + ', ' if where else ''}row {row + 1}, column {column.name}",
        )


def _read_csv(path: Path) -> pd.DataFrame:
    with spreadsheet.opened(path) as records:
        names = [name or f"column {at} without a name" for at, name in enumerate(records.header, 1)]
        rows = _of_width(records, len(names), path)
        # In pieces: a million rows as lists would take gigabytes.
        pieces = [_columns(piece, names) for piece in iter(lambda: list(islice(rows, _BATCH)), [])]
    frame = pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(columns=names, dtype="str")
    frame = frame.drop(columns=[one for one, said in zip(names, records.header, strict=True)
                                if not said and frame[one].str.strip().eq("").all()])  # fmt: skip
    for name in (one for one in (*TEXTS, "signature", "status", "rater_kind") if one in frame.columns):
        if frame[name].str.startswith("'").any():  # as our own tables write what begins like a formula
            frame[name] = frame[name].map(spreadsheet.as_named)
    _refuse_damaged(frame, path)
    return _with_points(frame, path)


def _of_width(records: spreadsheet.Records, width: int, path: Path) -> Iterator[list[str]]:
    for line, cells in records:
        if isinstance(cells, str):
            raise InputError(cells, where=f"{path}, line {line}")
        if len(cells) > width:
            raise InputError(f"got {len(cells)} cells, and a header of {width} columns", where=f"{path}, line {line}",
                             todo='a cell with a comma in it (as "4,5") needs quotation marks')  # fmt: skip
        yield cells if len(cells) == width else cells + [""] * (width - len(cells))


def _columns(rows: list[list[str]], names: list[str]) -> pd.DataFrame:
    return pd.DataFrame(dict(zip(names, zip(*rows, strict=True), strict=True)), dtype="str")


def _refuse_damaged(frame: pd.DataFrame, path: Path) -> None:
    """Cells of which a spreadsheet made something else; what they were, nobody knows any more."""
    found = [(name, cell, what) for name in NAMES if name in frame.columns
             for cell, what in spreadsheet.damaged_names(frame[name].unique())]  # fmt: skip
    if "score" in frame.columns:
        dates = spreadsheet.dates(frame["score"].unique())
        found = [("score", cell, "a date that a spreadsheet made of it") for cell in dates] + found
    if found:
        name, cell, what = found[0]
        raise InputError(f"got {cell!r}: {what}", where=_place(frame, name, cell, path),
                         todo="give the column the format Text before anything is typed or pasted into it")  # fmt: skip


def _with_points(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The frame with points for decimal commas; `InputError` where a mark may be that of thousands."""
    for name in (one for one in NUMBERS if one in frame.columns):
        try:
            changed = spreadsheet.with_points(
                frame[name].unique(), decimal_point=spreadsheet.dialect(path).decimal_point
            )
        except spreadsheet.Ambiguous as doubt:
            raise InputError(f"got {doubt.cell!r}: {doubt.why}", where=_place(frame, name, doubt.cell, path),
                             todo="write numbers as 4.5 and 1234: a decimal point, nothing between thousands",
                             ) from doubt  # fmt: skip
        if changed:
            first = next(iter(changed))
            _LOG.warning("%s: column %s: %s read as %s, and so every decimal comma", path, name, first, changed[first])
            frame[name] = frame[name].map(lambda cell, to=changed: to.get(cell, cell)).astype("str")
    return frame


def _place(frame: pd.DataFrame, name: str, cell: str, path: Path) -> str:
    return f"{path}, row {int(np.flatnonzero(frame[name] == cell)[0]) + 1}, column {name}"


def _read_parquet(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path)


def _read_jsonl(path: Path) -> pd.DataFrame:
    with path.open(encoding="utf-8-sig") as file:
        rows = _objects(file, path)
        # In pieces: a million rows as dicts would take gigabytes.
        pieces = [pd.DataFrame.from_records(piece) for piece in iter(lambda: list(islice(rows, _BATCH)), [])]
    return pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame()


def _objects(lines: Iterator[str], path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"got no JSON: {error}", where=f"{path}, line {number}") from error
        if not isinstance(row, dict):
            raise InputError(f"got {type(row).__name__}, expected an object", where=f"{path}, line {number}")
        yield row


_READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": _read_csv, ".tsv": _read_csv, ".jsonl": _read_jsonl, ".ndjson": _read_jsonl, ".parquet": _read_parquet,
}  # fmt: skip
