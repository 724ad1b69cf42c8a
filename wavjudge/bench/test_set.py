"""A test set to be asked: `benchmark.toml` beside its items, or a table of items alone.

    NAME/benchmark.toml     name, version, licence, where it comes from, which columns hold what
    NAME/items.jsonl        one `ItemRow` a line (.csv and .parquet too); recordings beside it

Recordings are taken from the test set's own folder alone, links followed, unless `outside` is said: what an item names
is sent to candidates and judges, and a test set of somebody else's may name any file of this machine.

Items are read one at a time. A bad one is named with file, line and field, counted, and the rest goes on.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from wavjudge import resources
from wavjudge.bench.paths import found, home_of, refuse_for_questions
from wavjudge.bench.rows import ItemRow, validated
from wavjudge.errors import InputError
from wavjudge.files.safe import inside, refuse_special
from wavjudge.files.tables import TABLES, Raw, raw_rows
from wavjudge.internal import managed
from wavjudge.nearest import nearest, of_path
from wavjudge.store.run_folder import first_problem
from wavjudge.types import AxisName, BenchmarkEntry

FILE = "benchmark.toml"
INSTRUMENTS = ("signals", "checks")


class Head(BaseModel):
    """What `benchmark.toml` says that a run acts on; whatever else stands there is for people.

    items: the file of items. columns: names of its columns by ours (`question_audio = "source_wav"`); where it is
    given, other columns are left unused and counted. language: of items that state none. rated_turns: which of several
    turns is rated. metrics: instruments that rate beside the judges, such as `checks`.

    axes, prompts, prompt_set: what judges are asked where the run does not say it, as the options of these names;
    `prompts` is a folder beside benchmark.toml. A judge that has some of the axes rates those alone, one that has none
    of them (an instrument, mostly) all of its own.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    version: str | None = None
    licence: str | None = None
    source: str | None = None
    obtain: str | None = None
    language: str | None = None
    items: str = "items.jsonl"
    columns: dict[str, str] = {}
    rated_turns: Literal["last", "each"] = "last"
    metrics: tuple[str, ...] = ()
    axes: tuple[AxisName, ...] = ()
    prompts: str | None = None
    prompt_set: str | None = None

    @field_validator("metrics")
    @classmethod
    def _measuring(cls, metrics: tuple[str, ...]) -> tuple[str, ...]:
        """Instruments alone: a test set comes from elsewhere, and a judge is sent recordings, and perhaps a key."""
        if strange := [metric for metric in metrics if metric.partition("?")[0] not in INSTRUMENTS]:
            raise ValueError(f"got {strange[0][:80]!r}, expected some of {', '.join(INSTRUMENTS)}; other judges "
                             "stand on the command line: --judge")  # fmt: skip
        return metrics

    @field_validator("columns")
    @classmethod
    def _known(cls, columns: dict[str, str]) -> dict[str, str]:
        if strange := sorted(columns.keys() - ItemRow.model_fields.keys()):
            raise ValueError(f"got a column for {strange}, expected some of {sorted(ItemRow.model_fields)}")
        return columns


@dataclass(slots=True)
class Benchmark:
    """A test set, opened. Iterate over it for pairs of a place ("file, line 7") and an `ItemRow`."""

    head: Head
    path: Path
    """The file of items; recordings are relative to its folder."""
    told: Path | None = None
    """The benchmark.toml, where there may be one."""
    outside: bool = False
    """Whether recordings are taken from outside the folder of the test set, too."""
    bad_rows: list[str] = field(default_factory=list)
    unused_fields: Counter[str] = field(default_factory=Counter)

    @property
    def root(self) -> Path:
        return self.path.parent

    @property
    def benchmark(self) -> str:
        return self.head.name

    def __iter__(self) -> Iterator[tuple[str, ItemRow]]:
        """The items; bad ones and repeated ids are noted in `bad_rows` and passed over."""
        self.bad_rows.clear()
        self.unused_fields.clear()
        seen: dict[tuple[str, str], str] = {}
        for where, raw in raw_rows(self.path):
            row = managed(self._read, where, raw, seen)
            if isinstance(row, str):
                self.bad_rows.append(f"{where}, {row}")
            else:
                yield where, row

    def _read(self, where: str, raw: Raw, seen: dict[tuple[str, str], str]) -> ItemRow | str:
        """The item of a row, or what is wrong with it."""
        row = validated(self._renamed(raw), ItemRow, own=True)
        if isinstance(row, str):
            return row
        if problem := self._repeated(row, seen) or _unasked(row) or self._strayed(row):
            return problem
        seen[row.benchmark or self.benchmark, row.item_id] = where
        return row if row.language else row.model_copy(update={"language": self.head.language})

    def __len__(self) -> int:
        """Rows, good and bad."""
        return sum(1 for _ in raw_rows(self.path))

    def __bool__(self) -> bool:
        return True  # or `if benchmark:` would read the whole file to count it

    def _renamed(self, raw: Raw) -> Raw:
        if isinstance(raw, str) or not self.head.columns:
            return raw
        self.unused_fields.update(set(raw) - set(self.head.columns.values()))
        return {ours: raw[theirs] for ours, theirs in self.head.columns.items() if theirs in raw}

    def _repeated(self, row: ItemRow, seen: Mapping[tuple[str, str], str]) -> str | None:
        stands = seen.get((row.benchmark or self.benchmark, row.item_id))
        return f'field "item_id": the item {row.item_id!r} stands already at {stands}' if stands else None

    def _strayed(self, row: ItemRow) -> str | None:
        """What is wrong with a recording that lies elsewhere; of one that is not there, taking it in says so."""
        if self.outside:
            return None
        home = home_of((self.told or self.path).parent)
        for name, field_ in _recordings(row):
            if (file := found(self.root, name)) and not inside(file, home):
                return (f'field "{field_}": the recording {name[:200]} lies outside the folder of the test set; '
                        "say --outside, if you trust whoever wrote it")  # fmt: skip
        return None

    def entry(self) -> BenchmarkEntry:
        """What a run's manifest keeps of it."""
        with self.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        head = self.head
        return BenchmarkEntry(
            name=head.name, version=head.version, licence=head.licence, items_sha256=digest,
            rated_turns=head.rated_turns, axes=head.axes, prompt_set=head.prompt_set,
            prompts=str((self.told or self.path).parent / head.prompts) if head.prompts else None,
        )  # fmt: skip


