"""A server may give back the key it was sent, in any part of a reply and in any spelling: taken out before it is kept.

A key is known by any eight characters of it in a row, so half a key beside the other half goes too. Looked for are the
key, its base64 (in all three alignments, both alphabets), its hexadecimal form, and the key written backwards; in the
text itself, and in the text without white space, invisible characters, and the escapes of JSON, URLs and HTML. A key of
fewer than eight characters guards nothing, and taking it out would take the words of a verdict out with it.
"""

from __future__ import annotations

import base64
import functools
import html
import io
import re
from array import array
from dataclasses import replace
from typing import Any

from wavjudge.clients.base import Failure, Reply

NO_KEY = "no-key"
"""Sent where a server wants no key but the SDK insists on one (vLLM and its like)."""
HIDDEN = "[key]"

_RUN = 8
_ESCAPED = re.compile(
    r"(?<!\\)\\+(?:u\{?([0-9a-f]{4})\}?|x([0-9a-f]{2}))|%(?:25)*([0-9a-f]{2})"
    r"|&(?:amp;)*#x0*([0-9a-f]{1,6});|&(?:amp;)*#0*([0-9]{1,7});|(&[a-z]{2,8};)"
    r"|[\s\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]+|\\",
    re.IGNORECASE,
)
"""An escape of one character, or characters that are skipped. A backslash comes last and alone: it may begin an
escape. Only the first of a row of backslashes is tried as the beginning of one: trying each takes time quadratic in the
row, and the rest of the row can succeed nowhere that the first did not."""
_SIGNS = re.compile(r"[\\%&]")
_SKIPPED = {code: None for code in range(0x10000) if re.fullmatch(_ESCAPED, chr(code))}


def without_key(text: str, key: str | None) -> str:
    """The text with each trace of the key replaced.

    >>> without_key("I was sent sk-0123456789abcdef, that is %73k-01234 56789abcdef.", "sk-0123456789abcdef")
    'I was sent [key], that is [key].'
    >>> without_key("c2stMDEyMzQ1Njc4OWFiY2RlZg==", "sk-0123456789abcdef")
    '[key]=='
    """
    if not key or key == NO_KEY or len(key) < _RUN or len(text) < _RUN:
        return text
    runs = _runs(key)
    # The quick way for nearly all texts, which hold no trace of it; only one that does is gone through by character.
    plain = _ESCAPED.sub(_unescaped, text) if _SIGNS.search(text) else text.translate(_SKIPPED)
    folded = plain.casefold()
    if runs.isdisjoint(folded[at : at + _RUN] for at in range(len(folded) - _RUN + 1)):
        return text
    return _replaced(text, runs)


def cleaned(outcome: Reply | Failure, key: str | None) -> Reply | Failure:
    """A reply or failure none of whose words holds the key."""
    names = [name for name in ("text", "finish", "provider_id", "resolved_model", "reason") if hasattr(outcome, name)]
    said = {name: value for name in names if (value := getattr(outcome, name))}
    changed: dict[str, Any] = {
        name: clean for name, value in said.items() if (clean := without_key(value, key)) != value
    }
    if isinstance(outcome, Failure):
        return replace(outcome, **changed)
    if outcome.audio_wav is not None and key and len(key) >= _RUN:
        changed["audio_wav"] = outcome.audio_wav.replace(key.encode(), b"*" * len(key.encode()))
    return replace(outcome, **changed)


@functools.lru_cache(maxsize=16)
def _runs(key: str) -> frozenset[str]:
    """Every eight characters in a row of each of the key's forms, without regard to case."""
    raw = key.encode()
    forms = [key, key[::-1], raw.hex()]
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + raw + b"\0" * (-(len(raw) + before) % 3)).decode()
        # The characters at both ends hold bits of what stands beside the key.
        own = whole[(0, 2, 3)[before] : len(whole) - (0, 3, 2)[-(len(raw) + before) % 3]]
        forms += [own, own.replace("+", "-").replace("/", "_")]
    return frozenset(form[at : at + _RUN].casefold() for form in forms for at in range(len(form) - _RUN + 1))


def _unescaped(found: re.Match[str]) -> str:
    """The character that an escape stands for; nothing for one that is skipped."""
    *hexadecimal, decimal, named = found.groups()
    if named:
        return html.unescape(named)
    number = int(decimal) if decimal else next((int(digits, 16) for digits in hexadecimal if digits), None)
    return "" if number is None or number > 0x10FFFF else chr(number)


def _replaced(text: str, runs: frozenset[str]) -> str:
    """The text with the marked places replaced, each run of them by one word."""
    folded, begins, ends = _characters(text)
    marked = bytearray(len(text))
    for at in range(len(folded) - _RUN + 1):
        if folded[at : at + _RUN] in runs:
            begin, end = begins[at], ends[at + _RUN - 1]
            marked[begin:end] = b"\1" * (end - begin)
    pieces, at = [], 0
    for hidden in re.finditer(rb"\x01+", bytes(marked)):
        pieces += [text[at : hidden.start()], HIDDEN]
        at = hidden.end()
    return "".join([*pieces, text[at:]])


def _characters(text: str) -> tuple[str, array[int], array[int]]:
    """The plain text, folded, and where in the text each of its characters begins and ends."""
    pieces = io.StringIO()  # a string for each character would take ten times as much
    begins, ends = array("I"), array("I")  # four bytes a place: a reply may be long
    at = 0
    for found in _ESCAPED.finditer(text):
        _add_plain(text, at, found.start(), pieces, begins, ends)
        at = found.end()
        if meant := _unescaped(found).casefold():
            pieces.write(meant)
            begins.extend([found.start()] * len(meant))
            ends.extend([at] * len(meant))
    _add_plain(text, at, len(text), pieces, begins, ends)
    return pieces.getvalue(), begins, ends


def _add_plain(text: str, at: int, upto: int, pieces: io.StringIO, begins: array[int], ends: array[int]) -> None:
    """Characters that stand for themselves; a few, such as the German sharp s, are folded to two."""
    if at == upto:
        return
    plain = text[at:upto].casefold()
    if len(plain) == upto - at:  # folding never shortens, so each became one
        pieces.write(plain)
        begins.extend(range(at, upto))
        ends.extend(range(at + 1, upto + 1))
        return
    for place in range(at, upto):
        folded = text[place].casefold()
        pieces.write(folded)
        begins.extend([place] * len(folded))
        ends.extend([place + 1] * len(folded))
