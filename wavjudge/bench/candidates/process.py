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
import shlex
import signal
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from wavjudge.bench.candidates.base import Answer, Lost, Turn
from wavjudge.clients.spec import hide_secrets
from wavjudge.errors import InputError, SpecError
from wavjudge.types import CandidateEntry

PLACES = ("question", "answer", "conversation")
MAX_TEXT_BYTES = 1 << 20
MAX_ANSWER_BYTES = 256 << 20
KEPT_STDERR_CHARS = 2000


class CommandOptions(BaseModel):
    """Options of `command:`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str | None = Field(None, description="what to call the candidate; default: the program and its script")
    timeout: float = Field(300.0, gt=0, description="seconds for one answer")
    workers: int = Field(1, ge=1, description="questions at once")
    persistent: bool = Field(False, description="start once and speak JSON lines (docs/candidates.md)")
    startup: float = Field(600.0, gt=0, description="seconds for the first answer of a persistent program")
    rate: int | None = Field(None, gt=0, description="sample rate of the question in Hz; default: as recorded")
    speech: bool = Field(True, description="false: the program answers in text by design")


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
        if not self.answer.is_file():
            return None
        with self.answer.open("rb") as file:
            return file.read(MAX_ANSWER_BYTES)


def conversation(turn: Turn) -> dict[str, object]:
    """What a program may know of a conversation. Never the reference, and the question's text only if nothing is said.

    A model that reads the words of a spoken question is not tested on hearing them.
    """
    before = [
        {"role": said.role, "text": said.text, "audio": str(turn.path(said.audio)) if said.audio else None}
        for said in turn.before
    ]
    asked = turn.question
    return {
        "item_id": turn.item.id, "language": turn.item.language, "attempt": turn.attempt, "turn": turn.number,
        "before": before, "question_text": None if asked.audio else asked.text,
    }  # fmt: skip


class CommandCandidate:
    """A program that is started once a question."""

    def __init__(self, command: str, spec: str, options: CommandOptions) -> None:
        self._words = words_of(command)
        self._options, self._spec = options, spec
        self.name = options.name or name_of(self._words)
        self.concurrency, self.speech = options.workers, options.speech

    def entry(self) -> CandidateEntry:
        return CandidateEntry(spec=self._spec, candidate=self.name)

    async def aclose(self) -> None:
        """Nothing stays open between two questions."""

    async def answer(self, turn: Turn) -> Answer | Lost:
        with tempfile.TemporaryDirectory(prefix="wavjudge-", ignore_cleanup_errors=True) as folder:
            desk = Desk(Path(folder))
            try:
                await asyncio.to_thread(desk.lay, turn, self._options.rate)
            except InputError as error:
                return Lost(str(error))
            return await self._run(desk)

    async def _run(self, desk: Desk) -> Answer:
        process = await start(self._filled(desk))
        reading = asyncio.gather(read_head(process.stdout, MAX_TEXT_BYTES), read_tail(process.stderr), process.wait())
        try:
            async with asyncio.timeout(self._options.timeout):
                (printed, cut), errors, code = await reading
        except TimeoutError:
            reading.cancel()
            return Answer(status="timed_out", reason=f"no answer within {self._options.timeout:g} s")
        finally:
            await kill(process)
        details: dict[str, float | str | None] = {"exit_code": float(code), "stderr": errors or None}
        if cut:
            details["stdout_cut"] = f"more than {MAX_TEXT_BYTES} bytes; the rest was not kept"
        if code:
            said = errors.strip().splitlines()[-1] if errors.strip() else "nothing on stderr"
            return Answer(status="crashed", reason=f"exit code {code}: {said}", details=details)
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


def words_of(command: str) -> tuple[str, ...]:
    """The words of a command, by the quoting rules of a shell."""
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise SpecError(f"got the command {command!r}, which does not split into words ({error})") from error
    if not words:
        raise SpecError("got a command without a word", todo="write command:python my_model.py")
    return words


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


async def start(words: Sequence[str], *, talks: bool = False) -> asyncio.subprocess.Process:
    """Start a program in a process group of its own, with a stdin if it `talks`. Raises `SpecError` if it cannot be."""
    try:
        return await asyncio.create_subprocess_exec(
            *words, stdin=asyncio.subprocess.PIPE if talks else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, start_new_session=True,
            limit=MAX_TEXT_BYTES,
        )  # fmt: skip
    except OSError as error:
        raise SpecError(f"got the program {words[0]!r}, which cannot be started ({error.strerror})",
                        todo="check its name and that it may be executed") from error  # fmt: skip


async def kill(process: asyncio.subprocess.Process) -> None:
    """End a program with all that it started, and wait until it is gone."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


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
