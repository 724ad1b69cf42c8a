"""A run folder as a source of answers: what one run took in, rated again; its outcomes stay as they were recorded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from wavjudge.errors import InputError
from wavjudge.internal import managed
from wavjudge.store.run_folder import RunFolder
from wavjudge.types import BenchmarkEntry, Item, Response


@dataclass(frozen=True, slots=True)
class StoredRow:
    """An answer with its item, as a run folder holds them. The same face as `testset.Row` where the runner looks."""

    item: Item
    response: Response

    @property
    def benchmark(self) -> str:
        return self.response.benchmark

    @property
    def item_id(self) -> str:
        return self.response.item_id

    @property
    def candidate(self) -> str:
        return self.response.candidate

    @property
    def attempt(self) -> int:
        return self.response.attempt

    @property
    def recordings(self) -> tuple[str | None, ...]:
        return tuple(answer.audio.path if answer.audio else None for answer in self.response.answers)


@dataclass(slots=True)
class StoredSet:
    """The answers of a run folder. Iterate over it as over a `TestSet`."""

    path: Path
    benchmark: str = ""
    bad_rows: list[str] = field(default_factory=list)

    @property
    def root(self) -> Path:
        return self.path

    def __iter__(self) -> Iterator[tuple[str, StoredRow]]:
        with RunFolder(self.path) as folder:
            # As JSON, a fifth of the memory of the objects: a run may hold a hundred thousand.
            items = {(item.benchmark, item.id): item.model_dump_json().encode() for item in folder.items()}
            for number, response in enumerate(folder.responses(), 1):
                where = f"{self.path / 'responses.jsonl'}, record {number}"
                row = managed(_row, items.get((response.benchmark, response.item_id)), response)
                if isinstance(row, str):
                    self.bad_rows.append(f"{where}: {row}")
                    continue
                yield where, row
            self.bad_rows += folder.bad_lines

    @property
    def told(self) -> Path:
        """The file that says what is known of the test set."""
        return self.path / "manifest.json"

    def entry(self) -> BenchmarkEntry | None:
        """The test set that the run asked, where it asked one."""
        with RunFolder(self.path) as folder:
            return folder.manifest.benchmark if folder.manifest else None

    def __len__(self) -> int:
        with RunFolder(self.path) as folder:
            return sum(1 for _ in folder.responses())

    def __bool__(self) -> bool:
        return True


def _row(item: bytes | None, response: Response) -> StoredRow | str:
    """An answer with its item; or what no run of ours would have written, but a hand or another program may."""
    if item is None:
        return f"its item {response.item_id!r} is not in items.jsonl"
    found = Item.model_validate_json(item)
    turns, answers = len(found.turns), len(response.answers)
    if answers > turns or (response.status == "ok" and answers < turns):
        return f'field "answers": got {answers} to {turns} turns, and status {response.status}'
    return StoredRow(found, response)


def is_run(path: Path) -> bool:
    """Whether a folder is a run folder."""
    return (path / "manifest.json").is_file() and (path / "prompts").is_dir()


def refuse_benchmark(name: str | None, path: Path) -> None:
    """A run's answers have their test set's name already."""
    if name is not None:
        raise InputError(f"got --benchmark {name!r} for a run folder, whose answers are named already", where=str(path),
                         todo="leave --benchmark out")  # fmt: skip
