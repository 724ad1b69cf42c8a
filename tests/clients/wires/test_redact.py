from __future__ import annotations

import asyncio
import base64
import html
import json
import time
import tracemalloc
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from tests.clients.conversation import REQUEST
from tests.clients.wires.test_guarded import good
from tests.loopback import wav
from tests.loopback.hostile import Hostile
from wavjudge.clients.base import Failure, Reply, once
from wavjudge.clients.wires.gemini import GeminiWire
from wavjudge.clients.wires.openai import OpenAIWire
from wavjudge.clients.wires.redact import cleaned, without_key

KEY = "sk-proj-Zq81_xP4mN7tW2vB9kL5rT3y"

SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str, "as a header": lambda key: f"Authorization: Bearer {key}", "upper case": str.upper,
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 of a header": lambda key: base64.b64encode(f"Bearer {key}".encode()).decode(),
    "base64 of a longer header": lambda key: base64.urlsafe_b64encode(f"Bearer  {key}!".encode()).decode(),
    "hexadecimal": lambda key: key.encode().hex(), "backwards": lambda key: key[::-1],
    "URL": lambda key: quote(key, safe=""),
    "every character in a URL": lambda key: "".join(f"%{ord(c):02X}" for c in key),
    "URL twice": lambda key: "".join(f"%25{ord(c):02x}" for c in key),
    "JSON": lambda key: "".join(f"\\u{ord(c):04x}" for c in key),
    "JSON in JSON": lambda key: json.dumps("".join(f"\\u{ord(c):04x}" for c in key)),
    "HTML": lambda key: "".join(f"&#{ord(c)};" for c in key),
    "HTML named": lambda key: html.escape(key).replace("_", "&lowbar;"),
    "spaced": " ".join, "a line each": "\n".join, "invisible between": "\u200b".join,
    "in a table": lambda key: f"{key[:16]} | {key[16:]}", "half of it": lambda key: key[:16],
    "a part": lambda key: key[5:14],
}  # fmt: skip


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_key_is_found_however_it_is_spelt(spelling: str) -> None:
    echoed = SPELLINGS[spelling](KEY)
    clean = without_key(f"Before: {echoed}, and after.", KEY)
    assert clean.startswith("Before: ") and clean.endswith(", and after.") and "[key]" in clean
    left = clean.removeprefix("Before: ").removesuffix(", and after.")
    assert len(left) <= 30 and not any(KEY[at : at + 8] in left for at in range(len(KEY) - 7))


@given(st.text(max_size=200))
def test_a_text_without_it_stays_as_it_is(text: str) -> None:
    assert without_key(text, KEY) == text


def test_what_is_no_secret_is_not_taken_out_of_a_verdict() -> None:
    verdict = "<score-overall>4</score-overall> 100%, \\o/, &amp; no-key no-key"
    for key in (None, "", "4", "EMPTY", "score", "no-key"):
        assert without_key(verdict, key) == verdict


@pytest.mark.parametrize("wire", [OpenAIWire, GeminiWire])
def test_a_reply_that_could_not_be_read_is_kept_without_it(wire: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def echo(request: web.Request, body: bytes) -> web.Response:
        return web.Response(body=good(f"my key is {KEY}"))

    def broken(*asked: object) -> None:
        raise RuntimeError("a fault of our own")

    monkeypatch.setattr(wire, "decode", broken)

    async def ask(url: str) -> Reply | Failure:
        made = wire(base_url=url, api_key=KEY)
        try:
            return await once(made)(REQUEST)
        finally:
            await made.aclose()

    with Hostile(echo) as server:
        failure = asyncio.run(ask(server.url))
    assert isinstance(failure, Failure)
    assert failure.text is not None and "my key is [key]" in failure.text and KEY not in repr(failure)


def test_every_field_is_cleaned() -> None:
    reply = Reply(f"t {KEY}", finish=KEY, provider_id=KEY, resolved_model=f"m-{KEY}",
                  audio_wav=wav(0.1) + KEY.encode())  # fmt: skip
    failure = Failure("refused", f"no: {KEY}", text=KEY, provider_id=KEY, resolved_model=KEY)
    for outcome in (reply, failure):
        clean = cleaned(outcome, KEY)
        assert KEY not in repr(clean) and "[key]" in repr(clean)
    sound = cleaned(reply, KEY).audio_wav
    assert sound is not None and KEY.encode() not in sound and len(sound) == len(reply.audio_wav or b"")


@pytest.mark.parametrize("rest", [" b", "%41", "\\u0041", "\u00df", "&amp;", " \\", KEY])
def test_a_long_text_is_gone_through_in_small_memory(rest: str) -> None:
    text = KEY + rest * (2**19 // len(rest))
    tracemalloc.start()
    try:
        clean = without_key(text, KEY)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert clean.startswith("[key]") and KEY not in clean
    assert peak < 64 * len(text)


def test_an_escape_after_white_space_is_still_one() -> None:
    escaped = "".join(f" \\u{ord(c):04x}" for c in KEY)
    assert without_key(f"It is {escaped}.", KEY) == "It is  [key]."


@pytest.mark.parametrize("sign", ["\\", "%25", "&amp;", "&#0", " ", "\\u", "%"])
def test_a_row_of_what_could_begin_an_escape_takes_time_linear_in_its_length(sign: str) -> None:
    def least(length: int) -> float:
        taken = []
        for _ in range(3):
            begun = time.process_time()
            without_key(sign * (length // len(sign)), KEY)
            taken.append(time.process_time() - begun)
        return min(taken)

    assert least(32_000) < 9 * max(least(8_000), 0.001)  # linear is 4, quadratic 16
