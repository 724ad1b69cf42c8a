"""From the text of a reply to a verdict, or to the reason why there is none.

The rule, version `PARSER_VERSION` (part of every judge signature):

1. The justification is taken out first; what stands inside it is never a verdict. Left open, it swallows the rest.
2. Of the tags declared in the prompt's head, the last one outside the justification counts.
3. Its content must be one plain number, optionally bold (`**4**`) or over the scale's own top (`4/5`).
4. A number off the scale is unparseable. Nothing is clamped, guessed or filled in.
5. A reply that says that it heard nothing is `not_heard`, even with a score; a refusal without verdict is `refused`.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass

from wavjudge.judge.prompts import Prompt, PromptAxis
from wavjudge.types import Status

PARSER_VERSION = 1

_JUSTIFICATION = re.compile(r"<\s*justification\s*>(.*?)(?:<\s*/\s*justification\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_NUMBER = re.compile(r"(?:\*\*)?\s*([+-]?\d{1,6}(?:\.\d{1,6})?)\s*(?:/\s*(\d{1,6}(?:\.\d+)?))?\s*(?:\*\*)?", re.ASCII)
_LONGEST_NUMBER = 60  # with its bold and its spaces; a longer one is none, and backtracking over it costs time

# Phrases of replies that did not hear. The judge must speak of itself and of a recording: "I cannot hear any background
# noise" did hear; so did "the assistant says it cannot play audio"; what stands in quotation marks is another's word.
_CANNOT = (
    r"(?:can(?:'?t|\s?not)|could(?:n't| not)|(?:un|not )able to"
    r"|(?:don't|do not) have (?:the )?(?:ability|capability) to)"
)
_I = (
    r"(?:\b(?:I|we)(?:'m| am|'re| are| was| were)?(?: still| also| \w+ly)? "
    r"|\bI(?:'m| am) an? [\w -]{0,40}(?:and|so|that|which) "
    r"|(?:^|[.!?:>\n] ?)(?:(?:sorry|unfortunately|apologies),? (?:but )?)?)"
)
_LISTEN = r"(?:listen to|hear|process|access|play|open|receive|analy[sz]e)"
_THE = r"(?:any|the|this|that|these|your|an?|actual|provided|attached|spoken|answer(?:'s)?)"
_FLAW = r"(?:artifact|artefact|noise|glitch|distortion|defect|problem|issue|flaw|error|effect|cue|quality|clipping)"
_SOUND = rf"(?:audio|recording|sound|speech|voice|clip|wav)s?\b(?!\s+(?:{_FLAW}|clearly|well\b))"
_FILE = rf"(?:audio|recording|sound file|clip|wav)s?\b(?: file| clip)?s?(?!\s+{_FLAW})"
_NOT_HEARD = re.compile(
    rf"{_I}{_CANNOT}(?: \w+ly)? {_LISTEN} (?:{_THE} )*{_SOUND}"
    rf"|\bno {_FILE} (?:(?:is|was|were|has been|have been) )?(?:provided|attached|included|received|supplied|uploaded)"
    rf"|\bI (?:do|did)(?:n't| not) (?:see|receive|have|find an?y?) (?:{_THE} )*{_FILE}"
    rf"|\b(?:have no|having no|without|(?:don't|do not) have|lack) access to (?:{_THE} )*{_FILE}"
    rf"|\b{_FILE} (?:could not|couldn't|cannot|can't) be (?:played|processed|accessed|opened|loaded|decoded)"
    r"|\bas an? (?:AI )?text[- ](?:based|only) (?:AI|LLM|(?:large )?language model|model|assistant|judge|system)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r'"[^"]{0,400}"|\u201c[^\u201d]{0,400}\u201d')
_REFUSED = re.compile(
    rf"\bI(?:'m| am) (?:sorry|afraid)\b.{{0,40}}\b{_CANNOT}"
    rf"|\bI(?:'m| am)? (?:{_CANNOT}|won't|will not|must decline)\b.{{0,20}}"
    r"\b(?:assist|help|comply|rate|evaluate|judge|do that|fulfil|provide|continue|score|identify)",
    re.IGNORECASE | re.DOTALL,
)


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
    """What a reply holds: one outcome per axis name, and the judge's reasons."""

    outcomes: dict[str, Verdict | Unscored]
    justification: str | None


def parse(text: str, prompt: Prompt, *, heard: bool = True) -> Parsed:
    """Read a reply by the prompt that asked for it.

    `heard` says whether audio was sent at all: a transcript-only judge may well say that it hears nothing.

    >>> from wavjudge.judge.prompts import load_all
    >>> p = load_all()["semantic"]
    >>> parse("<justification>I first thought <score>2</score></justification><score>4</score>", p).outcomes
    {'semantic': Verdict(score=4.0)}
    >>> parse("<score>6</score>", p).outcomes["semantic"].reason
    'got 6 in <score>, which is off the scale 1..5'
    """
    text = text.replace("\u2019", "'")
    found = [match.group(1).strip() for match in _JUSTIFICATION.finditer(text)]
    outside = _JUSTIFICATION.sub(" ", text)
    whole = _without_verdict(text, outside, prompt, heard)
    outcomes = {axis.name: whole or _read(outside, axis) for axis in prompt.axes}
    return Parsed(outcomes, "\n".join(part for part in found if part) or None)


def _without_verdict(text: str, outside: str, prompt: Prompt, heard: bool) -> Unscored | None:
    if not text.strip():
        return Unscored("unparseable", "got an empty reply")
    if heard and (said := _NOT_HEARD.search(_QUOTED.sub('""', text))):
        return Unscored("not_heard", f"the reply says {_quote(said.group(0))}")
    if not any(_tagged(outside, axis) for axis in prompt.axes) and (said := _REFUSED.search(text)):
        return Unscored("refused", f"the reply says {_quote(said.group(0))}")
    return None


def _read(outside: str, axis: PromptAxis) -> Verdict | Unscored:
    contents = _tagged(outside, axis)
    if not contents:
        return Unscored("unparseable", f"got no <{axis.tag}> outside the justification in {_quote(outside)}")
    content = contents[-1].strip(string.whitespace)
    match = _NUMBER.fullmatch(content) if len(content) <= _LONGEST_NUMBER else None
    if match is None or (match.group(2) is not None and float(match.group(2)) != axis.high):
        return Unscored("unparseable", f"got {_quote(contents[-1])} in <{axis.tag}>, expected one number")
    score = float(match.group(1))
    if not axis.low <= score <= axis.high:
        return Unscored(
            "unparseable", f"got {match.group(1)} in <{axis.tag}>, which is off the scale {axis.low:g}..{axis.high:g}"
        )
    return Verdict(score)


def _tagged(outside: str, axis: PromptAxis) -> list[str]:
    """What stands between each opening tag and the next closing one; one pass, however often a reply repeats itself."""
    contents, start = [], None
    for tag in re.finditer(rf"<\s*(/\s*)?{axis.tag}\s*>", outside, re.IGNORECASE | re.ASCII):
        if start is None and not tag[1]:
            start = tag.end()
        elif start is not None and tag[1]:
            contents.append(outside[start : tag.start()])
            start = None
    return contents


def _quote(text: str) -> str:
    text = " ".join(text.split())
    return f'"{text[:117]}..."' if len(text) > 120 else f'"{text}"'
