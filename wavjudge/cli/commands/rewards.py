"""`wavjudge rewards`: a judge as a training reward, looked at before the training starts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wavjudge.cli.console import console
from wavjudge.cli.groups import Commands
from wavjudge.nearest import of_path

if TYPE_CHECKING:
    from rich.table import Table

    from wavjudge.rewards.combine import Weights
    from wavjudge.rewards.gate import Bar
    from wavjudge.rewards.monitor.alarms import Alarms, Standing
    from wavjudge.rewards.monitor.monitor import Monitor
    from wavjudge.rewards.presets import Preset
    from wavjudge.rewards.rollouts import Rollouts, Spread
    from wavjudge.rewards.server import RewardServer
    from wavjudge.types import Axis


# `wavjudge rewards check`: which axes of a judge may be optimised, by its calibration.


def check(
    calibration: Annotated[Path, typer.Argument(help="A calibration.json, or the folder that holds it.")],
    min_order: Annotated[float, typer.Option(help="The zero-filled Intra-ID interval has to lie above this.")] = 0.0,
    min_icc: Annotated[float | None, typer.Option(help="Least ICC of repeats inside a prompt; needs repeats.")] = None,
    beat_nulls: Annotated[bool, typer.Option(help="It has to lie above the best null row too.")] = True,
    label_kind: Annotated[str, typer.Option(help="human; constructed lets a self-test pass.")] = "human",
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say which axes may be optimised, and why. Exit code 1 where none may."""
    import json
    from dataclasses import asdict

    from wavjudge.reporting.calibration_files import read
    from wavjudge.reporting.text import one_line
    from wavjudge.rewards.gate import check as permits

    found = permits(read(calibration), bar(min_order, min_icc, beat_nulls, label_kind))
    if json_:
        typer.echo(
            json.dumps(
                [asdict(one) | {"identity": one.unverified or None} for one in found], indent=1, ensure_ascii=False
            )
        )
    else:
        screen = console()
        for one in found:
            screen.print(one_line(one.signature), style="bold", soft_wrap=True)
            screen.print(f"  {one_line(one.sentence)}")
            if one.unverified:
                screen.print(f"  {one.unverified}")
    if not any(one.allowed for one in found):
        raise typer.Exit(1)


def bar(min_order: float, min_icc: float | None, beat_nulls: bool, label_kind: str) -> Bar:
    """What an axis has to reach, from the options."""
    from typing import Literal, cast

    from wavjudge.analysis.calibration.findings import LABEL_KINDS
    from wavjudge.nearest import known
    from wavjudge.rewards.gate import Bar

    known("--label-kind", label_kind, tuple(LABEL_KINDS))
    return Bar(min_order, min_icc, beat_nulls, cast(Literal["human", "constructed"], label_kind))


# `wavjudge rewards monitor`: checkpoints of a training under the reward's judge and a held-out one.

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


# `wavjudge rewards rollouts`: what rated rollouts would be worth to a training.

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
        _show_rollouts(found)


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


def _show_rollouts(found: Rollouts) -> None:
    from wavjudge.reporting.text import folded, one_line

    screen = console()
    screen.print(_rollouts_table(found))
    for name, text in _lines(found):
        for number, line in enumerate(folded(text, screen.width - _TEXT_AT)):
            screen.print(f"  {'' if number else name:<14} {line}", soft_wrap=True)
    screen.print(found.sentence)
    for note in found.notes:
        screen.print(one_line(note), soft_wrap=True)


def _rollouts_table(found: Rollouts) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(title="Rollouts, within prompts", box=box.SIMPLE_HEAD, title_justify="left", title_style="bold",
                  pad_edge=False, collapse_padding=True)  # fmt: skip
    for name in COLUMNS:
        table.add_column(name, justify="right" if name else "left", no_wrap=bool(name), overflow="fold")
    for row in (*found.axes, found.reward):
        table.add_row(*_rollouts_cells(row))
    return table


def _rollouts_cells(row: Spread) -> list[str]:
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


# `wavjudge rewards serve`: rewards over HTTP.

TOKEN_VARIABLE = "WAVJUDGE_REWARDS_TOKEN"  # noqa: S105 - the name of a variable


