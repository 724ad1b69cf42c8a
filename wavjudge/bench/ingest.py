"""From a row to a case: recordings are looked at once, hashed, kept, and what is wrong with an answer is recorded.

A candidate's failure (no speech, a broken file, over length) becomes the status of its Response here, before any judge
is asked, and no judge ever is. A broken *question* recording is not the candidate's fault: it is a bad row. A recording
that a row names and that is not there is a fault of the input: nothing is recorded, and the same command looks again.
A file of zero bytes is there: whoever answered wrote nothing, and that is `no_speech`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from wavjudge import audio
from wavjudge.audio import AudioFault
from wavjudge.bench.answers import Answers, TestSet
from wavjudge.bench.paths import found, located
from wavjudge.bench.rows import ItemRow, Row, SaidRow
from wavjudge.errors import InputError, MissingRecordingError
from wavjudge.judges.base import refuse_outside
from wavjudge.store.answers import StoredRow
from wavjudge.store.run_folder import RunFolder
from wavjudge.types import AudioRef, Item, Message, Outcome, Response, Utterance

Keep = Literal["copy", "reference"]
Said = TypeVar("Said", bound=Utterance)

HINTS = 20
"""How many missing recordings get the nearest name: a folder of a hundred thousand is searched for it."""
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
    remarks: dict[str, None] = field(default_factory=dict, init=False, repr=False)
    """Recordings that were found under another spelling than the row's, each said once."""
    _questions: dict[tuple[object, ...], AudioRef] = field(default_factory=dict, init=False, repr=False)
    _missing: list[None] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.max_seconds > 0:  # NaN too
            raise InputError(f"got max_answer_seconds={self.max_seconds}, expected a positive number of seconds")

    def take(self, testset: Answers, row: Row | StoredRow) -> tuple[Item, Response]:
        """The item and the response of a row. Raises `InputError` for a bad question recording, and
        `MissingRecordingError` for any that is not there."""
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
        path = self._path(root, ref.path, "audio")
        if self.keep == "reference":  # the user's word that the run's references are to be followed
            return ref.model_copy(update={"path": str(path.resolve())})
        refuse_outside(path, root)
        data = audio.known_bytes(path, ref.sha256)
        return ref.model_copy(update={"path": self.run.add_audio(data, ref.sha256, path.suffix)})

    def item(self, row: ItemRow, *, benchmark: str, root: Path) -> Item:
        """The item of a row, its recordings looked at and kept. Raises `InputError` for one that does not open."""
        asked = "turns" if row.turns else "question_audio"
        return Item(
            benchmark=row.benchmark or benchmark, id=row.item_id, language=row.language, reference=row.reference,
            checks=row.checks, tags=row.tags,
            turns=tuple(
                Utterance(text=one.text, audio=self._question(root, one.audio, asked)) for one in row.asked()
            ),
            history=tuple(
                Message(role=m.role, text=m.text, audio=self._question(root, m.audio, "history")) for m in row.history
            ),
        )  # fmt: skip

    def _new(self, testset: Answers, row: Row) -> tuple[Item, Response]:
        item = self.item(row, benchmark=testset.benchmark, root=testset.root)
        answers, status, reason = self._answers(testset, row)
        response = Response(
            benchmark=item.benchmark, item_id=row.item_id, candidate=row.candidate, attempt=row.attempt,
            answers=answers, status=status, reason=reason, seconds_taken=row.seconds_taken, tags=row.tags,
        )  # fmt: skip
        return item, response

    def unchanged(self, testset: Answers, row: Row | StoredRow, response: Response) -> bool:
        """Whether the row's recordings are still those that were taken in: compared by their bytes."""
        if self.keep != "reference":
            for ref in (answer.audio for answer in response.answers):
                if ref is not None:
                    refuse_outside(self.run.path / ref.path, self.run.path)
        stored = [answer.audio for answer in response.answers]
        pairs = zip(row.recordings, stored, strict=False)  # of a failed answer, less may be there than was named
        return all(_still(found(testset.root, name), ref) for name, ref in pairs if name and ref)

    def _question(self, root: Path, name: str | None, field: str) -> AudioRef | None:
        """The candidates of an item share its question: looked at once, unless the file is written again.

        field: of the row, named where the recording does not open.
        """
        if not name:
            return None
        path = self._path(root, name, field)
        key = (path, *_written(path))
        if key not in self._questions:
            if len(self._questions) == QUESTIONS_KEPT:
                self._questions.clear()
            try:
                self._questions[key] = self._ref(path)
            except InputError as error:
                error.where = f'field "{field}": {error.where}'
                raise
        return self._questions[key]

    def _answers(self, testset: Answers, row: Row) -> tuple[tuple[Utterance, ...], Outcome, str | None]:
        """What was said, turn by turn, and the first thing that is wrong with it."""
        answers: list[Utterance] = []
        status, reason = row.status, row.reason
        for said in row.said():
            answer, outcome, problem = self._answer(testset, row, said)
            answers.append(answer)
            if status == "ok":
                status, reason = outcome, problem
        return tuple(answers), status, reason

    def _answer(self, testset: Answers, row: Row, said: SaidRow) -> tuple[Utterance, Outcome, str | None]:
        silent = Utterance(text=said.text)
        if said.audio is None:
            if said.text is None or not isinstance(testset, TestSet) or testset.speech:
                return silent, "no_speech", "the row names no recording"
            return silent, "ok", None
        try:
            path = self._path(testset.root, said.audio, "answers" if row.answers else "audio")
            return Utterance(text=said.text, audio=self._ref(path, self.max_seconds)), "ok", None
        except audio.UnreadFormat:
            raise  # the recording may be good: it is a bad row, not a broken answer
        except AudioFault as fault:
            return silent, fault.outcome, fault.problem
        except MissingRecordingError as missing:
            if row.status == "ok":
                raise
            return silent, row.status, missing.problem  # the row says itself that the answer failed

    def _path(self, root: Path, name: str, field: str) -> Path:
        """Where a recording lies. The nearest name of one that is not there is looked for a few times only."""
        try:
            path, remark = located(root, name, hint=len(self._missing) < HINTS)
        except MissingRecordingError as error:
            self._missing.append(None)
            error.where = f'field "{field}"'
            raise
        if remark:
            self.remarks[remark] = None
        return path

    def answer(self, text: str | None, sound: bytes | None) -> tuple[Utterance, Outcome, str | None]:
        """What a candidate just said, as it is kept: its recording is copied always, for it lies nowhere else."""
        if sound is None:
            return Utterance(text=text), "no_speech", "the candidate gave no recording"
        sha256 = hashlib.sha256(sound).hexdigest()
        kept = self.run.add_audio(sound, sha256, audio.suffix_of(sound))
        try:
            wave = audio.decode(sound, where="the answer", max_seconds=self.max_seconds)
        except AudioFault as fault:
            return Utterance(text=text), fault.outcome, f"{fault.problem} ({kept})"
        return Utterance(text=text, audio=audio.reference(Path(kept), wave, sha256)), "ok", None

    def _ref(self, path: Path, max_seconds: float | None = None) -> AudioRef:
        data = audio.read_bytes(path)
        wave = audio.decode(data, where=str(path), max_seconds=max_seconds)
        sha256 = hashlib.sha256(data).hexdigest()
        kept = self.run.add_audio(data, sha256, path.suffix) if self.keep == "copy" else str(path.resolve())
        return audio.reference(Path(kept), wave, sha256)


def _still(path: Path | None, ref: AudioRef) -> bool:
    return path is None or hashlib.sha256(audio.read_bytes(path)).hexdigest() == ref.sha256


def _written(path: Path) -> tuple[int, ...]:
    try:
        stat = path.stat()
    except (OSError, ValueError):  # reading it will say so
        return ()
    return stat.st_mtime_ns, stat.st_size
