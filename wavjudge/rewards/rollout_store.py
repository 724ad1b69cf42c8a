"""Where rollouts lie while they are judged, and what is kept of them: a run folder, or a scratch folder that goes.

A judge reads recordings from files it knows by their hash. So each recording is written once under its hash, and let
go when nobody needs it: at once without a log; with one, the oldest go when the recordings outgrow their allowance.
The records (answers, rewards, ratings, hashes) stay.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ParamSpec, TypeVar

from wavjudge.audio import AudioFault
from wavjudge.bench.ingest import Intake
from wavjudge.bench.manifest import closed, opened
from wavjudge.bench.run import keep_prompts
from wavjudge.errors import InputError
from wavjudge.judges.base import Case, Judge
from wavjudge.rewards.combine import Reward
from wavjudge.rewards.item import RewardItem, as_file
from wavjudge.store.run_folder import RunFolder
from wavjudge.types import Item, Outcome, Rating, Response, Utterance

MEBIBYTE = 2**20

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Taken:
    """A rollout with its records. measured: whether its sound was looked at and is silence."""

    case: Case
    used: tuple[str, ...]
    measured_silence: bool = False

    @property
    def response(self) -> Response:
        return self.case.response


class Spool:
    """Takes rollouts in, one at a time, in a thread of its own; belongs to one event loop.

    log: run folder that keeps the records, None for none. max_mebibytes: of recordings kept there.
    speech: an answer without a recording is the candidate's failure; False where answers are text by design.
    """

    def __init__(
        self, log: Path | None, *, benchmark: str, candidate: str, max_answer_seconds: float, max_mebibytes: float,
        speech: bool,
    ) -> None:  # fmt: skip
        self._process, self._thread = os.getpid(), ThreadPoolExecutor(1, "wavjudge-spool")
        self._open = ExitStack()
        scratch = None if log else self._open.enter_context(TemporaryDirectory(prefix="wavjudge-rewards-"))
        self.folder = self._open.enter_context(RunFolder(log or Path(scratch or ""), write=True))
        self._logged, self._benchmark, self._candidate, self._speech = log is not None, benchmark, candidate, speech
        self._intake = Intake(self.folder, "copy", max_answer_seconds)
        self._allowed = max_mebibytes * MEBIBYTE if log else 0.0
        self._kept = _recordings(self.folder.path)
        self._in_use = Counter[str]()
        self._asked = {item.id: _digest(item) for item in self.folder.items() if item.benchmark == benchmark}
        self._attempts = Counter(r.item_id for r in self.folder.responses() if r.candidate == candidate)

    def begin(self, judges: Sequence[Judge], *, repeats: int, notes: Sequence[str]) -> None:
        """Write the manifest of a logged run; notes say how ratings become rewards."""
        if self._logged:
            keep_prompts(self.folder, judges)
            self.folder.write_manifest(opened(self.folder, source=None, judges=judges, repeats=repeats, notes=notes))

    def earlier(self) -> Iterator[Rating]:
        """The ratings of the trace that is gone on with."""
        return self.folder.ratings() if self._logged else iter(())

    async def take(self, item: RewardItem) -> Taken:
        """The records of a rollout, not yet entered. `InputError` for a question that does not open."""
        return await self._in_thread(self._take, item)

    async def enter(self, taken: Sequence[Taken]) -> list[Taken]:
        """Enter the rollouts of one request, all or none; what is refused leaves nothing behind.

        `InputError` for another question under a known id.
        """
        return await self._in_thread(self._enter, taken)

    async def keep(self, taken: Taken, reward: Reward, ratings: Sequence[Rating]) -> None:
        """Log what came of a rollout, and let its recordings go."""
        if self._logged:
            told = {"reward": reward.score, "reward_status": reward.status, "reward_reason": reward.reason}
            details = {**taken.response.details, **told}
            await self.folder.log("responses").append(taken.response.model_copy(update={"details": details}))
            await self.folder.log("ratings").append(*ratings)
        await self._in_thread(self._release, taken)

    async def give_up(self, taken: Taken) -> None:
        """Let the recordings go of a rollout that came to nothing."""
        await self._in_thread(self._release, taken)

    async def drain(self) -> None:
        await self.folder.drain()

    def close(self) -> None:
        """Finish the manifest and let go of the folder."""
        if os.getpid() != self._process:
            return  # a forked copy: the folder is its parent's
        self._thread.shutdown(wait=True)
        if self._logged and (manifest := self.folder.manifest) is not None:
            self.folder.write_manifest(closed(self.folder, manifest))
        self._open.close()

    async def _in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(*args, **kwargs))

    def _take(self, given: RewardItem) -> Taken:
        question, asked = self._question(given)
        answer, status, reason, measured = self._answer(given)
        item = Item(benchmark=self._benchmark, id=given.named(asked), turns=(question,), language=given.language,
                    reference=given.reference)  # fmt: skip
        response = Response(
            benchmark=self._benchmark, item_id=item.id, candidate=self._candidate,
            answers=(answer,), status=status, reason=reason, details=dict(given.details),
        )  # fmt: skip
        used = tuple(said.audio.path for said in (question, answer) if said.audio)
        self._in_use.update(used)
        return Taken(Case(item, response, self.folder.path), used, measured)

    def _question(self, given: RewardItem) -> tuple[Utterance, bytes | None]:
        if given.question_audio is None:
            return Utterance(text=given.question_text), None
        where = f"the question of item {given.id or given.question_text or ''!r}"
        data = as_file(given.question_audio, where=where)
        said, status, reason = self._stored(given.question_text, data)
        if status != "ok":
            raise InputError(f"got a question's recording that cannot be used: {reason}", where=where)
        return said, data

    def _answer(self, given: RewardItem) -> tuple[Utterance, Outcome, str | None, bool]:
        """What was said, what became of it, why, and whether it is silence that was measured."""
        silent = Utterance(text=given.answer_text)
        if given.crashed is not None:
            return silent, "crashed", given.crashed, False
        if given.answer_audio is None:
            if given.answer_text is not None and not self._speech:
                return silent, "ok", None, False
            return silent, "no_speech", "the candidate gave no recording", False
        try:
            data = as_file(given.answer_audio, where="the answer")
        except AudioFault as fault:
            return silent, fault.outcome, fault.problem, fault.outcome == "no_speech"
        except InputError as error:
            if not isinstance(given.answer_audio, Path):
                raise
            return silent, "no_speech", str(error), False
        said, status, reason = self._stored(given.answer_text, data)
        return said, status, reason, status == "no_speech"

    def _stored(self, text: str | None, data: bytes) -> tuple[Utterance, Outcome, str | None]:
        said, status, reason = self._intake.answer(text, data)
        if said.audio is not None:
            self._kept[said.audio.path] = len(data)
            self._kept.move_to_end(said.audio.path)
        return said, status, reason

    def _enter(self, taken: Sequence[Taken]) -> list[Taken]:
        self._asked.update(self._agreed(one.case.item for one in taken))
        return [self._numbered(one) for one in taken]

    def _agreed(self, items: Iterable[Item]) -> dict[str, str]:
        """What each item asks, by id; `InputError` where an id has a question already, here or before."""
        asked: dict[str, str] = {}
        for item in items:
            digest = _digest(item)
            if asked.setdefault(item.id, self._asked.get(item.id, digest)) != digest:
                raise InputError(f"item {item.id!r} has another question or reference than before",
                                 todo="give each prompt an id of its own")  # fmt: skip
        return asked

    def _numbered(self, taken: Taken) -> Taken:
        """The same as the next attempt at its item, which is logged at the first one."""
        item, attempt = taken.case.item, self._attempts[taken.case.item.id]
        if self._logged and not attempt:
            self.folder.log("items").append_now(item)
        self._attempts[item.id] += 1
        response = taken.response.model_copy(update={"attempt": attempt})
        return replace(taken, case=replace(taken.case, response=response))

    def _release(self, taken: Taken) -> None:
        """The oldest recordings go that nobody uses, until the rest fits."""
        self._in_use.subtract(taken.used)
        over = sum(self._kept.values()) - self._allowed
        for path in [path for path in self._kept if not self._in_use[path]] if over > 0 else []:
            if over <= 0:
                break
            (self.folder.path / path).unlink(missing_ok=True)
            over -= self._kept.pop(path)


def _digest(item: Item) -> str:
    """Of what was asked: the path of a recording is that of its hash."""
    return hashlib.sha256(item.model_dump_json(exclude={"language", "tags"}).encode()).hexdigest()


def _recordings(run: Path) -> OrderedDict[str, int]:
    """The recordings of a run folder with their sizes in bytes, the oldest first."""
    files = sorted(run.glob("audio/*/*"), key=lambda file: file.stat().st_mtime)
    return OrderedDict((file.relative_to(run).as_posix(), file.stat().st_size) for file in files)
