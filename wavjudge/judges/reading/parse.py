"""From the text of a reply to a verdict, or to the reason why there is none.

The rule, version `PARSER_VERSION` (part of every judge signature); docs/prompts.md has it on one page:

1. Reasoning in any form is taken out before anything else is looked at (`reasoning.py`). Left open, it swallows the
   rest; a closing mark without an opening one makes everything before it reasoning.
2. The justification is taken out next; what stands inside it is never a verdict. Left open, it swallows the rest.
3. Outside both, one verdict may stand for each axis. It stands alone (`standing.py`): no other words beside it than a
   label; a tag within a sentence is a mention. The same said twice is one; several different ones are `unparseable`, as
   is one that is only mentioned, quoted, denied, doubted or an example. None of them is picked.
4. The tag must hold one number on the scale (`numbers.py`): decoration, a unit and the scale's own top may stand around
   it, and nothing that leaves a doubt. A tag that is still open at the very end is read only where the reply stopped by
   itself. Of a reply that was cut off, a whole verdict is read if nothing but a justification follows it.
5. Where audio was sent: `not_heard` if the provider counted no audio tokens, or the tag `heard` says no, also beside a
   score. `heard` tags that contradict each other make the reply `unparseable`. A missing one is not a no.
6. What a reply says in free words takes no verdict away. Only where there is none, its sentences (`hearing.py`) tell
   `not_heard` and `refused` from `unparseable`.

A number off the scale is unparseable. Nothing is clamped, guessed or filled in.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from wavjudge.judges.prompts import Prompt, PromptAxis
from wavjudge.judges.reading import hearing
from wavjudge.judges.reading.claims import Quotations, another_score, disowned, is_hedged
from wavjudge.judges.reading.hearing import Heard, says_not_heard, says_refused
from wavjudge.judges.reading.reasoning import without_reasoning
from wavjudge.judges.reading.standing import JUSTIFICATION, Standing
from wavjudge.judges.reading.tags import Tag, read_number, tags
from wavjudge.types import Status

PARSER_VERSION = 2

NO_TAG = "got no <"
"""How the reason begins where a reply lacks the tag of an axis."""

_STOPPED = frozenset(
    {
        "stop",
        "end_turn",
        "stop_sequence",
        "eos",
        "eos_token",
        "eos_id",
        "end",
        "end_of_turn",
        "stop_token",
        "completed",
        "complete",
    }
)
_CUT_OFF = frozenset({"length", "max_tokens", "continuation", "max_output_tokens"})
_FILTERED = frozenset({
    "content_filter", "safety", "recitation", "language", "blocklist", "prohibited_content", "spii", "model_armor",
    "escalation",
})  # fmt: skip
_TOP_BEHIND = re.compile(r"[ *]{0,4}[(\uff08]?(?:/|out of)[ *]{0,4}\d{1,4}(?![\d/])", re.IGNORECASE)
_HAS_NUMBER = re.compile(
    r"\d|[〇零一二两三四五六七八九十]|\b(?:zero|one|two|three|four|five|six|seven|eight|nine|ten)\b", re.IGNORECASE
)
_HEARD_ATTRIBUTE = re.compile(
    rf"<{hearing.TAG}\s{{1,4}}\w{{1,20}}\s?=\s?[\"']?([^<>\"']{{1,40}}?)[\"']?\s{{0,4}}/>", re.IGNORECASE
)
_ATTRIBUTE = re.compile(r"([^\s=<>\"']{1,40})\s{0,4}=\s{0,4}(\"[^\"<>]{0,80}\"|'[^'<>]{0,80}'|[^\s\"'<>]{1,80})")
_OF_SCALE = re.compile(r"max|min|scale|range|of|top|bottom|low|high|from|to", re.IGNORECASE)
_NOT_OF_IT = re.compile(r"confidence|certainty|weight|id|index|version|lang|order|turn", re.IGNORECASE)
_DIGITS = re.compile(r"\d{1,6}(?:\.\d{1,6})?")
_FORM = re.compile(r"[\s*_`]{0,4}(?:N|n|X|x|number|数字|分数)[\s*_`]{0,4}")
_TURN_ENDS = re.compile(
    r"(?:\s{0,4}(?:</[\w:.-]{1,40}>?|<\|[^<>]{1,40}\|?>|<(?:s|eos|eot|end_of_turn|im_end|endoftext|turn\|)>))+\s{0,4}\Z"
)
_FENCE = re.compile(r"```[a-z]{0,12}|[*_`~\s]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A score on the scale of its axis."""

    score: float


