"""`wavjudge import`: other projects' files as answers to rate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wavjudge.cli.console import console


def import_(
    format_: Annotated[str, typer.Argument(metavar="FORMAT", help="Format of the source: vstyle, audiojudge.")],
    path: Annotated[Path, typer.Argument(help="File or folder of the source.")],
    out: Annotated[Path, typer.Option(help="New folder; `wavjudge score` takes it as it is.")],
    keep_audio: Annotated[str, typer.Option(help="copy recordings, or reference them where they are.")] = "copy",
) -> None:
    """Turn another project's files into a folder that `wavjudge score` takes."""
    from wavjudge.bench.importers import FORMATS
    from wavjudge.bench.importers.base import write
    from wavjudge.cli.options import keep
    from wavjudge.errors import InputError
    from wavjudge.report.text import printable

    if format_ not in FORMATS:
        raise InputError(f"got the format {format_!r}, expected one of {sorted(FORMATS)}")
    imported = FORMATS[format_](path)
    written = write(imported, out, keep=keep(keep_audio))
    screen = console(err=True)
    found = [f"{written.rows} answers, {written.recordings} recordings"] if written.rows else []
    found += [f"{count} {name}" for name, count in written.ratings.items()]
    screen.print(f"{', '.join(found)} -> {out}", soft_wrap=True)
    for name, count in sorted(imported.unused_fields.items()):
        screen.print(f'field "{name}" is not used ({count} times)')
    for problem in (*imported.bad_rows, *(f"no recording: {missing}" for missing in written.missing)):
        screen.print(printable(problem), soft_wrap=True)
    if not written.rows and not any(written.ratings.values()):
        raise InputError("got not a single usable row", where=str(path))
