"""The two protocols of a conversation, as far as judges and candidates meet them: reading requests, writing answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import pybase64

from tests.loopback import spoken
from tests.loopback.verdict import Recording, Unheard, recording

VERSION = "loopback-judge-1"
_OPENAI_TOKENS_PER_SECOND, _GEMINI_TOKENS_PER_SECOND = 10, 32
_DATA_URI = "data:audio/wav;base64,"


@dataclass(frozen=True, slots=True)
class Turn:
    """One message as it was understood."""

    role: str
    text: str
    recordings: tuple[Recording, ...] = ()


@dataclass(frozen=True, slots=True)
class Heard:
    """A request as it was understood; `voice` is None unless one was asked for."""

    turns: tuple[Turn, ...]
    aloud: bool = False
    voice: str | None = None

    @property
    def prompt(self) -> str:
        return "\n".join(turn.text for turn in self.turns if turn.text)

    @property
    def recordings(self) -> tuple[Recording, ...]:
        return tuple(recording for turn in self.turns for recording in turn.recordings)


def parse_json(body: bytes, content_type: str) -> Any:
    return orjson.loads(body)


@dataclass(frozen=True, slots=True)
class Dialect:
    """One protocol: its name, the header of its key, and its translations. An answer is JSON or a file."""

    name: str
    key_header: str
    read: Callable[[dict[str, Any]], Heard]
    answer: Callable[[str, Heard, int], dict[str, Any] | bytes]
    error: Callable[[int, str], dict[str, Any]]
    parse: Callable[[bytes, str], Any] = parse_json

    def key(self, headers: Mapping[str, str]) -> str:
        return headers.get(self.key_header, "").removeprefix("Bearer ")


def _read_chat(document: dict[str, Any]) -> Heard:
    turns = tuple(_turn(message["role"], message["content"]) for message in document["messages"])
    audio = document.get("audio") or {}
    aloud = "audio" in document.get("modalities", ["text"])
    if aloud and audio["format"] != "wav":
        raise Unheard(f"Invalid value: {audio['format']!r}.")
    return Heard(turns, aloud, audio.get("voice"))


def _turn(role: str, content: str | list[dict[str, Any]]) -> Turn:
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    texts = [part["text"] for part in parts if part["type"] == "text"]
    return Turn(role, "\n".join(texts), tuple(recording(_encoded(p)) for p in parts if p["type"] != "text"))


def _encoded(part: dict[str, Any]) -> str:
    if part["type"] == "input_audio":
        if part["input_audio"]["format"] not in ("wav", "mp3"):
            raise Unheard(f"Invalid value: {part['input_audio']['format']!r}. Supported values are: 'wav' and 'mp3'.")
        return str(part["input_audio"]["data"]).removeprefix(_DATA_URI)
    if part["type"] == "audio_url" and part["audio_url"]["url"].startswith(_DATA_URI):
        return str(part["audio_url"]["url"]).removeprefix(_DATA_URI)
    raise Unheard(f"Invalid value: {part['type']!r}.")


def _answer_chat(text: str, heard: Heard, number: int) -> dict[str, Any]:
    audio = _tokens(_OPENAI_TOKENS_PER_SECOND, heard.recordings)
    sent, made, aloud = len(heard.prompt) // 4 + audio, len(text) // 4, 0
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if heard.aloud:
        samples = spoken.pcm(text, heard.voice)
        aloud = int(_OPENAI_TOKENS_PER_SECOND * spoken.seconds(samples))
        data = pybase64.b64encode(spoken.as_wav(samples)).decode()
        said = {"id": f"audio_{number}", "data": data, "expires_at": 1763803600, "transcript": text}
        message |= {"content": None, "refusal": None, "audio": said}
    return {
        "id": f"chatcmpl-{number}", "object": "chat.completion", "created": 1763800000, "model": VERSION,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": sent, "completion_tokens": made + aloud, "total_tokens": sent + made + aloud,
            "prompt_tokens_details": {"audio_tokens": audio, "cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": aloud, "text_tokens": made},
        },
    }  # fmt: skip


def _tokens(per_second: int, recordings: Iterable[Recording]) -> int:
    return int(per_second * sum(r.seconds for r in recordings))


def _error_chat(status: int, message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": "messages", "code": None}}


def _read_generate(document: dict[str, Any]) -> Heard:
    system = _either(document, "systemInstruction", "system_instruction")
    contents = [*([{"role": "system", **system}] if system else []), *document["contents"]]
    config = _either(document, "generationConfig", "generation_config") or {}
    voice = config.get("speechConfig", {}).get("voiceConfig", {}).get("prebuiltVoiceConfig", {}).get("voiceName")
    modalities = config.get("responseModalities", ["TEXT"])
    if modalities not in (["TEXT"], ["AUDIO"]):
        raise Unheard(f"The requested combination of response modalities {json.dumps(modalities)} is not supported.")
    return Heard(tuple(map(_content, contents)), modalities == ["AUDIO"], voice)


def _content(content: dict[str, Any]) -> Turn:
    texts, recordings = [], []
    for part in content["parts"]:
        if "text" in part:
            texts.append(part["text"])
        else:
            blob = _either(part, "inlineData", "inline_data")
            if not str(_either(blob, "mimeType", "mime_type")).startswith("audio/"):
                raise Unheard("Unsupported MIME type.")
            recordings.append(recording(blob["data"]))
    if content["role"] not in ("user", "model", "system"):
        raise Unheard(f"Please use a valid role: user, model. Got {content['role']!r}.")
    return Turn(content["role"], "\n".join(texts), tuple(recordings))


def _either(document: dict[str, Any], camel: str, snake: str) -> Any:
    return document[camel] if camel in document else document.get(snake)


def _answer_generate(text: str, heard: Heard, number: int) -> dict[str, Any]:
    """Speech comes without its words, as from the real one, in two pieces and URL-safe base64."""
    audio = _tokens(_GEMINI_TOKENS_PER_SECOND, heard.recordings)
    sent, made = len(heard.prompt) // 4, len(text) // 4
    parts, modality = [{"text": text}], "TEXT"
    if heard.aloud:
        samples = spoken.pcm(text, heard.voice)
        half, modality = len(samples) // 4 * 2, "AUDIO"
        made = int(_GEMINI_TOKENS_PER_SECOND * spoken.seconds(samples))
        mime = f"audio/L16;codec=pcm;rate={spoken.RATE_HZ}"
        pieces = [pybase64.urlsafe_b64encode(piece).decode() for piece in (samples[:half], samples[half:])]
        parts = [{"inlineData": {"mimeType": mime, "data": piece}} for piece in pieces]  # type: ignore[dict-item]
    details = [
        {"modality": "TEXT", "tokenCount": sent},
        *([{"modality": "AUDIO", "tokenCount": audio}] if audio else []),
    ]
    return {
        "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {
            "promptTokenCount": sent + audio, "candidatesTokenCount": made, "totalTokenCount": sent + audio + made,
            "promptTokensDetails": details, "candidatesTokensDetails": [{"modality": modality, "tokenCount": made}],
        },
        "modelVersion": VERSION, "responseId": f"r-{number}",
    }  # fmt: skip


def _error_generate(status: int, message: str) -> dict[str, Any]:
    return {"error": {"code": status, "message": message, "status": "INVALID_ARGUMENT"}}


def without_audio_counts(answer: dict[str, Any]) -> dict[str, Any]:
    """A good reply as from a server that does not break its usage down."""
    kept = {name: value for name, value in answer.items() if name not in ("usage", "usageMetadata")}
    usage = {name: value for name, value in answer.get("usage", {}).items() if not name.endswith("_details")}
    google = {name: value for name, value in answer.get("usageMetadata", {}).items() if not name.endswith("Details")}
    return kept | ({"usage": usage} if usage else {}) | ({"usageMetadata": google} if google else {})


OPENAI = Dialect("openai", "Authorization", _read_chat, _answer_chat, _error_chat)
GEMINI = Dialect("gemini", "x-goog-api-key", _read_generate, _answer_generate, _error_generate)
