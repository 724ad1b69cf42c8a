"""Answers to rate, from whatever a person has: JSONL, CSV, Parquet, a folder of recordings, or a run folder.

A row has the fields of `Row`; audio paths are relative to the file. Rows are read one at a time, so a test set may be
larger than memory. A bad row is reported with file, line and field, counted, and the rest goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from wavjudge import resources
from wavjudge.audio import SUFFIXES
from wavjudge.bench import recordings
from wavjudge.bench.paths import refuse_for_answers
from wavjudge.bench.questions import Questions, open_questions
from wavjudge.bench.rows import Row, validated
from wavjudge.errors import InputError
from wavjudge.files.safe import inside, refuse_special
from wavjudge.files.tables import TABLES, Raw, raw_rows
from wavjudge.internal import managed
from wavjudge.nearest import of_path
from wavjudge.store.answers import StoredSet, is_run, refuse_benchmark
from wavjudge.types import BenchmarkEntry


@dataclass(slots=True)
class TestSet:
    """Rows with where they came from. Iterate over it; `bad_rows` fills up as it is read."""

    __test__ = False  # not a test, whatever pytest thinks of the name

    path: Path
    benchmark: str
    root: Path
    speech: bool = True
    """Whether answers are meant to be speech. False where the source has no audio column at all."""
    questions: Questions | None = None
    """What was asked, where it lies apart from the answers."""
    bad_rows: list[str] = field(default_factory=list)
    """What the last iteration passed over, so far."""

    def __iter__(self) -> Iterator[tuple[str, Row]]:
        """Pairs of a place ("file, line 7") and a row; bad rows and repeated keys are noted and passed over."""
        self.bad_rows.clear()
        seen: dict[tuple[str | None, str, str, int], str] = {}
        for where, raw in _raw_rows(self.path):
            row = managed(self._read, where, raw, seen)
            if isinstance(row, str):
                self.bad_rows.append(f"{where}, {row}")
            else:
                yield where, row

    def _read(self, where: str, raw: Raw, seen: dict[tuple[str | None, str, str, int], str]) -> Row | str:
        """The answer of a row, or what is wrong with it."""
        row = validated(self.questions.joined(raw) if self.questions else raw, Row, own=True)
        if isinstance(row, str):
            return row
        key = (row.benchmark, row.item_id, row.candidate, row.attempt)
        if key in seen:
            return f'field "item_id": the answer {key[1:]} of (item, candidate, attempt) stands already at {seen[key]}'
        seen[key] = where
        return row

    @property
    def told(self) -> None:
        """No file says anything of the test set."""

    def entry(self) -> BenchmarkEntry | None:
        """Nothing is known of the test set behind somebody's answers."""
        return None

    def __len__(self) -> int:
        """Rows, good and bad: what iteration yields and what it puts into `bad_rows`, together."""
        return sum(1 for _ in _raw_rows(self.path))

    def __bool__(self) -> bool:
        return True  # or `if testset:` would read the whole file to count it


Answers = TestSet | StoredSet


def open_testset(
    path: Path, *, benchmark: str | None = None, questions: Path | None = None, outside: bool = False
) -> Answers:  # fmt: skip
    """The answers at `path`: a table, a run folder, a folder of recordings, or a folder with responses.jsonl in it.

    questions: where the questions lie, if apart from the answers (`open_questions`). outside: whether these may name
    recordings outside their folder.

    A name that ships with its answers stands for them, where nothing in the working directory is called so.

    >>> len(open_testset(Path("tiny")))
    96
    """
    if not path.exists() and (shipped := resources.folder("benchmarks") / path / "responses.jsonl").is_file():
        path = shipped.parent
    if is_run(path):
        refuse_benchmark(benchmark, path)
        if questions is not None:
            raise InputError("a run folder holds its questions already, so --questions has no use", where=str(path),
                             todo="rate the answers themselves, or leave --questions out")  # fmt: skip
        return StoredSet(path)
    refuse_for_answers(path)
    path = _table_in(path)
    own_name = path.name if path.is_dir() else path.parent.name if path.stem == "responses" else path.stem
    name = benchmark or own_name or "answers"
    root = path if path.is_dir() else path.parent
    asked = open_questions(questions, outside=outside) if questions is not None else None
    if path.is_dir():
        _refuse_runs(path)
        recordings.refuse_unread(path)
    if asked is not None:
        asked.require_some(raw for _, raw in _raw_rows(path))
    return TestSet(path, name, root, speech=_has_audio(path), questions=asked)


def _refuse_runs(path: Path) -> None:
    """`InputError` where a folder holds run folders: their recordings would be taken for candidates' answers."""
    runs = sorted({one.parent for depth in ("*/manifest.json", "*/*/manifest.json") for one in path.glob(depth)
                   if is_run(one.parent)})  # fmt: skip
    if runs:
        raise InputError(f"got a folder of run folders ({', '.join(str(one) for one in runs[:3])})", where=str(path),
                         todo=f"name one of them: {runs[0]}")  # fmt: skip


def _table_in(path: Path) -> Path:
    if path.is_dir():
        names = ("responses.jsonl", "responses.csv", "responses.parquet")
        found = [path / name for name in names]
        table = next((file for file in found if file.is_file()), path)
        for name in names:
            refuse_special(path / name)
        if not inside(table, path):
            raise InputError("got a link that leads out of the folder", where=str(table),
                             todo="name the file that is meant itself, if you trust it")  # fmt: skip
        return table
    if not path.exists():
        raise _absent(path)
    refuse_special(path)
    if path.suffix.lower() not in TABLES | SUFFIXES:
        expected = f"{', '.join(sorted(TABLES))} or a folder of audio"
        raise InputError(f"got a {path.suffix or 'nameless'} file, expected {expected}", where=str(path),
                         todo=recordings.CONVERT if path.suffix.lower() in recordings.UNREAD else "")  # fmt: skip
    return path


def _absent(path: Path) -> InputError:
    if str(path) in resources.index("benchmarks"):
        todo = f"ask a candidate its questions: wavjudge run {path} --candidate SPEC"
        return InputError("got a test set that ships without answers", where=str(path), todo=todo)
    return InputError("got no such file or folder", where=str(path), todo=of_path(path))


def _raw_rows(path: Path) -> Iterator[tuple[str, Raw]]:
    return recordings.rows(path) if path.is_dir() or path.suffix.lower() in SUFFIXES else raw_rows(path)


def _has_audio(path: Path) -> bool:
    if path.is_dir():
        return True
    return any("audio" in raw or "'audio'" in str(raw.get("answers")).replace('"', "'") for _, raw in _raw_rows(path)
               if not isinstance(raw, str))  # fmt: skip


def nothing_in(path: Path) -> str:
    """What a file holds in place of rows, and what was expected; empty where it has some, or is no file."""
    if not path.is_file() or path.suffix.lower() not in TABLES or next(iter(_raw_rows(path)), None) is not None:
        return ""
    what = "an empty file" if not path.stat().st_size else "a file without a row"
    return f"got {what}, expected one answer a row, with some of the fields {', '.join(Row.model_fields)}"
