"""Which places of a reply stand in quotation marks, as somebody else's words."""

# ruff: noqa: RUF001 - signs of other scripts are what this is about

from __future__ import annotations

import re
from bisect import bisect_right

_MARK = re.compile(r"[\"“”„«»「」『』\n]")
_CLOSES = {'"': '"', "“": "”", "„": "“”", "«": "»", "「": "」", "『": "』"}
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
