"""What somebody types: numbers are finite (`nan` is a float, and each range lets it through) and have a decimal point;
an option that is missing says what could stand there.

Done once for all commands, those that are added later included, because a single option is easily forgotten.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Mapping
from typing import Any

from wavjudge.cli.groups import Commands


class CheckedParameters(Commands):
    """The root of the commands, below which every option and argument is checked so."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        _check_all(self.commands)


def _check_all(commands: Mapping[str, Any]) -> None:
    for command in commands.values():
        _check_all(getattr(command, "commands", {}))
        for parameter in command.params:
            if parameter.type.name.startswith("float"):
                parameter.type = _finite(parameter.type)
            if parameter.required and parameter.name in _SUCH_AS:
                parameter.type = _with_example(parameter.type, _SUCH_AS[parameter.name])


_SUCH_AS = {
    "judge": "Such as gemini:gemini-3.5-flash, or signals, which needs no key; `wavjudge judges` lists them",
    "candidate": "Such as 'command:python answer.py'; `wavjudge candidates` lists them",
    "labels": "A table of people's ratings: item_id, candidate, axis, rater, score",
}


def _with_example(kind: Any, example: str) -> Any:
    told = copy.copy(kind)
    told.get_missing_message = lambda param, ctx=None: example
    return told


def _finite(kind: Any) -> Any:
    """The same type, named and described as before, that fails for what is not finite."""
    checked, unbounded = copy.copy(kind), copy.copy(kind)  # one type may serve many options
    unbounded.min = unbounded.max = None

    def convert(value: Any, parameter: Any, context: Any) -> float:
        if isinstance(value, str) and re.fullmatch(r"[+-]?\d*,\d+", value):
            kind.fail(f"got {value}, expected a decimal point: {value.replace(',', '.')}.", parameter, context)
        number: float = unbounded.convert(value, parameter, context)
        if not math.isfinite(number):
            kind.fail(f"got {value}, expected a finite number{_range(kind)}.", parameter, context)
        bounded: float = kind.convert(value, parameter, context)
        return bounded

    checked.convert = convert
    return checked


def _range(kind: Any) -> str:
    low, high = getattr(kind, "min", None), getattr(kind, "max", None)
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    return f" from {low:g} on" if low is not None else ""
