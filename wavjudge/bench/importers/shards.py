"""The files of a Hugging Face dataset on disk: Parquet as the Hub stores it, Arrow as `save_to_disk` writes it.

    data/test-00000-of-00002.parquet     SUBSET/test-00000-of-00001.parquet     SUBSET/test/0000.parquet
    state.json + data-00000-of-00001.arrow, one folder a split under dataset_dict.json where there are several

Only the columns asked for are read, a few rows at a time, page by page: a row group with a gigabyte of audio never
stands in memory. The `datasets` package is not needed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.ipc
import pyarrow.parquet

from wavjudge.bench.importers.base import Imported
from wavjudge.bench.importers.columns import refuse_missing
from wavjudge.errors import InputError
from wavjudge.files import parquet
from wavjudge.files.tables import Raw

_SHARD = re.compile(r"(?P<split>.+?)-(?P<number>\d{5})-of-(?P<count>\d{5})(?:-[0-9a-f]+)?")


@dataclass(frozen=True, slots=True)
class Split:
    """Files that belong together, in order. subset: "" where the source has no subsets."""

    subset: str
    name: str
    files: tuple[Path, ...]

    @property
    def prefix(self) -> str:
        """`SUBSET/SPLIT`, as far as there are such names."""
        return "/".join(part for part in (self.subset, self.name) if part)


def splits(path: Path) -> list[Split]:
    """The splits of a folder, or of a single file; none where nothing lies there. Refuses an incomplete one."""
    if path.is_file():
        return [_split(_place(path.parent.parent, path), [path])]
    found: dict[tuple[str, str], list[Path]] = {}
    files = [file for ending in ("parquet", "arrow") for file in path.rglob(f"*.{ending}") if _counts(file, path)]
    for file in sorted(files):
        found.setdefault(_place(path, file), []).append(file)
    return [_split(place, files) for place, files in sorted(found.items())]


def _counts(file: Path, root: Path) -> bool:
    """No hidden file, and none that `Dataset.map` left as its cache."""
    hidden = any(part.startswith(".") for part in file.relative_to(root).parts)
    return file.is_file() and not hidden and not (file.suffix == ".arrow" and file.name.startswith(("cache-", "tmp")))


def _place(root: Path, file: Path) -> tuple[str, str]:
    """Subset and split of a file, from its name and the folders down to it."""
    folders = [part for part in file.relative_to(root).parts[:-1] if part != "data"]
    if file.suffix == ".arrow" or file.stem.isdecimal():
        own = _state(file.parent).get("_split") or ""
        split = folders.pop() if folders else own
    else:
        shard = _SHARD.fullmatch(file.stem)
        split = shard["split"] if shard else file.stem
    return "/".join(folders), split


def _split(place: tuple[str, str], files: list[Path]) -> Split:
    listed = [entry["filename"] for entry in _state(files[0].parent).get("_data_files") or ()]
    named = (
        {name for name in listed if not (files[0].parent / name).is_file()} if files[0].suffix == ".arrow" else set()
    )
    for file in files:
        if shard := _SHARD.fullmatch(file.stem):
            named |= {_sibling(file, shard, number) for number in range(int(shard["count"]))}
    missing = sorted(named - {file.name for file in files})
    if missing:
        raise InputError(f"got {len(files)} shards, but not {', '.join(missing[:3])}{' ...' if missing[3:] else ''}",
                         where=str(files[0].parent), todo="download the rest, or import another split")  # fmt: skip
    return Split(*place, tuple(files))


def _sibling(file: Path, shard: re.Match[str], number: int) -> str:
    if int(shard["number"]) == number:
        return file.name
    pattern = f"{shard['split']}-{number:05}-of-{shard['count']}*{file.suffix}"
    return next((other.name for other in sorted(file.parent.glob(pattern))), pattern)


def _state(folder: Path) -> dict[str, Any]:
    return json_file(folder / "state.json")


def json_file(path: Path) -> dict[str, Any]:
    """The object in a small JSON file; empty where there is no such file. `InputError` for what is no JSON object."""
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"got what cannot be read as JSON ({error})", where=str(path)) from error
    if not isinstance(found, dict):
        raise InputError("expected a JSON object", where=str(path))
    return found


def columns(file: Path) -> list[str]:
    """The names of a file's columns; `InputError` where it does not open."""
    try:
        if file.suffix == ".arrow":
            with pyarrow.memory_map(str(file)) as source, pyarrow.ipc.open_stream(source) as reader:
                return list(reader.schema.names)
        return list(pyarrow.parquet.read_schema(file).names)
    except parquet.FLAWS as error:
        kind = "an Arrow stream" if file.suffix == ".arrow" else "Parquet"
        raise InputError(f"got a file that does not read as {kind} ({error})", where=str(file)) from error


def size(file: Path) -> int:
    """The number of a file's rows, as far as it reads."""
    if file.suffix != ".arrow":
        return int(pyarrow.parquet.read_metadata(file).num_rows)
    found = 0
    try:
        for batch in _arrow(file):
            found += batch.num_rows
    except parquet.FLAWS:  # `rows` tells it with the place
        pass
    return found


def rows(file: Path, wanted: Sequence[str]) -> Iterator[tuple[str, Raw]]:
    """Place and cells of each row, of the wanted columns alone. What does not read is a text that says so."""
    for number, raw in _numbered(file, wanted):
        yield f"{file}, row {number}", raw


def numbered(split: Split, wanted: Sequence[str]) -> Iterator[tuple[int, str, Raw]]:
    """The rows of a split's files, one after the other, with their numbers from zero."""
    before = 0
    for file in split.files:
        for number, raw in _numbered(file, wanted):
            yield before + number - 1, f"{file}, row {number}", raw
        before += size(file)


def columns_of(split: Split) -> list[str]:
    """The columns of a split; `InputError` where one of its files does not open or lacks one of them."""
    first, *others = split.files
    seen = columns(first)
    for file in others:
        refuse_missing(seen, columns(file), str(file))
    return seen


def count_unused(split: Split, used: Iterable[str], imported: Imported) -> None:
    """Count every row for each column that is not read."""
    unused = set(columns(split.files[0])) - set(used)
    for name in unused:
        imported.unused_fields[name] += sum(map(size, split.files))


def _numbered(file: Path, wanted: Sequence[str]) -> Iterator[tuple[int, Raw]]:
    """Numbers from one, in the file."""
    return _arrow_rows(file, wanted) if file.suffix == ".arrow" else parquet.rows(file, wanted)


def _arrow_rows(file: Path, wanted: Sequence[str]) -> Iterator[tuple[int, Raw]]:
    number = 0
    try:
        for batch in _arrow(file):
            part = batch.select(list(wanted))
            for start in range(0, part.num_rows, parquet.AT_ONCE):
                for raw in parquet.listed(part.slice(start, parquet.AT_ONCE)):
                    number += 1
                    yield number, raw
    except parquet.FLAWS as error:
        yield number + 1, f"the rest of the file does not read ({error})"


def _arrow(file: Path) -> Iterator[Any]:
    with pyarrow.memory_map(str(file)) as mapped, pyarrow.ipc.open_stream(mapped) as reader:
        yield from reader
