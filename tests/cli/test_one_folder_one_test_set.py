"""What a run folder holds is of one test set; what a judge never scored is said; how long it takes is not guessed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.typed import answers, rows, spec, table, typed
from tests.loopback import Loopback
from wavjudge import load, score
from wavjudge.analysis.tables.ratings import read_table
from wavjudge.cli.progress import Pace
from wavjudge.store.run_folder import RunFolder


def test_answers_to_another_test_set_are_refused(tmp_path: Path) -> None:
    first = rows({"item_id": "1", "text": "One."}, folder=tmp_path, name="first.jsonl")
    second = rows({"item_id": "2", "text": "Two."}, folder=tmp_path, name="second.jsonl")
    words = ["--judge", "checks", "--axes", "refusal", "--out", tmp_path / "run"]
    assert typed("score", first, *words).code == 0
    done = typed("score", second, *words)
    assert done.code == 2 and f"{second}, whose answers are to the test set 'second'" in done.err
    assert f"--out {tmp_path / 'run-second'}." in done.err and "say so: --benchmark first" in done.err
    assert typed("score", second, *words, "--benchmark", "first").code == 0
    assert typed("score", first, *words).code == 0


def test_another_file_of_the_same_test_set_joins_and_that_is_said(tmp_path: Path) -> None:
    first = rows({"item_id": "1", "text": "One.", "benchmark": "b"}, folder=tmp_path, name="first.jsonl")
    second = rows({"item_id": "2", "text": "Two.", "benchmark": "b"}, folder=tmp_path, name="second.jsonl")
    words = ["--judge", "checks", "--axes", "refusal", "--out", tmp_path / "run"]
    typed("score", first, *words)
    done = typed("score", second, *words)
    assert done.code == 0 and f"begun with {str(first)!r}" in done.err
    assert len(list(load(tmp_path / "run").ratings())) == 2


def test_the_manifest_names_the_first_source_and_those_that_joined_but_none_that_was_refused(tmp_path: Path) -> None:
    def file(name: str, item_id: str, text: str) -> Path:
        return rows({"item_id": item_id, "text": text, "benchmark": "b"}, folder=tmp_path, name=name)

    first, refused, joins = (
        file("e1.jsonl", "1", "One."),
        file("e2.jsonl", "1", "Other."),
        file("e3.jsonl", "3", "Three."),
    )
    words = ["--judge", "checks", "--axes", "refusal", "--out", tmp_path / "run"]
    codes = [typed("score", one, *words).code for one in (first, refused, joins, first, joins)]
    assert codes == [0, 2, 0, 0, 0]
    with RunFolder(tmp_path / "run") as folder:
        manifest = folder.manifest
    assert manifest is not None and (manifest.source, manifest.joined) == (str(first), (str(joins),))


@pytest.mark.parametrize("fault", ["refusal", "length", "zero_audio_tokens"])
def test_a_judge_without_a_single_score_does_not_end_with_0(tmp_path: Path, fault: str) -> None:
    with Loopback(lambda _: fault) as server:
        words = ["score", answers(tmp_path, 2), "--judge", spec(server), "--prompt-set", "semantic", "--out",
                 tmp_path / "run", "--no-cache"]  # fmt: skip
        done = typed(*words)
        assert done.code == 12 and "not one rating of this judge has a score: openai:loopback" in done.err
        sent = server.requests
        assert typed(*words).code == 12 and server.requests == sent  # it is still so, and nothing is sent again


def test_the_time_left_is_told_from_work_alone() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0])
    assert pace.left(100) == ""
    for _ in range(10):
        now[0] += 2
        pace.count()
    assert pace.left(30) == "01:00 left" and pace.left(0) == ""
    assert pace.left(30 * 60) == "1:00:00 left"


FORMULAS = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''@x", "'tis", "=", "\uff1d1"]


def test_no_cell_of_text_is_a_formula_and_the_table_reads_as_it_was(tmp_path: Path) -> None:
    given = [{"item_id": f"{name}{n}", "candidate": name, "text": "Well.", "tags": [name]}
             for n, name in enumerate(FORMULAS)]  # fmt: skip
    score(rows(*given, folder=tmp_path), judges=["checks"], out=tmp_path / "run", axes=["refusal"])
    assert typed("export", tmp_path / "run", "--out", tmp_path / "t.csv").code == 0
    for row in table(tmp_path / "t.csv"):
        for name, cell in row.items():
            assert name in ("scale_low", "score") or cell[:1] not in "=+-@\t\r" or cell == "", (name, cell)
    back = read_table(tmp_path / "t.csv")
    assert sorted(back["candidate"]) == sorted(FORMULAS)
    assert sorted(back["item_id"]) == sorted(row["item_id"] for row in given)


def test_show_prints_nothing_that_moves_the_cursor(tmp_path: Path) -> None:
    run = score(rows({"item_id": "1", "text": "\x1b[31mred \u202e\u200f\u2067 x\x9b"}, folder=tmp_path),
                judges=["checks"], out=tmp_path / "run", axes=["refusal"]).path  # fmt: skip
    log = run / "ratings.jsonl"
    rating = json.loads(log.read_text())
    log.write_text(
        json.dumps(rating | {"details": {"\x1b[2Jkey\u202e": "\x1b]0;title\x07"}, "rater": "ch\x1becks"}) + "\n"
    )
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps(manifest | {"notes": ["\x1b[2J\u202e\x9b"]}, ensure_ascii=False))
    [found] = load(run).ratings()
    for words in ((), ("1",), (found.id,), (found.id, "--json")):
        done = typed("show", run, *words)
        assert done.code == 0, done.err
        assert not {c for c in done.out if c in "\x1b\x07\x9b\u202e\u200f\u2067"}


def test_a_candidate_whose_every_answer_failed_has_its_row(tmp_path: Path) -> None:
    given = [{"item_id": f"{n}", "candidate": name, "text": "Well.", "status": status}
             for n in range(3) for name, status in (("good", "ok"), ("gone", "crashed"))]  # fmt: skip
    file = rows(*given, folder=tmp_path)
    with Loopback() as server:
        done = typed("score", file, "--judge", spec(server, options="&answer_audio=false&transcript=own"),
                     "--prompt-set", "semantic", "--out", tmp_path / "run")  # fmt: skip
    assert done.code == 0, done.err
    board = typed("leaderboard", tmp_path / "run", "--out", tmp_path / "board.csv")
    assert board.code == 0, board.err
    found = {row["candidate"]: row for row in table(tmp_path / "board.csv")}
    assert float(found["gone"]["coverage"]) == 0 and float(found["good"]["coverage"]) == 1


def test_where_every_candidate_failed_or_no_judge_rated_the_board_says_so(tmp_path: Path) -> None:
    file = rows(*({"item_id": f"{n}", "text": "Well.", "status": "crashed"} for n in range(3)), folder=tmp_path)
    typed("score", file, "--judge", "checks", "--axes", "refusal", "--out", tmp_path / "run")
    done = typed("leaderboard", tmp_path / "run", "--out", tmp_path / "board.csv")
    assert done.code == 2 and "Traceback" not in done.err and "What to do" in done.err
