"""What the texts of options mean."""

from __future__ import annotations

from typing import cast, get_args

from wavjudge.bench.ingest import Keep
from wavjudge.bench.rating import INTERNAL
from wavjudge.clients.identity import OnModelChange
from wavjudge.errors import InputError
from wavjudge.nearest import known, likely
from wavjudge.types import OUTCOMES, STATUSES


def words(text: str | None) -> list[str] | None:
    """A list by commas; None stays None.

    >>> words("semantic, acoustic"), words(None)
    (['semantic', 'acoustic'], None)
    """
    return None if text is None else [word.strip() for word in text.split(",") if word.strip()]


def statuses(text: str) -> frozenset[str]:
    """Statuses by commas; "none" is no status at all, `internal` a failure of ours after a reply."""
    named = [word for word in words(text) or [] if word != "none"]
    known = [*(name for name in STATUSES if name != "ok"), INTERNAL]
    if unknown := [name for name in named if name not in known]:
        raise _no_words("--retry", unknown, known)
    return frozenset(named)


def outcomes(text: str) -> frozenset[str]:
    """Outcomes of answers by commas; "none" is no outcome at all, `internal` a loss of ours after an answer."""
    named = [word for word in words(text) or [] if word != "none"]
    known = [*(name for name in OUTCOMES if name != "ok"), INTERNAL]
    if unknown := [name for name in named if name not in known]:
        raise _no_words("--retry-answers", unknown, known)
    return frozenset(named)


def keep(text: str) -> Keep:
    """copy or reference."""
    known("--keep-audio", text, get_args(Keep))
    return cast(Keep, text)


def model_change(text: str) -> OnModelChange:
    """stop or mark."""
    known("--on-model-change", text, get_args(OnModelChange))
    return cast(OnModelChange, text)


def _no_words(option: str, unknown: list[str], words: list[str]) -> InputError:
    return InputError(f"got {option} {', '.join(unknown)}, expected some of {', '.join(words)}, or none",
                      todo=f"{likely(unknown[0], words)} Several are separated by commas".lstrip())  # fmt: skip


# Weights of axes, in one form for all commands: NAME=WEIGHT,NAME=WEIGHT, or one NAME.


def weights_of(text: str, option: str = "--weights") -> dict[str, float]:
    """Weights by axis; `InputError` for another form, and for an axis that is named twice.

    >>> weights_of("semantic=0.7, acoustic=0.3"), weights_of("overall")
    ({'semantic': 0.7, 'acoustic': 0.3}, {'overall': 1.0})
    >>> weights_of("0.7,0.3")
    Traceback (most recent call last):
    ...
    wavjudge.errors.InputError: got --weights '0.7,0.3', expected NAME=WEIGHT,NAME=WEIGHT, such as
    semantic=0.7,acoustic=0.3
    """
    from wavjudge.errors import InputError

    if "=" not in text and "," not in text:
        return {text.strip(): 1.0}
    try:
        pairs = [one.split("=", 1) for one in text.split(",")]
        found = {name.strip(): float(weight) for name, weight in pairs}
    except ValueError as error:
        raise InputError(f"got {option} {text!r}, expected NAME=WEIGHT,NAME=WEIGHT, such as "
                         "semantic=0.7,acoustic=0.3") from error  # fmt: skip
    if len(found) < len(pairs):
        raise InputError(f"got {option} {text!r}, expected each axis once")
    return found
