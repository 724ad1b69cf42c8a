"""`show` and `export`: what a run holds, to read and to take along."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

import wavjudge
from tests.cli.typed import answers, shell, spec, typed
from tests.loopback.server import Loopback
from wavjudge.analysis.tables.flat import COLUMNS
from wavjudge.types import Rating


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Two items, two candidates, three axes and the instruments' clipping; one call refused."""
    file = answers(tmp_path, 2, candidates=("a", "b"))
    with Loopback(["refusal"]) as server:
        judges = ("--judge", spec(server, options="&max_in_flight=1"), "--judge", "signals?workers=1")
        axes = ("--axes", "semantic,acoustic,overall,clipping")
        assert typed("score", file, *judges, "--out", tmp_path / "run", *axes, "--no-cache").code == 0
    return tmp_path / "run"


def rating_of(run: Path, axis: str, status: str = "ok") -> Rating:
    return next(r for r in wavjudge.load(run).ratings() if (r.axis, r.status) == (axis, status))


def test_without_an_id_the_manifest(run: Path) -> None:
    manifest = typed("show", run).json
    assert manifest["counts"] == {"answers_ok": 4, "calls": 12, "ratings_ok": 15, "ratings_refused": 1}
    assert [judge["rater"] for judge in manifest["judges"]] == ["openai:loopback", "signals"]
    assert manifest["wavjudge_version"] == wavjudge.__version__


def test_an_item_lists_its_ratings_with_their_ids(run: Path) -> None:
    done = typed("show", run, "q0")
    expected = [r for r in wavjudge.load(run).ratings() if r.subject.item_id == "q0"]
    assert len(expected) == 8
    assert all(rating.id in done.out for rating in expected)
    assert "refused: " in done.out
    assert [done.out.count(f" candidate                     {name} ") for name in "ab"] == [1, 1]


def test_a_rating_id_shows_everything_that_led_to_it(run: Path) -> None:
    rating = rating_of(run, "acoustic")
    done = typed("show", run, rating.id)
    assert rating.call is not None and rating.raw is not None
    pieces = [
        rating.id, rating.signature, f"{rating.score:g}  (points 1..5)", "openai:loopback (model), repeat 0",
        f"answers / {rating.subject.item_id} / {rating.subject.candidate}, attempt 0, turn 0",
        "Question ", "Answer ", "0.10 s, 16000 Hz, sha256 ", rating.justification or "", rating.raw, "loopback-judge-1",
        rating.call.id, str(run / "prompts" / f"{rating.call.prompt_hash}.md"), '"audio_input_tokens": 1',
    ]  # fmt: skip
    assert [piece for piece in pieces if piece not in done.out] == []
    assert Path(pieces[-2]).is_file()


def test_a_measurement_shows_its_details_and_a_refusal_its_reason(run: Path) -> None:
    measured = typed("show", run, rating_of(run, "clipping").id).out
    assert "signals (instrument)" in measured and "  flat  " in measured
    (refused,) = [r for r in wavjudge.load(run).ratings() if r.status == "refused"]
    assert f"refused: {refused.reason}" in typed("show", run, refused.id).out


def test_json_is_the_record_with_its_id(run: Path) -> None:
    rating = rating_of(run, "overall")
    (record,) = typed("show", run, rating.id, "--json").json
    assert record.pop("id") == rating.id
    assert Rating.model_validate(record) == rating
    assert len(typed("show", run, "q1", "--json").json) == 8


