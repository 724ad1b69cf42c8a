"""People's labels in the few columns that the README names, beside a run: every command takes them, or says why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.answers import write_answers
from tests.cli.commands.test_calibrate import table, write
from tests.cli.typed import spec, typed
from tests.loopback.server import Loopback

PLAN = ("plan", "labels", "--within", ".1", "--pilot")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labels")
    file = write_answers(folder / "a", 16, candidates=("a", "b"))
    with Loopback() as server:
        assert typed("score", file, "--judge", spec(server), "--axes", "overall", "--out", folder / "run").code == 0
    return folder / "run"


@pytest.fixture
def people(run: Path, tmp_path: Path) -> Path:
    """Three people who are near to the judge, in a table with the five columns of the README."""
    typed("export", run, "--out", tmp_path / "flat.csv")
    rows = [
        {"item_id": row["item_id"], "candidate": row["candidate"], "axis": "overall", "rater": name,
         "score": min(5, max(1, round(float(row["score"])) + (int(row["item_id"][1:]) + n) % 3 - 1))}
        for row in table(tmp_path / "flat.csv") for n, name in enumerate(("ann", "ben", "cem"))
    ]  # fmt: skip
    return write(tmp_path / "people.csv", rows)


def test_five_columns_are_enough_for_every_command(run: Path, people: Path, tmp_path: Path) -> None:
    done = typed("calibrate", run, "--labels", people, "--out", tmp_path / "cal", "--no-plots")
    assert done.code == 0, done.err
    (row,) = table(tmp_path / "cal/calibration.csv")[:1]
    assert (row["n"], row["n_people_only"], row["n_judge_only"]) == ("32", "0", "0")
    assert "96 x no benchmark: taken for labels of 'answers'" in done.err
    board = ("leaderboard", run, "--labels", people, "--label-design", "random", "--out", tmp_path / "l.csv")
    assert typed(*board).code == 0 and table(tmp_path / "l.csv")[0]["overall_prompts_labelled"] == "16"
    assert (
        "32 labels on 16 prompts" in typed("plan", "labels", "--within", ".1", "--pilot", run, "--labels", people).out
    )
    assert typed("rewards", "check", tmp_path / "cal").code == 0


@pytest.mark.parametrize(
    ("column", "said"),
    [("benchmark", "benchmark 'answers' by judges, 'other' by people"), ("candidate", "candidate 'a' by judges")],
)
def test_labels_of_other_answers_are_an_error_and_no_verdict(
    run: Path, people: Path, column: str, said: str, tmp_path: Path
) -> None:
    others = write(tmp_path / "others.csv", [row | {column: "other"} for row in table(people)])
    for command in (
        ("calibrate", run, "--labels", others, "--out", tmp_path / "cal"),
        ("leaderboard", run, "--labels", others, "--label-design", "random", "--out", tmp_path / "l.csv"),
        (*PLAN, run, "--labels", others),
    ):
        done = typed(*command)
        assert done.code == 2 and "no answer that is both rated and labelled" in done.err and said in done.err
    assert not (tmp_path / "cal").exists()


@pytest.mark.parametrize(
    "command",
    [("leaderboard",), ("compare", "candidates"), ("calibrate",), ("plan", "labels", "--within", ".1", "--pilot")],
)
def test_a_path_that_is_not_there_is_called_that(command: tuple[str, ...], people: Path, tmp_path: Path) -> None:
    more = {"leaderboard": ("--out", tmp_path / "l.csv"), "compare": (), "plan": ("--labels", people),
            "calibrate": ("--labels", people, "--out", tmp_path / "cal")}  # fmt: skip
    for path, said in ((tmp_path / "gone", "got no such file or folder"), (tmp_path, "got a folder without")):
        done = typed(*command, path, *more[command[0]])
        assert done.code == 2 and f"{path}: {said}" in done.err


def test_a_run_without_ratings_is_called_that(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("import shutil, sys\nshutil.copy(*sys.argv[1:3])\n", encoding="utf-8")
    items = tmp_path / "items.jsonl"
    write_answers(tmp_path / "q", 1)
    items.write_text('{"item_id": "1", "question_text": "Hi?", "question_audio": "q/a-0.wav"}\n', encoding="utf-8")
    out, command = tmp_path / "run", f"command:python3 {tmp_path / 'm.py'} {{question}} {{answer}}"
    done = typed("run", items, "--candidate", command, "--only", "answers", "--out", out)
    assert out.is_dir(), done.err
    said = typed("leaderboard", out, "--out", tmp_path / "l.csv")
    assert said.code == 2 and "holds no rating yet" in said.err and f"wavjudge score {out} --judge SPEC" in said.err


def test_a_run_whose_only_candidate_failed_everywhere_says_what_happened(tmp_path: Path) -> None:
    items, out = tmp_path / "items.jsonl", tmp_path / "run"
    write_answers(tmp_path / "q", 1)
    items.write_text('{"item_id": "1", "question_text": "Hi?", "question_audio": "q/a-0.wav"}\n', encoding="utf-8")
    typed("run", items, "--candidate", "command:false {question} {answer}", "--only", "answers", "--out", out)
    said = typed("leaderboard", out, "--out", tmp_path / "l.csv")
    assert said.code == 2 and "1 responses of" in said.err and "1 crashed" in said.err
    assert "nothing to rate" in said.err and "--retry-answers crashed" in said.err
    assert "wavjudge score" not in said.err
