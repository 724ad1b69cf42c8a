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


TRL = ("torch", "torchaudio", "transformers", "accelerate", "trl", "peft")
"""What `run` and `inspect` import; the toy needs torch alone."""


def with_extra(*parts: str) -> None:
    """Says what to install where a part of the extra is missing, before anything is imported."""
    if missing := [name for name in parts if find_spec(name) is None]:
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


@app.command("toy")
def toy(
    out: Annotated[Path, typer.Option(help="Folder for toy_recipe.csv, .md and .png.")] = Path("toy"),
    lr: Annotated[list[float] | None, typer.Option(help="Learning rate; may be given again.")] = None,
    seed: Annotated[list[int] | None, typer.Option(help="May be given again; 0, 1, 2 by default.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Of each run; 60 by default.")] = None,
    tied: Annotated[bool, typer.Option("--tied", help="Ids in and out share one table; toy_recipe_tied.")] = False,
    base_lr: Annotated[float | None, typer.Option(help="Learning rate of the base model; 0.003 by default.")] = None,
) -> None:
    """The recipe's six arms on a toy, minutes on one thread."""
    with_extra("torch")
    from wavjudge.files.safe import write_new
    from wavjudge.training import toy as toys
    from wavjudge.training.toy_arms import Settings, held_out_nll

    others = {"steps": steps, "base_lr": base_lr}
    settings = Settings(tied=tied, **{name: value for name, value in others.items() if value is not None})  # type: ignore[arg-type]
    name = "toy_recipe_tied" if tied else "toy_recipe"
    seeds, lrs = tuple(seed or toys.SEEDS), tuple(lr or toys.LEARNING_RATES)
    out.mkdir(parents=True, exist_ok=True)
    bases = toys.base_models(settings, seeds)
    rows = list(toys.study(settings, bases, lrs, told=lambda line: typer.echo(line, err=True)))
    toys.write(rows, out / f"{name}.csv")
    toys.draw(rows, out / f"{name}.png")
    write_new(out / f"{name}.md", toys.page(rows))
    typer.echo(toys.page(rows))
    typer.echo(f"Base models (no speech below {settings.world.floor:.4f} nats) and their preference gradients:\n")
    for one, found in toys.geometry(settings, bases).items():
        ratio, cosine = (f"{each:.3f}" if each is not None else "none" for each in (found.ratio, found.cosine))
        nll = held_out_nll(bases[one], one, settings)
        typer.echo(f"seed {one}: held-out speech {nll:.4f}, gradient of text {found.text_norm:.4f}, of speech "
                   f"{found.speech_norm:.4f}, ratio {ratio}, cosine {cosine}")  # fmt: skip
    typer.echo(f"the tables above, every look and a picture: written to {out / name}.md, .csv and .png", err=True)


@app.command("run")
def run(
    config: Annotated[Path, typer.Argument(help="TOML file, see docs/training.md.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check config, rows, judges and checkpoints; load no weights.")
    ] = False,
) -> None:
    """Train; the same command again goes on from the last checkpoint. Several processes: torchrun -m wavjudge ..."""
    with_extra(*TRL)
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
    with_extra(*TRL)
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
