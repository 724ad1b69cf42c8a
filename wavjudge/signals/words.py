"""Words: how many there are, and how far the words that were heard are from the words that were meant.

English only. The normaliser is Whisper's (Radford et al., 2022, appendix C), by the whisper-normalizer package; word
error rate by jiwer. One step is ours: numbers are compared digit by digit, because the normaliser joins "ten nine"
to 109 where the recogniser wrote words, and leaves "10, 9" apart where it wrote figures.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from whisper_normalizer.english import EnglishTextNormalizer


def is_english(language: str | None) -> bool:
    """Whether a language tag is English; an unknown language is taken for English, and the ratings say so.

    >>> is_english("en-GB"), is_english("English"), is_english("de"), is_english(None)
    (True, True, False, True)
    """
    return language is None or re.split(r"[-_]", language.strip().lower())[0] in ("en", "eng", "english")


def count(text: str) -> int:
    """Words as written: what stands between spaces and holds a letter or a digit; ``1999`` is one.

    >>> count("Well - it's 10 o'clock.")
    4
    """
    return sum(any(map(str.isalnum, word)) for word in text.split())


def rate(text: str, speech_seconds: float) -> float:
    """Words per second of speech, pauses not counted.

    >>> rate("one two three four five six", 2.0)
    3.0
    """
    return count(text) / speech_seconds


def normal(text: str) -> list[str]:
    """The normalised words of a text: lower case, contractions spelt out, numbers in figures, no punctuation.

    >>> normal("It isn't twenty-five, Dr. Colour!")
    ['it', 'is', 'not', '25', 'doctor', 'color']
    """
    return [word for word in _normalizer()(text).split() if any(map(str.isalnum, word))]


def spelt(text: str) -> list[str]:
    """Normalised words with every figure by itself.

    >>> spelt("Ten nine eight!"), spelt("10, 9, 8"), spelt("one")
    (['1', '0', '9', '8'], ['1', '0', '9', '8'], ['1'])
    """
    parts = (re.findall(r"\d|[^\W\d]+|[%$€£]", word) for word in normal(text))
    return ["1" if part == "one" else part for word in parts for part in word]


def error_rate(meant: str, heard: str) -> float | None:
    """Word error rate: (substitutions + deletions + insertions) / words meant; None if nothing was meant.

    >>> error_rate("the sky is blue", "the sky blue green")
    0.5
    """
    from jiwer import wer

    reference = spelt(meant)
    return float(wer(" ".join(reference), " ".join(spelt(heard)))) if reference else None


def character_error_rate(meant: str, heard: str) -> float | None:
    """The same count over characters, the space between two words being one; None if nothing was meant.

    >>> character_error_rate("the sky", "the ski")
    0.14285714285714285
    """
    from jiwer import cer

    reference = spelt(meant)
    return float(cer(" ".join(reference), " ".join(spelt(heard)))) if reference else None


def intelligibility(error: float) -> float:
    """max(0, 1 - word error rate): the share of the meant words that arrived, counting inventions against it.

    Error rates have no upper end (inventions count too), so a scale from 0 to 1 needs a floor in its *definition*:
    at one error a word nothing was understood, and ten errors a word do not mean less than nothing. That is not the
    forbidden clamp, which would bend a reading that fell off the instrument's scale back onto it: here every possible
    reading is defined, and the reading itself, the error rate, is kept beside the score.

    >>> intelligibility(0.25), intelligibility(3.0)
    (0.75, 0.0)
    """
    return max(0.0, 1.0 - error)


@cache
def _normalizer() -> EnglishTextNormalizer:
    from whisper_normalizer.english import EnglishTextNormalizer

    return EnglishTextNormalizer()
