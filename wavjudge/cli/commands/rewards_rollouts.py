"""`wavjudge rewards rollouts`: what rated rollouts would be worth to a training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wavjudge.cli.console import console

if TYPE_CHECKING:
    from rich.table import Table

    from wavjudge.rewards.presets import Preset
    from wavjudge.rewards.rollouts import Rollouts, Spread
    from wavjudge.types import Axis

_TEXT_AT = 17  # two spaces, a name of fourteen, one space
COLUMNS = ("", "answers", "unscored", "prompts", "all equal", "mean", "variance", "(n - 1)")


def rollouts(
    runs: Annotated[list[Path], typer.Argument(help="Run folders (run --attempts K), or tables of ratings.")],
    preset: Annotated[str, typer.Option(help="overall, semantic_acoustic, reference or reference_fused.")] = "overall",
    weights: Annotated[str | None, typer.Option(help="Other axes: NAME=WEIGHT,NAME=WEIGHT, or one NAME.")] = None,
    judge: Annotated[str | None, typer.Option(help="Only this rater, such as openai:NAME.")] = None,
    signature: Annotated[list[str] | None, typer.Option(help="Only these judge signatures.")] = None,
    candidate: Annotated[str | None, typer.Option(help="Whose answers, where there are several.")] = None,
    pool: Annotated[bool, typer.Option("--pool", help="All candidates' answers to a prompt are one group.")] = False,
    axis: Annotated[
        list[str] | None, typer.Option(help="One NAME, as --weights; or declare it: NAME=LOW..HIGH.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Variance within prompts, gates, lambda and groups without signal that this data would give."""
    from wavjudge.api import inputs
    from wavjudge.rewards.rollouts import rollouts as look

    names, axes = inputs.named(axis)
    chosen = _chosen(preset, weights or next(iter(names), None), axes)
    found = look(
        inputs.ratings(runs, axes=axes, rater_kind="model"), inputs.responses(runs), chosen,
        rater=judge, signatures=signature, candidate=candidate, pool=pool,
    )  # fmt: skip
    if json:
        _print_json(found)
    else:
        _show(found)


def _chosen(name: str, weights: str | None, axes: list[Axis]) -> Preset:
    """The preset, with other weights if some were given, on the scale of their axes."""
    from dataclasses import replace

    from wavjudge.cli.options import weights_of
    from wavjudge.rewards.combine import Weights
    from wavjudge.rewards.mixing import Gates
    from wavjudge.rewards.presets import preset

    chosen = preset(name)
    if weights is None:
        return chosen
    given = weights_of(weights)
    scale = next((axis.scale for axis in axes if axis.name in given), chosen.weights.scale)
    return replace(chosen, weights=Weights(given, scale), gates=Gates.on(scale))


def _print_json(found: Rollouts) -> None:
    from dataclasses import asdict
    from json import dumps

    from wavjudge.version import __version__

    extra = {"without_signal": found.without_signal, "failure_rate": found.failure_rate, "sentence": found.sentence}
    record = {name.rstrip("_"): value for name, value in asdict(found).items()}
    print(dumps({**record, **extra, "wavjudge_version": __version__}))


def _show(found: Rollouts) -> None:
    from wavjudge.reporting.text import folded, one_line

    screen = console()
    screen.print(_table(found))
    for name, text in _lines(found):
        for number, line in enumerate(folded(text, screen.width - _TEXT_AT)):
            screen.print(f"  {'' if number else name:<14} {line}", soft_wrap=True)
    screen.print(found.sentence)
    for note in found.notes:
        screen.print(one_line(note), soft_wrap=True)


def _table(found: Rollouts) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(title="Rollouts, within prompts", box=box.SIMPLE_HEAD, title_justify="left", title_style="bold",
                  pad_edge=False, collapse_padding=True)  # fmt: skip
    for name in COLUMNS:
        table.add_column(name, justify="right" if name else "left", no_wrap=bool(name), overflow="fold")
    for row in (*found.axes, found.reward):
        table.add_row(*_cells(row))
    return table


def _cells(row: Spread) -> list[str]:
    from wavjudge.reporting.table import SHORT, number
    from wavjudge.reporting.text import one_line

    counts = (row.answers, row.unscored, row.groups, row.no_signal)
    figures = (number(row.mean, SHORT, "-"), *(number(v, 3, "-") for v in (row.variance, row.variance_sample)))
    return [one_line(row.name), *map(str, counts), *figures]


def _lines(found: Rollouts) -> list[tuple[str, str]]:
    from wavjudge.reporting.table import SHORT, number, with_interval

    weights = " + ".join(f"{weight:g} {axis}" for axis, weight in found.weights.items())
    sizes = ", ".join(f"{count} with {size}" for size, count in found.sizes.items())
    spread = "" if found.lambda_spread is None else "; 10th to 90th percentile {:.2f} to {:.2f}".format(
        *found.lambda_spread)  # fmt: skip
    single = f"; with one answer, left out: {found.single}" if found.single else ""
    return [
        ("reward", weights),
        ("reward gate", number(found.reward_gate, SHORT, "-")),
        ("info gate", number(found.information_gate, SHORT, "-")),
        ("lambda", with_interval(found.lambda_) + spread),
        ("answers", ", ".join(f"{status} {count}" for status, count in found.statuses.items())),
        ("groups", sizes + single),
        ("candidates", ", ".join(found.candidates)),
        *(("judge", f"{axis}: {signature}") for axis, signature in found.signatures.items()),
        ("data", found.data_sha256[:12]),
    ]
