"""Whether a short, closed reference ("Paris", "No", "42 degrees") was said: English, words against words.

Shared words alone cannot tell a wrong fact or a negation from a right answer: "not Paris" holds all of "Paris", and
"the capital is Berlin" three quarters of "the capital is Paris". So three checks stand beside the share, and one that
fails makes the overlap 0: every number of the reference was said, the answer denies exactly if the reference does,
and at least one of its capitalised words was said. What is left over is many: paraphrase, synonyms, and a name the
recogniser spells otherwise all read as misses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wavjudge.signals.words import normal

MAX_REFERENCE_WORDS = 5
NEGATIONS = frozenset(
    ("no", "not", "never", "none", "nobody", "nothing", "nowhere", "neither", "nor", "cannot", "without")
)
REACH = 3
"""Words before the first match in which a negation is taken to deny what was matched."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """The share of reference words found in order, and the name of the first check that failed, or None."""

    share: float
    failed: str | None

    @property
    def value(self) -> float:
        """The share, or 0 when a check failed."""
        return 0.0 if self.failed else self.share


def overlap(reference: str, heard: str) -> Overlap:
    """Compare the words of a reference with the words that were heard. The reference must hold a word.

    >>> overlap("Paris", "It's Paris, of course."), overlap("Paris", "Well, it is not Paris.")
    (Overlap(share=1.0, failed=None), Overlap(share=1.0, failed='negation'))
    >>> overlap("one hundred degrees", "At fifty degrees.").failed
    'number'
    >>> overlap("The capital is Paris", "The capital is Rome").failed
    'name'
    """
    return compared(reference, normal(reference), normal(heard))


def compared(reference: str, wanted: Sequence[str], said: Sequence[str]) -> Overlap:
    """The same of words that are normalised already; the reference as written tells its names."""
    matched = in_order(wanted, said)
    checks = {
        "number": all(word in said for word in wanted if _is_number(word)),
        "negation": _denies(wanted, range(len(wanted))) == _denies(said, matched),
        "name": _names(reference).isdisjoint(wanted) or not _names(reference).isdisjoint(said),
    }
    return Overlap(len(matched) / len(wanted), next((name for name, passed in checks.items() if not passed), None))


def in_order(wanted: Sequence[str], said: Sequence[str]) -> list[int]:
    """Where in `said` the longest run of `wanted` words stands, in their order, others between allowed (LCS).

    >>> in_order(["new", "york"], ["new", "in", "york", "city"]), in_order(["b", "a"], ["a", "c"])
    ([0, 2], [0])
    """
    best: list[list[int]] = [[] for _ in range(len(said) + 1)]
    for word in wanted:
        row: list[list[int]] = [[]]
        for at, other in enumerate(said):
            taken = [*best[at], at] if word == other else []
            row.append(max(best[at + 1], row[at], taken, key=len))
        best = row
    return best[-1]


def _denies(words: Sequence[str], matched: Sequence[int]) -> bool:
    """Whether a negation stands among or shortly before the matched words."""
    return bool(matched) and any(word in NEGATIONS for word in words[max(matched[0] - REACH, 0) : matched[-1] + 1])


def _is_number(word: str) -> bool:
    return any(map(str.isdigit, word))


def _names(reference: str) -> set[str]:
    """Normalised words that the reference writes with a capital letter, its first word included unless it is common."""
    words = {word for raw in reference.split() if raw[:1].isupper() for word in normal(raw)}
    return words - _COMMON


_COMMON = NEGATIONS | frozenset(
    ("a", "an", "the", "this", "that", "these", "those", "there", "here", "i", "it", "he", "she", "they", "we", "you",
     "yes", "is", "are", "was", "were", "will", "would", "can", "could", "do", "does", "did", "in", "on", "at", "to",
     "of", "for", "from", "by", "with", "and", "or", "but", "if", "about", "over", "under", "after", "before", "during")
)  # fmt: skip
