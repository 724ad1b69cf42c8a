"""Did the judge hear? Its own word in the `heard` tag, and the audio tokens that the provider counted."""

# ruff: noqa: RUF001 - signs of other scripts are what this is about

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Literal

from wavjudge.judge.phrases import says_not_heard

TAG = "heard"
FORM = "yes or no"
"""What stands in the tag of the form that is asked for; sent back, it says nothing."""

DETAIL = "hearing"
"""The name of what is known of it among the details of a rating, and of the column of a table."""

COUNTED, SAID, NOT_VERIFIED = "audio tokens counted", "judge says it heard", "not verified"

_YES = (
    "yes|yeah|yep|y|true|heard|是的|是|听到了|听到|听见了|听见|听到|聽到了|聽到|能听到|可以听到|能|有|对|對|"
    "ja|oui|sí|si|sim|да|はい|네|예|hai"
)
_NO = (
    "no|nope|n|false|none|否|不是|不能|不|没有听到|没听到|没有|没|沒有聽到|沒有|沒|未听到|未|听不到|听不见|聽不到|"
    "无法听到|无|無|nein|non|não|nao|нет|いいえ|아니요|아니오|not heard"
)
_ANSWER = re.compile(rf"(?:(?P<yes>{_YES})|(?P<no>{_NO}))(?P<more>\s*[,.;:!。，；：！、(—–-].*)?")
_FLAW = (
    r"(?:\w+ )?(?:problem|issue|trouble|difficult|nois|distort|glitch|doubt|arti?fact|artefact|interrupt|background)"
)
_NEGATION = re.compile(rf"\b(?:no|not|none|cannot|nein|nicht|non|pas)\b(?!\s+{_FLAW})|[否没沒未]|听不|无法")
_AGREEMENT = re.compile(r"\b(?:yes|ja|oui|sí)\b|是的")
_NO_AUDIO = re.compile(r"(?:no|not|none|did not|didn't|could not|couldn't|cannot|can't)\b.{0,40}\b(?:hear|heard|audio|"
                       r"recordings?|sound)")  # fmt: skip

Heard = Literal["yes", "no", "both"]


def said_in(contents: Iterable[str]) -> Heard | None:
    """What the tags of a reply say together; `both` where they contradict each other, None where they say nothing.

    >>> said_in(["Yes."]), said_in(["否"]), said_in(["yes", "no"]), said_in(["yes or no"]), said_in([])
    ('yes', 'no', 'both', None, None)
    """
    found = {answer for answer in map(_answer, dict.fromkeys(contents)) if answer is not None}
    return "both" if len(found) > 1 else next(iter(found), None)


def verified(said: Heard | None, audio_tokens: int | None) -> str:
    """What shows that the recordings reached the judge, in words; a count is stronger than the judge's own word."""
    shown = [COUNTED] if audio_tokens else []
    return ", ".join([*shown, *([SAID] if said == "yes" else [])]) or NOT_VERIFIED


def _answer(content: str) -> Heard | None:
    text = unicodedata.normalize("NFKC", content[:200]).casefold()
    text = "".join(char for char in text if unicodedata.category(char) != "Cf").strip(" \t\r\n*_`\"'“”‘’「」()[].。!")
    if text in (FORM, "yes/no", "yes|no", "yes / no", "yes | no"):
        return None
    found = _ANSWER.fullmatch(text)
    if found is None:
        return "no" if _NO_AUDIO.match(text) or says_not_heard(text) else None
    more = found["more"] or ""
    if found["yes"]:
        return "both" if _NEGATION.search(more) else "yes"
    return "both" if _AGREEMENT.search(more) else "no"
