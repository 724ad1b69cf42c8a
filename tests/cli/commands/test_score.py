"""`wavjudge score` against the loopback server: both protocols, every choice of what is asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len

import wavjudge
from tests.cli.typed import Typed, answers, shell, spec, typed
from tests.loopback.faults import cases
from tests.loopback.server import Loopback

NATURALNESS = """+++
name = "natural"
version = 3
source = "written for this test"

[[axes]]
name = "naturalness"
tag = "score-natural"
low = 0
high = 10
unit = "points"

[inputs]
question_text = false
question_audio = false
transcript = "none"

[layout]
justification = "after"
+++
Does this sound like somebody talking, or like somebody reading aloud?
"""


def counted(run: Path) -> dict[str, int]:
    """Ratings by axis."""
    ratings = list(wavjudge.load(run).ratings())
    return {axis: sum(r.axis == axis for r in ratings) for axis in sorted({r.axis for r in ratings})}


@pytest.mark.parametrize("protocol", ["openai", "gemini"])
def test_three_prompts_by_default_and_the_same_command_again_sends_nothing(protocol: str, tmp_path: Path) -> None:
    file, run = answers(tmp_path, 3, candidates=("a", "b")), tmp_path / "run"
    with Loopback(keep=100) as server:
        done = typed("score", file, "--judge", spec(server, protocol), "--out", run)
        sent = server.requests
        again = typed("score", file, "--judge", spec(server, protocol), "--out", run)
        assert {received.protocol for received in server.received} == {protocol}
        assert server.requests == sent == 18
    assert (done.code, done.err) == (0, "")
    assert counted(run) == {"acoustic": 6, "overall": 6, "semantic": 6}
    assert "18 tasks done in this pass; 0 were done before; 18 calls sent, 0 retries" in done.out
    assert "0 tasks done in this pass; 18 were done before." in again.out


def test_the_table_shows_the_mean_of_what_the_server_said(tmp_path: Path) -> None:
    file, run = answers(tmp_path, 4), tmp_path / "run"
    with Loopback() as server:
        done = typed("score", file, "--judge", spec(server), "--out", run, "--prompt-set", "semantic", "--json")
    ratings = list(wavjudge.load(run).ratings())
    scores = [rating.score for rating in ratings]
    (row,) = done.json["axes"]
    assert row == {
        "rater": "openai:loopback", "benchmark": "answers", "candidate": "a", "axis": "semantic", "n_scored": 4,
        "mean": pytest.approx(sum(scores) / 4), "scale": {"low": 1.0, "high": 5.0, "unit": "points"},
        "statuses": {"ok": 4}, "signature": ratings[0].signature, "identity": None,
        "hearing": {"audio tokens counted, judge says it heard": 4},
    }  # fmt: skip
    assert done.json["answers"] == {"a": {"ok": 4}}
    assert done.json["this_pass"] | {"usd": 0.0} == {
        "other_models": {},
        "done": 4, "already_done": 0, "calls": 4, "cached": 0, "retries": 0, "usd": 0.0, "unpriced_attempts": 4,
        "bad_rows": [], "missing_recordings": [], "remarks": [], "stopped": None,
    }  # fmt: skip


def test_axes_choose_the_prompts_that_rate_them(tmp_path: Path) -> None:
    file = answers(tmp_path)
    with Loopback() as server:
        words = ["score", file, "--judge", spec(server), "--out", tmp_path / "run", "--axes", "acoustic, semantic"]
        assert typed(*words).code == 0
    assert counted(tmp_path / "run") == {"acoustic": 3, "semantic": 3}


def test_the_joint_prompt_gives_two_ratings_with_one_call(tmp_path: Path) -> None:
    file, run = answers(tmp_path), tmp_path / "run"
    with Loopback() as server:
        assert typed("score", file, "--judge", spec(server), "--out", run, "--prompt-set", "joint").code == 0
        assert server.requests == 3
    ratings = list(wavjudge.load(run).ratings())
    assert counted(run) == {"acoustic": 3, "semantic": 3}
    assert len({rating.call.id for rating in ratings if rating.call}) == 3
    assert "<score-paralinguistic>" in (ratings[0].raw or "")


def test_an_own_prompt_declares_an_axis_of_its_own(tmp_path: Path) -> None:
    file, run, folder = answers(tmp_path), tmp_path / "run", tmp_path / "prompts"
    folder.mkdir()
    (folder / "natural.md").write_text(NATURALNESS, encoding="utf-8")
    with Loopback() as server:
        done = typed("score", file, "--judge", spec(server), "--out", run, "--prompts", folder)
        last = server.received[-1]
    assert done.code == 0
    ratings = list(wavjudge.load(run).ratings())
    assert [rating.axis for rating in ratings] == ["naturalness"] * 3
    assert (ratings[0].scale.low, ratings[0].scale.high) == (0, 10)
    assert all("|natural.3#" in rating.signature and "|aa|after|" in rating.signature for rating in ratings)
    assert "Question" not in last.prompt and "Answer" not in last.prompt
    assert last.prompt.index("<score-natural>") < last.prompt.index("<justification>")
    assert "naturalness" in done.out and "0-10" in done.out
    (kept,) = (run / "prompts").iterdir()
    assert "reading aloud" in kept.read_text(encoding="utf-8")


def test_repeats_are_asked_apart_and_averaged(tmp_path: Path) -> None:
    file, run = answers(tmp_path, 2), tmp_path / "run"
    with Loopback() as server:
        words = ("score", file, "--judge", spec(server), "--out", run, "--prompt-set", "overall", "--repeats", 3)
        done = typed(*words, "--json")
        assert server.requests == 6
    assert sorted(rating.repeat for rating in wavjudge.load(run).ratings()) == [0, 0, 1, 1, 2, 2]
    assert done.json["axes"][0]["n_scored"] == 2


def test_two_judges_and_the_instruments_in_one_run(tmp_path: Path) -> None:
    file, run = answers(tmp_path, 1), tmp_path / "run"
    with Loopback() as server:
        judges = ("--judge", spec(server), "--judge", spec(server, "gemini"), "--judge", "signals?workers=1")
        done = typed("score", file, *judges, "--out", run, "--axes", "semantic,clipping")
    assert (done.code, done.err) == (0, "")
    made = sorted((rating.rater, rating.axis) for rating in wavjudge.load(run).ratings())
    assert made == [("gemini:loopback", "semantic"), ("openai:loopback", "semantic"), ("signals", "clipping")]
    assert [done.out.count(f"Rated by {rater}") for rater, _ in made] == [1, 1, 1]


def test_quiet_says_nothing_and_in_a_pipe_no_line_is_wider_than_80_columns(tmp_path: Path) -> None:
    file = answers(tmp_path, 2, candidates=("a-model-with-a-name-that-is-rather-long-for-a-table-" * 3, "模型" * 30))
    with Loopback() as server:
        loud = typed("score", file, "--judge", spec(server), "--out", tmp_path / "loud")
        quiet = typed("score", file, "--judge", spec(server), "--out", tmp_path / "quiet", "--quiet")
    assert quiet == Typed(0, "", "")
    assert max(map(cell_len, loud.out.splitlines())) <= 80
    for word in ("semantic", "acoustic", "overall", "12 tasks done"):
        assert word in loud.out


def test_a_process_of_its_own_ends_with_0_and_prints_json_alone(tmp_path: Path) -> None:
    file = answers(tmp_path, 1)
    with Loopback() as server:
        done = shell("score", file, "--judge", spec(server), "--out", tmp_path / "run", "--json")
    assert (done.code, done.err) == (0, "")
    assert len(done.json["axes"]) == 3


def test_the_options_of_a_spec_reach_the_server(tmp_path: Path) -> None:
    file = answers(tmp_path, 1)
    options = "&temperature=0&seed=7&max_tokens=99&rate=8000&transcript=none&question_audio=false&instructions=user"
    with Loopback() as server:
        judge = spec(server, options=options)
        typed("score", file, "--judge", judge, "--out", tmp_path / "run", "--prompt-set", "semantic")
        (received,) = server.received
    asked = received.document
    assert (asked["temperature"], asked["seed"], asked["max_completion_tokens"]) == (0, 7, 99)
    assert [message["role"] for message in asked["messages"]] == ["user"]
    assert "Answer 0 of a." not in received.prompt and "Question 0?" in received.prompt
    (heard,) = received.recordings
    assert len(heard.data) == pytest.approx(44 + 2 * 8000 * 0.1, abs=8)
    (rating,) = wavjudge.load(tmp_path / "run").ratings()
    assert "|t:0,seed:7,max:99|qt,aa|before|pcm16-8000-mono2|" in rating.signature


def test_recordings_are_copied_once_or_referenced(tmp_path: Path) -> None:
    file = answers(tmp_path, 2)
    with Loopback() as server:
        common = ("score", file, "--judge", spec(server), "--prompt-set", "semantic", "--keep-audio")
        typed(*common, "copy", "--out", tmp_path / "copy")
        typed(*common, "reference", "--out", tmp_path / "reference")
    assert len(list((tmp_path / "copy" / "audio").rglob("*.wav"))) == 2
    assert not (tmp_path / "reference" / "audio").exists()
    (first, _) = wavjudge.load(tmp_path / "reference").responses()
    assert first.answers[0].audio is not None
    assert Path(first.answers[0].audio.path) == (tmp_path / "answers" / "a-0.wav").resolve()


def test_the_cache_can_be_left_out(tmp_path: Path) -> None:
    file = answers(tmp_path, 2)
    with Loopback() as server:
        common = ("score", file, "--judge", spec(server), "--prompt-set", "semantic", "--json", "--out")
        typed(*common, tmp_path / "one")
        cached, own = typed(*common, tmp_path / "two"), typed(*common, tmp_path / "three", "--no-cache")
        assert server.requests == 4
    assert (cached.json["this_pass"]["cached"], own.json["this_pass"]["cached"]) == (2, 0)
    assert cached.json["axes"] == own.json["axes"]


def test_the_benchmark_is_named_by_the_file_or_by_hand(tmp_path: Path) -> None:
    file = answers(tmp_path, 1)
    with Loopback() as server:
        for name, option in (("answers", ()), ("mine", ("--benchmark", "mine"))):
            typed("score", file, "--judge", spec(server), "--out", tmp_path / f"run-{name}", *option)
            assert {rating.subject.benchmark for rating in wavjudge.load(tmp_path / f"run-{name}").ratings()} == {name}


def test_what_is_retried_on_resume_is_chosen(tmp_path: Path) -> None:
    file, run = answers(tmp_path, 1), tmp_path / "run"
    with Loopback([_refused()]) as server:
        judge = spec(server, options="&attempts=1")
        common = ("score", file, "--judge", judge, "--out", run, "--prompt-set", "semantic", "--json")
        assert _statuses(typed(*common)) == {"refused": 1}
        assert typed(*common).json["this_pass"]["done"] == 0
        assert _statuses(typed(*common, "--retry", "refused,unparseable")) == {"ok": 1}


def _refused() -> str:
    return next(case.name for case in cases("openai").values() if case.expect.get("kind") == "refused")


def _statuses(done: Typed) -> dict[str, int]:
    (row,) = done.json["axes"]
    return dict(row["statuses"])
