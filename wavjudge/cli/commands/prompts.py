"""`wavjudge prompts`: the prompts, with their hashes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from wavjudge.cli.console import console
from wavjudge.nearest import likely


def prompts(
    name: Annotated[str | None, typer.Argument(help="Print this prompt as the judge gets it.")] = None,
    prompts: Annotated[Path | None, typer.Option(help="Folder of your own prompt files.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """List the prompts with their axes, inputs and hashes, or print one."""
    from rich import box
    from rich.table import Table

    from wavjudge.errors import InputError
    from wavjudge.judges.prompts import load_all
    from wavjudge.judges.render import reply_format

    found = load_all(prompts)
    if name is not None:
        if name not in found:
            raise InputError(f"got the prompt name {name!r}, expected one of {', '.join(sorted(found))}",
                             todo=likely(name, found))  # fmt: skip
        typer.echo(f"{found[name].words}\n\n{reply_format(found[name])}")
        return
    if json_:
        typer.echo(json.dumps([prompt.model_dump(mode="json") | {"hash": prompt.digest} for prompt in found.values()]))
        return
    table = Table(box=box.SIMPLE_HEAD)
    for column in ("prompt", "hash", "axes (tag, scale)", "shown to the judge", "reasons"):
        table.add_column(column, overflow="fold")
    for prompt in found.values():
        axes = "\n".join(f"{axis.name} <{axis.tag}> {axis.low:g}-{axis.high:g}" for axis in prompt.axes)
        shown = ", ".join(_shown(prompt.inputs.model_dump()))
        table.add_row(f"{prompt.name}.{prompt.version}", prompt.digest, axes, shown, prompt.layout.justification)
    console().print(table)


def _shown(inputs: dict[str, object]) -> list[str]:
    names = {"question_text": "question text", "question_audio": "question audio", "answer_audio": "answer audio",
             "reference": "reference", "history": "history"}  # fmt: skip
    shown = [label for key, label in names.items() if inputs[key]]
    return shown if inputs["transcript"] == "none" else [*shown, f"{inputs['transcript']} transcript"]
