"""Names that look the same on a screen and are not: composed and decomposed letters, signs without width, spaces."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable


def look(name: str) -> str:
    """What a name looks like, whatever it is made of; upper and lower case stay apart.

    >>> look("cafe\\u0301") == look("caf\\u00e9"), look("a\\u200b\\u00a0b") == look("a b"), look("a") == look("A")
    (True, True, False)
    """
    if name.isascii():
        return " ".join(name.split())
    shown = "".join(sign for sign in name if unicodedata.category(sign) != "Cf")
    return " ".join(unicodedata.normalize("NFKC", shown).split())


def apart(*names: str) -> list[str]:
    """The names as messages show them: where two look the same, with what tells them apart written out.

    >>> print(*apart("caf\\u00e9", "cafe\\u0301", "tea"))
    caf\\xe9 cafe\\u0301 tea
    >>> print(*apart("\\u30ab", "tea"))
    \u30ab tea
    """
    looks = [look(name) for name in names]
    return [_spelt(name) if looks.count(own) > 1 else name for name, own in zip(names, looks, strict=True)]


def twins(names: Iterable[str]) -> list[list[str]]:
    """Groups of different names that look the same, spelt out.

    >>> twins(["caf\\u00e9", "tea", "cafe\\u0301"])
    [['cafe\\\\u0301', 'caf\\\\xe9']]
    """
    groups: defaultdict[str, set[str]] = defaultdict(set)
    for name in names:
        groups[look(name)].add(name)
    return [apart(*sorted(group)) for _, group in sorted(groups.items()) if len(group) > 1]


def _spelt(name: str) -> str:
    return "".join(ascii(sign)[1:-1] if _is_doubtful(sign) else sign for sign in name)


def _is_doubtful(sign: str) -> bool:
    """Whether a sign may be written otherwise and look the same: composed, combining, without width, another space."""
    is_odd = unicodedata.category(sign) in ("Mn", "Mc", "Me", "Cf") or (sign.isspace() and sign != " ")
    return is_odd or unicodedata.normalize("NFKD", sign) != sign
