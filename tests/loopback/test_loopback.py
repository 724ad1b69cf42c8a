"""The server is worth its answers: it hears what it claims to hear, and fails when and as often as it was told."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections import Counter
from pathlib import Path

import pytest

from tests.clients.conversation import CLIP, REQUEST, SPEAK, ask, check, run, sound
from tests.loopback import Loopback, chances, score, wav
from wavjudge.clients.base import Reply, Wire
from wavjudge.clients.wires.gemini import GeminiWire
from wavjudge.clients.wires.openai import OpenAIWire

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("kind", ["openai", "gemini"])
@pytest.mark.parametrize("clip", [CLIP[:-2], CLIP[:20], b"", b"RIFF", wav(0.0), bytes(4000)])
def test_broken_audio_is_rejected_and_not_heard(kind: str, clip: bytes) -> None:
    with Loopback() as server:
        wire: Wire = (
            OpenAIWire(base_url=server.openai_url) if kind == "openai" else GeminiWire(base_url=server.gemini_url)
        )
        (outcome,) = run(wire, ask(CLIP, clip))
        check(outcome, {"kind": "not_heard", "http_status": 400, "reason": ["could not be decoded"]})


def test_scores_follow_audio_tag_and_seed() -> None:
    drawn = Counter(score(f"{clip}", tag, seed) for clip in range(100) for tag in "ab" for seed in range(5))
    assert set(drawn) == {1, 2, 3, 4, 5} and min(drawn.values()) > 150
    assert score("x", "score", 1) == score("x", "score", 1)


def test_chances_keep_their_shares_and_repeat() -> None:
    plan = chances({"rate_limited": 0.3, "disconnect": 0.05}, seed=1)
    drawn = [plan(number) for number in range(4000)]
    shares = {name: count / 4000 for name, count in Counter(drawn).items()}
    assert shares == pytest.approx({None: 0.65, "rate_limited": 0.3, "disconnect": 0.05}, abs=0.03)
    assert drawn == [chances({"rate_limited": 0.3, "disconnect": 0.05}, seed=1)(number) for number in range(4000)]


def test_in_a_process_of_its_own() -> None:
    plan = "rate_limited_ms,,reset,broken_base64"
    command = [sys.executable, "-m", "tests.loopback", "--plan", plan, "--key", "k"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        wire = OpenAIWire(base_url=f"{url}/v1", api_key="k")
        limited, good, lost, broken, spoken = run(wire, REQUEST, REQUEST, REQUEST, SPEAK, SPEAK)
        with urllib.request.urlopen(f"{url}/stats") as answer:
            stats = json.load(answer)
        process.terminate()
    check(limited, {"kind": "rate_limited", "retry_after_seconds": 0.15})
    check(lost, {"kind": "unavailable"})
    check(broken, {"kind": "broken_audio", "reason": ["not base64"]})
    assert isinstance(good, Reply) and isinstance(spoken, Reply) and sound(spoken) is not None
    assert stats == {
        "requests": 5, "most_in_flight": 1, "faults": {"rate_limited_ms": 1, "reset": 1, "broken_base64": 1},
        "answered": {REQUEST.audio_parts[0].sha256: 2},
    }  # fmt: skip
    assert process.returncode == 0
