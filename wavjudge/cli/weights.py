"""Weights of axes, in one form for all commands: NAME=WEIGHT,NAME=WEIGHT, or one NAME."""

from __future__ import annotations


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