def test_answers_that_nobody_rated_are_shown_without_an_empty_table(tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert (
        typed("run", "tiny", "--candidate", "command:cp {question} {answer}", "--only", "answers", "--out", out).code
        == 0
    )
    done = typed("show", out, "tiny-01")
    assert done.code == 0 and "cp: answered, not rated" in done.out and "16000 Hz" in done.out
    assert "rating id" not in done.out and "RATING_ID" not in done.out


def test_a_raters_name_is_not_cut_at_80_columns(tmp_path: Path) -> None:
    file, name = answers(tmp_path, 1), "gemini-3.5-flash-native-audio-preview"
    with Loopback(["bad_request"]) as server:
        typed("score", file, "--judge", f"openai:{name}?base_url={server.openai_url}", "--out", tmp_path / "run")
    assert f"openai:{name}" in typed("show", tmp_path / "run", "q0").out


def test_a_path_that_is_not_there_is_said_to_be_that(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    for words in (("show", gone), ("export", gone, "--out", tmp_path / "x.csv")):
        done = typed(*words)
        assert done.code == 2 and f"{gone}: got no such folder, expected a run folder" in done.err
    done = typed("import", "urobench", gone, "--out", tmp_path / "x")
    assert done.code == 2 and f"{gone}: got no such file or folder" in done.err


def test_an_unknown_id_and_a_folder_that_is_no_run(run: Path, tmp_path: Path) -> None:
    unknown, nowhere = typed("show", run, "q9"), typed("show", tmp_path / "nowhere")
    assert (unknown.code, nowhere.code) == (2, 2)
    assert f"{run}: got 'q9', which is no rating id and no item id of this run" in unknown.err
    assert "expected a run folder" in nowhere.err


def test_a_superseded_rating_can_still_be_shown(tmp_path: Path) -> None:
    file, run = answers(tmp_path, 1), tmp_path / "run"
    with Loopback(["disconnect"]) as server:
        words = ("score", file, "--judge", spec(server, options="&attempts=1"), "--out", run, "--axes", "semantic")
        typed(*words)
        (failed,) = wavjudge.load(run).ratings()
        typed(*words)
    (standing,) = wavjudge.load(run).ratings()
    assert (failed.status, standing.status, standing.supersedes) == ("failed", "ok", failed.id)
    assert "failed: unavailable" in typed("show", run, failed.id).out
    assert f"supersedes  {failed.id}" in typed("show", run, standing.id).out


def test_csv_and_parquet_hold_the_same_rows_and_the_columns_of_the_flat_table(run: Path, tmp_path: Path) -> None:
    done = typed("export", run, "--out", tmp_path / "deep" / "er" / "table.csv")
    assert (done.code, done.out) == (0, "")
    assert done.err == f"16 ratings written to {tmp_path / 'deep' / 'er' / 'table.csv'}\n"
    assert typed("export", run, "--out", tmp_path / "table.parquet").code == 0
    with (tmp_path / "deep" / "er" / "table.csv").open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        from_csv = list(reader)
    table = parquet.read_table(tmp_path / "table.parquet")
    assert tuple(reader.fieldnames or ()) == tuple(table.column_names) == COLUMNS
    as_text = [{key: "" if value is None else str(value) for key, value in row.items()} for row in table.to_pylist()]
    assert as_text == from_csv
    assert [row for row in from_csv if (row["score"] == "") != (row["status"] != "ok")] == []
    assert str(table.schema.field("score").type) == "double"


def test_export_refuses_other_formats_and_folders_that_are_no_run(run: Path, tmp_path: Path) -> None:
    for source, name in ((run, "table.xlsx"), (run, "table"), (tmp_path, "table.csv")):
        done = typed("export", source, "--out", tmp_path / name)
        assert (done.code, done.out) == (2, "")
        assert not (tmp_path / name).exists()


def test_a_run_of_a_newer_schema_is_refused_whole(run: Path, tmp_path: Path) -> None:
    manifest = run / "manifest.json"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace('"schema_version": 1', '"schema_version": 2'))
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    file = tmp_path / "answers" / "answers.jsonl"
    for words in (("show", run), ("show", run, "q0"), ("export", run, "--out", tmp_path / "table.csv"),
                  ("score", file, "--judge", f"replay:{run}", "--out", tmp_path / "two"),
                  ("score", file, "--judge", "signals", "--axes", "clipping", "--out", run)):  # fmt: skip
        done = typed(*words)
        assert (done.code, done.out) == (2, "")
        assert f"{manifest}: got a manifest that a newer wavjudge wrote (schema version 2" in done.err
        assert "upgrade" in done.err
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_a_line_that_is_no_record_is_named(run: Path, tmp_path: Path) -> None:
    with (run / "ratings.jsonl").open("a", encoding="utf-8") as log:
        log.write('{"schema_version": 2}\n')
    done = shell("export", run, "--out", tmp_path / "table.csv")
    assert done.code == 0
    assert f"passed over a line that is no record: {run / 'ratings.jsonl'}, line 17" in done.err
    assert "16 ratings written" in done.err


def test_a_reader_that_goes_away_ends_it_quietly(run: Path) -> None:
    command = [sys.executable, "-m", "wavjudge", "show", str(run), "q0", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(30), said) == (1, b"")


def test_rows_by_hand_are_the_rows_of_export(run: Path, tmp_path: Path) -> None:
    typed("export", run, "--out", tmp_path / "table.parquet")
    assert list(wavjudge.load(run).rows()) == parquet.read_table(tmp_path / "table.parquet").to_pylist()
    assert json.loads(json.dumps(list(wavjudge.load(run).rows())))


def test_scored_candidates_in_the_papers_schema(run: Path, tmp_path: Path) -> None:
    done = typed("export", run, "--format", "paper", "--out", tmp_path / "pairs" / "scored.jsonl")
    assert (done.code, done.out) == (0, ""), done.err
    assert "2 prompts with 4 candidates written to" in done.err
    lines = [json.loads(line) for line in (tmp_path / "pairs" / "scored.jsonl").read_text("utf-8").splitlines()]
    assert [(line["id"], sorted(line["output"])) for line in lines] == [(f"q{n}", ["a/0", "b/0"]) for n in (0, 1)]
    outputs = [one for line in lines for one in line["output"].values()]
    assert all((tmp_path / "pairs" / one["output-audio"]).is_file() for one in outputs)
    scores = [score for one in outputs for score in one["gemini_score"].values()]
    assert {type(score) for score in scores if score is not None} == {float} and scores.count(None) <= 1
    for words, said in ((("--format", "tex"), "got --format 'tex'"), (("--rater", "x"), "got --rater for the table")):
        refused = typed("export", run, "--out", tmp_path / "table.csv", *words)
        assert refused.code == 2 and said in refused.err


def test_show_names_the_lines_that_it_could_not_read(run: Path) -> None:
    log = run / "ratings.jsonl"
    log.write_text("".join(f"{{{line}\n" for line in log.read_text(encoding="utf-8").splitlines()), encoding="utf-8")
    done = typed("show", run, "q0")
    assert f"passed over an unreadable line: {log}, line 1" in done.err and "11 more" in done.err
    assert "a: answered, no rating that can be read" in done.out and "not rated" not in done.out


def test_a_moved_manifest_is_written_again_by_the_same_command(run: Path, tmp_path: Path) -> None:
    """As the error of a damaged one says."""
    (run / "manifest.json").write_text("{}", encoding="utf-8")
    file, judge = tmp_path / "answers" / "answers.jsonl", ("--judge", "signals?workers=1", "--axes", "clipping")
    refused = typed("score", file, *judge, "--out", run)
    assert refused.code == 2 and "got a damaged manifest" in refused.err and "move it away" in refused.err
    (run / "manifest.json").unlink()
    assert typed("score", file, *judge, "--out", run).code == 0
    assert typed("show", run).json["counts"]["ratings_ok"] == 15


@pytest.mark.parametrize("words", [("export", "--format", "paper"), ("export",), ("pairs", "--outside"), ("pairs",)])
def test_a_stored_path_with_a_nul_is_a_line_that_is_no_record(
    run: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    log = run / "responses.jsonl"
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    lines[0]["answers"][0]["audio"]["path"] = "audio/a\0b.wav"
    log.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    command, *options = words
    suffix = "csv" if words == ("export",) else "jsonl"
    done = typed(
        command,
        run,
        *options,
        "--out",
        tmp_path / f"out.{suffix}",
        *(("--mode", "semantic") if command == "pairs" else ()),
    )
    assert "Traceback" not in done.err and "ValueError" not in done.err
    assert done.code == 0 or "no pair" in done.err, done.err
