"""The speech endpoints of the openai protocol: text spoken, speech written down."""

from __future__ import annotations

from email import message_from_bytes, policy
from typing import Any

import pybase64

from tests.loopback import spoken
from tests.loopback.dialects import OPENAI, Dialect, Heard, Turn
from tests.loopback.verdict import Unheard, recording


def _read_speech(document: dict[str, Any]) -> Heard:
    if document.get("response_format") != "wav" or not document["model"] or not document["input"]:
        raise Unheard("Invalid value: expected a model, an input and the response_format 'wav'.")
    return Heard((Turn("user", document["input"]),), True, document.get("voice"))


def _answer_speech(text: str, heard: Heard, number: int) -> bytes:
    return spoken.as_wav(spoken.pcm(heard.prompt, heard.voice))


def _parse_form(body: bytes, content_type: str) -> Any:
    """The fields of a form; its file as base64. Read by the mail parser, which knows nothing of the SDK's writer."""
    if not content_type.startswith("multipart/form-data"):
        raise Unheard(f"Unsupported content type {content_type!r}.")
    form = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body, policy=policy.HTTP)
    document = {}
    for part in form.iter_parts():  # type: ignore[attr-defined]
        name = part.get_param("name", header="content-disposition")
        data = part.get_payload(decode=True)
        document[name] = pybase64.b64encode(data).decode() if part.get_filename() else data.decode()
    return document


def _read_form(document: dict[str, Any]) -> Heard:
    if not document["model"]:
        raise Unheard("you must provide a model parameter")
    return Heard((Turn("user", document.get("prompt", ""), (recording(document["file"]),)),))


def _answer_form(text: str, heard: Heard, number: int) -> dict[str, Any]:
    heard_seconds = sum(r.seconds for r in heard.recordings)
    audio, made = int(10 * heard_seconds), len(text) // 4
    return {"text": f"I heard {heard_seconds:.2f} s of speech.", "usage": {
        "type": "tokens", "input_tokens": audio, "output_tokens": made, "total_tokens": audio + made,
        "input_token_details": {"audio_tokens": audio, "text_tokens": 0},
    }}  # fmt: skip


SPEECH = Dialect("openai", OPENAI.key_header, _read_speech, _answer_speech, OPENAI.error)
TRANSCRIPTIONS = Dialect("openai", OPENAI.key_header, _read_form, _answer_form, OPENAI.error, _parse_form)
