"""A program of another hand: started in a group of its own, read with bounds, ended with all that it started."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from wavjudge.clients.spec import hide_secrets
from wavjudge.errors import CandidateDownError

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
