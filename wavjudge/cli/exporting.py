"""`wavjudge export`: the flat table of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wavjudge.cli.console import console


def export(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    out: Annotated[Path, typer.Option(help="File to write: .csv or .parquet.")],
) -> None:
    """Write the ratings of a run as one flat table."""
    from wavjudge import api
    from wavjudge.report.export import write

    count = write(api.load(run).rows(), out)
    console(err=True).print(f"{count} ratings written to {out}", soft_wrap=True)
