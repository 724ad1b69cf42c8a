"""Tags in a reply: where they stand and what they are called. One pass, whatever the reply repeats."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from wavjudge.judges.prompts import PromptAxis

# ruff: noqa: RUF001, RUF002 - signs of other scripts are what this is about


_ALIKE = str.maketrans("＜＞／◁▷｜▁［］", "<>/<>|_[]")
"""What stands for the signs of a tag, each for one: places in the folded text are places in the text."""

_TAG = re.compile(r"<\s*+(?:(?P<slash>/)\s*+)?+(?P<name>[^\s<>/|]{1,60}+)(?P<rest>[^<>]*+)(?P<end>>|\Z)")


@dataclass(frozen=True, slots=True)
class Tag:
    """An opening or closing tag with its place; the name is in lower case and plain letters, the rest as it stands."""

    name: str
    closing: bool
    start: int
    end: int
    attributes: str = ""


def folded(text: str) -> str:
    """The text with full-width and triangular brackets as angle brackets; every character keeps its place."""
    return text.translate(_ALIKE)


@lru_cache(maxsize=4096)
def plain_name(name: str) -> str:
    """A name without case, width and characters that are not seen.

    >>> plain_name("ＴＨＩＮＫ"), plain_name("th\\u200bink")
    ('think', 'think')
    """
    seen = "".join(char for char in unicodedata.normalize("NFKC", name) if unicodedata.category(char) != "Cf")
    return seen.casefold()


def tags(text: str) -> Iterator[Tag]:
    """The tags of a text, with or without attributes; `<x/>` is none. At the very end `</x` is closed as well.

    >>> [(tag.name, tag.closing) for tag in tags('<Score type="int">4</ score')]
    [('score', False), ('score', True)]
    """
    for found in _TAG.finditer(folded(text)):
        closing = bool(found["slash"])
        whole = found["end"] or (closing and not found["rest"].strip())
        if whole and (closing or not found["rest"].endswith("/")):
            yield Tag(plain_name(found["name"]), closing, found.start(), found.end(), found["rest"].strip())


# What stands inside the tag of a score, read as a number, or not at all: nothing that leaves a doubt is a number.

# ruff: noqa: RUF001, RUF002 - signs of other scripts are what this is about


_LONGEST = 400  # with its decoration; what is longer holds more than a number
_BARE = "".join(map(chr, (0xFE0F, 0x20E3)))  # of a keycap: 4️⃣

_DIGITS = ("〇零", "一壹", "二两兩贰貳", "三叁參", "四肆", "五伍", "六陆陸", "七柒", "八捌", "九玖")
_WORDS = {char: digit for digit, chars in enumerate(_DIGITS) for char in chars}
_TENS = {"十": 10, "拾": 10, "百": 100, "佰": 100}
_SAID = rf"[{''.join(_WORDS)}]"
_NUMBER = rf"(?:[+-]?\d{{1,6}}(?:\.\d{{1,6}})?|[{''.join(_WORDS)}{''.join(_TENS)}]{{1,6}}(?:[点點]{_SAID}{{1,6}})?)"
_DECORATION = r"[\s*_`\"'“”‘’«»‹›「」『』()\[\]{}【】〔〕〈〉《》]*+"
_OVER = r"(?:/|out\s+of|of|over|von|sur|su|de|из|共|(?:满分|滿分|总分|總分)(?:为|為|是)?:?)"
_UNIT = r"(?:points?|pts?|stars?|marks?|分|点|點|星|颗星|顆星|점|[★⭐]|punkte?n?|puntos?|punti|балл(?:а|ов)?)"

_STARS = re.compile(r"([★⭐🌟]{1,10})(☆{0,10})")
_INLINE = re.compile(
    r"<!\[CDATA\[|\]\]>|</?(?:b|strong|i|em|u|code|mark|big)>|<\|(?:begin|end)_of_box\|>",
    re.IGNORECASE,
)
_SPACE = re.compile(r"<br\s?/?>|&nbsp;", re.IGNORECASE)
_WRAPPED = re.compile(r"\s*(?:\$\s*)?\\boxed\{([^{}]*)\}(?:\s*\$)?\s*|\s*\$([^$]*)\$\s*")


def read_number(content: str, axis: PromptAxis) -> float | None:
    """The one number that a tag holds, on whatever scale, or None.

    Decoration is stripped (`**4**`, `"4"`, `（4）`), digits of other scripts are digits, and the number may stand
    over the scale's own top (`4/5`, `4 out of 5`, `4分（满分5分）`) and with one word for the unit (`4 points`).

    >>> axis = PromptAxis(name="overall", tag="score")
    >>> [read_number(text, axis) for text in ("**4**", "４", "四分", "4 out of 5", "4.")]
    [4.0, 4.0, 4.0, 4.0, 4.0]
    >>> [read_number(text, axis) for text in ("4/10", "about 4", "3-4", "4½", "4²", "~~4~~")]
    [None, None, None, None, None, None]
    """
    text = _plain(content)
    if stars := _STARS.fullmatch(text.replace(" ", "")):
        return float(len(stars[1])) if stars[2] and len(text.replace(" ", "")) == axis.high else None
    found = _pattern(axis.unit).fullmatch(text) if len(text) <= _LONGEST else None
    top = None if found is None else found["top"] or found["whole"]
    if found is None or (top is not None and _value(top) != axis.high):
        return None
    return _value(found["number"])


@lru_cache(maxsize=64)
def _pattern(unit: str) -> re.Pattern[str]:
    own_unit = rf"(?:{_UNIT}|{re.escape(unit)}s?)"
    over = rf"[,;、]?{_DECORATION}{_OVER}{_DECORATION}(?P<top>{_NUMBER}){_DECORATION}{own_unit}?{_DECORATION}"
    whole = rf"{_DECORATION}(?P<whole>{_NUMBER})\s?(?:점|点|點)?\s?(?:만점|満点|滿點){_DECORATION}"
    return re.compile(
        rf"{_DECORATION}(?P<number>{_NUMBER}){_DECORATION}{own_unit}?{_DECORATION}(?:{over}|{whole})?"
        rf"[.。!]?{_DECORATION}",
        re.IGNORECASE | re.ASCII,
    )


def _plain(content: str) -> str:
    """The text without what is not seen, in plain digits and signs."""
    text = " ".join(_SPACE.sub(" ", _INLINE.sub("", content)).split())
    if len(text) > _LONGEST:
        return text
    if wrapped := _WRAPPED.fullmatch(text):
        text = wrapped[1] if wrapped[1] is not None else wrapped[2]
    return " ".join("".join(map(_plain_char, text)).split())


def _plain_char(char: str) -> str:
    category = unicodedata.category(char)
    if category == "Cf" or char in _BARE:
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if category == "No":  # never joined to a neighbour: 4² is not 42, and 4½ not 41/2
        return f" {unicodedata.digit(char)} " if _is_circled(char) else char
    return "-" if char == "−" else unicodedata.normalize("NFKC", char)


def _is_circled(char: str) -> bool:
    return "CIRCLED" in unicodedata.name(char, "") and unicodedata.digit(char, None) is not None


def _value(number: str) -> float | None:
    return _chinese(number) if number[-1] in _WORDS or number[-1] in _TENS else float(number)


def _chinese(number: str) -> float | None:
    """Up to 999 and with decimals: 四, 十五, 八十, 一百, 四点五. Two digits side by side (四五: four or five) are None.

    >>> [_chinese(text) for text in ("四", "十五", "八十五", "一百", "四点五", "四五")]
    [4.0, 15.0, 85.0, 100.0, 4.5, None]
    """
    whole, _, decimals = number.replace("點", "点").partition("点")
    total, digit = 0, None
    for char in whole:
        if char in _TENS:
            total, digit = total + (1 if digit is None else digit) * _TENS[char], None
        elif digit not in (None, 0):
            return None
        else:
            digit = _WORDS[char]
    return float(f"{total + (digit or 0)}.{''.join(str(_WORDS[char]) for char in decimals) or 0}")
