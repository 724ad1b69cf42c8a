"""What a training reads: prompts to answer, demonstrations to hold on to; checked before any time is lost.

A model brings a `Speaker`: how its rows become ids, and its ids words and sound. Everything is made ids once, at the
start; a row that cannot be used is named then, not at step 900. Demonstrations come in an order that depends on seed
and step alone, so a resumed training needs no memory of what it has read.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from torch import Tensor

from wavjudge import audio
from wavjudge.errors import InputError
from wavjudge.files.tables import filled, raw_rows
from wavjudge.rewards.item import RewardItem
from wavjudge.store.run_folder import first_problem
from wavjudge.training.audio import Codec
from wavjudge.training.masks import Masks, Rule, Tokens, answer_mask, masks
from wavjudge.training.vocabulary import SpeechTokenizer, Vocabulary
from wavjudge.types import Record

__all__ = [
    "Batch",
    "Demonstrations",
    "Example",
    "Pair",
    "Row",
    "Speaker",
    "as_ids",
    "check",
    "checked",
    "collated",
    "examples",
    "notes",
    "read",
    "rows",
]


class Row(Record):
    """One row of a data file (JSONL, CSV, Parquet). Paths of recordings are relative to the file.

    question_text, question_audio: what is asked, at least one. target_text, target_audio: the demonstration.
    prompt_ids, target_ids: the same as token ids, where somebody made them already; both are taken as they are.
    """

    id: str = ""
    question_text: str | None = None
    question_audio: str | None = None
    target_text: str | None = None
    target_audio: str | None = None
    language: str | None = None
    reference: str | None = None
    prompt_ids: tuple[int, ...] | None = None
    target_ids: tuple[int, ...] | None = None


class Speaker(SpeechTokenizer, Protocol):
    """A model that can be trained and heard: what somebody writes once for a checkpoint (docs/training.md)."""

    @property
    def tokenizer(self) -> Any:
        """A transformers tokenizer; TRL wants one for its padding and its end."""

    @property
    def codec(self) -> Codec | None:
        """How many speech ids are a second, to check the rate of the decoder; None leaves it unchecked."""

    def model(self) -> Any:
        """The policy: a transformers causal language model over `vocabulary`, loaded anew with each call."""

    def prompt_ids(self, row: Row, folder: Path) -> Sequence[int]:
        """The ids that the model answers to. Recordings of the row are relative to `folder`."""

    def target_ids(self, row: Row, folder: Path) -> Sequence[int]:
        """The ids of the demonstration, with the end of the answer."""


@dataclass(frozen=True, slots=True)
class Example:
    """A row as ids; target is empty in a row that is only a prompt."""

    row: Row
    where: str
    folder: Path
    prompt: tuple[int, ...]
    target: tuple[int, ...] = ()

    @property
    def question_audio(self) -> Path | None:
        return self.folder / self.row.question_audio if self.row.question_audio else None

    @property
    def item(self) -> RewardItem:
        """What is asked, for a judge; without an answer."""
        row = self.row
        return RewardItem(question_text=row.question_text, question_audio=self.question_audio, id=row.id,
                          language=row.language, reference=row.reference)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """ids, attention: (B, T), padded on the right; masks of the answers alone."""

    ids: Tensor
    attention: Tensor
    masks: Masks

    def to(self, device: Any) -> Batch:
        """The same on another device."""
        moved = Masks(self.masks.text.to(device), self.masks.speech.to(device))
        return Batch(self.ids.to(device), self.attention.to(device), moved)


def rows(path: Path, *, targets: bool) -> list[tuple[str, Row]]:
    """Rows with their places. `InputError` names the first that cannot be used: an unknown field, no question, a
    recording that is not there or is broken, and, with `targets`, no demonstration."""
    if not path.is_file():
        raise InputError("got no such file", where=str(path))
    found = [(where, _row(raw, where)) for where, raw in raw_rows(path)]
    if not found:
        raise InputError("got a file without rows, expected at least one", where=str(path))
    for where, row in found:
        checked(row, where, path.parent, targets=targets)
    return found


def examples(path: Path, speaker: Speaker, *, targets: bool) -> list[Example]:
    """The rows of a file as ids of this model; every id is checked against its vocabulary."""
    return [as_ids(row, where, path.parent, speaker, targets=targets) for where, row in rows(path, targets=targets)]


class Demonstrations:
    """Batches of demonstrations, a function of seed and number: each seed's order begins anew once all were seen.

    >>> some = Demonstrations([Example(Row(id=str(i)), "doc", Path(), (1,), (2,)) for i in range(4)], seed=1)
    >>> sorted(one.row.id for number in range(2) for one in some.chosen(number, 2))
    ['0', '1', '2', '3']
    """

    def __init__(self, held: Sequence[Example], *, seed: int) -> None:
        self._held, self._seed = held, seed

    def __len__(self) -> int:
        return len(self._held)

    def chosen(self, number: int, size: int) -> list[Example]:
        """Those of one batch; batches of one size are counted from 0, over all ranks and micro-steps."""
        return [self._at(place) for place in range(number * size, (number + 1) * size)]

    def _at(self, place: int) -> Example:
        epoch, within = divmod(place, len(self._held))
        order = torch.randperm(len(self._held), generator=torch.Generator().manual_seed(_mixed(self._seed, epoch)))
        return self._held[int(order[within])]


def collated(held: Sequence[Example], vocabulary: Vocabulary, *, pad: int, rule: Rule | None = None) -> Batch:
    """Demonstrations of unequal length side by side, prompts of unequal length included."""
    sequences = [torch.tensor([*one.prompt, *one.target]) for one in held]
    ids = torch.nn.utils.rnn.pad_sequence(sequences, batch_first=True, padding_value=pad)
    lengths = torch.tensor([len(one) for one in sequences])
    attention = (torch.arange(ids.shape[1]) < lengths[:, None]).long()
    counted = answer_mask(ids, vocabulary, [len(one.prompt) for one in held]) & attention.bool()
    return Batch(ids, attention, masks(ids, counted, vocabulary, rule))


def sha256_of(path: Path) -> str:
    """Of the file's bytes: what a checkpoint remembers of its data."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_recordings(path: Path) -> str | None:
    """Over the names and bytes of all recordings that a file of rows or pairs names, in its order; None for none."""
    names = dict.fromkeys(name for _, raw in raw_rows(path) if isinstance(raw, Mapping) for name in _recordings(raw))
    found = hashlib.sha256()
    for name in names:
        found.update(f"{name}\0{sha256_of(path.parent / name)}\n".encode())
    return found.hexdigest() if names else None


