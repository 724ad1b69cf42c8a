"""Nothing of somebody's is written over unasked, and nothing that is no answer is taken for one."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from tests.cli.typed import answers, spec, typed
from tests.loopback.server import Loopback
from wavjudge.files.safe import write_new

LABELS = "item_id,candidate,axis,rater,score\n"


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("judged")
    with Loopback() as server:
        assert typed("score", answers(out, 4), "--judge", spec(server), "--out", out / "run").code == 0
    return out / "run"


def labelled(run: Path, file: Path, name: str = "{}") -> Path:
    table = io.StringIO()
    assert typed("export", run, "--out", file.with_suffix(".all.csv")).code == 0
    rows = list(csv.DictReader(io.StringIO(file.with_suffix(".all.csv").read_text(encoding="utf-8"))))
    for row in rows:
        row["item_id"] = name.format(row["item_id"])
    writer = csv.DictWriter(table, ["item_id", "candidate", "axis", "rater", "score"], extrasaction="ignore")
    writer.writeheader()
    writer.writerows(row | {"rater": "p1"} for row in rows if row["score"])
    file.write_text(table.getvalue(), encoding="utf-8")
    return file


@pytest.mark.parametrize("command", [("leaderboard",), ("export",)])
@pytest.mark.parametrize("held", [LABELS + "q1,a,overall,p1,3\n", "item_id,candidate,audio\nq1,a,a.wav\n"])
def test_a_file_that_holds_something_else_stays(
    judged: Path, tmp_path: Path, command: tuple[str, ...], held: str
) -> None:
    (tmp_path / "mine.csv").write_text(held)
    done = typed(*command, judged, "--out", tmp_path / "mine.csv")
    assert done.code == 2 and "got a file that holds something else (it begins 'item_id" in done.err
    assert "name another --out" in done.err and (tmp_path / "mine.csv").read_text() == held


@pytest.mark.parametrize("command, name", [("leaderboard", "x.csv"), ("leaderboard", "x.md"), ("export", "x.csv")])
def test_an_earlier_one_of_its_own_is_replaced(judged: Path, tmp_path: Path, command: str, name: str) -> None:
    for _ in range(2):
        assert typed(command, judged, "--out", tmp_path / name).code == 0


@pytest.mark.parametrize(
    "name, old, new, kept",
    [
        ("a.jsonl", '{"item_id": "q1", "audio": "a.wav"}\n', '{"prompt": "x", "chosen": "y"}\n', True),
        ("a.jsonl", '{"item_id": "q1", "audio": "a.wav"}\n', "", True),
        ("a.jsonl", '{"prompt": "x", "chosen": "y", "noise": 1}\n', '{"prompt": "x", "chosen": "y"}\n', False),
        ("a.jsonl", "", '{"prompt": "x"}\n', False),
        ("a.md", "# My thesis\n", "| rank |\n", True),
        ("a.csv", "\ufeffb,a\n", '"a","b"\n', False),
    ],
)
def test_what_holds_something_else(tmp_path: Path, name: str, old: str, new: str, kept: bool) -> None:
    (tmp_path / name).write_text(old, encoding="utf-8")
    try:
        write_new(tmp_path / name, new)
    except Exception as error:
        assert kept and "something else" in str(error)
    assert (tmp_path / name).read_text(encoding="utf-8") == (old if kept else new)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_results_do_not_go_into_a_file_nor_a_run_into_a_folder_of_other_things(judged: Path, tmp_path: Path) -> None:
    labels = labelled(judged, tmp_path / "people.csv")
    done = typed("calibrate", judged, "--labels", labels, "--out", labels)
    assert done.code == 2 and "got a file, expected a folder to write the results to" in done.err
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "thesis.txt").write_text("mine")
    file = answers(tmp_path / "new", 1)
    done = typed("score", file, "--judge", "checks", "--out", tmp_path / "papers")
    assert done.code != 0 and "got a folder with other files in it (thesis.txt)" in done.err
    assert [path.name for path in (tmp_path / "papers").iterdir()] == ["thesis.txt"]


def test_a_folder_of_runs_is_no_folder_of_recordings(judged: Path, tmp_path: Path) -> None:
    done = typed("score", judged.parent, "--judge", "checks", "--out", tmp_path / "out")
    assert (
        done.code == 2
        and f"got a folder of run folders ({judged})" in done.err
        and f"one of them: {judged}" in done.err
    )


def test_people_are_no_judge_of_themselves(judged: Path, tmp_path: Path) -> None:
    people = labelled(judged, tmp_path / "people.csv")
    done = typed("calibrate", people, "--labels", people, "--out", tmp_path / "c")
    assert done.code == 2 and "got the same ratings as a judge's and as people's, of p1" in done.err


def test_a_blank_at_the_end_of_a_labels_name_is_called_a_blank(judged: Path, tmp_path: Path) -> None:
    people = labelled(judged, tmp_path / "people.csv")
    spaced = labelled(judged, tmp_path / "spaced.csv", " {} ")
    with spaced.open("a") as file:
        file.writelines(people.read_text().splitlines(keepends=True)[1:3])
    done = typed("calibrate", judged, "--labels", spaced, "--out", tmp_path / "c")
    assert "names with a blank at an end, such as ' " in done.err and "take the blanks off" in done.err


def test_a_server_without_tls_is_named_in_seconds(tmp_path: Path) -> None:
    with Loopback() as server:
        judge = spec(server).replace("http://", "https://")
        done = typed("score", answers(tmp_path, 1), "--judge", judge, "--axes", "overall", "--out", tmp_path / "run")
        assert server.requests == 0
    assert (
        done.code == 75 and "does not speak TLS; write http:// in place of https:// in base_url" in done.err + done.out
    )
    assert "start the server, or check base_url" in done.err


def test_a_prompt_is_found_by_the_name_that_the_list_shows() -> None:
    assert typed("prompts", "semantic.2").out == typed("prompts", "semantic").out != ""
