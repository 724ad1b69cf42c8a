"""Words: how many there are, and how far the words that were heard are from the words that were meant.

English only. The normaliser is Whisper's (Radford et al., 2022, appendix C), by the whisper-normalizer package; word
error rate by jiwer. Ours are: numbers are compared digit by digit, because the normaliser joins "ten nine" to 109
where the recogniser wrote words, and leaves "10, 9" apart where it wrote figures; short forms are spelt out on both
sides, those too that it leaves (cannot, dont, gimme); and one that stands for two things ("he's": he is, he has) is
read as what agrees with the other side.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

from wavjudge.signals.latin import not_english_words

if TYPE_CHECKING:
    from whisper_normalizer.english import EnglishTextNormalizer


FOREIGN = 0.2
"""A text with more than this share of letters of another script is none of the recogniser's."""

_SHORT = {
    "cannot": "can not", "sha": "shall", "gimme": "give me", "lemme": "let me", "outta": "out of", "cuz": "because",
    "coz": "because", "em": "them", "til": "until", "till": "until", "ok": "okay", "alright": "all right",
    "aint": "is not", "dont": "do not", "doesnt": "does not", "didnt": "did not", "isnt": "is not",
    "arent": "are not", "wasnt": "was not", "werent": "were not", "hasnt": "has not", "havent": "have not",
    "hadnt": "had not", "couldnt": "could not", "wouldnt": "would not", "shouldnt": "should not",
    "mustnt": "must not", "neednt": "need not", "cant": "can not", "wont": "will not", "im": "i am", "ive": "i have",
    "youre": "you are", "youve": "you have", "youll": "you will", "theyre": "they are", "theyve": "they have",
    "theyll": "they will", "weve": "we have", "thats": "that is", "whats": "what is", "heres": "here is",
    "theres": "there is",
}  # fmt: skip
"""Short forms that the normaliser leaves as they are."""
_EITHER = (
    (re.compile(r"(?<=[a-z])(?<!\blet)'s\b", re.IGNORECASE), (" is", " has", "s")),
    (re.compile(r"(?<=[a-z])'d\b", re.IGNORECASE), (" would", " had")),
)
_UNSTATED = frozenset((
    "", "und", "mul", "zxx", "mis", "unk", "unknown", "undetermined", "undefined", "multilingual", "multiple", "mixed",
    "none", "null", "nan", "na", "n/a", "any", "all", "other", "auto", "?", "x", "xx", "art",
))  # fmt: skip
_ONLY = "the recogniser knows English only"
_TRIED = 12  # of such short forms in a text, each with all of its meanings


def stated(language: str | None) -> str | None:
    """The language that a tag states; None where it states none (ISO 639: undetermined, several, none, uncoded).

    >>> stated("de"), stated("und"), stated("mul-Latn"), stated(" "), stated("unknown")
    ('de', None, None, None, None)
    """
    return None if language is None or re.split(r"[-_]", language.strip().lower())[0] in _UNSTATED else language


def is_english(language: str | None) -> bool:
    """Whether a language tag is English; an unknown language is taken for English, and the ratings say so.

    >>> is_english("en-GB"), is_english("English"), is_english("de"), is_english(None), is_english("und")
    (True, True, False, True, True)
    """
    return (language := stated(language)) is None or re.split(r"[-_]", language.strip().lower())[0] in (
        "en",
        "eng",
        "english",
    )