def open_benchmark(name: str, *, outside: bool = False) -> Benchmark:
    """The test set of a name that ships with wavjudge, in a folder, or in a file of items.

    outside: whether its items may name recordings outside its folder.

    >>> open_benchmark("tiny").head.name, len(open_benchmark("tiny"))
    ('tiny', 24)
    """
    path = Path(name)
    if not path.exists() and name in resources.index("benchmarks"):
        path = resources.folder("benchmarks") / name
    if not path.exists():
        shipped = list(resources.index("benchmarks"))
        near = nearest(name, shipped)
        told = f"did you mean {near}? " if near else f"{of_path(path)}; "
        ways = f"name a folder with {FILE}, a file of items, or one of {', '.join(shipped)}"
        raise InputError("got no such test set, file or folder", where=name, todo=f"{told}{ways}")
    refuse_special(path)
    refuse_for_questions(path)
    if path.is_dir():
        return _in_folder(path, outside)
    if path.name == FILE:
        return _in_folder(path.parent, outside)
    if path.suffix.lower() not in TABLES:
        raise InputError(f"got a {path.suffix or 'nameless'} file, expected {', '.join(sorted(TABLES))}", where=name)
    return Benchmark(Head(name=path.parent.name if path.stem == "items" else path.stem), path, outside=outside)


def _in_folder(folder: Path, outside: bool) -> Benchmark:
    head = read_head(folder / FILE, folder.resolve().name)
    items = folder / head.items
    for field_, name in (("items", head.items), ("prompts", head.prompts)):
        if name and not inside(folder / name, folder):
            raise InputError(f'field "{field_}": got {name[:200]!r}, which leads out of the folder of the test set',
                             where=str(folder / FILE), todo="put it beside benchmark.toml")  # fmt: skip
    refuse_special(items)
    if not items.is_file():
        raise InputError(f"got no file {head.items}, expected the items of the test set", where=str(folder),
                         todo=head.obtain or f"write it, or name another in {FILE}: items = ...")  # fmt: skip
    return Benchmark(head, items, folder / FILE, outside)


def read_head(file: Path, name: str) -> Head:
    """What a benchmark.toml says; where there is none, the name alone."""
    refuse_special(file)
    if not file.is_file():
        return Head(name=name)
    try:
        return Head.model_validate({"name": name} | _toml(file))
    except ValidationError as error:
        raise InputError(first_problem(error), where=str(file)) from error


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"got a file that does not read as TOML ({error})", where=str(file)) from error


def _recordings(row: ItemRow) -> Iterator[tuple[str, str]]:
    """The recordings that an item names, each with its field."""
    yield from ((said.audio, "turns" if row.turns else "question_audio") for said in row.asked() if said.audio)
    yield from ((said.audio, "history") for said in row.history if said.audio)


def _unasked(row: ItemRow) -> str | None:
    """A candidate cannot be asked an empty question; a stored answer to one can still be rated."""
    for number, turn in enumerate(row.asked(), 1):
        if not (turn.text or "").strip() and not turn.audio:
            return (
                f'field "turns": turn {number} has neither text nor audio'
                if row.turns
                else ('field "question_audio": got neither a question_audio nor a question_text')
            )
    return None
