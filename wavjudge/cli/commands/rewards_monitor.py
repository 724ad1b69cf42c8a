"""`wavjudge rewards monitor`: checkpoints of a training under the reward's judge and a held-out one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wavjudge.cli.console import console
from wavjudge.nearest import of_path

if TYPE_CHECKING:
    from rich.table import Table

    from wavjudge.rewards.combine import Weights
    from wavjudge.rewards.monitor.alarms import Alarms, Standing
    from wavjudge.rewards.monitor.monitor import Monitor

_STEP_RUN = typer.Argument(metavar="STEP=RUN...", help="A step and its run folder; several folders may share a step.")
_REWARD = typer.Option(help="Rater (openai:NAME) or signature that the training maximises; may be given again.")
_TRAINING = typer.Option(help="What is trained on: a test set, file of items or run folder; may be given again.")


def monitor(
    runs: Annotated[list[str], _STEP_RUN],
    reward_judge: Annotated[list[str], _REWARD],
    held_out: Annotated[list[str], typer.Option(help="The same for the judge of another family.")],
    training_prompts: Annotated[list[str], _TRAINING],
    out: Annotated[Path, typer.Option(help="Folder of the looks, the table and the plot; the same one goes on.")],
    weights: Annotated[str, typer.Option(help="Axes of the reward: NAME=WEIGHT,NAME=WEIGHT, or NAME.")] = "overall",
    held_out_weights: Annotated[str | None, typer.Option(help="Of the held-out judge; default: the same.")] = None,
    axis: Annotated[list[str] | None, typer.Option(help="Declare an axis: NAME=LOW..HIGH; may be given again.")] = None,
    same_family: Annotated[bool, typer.Option("--same-family", help="Allow a held-out judge of one family.")] = False,
    alpha: Annotated[float, typer.Option(help="Chance of any false alarm over all planned looks.")] = 0.05,
    looks: Annotated[int, typer.Option(min=1, help="Looks planned after the first; fixed by the first call.")] = 20,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say whether the reward rose without the held-out score, or answers drifted. Exit code 1: a step has an alarm."""
    from wavjudge.rewards.monitor import from_runs as sources
    from wavjudge.rewards.monitor.monitor import Monitor
    from wavjudge.rewards.monitor.plan import plan

    points = sources.checkpoints(_runs(runs))
    ours = sources.Side(reward_judge, _weights("--weights", weights, axis))
    theirs = sources.Side(held_out, _weights("--held-out-weights", held_out_weights or weights, axis))
    counted = ours.signatures(points), theirs.signatures(points)
    kept = Monitor(out, plan(
        points[0].prompts(), sources.training_prompts(training_prompts),
        reward_judges=set(counted[0].values()), held_out_judges=set(counted[1].values()), weights=ours.weights,
        held_out_weights=theirs.weights, same_family=same_family, alpha=alpha, looks=looks,
    ))  # fmt: skip
    for point in points:
        kept.record(point.step, sources.look(point, ours, theirs, counted[0] | counted[1]))
    kept.draw()
    _show(kept, [note for point in points for note in point.notes], as_json=json_)
    given = {point.step for point in points}
    if any(one.alarms for one in kept.check().standings if one.step in given):
        raise typer.Exit(1)


def _runs(given: Sequence[str]) -> dict[int, list[Path]]:
    from wavjudge.errors import InputError

    found: dict[int, list[Path]] = {}
    for one in given:
        step, _, folder = one.partition("=")
        if not (step.isascii() and step.isdigit() and folder):
            raise InputError(f"got {one!r}, expected STEP=RUN, such as 200=runs/step200")
        if not Path(folder).exists():
            raise InputError("got no such file or folder", where=folder, todo=of_path(folder))
        found.setdefault(int(step), []).append(Path(folder))
    return found


def _weights(option: str, text: str, axis: Sequence[str] | None) -> Weights:
    from wavjudge.api import inputs
    from wavjudge.cli.options import weights_of
    from wavjudge.rewards.combine import Weights
    from wavjudge.types import Scale

    given = weights_of(text, option)
    declared = {one.name: one.scale for one in inputs.declared(axis or ())}
    return Weights(given, next((declared[name] for name in given if name in declared), Scale(low=1, high=5)))


def _show(kept: Monitor, notes: Sequence[str], *, as_json: bool) -> None:
    from wavjudge.reporting.table import as_json as written
    from wavjudge.reporting.text import one_line
    from wavjudge.rewards.monitor.monitor import report

    alarms = kept.check()
    made = report(alarms, (*kept.plan.said, *notes))
    if as_json:
        typer.echo(written(made), nl=False)
        return
    screen = console()
    screen.print(_table(alarms))
    for line in (*made.sentences, *made.notes):
        screen.print(one_line(line), soft_wrap=True)
    planned = f"{len(alarms.standings) - 1} of {kept.plan.looks} planned looks after the first"
    screen.print(f"{planned}; chance of any false alarm over all of them: {kept.plan.alpha:g}", soft_wrap=True)
    console(err=True).print(f"written to {kept.out}", soft_wrap=True)


def _table(alarms: Alarms) -> Table:
    from wavjudge.reporting.table import table

    made = table("step", "prompts", "reward", "held-out", "gap", "verdict", "drifted", title="Against the first look")
    for one in alarms.standings:
        made.add_row(*_cells(one))
    return made


def _cells(one: Standing) -> list[str]:
    from wavjudge.reporting.table import SHORT, number

    figures = [number(one.reward.now, SHORT, "-"), number(one.held_out.now, SHORT, "-"),
               number(one.gap.difference.value, SHORT, "-")]  # fmt: skip
    drifted = ", ".join(name for name in one.alarms if name != "gaming") or "-"
    return [str(one.step), str(one.reward.prompts), *figures, one.verdict.replace("_", " "), drifted]
