"""TTS back ends: text made into speech, for candidates that answer in text. A new voice is an entry of `TTS_KINDS`."""

from __future__ import annotations

import asyncio
import ctypes
import threading
from ctypes.util import find_library
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from wavjudge.audio import Waveform
from wavjudge.clients.base import Client, Failure, Request, TextPart, call_record
from wavjudge.clients.build import ClientContext, ClientOptions, network_client
from wavjudge.clients.spec import Kind, Spec, choose
from wavjudge.errors import MissingPartError, pip_install
from wavjudge.speech.base import Lost, lost
from wavjudge.types import Call


@dataclass(frozen=True, slots=True)
class Spoken:
    """Speech: the bytes of an audio file, and the call that made it, if one did."""

    audio: bytes
    call: Call | None = None


class Tts(Protocol):
    """Says a text aloud."""

    about: str

    async def speak(self, text: str, language: str | None) -> Spoken | Lost: ...

    async def aclose(self) -> None: ...


class EspeakOptions(BaseModel):
    """Options of `espeak`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    voice: str | None = Field(None, description="eSpeak NG's name of a voice; default: by the item's language")
    words_per_minute: int = Field(165, ge=80, le=450, description="pace")


class Espeak:
    """eSpeak NG (GPL-3), from the extra `tts` or the system: offline, quick, robotic.

    The last bits of its samples may differ from call to call.
    """

    _speaking = threading.Lock()  # the library has one voice and one callback for the whole process
    _started: tuple[Any, int] | None = None

    def __init__(self, options: EspeakOptions) -> None:
        self._options = options
        self.about = f"espeak:{options.voice or 'by language'}"
        self._library()  # a missing extra is an error before the first question

    async def aclose(self) -> None:
        """The library stays loaded."""

    async def speak(self, text: str, language: str | None) -> Spoken | Lost:
        voice = self._options.voice or voice_of(language)
        return await asyncio.to_thread(self._spoken, text, voice)

    def _spoken(self, text: str, voice: str) -> Spoken | Lost:
        library, rate = self._library()
        with self._speaking:
            if library.espeak_SetVoiceByName(voice.encode()) != 0:
                return Lost(f"eSpeak NG has no voice {voice!r}", for_good=True)
            library.espeak_SetParameter(1, self._options.words_per_minute, 0)  # 1: the rate
            samples = _synthesised(library, text)
        return Spoken(Waveform(samples, rate).to_wav())  # of "..." nothing: an answer without a sound

    @classmethod
    def _library(cls) -> tuple[Any, int]:
        with cls._speaking:
            if cls._started is None:
                cls._started = _start()
            return cls._started


def voice_of(language: str | None) -> str:
    """eSpeak's voice for a language tag; English where none is known.

    >>> voice_of("en-GB"), voice_of("zh-CN"), voice_of("de"), voice_of(None)
    ('en-us', 'cmn', 'de', 'en-us')
    """
    base = (language or "en").lower().replace("_", "-").split("-")[0]
    return {"en": "en-us", "zh": "cmn"}.get(base, base)


def _start() -> tuple[Any, int]:
    path, data = _installed()
    library = ctypes.CDLL(path)
    rate = library.espeak_Initialize(1, 0, data, 0)  # 1: sound into memory
    if rate <= 0:
        raise MissingPartError(f"eSpeak NG at {path} does not start", todo="install it again")
    return library, rate


def _installed() -> tuple[str, bytes | None]:
    """The library and the folder of its voices (None: the system's library knows its own)."""
    try:
        import espeakng_loader
    except ImportError as error:
        if system := find_library("espeak-ng"):
            return system, None
        raise MissingPartError("the voice espeak needs eSpeak NG, which is not installed",
                               todo=f"{pip_install('wavjudge[tts]')}, or apt install espeak-ng") from error  # fmt: skip
    return espeakng_loader.get_library_path(), espeakng_loader.get_data_path().encode()


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


_blocks: list[Any] = []


@_CALLBACK  # type: ignore[untyped-decorator]
def _collect(samples: Any, count: int, _events: object) -> int:
    """Called by the library, which keeps the address: a function that Python frees would be a crash later."""
    if samples and count > 0:
        _blocks.append(np.ctypeslib.as_array(samples, (count,)).astype(np.float32) / np.float32(32768))
    return 0


def _synthesised(library: Any, text: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    _blocks[:] = [np.zeros(0, np.float32)]
    library.espeak_SetSynthCallback(_collect)
    raw = text.replace("\0", " ").encode()
    library.espeak_Synth(raw, len(raw) + 1, 0, 1, 0, 1, None, None)  # 1 and 1: by characters, UTF-8
    library.espeak_Synchronize()
    return np.concatenate(_blocks)


class SpeechOptions(ClientOptions):
    """Options of a voice over the network."""

    voice: str = Field("alloy", description="the provider's name of a voice")
    instructions: str | None = Field(None, description="how to speak, for models that take it")


class ServedTts:
    """A voice behind the speech endpoint of the openai protocol."""

    def __init__(self, client: Client, model: str, options: SpeechOptions) -> None:
        self._client, self._model, self._options = client, model, options
        self.about = f"openai:{model}:{options.voice}"

    async def aclose(self) -> None:
        await self._client.aclose()

    async def speak(self, text: str, language: str | None) -> Spoken | Lost:
        request = Request(self._model, (TextPart(text),), self._options.instructions, wants=("audio",),
                          voice=self._options.voice)  # fmt: skip
        outcome = await self._client.complete(request)
        if isinstance(outcome, Failure):
            return lost(outcome, request, f"the voice {self.about}")
        call = call_record(outcome, request)
        if outcome.audio_wav is None:
            return Lost(f"the voice {self.about} failed: a reply without sound", (call,))
        return Spoken(outcome.audio_wav, call)


def _openai(spec: Spec, context: ClientContext) -> Tts:
    from wavjudge.clients.wires.openai_speech import OpenAISpeechWire

    (options,) = spec.read(SpeechOptions)
    wire = OpenAISpeechWire(base_url=options.base_url, api_key=context.key(options), timeout_seconds=options.timeout)
    return ServedTts(network_client(spec, context, wire, options, cached=False), spec.name, options)


def _espeak(spec: Spec, context: ClientContext) -> Tts:
    return Espeak(*spec.read(EspeakOptions))


TTS_KINDS: dict[str, Kind[Tts]] = {
    "espeak": Kind("espeak", "eSpeak NG, offline, robotic (extra tts or the system's, GPL-3)",
                   (EspeakOptions,), _espeak),
    "openai": Kind("openai:gpt-4o-mini-tts", "the speech endpoint of OpenAI (this model ends 2027-01-06) or its like",
                   (SpeechOptions,), _openai, ("OPENAI_API_KEY",)),
}  # fmt: skip


def build_tts(text: str, context: ClientContext) -> Tts:
    """The voice that a SPEC names. Raises `SpecError`, `AuthError`, `MissingPartError`."""
    spec, kind = choose(text, TTS_KINDS, "voice", context.named)
    return kind.build(spec, context)
