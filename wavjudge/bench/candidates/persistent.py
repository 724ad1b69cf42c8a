"""`command:...?persistent=true` - a program that loads its model once and then answers JSON lines.

For each question it reads one line on stdin, and writes one on stdout when the answer is there:

    {"id": 7, "question": "/path/question.wav", "answer": "/path/answer.wav", "conversation": "/path/conversation.json",
     "item_id": "...", "language": "en", "attempt": 0, "turn": 0, "before": [...], "question_text": null}
    {"id": 7, "text": "what was said"}            with the recording written to "answer"
    {"id": 7, "error": "out of memory"}           this answer failed; the program lives on

Other lines on stdout are passed over (libraries print there), the end of stderr is kept. A program that dies or does
not answer in time costs the answers it was working on; the next question starts it anew.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

from wavjudge.bench.candidates.base import Answer, Turn
from wavjudge.bench.candidates.command_words import never_began
from wavjudge.bench.candidates.process import (
    KEPT_STDERR_CHARS,
    CommandOptions,
    Desk,
    Program,
    ProgramCandidate,
    conversation,
    names_places,
    start,
)
from wavjudge.clients.spec import hide_secrets
from wavjudge.errors import SpecError
from wavjudge.speech.base import Lost


class PersistentCandidate(ProgramCandidate):
    """A program that is started once and asked by JSON lines, as many questions at a time as `workers` says."""

    def __init__(self, command: str, spec: str, options: CommandOptions) -> None:
        super().__init__(command, spec, options)
        if names_places(self._words):
            raise SpecError(f"got {command!r}, expected a persistent program without {{question}} or {{answer}}",
                            todo="their paths come in each JSON line on stdin")  # fmt: skip
        self._talk: _Talk | None = None
        self._starting = asyncio.Lock()
        self._count = 0

    async def aclose(self) -> None:
        if self._talk is not None:
            await self._talk.close()

    async def _asked(self, desk: Desk, turn: Turn) -> Answer | Lost:
        self._count += 1
        number = self._count  # others ask while this one waits for the program to start
        talk = await self._open()
        line = {"id": number, **_paths(desk, turn), **conversation(turn)}
        limit = self._options.timeout if talk.has_answered else max(self._options.startup, self._options.timeout)
        said = await talk.ask(line, limit)
        if isinstance(said, Answer | Lost):  # it died, or hangs and is not asked again
            await talk.close()
            return said
        return await _answer(said, desk, talk)

    async def _open(self) -> _Talk:
        async with self._starting:
            if self._talk is None or self._talk.is_over:
                self._talk = _Talk(await start(self._words, talks=True))
            return self._talk


def _paths(desk: Desk, turn: Turn) -> dict[str, str | None]:
    heard = str(desk.question) if turn.question.audio else None
    return {"question": heard, "answer": str(desk.answer), "conversation": str(desk.conversation)}


async def _answer(said: dict[str, Any], desk: Desk, talk: _Talk) -> Answer:
    if error := said.get("error"):
        return Answer(status="crashed", reason=f"it said: {hide_secrets(str(error))[:300]}", details=talk.details())
    text = said.get("text")
    recording = await asyncio.to_thread(desk.taken)
    return Answer(text if isinstance(text, str) and text.strip() else None, recording, details=talk.details())


class _Talk:
    """One life of the program: who waits for which answer, and what it printed besides."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._stderr = b""
        self.has_answered = False
        self.is_over = False
        self._readers = [asyncio.create_task(self._read_answers()), asyncio.create_task(self._read_errors())]
        self._watch = asyncio.create_task(self._watch_end())

    async def ask(self, line: dict[str, Any], limit_seconds: float) -> dict[str, Any] | Answer | Lost:
        """The program's line for this question, or the outcome if it ended or took too long.

        An answer that was under way when another one took too long says nothing about the candidate: it is lost.
        """
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[line["id"]] = future
        try:
            async with asyncio.timeout(limit_seconds):
                await self._send(line)
                return await future
        except TimeoutError:
            return Answer(status="timed_out", reason=f"no answer within {limit_seconds:g} s", details=self.details())
        except InterruptedError as end:
            return Lost(str(end))
        except EOFError as end:
            code, last = self._program.exit_code or 0, str(end).partition(": ")[2]
            if not self.has_answered and never_began(code, last):
                return Lost(str(end), for_good=True, of_setup=True, details=self.details())
            return Answer(status="crashed", reason=str(end), details=self.details())
        finally:
            self._waiting.pop(line["id"], None)

    async def _send(self, line: dict[str, Any]) -> None:
        assert self._program.stdin is not None
        if self.is_over:
            raise EOFError(await self._epitaph(*self._readers))
        try:
            self._program.stdin.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
            await self._program.stdin.drain()
        except ConnectionError as error:  # it died, or closed its stdin: either way it hears no more questions
            self.is_over = True
            raise EOFError(f"it reads no more questions; {await self._epitaph(*self._readers)}") from error

    async def _read_answers(self) -> None:
        assert self._program.stdout is not None
        while True:
            try:
                line = await self._program.stdout.readline()
            except ValueError:  # a line beyond the limit of the stream: thrown away, none of ours is so long
                continue
            if not line:
                break
            self._deliver(line)
        self.is_over = True
        said = await self._epitaph(self._readers[1])
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(EOFError(said))

    def _deliver(self, line: bytes) -> None:
        with suppress(ValueError, TypeError, OverflowError, RecursionError):  # no line of ours
            said = json.loads(line)
            future = self._waiting.get(int(said["id"])) if isinstance(said, dict) and "id" in said else None
            if future is not None and not future.done():
                self.has_answered = True
                future.set_result(said)

    async def _read_errors(self) -> None:
        assert self._program.stderr is not None
        while piece := await self._program.stderr.read(1 << 16):
            self._stderr = (self._stderr + piece)[-4 * KEPT_STDERR_CHARS :]

    async def _watch_end(self) -> None:
        """Once it has ended its pipes end too, whoever else may hold them: so those who wait hear of it."""
        await self._program.ended.wait()
        await self._program.kill(*self._readers)

    async def _epitaph(self, *reading: asyncio.Task[None]) -> str:
        """How it ended, with the last line it complained in. reading: what is let come to its end before."""
        await self._program.kill(*reading)  # it closed a pipe: whatever it still does, it answers no more
        lines = self._errors().strip().splitlines()
        return f"exit code {self._program.exit_code}: {lines[-1] if lines else 'nothing on stderr'}"

    def _errors(self) -> str:
        return hide_secrets(self._stderr.decode(errors="replace"))[-KEPT_STDERR_CHARS:]

    def details(self) -> dict[str, float | str | None]:
        """What is known of the program: the end of its stderr, the exit code once it ended."""
        code = self._program.exit_code
        return {"exit_code": None if code is None else float(code), "stderr": self._errors() or None}

    async def close(self) -> None:
        self.is_over = True
        await self._program.kill()
        tasks = (*self._readers, self._watch)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(InterruptedError("the program was ended because another answer took too long"))