@dataclass(frozen=True, slots=True)
class Unscored:
    """Why there is no score."""

    status: Status
    reason: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a reply holds: one outcome per axis name, the judge's reasons, and what it says of hearing."""

    outcomes: dict[str, Verdict | Unscored]
    justification: str | None
    heard: Heard | None = None


@dataclass(slots=True)
class _Found:
    """What one tag holds in a reply.

    contents: each with whether it is only mentioned, by every one of its occurrences. begun: of tags that begin anew
    before they are closed. open: of the one that is left open at the end. attributes: what opening tags say beside
    their name.
    """

    contents: dict[str, bool] = field(default_factory=dict)
    begun: dict[str, None] = field(default_factory=dict)
    open: str | None = None
    open_is_mention: bool = False
    attributes: list[str] = field(default_factory=list)

    def add(self, content: str, *, is_mention: bool) -> None:
        self.contents[content] = self.contents.get(content, True) and is_mention

    def leave_open(self, content: str) -> bool:
        """The last tag is open. Whether an empty one behind a number was meant to close: `<score>4<score>`."""
        is_closing = not content and len(self.begun) == 1 and not self.contents
        self.open = self.begun.popitem()[0] if is_closing else content
        return is_closing

    @property
    def all(self) -> list[str]:
        """Every content but empty ones."""
        return [content for content in (*self.contents, *self.begun, self.open) if content]

    @property
    def said(self) -> list[str]:
        """Every content but empty ones and, beside a verdict that stands, words about the tag itself."""
        said = [content for content in self.all if not _FORM.fullmatch(content)]
        if not any(
            not is_mention and content and not _FORM.fullmatch(content) for content, is_mention in self.contents.items()
        ):
            return said or self.all
        about = {content for content, is_mention in self.contents.items() if is_mention}
        about.update(self.begun, [self.open] if self.open and self.open_is_mention else [])
        return [content for content in said if content not in about or _HAS_NUMBER.search(content)]


@dataclass(frozen=True, slots=True)
class _Outside:
    """A reply outside reasoning and justification: its tags; first: where that of a score begins; last: where the last
    of all ends, left open at the end of the text."""

    text: str
    found: Mapping[str, _Found]
    first: int
    last: int

    @property
    def after(self) -> str:
        return self.text[self.last :]


def parse(
    text: str, prompt: Prompt, *, audio_sent: bool = True, audio_tokens: int | None = None, finish: str | None = None
) -> Parsed:
    """Read a reply by the prompt that asked for it.

    audio_sent: whether there was anything to hear; a transcript-only judge may well say that it hears nothing.
    audio_tokens: as the provider counted them in the request, None where it does not say. finish: why the reply ended,
    in the provider's word; None is not known.

    >>> from wavjudge.judges.prompts import load_all
    >>> p = load_all()["semantic"]
    >>> parse("<think><score>2</score></think><heard>yes</heard><score>4</score>", p).outcomes
    {'semantic': Verdict(score=4.0)}
    >>> parse("<score>6</score>", p).outcomes["semantic"].reason
    'got 6 in <score>, which is off the scale 1..5'
    >>> parse("<score>1</score> is worst, <score>5</score> is best", p).outcomes["semantic"].reason
    'got several verdicts in <score>: "1", "5"; expected one'
    """
    text = text.replace("\u2019", "'")
    declared = frozenset({"justification", hearing.TAG, *(axis.tag for axis in prompt.axes)})
    visible = without_reasoning(text, declared)
    outside, reasons = _without_justification(visible)
    found = _found(outside, declared)
    heard = hearing.said_in(_heard_contents(found)) if audio_sent else None
    if audio_sent and heard is None and hearing.denied_elsewhere(outside):
        heard = "no"
    ended = (finish or "").lower()
    outcomes = {axis.name: _read(found, axis, ended) for axis in prompt.axes}
    whole = _unheard(heard, audio_tokens) if audio_sent else None
    whole = whole or _closed_twice(outside, declared)
    if whole is None and not any(_has_number(found, axis) for axis in prompt.axes):
        whole = _without_verdict(text, visible, ended, audio_sent and heard != "yes")
    return Parsed(
        {name: whole or outcome for name, outcome in outcomes.items()}, "\n".join(filter(None, reasons)) or None, heard
    )


