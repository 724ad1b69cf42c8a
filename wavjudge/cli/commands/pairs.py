"""`wavjudge pairs`: pairs of preferences from scored answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wavjudge.cli.console import console
from wavjudge.nearest import of_path

if TYPE_CHECKING:
    from wavjudge.rewards.gate import CalibrationGate
    from wavjudge.rewards.pairs.build import Built, Rules
    from wavjudge.rewards.pairs.files import Scored


def pairs(
    run: Annotated[Path, typer.Argument(help="Run folder, or a .jsonl of scored candidates.")],
    out: Annotated[Path, typer.Option(help="File to write: .jsonl.")],
    mode: Annotated[
        str, typer.Option(help="semantic, paralinguistic (acoustic), sum, weighted, overall.")
    ] = "semantic",
    weights: Annotated[
        str | None, typer.Option(help="In mode weighted: semantic=WEIGHT,acoustic=WEIGHT; default: 1 each.")
    ] = None,
    min_gap: Annotated[float, typer.Option(help="Least gap in points of the mode's score.")] = 1.0,
    margin: Annotated[float, typer.Option(help="Least gap in standard errors of a gap, from repeats.")] = 0.0,
    noise: Annotated[float | None, typer.Option(help="Sd of repeats, for a .jsonl, which has none.")] = None,
    top_k: Annotated[int | None, typer.Option(help="Only the pairs with the largest gaps.")] = None,
    chosen: Annotated[str, typer.Option(help="best_output, or sft_target (the demonstration).")] = "best_output",
    target: Annotated[
        str | None, typer.Option(help="Whose answers are demonstrations: candidate, or key in a .jsonl.")
    ] = None,
    candidate: Annotated[list[str] | None, typer.Option(help="Only these; may be given again.")] = None,
    rater: Annotated[str | None, typer.Option(help="Whose scores; needed where several rated.")] = None,
    calibration: Annotated[Path | None, typer.Option(help="calibration.json, or its folder, that pairs obey.")] = None,
    min_order: Annotated[float | None, typer.Option(help="The bar for that, as in `rewards check`; default 0.")] = None,
    min_icc: Annotated[float | None, typer.Option(help="Least ICC of repeats, as in `rewards check`.")] = None,
    below: Annotated[
        str | None, typer.Option(help="What lies below the bar: refuse (default), or down-weight.")
    ] = None,
    factor: Annotated[float | None, typer.Option(help="Of the weight of such an axis; 0 (default): none.")] = None,
    recalibrate: Annotated[str | None, typer.Option(help="linear or isotonic: scores brought to people's.")] = None,
    check_audio: Annotated[bool, typer.Option(help="Open the recordings of each pair.")] = True,
    outside: Annotated[
        bool, typer.Option("--outside", help="Take recordings that lie outside the run folder, too.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Decides among equal scores.")] = 12345,
) -> None:
    """Write the best and the worst answer to each prompt as a pair, and say what was left out, and why."""
    from wavjudge.rewards.gate import of_options
    from wavjudge.rewards.pairs.build import build
    from wavjudge.rewards.pairs.files import unplayable, write

    rules = _rules(mode, weights, min_gap, margin, top_k, chosen, seed)
    gate = of_options(calibration, below=below, factor=factor, recalibrate=recalibrate, min_order=min_order,
                           min_icc=min_icc)  # fmt: skip
    scored = _scored(run, rules, target=target, candidates=candidate or [], rater=rater, noise=noise,
                     gate=gate, outside=outside)  # fmt: skip
    scored, rules = _obeying(scored, rules, gate)
    built = build(scored.prompts, rules, noise=scored.noise, unplayable=unplayable if check_audio else lambda _: "")
    count = write(built.pairs, out, rules, scored.signatures, scored.calibration)
    _say(built, scored, rules)
    console(err=True).print(f"{count} pairs written to {out}", soft_wrap=True)


def _rules(
    mode: str, weights: str | None, min_gap: float, margin: float, top_k: int | None, chosen: str, seed: int
) -> Rules:  # fmt: skip
    from typing import cast

    from wavjudge.rewards.pairs.build import Mode, Rules, Source

    mode = "paralinguistic" if mode == "acoustic" else mode
    both = (1.0, 1.0) if weights is None else _both(weights, mode)
    return Rules(cast(Mode, mode), both, min_gap, margin, top_k, cast(Source, chosen), seed)


def _both(weights: str, mode: str) -> tuple[float, float]:
    """Of semantic and acoustic; an axis that is not named weighs nothing."""
    from wavjudge.cli.options import weights_of
    from wavjudge.errors import InputError
    from wavjudge.rewards.pairs.build import AXES, USED

    if mode != "weighted":
        raise InputError(f"got --weights in mode {mode}, which has none", todo="add --mode weighted, or leave it out")
    given, known = weights_of(weights), [AXES[name] for name in USED["weighted"]]
    if other := [name for name in given if name not in known]:
        raise InputError(f"got --weights of {', '.join(other)}, expected {' and '.join(known)}",
                         todo="pairs are ordered by these two; mode paralinguistic is the axis acoustic")  # fmt: skip
    semantic, acoustic = (given.get(name, 0.0) for name in known)
    return semantic, acoustic


def _scored(
    run: Path, rules: Rules, *, target: str | None, candidates: list[str], rater: str | None, noise: float | None,
    gate: CalibrationGate | None, outside: bool,
) -> Scored:  # fmt: skip
    """The scored answers. Options that the kind of source has no use for are refused, not passed over."""
    from wavjudge.errors import InputError
    from wavjudge.rewards.pairs.files import of_file, of_run
    from wavjudge.store.answers import is_run

    if (rules.chosen == "sft_target") != (target is not None):
        raise InputError(f"got --chosen {rules.chosen} and --target {target}, expected sft_target with a --target",
                         todo="the gap is to the demonstration's own score: say whose answers it is")  # fmt: skip
    if not run.exists():
        raise InputError("got no such file or folder", where=str(run), todo=of_path(run))
    if is_run(run):
        if noise is not None:
            raise InputError("got --noise for a run folder, whose repeats tell it", todo="leave --noise out")
        return of_run(run, rules, rater=rater, candidates=candidates, target=target, gate=gate,
                      outside=outside)  # fmt: skip
    if run.is_dir():
        raise InputError("got a folder that is no run folder", where=str(run), todo="name what `--out` wrote")
    if candidates or rater:
        raise InputError("got --candidate or --rater for a .jsonl, which has one rater and names no candidates")
    return of_file(run, target=target, noise=noise, rules=rules, gate=gate)


def _obeying(scored: Scored, rules: Rules, gate: CalibrationGate | None) -> tuple[Scored, Rules]:
    """Scores and rules as the calibration permits them; says the sentence of each axis, and weights that changed."""
    from wavjudge.reporting.text import one_line
    from wavjudge.rewards.pairs.files import obeying

    if gate is None:
        return scored, rules
    obeyed, used, permits = obeying(scored, rules, gate)
    for one in permits:
        console(err=True).print(one_line(one.told), soft_wrap=True)
    if said := gate.said(permits):
        console(err=True).print(one_line(said), soft_wrap=True)
    if used != rules:
        weighed = ", ".join(f"{name} {weight:g}" for name, weight in used.used.items())
        console(err=True).print(f"the calibration makes mode {rules.mode} weighted: {weighed}", soft_wrap=True)
    return obeyed, used


def _say(built: Built, scored: Scored, rules: Rules) -> None:
    from rich import box
    from rich.table import Table

    from wavjudge.reporting.text import one_line

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", overflow="fold")
    table.add_column("number", justify="right")
    table.add_row("prompts read", str(built.prompts))
    table.add_row("pairs", str(len(built.pairs)))
    for reason, count in built.dropped.most_common():
        table.add_row(f"  no pair: {reason}", str(count))
    table.add_row("answers read", str(built.answers))
    for reason, count in built.left_out.most_common():
        table.add_row(f"  left out: {reason}", str(count))
    screen = console()
    screen.print(table)
    screen.print(_noise(built, scored, rules))
    for note in scored.notes:
        console(err=True).print(one_line(note), soft_wrap=True)


def _noise(built: Built, scored: Scored, rules: Rules) -> str:
    """What is known of the judge's noise, and how many pairs lie inside it."""
    noise = scored.noise
    if noise.sd is None:
        return "The judge's noise is not known: no answer was scored twice without the cache."
    errors = [noise.of_gap(one.prompt, one.chosen, one.rejected) or 0.0 for one in built.pairs]
    inside = sum(pair.gap < 2 * error for pair, error in zip(built.pairs, errors, strict=True))
    return (f"Repeats of one answer differ by {noise.sd:.2f} points (sd, mode {rules.mode}); {inside} of "
            f"{len(built.pairs)} pairs have a gap below 2 standard errors of a gap.")  # fmt: skip
