"""Which tokens are text, which are speech, and which of them a loss counts.

A sequence is a whole row, prompt and answer, shape (B, T); masks are bool of the same shape. An answer may begin at
another place in each row, so prompts of unequal length share a batch. Nothing is counted that was not asked for: an
empty mask stays empty, and what is padded is nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from wavjudge.errors import InputError
from wavjudge.training.vocabulary import Vocabulary

__all__ = ["Counted", "Masks", "Rule", "Tokens", "answer_mask", "label_mask", "masks"]

Tokens = Literal["text", "speech", "all"]
"""The tokens a loss counts."""

Side = Literal["text", "speech", "neither"]
"""Where boundaries and the end of an answer belong."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Where boundaries and the end of an answer belong: by default as in the paper's code, where a boundary is speech
    and the end is text. neither: no loss counts them."""

    boundaries: Side = "speech"
    end: Side = "text"

    def __post_init__(self) -> None:
        for side in (self.boundaries, self.end):
            if side not in get_args(Side):
                raise InputError(f"got the side {side!r}, expected one of {', '.join(get_args(Side))}")


@dataclass(frozen=True, slots=True, eq=False)
class Masks:
    """text, speech: bool, shape (B, T), never both at one place; prompt and padding are in neither."""

    text: Tensor
    speech: Tensor

    def of(self, tokens: Tokens) -> Tensor:
        """Bool, shape (B, T)."""
        return {"text": self.text, "speech": self.speech, "all": self.text | self.speech}[tokens]

    def rows(self, which: Tensor | slice) -> Masks:
        """Those of some rows."""
        return Masks(self.text[which], self.speech[which])


@dataclass(frozen=True, slots=True)
class Counted:
    """Which tokens a loss counts, and with which weights. A loss is a weighted mean, so only their ratio acts: a
    weight that cancels out is an error, and so is one of tokens that are not counted.

    >>> Counted("all", speech=0.5).weights(Masks(torch.tensor([[True, False]]), torch.tensor([[False, True]]))).tolist()
    [[1.0, 0.5]]
    >>> Counted("text", text=10)
    Traceback (most recent call last):
    ...
    wavjudge.errors.InputError: got the weights 10 (text) and 1 (speech) for tokens='text', which cancel out: ...
    """

    tokens: Tokens = "all"
    text: float = 1.0
    speech: float = 1.0

    def __post_init__(self) -> None:
        if self.tokens not in get_args(Tokens):
            raise InputError(f"got tokens={self.tokens!r}, expected one of {', '.join(get_args(Tokens))}")
        if not all(0 < weight < float("inf") for weight in (self.text, self.speech)):
            raise InputError(f"got the weights {self.text:g} (text) and {self.speech:g} (speech), expected above 0",
                             todo="a weight of 0 is tokens='text' or 'speech', and says so")  # fmt: skip
        if (self.text, self.speech) != (1, 1) and (self.tokens != "all" or self.text == self.speech):
            raise InputError(
                f"got the weights {self.text:g} (text) and {self.speech:g} (speech) for tokens={self.tokens!r}, which "
                "cancel out: a loss is a weighted mean",
                todo="weigh the whole loss (lambda, the learning rate), or leave the weights at 1",
            )

    def weights(self, masks: Masks) -> Tensor:
        """Float32, shape (B, T): 0 where a token does not count."""
        text, speech = self.text * masks.text.float(), self.speech * masks.speech.float()
        return {"text": text, "speech": speech, "all": text + speech}[self.tokens]


TEXT, ALL = Counted("text"), Counted("all")


def answer_mask(ids: Tensor, vocabulary: Vocabulary, starts: Tensor | Sequence[int]) -> Tensor:
    """Bool, shape (B, T): the tokens a model answered with. ids: (B, T) prompt, answer, padding. starts: (B,) where
    each answer begins, at least 1. The first end is counted, what follows it is not; without an end all counts up to
    the last token that is no pad.

    >>> toy = Vocabulary(size=10, speech=(range(6, 10),), ends={1}, pad=0)
    >>> answer_mask(torch.tensor([[2, 2, 3, 1, 1], [2, 7, 0, 8, 0]]), toy, [2, 1]).int().tolist()
    [[0, 0, 1, 1, 0], [0, 1, 1, 1, 0]]
    """
    places = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
    begin = torch.as_tensor(starts, device=ids.device)
    if begin.shape != (len(ids),) or bool((begin < 1).any()) or bool((begin > ids.shape[1]).any()):
        raise InputError(f"got the starts {begin.tolist()} of {len(ids)} answers, expected one each, from 1 to "
                         f"{ids.shape[1]}: a first token follows a prompt")  # fmt: skip
    inside = places >= begin[:, None]
    ends = inside & vocabulary.is_one_of(ids, vocabulary.ends)
    before_first_end = ends.int().cumsum(dim=1) - ends.int() == 0
    return inside & before_first_end & (places <= _last(ids, vocabulary, ends))


def _last(ids: Tensor, vocabulary: Vocabulary, ends: Tensor) -> Tensor:
    """(B, 1): the last place that is an end or no pad, -1 in an empty row."""
    held = ends | (ids != vocabulary.pad) if vocabulary.pad is not None else torch.ones_like(ends)
    places = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
    return torch.where(held, places, -1).max(dim=1, keepdim=True).values


def label_mask(labels: Tensor, ignored: int = -100) -> Tensor:
    """Bool, shape (B, T): the places of labels that count, as Hugging Face writes them.

    >>> label_mask(torch.tensor([[-100, 5, 6]])).tolist()
    [[False, True, True]]
    """
    return labels != ignored


def masks(ids: Tensor, counted: Tensor, vocabulary: Vocabulary, rule: Rule | None = None) -> Masks:
    """Text and speech apart. ids: (B, T). counted: bool (B, T), from `answer_mask` or `label_mask`.

    >>> toy = Vocabulary(size=10, speech=(range(6, 10),), boundaries={4, 5}, ends={1}, pad=0)
    >>> ids = torch.tensor([[2, 3, 4, 6, 5, 1, 0]])
    >>> found = masks(ids, answer_mask(ids, toy, [1]), toy)
    >>> found.text.int().tolist(), found.speech.int().tolist()
    ([[0, 1, 0, 0, 0, 1, 0]], [[0, 0, 1, 1, 1, 0, 0]])
    """
    if ids.shape != counted.shape or ids.dim() != 2 or counted.dtype != torch.bool:
        raise InputError(f"got ids of {tuple(ids.shape)} and a {counted.dtype} mask of {tuple(counted.shape)}, "
                         "expected (B, T) and bool")  # fmt: skip
    _checked(ids[counted], vocabulary)
    rule = rule or Rule()
    boundary, end = (vocabulary.is_one_of(ids, which) for which in (vocabulary.boundaries, vocabulary.ends))
    sound = vocabulary.is_speech(ids)
    word = ~(sound | boundary | end)
    by_side = {
        side: kind | (boundary & (rule.boundaries == side) & ~end) | (end & (rule.end == side))
        for side, kind in (("text", word), ("speech", sound))
    }
    return Masks(by_side["text"] & counted, by_side["speech"] & counted)


def _checked(ids: Tensor, vocabulary: Vocabulary) -> None:
    wrong = (ids < 0) | (ids >= vocabulary.size)
    if bool(wrong.any()):
        raise InputError(f"got the id {int(ids[wrong][0])}, expected 0 to below {vocabulary.size}",
                         todo="is this the vocabulary of the model that wrote them?")  # fmt: skip
