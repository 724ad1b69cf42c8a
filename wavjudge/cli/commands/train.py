"""`wavjudge train`: the training recipe (extra `train`)."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wavjudge.cli.groups import Commands
from wavjudge.errors import MissingPartError, pip_install
from wavjudge.nearest import of_path

if TYPE_CHECKING:
    from wavjudge.training.inspection import Inspected

app = typer.Typer(
    cls=Commands, no_args_is_help=True, rich_markup_mode=None,
    help="Train by a judge's word: preferences on text tokens, demonstrations as an anchor.",
)  # fmt: skip


@app.callback()
def _train() -> None: ...


PARTS = ("torch", "torchaudio", "transformers", "accelerate", "trl", "peft")


def with_extra() -> None:
    """Says what to install where a part of the extra is missing, before anything is imported."""
    if missing := [name for name in PARTS if find_spec(name) is None]:
        raise MissingPartError(f"got no {missing[0]}, which training needs", todo=pip_install("wavjudge[train]"))


def before_torch(config: Path) -> None:
    """`InputError` where there is no config, or the speaker's module is nowhere: said before torch and TRL take their
    time to load. What else may be wrong with a config is said when it is read."""
    import tomllib
    from importlib.machinery import PathFinder

    from wavjudge.errors import InputError

    if not config.is_file():
        raise InputError("got no such file", where=str(config), todo=of_path(config))
    try:
        speaker = tomllib.loads(config.read_text(encoding="utf-8"))["model"]["speaker"]
        package = speaker.partition(":")[0].partition(".")[0]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return
    if package and find_spec(package) is None and PathFinder.find_spec(package, [str(Path.cwd())]) is None:
        raise InputError(
            f"got the speaker {speaker!r}, and no module {package!r} here", where=f"{config}, [model]",
            todo="run it from the folder that holds the module; docs/training.md says what a speaker is, "
            "tests/training/tiny.py is a whole one",
        )  # fmt: skip


@app.command("run")
def run(
    config: Annotated[Path, typer.Argument(help="TOML file, see docs/training.md.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check config, rows, judges and checkpoints; load no weights.")
    ] = False,
) -> None:
    """Train; the same command again goes on from the last checkpoint. Several processes: torchrun -m wavjudge ..."""
    with_extra()
    before_torch(config)
    from wavjudge.training.config import read
    from wavjudge.training.launch import prepared, trained

    ready = prepared(read(config))
    if ready.rank == 0:
        typer.echo("\n".join(ready.lines()), err=not dry_run)
    if dry_run:
        ready.close()
        return
    done = trained(ready, told=lambda line: typer.echo(line, err=True))
    if ready.rank == 0:
        typer.echo(str(done))


@app.command("inspect")
def inspect(
    config: Annotated[Path, typer.Argument(help="TOML file of a training, see docs/training.md.")],
    checkpoint: Annotated[Path | None, typer.Option(help="By default the newest whole one.")] = None,
    rows: Annotated[int, typer.Option(min=1, help="Held-out demonstrations for the gradients.")] = 8,
    plot: Annotated[Path | None, typer.Option(help="Draw the change of each token's log-probability.")] = None,
) -> None:
    """Held-out demonstrations under a checkpoint, text and speech apart: change from the base, gradients; and the
    variance of its last rollouts."""
    with_extra()
    before_torch(config)
    from wavjudge.training.config import read
    from wavjudge.training.diagnostics import draw_change
    from wavjudge.training.inspection import inspected

    found = inspected(read(config), checkpoint, rows=rows)
    typer.echo(f"{found.checkpoint}: log-probability of held-out tokens against the base model, nats")
    for row in found.change.summary():
        typer.echo("  " + _figures(row))
    ratio, cosine = (f"{one:.3f}" if one is not None else "none" for one in (found.gradients.ratio,
                                                                             found.gradients.cosine))  # fmt: skip
    typer.echo(f"supervised gradients on {found.rows} of them: text {found.gradients.text_norm:.4f}, "
               f"speech {found.gradients.speech_norm:.4f}, ratio {ratio}, cosine {cosine}")  # fmt: skip
    _say_rollouts(found)
    if plot is not None:
        draw_change(found.change, plot, f"step {found.step}")


def _say_rollouts(found: Inspected) -> None:
    from dataclasses import asdict

    if not found.rollouts:
        typer.echo("variance of rollouts: none was logged; a training on pairs has no rollouts")
        return
    typer.echo(f"rollouts of steps {found.since + 1} to {found.step}, variance within a prompt (points squared):")
    for each in found.rollouts:
        typer.echo("  " + _figures(asdict(each)))


def _figures(row: Mapping[str, float | str | int | None]) -> str:
    """Names and values in one line."""
    return "  ".join(f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
                     for name, value in row.items())  # fmt: skip