def _unheard(heard: Heard | None, audio_tokens: int | None) -> Unscored | None:
    if audio_tokens == 0:
        return Unscored("not_heard", "the provider counted 0 audio tokens in a request with audio")
    if heard == "both":
        return Unscored("unparseable", f"got both yes and no in <{hearing.TAG}>")
    if heard == "no":
        return Unscored("not_heard", f"the judge says in <{hearing.TAG}> that it did not hear")
    return None


def _closed_twice(outside: str, declared: Collection[str]) -> Unscored | None:
    """A score in front of a `</justification>` that closes nothing: an earlier one was a word that somebody said."""
    scored = False
    for tag in tags(outside):
        if tag.name == "justification" and scored:
            return Unscored("unparseable", "got a score in front of a </justification> that closes nothing")
        scored |= tag.name in declared and tag.name not in ("justification", hearing.TAG)
    return None


def _without_verdict(text: str, visible: str, ended: str, may_be_deaf: bool) -> Unscored | None:
    if ended in _FILTERED:
        return Unscored("refused", f"the provider's filter stopped the reply ({ended})")
    if not text.strip():
        return Unscored("unparseable", "got an empty reply")
    if may_be_deaf and (said := says_not_heard(visible)):
        return Unscored("not_heard", f"the reply says {_quote(said)}")
    if said := says_refused(visible):
        return Unscored("refused", f"the reply says {_quote(said)}")
    return None


def _without_justification(text: str) -> tuple[str, list[str]]:
    """What stands outside every justification, and what stands in them."""
    pieces: tuple[list[str], list[str]] = [], []
    start, is_in = 0, False
    for tag in tags(text):
        if tag.name == "justification" and tag.closing == is_in:
            pieces[is_in].append(text[start : tag.start])
            start, is_in = tag.end, not is_in
    pieces[is_in].append(text[start:])
    outside, inside = pieces
    return JUSTIFICATION.join(outside), [piece.strip() for piece in inside]


def _found(outside: str, declared: Collection[str]) -> _Outside:
    """What stands between each opening tag and the next closing one; an opening one in between begins anew."""
    found = {name: _Found() for name in declared}
    since: dict[str, Tag] = {}
    began: dict[str, int] = {}
    quotations, standing, first, last = Quotations(outside), Standing(outside, declared), len(outside), 0

    def is_mention(start: int, end: int, name: str) -> bool:
        if quotations.hold(start, end) or is_hedged(outside, start):
            return True
        return name != hearing.TAG and not standing.alone(start, end)

    for tag in (tag for tag in tags(outside) if tag.name in found):
        opening, last = since.pop(tag.name, None), tag.end
        if tag.name not in ("justification", hearing.TAG):
            first = min(first, tag.start)
        content = outside[opening.end : tag.start].strip() if opening else ""
        if opening is not None and tag.closing:
            top = _TOP_BEHIND.match(outside, tag.end)  # <score>8</score>/10
            mentioned = is_mention(opening.start, tag.end, tag.name)
            found[tag.name].add(f"{content}{top[0] if top else ''}", is_mention=mentioned)
        elif opening is not None:
            found[tag.name].begun[content] = None
            began[tag.name] = opening.start
        if not tag.closing:
            since[tag.name] = tag
            found[tag.name].attributes.append(tag.attributes)
    for name, opening in since.items():
        was_closed = found[name].leave_open(_without_turn_end(outside[opening.end :]))
        found[name].open_is_mention = is_mention(began[name] if was_closed else opening.start, len(outside), name)
    return _Outside(outside, found, first, len(outside) if since else last)


def _without_turn_end(text: str) -> str:
    """The text without the control tokens and closing tags that end it: `4</s>`, `4<|im_end|>`."""
    near = max(0, len(text) - 200)
    return (text[:near] + _TURN_ENDS.sub("", text[near:])).strip()


