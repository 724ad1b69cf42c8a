"""A server that gives the key back, in a good reply and in an error: no file of the run, no cache, no line holds it."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pybase64
import pytest
from aiohttp import web

from tests.cli.typed import answers, rows, typed
from tests.loopback import wav
from tests.loopback.hostile import Hostile

KEY = "sk-proj-Zq81_xP4mN7tW2vB9kL5rT3y"
BASE64 = base64.b64encode(f"Bearer {KEY}".encode()).decode()
ESCAPED = "".join(f"\\u{ord(character):04x}" for character in KEY)
TRACES = [KEY, KEY[:12], KEY[-12:], BASE64[12:40], KEY.encode().hex()[8:40], KEY.upper(), ESCAPED[:60], KEY[::-1]]
SAID = (f"<justification>I was sent Bearer {KEY}, {BASE64}, {KEY.encode().hex()} and {ESCAPED}; "
        f"first {KEY[:16]}, then {KEY[16:]}; {KEY.upper()}.</justification> <score>4</score>")  # fmt: skip


def reply() -> dict[str, object]:
    usage = {"prompt_tokens": 2000, "completion_tokens": 400, "prompt_tokens_details": {"audio_tokens": 20}}
    spoken = {"data": pybase64.b64encode(wav(0.5)).decode(), "transcript": SAID}
    return {
        "id": f"id-{KEY}", "model": f"model-{KEY}", "system_fingerprint": KEY, "usage": usage, "modelVersion": KEY,
        "responseId": BASE64, "choices": [{"message": {"content": SAID, "audio": spoken}, "finish_reason": f"s-{KEY}"}],
        "candidates": [{"content": {"parts": [{"text": SAID[:40]}, {"text": SAID[40:]}]}, "finishReason": f"S-{KEY}"}],
    }  # fmt: skip


async def echo(request: web.Request, body: bytes) -> web.Response:
    headers = {"x-request-id": f"req-{KEY}", "x-key": KEY}
    if b"unlucky" in body:
        return web.Response(status=400, text=f"bad {ESCAPED} {BASE64}, {KEY}", headers=headers)
    return web.json_response(reply(), headers=headers)


def kept(folder: Path) -> str:
    """Every byte below a folder, as text; the names too."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return "\n".join(f"{path}\n{path.read_bytes().decode(errors='replace')}" for path in files)


def check(*places: str) -> None:
    assert any("[key]" in place for place in places)
    for place in places:
        assert [trace for trace in TRACES if trace in place] == []


@pytest.mark.parametrize("kind", ["openai", "gemini"])
def test_a_judge_gives_the_key_back(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", KEY)
    with Hostile(echo) as server:
        judge = f"{kind}:loopback?base_url={server.url}/v1&api_key_env=THE_KEY&attempts=1"
        done = typed("score", answers(tmp_path, 3), "--judge", judge, "--out", tmp_path / "run",
                     "--prompt-set", "overall", "--price", "audio_in=1,text_in=1,text_out=1",
                     "--max-cost", 1)  # fmt: skip
        assert all(KEY in heard for heard in server.heard) and len(server.heard) == 3
        shown = typed("show", tmp_path / "run", "q0")
        exported = typed("export", tmp_path / "run", "--out", tmp_path / "run.csv")
    assert done.code == 0 and exported.code == 0
    check(
        kept(tmp_path / "run"), kept(tmp_path), kept(Path(os.environ["WAVJUDGE_CACHE"])), done.out, done.err, shown.out
    )
    ratings = [json.loads(line) for line in (tmp_path / "run" / "ratings.jsonl").read_text().splitlines()]
    assert [rating["score"] for rating in ratings] == [4.0] * 3


@pytest.mark.parametrize("kind", ["openai", "gemini"])
def test_a_candidate_gives_the_key_back(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", KEY)
    asked = ({"item_id": "1", "question_text": "Hello?"}, {"item_id": "2", "question_text": "unlucky"})
    items = rows(*asked, folder=tmp_path / "set", name="items.jsonl")
    with Hostile(echo) as server:
        candidate = f"{kind}:loopback?base_url={server.url}/v1&api_key_env=THE_KEY&attempts=1&input=text&output=text"
        done = typed("run", items, "--candidate", candidate, "--only", "answers", "--out", tmp_path / "run")
        assert len(server.heard) == 2, done
    check(kept(tmp_path / "run"), done.out, done.err)
