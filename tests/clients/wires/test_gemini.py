"""GeminiWire: the real SDK down to the socket, with and without aiohttp, against the loopback server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import orjson
import pybase64
import pytest

from tests.clients.conversation import (
    CLIP,
    FULL,
    KEY,
    PROMPT,
    REQUEST,
    ask,
    check_secrets,
    damaged,
    raw_of,
    run,
)
from tests.loopback import DELIVERIES, Loopback, cases, score, wav
from wavjudge.clients.base import Failure, RawReply, Reply, Request, TextPart
from wavjudge.clients.wires.gemini import GeminiWire
from wavjudge.errors import AuthError, SpecError

CASES = cases("gemini")
PURE = GeminiWire(api_key=KEY)
ROOT = Path(__file__).parents[3]

# A conversation in a process of its own, in which the SDK finds aiohttp or finds it not.
SCRIPT = """
import sys, warnings
from tests.clients import conversation as c
from wavjudge.clients.wires.gemini import GeminiWire
warnings.simplefilter("error")
if sys.argv[2] == "without":
    sys.modules["aiohttp"] = None
wire = GeminiWire(base_url=sys.argv[1], api_key=c.KEY, timeout_seconds=5)
for outcome in c.run(wire, *[c.REQUEST] * int(sys.argv[3])):
    print(ascii(outcome))
"""


@pytest.fixture
def wire(server: Loopback) -> GeminiWire:
    return GeminiWire(base_url=server.gemini_url, api_key=KEY, timeout_seconds=20)


def test_decode_survives_any_damage() -> None:
    documents = [json.loads(CASES[name].text) for name in ("answer", "quota", "rate_limited", "prompt_blocked")]
    whole = orjson.dumps(documents[0])
    bodies = [whole[:end] for end in range(len(whole))]
    bodies += [orjson.dumps(damage) for document in documents for damage in damaged(document)]
    for body in [*bodies, b"\xff\xfe", b"[" * 5000, b"1" * 5000]:
        for status in (200, 400, 429):
            assert isinstance(PURE.decode(RawReply(status, {}, body), REQUEST), Reply | Failure)


def test_body_is_what_json_dumps_writes() -> None:
    request = ask(CLIP, sampling=FULL, system="Be fair.")
    blob = {"inlineData": {"mimeType": "audio/wav", "data": pybase64.b64encode(CLIP).decode()}}
    expected = {
        "systemInstruction": {"parts": [{"text": "Be fair."}]},
        "generationConfig": {
            "temperature": 0.5, "topP": 0.9, "seed": 7, "maxOutputTokens": 300, "thinkingConfig": {"thinkingBudget": 0},
        },
        "contents": [{"role": "user", "parts": [{"text": PROMPT}, {"text": "Recording:"}, blob]}],
    }  # fmt: skip
    body = GeminiWire(api_key=KEY, thinking_budget=0).encode(request)
    assert body == json.dumps(expected, separators=(",", ":")).encode()
    assert set(json.loads(PURE.encode(REQUEST))) == {"contents"}
    level = json.loads(GeminiWire(api_key=KEY, thinking_level="LOW").encode(REQUEST))["generationConfig"]
    assert level == {"thinkingConfig": {"thinkingLevel": "LOW"}}


def test_what_arrives_is_what_was_encoded(server: Loopback) -> None:
    server.plan = lambda number: None
    clips = [wav(0.3, seed=2), CLIP]
    request = ask(*clips, sampling=FULL, system="Be fair.")
    wire = GeminiWire(base_url=server.gemini_url, api_key=KEY, thinking_level="LOW")
    (reply,) = run(wire, request)
    received = server.received[-1]
    assert received.document == json.loads(wire.encode(request))
    assert [r.data for r in received.recordings] == clips
    assert received.path.endswith("/models/judge-model:generateContent")
    assert received.headers["x-goog-api-key"] == KEY and float(received.headers["X-Server-Timeout"]) >= 10
    heard = " ".join(r.sha256 for r in received.recordings)
    assert isinstance(reply, Reply) and reply.resolved_model == "loopback-judge-1"
    assert f"<score-semantic>{score(heard, 'score-semantic', 3)}</score-semantic>" in reply.text
    assert reply.usage.audio_input_tokens == 16
    check_secrets(reply)


def test_the_same_with_and_without_aiohttp(server: Loopback) -> None:
    deliveries = [name for name in DELIVERIES if name != "trickle"]
    names = [*CASES, *deliveries]
    told = [_elsewhere(server, how, names) for how in ("with", "without")]
    assert told[0] == told[1]
    assert [line.split("'")[1] for line in told[0][len(CASES) :]] == ["timeout", *["unavailable"] * 4]


def _elsewhere(server: Loopback, how: str, names: list[str]) -> list[str]:
    faults = iter(names)
    server.plan = lambda number: next(faults)
    command = [sys.executable, "-c", SCRIPT, server.gemini_url, how, str(len(names))]
    environment = {**os.environ, "GOOGLE_GENAI_USE_VERTEXAI": "true", "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_missing_audio_counts_only_with_audio() -> None:
    silent = Request("m", (TextPart("x"),))
    assert isinstance(PURE.decode(raw_of(CASES["no_audio_entry"]), silent), Reply)


def test_a_key_of_the_environment_goes_to_google_only(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", KEY)
    run(GeminiWire(base_url=server.gemini_url))
    assert KEY not in str(server.received[-1].headers)
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", server.gemini_url)
    assert isinstance(run(GeminiWire())[0], Reply)


def test_options_that_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("GOOGLE_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(AuthError, match="GEMINI_API_KEY"):
        GeminiWire()
    with pytest.raises(SpecError, match="at most one"):
        GeminiWire(api_key=KEY, thinking_budget=0, thinking_level="LOW")


def test_a_body_of_megabytes_is_sent_even_where_warnings_are_errors(server: Loopback) -> None:
    (outcome,) = run(GeminiWire(base_url=server.gemini_url, api_key=KEY), ask(wav(90.0)))
    assert isinstance(outcome, Reply)
    assert len(server.received[-1].body) > 3 * 2**20
