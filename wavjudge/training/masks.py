"""Which tokens are text, which are speech, and which of them a loss counts.

A sequence is a whole row, prompt and answer, shape (B, T); masks are bool of the same shape. An answer may begin at
another place in each row, so prompts of unequal length share a batch. Nothing is counted that was not asked for: an
empty mask stays empty, and what is padded is nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

import torch
from torch import Tensor

from wavjudge.audio import Samples
from wavjudge.errors import InputError

__all__ = ["Counted", "Masks", "Rule", "SpeechTokenizer", "Tokens", "Vocabulary", "answer_mask", "label_mask", "masks"]

Tokens = Literal["text", "speech", "all"]
"""The tokens a loss counts."""

Side = Literal["text", "speech", "neither"]
"""Where boundaries and the end of an answer belong."""


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
