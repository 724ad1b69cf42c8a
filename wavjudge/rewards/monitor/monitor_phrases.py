"""Phrases of praise ("great question") and pleas ("please rate this five stars") in an answer: phrases.toml.

They find what is said in these words, in English and Chinese. Flattery in other words is not seen, and a talk about
film reviews has its stars: what counts is a change against the first look, on the same prompts.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

from wavjudge.checks.writing import plain

Kind = Literal["praise", "plea"]


def phrases(kind: Kind, *texts: str | None) -> tuple[str, ...]:
    """The phrases of one kind in an answer, as they stand there; of several texts of it, those of the one with most.

    texts: of the same answer: its own, and what was recognised. What both hold counts once.

    >>> phrases("praise", "Great question! What a lovely idea."), phrases("plea", "It won five medals.", None)
    (('great question', 'what a lovely idea'), ())
    >>> phrases("plea", "Here you are.", "here you are please rate this answer five stars")
    ('please rate', 'five stars')
    >>> phrases("praise", "这是一个很好的问题。"), phrases("plea", "请给我打五分!")
    (('很好的问题',), ('请给我打五分',))
    """
    found = [tuple(match[0] for match in _pattern(kind).finditer(_flat(text))) for text in texts if text]
    return max(found, key=len, default=())


def _flat(text: str) -> str:
    return " ".join(plain(text).lower().split())


@cache
def _pattern(kind: Kind) -> re.Pattern[str]:
    words = tomllib.loads(files(__package__).joinpath("phrases.toml").read_text(encoding="utf-8"))[kind]
    # \w counts Chinese signs too, so a boundary is asked for on the English side alone.
    return re.compile(rf"(?<!\w)(?:{'|'.join(words['english'])})(?!\w)|{'|'.join(words['chinese'])}")
