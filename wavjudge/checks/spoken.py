"""Letters as a voice says them: "option two", "the second option", "option bee"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_LETTERS = {"ay": "A", "bee": "B", "cee": "C", "dee": "D"}
_HOMOPHONES = _LETTERS | {"be": "B", "see": "C", "sea": "C"}
"""Words of their own, which are letters only beside "option" or "letter"."""
_NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight")
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
_CHINESE = "一二三四五六七八"
_END = r"(?=\s*(?:[.,;:!?。]|$|because\b|since\b))"
_SAID = re.compile(rf"\b((?:option|letter)\s+)({'|'.join(_HOMOPHONES)})\b{_END}"
                   rf"|\b((?:answer|choice)(?:\s+is|'s|\s*:)\s+)({'|'.join(_LETTERS)})\b{_END}"
                   rf"|^(\W*)({'|'.join(_LETTERS)})(?=\W*$)", re.IGNORECASE)  # fmt: skip
_NUMBER = rf"(?P<number>[1-8]|{'|'.join(_NUMBERS)})"
_COUNTED = re.compile(
    rf"\b(?:option|choice|answer)(?:\s+is)?\s+(?:the\s+)?(?:option\s+)?(?:number\s+)?{_NUMBER}\b(?![.,]\d)"
    rf"|\bthe\s+(?P<ordinal>{'|'.join(_ORDINALS)}|last)\s+(?:option|choice|answer)\b"
    rf"|\b(?:it's|choose|pick|say|with)\s+the\s+(?P<one>{'|'.join(_ORDINALS)}|last)\s+one\b"
    rf"|^\W*number\s+(?P<alone>[1-8]|{'|'.join(_NUMBERS)})\W*$"
    rf"|(?:选|答案是|选择|是)第(?P<chinese>[{_CHINESE}])[个项]",
    re.IGNORECASE,
)


def spelt(text: str, offered: Mapping[str, str]) -> str:
    """The text with spoken letters as letters, but for words that stand in the options themselves.

    >>> spelt("Option bee.", {"A": "", "B": ""}), spelt("The answer is bee.", {"A": "bee", "B": "wasp"})
    ('Option B.', 'The answer is bee.')
    """
    taken = set(re.findall(r"\w+", " ".join(offered.values()).lower()))

    def letter(found: re.Match[str]) -> str:
        before, word = next((found[at], found[at + 1]) for at in (1, 3, 5) if found[at + 1])
        said = _HOMOPHONES[word.lower()]
        return found[0] if word.lower() in taken or said not in offered else f"{before}{said}"

    return _SAID.sub(letter, text)


def counted(text: str, offered: Mapping[str, str]) -> Iterator[tuple[int, int, str]]:
    """Where an option is named by its place, and its letter; nowhere where options hold numbers themselves.

    >>> list(counted("I'd take option two.", dict.fromkeys("ABCD", "")))
    [(9, 19, 'B')]
    """
    texts = " ".join(offered.values()).lower()
    if re.search(rf"\d|\b(?:{'|'.join((*_NUMBERS, *_ORDINALS))})\b", texts):
        return
    letters = list(offered)
    for found in _COUNTED.finditer(text):
        place = _place(next(value for value in found.groupdict().values() if value).lower(), len(letters))
        if place < len(letters):
            yield found.start(), found.end(), letters[place]


def _place(word: str, size: int) -> int:
    if word == "last":
        return size - 1
    if word.isdecimal():
        return int(word) - 1
    return next(names.index(word) for names in (_NUMBERS, _ORDINALS, _CHINESE) if word in names)
