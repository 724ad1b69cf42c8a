"""`wavjudge plan`: how many labels, and how to spend money on people and judge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wavjudge.cli.console import console
from wavjudge.cli.groups import Commands
from wavjudge.cli.waiting import Waiting

if TYPE_CHECKING:
    from wavjudge.analysis.planning import Averaged, Plan, Split
    from wavjudge.analysis.tables.ratings import Ratings

app = typer.Typer(
    cls=Commands, no_args_is_help=True, rich_markup_mode=None,
    help="Labels needed for a goal, from assumed figures or a pilot; prompts, not answers, are what counts.",
)  # fmt: skip

PILOT = Annotated[list[Path] | None, typer.Option(help="Judges' ratings of a pilot: tables or run folders.")]
LABELS = Annotated[list[Path] | None, typer.Option(help="People's ratings of the pilot.")]
ON = Annotated[str | None, typer.Option(help="Axis of the pilot; default the only one, or overall.")]
AXIS = Annotated[list[str] | None, typer.Option(help="NAME, as --on; or declared: NAME=LOW..HIGH.")]
JUDGE = Annotated[str | None, typer.Option(help="Judge of the pilot, by rater or signature.")]
ANSWERS = Annotated[int | None, typer.Option(min=1, help="Answers a prompt; 1, or as in the pilot.")]
ICC = Annotated[float | None, typer.Option(help="How alike answers to one prompt are, 0 to 1.")]
LEVEL = Annotated[float, typer.Option(min=0.5, max=0.9999, help="Of the interval or test.")]
POWER = Annotated[float, typer.Option(min=0.5, max=0.9999, help="Chance to see it if it is there.")]
JSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("labels")
def labels_(
    within: Annotated[float, typer.Option(help="Wanted half width of the interval.")],
    of: Annotated[str, typer.Option(help="Of what: pearson, or mean, bias, mae in points of the scale.")] = "pearson",
    r: Annotated[float | None, typer.Option(help="Expected Pearson's r of judge and people.")] = None,
    sd: Annotated[
        float | None, typer.Option(help="Of the scores (mean), of judge minus people (bias), of its size (mae).")
    ] = None,
    answers: ANSWERS = None, icc: ICC = None, level: LEVEL = 0.95, pilot: PILOT = None, labels: LABELS = None,
    on: ON = None, judge: JUDGE = None, axis: AXIS = None, json: JSON = False,
) -> None:  # fmt: skip
    """Labels for an interval of a wanted width."""
    from typing import cast, get_args

    from wavjudge.analysis import planning
    from wavjudge.analysis.planning import Averaged, chosen_axis, of_judge
    from wavjudge.nearest import known

    known("--of", of, ("pearson", *get_args(Averaged)))
    about = ""
    if pilot:
        ratings, people = _ratings(pilot, axis), _people(labels, axis)
        on = chosen_axis(ratings, people, _on(on, axis))
        seen = of_judge(ratings, people, on, judge)
        wanted = cast("Averaged", of)
        r, icc = _or(r, seen.pearson), _or(icc, seen.icc[wanted])
        sd, answers = _or(sd, seen.sd.get(wanted)), answers or round(seen.answers_per_prompt)
        about = f"{seen.n} labels on {seen.prompts} prompts, axis {on}"
    m, alike = _clustered(answers, icc)
    if of == "pearson":
        value, name = _needed("--r", r), "r"
        plan = planning.for_pearson(within, value, answers_per_prompt=m, icc=alike, level=level)
    else:
        value, name = _needed("--sd", sd), "sd"
        plan = planning.for_average(cast("Averaged", of), within, value, answers_per_prompt=m, icc=alike, level=level)
    _say(plan, f"{name} {value:.2f}", alike, about, json)


@app.command()
def judges(
    first: Annotated[float | None, typer.Option(help="Pearson's r of one judge with people.")] = None,
    second: Annotated[float | None, typer.Option(help="That of the other judge.")] = None,
    between: Annotated[float | None, typer.Option(help="Pearson's r between the two judges.")] = None,
    power: POWER = 0.8, level: LEVEL = 0.95, answers: ANSWERS = None, icc: ICC = None, pilot: PILOT = None,
    labels: LABELS = None, on: ON = None,
    judge: Annotated[list[str] | None, typer.Option(help="Both judges of the pilot, by rater or signature.")] = None,
    axis: AXIS = None, json: JSON = False,
) -> None:  # fmt: skip
    """Labels to tell two judges apart."""
    from wavjudge.analysis import planning
    from wavjudge.analysis.planning import chosen_axis, of_judges

    about = ""
    if pilot:
        ratings, people = _ratings(pilot, axis), _people(labels, axis)
        on = chosen_axis(ratings, people, _on(on, axis))
        seen = of_judges(ratings, people, on, judge or [])
        first, second, between = _or(first, seen.first), _or(second, seen.second), _or(between, seen.between)
        icc, answers = _or(icc, seen.icc), answers or round(seen.answers_per_prompt)
        about = f"{seen.n} labels on {seen.prompts} prompts, axis {on}"
    m, alike = _clustered(answers, icc)
    one, other = _needed("--first", first), _needed("--second", second)
    shared = _needed("--between", between)
    plan = planning.for_two_judges(one, other, shared, power=power, level=level, answers_per_prompt=m, icc=alike)
    _say(plan, f"r {one:.2f} and {other:.2f}, {shared:.2f} between the judges", alike, about, json)


@app.command()
def candidates(
    difference: Annotated[float, typer.Option(help="Smallest difference that matters, in points of the scale.")],
    sd: Annotated[float | None, typer.Option(help="Of the paired difference over prompts.")] = None,
    noise: Annotated[float, typer.Option(min=0, help="Sd from sample to sample of one prompt, if not in --sd.")] = 0.0,
    samples: Annotated[int, typer.Option(min=1, help="Samples of each candidate a prompt, to average.")] = 1,
    power: POWER = 0.8, level: LEVEL = 0.95, answers: ANSWERS = None, icc: ICC = None, pilot: PILOT = None,
    candidate: Annotated[list[str] | None, typer.Option(help="Both candidates of the pilot.")] = None,
    on: ON = None, judge: JUDGE = None, axis: AXIS = None, json: JSON = False,
) -> None:  # fmt: skip
    """Prompts to see a difference between two candidates."""
    from wavjudge.analysis import planning
    from wavjudge.analysis.planning import chosen_axis, of_candidates

    about = ""
    if pilot:
        ratings = _ratings(pilot, axis)
        on = chosen_axis(ratings, None, _on(on, axis))
        seen = of_candidates(ratings, on, judge, candidate or [])
        sd, about = _or(sd, seen.sd), f"{seen.prompts} prompts, axis {on}"
    m, alike = _clustered(answers, icc)
    spread = _needed("--sd", sd)
    plan = planning.for_two_candidates(
        difference, spread, noise=(noise, noise), repeats=(samples, samples), power=power, level=level,
        answers_per_prompt=m, icc=alike,
    )  # fmt: skip
    _say(plan, f"sd {spread:.2f}", alike, about, json)


@app.command()
def budget(
    money: Annotated[float, typer.Argument(metavar="BUDGET", help="What may be spent, in any currency.")],
    label_cost: Annotated[float, typer.Option(help="Of people's labels for one prompt.")],
    judge_cost: Annotated[float, typer.Option(help="Of the judge's calls for one prompt, with the recording.")],
    r: Annotated[float | None, typer.Option(help="Pearson's r of judge and people over prompts.")] = None,
    prompts: Annotated[int | None, typer.Option(min=1, help="No more prompts than these exist.")] = None,
    pilot: PILOT = None, labels: LABELS = None, on: ON = None, judge: JUDGE = None, axis: AXIS = None,
    json: JSON = False,
) -> None:  # fmt: skip
    """Split money between people and judge so that the corrected mean is narrowest."""
    from wavjudge.analysis.planning import for_budget, split_budget

    if pilot:
        r = _or(r, for_budget(_ratings(pilot, axis), _people(labels, axis), _on(on, axis), judge))
    agreement = _needed("--r", r)
    split = split_budget(money, agreement, label_cost, judge_cost, prompts=prompts)
    assumed = f"r {agreement:.2f} over prompts, {label_cost:g} a labelled and {judge_cost:g} a judged prompt"
    _print(split, (("assumed", assumed), ("by", split.formula), ("cost", f"{split.cost:g} of {money:g}")), json)


def _say(plan: Plan, assumed: str, icc: float, pilot: str, json: bool) -> None:
    m = plan.answers_per_prompt
    lines = [("from" if pilot else "assumed", f"{assumed}{f', seen on {pilot}' if pilot else ''}"),
             ("by", plan.formula), ("independent", f"{plan.independent} if one answer a prompt, normal quantiles"),
             ("design effect", f"1 + ({m} - 1) x {max(icc, 0):.2f} = {plan.design_effect:.2f}"),
             ("prompts", f"{plan.prompts} (with Student's t over prompts)"), ("labels", str(plan.labels))]  # fmt: skip
    _print(plan, tuple(lines), json)


def _print(found: Plan | Split, lines: tuple[tuple[str, str], ...], json: bool) -> None:
    from dataclasses import asdict
    from json import dumps

    from wavjudge.reporting.text import folded

    if json:
        print(dumps(asdict(found)))
        return
    screen = console()
    screen.print(found.sentence)
    for name, text in lines:
        first, *rest = folded(text, screen.width - 17)
        for head, line in zip((name, *("" for _ in rest)), (first, *rest), strict=True):
            screen.print(f"  {head:<14} {line}", soft_wrap=True)


def _clustered(answers: int | None, icc: float | None) -> tuple[int, float]:
    """Answers a prompt, and how alike they are: that must be known where there are several."""
    m = answers or 1
    return m, _needed("--icc", icc) if m > 1 else 0.0


def _needed(option: str, value: float | None) -> float:
    from wavjudge.errors import InputError

    if value is None:
        raise InputError(f"got no {option}", todo=f"give {option}, or a pilot that has it: --pilot and --labels")
    return value


def _or(given: float | None, seen: float | None) -> float | None:
    return seen if given is None else given


def _on(on: str | None, axis: list[str] | None) -> str | None:
    """The axis that is planned for: --on, or the bare name of --axis."""
    from wavjudge.api import inputs
    from wavjudge.errors import InputError

    names = sorted({*inputs.named(axis)[0], *([on] if on else [])})
    if len(names) > 1:
        raise InputError(f"got the axes {', '.join(names)}, expected one to plan for", todo=f"say --on {names[0]}")
    return names[0] if names else None


def _ratings(paths: list[Path], axis: list[str] | None) -> Ratings:
    from wavjudge.api import inputs

    with Waiting("reading the pilot's ratings"):
        return inputs.ratings(paths, axes=inputs.named(axis)[1], rater_kind="model")


def _people(paths: list[Path] | None, axis: list[str] | None) -> Ratings:
    from wavjudge.api import inputs
    from wavjudge.errors import InputError

    if not paths:
        raise InputError("got --pilot without --labels", todo="agreement needs people's ratings of the same answers")
    with Waiting("reading the pilot's labels"):
        return inputs.ratings(paths, axes=inputs.named(axis)[1], rater_kind="person")
