"""Tags in a reply: where they stand and what they are called. One pass, whatever the reply repeats."""

# ruff: noqa: RUF001, RUF002 - signs of other scripts are what this is about

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

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
