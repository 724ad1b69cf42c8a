"""The toy's world: a tongue of words and sounds, demonstrations in it, and a judge that reads the words alone.

A prompt is one of a few classes. The answer to it says the class's concepts, each by a good word or a bad one that
means the same (half of the demonstrations' words are bad), then a boundary, frames of speech, a boundary, the end.
Class and place set the codebook of a frame; which of its variants is spoken is chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wavjudge.audio import Samples
from wavjudge.errors import InputError
from wavjudge.training.vocabulary import Vocabulary

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

PAD, END, OPEN, CLOSE = range(4)
_FRAME_SECONDS, _LOWEST_HZ, _STEP_HZ, _LOUDNESS = 0.02, 200.0, 40.0, 0.3


@dataclass(frozen=True, slots=True)
class World:
    """The config: how many classes of prompts, words of an answer, frames of speech after them, concepts (two words
    each) and codebooks, and how likely each variant of a codebook is.

    >>> World().vocabulary.speech, World().length, round(World().floor, 3)
    ((range(60, 124),), 22, 0.951)
    """

    classes: int = 8
    words: int = 6
    frames: int = 12
    concepts: int = 24
    codebooks: int = 16
    variants: tuple[float, ...] = (0.55, 0.25, 0.15, 0.05)

    @property
    def _first_word(self) -> int:
        return CLOSE + 1 + self.classes

    @property
    def _first_sound(self) -> int:
        return self._first_word + 2 * self.concepts

    @property
    def vocabulary(self) -> Vocabulary:
        """What the ids mean: pad, end, two boundaries, classes, words, sounds, in this order."""
        size = self._first_sound + self.codebooks * len(self.variants)
        return Vocabulary(size, (range(self._first_sound, size),), frozenset({OPEN, CLOSE}), frozenset({END}), PAD)

    @property
    def length(self) -> int:
        """Ids of a prompt and a whole answer."""
        return 1 + self.words + 1 + self.frames + 2

    @property
    def floor(self) -> float:
        """Nats a speech token (boundaries are among them) below which no model can come."""
        entropy = -sum(p * np.log(p) for p in self.variants)
        return float(entropy * self.frames / (self.frames + 2))

    def prompts(self, classes: Ints) -> Ints:
        """(n, 1) ids, from classes (n,)."""
        return CLOSE + 1 + classes[:, None]

    def good_words(self, classes: Ints) -> Ints:
        """(n, words) ids; a bad word is its good one plus 1."""
        concept = (self.words * classes[:, None] + np.arange(self.words)) % self.concepts
        return self._first_word + 2 * concept

    def first_sounds(self, classes: Ints) -> Ints:
        """(n, frames): the first id of the codebook of each frame."""
        codebook = (5 * classes[:, None] + 3 * np.arange(self.frames)) % self.codebooks
        return self._first_sound + len(self.variants) * codebook

    def demonstrations(self, n: int, rng: np.random.Generator) -> Ints:
        """(n, length) ids: prompt and answer."""
        classes = rng.integers(self.classes, size=n)
        words = self.good_words(classes) + rng.integers(2, size=(n, self.words))
        sounds = self.first_sounds(classes) + rng.choice(len(self.variants), (n, self.frames), p=self.variants)
        ones = np.ones((n, 1), np.int64)
        return np.hstack([self.prompts(classes), words, OPEN * ones, sounds, CLOSE * ones, END * ones])

    def worth(self, ids: Ints, classes: Ints) -> Floats:
        """(n,), 1 to 5: 1 + 4 times the share of good words in their places. ids: (n, length). Speech is not heard."""
        said = ids[:, 1 : 1 + self.words]
        return np.asarray(1 + 4 * (said == self.good_words(classes)).mean(axis=1))

    def judged(self, ids: Ints, classes: Ints, rng: np.random.Generator, noise: float = 0.5) -> Floats:
        """(n,): what the judge says: the worth heard with an error of sd `noise`, as the nearest of 1, 2, 3, 4, 5."""
        heard = self.worth(ids, classes) + rng.normal(0, noise, len(ids))
        return np.asarray(np.abs(heard[:, None] - np.arange(1, 6)).argmin(axis=1) + 1.0)

    def valid(self, ids: Ints, classes: Ints) -> Floats:
        """(n,), 0 to 1: the share of the frames whose place holds a sound of its codebook; none there is not valid."""
        sounds = ids[:, 2 + self.words : 2 + self.words + self.frames] - self.first_sounds(classes)
        return np.asarray(((sounds >= 0) & (sounds < len(self.variants))).mean(axis=1))


@dataclass(frozen=True, slots=True)
class ToyTokenizer:
    """The toy's `SpeechTokenizer`: words are numbered, a speech id is a tone of 20 ms.

    >>> toy = ToyTokenizer()
    >>> toy.text([12, 15, OPEN, 60, CLOSE, END]), toy.audio([12, OPEN, 60, 61, CLOSE]).shape
    ('good0 bad1', (640,))
    """

    world: World = World()
    sample_rate_hz: int = 16_000

    @property
    def vocabulary(self) -> Vocabulary:
        return self.world.vocabulary

    def text(self, ids: Sequence[int]) -> str:
        """The words, good or bad, with the number of their concept."""
        first, words = self.world._first_word, range(self.world._first_word, self.world._first_sound)
        return " ".join(f"{('good', 'bad')[(one - first) % 2]}{(one - first) // 2}" for one in ids if one in words)

    def audio(self, ids: Sequence[int]) -> Samples:
        """One tone a speech id, higher for higher ids."""
        sounds = self.vocabulary.speech[0]
        pitches = [_LOWEST_HZ + _STEP_HZ * (one - sounds.start) for one in ids if one in sounds]
        if not pitches:
            raise InputError("got an answer without speech ids, expected at least one")
        at = np.arange(round(_FRAME_SECONDS * self.sample_rate_hz)) / self.sample_rate_hz
        return np.concatenate([_LOUDNESS * np.sin(2 * np.pi * hz * at) for hz in pitches]).astype(np.float32)
