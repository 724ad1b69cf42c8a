"""`openai:` and `gemini:` as candidates, over the real SDKs against the loopback server."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.bench.asking import SECRET, Done, ask, write_items, write_talks
from tests.loopback import WORD, Loopback, spoken
from tests.loopback.verdict import wav
from tests.signals.sounds import needs_espeak
from wavjudge.clients.accepted import FAULTS_AT_START
from wavjudge.clients.money.budget import Budget
from wavjudge.clients.money.prices import parse_price
from wavjudge.errors import AuthError, BudgetError, InputError, NeverAcceptedError, SpecError
from wavjudge.judges.build import JudgeContext
from wavjudge.judges.prompts import load_all, select
from wavjudge.store.run_folder import RunFolder
from wavjudge.types import RunManifest

PROTOCOLS = pytest.mark.parametrize("protocol", ["openai", "gemini"])


def spec(server: Loopback, protocol: str, options: str = "", *, model: str = "talker") -> str:
    url = server.openai_url if protocol == "openai" else server.gemini_url
    return f"{protocol}:{model}?base_url={url}&attempts=1{options}"


def listening(**fields: Any) -> JudgeContext:
    """What a judge needs: one prompt."""
    return JudgeContext(prompts=select(load_all(), prompt_set="semantic", axes=None), **fields)


def manifest(done: Done) -> RunManifest:
    with RunFolder(done.run) as folder:
        assert folder.manifest is not None
        return folder.manifest


@PROTOCOLS
def test_it_hears_speaks_is_kept_by_hash_and_judged(protocol: str, tmp_path: Path) -> None:
    with Loopback(keep=100) as server:
        done = ask(
            write_items(tmp_path / "set", 3), spec(server, protocol, "&voice=Kore&system=Be brief.&rate=8000"),
            judges=[spec(server, protocol, model="judge")], shop=listening(),
        )  # fmt: skip
        asked = [received for received in server.received if received.voice == "Kore"]
        judged = [received for received in server.received if received.voice is None]
    assert set(done.outcomes.values()) == {"ok"} and len(asked) == len(judged) == 3
    for number, response in enumerate(done.all):
        (said,) = response.answers
        words = "I heard 0.10 s of speech."
        assert said.text == (words if protocol == "openai" else None)  # generateContent sends no words beside speech
        whole = spoken.as_wav(spoken.pcm(words, "Kore"))
        assert said.audio is not None and (done.run / said.audio.path).read_bytes() == whole
        assert said.audio.sha256 == hashlib.sha256(whole).hexdigest() and said.audio.sample_rate_hz == 24000
        (call,) = response.calls
        assert call.resolved_model == "loopback-judge-1" and call.usage.audio_output_tokens
        assert response.candidate == f"{protocol}:talker" and number < 3
    for received in asked:
        assert [turn.role for turn in received.turns] == ["system", "user"]
        assert [len(turn.recordings) for turn in received.turns] == [0, 1]
        assert received.recordings[0].seconds == pytest.approx(0.1) and len(received.recordings[0].data) < 1700
        assert "Question" not in received.prompt and SECRET.encode() not in received.body
    heard = {recording.sha256 for received in judged for recording in received.recordings}
    assert {hashlib.sha256(wav(0.1, seed=number)).hexdigest() for number in range(3)} <= heard
    assert [rating.status for rating in done.ratings] == ["ok"] * 3
    assert (done.ledger.calls, done.ledger.tasks) == (3, 3)
    usage = manifest(done).candidates_usage
    assert usage.input_tokens and usage.audio_output_tokens
    assert manifest(done).usage.input_tokens != usage.input_tokens
    assert manifest(done).candidates[0].details == {"model": "talker"}


@PROTOCOLS
def test_later_turns_carry_its_own_answers_and_no_id_of_a_provider(protocol: str, tmp_path: Path) -> None:
    options = "&replay=audio" if protocol == "openai" else ""
    with Loopback(keep=100) as server:
        done = ask(write_talks(tmp_path / "set", 1, 3), spec(server, protocol, options))
        last = next(received for received in server.received if len(received.turns) == 7)
    (response,) = done.all
    assert response.status == "ok" and len(response.answers) == len(response.calls) == 3
    own = "assistant" if protocol == "openai" else "model"
    assert [turn.role for turn in last.turns] == ["user", own] * 3 + ["user"]
    assert [len(turn.recordings) for turn in last.turns] == [1, 0, 1, 1, 1, 1, 1]
    assert last.turns[1].text == "An answer before."
    for place, said in zip((3, 5), response.answers, strict=False):
        assert last.turns[place].text == (said.text or "")
        assert said.audio is not None and last.turns[place].recordings[0].sha256 == said.audio.sha256
    assert last.turns[6].recordings[0].data == wav(0.1, seed=2)
    assert b"audio_" not in last.body.replace(b"input_audio", b"") and SECRET.encode() not in last.body
    assert b"Words" not in last.body


def test_openai_is_sent_its_own_words_unless_told_otherwise(tmp_path: Path) -> None:
    with Loopback(keep=10) as server:
        (response,) = ask(write_talks(tmp_path / "set", 1, 2), spec(server, "openai")).all
        last = server.received[-1]
    assert response.status == "ok"
    assert [len(turn.recordings) for turn in last.turns] == [1, 0, 1, 0, 1]
    assert last.turns[3].text == response.answers[0].text


@PROTOCOLS
@pytest.mark.parametrize("rated", ["last", "each"])
def test_the_judge_hears_the_last_turn_or_each_with_what_was_said_before(
    protocol: str, rated: str, tmp_path: Path
) -> None:
    benchmark = write_talks(tmp_path / "set", 2, 3, toml=f'rated_turns = "{rated}"')
    with Loopback(keep=100) as server:
        done = ask(benchmark, spec(server, protocol, "&voice=Kore"), shop=listening(),
                   judges=[spec(server, protocol, "&rate=24000", model="judge")])  # fmt: skip
        judged = [received for received in server.received if received.voice is None]
    turns = [0, 1, 2] if rated == "each" else [2]
    assert sorted(rating.subject.turn for rating in done.ratings) == sorted(2 * turns)
    assert done.ledger.calls == done.ledger.tasks == len(done.ratings) == len(judged) == 2 * len(turns)
    answers = {said.audio.sha256 for response in done.all for said in response.answers if said.audio}
    assert len(answers) >= 1
    for received in judged:
        count = len(received.recordings)  # a question before, then pairs up to the rated answer
        assert count in ({3, 5, 7} if rated == "each" else {7})
        assert received.recordings[-1].sha256 in answers
    assert manifest(done).benchmark.rated_turns == rated  # type: ignore[union-attr]


FATES = {
    "openai": {
        "spoken": "ok", "no_transcript": "ok", "text_without_audio": "no_speech", "says_nothing": "no_speech",
        "declined": "no_speech", "content_filter_while_speaking": "no_speech", "length_while_speaking": "too_long",
        "length_before_speaking": "too_long", "broken_base64": "broken_audio",
        "not_a_wav": "broken_audio", "raw_samples": "broken_audio", "deaf": "crashed",
        "server_500": "lost", "rate_limited_ms": "lost", "disconnect": "lost", "bad_request": "crashed",
        "html_200": "lost",
    },
    "gemini": {
        "spoken_in_pieces": "ok", "media_type_shouted": "ok", "text_without_audio": "no_speech",
        "says_nothing": "no_speech", "blocked_while_speaking": "no_speech", "limit_while_speaking": "too_long",
        "limit_before_speaking": "too_long", "no_rate": "broken_audio",
        "wrong_media_type": "broken_audio", "two_files": "broken_audio", "half_a_sample": "broken_audio",
        "deaf": "crashed", "reset": "lost", "cut": "lost",
    },
}  # fmt: skip


@PROTOCOLS
def test_what_says_something_of_the_candidate_is_its_outcome_and_the_rest_is_asked_again(
    protocol: str, tmp_path: Path
) -> None:
    fates = FATES[protocol]
    benchmark = write_items(tmp_path / "set", len(fates))
    with Loopback(list(fates)) as server:
        command = spec(server, protocol, "&max_in_flight=1")
        first = ask(benchmark, command)
        lost = [fate for fate in fates.values() if fate == "lost"]
        assert sorted(first.outcomes.values()) == sorted(fate for fate in fates.values() if fate != "lost")
        assert (first.asked.lost, len(first.asked.lost_why)) == (len(lost), len(lost))
        assert all(f"{protocol}:talker, item q" in reason for reason in first.asked.lost_why)
        before = {response.item_id: response.id for response in first.all}
        made = server.requests
        again = ask(benchmark, command)
        assert server.requests == made + len(lost) and again.asked.answered == len(lost)
    assert {item: again.responses[item].id for item in before} == before
    assert len(again.all) == len(fates)
    cut = [response for response in first.all if response.status == "too_long"]
    assert any(said.audio for response in cut for said in response.answers)  # what was spoken can be heard


def test_a_lost_turn_of_a_conversation_is_asked_again_from_its_beginning(tmp_path: Path) -> None:
    with Loopback([None, "server_500"]) as server:
        benchmark = write_talks(tmp_path / "set", 1)
        first = ask(benchmark, spec(server, "openai"))
        assert (first.asked.lost, first.all) == (1, [])
        again = ask(benchmark, spec(server, "openai"))
        assert server.requests == 4
    assert [len(response.answers) for response in again.all] == [2]


@PROTOCOLS
def test_a_wrong_key_stops_the_run_and_what_was_done_is_kept(
    protocol: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOPBACK_KEY", "sk-wrong-0123456789abcdef")
    benchmark = write_items(tmp_path / "set", 6)
    with Loopback() as server:
        command = spec(server, protocol, "&api_key_env=LOOPBACK_KEY&max_in_flight=1")
        server.plan = lambda number: None if number < 2 else "key_echoed" if protocol == "openai" else "auth"
        if protocol == "gemini":
            server.plan = lambda number: None
            server.key = "another"
        done = ask(benchmark, command)
        assert isinstance(done.asked.stopped, AuthError) and done.asked.stopped.exit_code == 3
        assert len(done.all) == (2 if protocol == "openai" else 0) and done.summary.stopped is done.asked.stopped
        server.plan, server.key = (lambda number: None), None
        assert len(ask(benchmark, command).all) == 6
    for path in (tmp_path / "run").rglob("*"):
        assert not path.is_file() or b"sk-wrong" not in path.read_bytes(), path


def test_money_of_candidates_is_limited_and_stands_in_the_manifest(tmp_path: Path) -> None:
    price = parse_price("audio_in=32,text_in=2.5,text_out=10,audio_out=64,cached_in=1")
    benchmark = write_items(tmp_path / "set", 8)
    with Loopback() as server:
        command = spec(server, "openai", "&max_tokens=100&max_in_flight=1&system=Be brief.")
        tight = JudgeContext(prompts=(), price=price, budget=Budget(0.0085))
        first = ask(benchmark, command, shop=tight)
        assert isinstance(first.asked.stopped, BudgetError) and first.asked.stopped.exit_code == 5
        assert 0 < len(first.all) < 8 and tight.meter.usd <= 0.0085
        rest = JudgeContext(prompts=(), price=price, budget=Budget(10))
        done = ask(benchmark, command, shop=rest)
    assert len(done.all) == 8
    assert manifest(done).candidates_usage.usd == pytest.approx(tight.meter.usd + rest.meter.usd)
    again = ask(benchmark, command, shop=rest)
    assert manifest(again).candidates_usage == manifest(done).candidates_usage and again.asked.answered == 0
    with Loopback() as server, pytest.raises(InputError, match="this run has it as"):
        ask(benchmark, spec(server, "openai"))


@PROTOCOLS
def test_a_refusal_and_a_conversation_lost_half_way_are_paid_for_too(protocol: str, tmp_path: Path) -> None:
    price = parse_price("audio_in=32,text_in=2.5,text_out=10,audio_out=64,cached_in=1")
    refused_and_lost = {"openai": ["declined", "server_500"],
                        "gemini": ["blocked_while_speaking", "says_nothing_for_another_reason"]}  # fmt: skip
    first, second = refused_and_lost[protocol]
    fates = [first, None, second]
    with Loopback(fates) as server:
        shop = JudgeContext(prompts=(), price=price)
        done = ask(write_talks(tmp_path / "set", 2), spec(server, protocol, "&max_in_flight=1"), shop=shop)
    assert (done.outcomes, done.asked.lost) == ({"q0": "no_speech"}, 1)
    (refused,) = done.all[0].calls
    assert refused.usage.usd is not None and refused.usage.usd > 0
    assert manifest(done).candidates_usage.usd == pytest.approx(shop.meter.usd)
    assert shop.meter.usd > refused.usage.usd and shop.meter.unpriced == 0


@PROTOCOLS
def test_what_the_provider_never_accepts_is_asked_once(protocol: str, tmp_path: Path) -> None:
    benchmark = write_items(tmp_path / "set", 4)
    with Loopback([None, "bad_request" if protocol == "openai" else "deaf", None, None]) as server:
        command = spec(server, protocol, "&max_in_flight=1")
        first = ask(benchmark, command)
        made = server.requests
        again = ask(benchmark, command)
        assert (made, server.requests, again.asked.answered, again.asked.lost) == (4, 4, 0, 0)
        assert first.outcomes == {"q0": "ok", "q1": "crashed", "q2": "ok", "q3": "ok"}
        assert (first.responses["q1"].reason or "").startswith(("bad_request: ", "not_heard: "))
        assert ask(benchmark, command, retry=["crashed"]).outcomes["q1"] == "ok"


@pytest.mark.parametrize(
    ("protocol", "fault"), [("openai", "bad_request"), ("openai", "not_found"), ("gemini", "not_found")]
)
def test_settings_that_no_request_can_have_stop_the_candidate_and_are_none_of_its_outcomes(
    protocol: str, fault: str, tmp_path: Path
) -> None:
    benchmark = write_items(tmp_path / "set", 30)
    fates: list[str | None] = [fault]
    with Loopback(lambda number: fates[-1]) as server:
        done = ask(benchmark, command := spec(server, protocol, "&max_in_flight=1"))
        assert FAULTS_AT_START <= server.requests <= FAULTS_AT_START + 1  # one more where a kind of request is tried
        assert isinstance(done.asked.stopped, NeverAcceptedError) and done.all == []
        fates.append(None)
        again = ask(benchmark, command)
    assert again.outcomes == {f"q{number}": "ok" for number in range(30)}


def test_a_refusal_for_good_before_the_first_answer_is_asked_again_and_then_a_crash(tmp_path: Path) -> None:
    benchmark = write_items(tmp_path / "set", 2)
    with Loopback(["bad_request", None, "bad_request"]) as server:
        first = ask(benchmark, spec(server, "openai", "&max_in_flight=1"))
        assert (first.outcomes, first.asked.lost) == ({"q1": "ok"}, 1)
        assert ask(benchmark, spec(server, "openai", "&max_in_flight=1")).outcomes == {"q0": "crashed", "q1": "ok"}


def test_what_was_asked_again_is_still_paid_for(tmp_path: Path) -> None:
    benchmark = write_items(tmp_path / "set", 1)
    with Loopback(["length_while_speaking"]) as server:
        first = ask(benchmark, spec(server, "openai"))
        assert first.outcomes == {"q0": "too_long"}
        before = manifest(first).candidates_usage
        second = ask(benchmark, spec(server, "openai"), retry=["too_long"])
    assert second.outcomes == {"q0": "ok"} and len(second.all) == 1
    after = manifest(second).candidates_usage
    own = second.all[0].calls[0].usage
    assert after.output_tokens == (before.output_tokens or 0) + (own.output_tokens or 0)


def test_attempts_differ_by_their_seed(tmp_path: Path) -> None:
    with Loopback(keep=10) as server:
        done = ask(write_items(tmp_path / "set", 1), spec(server, "openai", "&seed=5&temperature=1"), attempts=3)
        assert sorted(received.document["seed"] for received in server.received) == [5, 6, 7]
    assert [response.attempt for response in done.all] == [0, 1, 2]


def test_a_text_model_writes_by_design_and_may_read_too(tmp_path: Path) -> None:
    with Loopback(keep=10) as server:
        done = ask(write_items(tmp_path / "set", 1), spec(server, "openai", "&output=text&input=text"))
        (received,) = server.received
    assert done.outcomes == {"q0": "ok"} and done.all[0].answers[0].audio is None
    assert received.recordings == () and received.prompt == "Question 0?"
    assert "modalities" not in received.document


def test_options_that_contradict_one_another(tmp_path: Path) -> None:
    benchmark = write_items(tmp_path / "set", 1)
    with Loopback() as server:
        for options, problem in (
            ("&tts=espeak", "asked to speak itself"),
            ("&output=text&tts=loud", "the voice kind 'loud'"),
            ("&output=words", "output=words"),
            ("&replay=id", "replay=id"),
        ):
            with pytest.raises(SpecError, match=problem):
                ask(benchmark, spec(server, "openai", options))
        assert server.requests == 0
    assert not (tmp_path / "run").exists()


@needs_espeak
def test_a_text_model_with_an_offline_voice(tmp_path: Path) -> None:
    with Loopback() as server:
        done = ask(write_talks(tmp_path / "set", 1), spec(server, "openai", "&output=text&tts=espeak"))
    (response,) = done.all
    assert response.status == "ok" and response.details["voice"] == "espeak:by language"
    for said in response.answers:
        assert said.text and said.text.endswith("s of speech.")
        assert said.audio is not None and 1 < said.audio.seconds < 6


def test_a_text_model_with_a_voice_behind_an_endpoint(tmp_path: Path) -> None:
    with Loopback(keep=10) as server:
        voice = f"openai:speaker%3Fbase_url={server.openai_url}%26voice=nova%26instructions=Calmly.%26attempts=1"
        done = ask(write_items(tmp_path / "set", 1), spec(server, "openai", f"&output=text&tts={voice}"))
        written, said = server.received
        assert said.path == "/v1/audio/speech" and said.voice == "nova"
        assert said.document["instructions"] == "Calmly." and said.document["input"] == done.all[0].answers[0].text
        assert "modalities" not in written.document
        (response,) = done.all
        audio = response.answers[0].audio
        assert audio is not None and len(response.calls) == 2 and response.details["voice"] == "openai:speaker:nova"
        assert (done.run / audio.path).read_bytes() == spoken.as_wav(spoken.pcm(said.prompt, "nova"))
        server.plan = lambda number: "server_500" if number % 2 else None
        lost = ask(write_items(tmp_path / "more", 1), spec(server, "openai", f"&output=text&tts={voice}"),
                   out=tmp_path / "lost")  # fmt: skip
        assert (lost.asked.lost, lost.all) == (1, []) and "the voice openai:speaker:nova failed" in lost.asked.lost_why[
            0
        ]


def test_the_word_of_the_server_is_what_is_kept(tmp_path: Path) -> None:
    with Loopback(["spoken"]) as server:
        (response,) = ask(write_items(tmp_path / "set", 1), spec(server, "openai")).all
    audio = response.answers[0].audio
    assert audio is not None and (tmp_path / "run" / audio.path).read_bytes() == spoken.as_wav(WORD)
