"""The right name nearest to one that was mistyped, for errors that say what to do."""

from __future__ import annotations

import difflib
import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from wavjudge.errors import InputError

SHOWN = 12
"""Names listed at most."""


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known name that is most like this one, whatever its case; None where none is.

    >>> nearest("Semantik", ["acoustic", "semantic"]), nearest("xyz", ["acoustic"])
    ('semantic', None)
    """
    plain = {one.casefold(): one for one in known}
    found = difflib.get_close_matches(name.casefold(), plain, 1, cutoff)
    return plain[found[0]] if found else None


def meant(name: str, known: Iterable[str], common: Mapping[str, str]) -> str | None:
    """The known name that stands for this one elsewhere (`common`), or is most like it.

    >>> meant("Model", ["candidate", "audio"], {"model": "candidate"}), meant("adio", ["candidate", "audio"], {})
    ('candidate', 'audio')
    """
    known = list(known)
    plain = "_".join(name.casefold().replace("-", " ").split())
    usual = common.get(plain)
    return usual if usual in known else nearest(plain, known)


def listed(names: Iterable[str]) -> str:
    """Names with commas, the first of them where they are many.

    >>> listed(["b", "a"]), listed(map(str, range(14))), listed([])
    ('b, a', '0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 2 more', '(none)')
    """
    all_ = list(names)
    rest = f" and {len(all_) - SHOWN} more" if len(all_) > SHOWN else ""
    return f"{', '.join(all_[:SHOWN])}{rest}" or "(none)"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question with the nearest name, or the known ones.

    >>> did_you_mean("semantik", ["acoustic", "semantic"]), did_you_mean("x", ["acoustic"])
    ('did you mean semantic?', 'known are: acoustic')
    """
    known = list(known)
    near = nearest(name, known)
    return f"did you mean {apart(near, name)[0]}?" if near else f"known are: {listed(known)}"


def likely(name: str, known: Iterable[str]) -> str:
    """The same question where the known names are told already; empty where none is near.

    >>> likely("semantik", ["acoustic", "semantic"]), likely("x", ["acoustic"])
    ('did you mean semantic?', '')
    """
    known = list(known)
    return did_you_mean(name, known) if nearest(name, known) else ""


def of_path(path: str | Path) -> str:
    """What to do about a path that is not there: the first part of it that is missing, and what is like it."""
    here = Path(path)
    while not here.parent.exists() and here.parent != here:
        here = here.parent
    folder = here.parent
    try:
        there = sorted(entry.name for entry in os.scandir(folder) if not entry.name.startswith("."))
    except OSError:
        return "check the path"
    near = nearest(here.name, there)
    rest = Path(path).relative_to(here) if here != Path(path) else Path()
    if near:
        return f"check the path: did you mean {folder / apart(near, here.name)[0] / rest}?"
    where = "the working directory" if folder == Path() else str(folder)
    return f"check the path: {where} has no {here.name!r}, it holds {listed(there)}"


# Names that look the same on a screen and are not: composed and decomposed letters, signs without width, spaces.


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


def known(option: str, got: str, words: tuple[str, ...]) -> None:
    """Refuse a word that the option does not have."""
    if got not in words:
        raise InputError(f"got {option} {got!r}, expected one of {', '.join(words)}", todo=likely(got, words))
