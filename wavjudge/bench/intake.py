"""From a row to a case: recordings are looked at once, hashed, kept, and what is wrong with an answer is recorded.

A candidate's failure (no speech, a broken file, over length) becomes the status of its Response here, before any judge
is asked, and no judge ever is. A broken *question* recording is not the candidate's fault: it is a bad row.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from wavjudge import audio
from wavjudge.audio import AudioFault
from wavjudge.bench.stored import StoredRow
from wavjudge.bench.testset import Answers, Row, TestSet
from wavjudge.store import RunFolder
from wavjudge.types import AudioRef, Item, Message, Outcome, Response, Utterance

Keep = Literal["copy", "reference"]
Said = TypeVar("Said", bound=Utterance)

QUESTIONS_KEPT = 4096
"""References to question recordings held in memory, a kilobyte each."""


@dataclass(frozen=True, slots=True)
class Intake:
    """How rows are taken into a run folder.

    keep: `copy` puts each recording into the run folder once by content hash, `reference` leaves it where it is.
    max_seconds: an answer longer than this is the candidate's outcome `too_long`.
    """

    run: RunFolder
    keep: Keep = "copy"
    max_seconds: float = 600.0
    _questions: dict[tuple[object, ...], AudioRef] = field(default_factory=dict, init=False, repr=False)

    def take(self, testset: Answers, row: Row | StoredRow) -> tuple[Item, Response]:
        """The item and the response of a row. Raises `InputError` for a bad question recording."""
        return self._again(testset, row) if isinstance(row, StoredRow) else self._new(testset, row)

    def _again(self, source: Answers, row: StoredRow) -> tuple[Item, Response]:
        """Another run's records, their recordings kept here; outcomes stay as they were recorded there."""

        def kept(said: Said) -> Said:
            return said.model_copy(update={"audio": self._kept(source.root, said.audio)}) if said.audio else said

        item = row.item.model_copy(
            update={"turns": tuple(map(kept, row.item.turns)), "history": tuple(map(kept, row.item.history))}
        )
        return item, row.response.model_copy(update={"answers": tuple(map(kept, row.response.answers))})

    def _kept(self, root: Path, ref: AudioRef) -> AudioRef:
        path = root / ref.path
        if self.keep == "reference":
            return ref.model_copy(update={"path": str(path.resolve())})
        data = audio.known_bytes(path, ref.sha256)
        return ref.model_copy(update={"path": self.run.add_audio(data, ref.sha256, path.suffix)})

    def _new(self, testset: Answers, row: Row) -> tuple[Item, Response]:
        benchmark = row.benchmark or testset.benchmark
        item = Item(
            benchmark=benchmark, id=row.item_id, language=row.language, reference=row.reference, tags=row.tags,
            turns=(Utterance(text=row.question_text, audio=self._question(testset, row.question_audio)),),
            history=tuple(
                Message(role=m.role, text=m.text, audio=self._question(testset, m.audio)) for m in row.history
            ),
        )  # fmt: skip
        answer, status, reason = self._answer(testset, row)
        response = Response(
            benchmark=benchmark, item_id=row.item_id, candidate=row.candidate, attempt=row.attempt,
            answers=(answer,), status=status, reason=reason, tags=row.tags,
        )  # fmt: skip
        return item, response

    def unchanged(self, testset: Answers, row: Row | StoredRow, response: Response) -> bool:
        """Whether the row's recording is still the one that was taken in: compared by its bytes."""
        stored = response.answers[-1].audio if response.answers else None
        if row.audio is None or stored is None:
            return True
        path = testset.root / row.audio
        return not there(path) or hashlib.sha256(path.read_bytes()).hexdigest() == stored.sha256

    def _question(self, testset: Answers, name: str | None) -> AudioRef | None:
        """The candidates of an item share its question: looked at once, unless the file is written again."""
        if not name:
            return None
        path = testset.root / name
        key = (path, *_written(path))
        if key not in self._questions:
            if len(self._questions) == QUESTIONS_KEPT:
                self._questions.clear()
            self._questions[key] = self._ref(path)
        return self._questions[key]

    def _answer(self, testset: Answers, row: Row) -> tuple[Utterance, Outcome, str | None]:
        silent = Utterance(text=row.text)
        if row.audio is None:
            if row.text is None or not isinstance(testset, TestSet) or testset.speech:
                return silent, "no_speech", "the row names no recording"
            return silent, "ok", None
        path = testset.root / row.audio
        if not there(path):
            return silent, "no_speech", f"the recording {row.audio[:200]} is not there"
        try:
            return Utterance(text=row.text, audio=self._ref(path, self.max_seconds)), "ok", None
        except AudioFault as fault:
            return silent, fault.outcome, fault.problem

    def _ref(self, path: Path, max_seconds: float | None = None) -> AudioRef:
        data = audio.read_bytes(path)
        wave = audio.decode(data, where=str(path), max_seconds=max_seconds)
        sha256 = hashlib.sha256(data).hexdigest()
        kept = self.run.add_audio(data, sha256, path.suffix) if self.keep == "copy" else str(path.resolve())
        return audio.reference(Path(kept), wave, sha256)


def _written(path: Path) -> tuple[int, ...]:
    try:
        stat = path.stat()
    except (OSError, ValueError):  # reading it will say so
        return ()
    return stat.st_mtime_ns, stat.st_size


def there(path: Path) -> bool:
    """Whether there is such a file; False for a name that no file can have, such as base64 in the place of a path."""
    try:
        return path.is_file()
    except OSError:
        return False
