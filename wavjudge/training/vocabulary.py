"""What the ids of a model mean, and what a model brings so that its ids become words and sound."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from wavjudge.audio import Samples
from wavjudge.errors import InputError

__all__ = ["SpeechTokenizer", "Vocabulary"]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the ids of a model mean. An id below `size` that is neither speech, boundary, end nor pad is text.

    size: ids are 0 up to below it. speech: ranges of ids that become sound, one a codebook. boundaries: ids before and
    after a stretch of speech. ends: ids that end an answer. pad: may be one of `ends`, or None.

    >>> toy = Vocabulary(size=10, speech=(range(6, 10),), boundaries={4, 5}, ends={1}, pad=0)
    >>> toy.is_speech(torch.tensor([3, 4, 6, 9, 5, 1])).tolist()
    [False, False, True, True, False, False]
    >>> Vocabulary(size=10, speech=(), ends={1})
    Traceback (most recent call last):
    ...
    wavjudge.errors.InputError: got a vocabulary of 10 ids without speech, expected at least one range of speech ids
    What to do: this recipe is for models that speak in tokens; a text model needs another one
    """

    size: int
    speech: tuple[range, ...]
    boundaries: frozenset[int] = frozenset()
    ends: frozenset[int] = frozenset()
    pad: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "boundaries", frozenset(self.boundaries))
        object.__setattr__(self, "ends", frozenset(self.ends))
        if not any(len(ids) for ids in self.speech):
            raise InputError(
                f"got a vocabulary of {self.size} ids without speech, expected at least one range of speech ids",
                todo="this recipe is for models that speak in tokens; a text model needs another one",
            )
        if odd := [ids for ids in self.speech if ids.step != 1 or not len(ids) or ids[0] < 0 or ids[-1] >= self.size]:
            raise InputError(f"got the speech ids {odd[0]}, expected a run of ids from 0 to below {self.size}")
        others = self.boundaries | self.ends | ({self.pad} if self.pad is not None else set())
        if wrong := sorted(one for one in others if not 0 <= one < self.size):
            raise InputError(f"got the id {wrong[0]}, expected 0 to below {self.size}")
        if twice := sorted(one for one in others if any(one in ids for ids in self.speech)):
            raise InputError(f"got the id {twice[0]} as speech and as boundary, end or pad, expected one of them")

    @classmethod
    def of(
        cls, ids: Mapping[str, int], *, speech: str, boundaries: Sequence[str] = (), ends: Sequence[str] = (),
        pad: str | None = None, size: int | None = None,
    ) -> Vocabulary:  # fmt: skip
        r"""From a tokenizer's vocabulary, ``tokenizer.get_vocab()``. speech: a pattern that whole tokens match. size:
        that of the model's output, where it is padded beyond the tokenizer; ids above the tokenizer's count as text.

        >>> ids = {"hi": 0, "<|end|>": 1, "<|bos|>": 2, "<|eos|>": 3, "<|audio_0|>": 4, "<|audio_1|>": 5}
        >>> Vocabulary.of(ids, speech=r"<\|audio_\d+\|>", boundaries=["<|bos|>", "<|eos|>"], ends=["<|end|>"]).speech
        (range(4, 6),)
        """
        found = sorted(number for token, number in ids.items() if re.fullmatch(speech, token))
        named = {token: ids.get(token) for token in (*boundaries, *ends, *([pad] if pad else []))}
        if missing := [token for token, number in named.items() if number is None]:
            raise InputError(f"got no token {missing[0]!r} in the tokenizer, expected it among its {len(ids)}")
        return cls(
            size or max(ids.values(), default=-1) + 1, _runs(found), frozenset(ids[token] for token in boundaries),
            frozenset(ids[token] for token in ends), ids[pad] if pad else None,
        )  # fmt: skip

    def is_speech(self, ids: Tensor) -> Tensor:
        """Same shape, bool: which ids become sound; boundaries do not."""
        found = torch.zeros_like(ids, dtype=torch.bool)
        for some in self.speech:
            found |= (ids >= some.start) & (ids < some.stop)
        return found

    def is_one_of(self, ids: Tensor, which: frozenset[int]) -> Tensor:
        """Same shape, bool: which ids are among `which`."""
        return torch.isin(ids, torch.tensor(sorted(which), dtype=ids.dtype, device=ids.device))


def _runs(ids: Sequence[int]) -> tuple[range, ...]:
    runs: list[range] = []
    for one in ids:
        if runs and one == runs[-1].stop:
            runs[-1] = range(runs[-1].start, one + 1)
        else:
            runs.append(range(one, one + 1))
    return tuple(runs)


class SpeechTokenizer(Protocol):
    """What a model brings so that it can be trained and heard: its ids, and how they become words and sound."""

    @property
    def vocabulary(self) -> Vocabulary:
        """What its ids mean."""

    @property
    def sample_rate_hz(self) -> int:
        """Of what `audio` gives. There is no default: a wrong rate is another voice (rewards.md: 24,000 for 22,050)."""

    def text(self, ids: Sequence[int]) -> str:
        """The words of an answer; ids of speech, boundaries, ends and pads say nothing."""

    def audio(self, ids: Sequence[int]) -> Samples:
        """The sound of the speech ids of an answer, mono float32 in -1..1 at `sample_rate_hz`; the others are passed
        over. Ids that make no sound raise `InputError`: a silent answer is an outcome, never an empty array."""
