"""Numbers that somebody types are finite: `nan` and `inf` are floats, and each range lets `nan` through.

Done once for all commands, those that are added later included, because a single option is easily forgotten.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any

from wavjudge.cli.groups import Commands


class FiniteNumbers(Commands):
    """The root of the commands, below which every option and argument that is a float has to be finite."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        _check_all(self.commands)


def _check_all(commands: Mapping[str, Any]) -> None:
    for command in commands.values():
        _check_all(getattr(command, "commands", {}))
        for parameter in command.params:
            if parameter.type.name.startswith("float"):
                parameter.type = _finite(parameter.type)


def _finite(kind: Any) -> Any:
    """The same type, named and described as before, that fails for what is not finite."""
    checked, unbounded = copy.copy(kind), copy.copy(kind)  # one type may serve many options
    unbounded.min = unbounded.max = None

    def convert(value: Any, parameter: Any, context: Any) -> float:
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
