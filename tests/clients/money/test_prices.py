from __future__ import annotations

import datetime
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.loopback import wav
from wavjudge.clients.base import AudioPart, Failure, FailureKind, Reply, Request, Said, Sampling, TextPart
from wavjudge.clients.money.listed import find_price
from wavjudge.clients.money.prices import Price, at_most, billed, cost, estimate, parse_price
from wavjudge.errors import BudgetError, SpecError
from wavjudge.types import Usage

DAY = datetime.date(2026, 11, 22)
PRICE = Price(text_in=2.5, text_out=10, audio_in=32, audio_tokens_per_second=10)


def request(text: str = "", seconds: float = 0.0, **options) -> Request:
    audio = AudioPart("a" * 64, "none", seconds, 16000, 0, lambda: b"")
    return Request("m", (TextPart(text), audio) if seconds else (TextPart(text),), **options)


@pytest.mark.parametrize(
    ("usage", "price", "usd"),
    [
        # 1,000 text x 2.5 + 200 audio x 32 + 100 out x 10 = 2,500 + 6,400 + 1,000 millionths
        (Usage(input_tokens=1200, audio_input_tokens=200, output_tokens=100), PRICE, 0.0099),
        # 400 of the 1,000 text tokens at 0.5: 1,500 + 200 + 6,400 + 1,000
        (
            Usage(input_tokens=1200, audio_input_tokens=200, output_tokens=100, cached_input_tokens=400),
            replace(PRICE, cached_in=0.5),
            0.0091,
        ),
        # no price for cached tokens: in full
        (Usage(input_tokens=1200, audio_input_tokens=200, output_tokens=100, cached_input_tokens=400), PRICE, 0.0099),
        # more cached than text (some of it was audio): only the text gets the discount
        (
            Usage(input_tokens=300, audio_input_tokens=200, output_tokens=0, cached_input_tokens=250),
            replace(PRICE, cached_in=0.0),
            0.0064,
        ),
        (Usage(input_tokens=10, audio_input_tokens=0, output_tokens=0), Price(text_in=1, text_out=1), 0.00001),
        # 40 of the 100 output tokens are speech at 64: 600 + 2,560 instead of 1,000
        (
            Usage(input_tokens=1200, audio_input_tokens=200, output_tokens=100, audio_output_tokens=40),
            replace(PRICE, audio_out=64),
            0.01206,
        ),
        (Usage(input_tokens=10, audio_input_tokens=0, output_tokens=5, audio_output_tokens=5), PRICE, None),
        (Usage(input_tokens=1200, audio_input_tokens=200, output_tokens=100, audio_output_tokens=0), PRICE, 0.0099),
        (Usage(usd=0.25), PRICE, 0.25),
        (Usage(input_tokens=1200, output_tokens=100), PRICE, None),
        (Usage(input_tokens=1200, audio_input_tokens=200), PRICE, None),
        (Usage(audio_input_tokens=200, output_tokens=1), PRICE, None),
        (Usage(input_tokens=1200, audio_input_tokens=200, output_tokens=100), Price(text_in=1, text_out=1), None),
        (Usage(), PRICE, None),
    ],
)
def test_cost(usage: Usage, price: Price, usd: float | None) -> None:
    assert cost(usage, price) == (None if usd is None else pytest.approx(usd))


def test_a_request_without_audio_needs_no_audio_count() -> None:
    reply = Reply("4", Usage(input_tokens=1000, output_tokens=100))
    assert billed(request("hello"), reply, PRICE) == pytest.approx(0.0035)
    assert billed(request("hello", 1.0), reply, PRICE) is None
    assert billed(request("hello"), reply, None) is None


def test_speech_is_billed_where_it_is_counted() -> None:
    asked = request("hello", wants=("text", "audio"))
    price = replace(PRICE, audio_out=64)
    uncounted = Usage(input_tokens=1000, output_tokens=100)
    assert billed(asked, Reply("4", uncounted), price) is None
    counted = Reply("4", uncounted.model_copy(update={"audio_output_tokens": 90}))
    assert billed(asked, counted, price) == pytest.approx((1000 * 2.5 + 10 * 10 + 90 * 64) / 1e6)
    assert billed(asked, counted, PRICE) is None
    with pytest.raises(BudgetError, match="audio_out"):
        at_most(asked, PRICE)


