"""`--max-cost`: kept while the run runs, measured by what the server counted, not by what wavjudge believes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.typed import answers, spec, typed
from tests.loopback.dialects import GEMINI, OPENAI, Heard
from tests.loopback.faults import cases
from tests.loopback.server import Loopback
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


def test_a_reply_that_must_be_asked_for_again_is_paid_for_too(tmp_path: Path) -> None:
    usage = json.loads(cases("openai")["content_empty"].text)["usage"]
    with Loopback(["content_empty"]) as server:
        judge = spec(server, options=BOUNDED)
        words = ("--judge", judge, "--out", tmp_path / "run", "--price", PRICE, "--prompt-set", "overall", "--json")
        done = typed("score", answers(tmp_path, 1), *words, "--max-cost", 1)
        good = charged(server) / server.requests
    assert (server.requests, done.json["this_pass"]["retries"]) == (2, 1)
    assert done.json["this_pass"]["usd"] == pytest.approx(good + _charge(usage))


@pytest.mark.parametrize("option", [(), ("--price", "text_in=2.5,text_out=10")])
def test_an_unknown_price_is_refused_before_anything_is_sent(option: tuple[str, ...], tmp_path: Path) -> None:
    with Loopback() as server:
        words = ("--judge", spec(server), "--out", tmp_path / "run", "--max-cost", 100, *option)
        done = typed("score", answers(tmp_path), *words)
        assert server.requests == 0
    assert done.code == 5
    assert ("not known: audio_in" if option else "the price of model loopback is not known") in done.err
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
