"""Whether an answer says one of the right answers that a test set lists.

One concept with the axis `reference_overlap` of `signals`, whose rules for words in order, numbers, names and negations
are used here too: that axis grades the words heard of one short reference, this one says yes or no about a text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

from wavjudge.checks.options import Match, Reference, only
from wavjudge.checks.writing import is_chinese, is_known, reads_as_chinese
from wavjudge.signals import NotApplicableError
from wavjudge.signals.overlap import MAX_REFERENCE_WORDS, overlap
from wavjudge.signals.words import is_english, normal
from wavjudge.types import Item

_ARTICLES = frozenset(("a", "an", "the"))
_CHINESE_NOT = frozenset("不没非未无别")
_CHINESE_REACH = 3
"""Characters before the match in which a negation is taken to deny it."""


def references(item: Item) -> Reference:
    """The right answers of an item: its check, or a reference that is short enough to be looked for."""
    kinds = {check.kind for check in item.checks}
    if "reference" in kinds:
        return only(item, Reference)
    if "choice" in kinds:
        raise NotApplicableError("the item is multiple choice: the axis choice reads it")
    if not (item.reference or "").strip():
        raise NotApplicableError("the item has no reference and no check of kind reference")
    return _short(item.reference or "", item.language)


def _short(reference: str, language: str | None) -> Reference:
    chinese = reads_as_chinese(reference, language)
    size = len(_units(reference, "zh" if chinese else language))
    limit, unit = (2 * MAX_REFERENCE_WORDS, "characters") if chinese else (MAX_REFERENCE_WORDS, "words")
    if not 1 <= size <= limit:
        raise NotApplicableError(f"the reference has {size} {unit}; without a check, only 1 to {limit} are looked for")
    return Reference(answers=(reference,), match="words" if is_known(language) else "contains")


def matching(text: str, wanted: Reference, language: str | None) -> str | None:
    """The first listed answer that the text says, or None. `NotApplicableError` where the language is not known.

    >>> paris = Reference(answers=("Paris", "the city of Paris"))
    >>> matching("It's Paris.", paris, "en"), matching("It is not Paris.", paris, "en")
    ('Paris', None)
    >>> [matching(text, Reference(answers=("巴黎",)), "zh") for text in ("是巴黎。", "不是巴黎。")]
    ['巴黎', None]
    """
    if wanted.match == "words" and not is_known(language):
        raise NotApplicableError(f"denials are known in English and Chinese only; the language is {language}")
    language = "zh" if reads_as_chinese("".join((text, *wanted.answers)), language) else language
    if not all(_units(answer, language) for answer in wanted.answers):
        raise NotApplicableError("one of the listed answers holds no word")
    says = _RULES[wanted.match]
    return next((answer for answer in wanted.answers if says(answer, text, language)), None)


def _exact(answer: str, text: str, language: str | None) -> bool:
    return _units(answer, language) == _units(text, language)


def _contains(answer: str, text: str, language: str | None) -> bool:
    return bool(_places(_units(answer, language), _units(text, language)))


def _words(answer: str, text: str, language: str | None) -> bool:
    if not is_chinese(language):
        return overlap(_without_article(answer), text).value == 1.0
    wanted, said = _units(answer, language), _units(text, language)
    if not _CHINESE_NOT.isdisjoint(wanted):
        return bool(_places(wanted, said))
    return any(_CHINESE_NOT.isdisjoint(said[max(at - _CHINESE_REACH, 0) : at]) for at in _places(wanted, said))


_RULES: dict[Match, Callable[[str, str, str | None], bool]] = {"exact": _exact, "contains": _contains, "words": _words}


def _without_article(answer: str) -> str:
    first, _, rest = answer.strip().partition(" ")
    return rest if first.lower() in _ARTICLES and rest.strip() else answer


def _places(wanted: Sequence[str], said: Sequence[str]) -> list[int]:
    """Where the wanted units stand next to each other."""
    size = len(wanted)
    return [at for at in range(len(said) - size + 1) if list(said[at : at + size]) == list(wanted)]


def _units(text: str, language: str | None) -> list[str]:
    """What is compared: characters of Chinese, normalised words of English without articles, plain words of others."""
    if is_chinese(language):
        folded = unicodedata.normalize("NFKC", text).casefold()
        return re.findall(r"[a-z]+|\d+(?:\.\d+)?|[^\W_]", folded)
    if is_english(language):
        words = normal(text)
        return [word for word in words if word not in _ARTICLES] or words
    return re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", text).casefold())
