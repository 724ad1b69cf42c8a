"""`--max-cost`: kept while the run runs, measured by what the server counted, not by what wavjudge believes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.typed import answers, spec, typed
from tests.loopback import server as loopback
from tests.loopback.dialects import GEMINI, OPENAI, Heard
from tests.loopback.server import Loopback, Server
from tests.loopback.verdict import verdict

AUDIO_IN, TEXT_IN, TEXT_OUT = 32.0, 2.5, 10.0
PRICE = f"audio_in={AUDIO_IN},text_in={TEXT_IN},text_out={TEXT_OUT}"
BOUNDED = "&max_tokens=200"


def charged(server: Loopback) -> float:
    """USD for all requests that reached the server, by the usage it answered with."""
    total = 0.0
    for received in server.received:
        heard = Heard(received.turns)
        text = verdict(heard.prompt, heard.recordings, server.seed)
        if received.protocol == "openai":
            total += _charge(OPENAI.answer(text, heard, 0)["usage"])
        else:
            usage = GEMINI.answer(text, heard, 0)["usageMetadata"]
            counts = {detail["modality"]: detail["tokenCount"] for detail in usage["promptTokensDetails"]}
            total += _usd(counts["TEXT"], counts.get("AUDIO", 0), usage["candidatesTokenCount"])
    return total


def _charge(usage: dict[str, Any]) -> float:
    audio = usage["prompt_tokens_details"]["audio_tokens"]
    return _usd(usage["prompt_tokens"] - audio, audio, usage["completion_tokens"])


def _usd(text: int, audio: int, made: int) -> float:
    return (text * TEXT_IN + audio * AUDIO_IN + made * TEXT_OUT) / 1e6


@pytest.mark.parametrize("protocol", ["openai", "gemini"])
def test_the_limit_is_kept_and_the_same_command_with_more_money_goes_on(protocol: str, tmp_path: Path) -> None:
    file, limit = answers(tmp_path, 60, seconds=1.0), 0.05
    with Loopback(keep=1000) as server:
        words = ["score", file, "--judge", spec(server, protocol, BOUNDED), "--out", tmp_path / "run", "--price", PRICE,
                 "--prompt-set", "overall", "--max-cost"]  # fmt: skip
        done = typed(*words, limit)
        spent, sent = charged(server), server.requests
        assert done.code == 5
        assert limit / 2 < spent <= limit
        assert 5 < sent < 60
        assert f"stopped: the limit of {limit:g} USD is reached" in done.err
        assert "raise --max-cost and run the same command" in done.err
        assert f"{sent} tasks done in this pass" in done.out
        assert f"{spent:.4f} USD" in done.out
        again = typed(*words, 1, "--json")
        assert (again.code, server.requests) == (0, 60)
        assert again.json["this_pass"]["usd"] == pytest.approx(charged(server) - spent)
    assert again.json["axes"][0]["statuses"] == {"ok": 60}


def test_a_limit_below_one_call_sends_nothing(tmp_path: Path) -> None:
    with Loopback() as server:
        words = ("--judge", spec(server), "--out", tmp_path / "run", "--price", PRICE, "--max-cost", 0.0001)
        done = typed("score", answers(tmp_path), *words)
        assert server.requests == 0
    assert done.code == 5
    assert "0.0000 spent" in done.err


def test_a_limit_without_a_price_says_why_there_is_none_and_what_to_add(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Loopback() as server:
        judge = f"openai:gpt-audio-1.5?base_url={server.openai_url}"
        words = ("score", answers(tmp_path), "--max-cost", 2, "--out", tmp_path / "run", "--judge")
        done = typed(*words, judge)
        monkeypatch.setenv("OPENAI_API_KEY", "x")
        monkeypatch.setenv("OPENAI_BASE_URL", server.openai_url)
        by_variable = typed(*words, "openai:gpt-audio-1.5")
        monkeypatch.delenv("OPENAI_BASE_URL")
        unlisted = typed(*words, "openai:gpt-audoi-1.5")
        candidate = typed("run", "tiny", "--candidate", judge, "--only", "answers", "--max-cost", 2, "--out",
                          tmp_path / "asked")  # fmt: skip
        assert server.requests == 0
    elsewhere = f"openai:gpt-audio-1.5 is asked at {server.openai_url}, which is not the provider's own address"
    for said in (done, by_variable, candidate):
        assert said.code == 5 and elsewhere in said.err and "--price audio_in=" in said.err, said
        assert "the same command goes on" not in said.err
    assert unlisted.code == 5
    assert "no price is listed for openai:gpt-audoi-1.5 (did you mean gpt-audio-1.5?)" in unlisted.err


def test_a_reply_that_must_be_asked_for_again_is_paid_for_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = iter([" "])
    monkeypatch.setattr(loopback, "verdict", lambda *asked: next(said, None) or verdict(*asked))
    with Loopback() as server:
        judge = spec(server, options=BOUNDED)
        words = ("--judge", judge, "--out", tmp_path / "run", "--price", PRICE, "--prompt-set", "overall", "--json")
        done = typed("score", answers(tmp_path, 1), *words, "--max-cost", 1)
        good = charged(server) / server.requests
        heard = Heard(server.received[0].turns)
        written = len(verdict(heard.prompt, heard.recordings, server.seed)) // 4 * TEXT_OUT / 1e6
    assert (server.requests, done.json["this_pass"]["retries"]) == (2, 1)
    assert done.json["this_pass"]["usd"] == pytest.approx(2 * good - written)


@pytest.mark.parametrize("option", [(), ("--price", "text_in=2.5,text_out=10")])
def test_an_unknown_price_is_refused_before_anything_is_sent(option: tuple[str, ...], tmp_path: Path) -> None:
    with Loopback() as server:
        words = ("--judge", spec(server), "--out", tmp_path / "run", "--max-cost", 100, *option)
        done = typed("score", answers(tmp_path), *words)
        assert server.requests == 0
    assert done.code == 5
    assert ("lacks audio_in" if option else "what this server asks is not known") in done.err
    assert "--price audio_in=32,text_in=2.5,text_out=10" in done.err


def test_replies_of_the_cache_and_instruments_cost_nothing(tmp_path: Path) -> None:
    file = answers(tmp_path, 2)
    with Loopback() as server:
        judge = ("--judge", spec(server), "--prompt-set", "overall")
        typed("score", file, *judge, "--out", tmp_path / "one")
        cached = typed("score", file, *judge, "--out", tmp_path / "two", "--max-cost", 0)
        assert server.requests == 2
    measured = typed("score", file, "--judge", "signals?workers=1", "--axes", "clipping", "--out", tmp_path / "three",
                     "--max-cost", 0)  # fmt: skip
    assert (cached.code, measured.code) == (0, 0)
    assert "2 answered by the cache" in " ".join(cached.out.split())


def test_a_judge_has_an_output_limit_that_its_signature_names_and_that_can_be_lifted(tmp_path: Path) -> None:
    with Loopback(keep=100) as server:
        signed = {}
        for protocol, options in (("openai", ""), ("gemini", ""), ("openai", "&max_tokens=none"),
                                  ("openai", "&max_tokens_field=max_tokens&max_tokens=9000")):  # fmt: skip
            out = tmp_path / f"{len(signed)}"
            typed("score", answers(tmp_path, 1), "--judge", spec(server, protocol, options), "--out", out,
                  "--prompt-set", "overall")  # fmt: skip
            signed[protocol + options] = (out / "ratings.jsonl").read_text()
        sent = [received.document for received in server.received]
    plain, gemini, lifted, named = signed.values()
    assert sent[0]["max_completion_tokens"] == 4096 and "|t:default,max:4096|" in plain
    assert sent[1]["generationConfig"]["maxOutputTokens"] == 4096 and "|t:default,max:4096|" in gemini
    assert "max_completion_tokens" not in sent[2] and "|t:default|" in lifted
    assert sent[3]["max_tokens"] == 9000 and "|t:default,max:9000|" in named


def test_verdicts_that_the_output_limit_cut_off_are_counted_with_what_helps(tmp_path: Path) -> None:
    with Loopback(["length", "length"]) as server:
        done = typed("score", answers(tmp_path, 3), "--judge", spec(server), "--out", tmp_path / "run",
                     "--prompt-set", "overall")  # fmt: skip
    assert "2 unparseable: cut_off: the reply reached the output limit of 4096 tokens" in done.out
    assert "raise it (max_tokens=16384) or lift it (max_tokens=none)" in done.out


@pytest.mark.parametrize("fault", ["cut", "usage_zero"])
@pytest.mark.parametrize("protocol", ["openai", "gemini"])
def test_replies_whose_cost_is_not_known_are_booked_at_the_most_they_can_cost(
    fault: str, protocol: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialect, good = {"openai": OPENAI, "gemini": GEMINI}[protocol], 60
    real = Server._good
    if fault == "usage_zero":
        monkeypatch.setattr(Server, "_good", lambda *asked: _free(real(*asked)))
    with Loopback((lambda number: "cut") if fault == "cut" else (), keep=1000) as server:
        judge = spec(server, protocol, f"{BOUNDED}&attempts=2")
        words = ("--judge", judge, "--out", tmp_path / "run", "--price", PRICE, "--prompt-set", "overall", "--json")
        done = typed("score", answers(tmp_path, good, seconds=1.0), *words, "--max-cost", 0.1)
        assert 3 < server.requests < good and charged(server) <= 0.1
    assert done.code == 5 and dialect.name == protocol
    assert done.json["this_pass"]["unpriced_attempts"] == server.requests
    spent = float(done.err.partition("is reached: ")[2].partition(" spent")[0])
    assert charged(server) < spent <= 0.1


def _free(body: bytes) -> bytes:
    document = json.loads(body)
    for usage in ("usage", "usageMetadata"):
        if usage in document:
            document[usage] = {name: 0 if isinstance(value, int) else value for name, value in document[usage].items()}
    return json.dumps(document).encode()


def test_a_usage_beyond_the_bound_ends_the_run_after_one_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Server._good

    def dear(*asked: Any) -> bytes:
        document = json.loads(real(*asked))
        document["usage"] |= {"completion_tokens": 10**6, "total_tokens": 10**6}
        return json.dumps(document).encode()

    monkeypatch.setattr(Server, "_good", dear)
    with Loopback() as server:
        words = ("--judge", spec(server, options=BOUNDED), "--out", tmp_path / "run", "--price", PRICE)
        done = typed("score", answers(tmp_path, 20), *words, "--max-cost", 1)
        assert server.requests == 1
    assert done.code == 5
    assert "reported a usage of 10.0" in done.err and "so no limit can be kept" in done.err
