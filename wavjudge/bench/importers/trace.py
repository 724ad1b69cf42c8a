"""TRACE (arjunchandra2/TRACE): a JSON list of pairs of answers to one spoken instruction, judged by people.

Each pair gives two answers: `model_a` with `audio1_path`, `model_b` with `audio2_path`. `instruction_id` is the
item; where another `instruction_text` stands under the same id, it is another item, `ID#2`, in the order of the
file. The same model may answer an item in several pairs: recordings of the same bytes are one answer, others are
further attempts. The test set is called like the file (`speakbench`, `s2sarena`). Paths may be relative to a folder
above the file.

`label` becomes comparisons by people (the file does not say how many, nor who): which of the two is better on the axes
`trace_content`, `trace_voice_quality`, `trace_paralinguistics` and `trace_overall`, the first (`1`), the second (`2`),
`both_good` or `both_bad`. A preference is no score: there is no scale, and nothing in wavjudge reads them yet.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from wavjudge import audio
from wavjudge.bench.importers.base import Imported, mark
from wavjudge.bench.importers.columns import refuse_missing
from wavjudge.bench.importers.rows import BadCell, again, counted, first_fields, from_above, heard, objects, usable
from wavjudge.bench.importers.votes import Outcome, People
from wavjudge.bench.paths import found
from wavjudge.bench.rows import ItemRow, Row
from wavjudge.errors import InputError
from wavjudge.files.tables import Raw
from wavjudge.types import Comparison, Subject

_NEEDED = ("instruction_id", "instruction_text", "model_a", "model_b", "audio1_path", "audio2_path")
_USED = frozenset({*_NEEDED, "instruction_path", "index", "label"})
_AXES = ("content", "voice_quality", "paralinguistics", "overall")
_VOTES: Mapping[str, Outcome] = {"1": "a", "2": "b", "both_good": "both_good", "both_bad": "both_bad"}


def read(path: Path) -> Imported:
    """The items, answers and comparisons of one of TRACE's data files."""
    if not path.is_file():
        raise InputError("got no such file", where=str(path), todo="name TRACE's speakbench.json or s2sarena.json")
    refuse_missing(_NEEDED, list(first_fields(path)), str(path))
    imported = Imported(path.stem, path.parent, shipped="trace")
    imported.items = _items(path, imported)
    imported.rows = again(lambda second: _answers(path, second), imported)
    imported.comparisons = _comparisons(path, imported)
    return imported


@dataclass(slots=True)
class _Names:
    """What stood where so far: texts by instruction, recordings by item and candidate. Held are numbers, no texts."""

    first: dict[int, int] = field(default_factory=dict)
    """The first text or recording of each name."""
    more: dict[int, list[int]] = field(default_factory=dict)
    """The others, of the few names that have several."""

    def item(self, raw: Mapping[str, Any]) -> str:
        name, text = str(raw["instruction_id"]), str(raw["instruction_text"])
        number, _ = self._place(("text", name), text)
        return f"{name}#{number + 1}" if number else name

    def attempt(self, item: str, candidate: str, recording: Path) -> tuple[int, bool]:
        """Which attempt a recording is, and whether it is met for the first time."""
        return self._place(("heard", item, candidate), _identity(recording))

    def _place(self, name: tuple[str, ...], value: str) -> tuple[int, bool]:
        """The place of a value among those of its name, and whether it is new there."""
        of, own = mark(*name), mark(value)
        if of not in self.first or self.first[of] == own:
            is_new = of not in self.first
            self.first[of] = own
            return 0, is_new
        others = self.more.setdefault(of, [])
        if is_new := own not in others:
            others.append(own)
        return others.index(own) + 1, is_new


def _items(path: Path, imported: Imported) -> Iterator[tuple[str, ItemRow]]:
    names, seen = _Names(), set[int]()
    rows = counted(objects(path), _USED, imported)
    for where, row in usable(rows, partial(_asked, names, path.parent), ItemRow, imported):
        if (name := mark(row.item_id)) not in seen:
            seen.add(name)
            yield where, row


def _answers(path: Path, imported: Imported) -> Iterator[tuple[str, Row]]:
    names = _Names()
    sides = ((where, _sided(raw, side)) for where, raw in objects(path) for side in ("a", "b"))
    for where, row in usable(sides, partial(_answer, names, path.parent), Row, imported):
        attempt, new = names.attempt(row.item_id, row.candidate, path.parent / str(row.audio))
        if new:
            yield where, row.model_copy(update={"attempt": attempt})


def _comparisons(path: Path, imported: Imported) -> Iterator[Comparison]:
    """The labels of the pairs whose two answers are usable; what is wrong with the others was told with the answers."""
    names, people = _Names(), People("trace:people", _VOTES, "label")
    for where, raw in objects(path):
        first, second = (_subject(names, path, where, _sided(raw, side)) for side in ("a", "b"))
        if isinstance(raw, str) or first is None or second is None or raw.get("label") is None:
            continue
        label = raw["label"] if isinstance(raw["label"], dict) else {"": raw["label"]}
        for axis, said in label.items():
            if axis in _AXES:
                yield people.compared(first, second, f"trace_{axis}", said, where, imported)
            else:
                imported.bad_rows.append(f'{where}, field "label": got {axis!r:.40}, expected {", ".join(_AXES)}')


def _subject(names: _Names, path: Path, where: str, raw: Raw) -> Subject | None:
    """The answer of a side, named as among the answers; None where it is not usable."""
    told = Imported("", path)
    for _, row in usable([(where, raw)], partial(_answer, names, path.parent), Row, told):
        attempt, _ = names.attempt(row.item_id, row.candidate, path.parent / str(row.audio))
        return Subject(benchmark=path.stem, item_id=row.item_id, candidate=row.candidate, attempt=attempt)
    return None


def _sided(raw: Raw, side: str) -> Raw:
    return raw if isinstance(raw, str) else {**raw, "": side}


def _asked(names: _Names, folder: Path, raw: Mapping[str, Any]) -> dict[str, Any]:
    for name in _NEEDED:
        if not isinstance(raw.get(name), str | int) or raw[name] == "":
            raise BadCell(name, f"got {raw.get(name)!r:.40}, expected a text")
    spoken = raw.get("instruction_path")
    if not isinstance(spoken, str | None):
        raise BadCell("instruction_path", f"got {spoken!r:.40}, expected a path")
    return {"item_id": names.item(raw), "question_text": raw["instruction_text"],
            "question_audio": from_above(spoken, folder, folder)}  # fmt: skip


def _answer(names: _Names, folder: Path, raw: Mapping[str, Any]) -> dict[str, Any]:
    side = raw[""]
    audio = str(raw.get({"a": "audio1_path", "b": "audio2_path"}[side]) or "")
    return heard(_asked(names, folder, raw), folder) | {
        "candidate": str(raw[f"model_{side}"]), "audio": from_above(audio, folder, folder),
    }  # fmt: skip


def _identity(recording: Path) -> str:
    """The hash of the recording, or its name where it is not there."""
    path = found(Path(), str(recording))
    return hashlib.sha256(audio.read_bytes(path)).hexdigest() if path else str(recording)
