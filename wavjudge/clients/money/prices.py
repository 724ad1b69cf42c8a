"""What calls cost: the cost of one call, its upper bound, and an estimate before a run.

    cost = (text_in * (text - cached) + cached_in * cached + audio_in * audio
            + text_out * (output - speech) + audio_out * speech) / 1,000,000 USD
    text = input tokens - audio tokens; output tokens include the model's thoughts and its speech

Audio tokens have a price of their own, ten times that of text at some providers, so they are never lumped together.
What is not known (a price, a token count) makes the sum None, never a smaller number.

A cost that a server states itself (OpenRouter's `usage.cost`) is not believed: nobody can check its currency, its
discounts, or whose calls it holds, and a limit in money would rest on the word of whoever is paid. Costs are counted
from tokens and a price that the user, or the dated list, answers for.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Literal

from wavjudge.clients.base import NO_USAGE, AudioPart, Failure, FailureKind, Part, Reply, Request, TextPart
from wavjudge.errors import BudgetError, SpecError
from wavjudge.types import Usage

MILLION = 1_000_000
SET_PRICE = "give it in USD per 1M tokens, such as --price audio_in=32,text_in=2.5,text_out=10"
WITHOUT = "leave --max-cost out, and nothing limits what is spent"

AUDIO_TOKENS_PER_SECOND_AT_MOST = 100.0
"""Assumed for reservations where a provider does not say its rate: three times the highest published one (32)."""
OUTPUT_TOKENS_AT_MOST = 65_536
"""Assumed for reservations where neither the request nor the price list bounds the output."""
_FRAME_TOKENS = 32  # roles and separators around one message or part: a few tokens at every known provider

# What says that the model did not run, even inside an answer with HTTP 200. A lost connection and a time-out do not:
# the model may have answered into the void, and the provider may charge for it.
_NOT_BILLED: frozenset[FailureKind] = frozenset({"auth", "quota", "bad_request", "rate_limited", "unreachable"})
# Said by something between us and the provider, behind which the model may have run.
_GATEWAY = frozenset({499, 502, 504, 520, 524, 598, 599})


@dataclass(frozen=True, slots=True)
class Price:
    """USD per 1M tokens; None is "not known", which is not zero.

    mark: "D" the vendor's documentation, "C" a third party's claim, "U" given by the user. The list: `listed.py`.
    audio_tokens_per_second: input tokens that one second of audio becomes.
    """

    text_in: float | None = None
    text_out: float | None = None
    audio_in: float | None = None
    audio_out: float | None = None
    cached_in: float | None = None
    audio_tokens_per_second: float | None = None
    max_output_tokens: int | None = None
    mark: Literal["D", "C", "U"] = "U"
    source: str = "--price"
    date: datetime.date | None = None


_NUMBERS = tuple(f.name for f in fields(Price))[:7]


def parse_price(text: str, base: Price | None = None) -> Price:
    """Read `audio_in=32,text_in=2.5,text_out=10`, on top of `base` where one is given. Raises SpecError.

    >>> parse_price("audio_in=32, text_in=2.5").audio_in
    32.0
    """
    numbers: dict[str, float] = {}
    for pair in text.split(","):
        key, _, value = (piece.strip() for piece in pair.partition("="))
        if key not in _NUMBERS or key in numbers:
            expected = ", ".join(_NUMBERS)
            raise SpecError(f"got {pair.strip()!r} in a price, expected each once: {expected}", todo=SET_PRICE)
        numbers[key] = _positive(key, value)
    if (most := numbers.pop("max_output_tokens", None)) is not None:
        base = replace(base or Price(), max_output_tokens=int(most))
    return replace(base or Price(), **numbers, mark="U", source="--price", date=None)  # type: ignore[arg-type]


def _positive(key: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise SpecError(f"got {key}={value}, expected a number from 0 on", todo=SET_PRICE)
    return number


def cost(usage: Usage, price: Price) -> float | None:
    """USD of one call by what the provider reported, or None where a needed count or price is not known.

    What the provider says itself (`usage.usd`) wins. Cached tokens are taken to be text; without a price for them
    they are charged in full, so the sum is then an upper bound. Output whose speech is not counted is taken to be
    text; `billed` knows where that cannot be.

    >>> usage = Usage(input_tokens=1200, audio_input_tokens=200, output_tokens=100)
    >>> cost(usage, parse_price("audio_in=32,text_in=2,text_out=10"))
    0.0094
    """
    if usage.usd is not None:
        return usage.usd
    if usage.input_tokens is None or usage.output_tokens is None or usage.audio_input_tokens is None:
        return None
    text = max(usage.input_tokens - usage.audio_input_tokens, 0)
    cached = min(usage.cached_input_tokens or 0, text) if price.cached_in is not None else 0
    speech = usage.audio_output_tokens or 0
    return _sum(
        (text - cached, price.text_in), (cached, price.cached_in), (usage.audio_input_tokens, price.audio_in),
        (max(usage.output_tokens - speech, 0), price.text_out), (speech, price.audio_out),
    )  # fmt: skip


def _sum(*charges: tuple[float, float | None]) -> float | None:
    """USD of pairs of tokens and their price; None as soon as some tokens have no price."""
    if any(tokens and price is None for tokens, price in charges):
        return None
    return math.fsum(tokens * (price or 0.0) for tokens, price in charges) / MILLION


def billed(request: Request, outcome: Reply | Failure, price: Price | None) -> float | None:
    """USD of one attempt, or None where it is not known: nothing said, or counts that cannot be (`plausible`).

    Error answers of a provider cost nothing; what was cut off, timed out or came from a gateway is not known.
    """
    usage = outcome.usage
    if usage == NO_USAGE and isinstance(outcome, Failure) and _never_ran(outcome):
        return 0.0
    if usage.usd is not None or price is None:
        return usage.usd
    if impossible(request, outcome, usage, price.audio_tokens_per_second):
        return None
    usage = _with_what_the_request_says(request, usage)
    if "audio" in request.wants and usage.audio_output_tokens is None:
        return None  # text and speech have prices of their own, and the provider does not say how much of each it was
    return cost(usage, price)


def at_least(request: Request, outcome: Reply | Failure, price: Price | None) -> float:
    """USD that one attempt has cost in any case: the counts that the provider told, each at its cheapest.

    Where a whole cost is not known, this still tells of a charge beyond the bound: output is charged whatever the
    input was made of. A count that another one contradicts is told all the same.
    """
    usage = _with_what_the_request_says(request, outcome.usage)
    if usage.usd is not None or price is None:
        return usage.usd or 0.0
    heard, said = usage.audio_input_tokens or 0, usage.audio_output_tokens or 0
    unsure_in = max((usage.input_tokens or 0) - heard, 0)
    cached = min(usage.cached_input_tokens or 0, unsure_in)
    kinds_in = [price.text_in] if usage.audio_input_tokens is not None else [price.text_in, price.audio_in]
    spoken = "audio" in request.wants and usage.audio_output_tokens is None
    kinds_out = [price.text_out, price.audio_out] if spoken else [price.text_out]
    return math.fsum((
        (unsure_in - cached) * _cheapest(kinds_in), cached * _cheapest([*kinds_in, price.cached_in]),
        heard * (price.audio_in or 0.0), max((usage.output_tokens or 0) - said, 0) * _cheapest(kinds_out),
        said * (price.audio_out or 0.0),
    )) / MILLION  # fmt: skip


def _with_what_the_request_says(request: Request, usage: Usage) -> Usage:
    """A request without a recording has no audio tokens, told or not."""
    silent = usage.audio_input_tokens is None and not request.audio_parts
    return usage.model_copy(update={"audio_input_tokens": 0}) if silent else usage


def _cheapest(prices: list[float | None]) -> float:
    return min((usd for usd in prices if usd is not None), default=0.0)


def _never_ran(failure: Failure) -> bool:
    status = failure.http_status or 0
    if not failure.sent or status >= 300:
        return status not in _GATEWAY
    return failure.kind in _NOT_BILLED and failure.text is None


def at_most(request: Request, price: Price | None, unpriced: str = "") -> float:
    """USD that one attempt cannot exceed, under the assumptions named at the top of this file.

    Text has at most one token per byte of UTF-8 (tokenizers fall back to bytes). Raises BudgetError for a price that
    is not known. unpriced: why it is not, where that is.
    """
    if price is None:
        why = unpriced or f"the price of model {request.model} is not known"
        raise BudgetError(f"{why}, so no limit can be kept", todo=f"{SET_PRICE}; or {WITHOUT}")
    rate = price.audio_tokens_per_second or AUDIO_TOKENS_PER_SECOND_AT_MOST
    audio = sum(math.ceil(part.seconds * rate) + 1 for part in request.audio_parts)
    text = sum(len(words.encode(errors="surrogatepass")) for words in _texts(request))
    text += _FRAME_TOKENS * (len(request.all_parts) + len(request.earlier) + 2)
    output = request.sampling.max_tokens or price.max_output_tokens or OUTPUT_TOKENS_AT_MOST
    total = _sum((audio, price.audio_in), (text, price.text_in), (output, _dearest_output(request, price)))
    if total is None:
        needed = ("text_in", "text_out", "audio_in", *(["audio_out"] if "audio" in request.wants else []))
        unknown = [name for name in needed if getattr(price, name) is None]
        told = f" of {price.source}" if price.mark == "U" else ""
        lacks = f"the price{told} of model {request.model} lacks {', '.join(unknown)}"
        raise BudgetError(f"{lacks}, so no limit can be kept", todo=f"{SET_PRICE}; or {WITHOUT}")
    return total


def _dearest_output(request: Request, price: Price) -> float | None:
    if "audio" not in request.wants or price.text_out is None or price.audio_out is None:
        return price.text_out if "audio" not in request.wants else None
    return max(price.text_out, price.audio_out)


def _texts(request: Request) -> list[str]:
    return [request.system or "", *(part.text for part in request.all_parts if isinstance(part, TextPart))]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will take, before it is started.

    text_tokens_at_least: one per word. audio_tokens_at_least: None where the rate is not known.
    usd_at_least: input only, without any cache discount; None without a price. usd_at_most: None without a price.
    unknown: in words, what these figures leave out.
    """

    calls: int
    audio_seconds: float
    text_tokens_at_least: int
    audio_tokens_at_least: int | None
    usd_at_least: float | None
    usd_at_most: float | None
    unknown: tuple[str, ...]


