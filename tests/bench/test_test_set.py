"""Test sets to be asked: what `benchmark.toml` says, items in every format, and what is wrong with them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.bench.asking import ask, write_items
from tests.loopback.verdict import wav
from wavjudge import resources
from wavjudge.bench.test_set import open_benchmark, read_head
from wavjudge.errors import InputError
from wavjudge.judges.context import of_test_set
from wavjudge.types import BenchmarkEntry

HERS = {"index": "one", "source_wav": "q.wav", "said": "Why?", "grade": "7"}
COLUMNS = '[columns]\nitem_id = "index"\nquestion_audio = "source_wav"\nquestion_text = "said"\n'


def folder(path: Path, *rows: Any, toml: str | None = None, items: str = "items.jsonl") -> Path:
    path.mkdir(exist_ok=True)
    (path / "q.wav").write_bytes(wav(0.1))
    if toml is not None:
        (path / "benchmark.toml").write_text(toml, encoding="utf-8")
    if items.endswith("jsonl"):
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        (path / items).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    elif items.endswith("csv"):
        with (path / items).open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    else:
        import pyarrow
        import pyarrow.parquet

        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(list(rows)), path / items)
    return path


@pytest.mark.parametrize("items", ["items.jsonl", "data/items.csv", "items.parquet"])
def test_columns_of_other_names_in_every_format(items: str, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    path = folder(tmp_path, HERS, HERS | {"index": "two"}, toml=f'items = "{items}"\n{COLUMNS}', items=items)
    benchmark = open_benchmark(str(path))
    rows = [row for _, row in benchmark]
    assert [(row.item_id, row.question_audio, row.question_text) for row in rows] == [
        ("one", "q.wav", "Why?"), ("two", "q.wav", "Why?")]  # fmt: skip
    assert benchmark.unused_fields == {"grade": 2} and benchmark.bad_rows == [] and len(benchmark) == 2
    assert benchmark.root == (path / items).parent  # recordings lie beside the items


@pytest.mark.parametrize("items", ["items.jsonl", "items.csv", "items.parquet"])
def test_unknown_columns_are_named_with_file_row_and_field(items: str, tmp_path: Path) -> None:
    path = folder(tmp_path, {"item_id": "one", "question_text": "Why?", "grade": "7"}, toml=f'items = "{items}"',
                  items=items)  # fmt: skip
    benchmark = open_benchmark(str(path))
    assert list(benchmark) == []
    (problem,) = benchmark.bad_rows
    assert problem.startswith(str(path / items)) and 'field "grade": not known' in problem


def test_language_of_the_set_is_the_default_of_its_items(tmp_path: Path) -> None:
    path = folder(tmp_path, {"item_id": "a", "question_text": "?", "language": "zh"},
                  {"item_id": "b", "question_text": "?"}, toml='language = "de"')  # fmt: skip
    assert [row.language for _, row in open_benchmark(str(path))] == ["zh", "de"]


def test_what_the_head_says_and_what_it_leaves_to_the_reader(tmp_path: Path) -> None:
    toml = 'name = "mine"\nversion = "2"\nlicence = "CC0"\nrated_turns = "each"\nmetrics = ["checks"]\nmade_by = "me"'
    benchmark = open_benchmark(str(folder(tmp_path, {"item_id": "a", "question_text": "?"}, toml=toml)))
    entry = benchmark.entry()
    assert (entry.name, entry.version, entry.licence, entry.rated_turns) == ("mine", "2", "CC0", "each")
    assert entry.items_sha256 is not None and benchmark.head.metrics == ("checks",)


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ("name = ", "does not read as TOML"),
        ('name = "x"\nname = "y"', "does not read as TOML"),
        ("name = 4", 'field "name"'),
        ('rated_turns = "all"', 'field "rated_turns": Input should be \'last\' or \'each\''),
        ('columns = "a"', 'field "columns"'),
        ('[columns]\nitemid = "a"', "a column for ['itemid'], expected some of"),
        ('[columns]\nquestion_audio = ["a"]', 'field "columns.question_audio"'),
        ('metrics = "checks"', 'field "metrics"'),
        ('axes = "semantic"', 'field "axes"'),
        ('axes = ["Semantic!"]', 'field "axes.0"'),
        ("prompt_set = 3", 'field "prompt_set"'),
    ],
)  # fmt: skip
def test_a_head_that_is_wrong_is_refused_with_file_and_field(toml: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        open_benchmark(str(folder(tmp_path, toml=toml)))
    assert problem in str(caught.value) and "benchmark.toml" in str(caught.value)


def test_a_head_that_is_no_text(tmp_path: Path) -> None:
    path = folder(tmp_path)
    (path / "benchmark.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="does not read as TOML"):
        open_benchmark(str(path))


def test_items_that_are_not_there_say_how_to_obtain_them(tmp_path: Path) -> None:
    (tmp_path / "benchmark.toml").write_text('name = "big"\nobtain = "download it from its authors"')
    with pytest.raises(InputError, match=r"no file items.jsonl[\s\S]*What to do: download it from its authors"):
        open_benchmark(str(tmp_path))
    (tmp_path / "benchmark.toml").unlink()
    with pytest.raises(InputError, match=r"no file items\.jsonl"):
        open_benchmark(str(tmp_path))


def test_a_shipped_name_a_folder_a_toml_a_table_and_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (open_benchmark("tiny").benchmark, len(open_benchmark("tiny"))) == ("tiny", 24)
    path = folder(tmp_path / "mine", {"item_id": "a", "question_text": "?"}, toml='version = "1"')
    assert open_benchmark(str(path)).benchmark == open_benchmark(str(path / "benchmark.toml")).benchmark == "mine"
    assert open_benchmark(str(path / "items.jsonl")).benchmark == "mine"
    other = folder(tmp_path / "other", {"item_id": "a", "question_text": "?"}, items="loose.csv")
    assert open_benchmark(str(other / "loose.csv")).benchmark == "loose"
    for name, problem in (("no-such-set", "no such test set, file or folder"), (str(path / "q.wav"), "got a .wav")):
        with pytest.raises(InputError, match=problem):
            open_benchmark(name)
    monkeypatch.chdir(path)
    assert open_benchmark(".").benchmark == "mine"


BAD = {
    '{"item_id": "a", "question_text": "once more"}': 'field "item_id": the item \'a\' stands already at',
    '{"item_id": "a", "question_text": "?", "benchmark": "mine"}': "stands already at",
    '{"item_id": 1, "question_text": "?"}': None,
    '{"item_id": "1", "question_text": "?"}': "the item '1' stands already",
    '{"item_id": "b"}': 'field "question_audio": got neither',
    '{"item_id": "c", "question_text": "  "}': "neither a question_audio nor a question_text",
    '{"item_id": "d", "turns": [{"text": "one"}, {}]}': 'field "turns": turn 2 has neither text nor audio',
    '{"item_id": "e", "turns": [{"text": "one"}], "question_text": "x"}': "got both turns and a question_text",
    '{"item_id": "f", "turns": {"text": "one"}}': 'field "turns"',
    '{"item_id": "", "question_text": "?"}': 'field "item_id"',
    '{"question_text": "?"}': 'field "item_id": not there',
    '{"item_id": "g", "question_text": "\\ud800"}': 'field "question_text"',
    '{"item_id": "h", "question_text": [4]}': 'field "question_text"',
    "not json": "expected a JSON object",
    "[]": "expected a JSON object",
    '{"item_id": "i", "question_text": "?", "candidate": "x"}': 'field "candidate": not known',
    '{"item_id": "j", "question_audio": "gone.wav"}': "the recording gone.wav is not there",
    '{"item_id": "k", "question_audio": "."}': "is a folder, not a file",
    '{"item_id": "l", "question_audio": "q\\u0000.wav"}': "a name that no file can have",
    '{"item_id": "m", "question_audio": "' + "x" * 5000 + '"}': "a name that no file can have",
    '{"item_id": "n", "question_audio": "cut.wav"}': "cut off",
    '{"item_id": "o", "question_audio": "text.wav"}': "does not decode as audio",
    '{"item_id": "p", "question_audio": "empty.wav"}': "zero bytes",
    '{"item_id": "q", "turns": [{"audio": "q.wav"}, {"audio": "gone.wav"}]}': "gone.wav",
    '{"item_id": "r", "question_audio": "q.wav", "history": [{"role": "user", "audio": "gone.wav"}]}': "gone.wav",
    '{"item_id": "s", "question_audio": "q.wav", "history": [{"role": "robot", "text": "x"}]}': "history.0.role",
}  # fmt: skip


def test_a_bad_item_is_named_with_its_line_and_the_rest_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "echo_of_benchmark.py").write_text("def answer(turn):\n    return 'heard'")
    good = '{"item_id": "a", "question_text": "?"}'
    path = folder(tmp_path / "mine", good, *BAD, '{"item_id": "z", "question_audio": "q.wav"}')
    (path / "cut.wav").write_bytes(wav(0.1)[:-200])
    (path / "text.wav").write_text("words")
    (path / "empty.wav").write_bytes(b"")
    done = ask(path, "python:echo_of_benchmark:answer?speech=false", attempts=2)
    assert sorted(done.responses) == ["1", "a", "z"] and set(done.outcomes.values()) == {"ok"}
    assert len(done.all) == done.asked.answered == done.ledger.there == done.ledger.to_come == 6
    wrong = {line: problem for line, problem in enumerate(BAD.values(), 2) if problem}
    bad_rows = done.asked.bad_rows + done.asked.missing
    assert (len(bad_rows), len(done.asked.missing)) == (len(wrong), 6)
    for line, problem in wrong.items():
        (told,) = [bad for bad in bad_rows if f"items.jsonl, line {line}," in bad or f"line {line}:" in bad]
        assert problem in told, (line, told)


def test_tables_that_cannot_be_read(tmp_path: Path) -> None:
    path = folder(tmp_path, toml='items = "items.parquet"', items="items.jsonl")
    (path / "items.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(InputError, match="does not read as Parquet"):
        ask(path, "command:true", out=tmp_path / "run")


def test_an_item_that_changed_under_a_run_is_a_bad_row_and_another_test_set_is_refused(tmp_path: Path) -> None:
    spec = "command:true?name=silent"
    path = write_items(tmp_path / "set", 3)
    assert ask(path, spec).asked.answered == 3
    text = (path / "items.jsonl").read_text()
    (path / "items.jsonl").write_text(
        text.replace("Question 1?", "Another?") + '{"item_id": "new", "question_text": "?"}'
    )
    done = ask(path, spec)
    assert (done.asked.answered, done.asked.already_answered) == (1, 2)
    assert len(done.asked.bad_rows) == 1 and "line 2: item 'q1' is not the one" in done.asked.bad_rows[0]
    (path / "q0.wav").write_bytes(wav(0.3))
    assert any("'q0' is not the one" in bad for bad in ask(path, spec).asked.bad_rows)
    with pytest.raises(InputError, match=r"'other', and this run has asked 'set'[\s\S]*another --out"):
        ask(write_items(tmp_path / "other", 1), spec)
    assert len(done.all) == 4


@pytest.mark.parametrize("name", resources.index("benchmarks"))
def test_a_shipped_head_names_axes_that_shipped_prompts_declare(name: str) -> None:
    file = resources.folder("benchmarks") / name / "benchmark.toml"
    head = read_head(file, "?")
    assert head.axes and head.prompt_set and head.name == name
    entry = BenchmarkEntry(name=name, axes=head.axes, prompt_set=head.prompt_set)
    assert of_test_set(entry, ["openai"], where=str(file)).axes == [
        axis for axis in ("semantic", "acoustic", "overall") if axis in head.axes]  # fmt: skip


def test_how_it_is_judged_stands_in_the_entry_with_the_folder_of_its_prompts(tmp_path: Path) -> None:
    toml = 'items = "data/items.csv"\naxes = ["tone"]\nprompts = "mine"\nprompt_set = "warmth"\n'
    (tmp_path / "data").mkdir()
    path = folder(tmp_path, {"item_id": "a", "question_text": "?"}, toml=toml, items="data/items.csv")
    entry = open_benchmark(str(path)).entry()
    assert (entry.axes, entry.prompts, entry.prompt_set) == (("tone",), str(tmp_path / "mine"), "warmth")
