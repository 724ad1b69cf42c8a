"""UltraEval-Audio: test sets with WavPath, and logs of runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.bench.importers.written import answers, imported, items, jsonl, ratings, recording, tone
from wavjudge.bench.importers import FORMATS
from wavjudge.errors import InputError


def test_a_test_set_comes_out_as_it_was_put_in(tmp_path: Path) -> None:
    recording(tmp_path / "in" / "audio" / "1.wav", tone(301))
    rows = [{"WavPath": "audio/1.wav", "Question": "Q1?", "output": "R1", "other": 2}, {"WavPath": "audio/2.wav"},
            {"WavPath": None}, "{"]  # fmt: skip
    jsonl(tmp_path / "in" / "my_set.jsonl", rows)
    found, done = imported("ultraeval", tmp_path / "in", tmp_path / "out")
    one, two = items(tmp_path / "out")
    assert (one.item_id, one.question_text, one.reference, one.benchmark) == ("0", "Q1?", "R1", "my_set")
    assert (tmp_path / "out" / str(one.question_audio)).read_bytes() == tone(301)
    assert (two.item_id, two.question_audio) == ("1", "audio/2.wav") and len(done.missing) == 1
    assert found.unused_fields == {"other": 1}
    assert [problem.split("my_set.jsonl, ")[1][:45] for problem in found.bad_rows] == [
        'line 3, field "WavPath": got None, expected a', "line 4, expected a JSON object, got what is n"]  # fmt: skip


def prompt(name: str) -> list[dict[str, Any]]:
    asked = [{"type": "audio", "value": name}, {"type": "text", "value": "Answer."}]
    return [
        {"role": "system", "contents": [{"type": "text", "value": "Be kind."}]},
        {"role": "user", "contents": asked},
    ]


def step(kind: str, own: int, **data: Any) -> dict[str, Any]:
    return {"type": kind, "id": own, "data": data}


def log(root: Path, rows: list[Any]) -> Path:
    recording(root / "res" / "omni" / "chat" / "a.wav", tone(777))
    return jsonl(root / "res" / "omni" / "chat" / "20260101.jsonl", rows)


STEPS = [
    step("prompt", 0, content=prompt("q0.wav")), step("prompt", 1, content="Q1?"), step("prompt", 2, content="Q2?"),
    step("inference", 1, content="Text one."), step("inference", 0, content='{"text": "Said.", "audio": "a.wav"}'),
    step("error", 2, info="Traceback ...\nRuntimeError: out of memory"), step("post_process", 0, content="a.wav"),
    step("eval", 0, geval=8, pred="p", ref="r"), step("eval", 1, geval="nine", gpt_score=4.3, acc=1),
    step("prompt", 3, content="Q3?"), step("inference", 3, content="a.wav"),
    step("error", 3, info="Traceback ...\nKeyError: 'ref'"),
]  # fmt: skip


def test_a_log_gives_answers_crashes_and_ratings(tmp_path: Path) -> None:
    log(tmp_path, STEPS)
    found, done = imported("ultraeval", tmp_path / "res", tmp_path / "out")
    rows = {row.item_id: row for row in answers(tmp_path / "out")}
    assert {(row.candidate, row.benchmark) for row in rows.values()} == {("omni", "chat")} and done.items == 0
    assert (rows["chat/1"].question_text, rows["chat/1"].text, rows["chat/1"].audio) == ("Q1?", "Text one.", None)
    zero = rows["chat/0"]
    assert (zero.text, zero.question_text, zero.history[0].text) == ("Said.", "Answer.", "Be kind.")
    assert (tmp_path / "out" / str(zero.audio)).read_bytes() == tone(777)
    assert (rows["chat/2"].status, rows["chat/2"].reason) == ("crashed", "RuntimeError: out of memory")
    assert rows["chat/3"].status == "ok" and str(rows["chat/3"].audio).endswith("a.wav")
    assert [problem.split("jsonl, ")[1] for problem in found.bad_rows] == [
        "line 12, id 3: the evaluation failed (KeyError: 'ref'); no rating"
    ]
    names = ("item_id", "axis", "score", "scale_high", "rater_kind")
    assert [tuple(row[name] for name in names) for row in ratings(tmp_path / "out")] == [
        ("chat/0", "ultraeval_geval", "8.0", "10.0", "model"), ("chat/1", "ultraeval_acc", "1.0", "1.0", "instrument"),
        ("chat/1", "ultraeval_geval", "", "10.0", "model")]  # fmt: skip
    assert found.unused_fields == {"eval.gpt_score": 1}


def test_lines_that_are_no_step_and_a_run_that_broke_off_are_told(tmp_path: Path) -> None:
    rows = [step("prompt", 0, content="Q?"), "{", {"type": "prompt", "id": 1, "data": "x"},
            step("prompt", 4, content="Q?"),
            step("inference", 0, content={"a": 1})]  # fmt: skip
    found = FORMATS["ultraeval"](log(tmp_path, rows))
    assert [(row.item_id, row.text) for _, row in found.rows] == [("chat/0", '{"a": 1}')]
    assert [problem.split("jsonl, ")[1][:37] for problem in found.bad_rows] == [
        "line 2, expected a JSON object, got w", "line 3, expected a step {type, id, da",
        "id 4: a prompt without an answer; the"]  # fmt: skip


def test_another_jsonl_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text(json.dumps({"audio": "a.wav", "text": "b"}) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"x\.jsonl.*got no column 'WavPath', but 'audio', 'text'"):
        FORMATS["ultraeval"](tmp_path)
    with pytest.raises(InputError, match="got no JSONL file"):
        FORMATS["ultraeval"](tmp_path / "none")
