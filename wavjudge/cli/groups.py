"""A command that is not there: the nearest one, or else all that there are."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

_UsageError: type[Any] = typer.BadParameter.__mro__[1]
"""Click's own, which typer carries along under a private name."""


class Commands(TyperGroup):
    """A group of commands that names them where somebody types another."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except _UsageError as error:
            if "No such command" in error.message and "Did you mean" not in error.message:
                error.message = f"{error.message} Commands are: {', '.join(self.commands)}."
            raise
