"""`python:MODULE:CALLABLE` - a Python function is a candidate: it is given a `Turn` and gives back its answer.

Any of these is an answer: a path to an audio file, the bytes of one, a pair (samples, sample_rate_hz), a text, or a
dict with `text` and `audio` (one of the former) and, with samples, `sample_rate_hz`; None is an answer that never came.

    def answer(turn):
        wav = turn.wav(turn.question.audio, 16000)          # the question: bytes of a mono 16-bit WAV file
        return {"text": "Four.", "audio": samples, "sample_rate_hz": 24000}
"""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from wavjudge.audio import SUFFIXES, AudioFault, Waveform
from wavjudge.bench.candidates.base import Answer, LocalOptions, Turn
from wavjudge.bench.candidates.loading import load, taking
from wavjudge.clients.spec import hide_secrets
from wavjudge.decoding import read_regular
from wavjudge.errors import InputError, ProviderDownError
from wavjudge.speech.base import Lost
from wavjudge.types import CandidateEntry

MAX_STUCK = 3
"""Calls that never came back before the run stops: a thread cannot be ended, and each holds its memory."""

THREAD = "wavjudge-candidate"


class PythonOptions(LocalOptions):
    """Options of `python:`."""


class PythonCandidate:
    """A function that is called in a thread for each question; a coroutine function is run there too."""

    def __init__(self, name: str, spec: str, options: PythonOptions) -> None:
        self._function = taking(load(name), name, "turn")
        self._options, self._spec = options, spec
        self.name = options.name or name
        self.concurrency, self.speech = options.workers, options.speech
        self._stuck = 0

    def entry(self) -> CandidateEntry:
        return CandidateEntry(spec=self._spec, candidate=self.name)

    async def aclose(self) -> None:
        """Nothing is open."""

    async def answer(self, turn: Turn) -> Answer | Lost:
        if self._stuck >= MAX_STUCK:
            raise ProviderDownError(f"{self._stuck} calls of {self.name} never came back",
                                    todo="run it as command:..., whose programs can be ended")  # fmt: skip
        try:
            async with asyncio.timeout(self._options.timeout):
                return await self._in_thread(turn)
        except TimeoutError:
            self._stuck += 1
            return Answer(status="timed_out", reason=f"no answer within {self._options.timeout:g} s")

    def _called(self, turn: Turn) -> Answer:
        try:
            said = self._function(turn)
            return _answer(asyncio.run(said) if inspect.iscoroutine(said) else said)
        except BaseException as error:  # whatever it raises is an outcome of the candidate: sys.exit() too
            told = hide_secrets("".join(traceback.format_exception_only(error)).strip())
            told = told.removeprefix(f"{type(error).__module__}.")
            last = hide_secrets("".join(traceback.format_exception(error)))[-2000:]
            return Answer(status="crashed", reason=told[:300], details={"traceback": last})

    async def _in_thread(self, turn: Turn) -> Answer:
        """Like `asyncio.to_thread`, in a thread of its own that does not keep the program alive when it hangs."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()

        def settle(answer: Answer) -> None:
            if future.done():
                self._stuck -= 1  # it came back after all, too late
            else:
                future.set_result(answer)

        def run() -> None:
            answer = self._called(turn)
            with suppress(RuntimeError):  # the run has ended, and the loop with it
                loop.call_soon_threadsafe(settle, answer)

        threading.Thread(target=run, daemon=True, name=THREAD).start()
        return await future


def _answer(said: object) -> Answer:
    if said is None:
        return Answer()
    if isinstance(said, Answer):
        return replace(said, audio=None if said.audio is None else bytes(said.audio))
    if isinstance(said, Mapping):
        known = {"text", "audio", "sample_rate_hz"}
        if strange := sorted(set(map(str, said)) - known):
            raise InputError(f"got the keys {strange} in an answer, expected {sorted(known)}")
        text = said.get("text")
        return _with(None if text is None else str(text), said.get("audio"), said.get("sample_rate_hz"))
    return (
        Answer(said) if isinstance(said, str) and Path(said).suffix.lower() not in SUFFIXES else _with(None, said, None)
    )


def _with(text: str | None, sound: Any, rate: Any) -> Answer:
    if isinstance(sound, tuple) and len(sound) == 2:
        sound, rate = sound
    if sound is None or isinstance(sound, bytes | bytearray):
        return Answer(text, None if sound is None else bytes(sound))
    if isinstance(sound, str | os.PathLike):
        return Answer(text, read_regular(Path(sound)))
    if rate is None:
        raise InputError(f"got {type(sound).__name__} without a sample rate",
                         todo="give (samples, sample_rate_hz) or sample_rate_hz=")  # fmt: skip
    try:
        return Answer(text, Waveform.from_array(sound, sample_rate_hz=rate).to_wav())
    except AudioFault as fault:
        return Answer(text, status=fault.outcome, reason=fault.problem)
