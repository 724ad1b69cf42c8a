"""`command:` - any program is a candidate: started once a question, or once for all (see persistent.py).

The program finds the question as a WAV file and writes its answer to another one; what it prints on stdout is the
answer's text. In the command these stand for paths, and are appended in this order where none of them is named:

    {question}      the user's recording, mono 16-bit WAV
    {answer}        where the answer's recording is to be written
    {conversation}  a JSON file: language, attempt, turn, the messages before, the question's text if it has no audio

No shell reads the command. A program that fails, never ends or prints without end harms its own answer only.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from wavjudge.bench.candidates.base import Answer, LocalOptions, Turn
from wavjudge.bench.candidates.command_words import PLACES, never_began, words_of
from wavjudge.clients.spec import hide_secrets
from wavjudge.errors import CandidateDownError, InputError
from wavjudge.speech.base import Lost
from wavjudge.types import CandidateEntry

# A program of another hand: started in a group of its own, read with bounds, ended with all that it started.

MAX_TEXT_BYTES = 1 << 20
KEPT_STDERR_CHARS = 2000
DRAIN_SECONDS = 1.0
"""How long the pipes of a program that ended are read on, where something it left behind holds them open."""


class _Pipes(asyncio.subprocess.SubprocessStreamProtocol):
    """Says when the program itself has ended; `Process.wait` waits for all who hold its pipes, daemons too."""

    def __init__(self) -> None:
        super().__init__(limit=MAX_TEXT_BYTES, loop=asyncio.get_running_loop())
        self.ended = asyncio.Event()

    def process_exited(self) -> None:
        super().process_exited()
        self.ended.set()


@dataclass(frozen=True, slots=True)
class Program:
    """A program that was started."""

    _transport: asyncio.SubprocessTransport
    _pipes: _Pipes

    @property
    def stdin(self) -> asyncio.StreamWriter | None:
        return self._pipes.stdin

    @property
    def stdout(self) -> asyncio.StreamReader | None:
        return self._pipes.stdout

    @property
    def stderr(self) -> asyncio.StreamReader | None:
        return self._pipes.stderr

    @property
    def ended(self) -> asyncio.Event:
        return self._pipes.ended

    @property
    def exit_code(self) -> int | None:
        """None while it runs; the negative number of the signal that ended it."""
        return self._transport.get_returncode()

    async def ends_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.ended.wait()
        return self.ended.is_set()

    async def kill(self, *reading: asyncio.Future[Any]) -> None:
        """End it with all that it started; what it said before is read to the end by `reading`.

        What has left its process group lives on, and may hold its pipes open: they are closed all the same.
        """
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._transport.get_pid(), signal.SIGKILL)
        await self.ended.wait()
        if reading:
            await asyncio.wait(reading, timeout=DRAIN_SECONDS)
        self._transport.close()


async def start(words: Sequence[str], *, talks: bool = False) -> Program:
    """Start a program in a process group of its own, with a stdin if it `talks`.

    Raises `CandidateDownError` if it cannot be: the system's reason may be gone when the same command goes on.
    """
    try:
        return Program(*await asyncio.get_running_loop().subprocess_exec(
            _Pipes, *words, stdin=asyncio.subprocess.PIPE if talks else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, start_new_session=True,
        ))  # fmt: skip
    except OSError as error:
        raise CandidateDownError(f"the program {words[0]!r} cannot be started ({error.strerror})",
                                 todo="mend that, then run the same command") from error  # fmt: skip


async def read_head(stream: asyncio.StreamReader | None, limit: int) -> tuple[str, bool]:
    """The first `limit` bytes as text, and whether there was more; the rest is read and thrown away."""
    kept, cut = bytearray(), False
    while stream is not None and (piece := await stream.read(1 << 16)):
        cut = cut or len(kept) + len(piece) > limit
        kept += piece[: limit - len(kept)]
    return kept.decode(errors="replace"), cut


async def read_tail(stream: asyncio.StreamReader | None) -> str:
    """The last `KEPT_STDERR_CHARS` characters, without what looks like a key."""
    kept = b""
    while stream is not None and (piece := await stream.read(1 << 16)):
        kept = (kept + piece)[-4 * KEPT_STDERR_CHARS :]
    return hide_secrets(kept.decode(errors="replace"))[-KEPT_STDERR_CHARS:]


MAX_ANSWER_BYTES = 256 << 20


class CommandOptions(LocalOptions):
    """Options of `command:`."""

    persistent: bool = Field(False, description="start once and speak JSON lines (docs/candidates.md)")
    startup: float = Field(600.0, gt=0, description="seconds for the first answer of a persistent program")
    rate: int | None = Field(None, gt=0, description="sample rate of the question in Hz; default: as recorded")


@dataclass(frozen=True, slots=True)
class Desk:
    """The files of one question: where they lie while the program works on it."""

    folder: Path

    @property
    def question(self) -> Path:
        return self.folder / "question.wav"

    @property
    def answer(self) -> Path:
        return self.folder / "answer.wav"

    @property
    def conversation(self) -> Path:
        return self.folder / "conversation.json"

    def lay(self, turn: Turn, rate: int | None) -> None:
        """Write the files of a question. Raises `InputError` where a recording has changed or vanished."""
        if turn.question.audio is not None:
            self.question.write_bytes(turn.wav(turn.question.audio, rate))
        self.conversation.write_text(json.dumps(conversation(turn), ensure_ascii=False), encoding="utf-8")

    def taken(self) -> bytes | None:
        """The recording that the program wrote; None if there is none. Not more than could ever be speech."""
        with suppress(OSError):  # gone again, or written for nobody to read
            if self.answer.is_file():  # neither a device nor a pipe, which would never end
                with self.answer.open("rb") as file:
                    return file.read(MAX_ANSWER_BYTES)
        return None


def conversation(turn: Turn) -> dict[str, object]:
    """What a program may know of a conversation. Never the reference, and a user's text only if nothing is said.

    A model that reads the words of a spoken question is not tested on hearing them.
    """
    before = [
        {"role": said.role, "text": None if said.role == "user" and said.audio else said.text,
         "audio": str(turn.path(said.audio)) if said.audio else None}
        for said in turn.before
    ]  # fmt: skip
    asked = turn.question
    return {
        "item_id": turn.item.id, "language": turn.item.language, "attempt": turn.attempt, "turn": turn.number,
        "before": before, "question_text": None if asked.audio else asked.text,
    }  # fmt: skip


class ProgramCandidate(ABC):
    """A program that finds the files of each question on a desk of its own."""

    def __init__(self, command: str, spec: str, options: CommandOptions) -> None:
        self._words = words_of(command)
        self._options, self._spec = options, spec
        self.name = options.name or name_of(self._words)
        self.concurrency, self.speech = options.workers, options.speech

    def entry(self) -> CandidateEntry:
        return CandidateEntry(spec=self._spec, candidate=self.name)

    async def answer(self, turn: Turn) -> Answer | Lost:
        with tempfile.TemporaryDirectory(prefix="wavjudge-", ignore_cleanup_errors=True) as folder:
            desk = Desk(Path(folder))
            try:
                await asyncio.to_thread(desk.lay, turn, self._options.rate)
            except InputError as error:
                return Lost(str(error))
            return await self._asked(desk, turn)

    @abstractmethod
    async def _asked(self, desk: Desk, turn: Turn) -> Answer | Lost:
        """What the program makes of the question that lies on the desk."""


class CommandCandidate(ProgramCandidate):
    """A program that is started once a question."""

    async def aclose(self) -> None:
        """Nothing stays open between two questions."""

    async def _asked(self, desk: Desk, turn: Turn) -> Answer | Lost:
        program = await start(self._filled(desk))
        reading = asyncio.gather(read_head(program.stdout, MAX_TEXT_BYTES), read_tail(program.stderr))
        try:
            in_time = await program.ends_within(self._options.timeout)
        finally:
            await program.kill(reading)
        (printed, cut), errors = await reading
        details: dict[str, float | str | None] = {"stderr": errors or None}
        if cut:
            details["stdout_cut"] = f"more than {MAX_TEXT_BYTES} bytes; the rest was not kept"
        if not in_time:
            return Answer(status="timed_out", reason=f"no answer within {self._options.timeout:g} s", details=details)
        details["exit_code"] = code = float(program.exit_code or 0)
        if code:
            said = errors.strip().splitlines()[-1] if errors.strip() else "nothing on stderr"
            reason = f"exit code {code:g}: {said}"
            if never_began(int(code), said):  # of one that never answered the command is wrong, and no answer bad
                return Lost(reason, for_good=True, of_setup=True, details=details)
            return Answer(status="crashed", reason=reason, details=details)
        recording = await asyncio.to_thread(desk.taken)
        return Answer(printed.strip() or None, recording, details=details)

    def _filled(self, desk: Desk) -> list[str]:
        places = {f"{{{name}}}": str(getattr(desk, name)) for name in PLACES}
        words = self._words if names_places(self._words) else (*self._words, *places)
        return [_filled(word, places) for word in words]


def _filled(word: str, places: dict[str, str]) -> str:
    for place, path in places.items():
        word = word.replace(place, path)
    return word


def names_places(words: tuple[str, ...]) -> bool:
    return any(f"{{{name}}}" in word for word in words for name in PLACES)


def name_of(words: tuple[str, ...]) -> str:
    """The program, and the script that an interpreter runs.

    >>> name_of(("python3", "-u", "models/answer.py", "--big"))
    'answer'
    """
    first = Path(words[0]).stem
    script = next((Path(word).stem for word in words[1:] if Path(word).suffix in (".py", ".sh", ".pl", ".js")), None)
    return script or first
