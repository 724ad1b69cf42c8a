"""URO-Bench (Ruiqi-Yan/URO-Bench): its test sets, the answers of a model, and what its judges gave them.

    LEVEL/DATASET/test.jsonl            items: source_wav, source_text, target_text; several rounds under `dialogue`
    MODEL/eval/LEVEL/DATASET/           answers: question_text, pred_text, gt_text .jsonl (a key a line),
                                        audio/0000.wav; or output_with_text.jsonl, ID/chat_ROUND.wav
      eval_with_asr/result_MODE.jsonl   ratings: `score`, three votes a line (one for srt), in the order of the answers

An item is known by level, dataset and its line (`basic/AlpacaEval/0007`), one of several rounds by its `id` in
place of the line. Its reference is `target_text` (a list joined by " / "), of several rounds that of the last one.

Ratings: each mode is a prompt of its own, so each is an axis of its own, `uro_open`, `uro_semi_open`, ..., 1-5;
`uro_qa` is 0-1 (Yes is 1, No is 0). All but `uro_srt` rate a Whisper transcript, `uro_srt` the recording. URO-Bench
writes 0 for an empty answer and for a call that failed alike; here that is `unparseable`, not a score. A mode over
several rounds rates the whole dialogue; its rating stands at the last turn.

Not taken over: `asr_text.jsonl` (what Whisper heard is not what the model wrote); UTMOS, WER, emotion; the means.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from wavjudge.bench.importers.base import Imported
from wavjudge.bench.importers.columns import one_text, tags_of
from wavjudge.bench.importers.rows import BadCell, linked_folders, usable
from wavjudge.bench.importers.votes import number_in, rating, yes_or_no
from wavjudge.bench.rows import ItemRow, Row
from wavjudge.bench.test_set import Head
from wavjudge.errors import InputError
from wavjudge.files.tables import Raw, raw_rows
from wavjudge.types import Rating, Scale, Subject

MODES = ("open", "semi_open", "qa", "multi", "gs", "ue", "sf", "ml", "sa", "srt")
_ROUNDS = ("multi", "sa")
_TAGS = ("style", "emotion", "requirement")
_USED = {"id", "num_round", "source_wav", "source_text", "target_text", "dialogue", *_TAGS}


@dataclass(frozen=True, slots=True)
class _Set:
    """One of the test sets, as a folder of items or of answers."""

    folder: Path
    root: Path

    @property
    def name(self) -> str:
        return "/".join((self.folder.parent.name, self.folder.name) if self._level else (self.folder.name,))

    @property
    def candidate(self) -> str:
        above = self.folder.parent.parent if self._level else self.folder.parent
        return (above.parent if above.name == "eval" else above).name or "candidate"

    @property
    def language(self) -> str | None:
        return None if self.folder.name == "Multilingual" else "zh" if self.folder.name.endswith("-zh") else "en"

    @property
    def tags(self) -> tuple[str, ...]:
        level = self.folder.parent.name if self._level else None
        return tags_of({"level": level, "dataset": self.folder.name}, ("level", "dataset"))

    @property
    def _level(self) -> bool:
        return self.folder.parent.name in ("basic", "pro")

    def place(self, name: Any) -> str | None:
        """A recording named in a file of this folder, relative to the root."""
        if name is not None and not isinstance(name, str):
            raise BadCell("source_wav", f"got {name!r:.40}, expected a path")
        return str(self.folder.relative_to(self.root) / name) if name else None


def read(path: Path) -> Imported:
    """The items, answers and ratings under a folder, or of one test.jsonl."""
    root = (path if path.is_dir() else path.parent).resolve()
    tests: list[_Set] = [_Set(root, root)] if path.is_file() and path.name == "test.jsonl" else []
    answers: list[_Set] = []
    if path.is_dir():
        tests, answers = _holding(root, "test.jsonl"), _holding(root, "pred_text.jsonl", "output_with_text.jsonl")
    links = linked_folders(root) if path.is_dir() else []
    if not tests and not answers:
        raise InputError("got neither a test.jsonl nor a pred_text.jsonl or output_with_text.jsonl", where=str(path),
                         todo="; ".join(["name URO-Bench-data, or the folder of a model's answers", *links[:3]]),
                         )  # fmt: skip
    imported = Imported("urobench", root, head=Head(name="urobench", source="Honggao/URO-Bench"), bad_rows=links)
    imported.items = (row for one in tests for row in _items(one, imported))
    imported.rows = (row for one in answers for row in _answers(one, imported))
    if scored := [(one, mode, file) for one in answers for mode, file in _results(one)]:
        imported.tables["ratings"] = (row for found in scored for row in _ratings(*found, imported))
    return imported


def _holding(root: Path, *names: str) -> list[_Set]:
    return [_Set(folder, root) for folder in sorted({file.parent for name in names for file in root.rglob(name)})]


def _results(one: _Set) -> list[tuple[str, Path]]:
    found = sorted(one.folder.glob("*/result_*.jsonl"))
    return [(mode, file) for file in found if (mode := file.stem.removeprefix("result_").replace("-", "_")) in MODES]


def _items(one: _Set, imported: Imported) -> Iterator[tuple[str, ItemRow]]:
    for number, (where, raw) in enumerate(raw_rows(one.folder / "test.jsonl")):
        if not isinstance(raw, str):
            imported.unused_fields.update(raw.keys() - _USED)
        yield from usable([(where, raw)], partial(_item, one, number), ItemRow, imported)


def _item(one: _Set, number: int, raw: Mapping[str, Any]) -> dict[str, Any]:
    known = {"language": one.language, "tags": (*one.tags, *tags_of(raw, _TAGS))}
    if "dialogue" in raw:
        turns = [{"text": one_text(turn.get("source_text")), "audio": one.place(turn.get("source_wav"))}
                 for turn in _rounds(raw)]  # fmt: skip
        return known | {"item_id": _round_id(one, raw), "turns": turns, "reference": _last(raw)}
    return known | {
        "item_id": f"{one.name}/{number:04}", "question_text": one_text(raw.get("source_text")),
        "question_audio": one.place(raw.get("source_wav")), "reference": one_text(raw.get("target_text")),
    }  # fmt: skip


def _rounds(raw: Mapping[str, Any]) -> list[dict[str, Any]]:
    rounds = raw.get("dialogue")
    if not isinstance(rounds, list) or not rounds or not all(isinstance(turn, dict) for turn in rounds):
        raise BadCell("dialogue", f"got {rounds!r:.40}, expected a list of rounds")
    return rounds


def _round_id(one: _Set, raw: Mapping[str, Any]) -> str:
    if (own := one_text(raw.get("id"))) is None:
        raise BadCell("id", "got none, and several rounds are known by it")
    return f"{one.name}/{own}"


def _last(raw: Mapping[str, Any]) -> str | None:
    return one_text(_rounds(raw)[-1].get("target_text"))


def _answers(one: _Set, imported: Imported) -> Iterator[tuple[str, Row]]:
    rounds = one.folder / "output_with_text.jsonl"
    if rounds.is_file():
        yield from usable(raw_rows(rounds), partial(_rounds_answer, one), Row, imported)
    if (one.folder / "pred_text.jsonl").is_file():
        yield from usable(_side_by_side(one.folder, imported), partial(_answer, one), Row, imported)


def _rounds_answer(one: _Set, raw: Mapping[str, Any]) -> dict[str, Any]:
    own, rounds = _round_id(one, raw), _rounds(raw)
    answers = [
        {"text": one_text(turn.get("output_text")), "audio": one.place(f"{raw['id']}/chat_{turn.get('round')}.wav")}
        for turn in rounds
    ]
    return {
        "item_id": own, "turns": [{"text": one_text(turn.get("source_text"))} for turn in rounds], "answers": answers,
        "reference": _last(raw), "candidate": one.candidate, "language": one.language, "tags": one.tags,
    }  # fmt: skip


def _answer(one: _Set, raw: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "item_id": f"{one.name}/{raw['key']}", "question_text": one_text(raw.get("question_text")),
        "reference": one_text(raw.get("gt_text")), "text": one_text(raw["pred_text"]),
        "audio": one.place(f"audio/{raw['key']}.wav"), "candidate": one.candidate, "language": one.language,
        "tags": one.tags,
    }  # fmt: skip


def _side_by_side(folder: Path, imported: Imported) -> Iterator[tuple[str, Raw]]:
    """The lines of pred_text.jsonl, each with those of the other two files that have the same key.

    The files are written in step. One that falls out of step is told and left out from there on.
    """
    beside = {
        name: _keyed(file) for name in ("question_text", "gt_text") if (file := folder / f"{name}.jsonl").is_file()
    }
    for where, line in _keyed(folder / "pred_text.jsonl"):
        if isinstance(line, str):
            yield where, line
            continue
        row: dict[str, Any] = {"key": line[0], "pred_text": line[1]}
        for name, lines in list(beside.items()):
            place, other = next(lines, (f"{folder / name}.jsonl, its end", "no line"))
            if isinstance(other, str) or other[0] != line[0]:
                got = other if isinstance(other, str) else other[0]
                imported.bad_rows.append(f"{place}: got {got!r}, expected the key {line[0]!r}; left out from here on")
                del beside[name]
            else:
                row[name] = other[1]
        yield where, row


def _keyed(file: Path) -> Iterator[tuple[str, tuple[str, Any] | str]]:
    for where, raw in raw_rows(file):
        if isinstance(raw, str):
            yield where, raw
        elif len(raw) != 1:
            yield where, f"expected one key a line, got {len(raw)}"
        else:
            yield where, next(iter(raw.items()))


def _ratings(one: _Set, mode: str, file: Path, imported: Imported) -> Iterator[Rating]:
    axis, scale = f"uro_{mode}", Scale(low=0, high=1) if mode == "qa" else Scale(low=1, high=5)
    judge = "urobench:mark_gemini" if mode == "srt" else "urobench:mark_gpt"
    signature = f"{judge}|input:{'audio' if mode == 'srt' else 'transcript'}|mode:{mode}|model:not_stated"
    subjects, beyond = _subjects(one, mode), 0
    for where, raw in _score_lines(file):
        if (subject := next(subjects, None)) is None:
            beyond += 1
        elif isinstance(raw, str) or "score" not in raw:
            imported.bad_rows.append(f"{where}, {raw if isinstance(raw, str) else 'got no field score'}; no rating")
        else:
            votes = raw["score"] if isinstance(raw["score"], list) else [raw["score"]]
            for repeat, vote in enumerate(votes):
                value = yes_or_no(vote) if mode == "qa" else number_in(vote)
                yield rating(subject, axis, scale, value, vote, rater=judge, signature=signature, repeat=repeat)
    if beyond or (mode not in _ROUNDS and (beyond := -sum(1 for _ in subjects))):
        imported.bad_rows.append(_out_of_step(file, beyond))


def _out_of_step(file: Path, beyond: int) -> str:
    count, which = abs(beyond), "more" if beyond > 0 else "fewer"
    return (f"{file}: got {count} {'line' if count == 1 else 'lines'} of scores {which} than there are answers; they "
            "carry no key and are matched by their place: those without a partner are left out, and if a line was lost "
            "before the end, the scores after it are another answer's")  # fmt: skip


def _score_lines(file: Path) -> Iterator[tuple[str, Raw]]:
    """The lines of a result file but the mean that ends it."""
    for where, raw in raw_rows(file):
        if isinstance(raw, str) or "score" in raw or "final_score" not in raw:
            yield where, raw


def _subjects(one: _Set, mode: str) -> Iterator[Subject]:
    """What the lines of a result file rate, in order: they carry no key."""
    if mode in _ROUNDS:
        for _, raw in raw_rows(one.folder / "output_with_text.jsonl"):
            own, rounds = (None, ()) if isinstance(raw, str) else (raw.get("id"), raw.get("dialogue"))
            rounds = rounds if isinstance(rounds, list) else ()
            yield Subject(benchmark="urobench", item_id=f"{one.name}/{own}", candidate=one.candidate,
                          turn=max(len(rounds) - 1, 0))  # fmt: skip
        return
    for _, line in _keyed(one.folder / "pred_text.jsonl"):
        key = "not_read" if isinstance(line, str) else line[0]
        yield Subject(benchmark="urobench", item_id=f"{one.name}/{key}", candidate=one.candidate)