def not_english(language: str | None, *texts: str | None) -> str | None:
    """Why the English recogniser does not apply, None where it does: language, script and words decide, each alone.

    texts: what is known of the words that are spoken, surest first; the first with letters in it is looked at. Where a
    language is stated, that is believed of words in its script.

    >>> not_english("de"), not_english(None, None, "That is fine, in 北京!")
    ('the recogniser knows English only; the language is de', None)
    >>> not_english("en", "我很好", None)
    'the recogniser knows English only; the words are not written in Latin letters'
    >>> not_english("und", "Das ist nicht Paris."), not_english("und", "It's not Paris.")
    ('the recogniser knows English only; the language is not stated, and the words look like German', None)
    """
    if not is_english(language):
        return f"{_ONLY}; the language is {language}"
    lettered = ((text, share) for text in texts if text and (share := foreign_share(text)) is not None)
    text, share = next(lettered, ("", 0.0))
    if share > FOREIGN:
        return f"{_ONLY}; the words are not written in Latin letters"
    found = None if stated(language) else not_english_words(text)
    return (
        f"the recogniser knows English only; the language is not stated, and the words look like {found}"
        if found
        else None
    )


def foreign_share(text: str) -> float | None:
    """The share of a text's letters that are not Latin; None without a letter.

    >>> foreign_share("我a"), foreign_share("Ça va"), foreign_share("42!")
    (0.5, 0.0, None)
    """
    letters = [sign for sign in text if sign.isalpha()]
    latin = sum("LATIN" in unicodedata.name(sign, "") for sign in letters)
    return 1 - latin / len(letters) if letters else None


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
    """Normalised words with every figure by itself and short forms spelt out.

    >>> spelt("Ten nine eight!"), spelt("10, 9, 8"), spelt("one"), spelt("I cannot")
    (['1', '0', '9', '8'], ['1', '0', '9', '8'], ['1'], ['i', 'can', 'not'])
    """
    straight = _straight(text)
    parts = (re.findall(r"\d|[^\W\d]+|[%$€£]", word) for word in normal(straight))
    words = ["1" if part == "one" else part for word in parts for part in word]
    return " ".join(_SHORT.get(word, word) for word in words).split()


def _straight(text: str) -> str:
    """Straight apostrophes, which the normaliser knows, and abbreviations it would tear apart."""
    straight = re.sub("[\u2018\u2019\u02bc\uff07\u00b4`]", "'", text)
    return re.sub(r"\bo\.\s?k\.?(?=\W|$)", "okay", straight, flags=re.IGNORECASE)


def error_rate(meant: str, heard: str) -> float | None:
    """Word error rate: (substitutions + deletions + insertions) / words meant; None if nothing was meant.

    >>> error_rate("the sky is blue", "the sky blue green")
    0.5
    """
    from jiwer import wer

    return _least(meant, heard, wer)


def character_error_rate(meant: str, heard: str) -> float | None:
    """The same count over characters, the space between two words being one; None if nothing was meant.

    >>> character_error_rate("the sky", "the ski")
    0.14285714285714285
    """
    from jiwer import cer

    return _least(meant, heard, cer)


def _least(meant: str, heard: str, rate: Callable[[str, str], float]) -> float | None:
    """The rate with each short form of two meanings read as what agrees best with the other side."""
    if not spelt(meant):
        return None

    def between(first: str, second: str) -> float:
        return float(rate(" ".join(spelt(first)), " ".join(spelt(second))))

    meant, heard = _straight(meant), _straight(heard)
    least = between(meant, heard)
    for one in _meanings(meant):
        if least and (found := between(one(meant), heard)) < least:
            meant, least = one(meant), found
    for one in _meanings(heard):
        if least and (found := between(meant, one(heard))) < least:
            heard, least = one(heard), found
    return least


def _meanings(text: str) -> Iterator[Callable[[str], str]]:
    """Readings of each short form in a text, from its end to its start, as functions that put one into the text."""
    places = [(match, said) for pattern, said in _EITHER for match in pattern.finditer(text)]
    for match, said in sorted(places, key=lambda pair: pair[0].start(), reverse=True)[:_TRIED]:
        for meaning in said:
            yield partial(_put, match.start(), match.end(), meaning)


def _put(start: int, end: int, meaning: str, text: str) -> str:
    return text[:start] + meaning + text[end:]


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


