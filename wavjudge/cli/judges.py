"""`wavjudge judges`: what can stand behind --judge."""

from __future__ import annotations

import json
import os
from typing import Annotated, Any

import typer

from wavjudge.cli.console import console


def judges(
    kind: Annotated[str | None, typer.Argument(help="Show the options of this kind.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """List the kinds of judges, whether their key is set, and their options."""
    from rich import box
    from rich.table import Table

    from wavjudge.clients.spec import load_named
    from wavjudge.errors import InputError
    from wavjudge.judge.build import KINDS

    if kind is not None and kind not in KINDS:
        raise InputError(f"got the judge kind {kind!r}, expected one of {sorted(KINDS)}")
    if json_:
        typer.echo(json.dumps({name: {"example": k.example, "about": k.about, "options": _options(k.options)}
                               for name, k in KINDS.items() if kind in (None, name)}))  # fmt: skip
        return
    screen, table = console(), Table(box=box.SIMPLE_HEAD)
    if kind is not None:
        screen.print(f"{KINDS[kind].example}\n{KINDS[kind].about}\n")
        for column in ("option", "default", "meaning"):
            table.add_column(column, overflow="fold")
        for option in _options(KINDS[kind].options):
            table.add_row(option["name"], option["default"], option["meaning"])
        screen.print(table)
        return
    for column in ("SPEC", "what it is", "key"):
        table.add_column(column, overflow="fold")
    for one in KINDS.values():
        table.add_row(one.example, one.about, _key(one.keys))
    screen.print(table)
    for name, spec in load_named().items():
        screen.print(f"@{name}  {spec}   (wavjudge.toml)", soft_wrap=True)
    screen.print("Options follow the name: openai:NAME?temperature=1&transcript=none")
    screen.print("`wavjudge judges KIND` lists them.")


def _options(models: tuple[Any, ...]) -> list[dict[str, str]]:
    fields = {name: field for model in models for name, field in model.model_fields.items()}
    return [
        {"name": name, "default": _default(field.default), "meaning": field.description or _kind(field.annotation)}
        for name, field in fields.items()
    ]  # fmt: skip


def _default(value: object) -> str:
    return "not set" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _kind(annotation: object) -> str:
    from typing import get_args

    choices = [str(choice) for choice in get_args(annotation) if isinstance(choice, str)]
    inner = [choice for part in get_args(annotation) for choice in get_args(part) if isinstance(choice, str)]
    if choices or inner:
        return " | ".join(choices or inner)
    names = [part.__name__ for part in (get_args(annotation) or (annotation,)) if isinstance(part, type)]
    plain = {"bool": "true | false", "float": "number", "int": "whole number", "str": "text"}
    return ", ".join(plain[name] for name in names if name in plain)


def _key(names: tuple[str, ...]) -> str:
    if not names:
        return "not needed"
    return next((f"{name} is set" for name in names if os.environ.get(name)), f"{' or '.join(names)} not set")
