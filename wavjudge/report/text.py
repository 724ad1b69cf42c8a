"""Text from outside on its way to a terminal."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """The text with control characters made visible: none of it can move the cursor, colour or reverse a line.

    >>> printable("red: \\x1b[31m")
    'red: \ufffd[31m'
    """
    return _CONTROL.sub("\ufffd", text)


def one_line(text: str) -> str:
    """The same for a name or a reason: a line break in it cannot pass for a line of ours.

    >>> one_line("a\\nb")
    'a\ufffdb'
    """
    return printable(text).replace("\n", "\ufffd").replace("\t", " ")
