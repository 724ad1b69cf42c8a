"""`replay:RUN`: the stored replies of a run, parsed again; nothing is sent."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import wavjudge
from tests.cli.typed import answers, spec, typed
from tests.loopback.server import Loopback
from wavjudge import resources


def scores(run: Path) -> list[tuple[str, str, str, int, float | None]]:
    ratings = wavjudge.load(run).ratings()
    return sorted((r.subject.item_id, r.axis, r.rater, r.repeat, r.score) for r in ratings)


@pytest.mark.parametrize("protocol", ["openai", "gemini"])
def test_it_gives_the_same_scores_without_a_server(protocol: str, tmp_path: Path) -> None:
    file, run = answers(tmp_path, 3), tmp_path / "run"
    with Loopback() as server:
        judge = spec(server, protocol, "&temperature=0&transcript=none")
        typed("score", file, "--judge", judge, "--out", run, "--repeats", 2)
    again = ("score", file, "--judge", f"replay:{run}", "--out", tmp_path / "again", "--repeats", 2)
    done = typed(*again, "--json")
    assert (done.code, done.err) == (0, "")
    assert done.json["this_pass"]["calls"] == 0
    assert scores(tmp_path / "again") == scores(run)
    first, second = ({r.signature for r in wavjudge.load(place).ratings()} for place in (run, tmp_path / "again"))
    assert first == second
    assert all(r.call and r.call.cached for r in wavjudge.load(tmp_path / "again").ratings())


def test_after_a_change_of_the_prompts_words_there_is_no_stored_reply(tmp_path: Path) -> None:
    file, run, own = answers(tmp_path, 2), tmp_path / "run", tmp_path / "prompts"
    with Loopback() as server:
        typed("score", file, "--judge", spec(server), "--out", run, "--prompt-set", "semantic")
    own.mkdir()
    shutil.copy(resources.folder("prompts") / "semantic.md", own)
    words = ("score", file, "--judge", f"replay:{run}", "--prompt-set", "semantic", "--prompts", own, "--out")
    assert typed(*words, tmp_path / "same").code == 0
    assert [score for *_, score in scores(tmp_path / "same")] == [score for *_, score in scores(run)]
    with (own / "semantic.md").open("a", encoding="utf-8") as prompt:
        prompt.write("\nBe strict.\n")
    done = typed(*words, tmp_path / "changed")
    changed = list(wavjudge.load(tmp_path / "changed").ratings())
    assert [(r.status, r.score) for r in changed] == [("failed", None)] * 2
    assert all("holds no reply to this question" in (r.reason or "") for r in changed)
    assert "2 failed" in " ".join(done.out.split())


def test_a_changed_recording_and_a_missing_repeat_are_no_stored_replies(tmp_path: Path) -> None:
    file, run = answers(tmp_path, 2), tmp_path / "run"
    with Loopback() as server:
        typed("score", file, "--judge", spec(server), "--out", run, "--prompt-set", "overall")
    (tmp_path / "answers" / "a-0.wav").write_bytes((tmp_path / "answers" / "a-1.wav").read_bytes())
    words = ("--judge", f"replay:{run}", "--prompt-set", "overall", "--repeats", 2)
    typed("score", file, *words, "--out", tmp_path / "again")
    found = {(r.subject.item_id, r.repeat): r.status for r in wavjudge.load(tmp_path / "again").ratings()}
    assert found == {("q0", 0): "failed", ("q0", 1): "failed", ("q1", 0): "ok", ("q1", 1): "failed"}


def test_of_several_judges_one_must_be_named(tmp_path: Path) -> None:
    file, run = answers(tmp_path, 1), tmp_path / "run"
    with Loopback() as server:
        judges = ("--judge", spec(server), "--judge", spec(server, "gemini"))
        typed("score", file, *judges, "--out", run, "--axes", "semantic")
    words = ("score", file, "--out", tmp_path / "again", "--axes", "semantic", "--judge")
    unnamed = typed(*words, f"replay:{run}")
    assert unnamed.code == 2
    assert "['gemini:loopback', 'openai:loopback']" in unnamed.err and "?rater=KIND:NAME" in unnamed.err
    assert typed(*words, f"replay:{run}?rater=gemini:loopback").code == 0
    assert {rater for _, _, rater, *_ in scores(tmp_path / "again")} == {"gemini:loopback"}
    wrong = typed(*words, f"replay:{run}?rater=gemini:another")
    assert wrong.code == 2


def test_a_run_without_a_model_judge_has_nothing_to_replay(tmp_path: Path) -> None:
    file, run = answers(tmp_path, 1), tmp_path / "run"
    typed("score", file, "--judge", "signals?workers=1", "--axes", "clipping", "--out", run)
    done = typed("score", file, "--judge", f"replay:{run}", "--out", tmp_path / "again")
    assert (done.code, done.out) == (2, "")
    assert f"{run}: " in done.err


@pytest.mark.parametrize("fault", ["zero_audio_tokens", "content_filter_midway", "length"])
def test_what_was_wrong_with_a_stored_reply_is_wrong_with_it_still(fault: str, tmp_path: Path) -> None:
    """A stored text alone would be read as a verdict; its rating says that the call came to nothing."""
    file, run = answers(tmp_path, 1), tmp_path / "run"
    with Loopback(plan=[fault]) as server:
        typed("score", file, "--judge", spec(server), "--out", run, "--prompt-set", "semantic")
    typed("score", file, "--judge", f"replay:{run}", "--out", tmp_path / "again", "--prompt-set", "semantic")
    (stored,), (again,) = (list(wavjudge.load(place).ratings()) for place in (run, tmp_path / "again"))
    assert (again.status, again.score, again.raw) == (stored.status, stored.score, stored.raw)
    assert stored.raw is None or stored.reason == again.reason
