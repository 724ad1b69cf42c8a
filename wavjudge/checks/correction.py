"""Where an answer takes back what it said: "B... no, C", "scratch that", 说错了.

Some words take back whatever they follow, even where nothing is said in its place; others ("sorry", "I mean") do so
only where another answer follows. Texts are plain (`writing.plain`): straight quotes, ASCII punctuation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_BREAK = r"(?:[,.;:!?。\s-]+|$)"
_SURELY = re.compile(
    rf"(?:(?<=[,.;:!?。\s-])|^)(?:no|nope|nah)(?:[,\s]+(?:no|nope|wait|sorry|actually))*(?:[,.;:!?。-]\s*|\s+-\s*|\s*$)"
    r"|(?<=[A-Z])\s+no\s+(?=(?:it's\s+|option\s+)?[A-Z]\b)"
    rf"|\b(?:no,? wait|wait,? no|no,? sorry|no,? actually|scratch that|strike that|i misspoke|on second thoughts?"
    rf"|on reflection|my (?:mistake|bad)|i take (?:that|it) back|never mind|correction"
    rf"|let me (?:correct|reconsider|rephrase|fix|change|redo|restate)(?: (?:that|it|this|myself|my answer))?"
    rf"|(?:forget|ignore|cancel|disregard) (?:that|it)|i stand corrected|i was wrong|that's (?:wrong|not (?:right|it))"
    rf"|i meant|make (?:that|it)|hold on|oops"
    rf"|(?:change|switch) (?:that|it|my (?:answer|choice|mind))(?:\s+to)?)\b{_BREAK}"
    rf"|(?:[哦啊噢呃嗯]?不(?:对|是|不)*|(?:说|搞|弄|选|答)?错了|口误|更正(?:一下)?|纠正(?:一下)?){_BREAK}"
    r"|改(?:成|选|为)|换成|收回",
    re.IGNORECASE,
)
"""Words that take back what stands before them."""
_PERHAPS = re.compile(
    rf"\b(?:h+m+|u+h+m*|u+m+|e+r+m*|(?:just )?kidding"
    rf"|sorry|apologies|pardon(?: me)?|excuse me|wait|i mean|(?:or )?rather|then again)\b{_BREAK}"
    r"|\bactually(?=,? (?:it's|it is|no\b|the (?:correct |right )?answer|i (?:think|choose|pick|meant)|[A-Z]\b))"
    r"[\s,.:-]*"
    r"|\b(?:at first|first|initially|originally|was going to|almost|nearly)\b[^.!?]{0,60}?,?\s+but\b[\s,]*"
    rf"|(?:等等|等一下|等下|抱歉|对不起|不好意思|算了|哎呀|唉){_BREAK}"
    r"|(?:准确|确切|正确)地?(?:说|讲)(?:应该)?|应该(?:说)?(?=是)|(?:本来|原来|一开始|起初|刚才|最初)[^。!?]{0,30}?(?:但|后来|现在)(?:还是|是)?",
    re.IGNORECASE,
)
"""Words that take it back where another answer follows."""
_IT_IS = re.compile(r"^(?:那|应该|就|还)*是(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Correction:
    """Words that take something back: what stands before and behind them, and whether they do so in any case."""

    before: str
    after: str
    surely: bool


def corrections(text: str) -> Iterator[Correction]:
    """Every place at which an answer may start anew, the last one first.

    >>> next(corrections("It's B. Scratch that, C.")).after
    'C.'
    >>> list(corrections("It's B."))
    []
    """
    places = [(found, surely) for rule, surely in ((_SURELY, True), (_PERHAPS, False)) for found in rule.finditer(text)]
    for found, surely in sorted(places, key=lambda place: (place[0].end(), place[0].start()), reverse=True):
        yield Correction(text[: found.start()], _IT_IS.sub("", text[found.end() :]), surely)
