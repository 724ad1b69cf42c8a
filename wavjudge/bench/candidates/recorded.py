"""`recorded:PATH` - stored answers are a candidate: a table, a folder of recordings, a run folder.

An item without a stored answer is `no_speech`: to leave out a hard question must not help. Which outcomes were
recorded there (crashed, timed out) stays recorded.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from wavjudge import audio
from wavjudge.bench.answers import Answers, open_testset
from wavjudge.bench.candidates.base import Answer, Turn
from wavjudge.bench.paths import located
from wavjudge.errors import InputError, MissingRecordingError, SpecError
from wavjudge.files.safe import inside
from wavjudge.speech.base import Lost
from wavjudge.store.answers import StoredRow, StoredSet
from wavjudge.types import CandidateEntry, Outcome


class RecordedOptions(BaseModel):
    """Options of `recorded:`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    candidate: str | None = Field(None, description="whose answers, where the source holds those of several")
    name: str | None = Field(None, description="what to call the candidate; default: as in the source")
    speech: bool = Field(True, description="false: the answers are text by design")


class RecordedCandidate:
    """Answers by (item, attempt), looked up; nothing is computed."""

    concurrency = 4

    def __init__(self, path: str, spec: str, options: RecordedOptions) -> None:
        self._answers = open_testset(Path(path))
        self._spec, self.speech = spec, options.speech
        self._places, whose = _index(self._answers, options.candidate)
        if len(whose) != 1:
            raise SpecError(f"got answers of {sorted(whose)} in {path}, expected those of one candidate",
                            todo=f"name it: recorded:{path}?candidate=NAME")  # fmt: skip
        self.name = options.name or next(iter(whose))

    def entry(self) -> CandidateEntry:
        return CandidateEntry(spec=self._spec, candidate=self.name)

    async def aclose(self) -> None:
        """Nothing is open."""

    async def answer(self, turn: Turn) -> Answer | Lost:
        found = self._places.get((turn.item.id, turn.attempt))
        if found is None or turn.number >= len(found.said):
            return Answer(status="no_speech", reason="there is no stored answer to this turn", timed=False)
        is_last = turn.number == len(found.said) - 1
        text, name = found.said[turn.number]
        seconds = found.seconds if is_last else 0.0  # it stands there for the whole conversation
        if found.status != "ok" and is_last:
            reason = found.reason or "as it was recorded"
            return Answer(text, status=found.status, reason=reason, seconds=seconds, timed=False)
        if name is None:
            return Answer(text, seconds=seconds, timed=False)
        if isinstance(self._answers, StoredSet) and not inside(self._answers.root / name, self._answers.root):
            return Lost(f"the recording {name[:200]} lies outside the run folder, and is not opened")
        return await asyncio.to_thread(self._stored, text, name, seconds)

    def _stored(self, text: str | None, name: str, seconds: float | None) -> Answer | Lost:
        """The answer with its recording; one that is not there is a fault of the stored table, and asked for again."""
        try:
            path, _ = located(self._answers.root, name)
            return Answer(text, audio.read_bytes(path), seconds=seconds, timed=False)
        except audio.AudioFault as fault:
            return Answer(text, status=fault.outcome, reason=fault.problem, seconds=seconds, timed=False)
        except MissingRecordingError as missing:
            return Lost(f"{self._answers.path}: {missing.problem}")
        except InputError as error:
            return Lost(f"{error.where}: {error.problem}")


class _Found:
    """One stored answer: what was said turn by turn (text, recording), and what became of it."""

    __slots__ = ("reason", "said", "seconds", "status")

    def __init__(
        self, said: tuple[tuple[str | None, str | None], ...], status: Outcome, reason: str | None,
        seconds: float | None,
    ) -> None:  # fmt: skip
        self.said, self.status, self.reason, self.seconds = said, status, reason, seconds


def _index(answers: Answers, candidate: str | None) -> tuple[dict[tuple[str, int], _Found], set[str]]:
    found: dict[tuple[str, int], _Found] = {}
    whose: set[str] = set()
    for _, row in answers:
        if candidate is None or row.candidate == candidate:
            whose.add(row.candidate)
            found[row.item_id, row.attempt] = _of(row)
    if answers.bad_rows:
        raise InputError(f"got {len(answers.bad_rows)} rows that cannot be used, the first: {answers.bad_rows[0]}",
                         todo="mend them: an answer left out here would count as no speech")  # fmt: skip
    return found, whose


def _of(row: object) -> _Found:
    if isinstance(row, StoredRow):
        response = row.response
        said = tuple((a.text, a.audio.path if a.audio else None) for a in response.answers)
        return _Found(said, response.status, response.reason, response.seconds_taken)
    from wavjudge.bench.rows import Row

    assert isinstance(row, Row)
    return _Found(tuple((s.text, s.audio) for s in row.said()), row.status, row.reason, row.seconds_taken)