def serve(
    judge: Annotated[list[str], typer.Option(help="SPEC of a judge, see `wavjudge judges`; may be given again.")],
    weights: Annotated[str, typer.Option(help="Of the axes, summing to 1: NAME=WEIGHT,NAME=WEIGHT, or one NAME.")],
    calibration: Annotated[Path | None, typer.Option(help="calibration.json, or its folder, to obey.")] = None,
    below: Annotated[
        str | None, typer.Option(help="What lies below the bar: refuse (default), or down-weight.")
    ] = None,
    factor: Annotated[float | None, typer.Option(help="Of the weight of such an axis; 0 (default): none.")] = None,
    recalibrate: Annotated[str | None, typer.Option(help="linear or isotonic: scores brought to people's.")] = None,
    min_order: Annotated[float | None, typer.Option(help="The bar, as in `rewards check`; default 0.")] = None,
    min_icc: Annotated[float | None, typer.Option(help="Least ICC of repeats, as in `rewards check`.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; any but this machine's own needs a token.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 5000,
    token_env: Annotated[str, typer.Option(help="Environment variable with the token of requests.")] = TOKEN_VARIABLE,
    guards: Annotated[str, typer.Option(help="Guards before a judge is paid, by commas; or none.")] = "no_speech",
    floor: Annotated[float | None, typer.Option(help="Paid where no speech was measured; default: no reward.")] = None,
    ceiling: Annotated[
        float, typer.Option(min=0, max=1, help="Share of judged answers without a score that pauses it; 1 for none.")
    ] = 0.1,
    window: Annotated[int, typer.Option(min=1, help="Judged answers over which that share is taken.")] = 200,
    pause: Annotated[float, typer.Option(min=0, help="Seconds for which nobody is asked then; see /health.")] = 60.0,
    repeats: Annotated[int, typer.Option(min=1, help="Ratings of each answer, averaged.")] = 1,
    tries: Annotated[int, typer.Option(min=1, help="How often a judge is asked whose reply has no verdict.")] = 1,
    deadline: Annotated[float, typer.Option(min=0.1, help="Seconds for one request.")] = 150.0,
    decode: Annotated[str | None, typer.Option(help="package.module:function, from OpenRLHF's text to sound.")] = None,
    text_only: Annotated[bool, typer.Option("--text-only", help="Answers are text by design.")] = False,
    max_body: Annotated[float, typer.Option(min=0.001, help="MiB that a request may have.")] = 64.0,
    log: Annotated[Path | None, typer.Option(help="Run folder that keeps a trace of every reward.")] = None,
    log_mebibytes: Annotated[float, typer.Option(min=0, help="MiB of recordings kept there; the oldest go.")] = 1024.0,
    prompts: Annotated[Path | None, typer.Option(help="Folder of your own prompt files.")] = None,
    prompt_set: Annotated[str, typer.Option(help="separate, joint, or the name of one prompt.")] = "separate",
    max_cost: Annotated[float | None, typer.Option(min=0, help="Limit in USD for this command.")] = None,
    price: Annotated[str | None, typer.Option(help="USD per million tokens: audio_in=32,text_in=2.5")] = None,
    cache: Annotated[bool, typer.Option(help="Use replies that were got for the very same request.")] = True,
    on_model_change: Annotated[
        str, typer.Option(help="Another model answers under a judge's name: stop, or mark (without --calibration).")
    ] = "stop",
    foreign_replies: Annotated[int, typer.Option(min=1, help="Replies of another model that end it.")] = 1,
) -> None:
    """Serve rewards to a trainer: /get_reward (OpenRLHF), /score, /health; the page / describes them.

    A failure is 503 with a reason, never a number.
    """
    import asyncio
    import os

    from wavjudge.cli.console import console
    from wavjudge.cli.options import weights_of, words
    from wavjudge.rewards.adapters.options import from_options, function
    from wavjudge.rewards.server import RewardServer

    named = [word for word in words(guards) or [] if word != "none"]
    reward = from_options({
        "judges": judge, "weights": weights_of(weights), "guards": named, "floor": floor,
        "ceiling": None if ceiling >= 1 else ceiling, "window": window, "repeats": repeats, "tries": tries,
        "deadline_seconds": deadline, "speech": not text_only, "log": str(log) if log else None,
        "log_mebibytes": log_mebibytes, "prompts": str(prompts) if prompts else None, "prompt_set": prompt_set,
        "max_cost": max_cost, "price": price, "cache": cache, "calibration": calibration, "below": below,
        "factor": factor, "recalibrate": recalibrate, "min_order": min_order, "min_icc": min_icc,
        "on_model_change": on_model_change, "foreign_replies": foreign_replies,
    })  # fmt: skip
    for permit in reward.permits:
        console(err=True).print(permit.told, soft_wrap=True)
    if reward.gate is not None and (said := reward.gate.said(reward.permits)):
        console(err=True).print(said, soft_wrap=True)
    if reward.weights.axes != weights_of(weights):
        weighed = ", ".join(f"{axis} {weight:.3g}" for axis, weight in reward.weights.axes.items())
        console(err=True).print(f"the calibration makes the weights: {weighed}", soft_wrap=True)
    with reward:
        server = RewardServer(
            reward, os.environ.get(token_env) or None, function(decode) if decode else None, max_body,
            pause_seconds=pause,
        )  # fmt: skip
        asyncio.run(_serve(server, host, port))


async def _serve(server: RewardServer, host: str, port: int) -> None:
    """Until SIGINT or SIGTERM."""
    import asyncio
    import signal

    from wavjudge.cli.console import console

    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    url = await server.open(host, port)
    console().print(f"listening on {url}", soft_wrap=True)
    try:
        await ended.wait()
    finally:
        await server.close()


app = typer.Typer(
    cls=Commands, no_args_is_help=True, rich_markup_mode=None,
    help="A calibrated judge as a training reward: what it is worth, and whether it is being gamed.",
)  # fmt: skip


@app.callback()
def _rewards() -> None: ...


# One file a command: cli/rewards_<command>.py.
app.command("rollouts")(rollouts)
app.command("check")(check)
app.command("serve")(serve)
app.command("monitor")(monitor)