def _recordings(raw: Mapping[str, Any]) -> Iterator[str]:
    for field in ("question_audio", "target_audio", "sft_target_audio", "rejected_audio", "audios"):
        said = filled(raw).get(field)
        yield from said if isinstance(said, list) else [said] if said else []


def _mixed(seed: int, epoch: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed} {epoch}".encode()).digest()[:7])


def _row(raw: Mapping[str, Any] | str, where: str) -> Row:
    if isinstance(raw, str):
        raise InputError(raw, where=where)
    try:
        return Row.model_validate(filled(raw))
    except ValidationError as error:
        raise InputError(f"got a row that cannot be used: {first_problem(error)}", where=where,
                         todo=f"the fields are {', '.join(Row.model_fields)}") from error  # fmt: skip


def checked(row: Row, where: str, folder: Path, *, targets: bool) -> None:
    """`InputError` for a row without a question, or a demonstration, or with a recording that does not open."""
    if not (row.question_text or row.question_audio or (targets and row.prompt_ids)):
        raise InputError(
            "got a row without a question, expected question_audio or question_text", where=where,
            todo="prompt_ids alone are enough for a demonstration; a judge has to know what was asked",
        )  # fmt: skip
    if targets and not (row.target_ids or (row.target_text and row.target_audio)):
        missing = [name for name in ("target_text", "target_audio") if getattr(row, name) is None]
        raise InputError(
            f"got a demonstration without {' and '.join(missing)}, expected both, or target_ids", where=where,
            todo="a demonstration without speech would teach the model not to speak",
        )  # fmt: skip
    for name in ("question_audio", "target_audio"):
        if said := getattr(row, name):
            _readable(folder / said, f'{where}, field "{name}"')


def _readable(path: Path, where: str) -> None:
    try:
        audio.read(path)
    except InputError as error:
        raise InputError(f"got the recording {path.name!r}, which cannot be used: {error.problem}", where=where,
                         todo=error.todo) from error  # fmt: skip


def as_ids(row: Row, where: str, folder: Path, speaker: Speaker, *, targets: bool) -> Example:
    """The row as ids of this model. `InputError` for ids of another, and for a demonstration that does not speak."""
    prompt = tuple(row.prompt_ids or speaker.prompt_ids(row, folder))
    target = tuple(row.target_ids or speaker.target_ids(row, folder)) if targets else ()
    size = speaker.vocabulary.size
    if wrong := [one for one in (*prompt, *target) if not 0 <= one < size]:
        raise InputError(f"got the id {wrong[0]}, expected 0 to below {size}", where=where,
                         todo="were the ids made by this model's tokenizer?")  # fmt: skip
    if not prompt:
        raise InputError("got a prompt of no ids", where=where)
    if targets and not bool(speaker.vocabulary.is_speech(torch.tensor(target)).any()):
        raise InputError(f"got a demonstration of {len(target)} ids, none of which is speech", where=where,
                         todo="a demonstration without speech would teach the model not to speak")  # fmt: skip
    return Example(row, where, folder, prompt, target)


