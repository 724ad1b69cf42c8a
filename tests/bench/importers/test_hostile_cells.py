"""Whatever stands in one cell of a row, in every format: nothing raises, and the rows beside it come out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tests.bench.importers.test_audiojudge import COLUMNS as POINTWISE
from tests.bench.importers.test_kimi import ONE as KIMI
from tests.bench.importers.test_mtalkbench import turn
from tests.bench.importers.test_speakbench import COLUMNS as DETAILED
from tests.bench.importers.test_trace import ONE as TRACE
from tests.bench.importers.test_ultraeval import STEPS
from tests.bench.importers.test_urobench import ROUNDS, SINGLE
from tests.bench.importers.test_vocalbench import CHAT, JUDGED
from tests.bench.importers.test_vstyle import ONE as VSTYLE
from tests.bench.importers.written import jsonl
from wavjudge.bench.importers import FORMATS
from wavjudge.bench.importers.base import write

JUNK: tuple[Any, ...] = (None, "", "x", 3, -1, 1.5, True, [], [3], [[]], {}, {"a": 1}, "\0", "9" * 400)
GONE = object()


def mutants(value: Any) -> Iterator[Any]:
    """The value with one cell at any depth replaced by junk, or taken away."""
    places = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for place, cell in places:
        for junk in (*JUNK, GONE, *mutants(cell)):
            copy = deepcopy(value)
            if junk is GONE:
                del copy[place]
            else:
                copy[place] = junk
            yield copy


def listed(path: Path, rows: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows), encoding="utf-8")


def table(columns: tuple[str, ...]) -> Callable[[Path, list[Any]], None]:
    """A CSV file: every cell is text, and a row may have too few cells or too many."""

    def written(path: Path, rows: list[Any]) -> None:
        import csv

        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(row.values() if isinstance(row, dict) else row for row in rows)

    return written


def rows_of(file: str, write_rows: Callable[[Path, list[Any]], Any]) -> Callable[[Path, list[Any]], Path]:
    return lambda root, rows: (write_rows(root / file, rows), root)[1]


def steps(root: Path, rows: list[Any]) -> Path:
    """A log in which the three rows are one step each, after the steps of another question."""
    jsonl(root / "omni" / "chat" / "20260101.jsonl", [*STEPS, *rows])
    return root


def judged_uro(root: Path, rows: list[Any]) -> Path:
    out = root / "m" / "eval" / "basic" / "AlpacaEval"
    for name in ("question_text", "pred_text", "gt_text"):
        jsonl(out / f"{name}.jsonl", [{f"{n:04}": "said"} for n in range(3)])
    jsonl(out / "eval_with_asr" / "result_open.jsonl", rows)
    return root


def judged_vocal(root: Path, rows: list[Any]) -> Path:
    listed(root / "omni" / "result" / "single_round.json", rows)
    return root / "omni"


def labels(root: Path, rows: list[Any]) -> Path:
    jsonl(root / "metadata.jsonl", [VSTYLE | {"instruct_id": number, "id": number} for number in range(3)])
    jsonl(root / "ann.jsonl", rows)
    return root


POINT = dict.fromkeys(POINTWISE, "") | {
    "audio1_path": "somos_audio/5/audio_a.wav", "audio2_path": "somos_audio/5/audio_b.wav", "score1": "4",
    "score2": "3", "dataset_name": "somos", "groundtruth1": "3", "groundtruth2": "4",
}  # fmt: skip
DETAIL = dict.fromkeys(DETAILED, "tie") | {
    "instruction_id": "1", "instruction_text": "Say ma.", "model_name": "m", "model_audio_path": "a.wav",
    "gpt4o_audio_path": "g.wav",
}  # fmt: skip
FIELD = {
    "plain": "id",
    "vocalbench judged": "Qid",
    "speakbench": "instruction_id",
    "kimi": "index",
    "trace": "instruction_id",
    "vocalbench": "Qid",
    "vstyle": "instruct_id",
}
SOURCES: dict[str, tuple[str, Any, Callable[[Path, list[Any]], Path], int]] = {
    "plain": ("plain", {"id": "1", "question": "?", "prediction": "So.", "answer": ["a"], "audio": "q.wav",
                        "history": [{"role": "user", "text": "Hi."}], "checks": [{"kind": "choice", "options": {}}],
                        "attempt": 0, "tags": ["a"]}, rows_of("mine.jsonl", jsonl), 2),
    "kimi": ("kimi", KIMI | {"prediction": "He.", "instruction": ["a:b"], "instruction_kwargs": [{"n": 1}]},
             rows_of("sd-qa.jsonl", jsonl), 4),
    "trace": ("trace", TRACE, rows_of("s2sarena.json", listed), 4),
    "mtalkbench": ("mtalkbench", [turn(1), turn(2)],
                   lambda root, rows: (listed(root / "s.json", {"Ambient sound": rows}), root)[1], 4),
    "ultraeval": ("ultraeval", {"WavPath": "a.wav", "Question": "Q?", "output": "R", "subset": "s"},
                  rows_of("set.jsonl", jsonl), 2),
    "ultraeval log": ("ultraeval", {"type": "inference", "id": 7, "data": {"content": "So.", "info": "x"}}, steps, 0),
    "urobench": ("urobench", SINGLE[1], rows_of("basic/AlpacaEval/test.jsonl", jsonl), 2),
    "urobench rounds": ("urobench", ROUNDS, rows_of("pro/Multi/test.jsonl", jsonl), 1),
    "urobench judged": ("urobench", {"question": "Q", "answer": "A", "score": ["4", "5", 3]}, judged_uro, 3),
    "vocalbench": ("vocalbench", CHAT | {"Context": [{"from": "user", "value": "Hi."}]},
                   rows_of("single_round.json", listed), 2),
    "vocalbench judged": ("vocalbench", JUDGED, judged_vocal, 4),
    "vstyle": ("vstyle", VSTYLE | {"gemini_score": "4", "gemini_raw": "4"}, rows_of("metadata.jsonl", jsonl), 2),
    "vstyle labels": ("vstyle", {"id": 1, "instruct_id": 1, "ability": "a/b", "mos": 4}, labels, 3),
    "voicebench judged": ("voicebench", {"prompt": "Q?", "response": "A.", "reference": "R", "score": ["4", "Yes"]},
                          rows_of("result-omni-sd-qa-usa-audio.jsonl", jsonl), 2),
    "audiojudge": ("audiojudge", POINT, rows_of("p.csv", table(POINTWISE)), 4),
    "speakbench": ("audiojudge", DETAIL, rows_of("d.csv", table(DETAILED)), 6),
}  # fmt: skip
"""Format, a row, how rows are written, and how much comes of the two good rows at least."""


def good(name: str, row: Any, number: int) -> Any:
    """The row under another name, so that it is another item."""
    if name == "mtalkbench":
        return [row[0] | {"question": f"record_9-{number}/q.wav"}]
    return row | {FIELD[name]: str(number)} if name in FIELD else row


def came_of(name: str, path: Path, out: Path) -> tuple[int, list[str]]:
    """How many records an import writes, and what it tells."""
    path = next(path.glob("mine.jsonl"), next(path.glob("s2sarena.json"), path))
    found = FORMATS[SOURCES[name][0]](path)
    done = write(found, out, keep="reference")
    return done.items + done.rows + sum(done.ratings.values()), found.bad_rows


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("name", SOURCES)
def test_one_cell_never_takes_the_others_with_it(name: str, first: bool, tmp_path: Path) -> None:
    _, row, made, least = SOURCES[name]
    for number, mutant in enumerate((row, *mutants(row))):
        if number % 4 and (len(mutant) == len(row) or first):
            continue  # all of them take a minute
        root = tmp_path / str(number)
        root.mkdir()
        rows = [good(name, row, 1), good(name, row, 2)]
        rows.insert(0 if first else 1, mutant)
        came, told = came_of(name, made(root, rows), tmp_path / f"{number} out")
        # A mutant that gives another recording to the name of a good row contradicts it: the second one is left out.
        assert came + sum("another recording for" in problem for problem in told) >= least, (mutant, told)
        assert all(str(tmp_path) in problem for problem in told), told


@pytest.mark.parametrize("name", ["mtalkbench", "trace", "vocalbench", "audiojudge", "speakbench"])
def test_bytes_that_are_no_text_cost_their_own_row(name: str, tmp_path: Path) -> None:
    _, row, made, least = SOURCES[name]
    (tmp_path / "in").mkdir()
    path = made(tmp_path / "in", [good(name, row, 1), good(name, row, 77), good(name, row, 2)])
    [file] = [one for one in path.iterdir() if one.is_file()]
    begin, mark, rest = file.read_bytes().rpartition(b"somos_" if name == "audiojudge" else b"77")
    file.write_bytes(begin + b"\xff" + rest)
    came, told = came_of(name, path, tmp_path / "out")
    assert mark and came >= least
    assert any(str(file) in problem and "UTF-8" in problem for problem in told), told


@pytest.mark.parametrize("name", ["mtalkbench", "trace", "vocalbench", "audiojudge", "speakbench"])
def test_a_file_that_breaks_off_gives_what_stands_before(name: str, tmp_path: Path) -> None:
    _, row, made, least = SOURCES[name]
    (tmp_path / "in").mkdir()
    path = made(tmp_path / "in", [good(name, row, 1), good(name, row, 2), good(name, row, 3)])
    [file] = [one for one in path.iterdir() if one.is_file()]
    file.write_bytes(file.read_bytes()[:-40])
    came, told = came_of(name, path, tmp_path / "out")
    assert came >= least and any(str(file) in problem for problem in told), told
