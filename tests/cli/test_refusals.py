"""What is typed wrongly: a sentence with what was got, what was expected, what to do; an exit code; nothing written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.typed import Typed, answers, rows, shell, spec, typed
from tests.loopback.faults import cases
from tests.loopback.server import Loopback
from wavjudge import errors

OTHER = "openai:m?base_url=http://127.0.0.1:9/v1"


def refused(done: Typed, *pieces: str, code: int = 2) -> None:
    """The exit code; on stderr one message with these pieces; no traceback and nothing on stdout."""
    assert (done.code, done.out) == (code, ""), done
    assert done.err.startswith("wavjudge: ") and "Traceback" not in done.err
    assert [piece for piece in pieces if piece not in done.err] == []


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("bogus:x", ["got the judge kind 'bogus'", "gemini, openai, replay, signals", "`wavjudge judges`"]),
        ("openai", ["got 'openai', expected something like openai:gpt-audio-1.5"]),
        ("openai:", ["without a name", "KIND:NAME?key=value"]),
        ("signals:dnsmos", ["got 'signals:dnsmos', expected something like signals"]),
        (f"{OTHER}&temprature=1", ["got the option 'temprature'", "did you mean temperature?"]),
        (f"{OTHER}&temperature=hot", ["got temperature=hot"]),
        (f"{OTHER}&temperature", ["got the option 'temperature', expected key=value"]),
        (f"{OTHER}&order=answer", ["order must name history, question, answer, reference once each"]),
        (f"{OTHER}&transcript=none&answer_audio=false", ["nothing to judge"]),
        (f"{OTHER}&api_key=sk-0123456789abcdef", ["looks like a secret", "api_key_env=NAME"]),
        ("openai:m?base_url=127.0.0.1", ["expected http://... or https://..."]),
        ("gemini:m?thinking_budget=1&thinking_level=LOW&base_url=http://127.0.0.1:9", ["at most one of them"]),
        ("@fast", ["got '@fast', expected a model of wavjudge.toml: none"]),
        ("replay:no-such-run", ["no-such-run: got no such folder, expected a run folder"]),
        ("signals?workers=0", ["got workers=0"]),
    ],
)
def test_a_wrong_spec(text: str, pieces: list[str], tmp_path: Path) -> None:
    done = typed("score", answers(tmp_path), "--judge", text, "--out", tmp_path / "run")
    refused(done, *pieces)
    assert "0123456789abcdef" not in done.err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("words", "pieces"),
    [
        (
            ["--axes", "semantics"],
            ["got the axis 'semantics'", "some of acoustic, overall", "did you mean semantic?"],
        ),
        (["--axes", "acoustic", "--prompt-set", "overall"], ["got the axis 'acoustic', expected some of overall,"]),
        (["--prompt-set", "separat"], ["got the prompt set 'separat'", "joint", "did you mean separate?"]),
        (["--prompts", "no-such-folder"], ["no-such-folder: got no such folder, expected a folder of prompts"]),
        (["--retry", "failed,lost"], ["got --retry lost, expected some of", "not_heard"]),
        (["--keep-audio", "move"], ["got --keep-audio 'move', expected one of copy, reference"]),
        (["--price", "audio=32"], ["got 'audio=32' in a price", "audio_in=32,text_in=2.5,text_out=10"]),
        (["--judge", OTHER], ["got the judge openai:m twice"]),
        (["--judge", "signals", "--axes", "clipping"], ["got axes ['clipping'], which only `signals` has"]),
    ],
)
def test_a_wrong_option(words: list[str], pieces: list[str], tmp_path: Path) -> None:
    done = typed("score", answers(tmp_path), "--judge", OTHER, "--out", tmp_path / "run", *words)
    refused(done, *pieces)
    assert not (tmp_path / "run").exists()


def test_axes_that_the_instruments_do_not_have(tmp_path: Path) -> None:
    for axes in ("semantic", "clipping,clippping"):
        done = typed("score", answers(tmp_path), "--judge", "signals", "--out", tmp_path / "run", "--axes", axes)
        refused(done, axes.split(",")[-1], "signal_quality, speech_rate")


@pytest.mark.parametrize("option", [("--repeats", "0"), ("--max-cost", "-1"), ("--max-answer-seconds", "soon"), ()])
def test_a_wrong_or_missing_number_is_a_usage_error(option: tuple[str, ...], tmp_path: Path) -> None:
    judge = ("--judge", OTHER) if option else ()
    done = typed("score", answers(tmp_path), *judge, "--out", tmp_path / "run", *option)
    assert done.code == 2
    assert (option or ("--judge",))[0] in done.err


@pytest.mark.parametrize(
    ("name", "content", "piece"),
    [
        ("nowhere.jsonl", None, "got no such file or folder"),
        (
            "answers.txt",
            b"hello",
            "got a .txt file, expected .csv, .jsonl, .ndjson, .parquet, .tsv or a folder of audio",
        ),
        ("answers.parquet", b"PAR1 or not", "Parquet"),
    ],
)
def test_a_file_that_is_none(name: str, content: bytes | None, piece: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    done = typed("score", tmp_path / name, "--judge", OTHER, "--out", tmp_path / "run")
    refused(done, f"{tmp_path / name}: ", piece)


def test_an_out_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine", encoding="utf-8")
    done = typed("score", answers(tmp_path), "--judge", OTHER, "--out", tmp_path / "out")
    refused(done, "expected a folder that can be written")
    assert (tmp_path / "out").read_text(encoding="utf-8") == "mine"


def test_bad_rows_are_named_by_file_line_and_field_and_the_rest_goes_on(tmp_path: Path) -> None:
    file = answers(tmp_path, 2)
    good = file.read_text(encoding="utf-8").splitlines()
    broken_question = json.dumps({"item_id": "q9", "audio": "a-0.wav", "question_audio": "nowhere.wav"})
    bad = ["{", '{"item_id": "q7", "audoi": "a-0.wav"}', '{"audio": "a-0.wav"}', good[0], broken_question]
    file.write_text("\n".join([good[0], *bad, good[1]]), encoding="utf-8")
    with Loopback() as server:
        done = typed("score", file, "--judge", spec(server), "--out", tmp_path / "run", "--prompt-set", "semantic")
        assert server.requests == 2
    told = done.err.splitlines()
    assert done.code == 0
    assert "2 tasks done" in done.out
    for line, piece in ((2, "no JSON"), (3, 'field "audoi"'), (4, 'field "item_id"'), (5, "stands already at")):
        assert any(f"bad row: {file}, line {line}" in said and piece in said for said in told), (line, told)
    assert f"missing recording: {file}, line 6" in done.err and "nowhere.wav" in done.err


def test_the_first_five_bad_rows_are_shown_and_json_has_them_all(tmp_path: Path) -> None:
    file = rows(*[{"item": str(number)} for number in range(9)], {"item_id": "q", "text": "yes"}, folder=tmp_path)
    with Loopback() as server:
        done = typed("score", file, "--judge", spec(server), "--out", tmp_path / "run", "--json")
    assert len(done.json["this_pass"]["bad_rows"]) == 9
    assert done.err.count("bad row:") == 5
    assert "... and 4 more bad rows" in done.err
    assert done.code == 0


@pytest.mark.parametrize("content", ["", "\n\n", '{"item": 1}\n'])
def test_exit_2_when_not_a_single_row_was_usable(content: str, tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    file.write_text(content, encoding="utf-8")
    done = typed("score", file, "--judge", OTHER, "--out", tmp_path / "run")
    assert done.code == 2
    assert "got not a single row that could be used" in done.err


def test_rows_that_are_all_failures_of_the_candidate_are_a_result(tmp_path: Path) -> None:
    file = rows({"item_id": "q", "audio": "silent.wav"}, folder=tmp_path)
    (tmp_path / "silent.wav").touch()
    done = typed("score", file, "--judge", OTHER, "--out", tmp_path / "run")
    assert done.code == 0
    assert "1 no_speech" in done.out


def test_no_key_is_said_before_anything_is_written(tmp_path: Path) -> None:
    for judge, name in (("openai:gpt-audio-1.5", "OPENAI_API_KEY"), ("gemini:gemini-3.5-flash", "GEMINI_API_KEY")):
        done = typed("score", answers(tmp_path), "--judge", judge, "--out", tmp_path / "run")
        refused(done, "got no API key", name, code=errors.AuthError.exit_code)
    done = typed("score", answers(tmp_path), "--judge", f"{OTHER}&api_key_env=MY_KEY", "--out", tmp_path / "run")
    refused(done, "the environment variable MY_KEY is not set", "export MY_KEY=...", code=3)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("kind", "code"), [("auth", 3), ("quota", 4)])
def test_a_run_that_the_provider_ends_keeps_what_was_done_and_says_how_to_go_on(
    kind: str, code: int, tmp_path: Path
) -> None:
    fault = next(case.name for case in cases("openai").values() if case.expect.get("kind") == kind)
    with Loopback([None, None, fault]) as server:
        judge = spec(server, options="&max_in_flight=1")
        words = ("score", answers(tmp_path, 6), "--judge", judge, "--out", tmp_path / "run", "--prompt-set", "overall")
        done, again = typed(*words), typed(*words)
    assert (done.code, again.code) == (code, 0)
    assert done.err.startswith("stopped: ") and "the same command goes on from there" in done.err
    assert "2 tasks done in this pass" in done.out
    assert "4 tasks done in this pass; 2 were done before" in again.out


def test_a_provider_that_is_down_ends_the_run_with_75(tmp_path: Path) -> None:
    with Loopback(lambda number: "disconnect") as server:
        judge = spec(server, options="&attempts=2")
        words = (
            "score",
            answers(tmp_path, 400),
            "--judge",
            judge,
            "--out",
            tmp_path / "run",
            "--prompt-set",
            "overall",
        )
        done = typed(*words)
        assert server.requests < 800
    assert done.code == errors.ProviderDownError.exit_code == 75
    assert "stopped: " in done.err


def test_the_exit_codes_of_a_process(tmp_path: Path) -> None:
    assert shell("show", tmp_path).code == 2
    assert shell("score", "nowhere.jsonl", "--judge", OTHER, "--out", tmp_path / "run", cwd=tmp_path).code == 2
    assert list(tmp_path.iterdir()) == []