def _heard_contents(outside: _Outside) -> list[str]:
    found = outside.found[hearing.TAG]
    in_attributes = [said[1] for said in _HEARD_ATTRIBUTE.finditer(outside.text)]
    left_open = found.open.split("<")[0].split("\n")[0] if found.open else ""
    return [
        *(content for content, quoted in found.contents.items() if not quoted),
        *filter(None, [left_open]),
        *in_attributes,
    ]


def _read(outside: _Outside, axis: PromptAxis, ended: str) -> Verdict | Unscored:
    found = outside.found[axis.tag]
    said = found.said
    if not found.contents and found.open is None:
        return Unscored("unparseable", f"{NO_TAG}{axis.tag}> outside the justification in {_quote(outside.text)}")
    numbers = {read_number(content, axis) for content in said}
    if len(numbers) > 1:
        several = ", ".join(map(_quote, said[:4]))
        return Unscored("unparseable", f"got several verdicts in <{axis.tag}>: {several}; expected one")
    score = next(iter(numbers), None)
    if score is None:
        return Unscored("unparseable", f"got {_quote(''.join(said[:1]))} in <{axis.tag}>, expected one number")
    return _another_said(found, axis, score) or _uncertain(outside, axis, score, ended) or _on_scale(score, axis)


def _another_said(found: _Found, axis: PromptAxis, score: float) -> Unscored | None:
    """An attribute of the tag that gives another number or another scale: <score value="3">4</score>, max="10"."""
    for name, value in _ATTRIBUTE.findall(" ".join(found.attributes)):
        ends = {axis.low, axis.high} if _OF_SCALE.search(name) else {score}
        if _NOT_OF_IT.fullmatch(name):
            continue
        if any(float(number) not in ends for number in _DIGITS.findall(value)):
            return Unscored("unparseable", f"got {_quote(f'{name}={value}')} in the tag <{axis.tag}> of {score:g}")
    return None


def _uncertain(outside: _Outside, axis: PromptAxis, score: float, ended: str) -> Unscored | None:
    """Why one readable number is no verdict: it may go on, be taken back, or be another's."""
    found = outside.found[axis.tag]
    said = set(found.said)
    mentions = [is_mention for content, is_mention in found.contents.items() if content in said]
    if not mentions and (found.begun or ended not in _STOPPED):
        return Unscored("unparseable", f"got <{axis.tag}> left open with {_quote(found.all[0])}: it may go on")
    if all(mentions) if mentions else found.open_is_mention:
        return Unscored("unparseable", f"got <{axis.tag}> only as a mention, a quotation, a doubt or an example: "
                                       "a verdict stands alone")  # fmt: skip
    asked = [name for name in outside.found if name not in ("justification", hearing.TAG)]
    other = another_score(outside.text, outside.last, score, axis, outside.found, alone=len(asked) == 1)
    if other is not None:
        return Unscored("unparseable", f"got {score:g} in <{axis.tag}>, and another score beside it: {_quote(other)}")
    if (words := disowned(outside.text, outside.first, outside.last, outside.found)) is not None:
        return Unscored("unparseable", f"got {score:g} in <{axis.tag}>, and words that take it away: {_quote(words)}")
    if ended in _CUT_OFF | _FILTERED and not _is_only_begun(outside.after, axis):
        return Unscored("unparseable", f"got <{axis.tag}>, and the reply was cut off in the words after it")
    return None


def _is_only_begun(after: str, axis: PromptAxis) -> bool:
    """Whether nothing follows the last tag, or just the beginning of another one."""
    rest = _FENCE.sub("", after).lower()
    return not rest or (re.fullmatch(r"<[/a-z-]*", rest) is not None and not f"<{axis.tag}".startswith(rest))


def _on_scale(score: float, axis: PromptAxis) -> Verdict | Unscored:
    if axis.low <= score <= axis.high:
        return Verdict(score)
    return Unscored("unparseable", f"got {score:g} in <{axis.tag}>, which is off the scale {axis.low:g}..{axis.high:g}")


def _has_number(outside: _Outside, axis: PromptAxis) -> bool:
    numbers = (read_number(content, axis) for content in outside.found[axis.tag].all)
    return any(number is not None and axis.low <= number <= axis.high for number in numbers)


def _quote(text: str) -> str:
    text = " ".join(text.split())
    return f'"{text[:117]}..."' if len(text) > 120 else f'"{text}"'