def estimate(requests: Iterable[Request], price: Price | None) -> Estimate:
    """Add up what is known about these calls; nothing is sent and no audio is loaded."""
    price = price or Price()
    calls, seconds, words, most, bounded = 0, 0.0, 0, 0.0, True
    for request in requests:
        calls += 1
        seconds += math.fsum(part.seconds for part in request.audio_parts)
        words += sum(len(text.split()) for text in _texts(request))
        bounded &= request.sampling.max_tokens is not None
        try:
            most += at_most(request, price)
        except BudgetError:
            most = math.nan
    rate = price.audio_tokens_per_second if seconds else 0.0
    audio = None if rate is None else math.floor(seconds * rate)
    known = [(words, price.text_in), (audio or 0, price.audio_in)]
    priced = [(tokens, usd) for tokens, usd in known if usd is not None]
    return Estimate(
        calls, seconds, words, audio, _sum(*priced) if priced else None, None if math.isnan(most) else most,
        tuple(_unknown(price, seconds, bounded)),
    )  # fmt: skip


def _unknown(price: Price, seconds: float, bounded: bool) -> Iterable[str]:
    if price.text_in is None and price.audio_in is None:
        yield "the price"
    elif seconds and price.audio_in is None:
        yield "the price of audio input"
    if seconds and price.audio_tokens_per_second is None:
        yield "how many tokens a second of audio becomes"
    yield "how much the model writes" if bounded else "how much the model writes (max_tokens would bound it)"