# Whether a short, closed reference ("Paris", "No", "42 degrees") was said: English, words against words.
#
# Shared words alone cannot tell a wrong fact or a negation from a right answer: "not Paris" holds all of "Paris", and
# "the capital is Berlin" three quarters of "the capital is Paris". So three checks stand beside the share, and one
# that fails makes the overlap 0: every number of the reference was said, the answer denies exactly if the reference
# does, and at least one of its capitalised words was said. What is left over is many: paraphrase, synonyms, and a
# name the recogniser spells otherwise all read as misses.

MAX_REFERENCE_WORDS = 5
NEGATIONS = frozenset(
    ("no", "not", "never", "none", "nobody", "nothing", "nowhere", "neither", "nor", "cannot", "without")
)
REACH = 3
"""Words before the first match in which a negation is taken to deny what was matched."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """The share of reference words found in order, and the name of the first check that failed, or None."""

    share: float
    failed: str | None

    @property
    def value(self) -> float:
        """The share, or 0 when a check failed."""
        return 0.0 if self.failed else self.share


def overlap(reference: str, heard: str) -> Overlap:
    """Compare the words of a reference with the words that were heard. The reference must hold a word.

    >>> overlap("Paris", "It's Paris, of course."), overlap("Paris", "Well, it is not Paris.")
    (Overlap(share=1.0, failed=None), Overlap(share=1.0, failed='negation'))
    >>> overlap("one hundred degrees", "At fifty degrees.").failed
    'number'
    >>> overlap("The capital is Paris", "The capital is Rome").failed
    'name'
    """
    return compared(reference, normal(reference), normal(heard))


def compared(reference: str, wanted: Sequence[str], said: Sequence[str]) -> Overlap:
    """The same of words that are normalised already; the reference as written tells its names."""
    matched = in_order(wanted, said)
    checks = {
        "number": all(word in said for word in wanted if _is_number(word)),
        "negation": _denies(wanted, range(len(wanted))) == _denies(said, matched),
        "name": _names(reference).isdisjoint(wanted) or not _names(reference).isdisjoint(said),
    }
    return Overlap(len(matched) / len(wanted), next((name for name, passed in checks.items() if not passed), None))


def in_order(wanted: Sequence[str], said: Sequence[str]) -> list[int]:
    """Where in `said` the longest run of `wanted` words stands, in their order, others between allowed (LCS).

    >>> in_order(["new", "york"], ["new", "in", "york", "city"]), in_order(["b", "a"], ["a", "c"])
    ([0, 2], [0])
    """
    best: list[list[int]] = [[] for _ in range(len(said) + 1)]
    for word in wanted:
        row: list[list[int]] = [[]]
        for at, other in enumerate(said):
            taken = [*best[at], at] if word == other else []
            row.append(max(best[at + 1], row[at], taken, key=len))
        best = row
    return best[-1]


def _denies(words: Sequence[str], matched: Sequence[int]) -> bool:
    """Whether a negation stands among or shortly before the matched words."""
    return bool(matched) and any(word in NEGATIONS for word in words[max(matched[0] - REACH, 0) : matched[-1] + 1])


def _is_number(word: str) -> bool:
    return any(map(str.isdigit, word))


def _names(reference: str) -> set[str]:
    """Normalised words that the reference writes with a capital letter, its first word included unless it is common."""
    words = {word for raw in reference.split() if raw[:1].isupper() for word in normal(raw)}
    return words - _COMMON


_COMMON = NEGATIONS | frozenset(
    ("a", "an", "the", "this", "that", "these", "those", "there", "here", "i", "it", "he", "she", "they", "we", "you",
     "yes", "is", "are", "was", "were", "will", "would", "can", "could", "do", "does", "did", "in", "on", "at", "to",
     "of", "for", "from", "by", "with", "and", "or", "but", "if", "about", "over", "under", "after", "before", "during")
)  # fmt: skip
