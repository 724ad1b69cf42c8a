"""`cascade:`: an ear, a mind and a voice; the mind knows what the ear heard, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.asking import SECRET, ask, write_items, write_talks
from tests.loopback import Loopback
from tests.signals.sounds import needs_espeak, needs_models, say
from wavjudge.errors import SpecError
from wavjudge.store.run_folder import RunFolder
from wavjudge.types import Unanswered


def part(server: Loopback, name: str, more: str = "") -> str:
    return f"openai:{name}%3Fbase_url={server.openai_url}%26attempts=1{more}"


def cascade(server: Loopback, llm: str = "echo") -> str:
    return f"cascade:mine?asr={part(server, 'ear')}&llm={llm}&tts={part(server, 'mouth')}"


def test_ear_mind_and_voice_behind_endpoints(tmp_path: Path) -> None:
    with Loopback(keep=100) as server:
        done = ask(write_talks(tmp_path / "set", 1, 2), cascade(server, part(server, "mind", "%26system=Be brief.")))
        paths = [received.path.rpartition("/")[2] for received in server.received]
        thought = [received for received in server.received if received.path.endswith("completions")]
    (response,) = done.all
    assert response.status == "ok" and response.candidate == "mine"
    # The message before, then the first question; of the second turn only the new question.
    each = ["transcriptions", "completions", "speech"]
    assert paths == ["transcriptions", *each, *each]
    assert len(response.calls) == 7
    for received in thought:
        assert received.recordings == () and "modalities" not in received.document
        assert b"Words" not in received.body and SECRET.encode() not in received.body
    assert [turn.role for turn in thought[1].turns] == ["system", *("user", "assistant") * 2, "user"]
    assert thought[1].turns[4].text == response.answers[0].text
    assert thought[1].turns[5].text == "I heard 0.10 s of speech."
    assert response.details["heard"] == "I heard 0.10 s of speech."
    assert response.details["asr"] == "openai:ear" and response.details["voice"] == "openai:mouth:alloy"
    assert all(said.audio for said in response.answers)


@pytest.mark.parametrize(
    ("place", "who"), [(0, "the ear openai:ear"), (1, "unavailable"), (2, "the voice openai:mouth")]
)
def test_a_part_that_fails_loses_the_question_and_not_the_candidate(place: int, who: str, tmp_path: Path) -> None:
    benchmark = write_items(tmp_path / "set", 1)
    with Loopback([None] * place + ["server_500"]) as server:
        first = ask(benchmark, cascade(server, part(server, "mind")))
        assert (first.asked.lost, first.all) == (1, []) and who in first.asked.lost_why[0]
        with RunFolder(first.run) as folder:
            (lost,) = folder.read("unanswered")
        assert isinstance(lost, Unanswered) and len(lost.calls) == place + 1  # what the parts before it cost, too
        assert ask(benchmark, cascade(server, part(server, "mind"))).outcomes == {"q0": "ok"}


@pytest.mark.parametrize("place", [0, 1, 2])
def test_what_a_part_never_accepts_is_paid_for_once(place: int, tmp_path: Path) -> None:
    benchmark = write_items(tmp_path / "set", 2)
    with Loopback([None] * 3 + [None] * place + ["bad_request"]) as server:
        spec = cascade(server, part(server, "mind")) + "&workers=1"
        first = ask(benchmark, spec)
        made = server.requests
        assert sorted(first.outcomes.values()) == ["crashed", "ok"] and first.asked.lost == 0
        (crashed,) = [response for response in first.all if response.status == "crashed"]
        assert len(crashed.calls) == place + 1 and made == 3 + place + 1
        assert ask(benchmark, spec).asked.answered == 0 and server.requests == made


@needs_espeak
def test_a_language_that_the_voice_does_not_know_is_thought_about_once(tmp_path: Path) -> None:
    benchmark = write_items(tmp_path / "set", 1, language="tlh")
    with Loopback() as server:
        spec = f"cascade:mine?asr={part(server, 'ear')}&llm={part(server, 'mind')}&tts=espeak"
        for _ in range(2):
            done = ask(benchmark, spec)
            assert done.outcomes == {"q0": "crashed"} and "no voice 'tlh'" in (done.all[0].reason or "")
        assert server.requests == 2 == len(done.all[0].calls)


def test_a_mind_that_declines_is_the_candidates_outcome(tmp_path: Path) -> None:
    with Loopback([None, "refusal"]) as server:
        done = ask(write_items(tmp_path / "set", 1), cascade(server, part(server, "mind")))
    assert done.outcomes == {"q0": "no_speech"} and "refused" in (done.all[0].reason or "")
    assert len(done.all[0].calls) == 2  # what the ear cost stands there too


def test_echo_says_what_it_heard(tmp_path: Path) -> None:
    with Loopback() as server:
        done = ask(write_items(tmp_path / "set", 1), cascade(server))
    assert done.all[0].answers[0].text == "You said: I heard 0.10 s of speech."


@needs_espeak
def test_a_text_question_needs_no_ear(tmp_path: Path) -> None:
    with Loopback() as server:
        spec = f"cascade:mine?asr={part(server, 'ear')}&tts=espeak"
        done = ask(write_items(tmp_path / "set", 1, question_audio=None), spec)
        assert server.requests == 0
    assert done.all[0].answers[0].text == "You said: Question 0?" and done.outcomes == {"q0": "ok"}


@needs_models
@needs_espeak
def test_offline_from_end_to_end(tmp_path: Path) -> None:
    benchmark = write_items(tmp_path / "set", 1)
    (benchmark / "q0.wav").write_bytes(say("What is the capital of France?").to_wav())
    (response,) = ask(benchmark, "cascade:offline").all
    assert response.status == "ok" and "capital of france" in (response.answers[0].text or "").lower()
    assert response.answers[0].audio is not None and response.answers[0].audio.seconds > 1
    assert response.calls == ()


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ("cascade", "expected something like cascade:offline"),
        ("cascade:x?llm=command:true", "expected echo, openai:NAME or gemini:NAME"),
        ("cascade:x?llm=parrot", "the candidate kind 'parrot'"),
        ("cascade:x?workers=0", "workers=0"),
    ],
)  # fmt: skip
def test_specs_that_cannot_be(spec: str, problem: str, tmp_path: Path) -> None:
    with Loopback() as server:
        more = f"{'&' if '?' in spec else '?'}asr={part(server, 'ear')}&tts={part(server, 'mouth')}"
        with pytest.raises(SpecError, match=problem):
            ask(write_items(tmp_path / "set", 1), spec + more if ":" in spec else spec)
