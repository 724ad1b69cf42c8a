"""`wavjudge cache`: the reply cache."""

from __future__ import annotations

from typing import Annotated

import typer

from wavjudge.cli.console import console
from wavjudge.cli.groups import Commands

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
