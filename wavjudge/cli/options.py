"""What the texts of options mean."""

from __future__ import annotations

from typing import cast, get_args

from wavjudge.bench.intake import Keep
from wavjudge.clients.identity import OnModelChange
from wavjudge.errors import InputError
from wavjudge.types import OUTCOMES, STATUSES, Outcome, Status


def words(text: str | None) -> list[str] | None:
    """A list by commas; None stays None.

    >>> words("semantic, acoustic"), words(None)
    (['semantic', 'acoustic'], None)
    """
    return None if text is None else [word.strip() for word in text.split(",") if word.strip()]


def statuses(text: str) -> frozenset[Status]:
    """Statuses by commas; "none" is no status at all."""
    named = [word for word in words(text) or [] if word != "none"]
    if unknown := [name for name in named if name not in STATUSES or name == "ok"]:
        raise InputError(
            f"got --retry {unknown}, expected some of {[name for name in STATUSES if name != 'ok']} or none"
        )
    return frozenset(cast(list[Status], named))


def outcomes(text: str) -> frozenset[Outcome]:
    """Outcomes of answers by commas; "none" is no outcome at all."""
    named = [word for word in words(text) or [] if word != "none"]
    known = [name for name in OUTCOMES if name != "ok"]
    if unknown := [name for name in named if name not in known]:
        raise InputError(f"got --retry-answers {unknown}, expected some of {known} or none")
    return frozenset(cast(list[Outcome], named))


def keep(text: str) -> Keep:
    """copy or reference."""
    known("--keep-audio", text, get_args(Keep))
    return cast(Keep, text)


def model_change(text: str) -> OnModelChange:
    """stop or mark."""
    known("--on-model-change", text, get_args(OnModelChange))
    return cast(OnModelChange, text)


def known(option: str, got: str, words: tuple[str, ...]) -> None:
    """Refuse a word that the option does not have."""
    if got not in words:
        raise InputError(f"got {option} {got!r}, expected one of {', '.join(words)}")
