"""Reasoning, in every form in which it gets into a reply, is taken out before anything is read.

Models and servers mark it by tags (`<think>`, `<seed:think>`, `<analysis effort="high">`), brackets (`[THINK]`),
control tokens (`<|START_THINKING|>`, `<|inner_prefix|>`), or channels (`<|channel|>analysis`, Gemma's
`<|channel>thought`), and often only half of the marks arrive: a chat template wrote the opening one, a limit cut the
closing one off. So: what is open stays open to the end, and a closing mark without an opening one makes everything
before it reasoning. Reasoning that the provider puts into a field or a part of its own never gets here.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from wavjudge.judges.reading.tags import folded, plain_name, tags

_STEMS = re.compile(
    r"think(?!able)|thought(?!ful|less)|reason(?!abl)|rationale|analy[sz]|scratch|reflect|deliberat|monolog"
    r"|contempl|ponder|ruminat|meditat|brainstorm|consider|critique|draft"
    r"|chain[_ -]?of|(?<![a-z])cot(?![a-z])|(?<![a-z])(?:inner|internal)(?![a-z])"
    r"|^plan(?:ning)?$|^workings?$"
    r"|思考|思维|思維|思索|推理|分析|反思|考え|생각|추론|denk|überleg|raisonn|(?<![a-z])pens[ée]|pensam|razona|размыш|рассужд"
)
_ENDS = re.compile(r"(?<![a-z])(?:end|stop|close|suffix)(?![a-z])")
_BOUNDS = re.compile(r"(?<![a-z])(?:start|begin|open|prefix|end|stop|close|suffix|of)(?![a-z])|[^\w:]|_")
_NUMBERED = {"unused94": ("think", "open"), "unused95": ("think", "close"),
             "unused16": ("think", "open"), "unused17": ("think", "close")}  # fmt: skip

_IN_BRACKETS = (
    "think|thinking|thought|thoughts|reasoning|analysis|scratchpad|reflection|thought_process|chain_of_thought|cot"
)
_BRACKETS = (  # in small letters only where a line begins: "[thinking]" is also what a transcript calls a pause
    rf"\[/(?i:{_IN_BRACKETS})\]|\[(?:{_IN_BRACKETS.upper()}|unused\d\d)\]|^\s{{0,4}}\[(?:{_IN_BRACKETS})\]"
)
_MARK = re.compile(
    r"(?:<\|start\|>)?\s{0,2}(?:assistant)?\s{0,2}"
    r"<\|channel\|?>\s{0,4}(?P<channel>\w{0,30})[^<\n]{0,60}(?:<\|message\|>)?"
    r"|\bto=(?P<recipient>\w{1,30})<\|message\|>"
    r"|<\|(?P<pipe>[^<>|]{1,60})\|?>"
    r"|<(?P<pipe_end>[^<>|\s/]{1,60})\|>"
    r"|<\s*+(?P<slash>/\s*+)?+(?P<tag>[^\s<>/|]{1,60}+)(?P<rest>[^<>]*+)(?:>|(?=<)|\Z)"
    rf"|(?P<bracket>{_BRACKETS})"
    r"|(?:&lt;|\\u003c)\s{0,4}(?P<escaped>/?[\w:.-]{1,40})[^<>&\\]{0,80}(?:&gt;|\\u003e)"
    rf"|^[ \t]{{0,3}}```[ \t]{{0,3}}(?P<fence>(?:{_IN_BRACKETS})\b|[ \t]*$)"
    r"|(?i:here(?:'s| is) my (?P<prose>thought process|response):)",
    re.MULTILINE,
)
_GLUED = re.compile(r"\s*(?:analysis|commentary)(?=[^\sa-z:,.;)\]*_-])")
_GLUED_FINAL = re.compile(r"assistant\s?final(?![a-z])")
_ATTRIBUTE = re.compile(r"(?:type|class|name|kind|role|id|channel)\s*=\s*[\"']?([^\"'>\s]{1,40})")
_QUIET = ("prose", "fence", "<")  # families whose closing marks are ordinary text where nothing is open
_MESSAGE_ENDS = frozenset({"end", "return", "call", "start", "eom", "eot", "eot_id", "im_end", "end_of_turn"})
_SPOKEN = ("final", "response", "answer", "user")

_Kind = Literal["open", "close", "end", "final"]


@dataclass(frozen=True, slots=True)
class _Event:
    """A mark: `open` and `close` of a family, `end` of a message, or `final`: what follows is said aloud."""

    kind: _Kind
    family: str
    start: int
    end: int
    token: bool = False


def without_reasoning(text: str, declared: Collection[str] = ()) -> str:
    """The text without its reasoning. declared: names of tags that are the prompt's own, whatever they sound like.

    >>> without_reasoning("<think>3?</think><score>4</score>")
    ' <score>4</score>'
    >>> without_reasoning("3, I guess.</think>4"), without_reasoning("4<|channel|>analysis<|message|>3")
    ('4', '4')
    """
    cut = _Cut(text)
    closed = deque(_closed_justifications(text) if "justification" in declared else ())
    for event in _events(folded(text), frozenset(declared)):
        while closed and closed[0][1] <= event.start:
            closed.popleft()
        is_word = closed and cut.since <= closed[0][0] <= event.start and not cut.open
        if not is_word:
            cut.meet(event)
    return cut.rest()


def _closed_justifications(text: str) -> Iterator[tuple[int, int]]:
    """Each closed justification: outside of reasoning, marks in it are words that a speaker said."""
    since: int | None = None
    for tag in tags(text):
        if tag.name == "justification":
            if tag.closing and since is not None:
                yield since, tag.start
            since = None if tag.closing else tag.end


@dataclass(slots=True)
class _Cut:
    """What is kept of a text while its marks go by."""

    text: str
    kept: list[str] = field(default_factory=list)
    since: int = 0
    open: list[_Event] = field(default_factory=list)
    families: Counter[str] = field(default_factory=Counter)
    last_end: int = 0

    def meet(self, event: _Event) -> None:
        {"open": self._open, "close": self._close, "end": self._end, "final": self._forget}[event.kind](event)
        self.last_end = event.end

    def rest(self) -> str:
        return "".join(self.kept) + ("" if self.open else self.text[self.since :])

    def _open(self, event: _Event) -> None:
        if not self.open:
            self.kept.append(self.text[self.since : event.start])
        elif self.open[-1].family == event.family and not self.text[self.last_end : event.start].strip():
            return  # written by the chat template, and by the model once more
        self.open.append(event)
        self.families[event.family] += 1

    def _close(self, event: _Event) -> None:
        if self.families[event.family]:
            while self._pop() != event.family:
                pass
            self.since = event.end
            self.kept.append(" ")
        elif not self.open and not event.family.startswith(_QUIET):
            self._forget(event)

    def _end(self, event: _Event) -> None:
        if self.open and self.open[0].token:
            while self.open:
                self._pop()
            self.since = event.end

    def _forget(self, event: _Event) -> None:
        """All before it was reasoning."""
        self.kept.clear()
        self.open.clear()
        self.families.clear()
        self.since = event.end

    def _pop(self) -> str:
        family = self.open.pop().family
        self.families[family] -= 1
        return family


def _events(text: str, declared: frozenset[str]) -> Iterator[_Event]:
    glued = _GLUED.match(text)
    if glued:  # a server that drops control tokens leaves their names: "analysisThe user wants ... assistantfinal4"
        yield _Event("open", "channel", glued.start(), glued.end(), token=True)
        finals = list(_GLUED_FINAL.finditer(text))
        if finals:
            yield _Event("final", "channel", finals[-1].start(), finals[-1].end())
    after = finals[-1].end() if glued and finals else 0
    for mark in _MARK.finditer(text, after):
        if event := _event(mark, declared):
            yield event


def _event(mark: re.Match[str], declared: frozenset[str]) -> _Event | None:
    start, end = mark.span()
    speaker = mark["channel"] if mark["channel"] is not None else mark["recipient"]
    if speaker is not None:
        return _Event("final" if speaker.lower().startswith(_SPOKEN) else "open", "channel", start, end, token=True)
    if mark["prose"] or mark["fence"] is not None:
        return _plain_mark(mark)
    if mark["pipe_end"] == "channel":
        return _Event("close", "channel", start, end)
    bracket = (mark["bracket"] or "").strip(" \t\n[/]")
    name = plain_name(mark["pipe"] or mark["pipe_end"] or mark["tag"] or mark["escaped"] or bracket)
    if mark["tag"] and name not in declared and (found := _by_attribute(mark, name)):
        return found
    if mark["pipe"] and name in _MESSAGE_ENDS:
        return _Event("end", "", start, end)
    family, kind = _NUMBERED.get(name) or (_family(name), "open")
    if not family or name in declared or (mark["rest"] or "").endswith("/"):
        return None
    slash = mark["slash"] or mark["pipe_end"] or (mark["bracket"] or mark["escaped"] or name).startswith(("/", "[/"))
    closing = kind == "close" or slash or _ENDS.search(name)
    return _Event("close" if closing else "open", family, start, end, token=bool(mark["pipe"]))


def _plain_mark(mark: re.Match[str]) -> _Event:
    """Granite's sentences, or a fence named after reasoning."""
    if mark["prose"]:
        kind: _Kind = "open" if mark["prose"].lower().startswith("thought") else "close"
        return _Event(kind, "prose", *mark.span())
    return _Event("open" if mark["fence"].strip() else "close", "fence", *mark.span())


def _by_attribute(mark: re.Match[str], name: str) -> _Event | None:
    """`<details type="reasoning">` and its like, up to the closing tag of that name."""
    if _family(name):
        return None
    if mark["slash"]:
        return _Event("close", f"<{name}", *mark.span())
    said = _ATTRIBUTE.search(mark["rest"])
    return _Event("open", f"<{name}", *mark.span()) if said and _family(plain_name(said[1])) else None


@lru_cache(maxsize=4096)
def _family(name: str) -> str:
    """What opens and closes under one name, empty for a mark of something else: a mark is closed by its own alone.

    >>> _family("START_THINKING".lower()) == _family("end_thinking") == "thinking", _family("score")
    (True, '')
    """
    return _BOUNDS.sub("", name) if _STEMS.search(name) else ""