# Pairs of answers as token ids, from what `wavjudge pairs` writes: the chosen and the rejected answer to one prompt.
#
# A line holds the words and the recordings of both answers (`sft_target_*`, `rejected_*`), or their ids
# (`chosen_ids`, `rejected_ids` with `prompt_ids`). Scores and signatures stand beside them and are not read;
# `pair_mode`, by which score the pair was ordered, is: text that is preferred for how it sounded learns something
# else than it seems.


@dataclass(frozen=True, slots=True)
class Pair:
    """One preference as token ids; the answers with their ends. mode: by which score it was ordered, if said."""

    prompt_ids: Sequence[int]
    chosen_ids: Sequence[int]
    rejected_ids: Sequence[int]
    where: str = ""
    mode: str = ""


class _Line(BaseModel):
    """What is read of a line of pairs; the builder's other fields are for people."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    id: str = ""
    question_text: str | None = None
    messages: list[dict[str, Any]] = []
    audios: list[str] = []
    sft_target_text: str | None = None
    sft_target_audio: str | None = None
    rejected_text: str | None = None
    rejected_audio: str | None = None
    prompt_ids: tuple[int, ...] | None = None
    chosen_ids: tuple[int, ...] | None = None
    rejected_ids: tuple[int, ...] | None = None
    pair_mode: str = ""

    def row(self, which: str, where: str) -> Row:
        """The prompt with one of the two answers as its demonstration."""
        asked = [one for one in self.messages if one.get("role") != "system"]  # a speaker has its own
        if len(asked) > 1 or len(self.audios) > 1:
            raise InputError(f"got a prompt of {len(asked)} messages and {len(self.audios)} recordings, expected one",
                             where=where, todo="prompts of several turns have no place in a row yet")  # fmt: skip
        text, sound = (getattr(self, f"{which}_{name}") for name in ("text", "audio"))
        ids = self.chosen_ids if which == "sft_target" else self.rejected_ids
        return Row(id=self.id, question_text=self.question_text, question_audio=next(iter(self.audios), None),
                   target_text=text, target_audio=sound, prompt_ids=self.prompt_ids, target_ids=ids)  # fmt: skip


def read(path: Path, speaker: Speaker) -> list[Pair]:
    """The pairs of a file as ids of this model. `InputError` names the first line that cannot be used."""
    if not path.is_file():
        raise InputError("got no such file", where=str(path), todo="write it with `wavjudge pairs`")
    found = [(where, _line(raw, where)) for where, raw in raw_rows(path)]
    if not found:
        raise InputError("got a file without pairs, expected at least one", where=str(path))
    both = [(where, line.pair_mode, line.row("sft_target", where), line.row("rejected", where))
            for where, line in found]  # fmt: skip
    for where, _, *answers in both:
        for row, said in zip(answers, ("the chosen answer", "the rejected answer"), strict=True):
            checked(row, f"{where}, {said}", path.parent, targets=True)
    return [_pair(where, mode, one, other, path.parent, speaker) for where, mode, one, other in both]


def check(pair: Pair, speaker: Speaker, tokens: Tokens, rule: Rule | None = None) -> None:
    """`InputError` for a pair that teaches nothing, or cannot be used."""
    if not (pair.prompt_ids and pair.chosen_ids and pair.rejected_ids):
        raise InputError("got a pair with an empty prompt or answer", where=pair.where)
    if list(pair.chosen_ids) == list(pair.rejected_ids):
        raise InputError("got a pair of one answer twice, expected two", where=pair.where)
    for ids in (pair.chosen_ids, pair.rejected_ids):
        row = torch.tensor([list(ids)])
        if not bool(masks(row, torch.ones_like(row).bool(), speaker.vocabulary, rule).of(tokens).any()):
            raise InputError(f"got a pair without a counted token (tokens={tokens!r}) in an answer",
                             where=pair.where, todo="drop such pairs when they are built, and count them")  # fmt: skip


def notes(pairs: Sequence[Pair], tokens: Tokens) -> list[str]:
    """What to know of the pairs before a training: text tokens preferred for how an answer sounded."""
    modes = Counter(pair.mode for pair in pairs if pair.mode not in ("", "semantic"))
    return [f"note: {count} pairs were ordered in mode {mode}: text tokens learn how an answer sounded, too"
            for mode, count in sorted(modes.items()) if tokens == "text"]  # fmt: skip


def _line(raw: Mapping[str, Any] | str, where: str) -> _Line:
    if isinstance(raw, str):
        raise InputError(raw, where=where)
    try:
        return _Line.model_validate(filled(raw))
    except ValidationError as error:
        raise InputError(f"got a pair that cannot be used: {first_problem(error)}", where=where) from error


def _pair(where: str, mode: str, chosen: Row, rejected: Row, folder: Path, speaker: Speaker) -> Pair:
    one, other = (as_ids(row, f"{where}, the {which} answer", folder, speaker, targets=True)
                  for row, which in ((chosen, "chosen"), (rejected, "rejected")))  # fmt: skip
    return Pair(one.prompt, one.target, other.target, where, mode)
