"""`wavjudge train`: the training recipe (extra `train`)."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from wavjudge.errors import MissingPartError

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None,
    help="Train by a judge's word: preferences on text tokens, demonstrations as an anchor.",
)  # fmt: skip


@app.callback()
def _train() -> None: ...


def with_torch() -> None:
    """Says what to install where torch is missing."""
    if find_spec("torch") is None:
        raise MissingPartError("got no torch, which training needs", todo='pip install "wavjudge[train]"')


@app.command("toy")
def toy(
    out: Annotated[Path, typer.Option(help="Folder for toy_recipe.csv, .md and .png.")] = Path(),
    lr: Annotated[list[float] | None, typer.Option(help="Learning rate; may be given again.")] = None,
    seed: Annotated[list[int] | None, typer.Option(help="May be given again; 0, 1, 2 by default.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Of each run; 60 by default.")] = None,
    tied: Annotated[bool, typer.Option("--tied", help="Ids in and out share one table; toy_recipe_tied.")] = False,
) -> None:
    """The recipe's six arms on a toy, minutes on one thread."""
    with_torch()
    from wavjudge.training import toy as toys
    from wavjudge.training.toy_arms import Settings, held_out_nll

    settings = Settings(tied=tied) if steps is None else Settings(tied=tied, steps=steps)
    name = "toy_recipe_tied" if tied else "toy_recipe"
    seeds, lrs = tuple(seed or toys.SEEDS), tuple(lr or toys.LEARNING_RATES)
    out.mkdir(parents=True, exist_ok=True)
    bases = toys.base_models(settings, seeds)
    rows = list(toys.study(settings, bases, lrs, told=lambda line: typer.echo(line, err=True)))
    toys.write(rows, out / f"{name}.csv")
    toys.draw(rows, out / f"{name}.png")
    (out / f"{name}.md").write_text(toys.page(rows), encoding="utf-8")
    typer.echo(toys.page(rows))
    typer.echo(f"Base models (no speech below {settings.world.floor:.4f} nats) and their preference gradients:\n")
    for one, found in toys.geometry(settings, bases).items():
        ratio, cosine = (f"{each:.3f}" if each is not None else "none" for each in (found.ratio, found.cosine))
        nll = held_out_nll(bases[one], one, settings)
        typer.echo(f"seed {one}: held-out speech {nll:.4f}, gradient of text {found.text_norm:.4f}, of speech "
                   f"{found.speech_norm:.4f}, ratio {ratio}, cosine {cosine}")  # fmt: skip


@app.command("run")
def run(
    config: Annotated[Path, typer.Argument(help="TOML file, see docs/training.md.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check config, rows, judges and checkpoints; load no weights.")
    ] = False,
) -> None:
    """Train; the same command again goes on from the last checkpoint. Several processes: torchrun -m wavjudge ..."""
    with_torch()
    from wavjudge.training.config import read
    from wavjudge.training.run import prepared, trained

    ready = prepared(read(config))
    if ready.rank == 0:
        typer.echo("\n".join(ready.lines()), err=not dry_run)
    if dry_run:
        ready.judge.close()
        return
    done = trained(ready, told=lambda line: typer.echo(line, err=True))
    if ready.rank:
        return
    counted = ", ".join(f"{status} {count}" for status, count in done.counts.items())
    typer.echo(f"{done.steps} steps, lambda {done.share:.4f}, rewards: {counted}; {done.out}")


@app.command("inspect")
def inspect(
    config: Annotated[Path, typer.Argument(help="TOML file of a training, see docs/training.md.")],
    checkpoint: Annotated[Path | None, typer.Option(help="By default the newest whole one.")] = None,
    rows: Annotated[int, typer.Option(min=1, help="Held-out demonstrations for the gradients.")] = 8,
    plot: Annotated[Path | None, typer.Option(help="Draw the change of each token's log-probability.")] = None,
) -> None:
    """Held-out demonstrations under a checkpoint, text and speech apart: change from the base, gradients."""
    with_torch()
    from wavjudge.training.config import read
    from wavjudge.training.diagnostics import draw_change
    from wavjudge.training.inspection import inspected

    found = inspected(read(config), checkpoint, rows=rows)
    typer.echo(f"{found.checkpoint}: log-probability of held-out tokens against the base model")
    for row in found.change.summary():
        typer.echo("  " + "  ".join(f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
                                    for name, value in row.items()))  # fmt: skip
    ratio, cosine = (f"{one:.3f}" if one is not None else "none" for one in (found.gradients.ratio,
                                                                             found.gradients.cosine))  # fmt: skip
    typer.echo(f"supervised gradients on {found.rows} of them: text {found.gradients.text_norm:.4f}, "
               f"speech {found.gradients.speech_norm:.4f}, ratio {ratio}, cosine {cosine}")  # fmt: skip
    if plot is not None:
        draw_change(found.change, plot)
