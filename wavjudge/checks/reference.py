"""Whether an answer says one of the right answers that a test set lists.

One concept with the axis `reference_overlap` of `signals`, whose rules for words in order, numbers, names and negations
are used here too: that axis grades the words heard of one short reference, this one says yes or no about a text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

from wavjudge.checks.options import Match, Reference, only
from wavjudge.checks.writing import denied, is_chinese, is_known, plain, primary, reads_as_chinese, unlike_english
from wavjudge.signals import NotApplicableError
from wavjudge.signals.words import MAX_REFERENCE_WORDS, NEGATIONS, compared, is_english, normal
from wavjudge.types import Item

_CHINESE_NO = re.compile(r"(?:^|[,.!?;。、])\s*(?:不是?|没错|不错|不好意思|没关系|没问题)[,.!?;。、]")
"""A no, or its opposite, that stands by itself and is about what somebody else said."""
_NO_NEGATION = re.compile("非常|特别|无疑|不过|无论|分别")
"""Words that hold the sign of a negation and are none."""
_CHINESE_AFTER = re.compile(r"[也都并就]?(?:不是|不对|不正确|错)")
_NO = re.compile(r"^\W*no[,.!]\s+|\bnot\s[^.,;!?]{1,40}?,?\s(?=but\b)", re.IGNORECASE)
"""A no to what was asked, and what "not this but that" denies."""
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
    language = "zh" if reads_as_chinese(reference, language) else language
    size = len(units(reference, language))
    limit, unit = (
        (2 * MAX_REFERENCE_WORDS, "characters") if is_by_character(language) else (MAX_REFERENCE_WORDS, "words")
    )
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
    if wanted.match == "words" and (found := unlike_english(text, language)):
        raise NotApplicableError(f"denials are known in English and Chinese only; {found}")
    language = "zh" if reads_as_chinese("".join((text, *wanted.answers)), language) else language
    if not all(units(answer, language) for answer in wanted.answers):
        raise NotApplicableError("one of the listed answers holds no word")
    says = _RULES[wanted.match]
    return next((answer for answer in wanted.answers if says(answer, text, language)), None)


def _exact(answer: str, text: str, language: str | None) -> bool:
    return units(answer, language) == units(text, language)


def _contains(answer: str, text: str, language: str | None) -> bool:
    return bool(_places(units(answer, language), units(text, language)))


def _words(answer: str, text: str, language: str | None) -> bool:
    return _chinese(answer, text) if is_chinese(language) else _english(answer, text)


def _english(answer: str, text: str) -> bool:
    wanted = units(answer, "en")
    if NEGATIONS.isdisjoint(wanted):
        text = _NO.sub("", text)
        places = [found.span() for found in re.finditer(_as_written(answer), text, re.IGNORECASE)]
        if places and all(denied(text, *place) for place in places):
            return False
    said = units(text, "en")
    return compared(answer, wanted, said).value == 1.0 and not _one_of_several(wanted, said)


def _as_written(answer: str) -> str:
    return r"(?<!\w)" + r"\W+".join(map(re.escape, re.findall(r"\w+", answer))) + r"(?!\w)"


def _one_of_several(wanted: Sequence[str], said: Sequence[str]) -> bool:
    """A number joined to another by "or": who says both has not said which."""
    if len(wanted) > 1 or not wanted[0].isdecimal():
        return False
    pairs = {(said[at - 1], said[at + 1]) for at in range(1, len(said) - 1) if said[at] == "or"}
    return any(wanted[0] in pair and all(one.isdecimal() for one in pair) for pair in pairs)


def _chinese(answer: str, text: str) -> bool:
    wanted = units(answer, "zh")
    if not _CHINESE_NOT.isdisjoint(wanted):
        return bool(_places(wanted, units(text, "zh")))
    said = units(_CHINESE_NO.sub(",", _NO_NEGATION.sub("", plain(text))), "zh")
    return any(
        _CHINESE_NOT.isdisjoint(said[max(at - _CHINESE_REACH, 0) : at])
        and not _CHINESE_AFTER.match("".join(said[at + len(wanted) :]))
        for at in _places(wanted, said)
    )


_RULES: dict[Match, Callable[[str, str, str | None], bool]] = {"exact": _exact, "contains": _contains, "words": _words}


def _places(wanted: Sequence[str], said: Sequence[str]) -> list[int]:
    """Where the wanted units stand next to each other."""
    size = len(wanted)
    return [at for at in range(len(said) - size + 1) if list(said[at : at + size]) == list(wanted)]


# The pieces of a text that are compared with those of a right answer: words, or characters without spaces between.

_ARTICLES = frozenset(("a", "an", "the"))
_BY_CHARACTER = frozenset(("ja", "th", "lo", "km", "my", "ko"))
"""No spaces between words, or endings that are written on to them (Korean)."""
_TURKIC = frozenset(("tr", "az"))
_NUMERAL = r"[零〇一二三四五六七八九十百千万亿两]+"
_CHARACTERS = re.compile(rf"[a-z]+|\d+(?:\.\d+)?|{_NUMERAL}|\S")
_MONTHS = frozenset((
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
))  # fmt: skip
_UNITS = {"km": "kilometers", "kg": "kilograms", "cm": "centimeters", "mm": "millimeters", "kilometer": "kilometers",
          "kilogram": "kilograms", "centimeter": "centimeters", "millimeter": "millimeters"}  # fmt: skip


def is_by_character(language: str | None) -> bool:
    """Whether texts of a language are compared character by character.

    >>> is_by_character("zh-CN"), is_by_character("ja"), is_by_character("de")
    (True, True, False)
    """
    return is_chinese(language) or (language is not None and primary(language) in _BY_CHARACTER)


def units(text: str, language: str | None) -> list[str]:
    """Characters (numbers whole), normalised English words without articles, or the plain words of other languages.

    >>> units("It costs $42 on July 4th.", "en"), units("一百零一个", "zh"), units("İstanbul, ٤٢", "tr")
    (['it', 'costs', '$', '42', 'on', 'july', '4'], ['一百零一', '个'], ['istanbul', '42'])
    """
    if is_english(language):
        return _english_units(text)
    folded = _folded(text, language)
    if is_by_character(language):
        return [found for found in _CHARACTERS.findall(folded) if _is_letter(found[0])]
    return "".join(sign if _is_letter(sign) else " " for sign in folded).split()


def _english_units(text: str) -> list[str]:
    text = re.sub(r"(?<![\w.])[-\u2212](?=\d)", "minus ", text)
    text = re.sub(r"\b(?:[A-Za-z]\.){2,}", lambda found: found[0].replace(".", ""), text)
    parts = [part for word in normal(text) for part in re.findall(r"[$€£]|[^$€£]+", word)]
    words = [_same(parts, at) for at in range(len(parts))]
    return [word for word in words if word not in _ARTICLES] or words


def _same(words: list[str], at: int) -> str:
    """One of the two ways to write it: the day of a month, a unit after its number."""
    word = words[at]
    if re.fullmatch(r"\d+(?:st|nd|rd|th)", word) and not _MONTHS.isdisjoint(words[max(at - 1, 0) : at + 3]):
        return word[:-2]
    return _UNITS.get(word, word) if at and words[at - 1][-1].isdigit() else word


def _folded(text: str, language: str | None) -> str:
    """Without case and width, digits of every script as 0 to 9."""
    if language is not None and primary(language) in _TURKIC:
        text = text.replace("\u0130", "i").replace("I", "\u0131")
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in folded)


def _is_letter(sign: str) -> bool:
    """A letter or digit, or a mark on one: a vowel sign is no space."""
    return sign.isalnum() or unicodedata.category(sign)[0] == "M"