def test_the_bound_counts_what_was_said_before() -> None:
    audio = request("", 2.0).audio_parts
    earlier = (Said("user", audio), Said("assistant", (*audio, TextPart("Yes, of course."))))
    now = request("hello", 1.0, sampling=Sampling(max_tokens=1))
    then = replace(now, earlier=earlier)
    # 2 x (20 + 1) more audio tokens; 15 bytes; 3 parts and 2 messages with 32 tokens of frame each
    more = 42 * 32 + (15 + 5 * 32) * 2.5
    assert at_most(then, PRICE) - at_most(now, PRICE) == pytest.approx(more / 1e6)
    assert estimate([then], PRICE).audio_seconds == 5.0 and estimate([then], PRICE).text_tokens_at_least == 4


@pytest.mark.parametrize(
    ("kind", "status", "usd"),
    [("rate_limited", 429, 0.0), ("unavailable", None, None), ("auth", 401, 0.0), ("not_heard", 400, 0.0),
     ("unavailable", 500, 0.0), ("unavailable", 503, 0.0), ("unavailable", 504, None), ("unavailable", 502, None),
     ("unavailable", 200, None), ("rate_limited", 200, 0.0), ("moved", 302, 0.0), ("too_large", None, None),
     ("unreachable", None, 0.0), ("not_heard", 200, None), ("timeout", None, None), ("malformed", 200, None),
     ("refused", 200, None)],
)  # fmt: skip
def test_error_answers_cost_nothing_and_lost_ones_are_not_known(
    kind: FailureKind, status: int | None, usd: float | None
) -> None:
    for price in (PRICE, None):
        assert billed(request(), Failure(kind, "why", http_status=status), price) == usd


def test_what_never_left_costs_nothing_and_an_error_after_words_is_not_known() -> None:
    assert billed(request(), Failure("unavailable", "no TLS", sent=False), PRICE) == 0.0
    assert billed(request(), Failure("rate_limited", "midway", http_status=200, text=""), PRICE) is None


WORDS = "The answer is calm, fits the question and names the two stations. <score>4</score>"
HEARD = Usage(input_tokens=130, audio_input_tokens=100, output_tokens=30)


@pytest.mark.parametrize(
    "usage",
    [
        {"input_tokens": 0, "output_tokens": 0, "audio_input_tokens": 0},
        {"output_tokens": 0}, {"output_tokens": 3}, {"output_tokens": None}, {"input_tokens": None},
        {"input_tokens": 101}, {"audio_input_tokens": 0}, {"audio_input_tokens": 3}, {"audio_input_tokens": None},
        {"audio_input_tokens": 131}, {"cached_input_tokens": 131}, {"reasoning_tokens": 31},
        {"audio_output_tokens": 31},
    ],
)  # fmt: skip
def test_a_usage_that_cannot_be_is_a_cost_that_is_not_known(usage: dict[str, int | None]) -> None:
    asked = request("How natural does this sound, from 1 to 5?", 10.0)
    assert billed(asked, Reply(WORDS, HEARD), PRICE) == pytest.approx((30 * 2.5 + 100 * 32 + 30 * 10) / 1e6)
    assert billed(asked, Reply(WORDS, HEARD.model_copy(update=usage)), PRICE) is None
    assert billed(asked, Failure("cut_off", "why", text=WORDS, usage=HEARD.model_copy(update=usage)), PRICE) is None


def test_speech_that_is_too_long_for_its_tokens_cannot_be() -> None:
    asked, price = request("Say it", wants=("text", "audio")), replace(PRICE, audio_out=64)
    usage = Usage(input_tokens=20, output_tokens=8, audio_output_tokens=8)
    assert billed(asked, Reply("", usage, audio_wav=wav(5.0)), price) is not None
    assert billed(asked, Reply("", usage, audio_wav=wav(9.5)), price) is None


def test_a_failure_that_was_paid_for_costs() -> None:
    usage = Usage(input_tokens=1000, audio_input_tokens=0, output_tokens=0)
    assert billed(request(), Failure("cut_off", "why", usage=usage), PRICE) == pytest.approx(0.0025)


