"""Candidates on this machine whose SPEC is wrong: said before anything is asked, with the nearest right SPEC."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.bench.asking import ask, write_items
from tests.cli.typed import typed
from wavjudge.bench.candidates.command_words import words_of
from wavjudge.errors import SpecError

MODULE = """
import inspect
def f(turn): return "hi"
async def later(turn, more=1): return "hi"
def nothing(): return "hi"
def two(question, answer): return "hi"
def named(*, turn): return "hi"
def pieces(turn): yield "hi"
class Model:
    def __call__(self, turn): return "hi"
    def say(self, turn): return "hi"
model = Model()
number = 4
"""


@pytest.fixture(autouse=True)
def _in_a_folder_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    Path("a_model.py").write_text(MODULE)
    Path("src").mkdir()
    Path("src/inner.py").write_text("def f(turn): return 'hi'\n")
    Path("answer.py").write_text("")
    Path("lacks.py").write_text("import no_such_part")
    for name in ("a_model", "src", "src.inner", "lacks"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("spec", "found", "todo"),
    [
        ("a_modell:f", "got the module 'a_modell', which is not there, expected python:MODULE:NAME",
         "did you mean python:a_model:f? MODULE is a .py file"),
        ("f:a_model", "got the module 'f'", "did you mean python:a_model:f?"),
        ("src.iner:f", "got the module 'src.iner'", "did you mean python:src.inner:f?"),
        ("zzz:f", "got the module 'zzz'", "modules of the working directory: a_model, answer, lacks, src.inner"),
        ("a_model.f:x", "got the module 'a_model.f'", "did you mean python:a_model:f?"),
        ("a_model.py:f", "got 'a_model.py:f', expected MODULE:NAME", "did you mean python:a_model:f?"),
        ("./a_model.py:f", "expected MODULE:NAME", "did you mean python:a_model:f?"),
        ("src/inner.py:f", "expected MODULE:NAME", "did you mean python:src.inner:f?"),
        ("src/inner:f", "expected MODULE:NAME", "did you mean python:src.inner:f?"),
        ("src/inner.py", "expected MODULE:NAME", "did you mean python:src.inner:f?"),
        ("a_model.f", "expected MODULE:NAME", "did you mean python:a_model:f?"),
        ("a_model:f()", "expected MODULE:NAME", "did you mean python:a_model:f?"),
        ("a_model", "expected MODULE:NAME", "write python:a_model:NAME, of which a_model.py has f, later, nothing"),
        ("/else/where/m.py:f", "expected MODULE:NAME", "write python:m:f in the folder /else/where"),
        ("a_model:ff", "got 'ff', which the module 'a_model' does not have", "did you mean python:a_model:f?"),
        ("a_model:zzzzz", "does not have", "write python:a_model:NAME; a_model has f, later"),
        ("a_model:number", "which is an int, expected a function", "a_model has f, later"),
        ("lacks:f", "No module named 'no_such_part'", "install no_such_part for the Python that runs wavjudge"),
        ("a_model:nothing", "got the function a_model:nothing, which is written a_model:nothing(), expected one that "
         "takes 1 argument: nothing(turn)", "def nothing(turn)"),
        ("a_model:two", "which is written a_model:two(question, answer)", "def two(turn)"),
        ("a_model:named", "which is written a_model:named(*, turn)", "def named(turn)"),
        ("a_model:pieces", "which yields its answer in pieces", "return the whole answer once"),
        ("a_model:Model", "got the class a_model:Model", "model = Model()"),
        ("a_model:Model.say", "Model.say(self, turn)", "make an object of its class in the module"),
    ],
)  # fmt: skip
def test_a_function_that_cannot_be_asked_is_told_before_any_question(spec: str, found: str, todo: str) -> None:
    done = typed("run", "tiny", "--candidate", f"python:{spec}", "--only", "answers", "--out", "run")
    assert done.code == 2 and found in done.err and todo in done.err, done.err
    assert not Path("run").exists()


@pytest.mark.parametrize("name", ["f", "later", "model", "model.say"])
def test_a_function_that_takes_a_turn_is_asked(name: str, tmp_path: Path) -> None:
    done = ask(write_items(tmp_path / "set", 1), f"python:a_model:{name}?speech=false")
    assert [response.status for response in done.all] == ["ok"]


@pytest.mark.parametrize(
    ("command", "found", "todo"),
    [
        ("pyton answer.py -x", "got the program 'pyton', which is not there",
         "did you mean command:python answer.py -x?"),
        ("answer.py", "got the program 'answer.py'", "did you mean command:python answer.py?"),
        ("src", "got the program 'src'", "src is a folder"),
        ("./anser.py", "got the program './anser.py'", "did you mean answer.py?"),
        ("~/bin/answer", "got the program", "no shell reads the command, so there is no ~"),
        ("CUDA_VISIBLE_DEVICES=0 python answer.py", "got the program 'CUDA_VISIBLE_DEVICES=0'",
         "write command:env CUDA_VISIBLE_DEVICES=0 python answer.py"),
        ("cd src && python answer.py", "got '&&' in the command", "command:sh -c 'cd src && python answer.py'"),
        ("python answer.py > log", "got '>' in the command", "command:sh -c"),
        ("python 'answer.py", "does not split into words", "close each quotation mark"),
        ("python anser.py", "got the script 'anser.py', which is not there", "did you mean answer.py?"),
        ("python -u anser.py", "got the script 'anser.py'", "did you mean answer.py?"),
        ("python anser", "got the script 'anser'", "check the path: did you mean answer.py?"),
        ("env A=b python scr/inner.py", "got the script 'scr/inner.py'", "did you mean src/inner.py?"),
        ("python -m no_such_module", "got the module 'no_such_module', which python does not find",
         "name a module of the working directory: a_model, answer"),
        ("python -m anser", "got the module 'anser'", "did you mean command:python -m answer?"),
        ("python -m answer.py", "got the module 'answer.py'", "did you mean command:python -m answer?"),
        ("python answer.py {qestion}", "got the place {qestion} in the command, expected one of {question}, {answer}, "
         "{conversation}", "did you mean {question}?"),
        ("python answer.py {Answer}", "got the place {Answer}", "did you mean {answer}?"),
        ("python answer.py --in={input}", "got the place {input}", "did you mean {question}?"),
        ("python answer.py {xyz}", "got the place {xyz}", "the three are appended in this order"),
    ],
)  # fmt: skip
def test_a_command_that_cannot_start_is_told_before_any_question(command: str, found: str, todo: str) -> None:
    done = typed("run", "tiny", "--candidate", f"command:{command}", "--only", "answers", "--out", "run")
    assert done.code == 2 and found in done.err and todo in done.err, done.err
    assert not Path("run").exists()


def test_commands_that_may_start_are_left_alone(tmp_path: Path) -> None:
    for command in ("python -m answer", "python -m src.inner", "python -c 'print({1})'", "sh -c 'cp {question} ${X}'",
                    "awk '{print}'", "python -W ignore any.py", "env A=b python answer.py {question}"):  # fmt: skip
        assert words_of(command)
    with pytest.raises(SpecError, match=r"\{qustion\}"):
        words_of("sh -c 'cp {qustion} {answer}'")


@pytest.mark.parametrize("options", ["", "&persistent=true"])
@pytest.mark.parametrize("code", ["import no_such_part", "import argparse as a; a.ArgumentParser().parse_args('x')"])
def test_a_program_that_does_not_come_to_its_work_is_no_crash_and_the_mended_one_uses_the_same_folder(
    code: str, options: str, tmp_path: Path
) -> None:
    from tests.bench.asking import program

    items = write_items(tmp_path / "set", 6)
    first = typed("run", items, "--candidate", program(tmp_path, code, options), "--only", "answers", "--out", "run")
    assert first.code == 2 and "did not come to its work on its first 4 questions" in first.err, first.err
    assert "What to do: " in first.err and "nothing was recorded against the candidate" in first.err
    assert not Path("run/responses.jsonl").exists()
    (tmp_path / "set" / "items.jsonl").write_text('{"item_id": "q0", "question_text": "mended"}\n')
    mended = f"command:sh -c 'echo hi {{question}}'?speech=false&name={_name(first.err)}"
    done = typed("run", items, "--candidate", mended, "--only", "answers", "--out", "run")
    assert done.code == 0, done.err


def _name(said: str) -> str:
    return said.partition("the candidate ")[2].partition(" did not")[0]


def test_what_failed_for_want_of_a_part_after_a_good_answer_is_the_candidates_crash(tmp_path: Path) -> None:
    from tests.bench.asking import program

    code = "import json, sys\nif json.load(open(sys.argv[3]))['item_id'] != 'q0': import no_such_part\nprint('hi')"
    done = ask(write_items(tmp_path / "set", 3), program(tmp_path, code, "&speech=false"))
    assert sorted(done.outcomes.values()) == ["crashed", "crashed", "ok"]


def test_an_out_folder_of_a_run_that_recorded_nothing_may_become_another_run(tmp_path: Path) -> None:
    from tests.bench.asking import program

    wrong = program(tmp_path, "import no_such_part", "&speech=false")
    assert typed("run", "tiny", "--candidate", wrong, "--only", "answers", "--out", "run").code == 2
    items = write_items(tmp_path / "set", 2)
    done = typed("run", items, "--candidate", "python:a_model:f?speech=false", "--only", "answers", "--out", "run")
    assert done.code == 0 and "another --out" not in done.err, done.err
    again = typed("run", "tiny", "--candidate", "python:a_model:f?speech=false", "--only", "answers", "--out", "run")
    assert again.code == 2 and "use another --out" in again.err
