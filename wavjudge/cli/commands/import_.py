"""`wavjudge import`: other projects' files as answers to rate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wavjudge.cli.console import complain, console
from wavjudge.cli.stdout import stdout
from wavjudge.cli.waiting import Waiting
from wavjudge.nearest import likely, of_path

if TYPE_CHECKING:
    from wavjudge.bench.importers.base import Imported, Written

SHOWN_FIELDS = 20


def import_(
    format_: Annotated[str, typer.Argument(metavar="FORMAT", help="Format of the source; a wrong one lists them.")],
    path: Annotated[Path, typer.Argument(help="File or folder of the source.")],
    out: Annotated[Path, typer.Option(help="New folder; `wavjudge run` or `score` takes it as it is.")],
    keep_audio: Annotated[str, typer.Option(help="copy recordings, or reference them where they are.")] = "copy",
    outside: Annotated[
        bool, typer.Option("--outside", help="Take recordings that lie outside the source folder, too.")
    ] = False,
    columns: Annotated[
        list[str] | None, typer.Option(metavar="OURS=THEIRS", help="A column's name, for plain; may be repeated.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print counts and every bad row as JSON.")] = False,
) -> None:
    """Turn another project's files into a folder that `wavjudge run` or `wavjudge score` takes."""
    from wavjudge.bench.importers import FORMATS
    from wavjudge.bench.importers.base import write
    from wavjudge.cli.options import keep
    from wavjudge.errors import InputError

    if format_ not in FORMATS:
        raise InputError(f"got the format {format_!r}, expected one of {', '.join(sorted(FORMATS))}",
                         todo=likely(format_, FORMATS))  # fmt: skip
    if not path.exists():
        raise InputError("got no such file or folder", where=str(path), todo=f"{of_path(path)}; nothing is fetched")
    if columns and format_ != "plain":
        raise InputError(f"got --columns for {format_}, which knows its columns", todo="leave it out, or import plain")
    with Waiting("reading the source") as line:
        imported = _plain(path, columns) if format_ == "plain" else FORMATS[format_](path)
        line.stage("writing what was read")
        written = write(imported, out, keep=keep(keep_audio), outside=outside)
    _told(imported, written, out, as_json=json_)
    if not (written.rows or written.items or written.comparisons or any(written.ratings.values())):
        raise InputError("got not a single usable row", where=str(path))


def _told(imported: Imported, written: Written, out: Path, *, as_json: bool) -> None:
    """What was written, and what was not: the first of it on the screen, all of it as JSON."""
    import json

    from wavjudge.reporting.text import counted

    screen = console(err=True)
    counts = {"items": written.items, "answers": written.rows, "recordings": written.recordings,
              "comparisons": written.comparisons}  # fmt: skip
    found = [f"{count} {name}" for name, count in counts.items() if count]
    found += [f"{count} {name}" for name, count in written.ratings.items()]
    screen.print(f"{', '.join(found)} -> {out}", soft_wrap=True)
    unused = sorted(imported.unused_fields.items())
    for name, count in unused[:SHOWN_FIELDS]:
        screen.print(f'field "{name}" is not used, in {counted(count, "row")}', soft_wrap=True)
    if len(unused) > SHOWN_FIELDS:
        screen.print(f"... and {len(unused) - SHOWN_FIELDS} more fields are not used")
    complain(imported.bad_rows)
    complain(written.missing, what="missing recording")
    if as_json:
        whole = {"out": str(out), **counts, "ratings": written.ratings, "unused_fields": dict(unused),
                 "bad_rows": imported.bad_rows, "missing_recordings": written.missing}  # fmt: skip
        typer.echo(json.dumps(whole), file=stdout())


def _plain(path: Path, columns: list[str] | None) -> Imported:
    from wavjudge.bench.importers import plain
    from wavjudge.errors import InputError

    pairs = [column.partition("=") for column in columns or ()]
    if wrong := ["".join(pair) for pair in pairs if not (pair[0] and pair[2])]:
        raise InputError(f"got --columns {wrong[0]!r}, expected OURS=THEIRS")
    return plain.read(path, {ours.strip(): theirs.strip() for ours, _, theirs in pairs})
