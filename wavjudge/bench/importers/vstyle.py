"""VStyle (alibaba/vstyle): answers in metadata.jsonl, a judge's scores of them, labels of people.

    metadata.jsonl              one spoken answer a line; the recordings beside it, or in wav/ beside it
    metadata_with_score.jsonl   the same with `gemini_score` and `gemini_raw`
    <annotator>.jsonl           one label a line: `id`, `instruct_id`, `ability`, `mos`

A folder gives what its .jsonl files hold. For `human_eval_res/<language>/`, as VStyle publishes its labels, the
judged file `model_eval_res/<language>_res.jsonl` beside it is read too. English and Chinese instructions repeat ids:
one folder at a time.

`instruct_id` is the item (several models answer the same instruction), `model_name` the candidate, `ability`
("category/sub") a tag, `response_audio_path` relative to the file or to `wav/` beside it (VStyle's own script is told
that folder), `response_text` the model's own transcript. The language is read off the instruction's script.

Tables: `ratings`, rater `vstyle:gemini` (the file does not say which version), and `labels`, rater = name of the
annotator's file. Axis `overall`, 1-5, for both: one score for content, style and naturalness together, by VStyle's
own rubric for each category. A `gemini_score` that is no number from 1 to 5, such as an error message, is
`unparseable`; so is a `mos`. A label names its answer by `id` and `instruct_id` alone: its candidate is looked up
among the answers, and a label whose answer is not there, or belongs to several models, is a bad row.

Not taken over: `mos` among the answers, which does not say whose it is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from wavjudge.bench.importers.base import Imported, mark
from wavjudge.bench.importers.columns import one_text
from wavjudge.bench.importers.rows import BadCell, first_fields, from_above
from wavjudge.bench.importers.votes import number_in, rating
from wavjudge.bench.rows import Row
from wavjudge.errors import InputError
from wavjudge.internal import ends_the_run, noted
from wavjudge.store.run_folder import first_problem
from wavjudge.types import Rating, Scale, Subject

AXIS, SCALE = "overall", Scale(low=1, high=5)
_USED = frozenset({
    "instruct_text", "ability", "instruct_id", "id", "model_name", "response_audio_path", "response_text",
    "instruction_audio_path", "gemini_score", "gemini_raw",
})  # fmt: skip
_Key = tuple[str, str]


def read(path: Path) -> Imported:
    """What a file holds, or the files of a folder."""
    files = _files(path)
    columns = {file: first_fields(file) for file in files}
    people = [file for file in files if "mos" in columns[file] and "model_name" not in columns[file]]
    answered = [file for file in files if file not in people]
    imported = Imported("vstyle", path if path.is_dir() else path.parent)
    if people and not answered:
        raise InputError("got labels of people, but no answers that say which model each is of", where=str(path),
                         todo="name a folder that holds metadata.jsonl too")  # fmt: skip
    imported.rows = _rows(answered, imported)
    if judged := [file for file in answered if "gemini_score" in columns[file]]:
        imported.tables["ratings"] = _ratings(judged, imported)
    if people:
        imported.tables["labels"] = _labels(people, answered, imported)
    return imported


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    published = path.resolve().parent.parent / "model_eval_res" / f"{path.resolve().name}_res.jsonl"
    files = [file for file in (*sorted(path.glob("*.jsonl")), published) if file.is_file()]
    if not files:
        raise InputError("got no such file", where=str(path), todo="name VStyle's metadata.jsonl")
    return files


def _rows(files: list[Path], imported: Imported) -> Iterator[tuple[str, Row]]:
    """Each answer once: a judged file repeats those of metadata.jsonl."""
    seen: dict[int, Path] = {}
    for file, where, raw in _objects(files, imported):
        try:
            row = _row(raw, file, imported.root)
        except InputError as error:
            imported.bad_rows.append(f"{where}: {error}")
        except ValidationError as error:
            imported.bad_rows.append(f"{where}, {first_problem(error)}")
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            imported.bad_rows.append(f"{where}: {_complaint(error)}")
        else:
            imported.unused_fields.update(set(raw) - _USED)
            if seen.setdefault(mark(*_key(raw), row.candidate), file) == file:
                yield where, row


def _objects(files: list[Path], imported: Imported | None) -> Iterator[tuple[Path, str, dict[str, Any]]]:
    """The lines of files with their places; without an import to note them in, bad ones are passed over unsaid."""
    for path in files:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                where = f"{path}, line {number}"
                try:
                    raw = json.loads(line.decode("utf-8-sig"))
                    if not isinstance(raw, dict):
                        raise TypeError(f"it is {raw!r:.40}")
                except (TypeError, ValueError, RecursionError) as error:
                    if imported is not None:
                        imported.bad_rows.append(f"{where}: {_complaint(error)}")
                else:
                    yield path, where, raw


def _row(raw: dict[str, Any], file: Path, root: Path) -> Row:
    question = raw["instruct_text"]
    if not isinstance(question, str):
        raise InputError("got no text in 'instruct_text'")
    return Row(
        item_id=raw["instruct_id"],
        candidate=raw["model_name"],
        question_text=question,
        question_audio=_moved(raw.get("instruction_audio_path"), file, root),
        text=str(raw.get("response_text") or "").strip() or None,
        audio=_moved(raw.get("response_audio_path"), file, root),
        language="zh" if any("\u4e00" <= letter <= "\u9fff" for letter in question) else "en",
        tags=(f"ability={raw['ability']}", f"id={raw['id']}"),
    )


def _moved(name: Any, file: Path, root: Path) -> Any:
    """A path that is relative to a file, or to a folder `wav/` beside it, relative to the import's root."""
    if isinstance(name, str) and (there := from_above(name.strip(), file.parent, root)) != name.strip():
        return there
    if not name or not isinstance(name, str) or file.parent == root:
        return name or None
    return os.path.join(os.path.relpath(file.parent, root), name)  # noqa: PTH118 - a Path would swallow "..", "."


