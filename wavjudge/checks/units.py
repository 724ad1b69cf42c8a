"""The pieces of a text that are compared with those of a right answer: words, or characters without spaces between."""

from __future__ import annotations

import re
import unicodedata

from wavjudge.checks.writing import is_chinese, primary
from wavjudge.signals.words import is_english, normal

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
        return _english(text)
    folded = _folded(text, language)
    if is_by_character(language):
        return [found for found in _CHARACTERS.findall(folded) if _is_letter(found[0])]
    return "".join(sign if _is_letter(sign) else " " for sign in folded).split()


def _english(text: str) -> list[str]:
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
