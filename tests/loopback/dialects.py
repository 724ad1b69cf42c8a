"""The two protocols, as far as a judge meets them: reading a request, writing an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.loopback.verdict import Recording, Unheard, recording

VERSION = "loopback-judge-1"
_OPENAI_TOKENS_PER_SECOND, _GEMINI_TOKENS_PER_SECOND = 10, 32
_DATA_URI = "data:audio/wav;base64,"

Heard = tuple[str, tuple[Recording, ...]]


@dataclass(frozen=True, slots=True)
class Dialect:
    """One protocol: its name, the header of its key, and three translations."""

    name: str
    key_header: str
    read: Callable[[dict[str, Any]], Heard]
    answer: Callable[[str, Heard, int], dict[str, Any]]
    error: Callable[[int, str], dict[str, Any]]

    def key(self, headers: Mapping[str, str]) -> str:
        return headers.get(self.key_header, "").removeprefix("Bearer ")


def _read_chat(document: dict[str, Any]) -> Heard:
    texts, recordings = [], []
    for message in document["messages"]:
        content = message["content"]
        for part in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            if part["type"] == "text":
                texts.append(part["text"])
            else:
                recordings.append(recording(_encoded(part)))
    return "\n".join(texts), tuple(recordings)


def _encoded(part: dict[str, Any]) -> str:
    if part["type"] == "input_audio":
        if part["input_audio"]["format"] not in ("wav", "mp3"):
            raise Unheard(f"Invalid value: {part['input_audio']['format']!r}. Supported values are: 'wav' and 'mp3'.")
        return str(part["input_audio"]["data"]).removeprefix(_DATA_URI)
    if part["type"] == "audio_url" and part["audio_url"]["url"].startswith(_DATA_URI):
        return str(part["audio_url"]["url"]).removeprefix(_DATA_URI)
    raise Unheard(f"Invalid value: {part['type']!r}.")


def _answer_chat(text: str, heard: Heard, number: int) -> dict[str, Any]:
    audio = int(_OPENAI_TOKENS_PER_SECOND * sum(r.seconds for r in heard[1]))
    sent, made = len(heard[0]) // 4 + audio, len(text) // 4
    return {
        "id": f"chatcmpl-{number}", "object": "chat.completion", "created": 1763800000, "model": VERSION,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": sent, "completion_tokens": made, "total_tokens": sent + made,
            "prompt_tokens_details": {"audio_tokens": audio, "cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
    }  # fmt: skip


def _error_chat(status: int, message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": "messages", "code": None}}


def _read_generate(document: dict[str, Any]) -> Heard:
    texts, recordings = [], []
    system = _either(document, "systemInstruction", "system_instruction")
    for content in [*([system] if system else []), *document["contents"]]:
        for part in content["parts"]:
            if "text" in part:
                texts.append(part["text"])
            else:
                blob = _either(part, "inlineData", "inline_data")
                if not str(_either(blob, "mimeType", "mime_type")).startswith("audio/"):
                    raise Unheard("Unsupported MIME type.")
                recordings.append(recording(blob["data"]))
    return "\n".join(texts), tuple(recordings)


def _either(document: dict[str, Any], camel: str, snake: str) -> Any:
    return document[camel] if camel in document else document.get(snake)


def _answer_generate(text: str, heard: Heard, number: int) -> dict[str, Any]:
    audio = int(_GEMINI_TOKENS_PER_SECOND * sum(r.seconds for r in heard[1]))
    sent, made = len(heard[0]) // 4, len(text) // 4
    details = [
        {"modality": "TEXT", "tokenCount": sent},
        *([{"modality": "AUDIO", "tokenCount": audio}] if audio else []),
    ]
    return {
        "candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {
            "promptTokenCount": sent + audio, "candidatesTokenCount": made, "totalTokenCount": sent + audio + made,
            "promptTokensDetails": details,
        },
        "modelVersion": VERSION, "responseId": f"r-{number}",
    }  # fmt: skip


def _error_generate(status: int, message: str) -> dict[str, Any]:
    return {"error": {"code": status, "message": message, "status": "INVALID_ARGUMENT"}}


OPENAI = Dialect("openai", "Authorization", _read_chat, _answer_chat, _error_chat)
GEMINI = Dialect("gemini", "x-goog-api-key", _read_generate, _answer_generate, _error_generate)
