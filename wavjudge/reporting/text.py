"""Text from outside on its way to a terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u206f\ud800-\udfff"
    r"\U000e0000-\U000e007f]"
)

_PIECE = re.compile(r"[^ |]+[ |]*|[ |]+")


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


def counted(number_of: int, noun: str) -> str:
    """
    >>> counted(1, "answer"), counted(2, "answer")
    ('1 answer', '2 answers')
    """
    return f"{number_of} {noun}{'' if number_of == 1 else 's'}"


def were(number_of: int) -> str:
    """
    >>> were(1), were(2)
    ('was', 'were')
    """
    return "was" if number_of == 1 else "were"


def folded(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` signs, broken after a space or a field of a signature; what is longer
    than a line stays whole.

    >>> folded("overall: openai:gpt-audio-1.5|overall.2#aaaaaaaaaaaa|parse:2|qt,qa,own,aa", 40)
    ['overall: openai:gpt-audio-1.5|', 'overall.2#aaaaaaaaaaaa|parse:2|', 'qt,qa,own,aa']
    """
    lines = [""]
    for piece in _PIECE.findall(one_line(text)):
        if lines[-1] and len(lines[-1] + piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return [line.rstrip() for line in lines]


def say(screen: Console, text: str, *, indent: int = 0, style: str = "") -> None:
    """Print the text folded to the width of the screen, every line of it indented alike."""
    for line in folded(text, screen.width - indent):
        screen.print(" " * indent + line, style=style, soft_wrap=True)
