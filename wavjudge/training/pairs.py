"""Pairs of answers as token ids, from what `wavjudge pairs` writes: the chosen and the rejected answer to one prompt.

A line holds the words and the recordings of both answers (`sft_target_*`, `rejected_*`), or their ids (`chosen_ids`,
`rejected_ids` with `prompt_ids`). Scores and signatures stand beside them and are not read; `pair_mode`, by which score
the pair was ordered, is: text that is preferred for how it sounded learns something else than it seems.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, ValidationError

from wavjudge.bench.table_files import filled, raw_rows
from wavjudge.errors import InputError
from wavjudge.store import first_problem
from wavjudge.training.data import Row, Speaker, as_ids, checked
from wavjudge.training.masks import Rule, Tokens, masks

__all__ = ["Pair", "check", "notes", "read"]


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
