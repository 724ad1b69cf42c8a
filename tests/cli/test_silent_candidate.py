"""A candidate that ends without a word has answered: no speech, recorded once, never paid for again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from aiohttp import web

from tests.cli.typed import rows, typed
from tests.loopback.hostile import Hostile

OPENAI = [{"content": ""}, {"content": None}, {"content": " \n"}, {"content": []}, {}]
GEMINI = [{"parts": [{"text": ""}]}, {"parts": []}, {}, {"parts": [{"text": "hm", "thought": True}]}]


@pytest.mark.parametrize(
    ("kind", "said"), [*(("openai", said) for said in OPENAI), *(("gemini", said) for said in GEMINI)]
)
@pytest.mark.parametrize("tts", ["", "&tts=espeak"])
@pytest.mark.parametrize("ended", [("stop", "STOP"), ("end_turn", "MALFORMED_FUNCTION_CALL"), ("tool_calls", "STOP")])
def test_an_empty_answer_is_no_speech_and_is_not_asked_again(
    kind: str, said: dict[str, object], ended: tuple[str, str], tts: str, tmp_path: Path
) -> None:
    if tts:
        pytest.importorskip("espeakng_loader", reason="needs the extra tts")

    async def silent(request: web.Request, body: bytes) -> web.Response:
        return web.json_response({"choices": [{"message": said, "finish_reason": ended[0]}],
                                  "candidates": [{"content": said, "finishReason": ended[1]}]})  # fmt: skip

    items = rows({"item_id": "1", "question_text": "Hello?"}, folder=tmp_path / "set", name="items.jsonl")
    with Hostile(silent) as server:
        candidate = f"{kind}:quiet?base_url={server.url}/v1&input=text&output=text{tts}"
        for _ in range(2):
            done = typed("run", items, "--candidate", candidate, "--only", "answers", "--out", tmp_path / "run")
            assert done.code == 0, done
        assert len(server.heard) == 1
    (line,) = (tmp_path / "run" / "responses.jsonl").read_text().splitlines()
    assert json.loads(line)["status"] == "no_speech"