def _complaint(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"got no field {error}, expected VStyle's instruct_id, instruct_text, model_name, ability, id"
    return f"got a line that is no JSON object ({error})"


def _key(raw: Mapping[str, Any]) -> _Key:
    return str(raw.get("id")), str(raw.get("instruct_id"))


def _ratings(files: list[Path], imported: Imported) -> Iterator[Rating]:
    make = partial(rating, rater="vstyle:gemini", signature="vstyle:gemini|model:not_stated")
    for _, where, raw in _objects(files, None):  # bad lines are told with the answers
        said, item, candidate = (
            raw.get("gemini_score"),
            one_text(raw.get("instruct_id")),
            one_text(raw.get("model_name")),
        )
        if "gemini_score" not in raw or item is None or candidate is None:
            continue
        subject = Subject(benchmark="vstyle", item_id=item, candidate=candidate)
        made = make(subject, AXIS, SCALE, number_in(said), said)
        if made.status != "ok":
            imported.bad_rows.append(f'{where}, field "gemini_score": {made.reason}; kept as unparseable')
        yield made.model_copy(update={"justification": one_text(raw.get("gemini_raw"))})


def _labels(files: list[Path], answered: list[Path], imported: Imported) -> Iterator[Rating]:
    candidates = _candidates(answered)
    for file, where, raw in _objects(files, imported):
        imported.unused_fields.update(set(raw) - {"id", "instruct_id", "ability", "mos"})
        try:
            made = _label(raw, file.stem, candidates.get(mark(*_key(raw)), frozenset()))
        except Exception as error:
            if ends_the_run(error):
                raise
            imported.bad_rows.append(f"{where}, {error if isinstance(error, BadCell) else noted(error)}")
            continue
        if made.status != "ok":
            imported.bad_rows.append(f'{where}, field "mos": {made.reason}; kept as unparseable')
        yield made


def _candidates(files: list[Path]) -> dict[int, frozenset[str]]:
    """Which models gave the answers of a name. The same set stands for all that have it: there are few models."""
    found: dict[int, frozenset[str]] = {}
    known: dict[frozenset[str], frozenset[str]] = {}
    for _, _, raw in _objects(files, None):
        if not raw.get("model_name"):
            continue  # a bad row: nobody gave it
        name = mark(*_key(raw))
        models = found.get(name, frozenset()) | {str(raw.get("model_name"))}
        found[name] = known.setdefault(models, models)
    return found


def _label(raw: Mapping[str, Any], annotator: str, candidates: frozenset[str]) -> Rating:
    if missing := [name for name in ("id", "instruct_id", "mos") if name not in raw]:
        raise BadCell(missing[0], "got no such field")
    if len(candidates) != 1:
        found = f"{len(candidates)} models gave" if candidates else "no model gave"
        raise BadCell("id", f"{found} the answer {raw['id']!r} to {raw['instruct_id']!r}, expected one")
    subject = Subject(benchmark="vstyle", item_id=str(raw["instruct_id"]), candidate=next(iter(candidates)))
    made = rating(subject, AXIS, SCALE, number_in(raw["mos"]), raw["mos"], rater=annotator, signature=annotator)
    return made.model_copy(update={"rater_kind": "person"})