def test_a_price_given_by_hand() -> None:
    assert parse_price("audio_in=32,text_in=2.5,text_out=10") == Price(text_in=2.5, text_out=10.0, audio_in=32.0)
    listed = find_price("gemini", "gemini-3.8-flash", DAY)
    price = parse_price("audio_in=1,max_output_tokens=100", listed)
    assert (price.audio_in, price.text_in, price.max_output_tokens, price.mark) == (1.0, 0.75, 100, "U")


@pytest.mark.parametrize("text", ["", "32", "audio=32", "audio_in=x", "audio_in=-1", "audio_in=nan", "audio_in=inf",
                                  "audio_in=1,audio_in=2", "mark=D", "text_in="])  # fmt: skip
def test_a_price_that_is_none(text: str) -> None:
    with pytest.raises(SpecError):
        parse_price(text)


def test_the_upper_bound_by_hand() -> None:
    # audio: 2.05 s x 10 = 20.5, up to 21, and 1 more = 22 x 32; text: 5 bytes + 32 x (2 parts + 2) = 133 x 2.5;
    # output: 50 x 10
    bounded = request("hällo"[:4], 2.05, sampling=Sampling(max_tokens=50))
    assert at_most(bounded, PRICE) == pytest.approx((22 * 32 + 133 * 2.5 + 50 * 10) / 1e6)
    free = replace(bounded, sampling=Sampling())
    assert at_most(free, PRICE) > at_most(free, replace(PRICE, max_output_tokens=16384)) > at_most(bounded, PRICE)


@given(st.text(), st.floats(0.01, 60), st.integers(1, 500), st.integers(0, 500))
def test_the_upper_bound_holds_for_any_tokenizer_that_falls_back_to_bytes(
    text: str, seconds: float, most: int, written: int
) -> None:
    tokens, audio = len(text.encode()), int(seconds * 10)
    usage = Usage(input_tokens=tokens + audio + 8, audio_input_tokens=audio, output_tokens=min(written, most))
    paid = cost(usage, PRICE)
    assert paid is not None and paid <= at_most(request(text, seconds, sampling=Sampling(max_tokens=most)), PRICE)


@pytest.mark.parametrize("price", [None, Price(), Price(text_in=1, text_out=1), Price(text_in=1, audio_in=1)])
def test_no_bound_without_a_price(price: Price | None) -> None:
    with pytest.raises(BudgetError, match="--price"):
        at_most(request("hello", 1.0), price)


def test_a_bound_says_why_there_is_no_price_and_what_a_price_lacks() -> None:
    with pytest.raises(BudgetError, match=r"^the server is elsewhere, so no limit can be kept\n.*--price"):
        at_most(request("hello", 1.0), None, "the server is elsewhere")
    with pytest.raises(BudgetError, match="the price of --price of model m lacks text_out, audio_in, so no limit"):
        at_most(request("hello", 1.0), Price(text_in=1))


def test_an_estimate_by_hand() -> None:
    found = estimate([request("one two three", 10.0)] * 2, PRICE)
    assert (found.calls, found.audio_seconds) == (2, 20.0)
    assert (found.text_tokens_at_least, found.audio_tokens_at_least) == (6, 200)
    assert found.usd_at_least == pytest.approx((6 * 2.5 + 200 * 32) / 1e6)
    assert found.usd_at_most is not None and found.usd_at_most > found.usd_at_least
    assert found.unknown == ("how much the model writes (max_tokens would bound it)",)


def test_an_estimate_says_what_it_does_not_know() -> None:
    found = estimate([request("one", 10.0, sampling=Sampling(max_tokens=5))], None)
    assert (found.usd_at_least, found.usd_at_most, found.audio_tokens_at_least) == (None, None, None)
    assert found.unknown == ("the price", "how many tokens a second of audio becomes", "how much the model writes")
    gemini = estimate([request("one", 10.0)], find_price("gemini", "gemini-2.5-pro", DAY))
    assert gemini.audio_tokens_at_least == 320 and gemini.usd_at_least == pytest.approx(1.25e-6)
    assert "the price of audio input" in gemini.unknown and gemini.usd_at_most is None


def test_an_estimate_of_nothing_is_nothing() -> None:
    found = estimate([], PRICE)
    assert (found.calls, found.usd_at_least, found.usd_at_most) == (0, 0.0, 0.0)
