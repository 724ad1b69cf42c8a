"""`wavjudge judges`, `candidates`, `voices`, `ears`: what can stand in a SPEC."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wavjudge.cli.console import console
from wavjudge.cli.groups import Commands
from wavjudge.nearest import likely

if TYPE_CHECKING:
    from wavjudge.clients.spec import Kind


_KindName = Annotated[str | None, typer.Argument(help="Show the options of this kind.")]
_Json = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


def judges(kind: _KindName = None, json_: _Json = False) -> None:
    """List the kinds of judges, whether their key is set, and their options."""
    from wavjudge.judges.build import KINDS

    _list("judge", KINDS, kind, json_, "openai:NAME?temperature=1&transcript=none")


def candidates(kind: _KindName = None, json_: _Json = False) -> None:
    """List the kinds of candidates, whether their key is set, and their options."""
    from wavjudge.bench.candidates.build import KINDS

    _list("candidate", KINDS, kind, json_, "command:python answer.py?name=mine&timeout=60")


def voices(kind: _KindName = None, json_: _Json = False) -> None:
    """List the voices that can say what a candidate writes."""
    from wavjudge.speech.tts import TTS_KINDS

    _list("voice", TTS_KINDS, kind, json_, "espeak?words_per_minute=150")


def ears(kind: _KindName = None, json_: _Json = False) -> None:
    """List the ears that can hear for a cascade."""
    from wavjudge.speech.asr import ASR_KINDS

    _list("ear", ASR_KINDS, kind, json_, "openai:NAME?base_url=http://127.0.0.1:8000/v1")


def _list(what: str, kinds: Mapping[str, Kind[Any]], kind: str | None, as_json: bool, example: str) -> None:
    from wavjudge.clients.named import load_named
    from wavjudge.errors import InputError

    if kind is not None and kind not in kinds:
        raise InputError(f"got the {what} kind {kind!r}, expected one of {', '.join(sorted(kinds))}",
                         todo=likely(kind.partition(":")[0], kinds))  # fmt: skip
    if as_json:
        typer.echo(json.dumps({name: {"example": k.example, "about": k.about, "options": _options(k.options)}
                               for name, k in kinds.items() if kind in (None, name)}))  # fmt: skip
    elif kind is not None:
        _show_options(kinds[kind])
    else:
        _show_kinds(kinds)
        for name, spec in load_named().items():
            console().print(f"@{name}  {spec}   (wavjudge.toml)", soft_wrap=True)
        console().print(f"Options follow the name: {example}\n`wavjudge {what}s KIND` lists them.")


def _show_options(kind: Kind[Any]) -> None:
    from rich import box
    from rich.table import Table

    screen, table = console(), Table(box=box.SIMPLE_HEAD)
    screen.print(f"{kind.example}\n{kind.about}\n")
    for column in ("option", "default", "meaning"):
        table.add_column(column, overflow="fold")
    for option in _options(kind.options):
        table.add_row(option["name"], option["default"], option["meaning"])
    screen.print(table)


def _show_kinds(kinds: Mapping[str, Kind[Any]]) -> None:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for column in ("SPEC", "what it is", "key"):
        table.add_column(column, overflow="fold")
    for one in kinds.values():
        table.add_row(one.example, one.about, _key(one.keys))
    console().print(table)


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


# `wavjudge prompts`: the prompts, with their hashes.


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
        name = next((one.name for one in found.values() if name == f"{one.name}.{one.version}"), name)
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


# `wavjudge cache`: the reply cache.

app = typer.Typer(cls=Commands, no_args_is_help=True, help="Look at the reply cache, or empty it.")


@app.command("info")
def info() -> None:
    """Where the cache lies, how many replies it holds, since when."""
    from wavjudge.clients.cache import stats

    found = stats()
    since = found.oldest.date().isoformat() if found.oldest else "-"
    console().print(
        f"{found.path}\n{found.entries} replies, {found.bytes / 1e6:.1f} MB, oldest {since}", soft_wrap=True
    )


@app.command("clear")
def clear(
    older_than_days: Annotated[float | None, typer.Option(min=0, help="Only replies older than this.")] = None,
) -> None:
    """Remove replies; the ratings of runs stay as they are."""
    from datetime import timedelta

    from wavjudge.clients import cache

    removed = cache.clear() if older_than_days is None else cache.remove(timedelta(days=older_than_days))
    console().print(f"{removed} replies removed")