# Counts of tokens that cannot be: a call with such a usage is booked as one whose cost is not known.
#
# The least is far below what any tokenizer and any audio encoder in use takes, so that an honest count never fails:
# eight characters a token on the average of a whole text (English has four to five), where white space and repeated
# characters count once; of audio half the rate that the price list states, else one token a second.

_CHARACTERS_A_TOKEN = 8
_AUDIO_TOKENS_A_SECOND = 1.0
_REPEATED = re.compile(r"(.)\1+|\s+", re.DOTALL)


def impossible(request: Request, outcome: Reply | Failure, usage: Usage, rate: float | None) -> bool:
    """Whether a reported usage contradicts itself, or is less than the request and its reply must have taken.

    rate: audio tokens a second, where known. What is not said (None) contradicts nothing.
    """
    heard = [part for part in _shown(request) if isinstance(part, AudioPart)]
    asked = least(" ".join([request.system or "", *(p.text for p in _shown(request) if isinstance(p, TextPart))]))
    audio = math.floor(sum(part.seconds for part in heard) * (rate / 2 if rate else _AUDIO_TOKENS_A_SECOND))
    written = least(outcome.text or "")
    return any((
        _below(usage.input_tokens, asked + max(audio, usage.audio_input_tokens or 0)),
        _below(usage.output_tokens, written), _below(usage.audio_input_tokens, audio),
        _below(usage.input_tokens, usage.cached_input_tokens), _below(usage.output_tokens, usage.reasoning_tokens),
        _below(usage.output_tokens, usage.audio_output_tokens),
        _below(usage.audio_output_tokens, _spoken_seconds(outcome)),
    ))  # fmt: skip


def least(text: str) -> int:
    """The fewest tokens that a text can be.

    >>> least(""), least("<score>4</score>"), least("=" * 900)
    (0, 2, 1)
    """
    return math.ceil(len(_REPEATED.sub(" ", text.strip())) / _CHARACTERS_A_TOKEN)


def _below(count: int | None, needed: int | None) -> bool:
    return count is not None and needed is not None and count < needed


def _shown(request: Request) -> tuple[Part, ...]:
    """What surely goes to the model: its own earlier answers may be sent without their sound."""
    earlier = [part for said in request.earlier for part in said.parts
               if said.role == "user" or isinstance(part, TextPart)]  # fmt: skip
    return (*earlier, *request.parts)


def _spoken_seconds(outcome: Reply | Failure) -> int | None:
    """Whole seconds of speech in a reply, by the byte rate that its header states; None where there is none."""
    data = outcome.audio_wav if isinstance(outcome, Reply) else None
    if data is None or len(data) < 44 or not (byte_rate := int.from_bytes(data[28:32], "little")):
        return None
    return len(data) // byte_rate
