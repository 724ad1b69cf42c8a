"""Flat tables from files: CSV, JSONL, Parquet with the columns of `wavjudge export`, four of them required.

An empty cell is a missing cell, and both get the default: benchmark and candidate "", attempt, turn and repeat 0,
rater_kind as asked for, signature the rater's name, status "ok" where a number stands, "skipped" where nothing does,
"unparseable" where text does, cached unknown (NA). Nothing is judged here: `tables.Ratings` validates, and needs the
scores as they came.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from wavjudge.errors import InputError
from wavjudge.types import RaterKind

COLUMNS = (
    "benchmark", "item_id", "candidate", "attempt", "turn", "axis", "scale_low", "scale_high", "rater", "rater_kind",
    "repeat", "score", "status", "reason", "justification", "signature", "tags", "cached",
)  # fmt: skip
REQUIRED = ("item_id", "axis", "rater", "score")
WHOLE = ("attempt", "turn", "repeat")
TEXTS = ("benchmark", "item_id", "candidate", "axis", "rater", "reason", "justification", "tags")
_TRUE_OR_FALSE = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}
_BATCH = 50_000

Bools = npt.NDArray[np.bool_]


def read_table(path: str | Path, *, rater_kind: RaterKind = "model") -> pd.DataFrame:
    """A table of ratings as a DataFrame with every column of `COLUMNS`; columns it does not know stay at the end.

    path: .csv, .jsonl, .ndjson or .parquet; text is UTF-8. rater_kind: for rows that do not say theirs.
    Identifiers stay as written (``007``, ``NA``). Raises `InputError` with file, row and column.
    """
    path = Path(path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"got {path.suffix or 'no suffix'}, expected one of {', '.join(_READERS)}", where=str(path))
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
        raise InputError(
            f"got the columns {', '.join(map(str, frame.columns)) or '(none)'}, expected also {', '.join(missing)}",
            todo=f"required are {', '.join(REQUIRED)}; `wavjudge export` writes all", where=where,
        )  # fmt: skip
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


def _refuse(column: pd.Series[Any], bad: Bools, expected: str, where: str) -> None:
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise InputError(
            f"got {column.iloc[row]!r}, expected {expected} ({int(bad.sum())} such rows)",
            where=f"{where + ', ' if where else ''}row {row + 1}, column {column.name}",
        )


def _read_csv(path: Path) -> pd.DataFrame:
    with warnings.catch_warnings():
        # A row with more cells than the header has names is an error, not a warning and a shift to the left.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            return pd.read_csv(path, dtype="str", na_filter=False, index_col=False, encoding="utf-8-sig")
        except pd.errors.EmptyDataError:
            return pd.DataFrame()


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
    ".csv": _read_csv, ".jsonl": _read_jsonl, ".ndjson": _read_jsonl, ".parquet": _read_parquet,
}  # fmt: skip
