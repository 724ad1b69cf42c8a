"""Parts of a reply that a provider marks as thoughts are not what the model said, whatever the mark."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.clients.conversation import KEY, REQUEST
from wavjudge.clients.base import Failure, RawReply, Reply
from wavjudge.clients.wires.gemini import GeminiWire
from wavjudge.clients.wires.openai import OpenAIWire

DRAFT, VERDICT = "<score>2</score>", "<score>4</score>"
OPENAI, GEMINI = OpenAIWire(api_key=KEY), GeminiWire(api_key=KEY)


def chat(content: Any, finish: str = "stop", **message: Any) -> Reply | Failure:
    said = {"role": "assistant", "content": content, **message}
    body = {"choices": [{"index": 0, "message": said, "finish_reason": finish}], "model": "m"}
    return OPENAI.decode(RawReply(200, {}, orjson.dumps(body)), REQUEST)


def generated(*parts: dict[str, Any], finish: str = "STOP") -> Reply | Failure:
    body = {"candidates": [{"content": {"role": "model", "parts": list(parts)}, "finishReason": finish}]}
    return GEMINI.decode(RawReply(200, {}, orjson.dumps(body)), REQUEST)


THOUGHTS: list[dict[str, Any]] = [
    {"type": "thinking", "thinking": [{"type": "text", "text": DRAFT}]},
    {"type": "thinking", "thinking": DRAFT, "text": DRAFT},
    {"type": "reasoning", "text": DRAFT},
    {"type": "reasoning_text", "text": DRAFT},
    {"type": "redacted_thinking", "text": DRAFT},
    {"type": "thought", "text": DRAFT},
    {"type": "text", "text": DRAFT, "thought": True},
    {"type": "text", "text": DRAFT, "reasoning": True},
    {"type": "text", "text": DRAFT, "extra_content": {"google": {"thought": True}}},
    {"type": "summary_text", "text": DRAFT},
]


@pytest.mark.parametrize("thought", THOUGHTS, ids=str)
def test_a_part_of_a_chat_reply_that_is_thought_is_not_said(thought: dict[str, Any]) -> None:
    for parts in ([thought, {"type": "text", "text": VERDICT}], [{"type": "text", "text": VERDICT}, thought]):
        outcome = chat(parts)
        assert isinstance(outcome, Reply) and outcome.text == VERDICT
    assert isinstance(chat([thought]), Failure)


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning", "thinking"])
def test_a_field_of_its_own_for_reasoning_is_not_read(field: str) -> None:
    outcome = chat(VERDICT, **{field: DRAFT})
    assert isinstance(outcome, Reply) and outcome.text == VERDICT
    assert isinstance(chat("", **{field: DRAFT}), Failure) and isinstance(chat(None, **{field: DRAFT}), Failure)


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning", "thinking"])
def test_a_text_that_is_the_reasoning_once_more_or_its_beginning_is_not_said(field: str) -> None:
    for text in (DRAFT, f"{DRAFT}\n", "<score>2"):
        assert isinstance(chat(text, **{field: f"{DRAFT} so far"}), Failure)
        assert isinstance(chat(text, **{field: DRAFT}), Failure)
    outcome = chat(VERDICT, **{field: f"so far {VERDICT}"})
    assert isinstance(outcome, Reply) and outcome.text == VERDICT


@pytest.mark.parametrize("mark", [True, "true", 1])
def test_a_thought_of_gemini_is_not_said_however_true_is_written(mark: Any) -> None:
    outcome = generated({"text": DRAFT, "thought": mark}, {"text": VERDICT, "thought": False})
    assert isinstance(outcome, Reply) and outcome.text == VERDICT
    assert isinstance(generated({"text": DRAFT, "thought": mark}), Failure)


def test_a_reply_that_was_stopped_on_its_way_says_so_and_another_failure_does_not() -> None:
    for outcome, finish in ((chat(VERDICT, "length"), "length"), (chat(VERDICT, "content_filter"), "content_filter"),
                            (generated({"text": VERDICT}, finish="MAX_TOKENS"), "MAX_TOKENS"),
                            (generated({"text": VERDICT}, finish="SAFETY"), "SAFETY")):  # fmt: skip
        assert isinstance(outcome, Failure) and (outcome.finish, outcome.text) == (finish, VERDICT)
    declined = chat(VERDICT, "content_filter", refusal="I cannot.")
    assert isinstance(declined, Failure) and declined.kind == "refused" and declined.finish is None
