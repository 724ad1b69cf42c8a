"""VoiceBench (MatthewCYM/VoiceBench): its Parquet files, the answers that its main.py writes, and their scores.

    SUBSET/SPLIT-00000-of-00001.parquet         items: audio, prompt, and what the subset is scored by
    MODEL-SUBSET-SPLIT-MODALITY.jsonl           answers: the columns without audio, and `response` (text alone)
    result-MODEL-SUBSET-SPLIT-MODALITY.jsonl    the same with `score`, a list of what its judge wrote, three times

An item is known by subset, split and its row (`sd-qa/usa/0007`): most subsets have no ids, and answers keep the order
of the items. An `id`, `key` or `question_id` becomes a tag. What a subset is scored by becomes a check: `choice` for
openbookqa and mmsu (letters) and bbh (letters, or "yes" and "no" as what is on offer), `reference` for sd-qa,
`instruction` for ifeval.

Ratings: VoiceBench's judge reads the answer's text, never its sound, and gives one number for relevance, accuracy and
conciseness. That is none of this project's axes, so it keeps a name of its own: `voicebench_open`, 1-5, and
`voicebench_qa`, 0-1 (Yes is 1, No is 0) where the row has a reference. Each of the judge's votes is a repeat. A vote
that is neither a number on the scale nor holds one as `[[n]]`, or that is not just Yes or No, is `unparseable`. The
file does not say which model judged: api_judge.py asks gpt-4o-mini (n=3, temperature 0.5, top_p 0.95).

Not taken over: the text answer of another model that alpacaeval carries as `output`, and every other column; they are
counted. advbench has no check: VoiceBench looks for phrases of refusal there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from wavjudge.bench.importers import shards
from wavjudge.bench.importers.base import Imported
from wavjudge.bench.importers.columns import ALIASES, named, one_text, refuse_without, tags_of
from wavjudge.bench.importers.rows import BadCell, linked_folders, sound, usable
from wavjudge.bench.importers.shards import Split
from wavjudge.bench.importers.votes import number_in, rating, yes_or_no
from wavjudge.bench.rows import ItemRow, Row
from wavjudge.bench.test_set import Head
from wavjudge.errors import InputError
from wavjudge.files.tables import raw_rows
from wavjudge.types import Rating, Scale, Subject

SUBSETS = (
    "alpacaeval_full", "alpacaeval", "commoneval", "wildvoice", "openbookqa", "mmsu", "sd-qa", "mtbench", "ifeval",
    "bbh", "advbench",
)  # fmt: skip
JUDGE, SIGNATURE = "voicebench:api_judge", "voicebench:api_judge|input:transcript|model:not_stated"
OPEN, QA = ("voicebench_open", Scale(low=1, high=5)), ("voicebench_qa", Scale(low=0, high=1))
_ALIASES = {name: ALIASES[name] for name in ("question_audio", "question_text", "reference")}
_IDS = ("id", "key", "question_id")
_SCORED_BY = ("instruction_id_list", "kwargs", "turns")
_ANSWERS = re.compile(
    rf"(?P<judged>result-)?(?P<model>.+)-(?P<subset>{'|'.join(SUBSETS)})-(?P<split>[\w]+)-(?P<modality>audio|text|ttft)"
)
_OPTION = re.compile(r"^\s*\(?([A-J])[.):]\s*(\S.*?)\s*$", re.MULTILINE)


def read(path: Path) -> Imported:
    """The items of Parquet files, the answers and ratings of JSONL files: of a folder of them, or of one."""
    links = linked_folders(path)
    imported = Imported("voicebench", path if path.is_dir() else path.parent, bad_rows=links)
    answers = [(file, found) for file in _jsonl(path) if (found := _ANSWERS.fullmatch(file.stem))]
    splits = shards.splits(path) if path.is_dir() or path.suffix == ".parquet" else []
    if not splits and not answers:
        raise InputError("got neither Parquet files nor MODEL-SUBSET-SPLIT-MODALITY.jsonl", where=str(path),
                         todo="; ".join(["name the downloaded folder, or what VoiceBench's main.py wrote", *links[:3]]),
                         )  # fmt: skip
    tables = [(split, _subset(split, path), _named(split)) for split in splits]
    for split, _, used in tables:
        shards.count_unused(split, used.values(), imported)
    imported.items = (row for table in tables for row in _items(*table, imported))
    imported.rows = (
        row for file, name in answers if not _judged_too(file, name) for row in _answers(file, name, imported)
    )
    if judged := [(file, name) for file, name in answers if name["judged"]]:
        imported.tables["ratings"] = (row for file, name in judged for row in _ratings(file, name, imported))
    imported.head = Head(name="voicebench", language="en", metrics=("checks",), source="hlt-lab/voicebench")
    return imported


def _jsonl(path: Path) -> list[Path]:
    return [path] if path.suffix == ".jsonl" and path.is_file() else sorted(path.rglob("*.jsonl"))


def _judged_too(file: Path, name: re.Match[str]) -> bool:
    """Whether the same answers stand in a file of scores beside it, which then gives them."""
    return not name["judged"] and (file.parent / f"result-{file.name}").is_file()


def _subset(split: Split, path: Path) -> str:
    """The folder that holds the files, or that was named."""
    folder = path if path.is_dir() else path.parent
    return split.subset.split("/")[-1] or (folder.resolve().parent if folder.name == "data" else folder.resolve()).name


def _named(split: Split) -> dict[str, str]:
    """The columns that are read, by our names; those that only VoiceBench has keep theirs."""
    seen = shards.columns_of(split)
    found = named(seen, _ALIASES)
    spoken = {name: name for name in seen if re.fullmatch(r"audio_?\d+", name)}
    if not spoken:
        refuse_without("question_audio", found, seen, str(split.files[0]))
    return found | spoken | {name: name for name in (*_IDS, *_SCORED_BY) if name in seen}


def _items(split: Split, subset: str, used: Mapping[str, str], imported: Imported) -> Iterator[tuple[str, ItemRow]]:
    for number, where, raw in shards.numbered(split, list(used.values())):
        fields = partial(_item, subset, split.name, number, used, imported)
        yield from usable([(where, raw)], fields, ItemRow, imported)


def _item(
    subset: str, split: str, number: int, used: Mapping[str, str], imported: Imported, raw: Mapping[str, Any]
) -> dict[str, Any]:
    cell = {ours: raw.get(theirs) for ours, theirs in used.items()}
    text, reference = one_text(cell.get("question_text"), "\n"), one_text(cell.get("reference"))
    spoken = [name for name in used if re.fullmatch(r"audio_?\d+", name)]
    asked: dict[str, Any] = {"question_text": text}
    if spoken:
        asked = {"turns": _turns(cell, sorted(spoken), imported)}
    elif "question_audio" in used:
        asked["question_audio"] = sound(used["question_audio"], cell["question_audio"], imported)
    tags = {"subset": subset, "split": split} | {name: cell.get(name) for name in _IDS}
    return asked | {
        "item_id": f"{subset}/{split}/{number:04}", "reference": reference, "language": "en",
        "checks": _checks(subset, text or "", reference, cell), "tags": tags_of(tags, list(tags)),
    }  # fmt: skip


def _turns(cell: Mapping[str, Any], spoken: list[str], imported: Imported) -> list[dict[str, Any]]:
    """The recordings in order, each with its text from the list `turns` where there is one."""
    texts = cell.get("turns") or [None] * len(spoken)
    if not isinstance(texts, list) or len(texts) != len(spoken):
        raise BadCell("turns", f"got {texts!r:.60}, expected a list of {len(spoken)} texts")
    pairs = zip(texts, spoken, strict=True)
    return [{"text": one_text(text), "audio": sound(name, cell[name], imported)} for text, name in pairs]


def _checks(subset: str, prompt: str, reference: str | None, cell: Mapping[str, Any]) -> list[dict[str, Any]]:
    if subset == "ifeval":
        return _instructions(cell.get("instruction_id_list"), cell.get("kwargs"))
    if not reference:
        return []
    if subset in ("openbookqa", "mmsu", "bbh"):
        return [{"kind": "choice", "options": _choice(reference, prompt, subset)}]
    return [{"kind": "reference", "options": {"answers": [reference]}}] if subset == "sd-qa" else []


def _choice(reference: str, prompt: str, subset: str) -> dict[str, Any]:
    answer = reference.strip("() .").upper()
    if subset == "bbh" and answer in ("YES", "NO"):
        return {"answer": "A" if answer == "YES" else "B", "options": {"A": "yes", "B": "no"}}
    options = dict(_OPTION.findall(prompt))
    if len(options) > 1 and answer in options and "".join(options) == "ABCDEFGHIJ"[: len(options)]:
        return {"answer": answer, "options": options}
    letters = "AB" if subset == "bbh" else "ABCD"
    if answer not in tuple(letters):
        raise BadCell("reference", f"got {reference[:40]!r}, expected one of the letters {letters}")
    return {"answer": answer, "letters": letters}


def _instructions(ids: Any, kwargs: Any) -> list[dict[str, Any]]:
    if not isinstance(ids, list) or not ids:
        raise BadCell("instruction_id_list", f"got {ids!r:.60}, expected a list of instruction ids")
    if not isinstance(kwargs, list) or len(kwargs) != len(ids):
        raise BadCell("kwargs", f"got {kwargs!r:.60}, expected a list of {len(ids)} objects")
    if strange := [one for one in kwargs if one is not None and not isinstance(one, Mapping)]:
        raise BadCell("kwargs", f"got {strange[0]!r:.60} in the list, expected objects")
    pairs = zip(ids, kwargs, strict=True)
    return [{"kind": "instruction", "options": {"id": name, "kwargs": _given(given)}} for name, given in pairs]


def _given(kwargs: Any) -> dict[str, Any]:
    """The arguments that are set. Parquet keeps one struct for all instructions, with null for what is not meant."""
    given = {name: value for name, value in dict(kwargs or {}).items() if value is not None}
    return {n: int(v) if isinstance(v, float) and v.is_integer() else v for n, v in given.items()}


def _answers(file: Path, name: re.Match[str], imported: Imported) -> Iterator[tuple[str, Row]]:
    used = {"question_text": "prompt", "reference": "reference"} | {own: own for own in (*_IDS, *_SCORED_BY)}
    known = {*used.values(), "response", "score"}
    for number, (where, raw) in enumerate(raw_rows(file)):
        if not isinstance(raw, str):
            imported.unused_fields.update(raw.keys() - known)
        yield from usable([(where, raw)], partial(_answer, name, number, used, imported), Row, imported)


def _answer(
    name: re.Match[str], number: int, used: Mapping[str, str], imported: Imported, raw: Mapping[str, Any]
) -> dict[str, Any]:
    if not isinstance(response := raw.get("response"), str):
        raise BadCell("response", f"got {response!r:.40}, expected the text of an answer")
    item = _item(name["subset"], name["split"], number, used, imported, raw)
    return item | {
        "candidate": name["model"],
        "text": response.strip(),
        "tags": (*item["tags"], f"asked={name['modality']}"),
    }


def _ratings(file: Path, name: re.Match[str], imported: Imported) -> Iterator[Rating]:
    for number, (where, raw) in enumerate(raw_rows(file)):
        if isinstance(raw, str):
            continue  # noted with the answers, which stand in the same file
        votes = raw.get("score")
        if not isinstance(votes, list):
            imported.bad_rows.append(f'{where}, field "score": got {votes!r:.40}, expected a list; no rating')
            continue
        subject = Subject(
            benchmark="voicebench", item_id=f"{name['subset']}/{name['split']}/{number:04}", candidate=name["model"]
        )
        (axis, scale), reader = (QA, yes_or_no) if "reference" in raw else (OPEN, number_in)
        for repeat, vote in enumerate(votes):
            yield rating(subject, axis, scale, reader(vote), vote, rater=JUDGE, signature=SIGNATURE, repeat=repeat)
