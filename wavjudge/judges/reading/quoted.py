"""Which places of a reply stand in quotation marks, as somebody else's words."""

# ruff: noqa: RUF001 - signs of other scripts are what this is about

from __future__ import annotations

import re
from bisect import bisect_right

_MARK = re.compile(r"[\"“”„«»「」『』\n]")
_CLOSES = {'"': '"', "“": "”", "„": "“”", "«": "»", "「": "」", "『": "』"}
_KEY = r"(?:think|thought|reason|analy|scratch|reflect|draft|justif|思|分析|理由)"
_REASONING_KEY = re.compile(rf'"[^"\n]{{0,40}}{_KEY}[^"\n]{{0,40}}"\s{{0,4}}:', re.IGNORECASE)
_HEDGE = re.compile(
    r"(?:\b(?:not|never|cannot|instead of|rather than|e\.g\.|for example|for instance|such as|about|around|roughly"
    r"|maybe|perhaps|possibly|either)|n't)[ \t]+(?:[\w']+[ \t]+){0,2}$"
    r"|(?:不是|不给|不能给|并非|而非|大约|大概|可能|也许|或许|例如|比如|譬如)是?[ \t]*$",
    re.IGNORECASE,
)
_SINGLE = frozenset("'‘’")


class Quotations:
    """The quotations of a text: both marks on one line, or single marks right around a place.

    What fills the whole text is none of them: so a reply may come in quotation marks itself, or within JSON.

    >>> said = 'It says "five" twice.'
    >>> Quotations(said).hold(9, 13), Quotations(said).hold(0, 2), Quotations('"five"').hold(1, 5)
    (True, False, False)
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._first, self._last = len(text) - len(text.lstrip()), len(text.rstrip())
        self._starts: list[int] = []
        self._ends: list[int] = []
        since: int | None = None
        is_json = text[self._first : self._first + 1] in ("{", "[") and text[self._last - 1 : self._last] in ("}", "]")
        is_json = is_json and not _REASONING_KEY.search(text)
        for mark in () if is_json else _MARK.finditer(text):
            char = mark.group()
            if since is None:
                since = mark.start() if char in _CLOSES else None
            elif char in _CLOSES[text[since]]:
                self._starts.append(since)
                self._ends.append(mark.end())
                since = None
            elif char == "\n":
                since = None

    def hold(self, start: int, end: int) -> bool:
        """Whether the text from start to end stands in a quotation that is not the whole text."""
        around = self._text[start - 1 : start], self._text[end : end + 1]
        if all(mark in _SINGLE for mark in around):
            return (start - 1, end + 1) != (self._first, self._last)
        place = bisect_right(self._starts, start) - 1
        if place >= 0 and end <= self._ends[place]:
            return (self._starts[place], self._ends[place]) != (self._first, self._last)
        return False


def is_hedged(text: str, start: int) -> bool:
    """Whether the words right before a place, on its line, deny it, doubt it, or make an example of it.

    >>> [is_hedged(said, len(said)) for said in ("I would not give ", "Perhaps ", "I give it ", "Not bad at all: ")]
    [True, True, False, False]
    """
    return _HEDGE.search(text[max(0, start - 60) : start].rpartition("\n")[2]) is not None
