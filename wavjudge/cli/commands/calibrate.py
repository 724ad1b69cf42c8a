"""`wavjudge calibrate`: how far a judge can be trusted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wavjudge.cli.console import console, note
from wavjudge.cli.waiting import Waiting

if TYPE_CHECKING:
    from wavjudge.analysis.calibration.findings import Calibration, Settings
    from wavjudge.reporting.calibration_files import CalibrationFile


MOST_DRAWN = 20
"""Pairs of judge and axis of which plots are drawn unasked: a hundred of them are a thousand files."""


def calibrate(
    ratings: Annotated[list[Path], typer.Argument(help="Judges' ratings: tables or run folders.")],
    labels: Annotated[list[Path], typer.Option(help="People's ratings; may be given again.")],
    out: Annotated[Path, typer.Option(help="Folder for calibration.csv, .json and the plots.")],
    label_kind: Annotated[str, typer.Option(help="human, or constructed (a self-test, no calibration).")] = "human",
    axis: Annotated[list[str] | None, typer.Option(help="Only this: NAME; or declared: NAME=LOW..HIGH.")] = None,
    epsilon: Annotated[
        float, typer.Option(help="Of the alternative annotator test: .2 experts, .15 skilled, .1 crowd.")
    ] = 0.15,
    alt_score: Annotated[
        str, typer.Option(help="How that test measures fit: rmse, or accuracy (the very same score).")
    ] = "rmse",
    interval: Annotated[str, typer.Option(help="jackknife-t or cluster-bootstrap.")] = "jackknife-t",
    random: Annotated[
        str, typer.Option(help="What intervals take as a sample: prompts, or prompts+raters.")
    ] = "prompts",
    seed: Annotated[int, typer.Option(help="Of permutations, resamples and folds.")] = 12345,
    plots: Annotated[
        bool | None,
        typer.Option(help="Draw the plots, five a judge and axis; for more than 20 of these only if asked."),
    ] = None,
    layout: Annotated[str, typer.Option(help="full, or paper (a row a signature; Markdown and LaTeX too).")] = "full",
    full: Annotated[
        bool, typer.Option("--full", help="Print every table and sentence, not the overview alone.")
    ] = False,
) -> None:
    """Say per judge and axis how well it agrees with people, beside what people and nothing at all reach."""
    from wavjudge.analysis.calibration.findings import LABEL_KINDS
    from wavjudge.analysis.calibration.findings import calibrate as measure
    from wavjudge.api import inputs
    from wavjudge.files.safe import refuse_as_folder
    from wavjudge.nearest import known
    from wavjudge.reporting.calibration_files import record

    known("--label-kind", label_kind, tuple(LABEL_KINDS))
    known("--layout", layout, ("full", "paper"))
    refuse_as_folder(out)
    names, axes = inputs.named(axis)
    settings = _settings(interval, random, seed, epsilon, alt_score)
    with Waiting("reading ratings and labels") as line:
        judged = inputs.ratings(ratings, axes=axes, rater_kind="model")
        labelled = inputs.ratings(labels, axes=axes, rater_kind=LABEL_KINDS[label_kind])
        inputs.refuse_the_same(judged, labelled)
        labelled = inputs.only(labelled, names, judged)
        line.stage("calibrating judges, axis by axis")
        found = measure(judged, labelled, settings, label_kind=label_kind, covariates=inputs.lengths(ratings),
                        watch=line.counted)  # fmt: skip
        line.stage("writing tables and plots")
        file = record(found, ratings_sha256=judged.data_sha256, labels_sha256=labelled.data_sha256)
        few = len(found.findings) <= MOST_DRAWN
        write(found, file, out, plots=few if plots is None else plots, layout=layout, watch=line.counted)
    _say(found, file, out, layout, full)
    if plots is None and not few:
        note(
            f"no plots drawn of {len(found.findings)} pairs of judge and axis: --plots draws them, about a second each"
        )


def write(
    found: Calibration, file: CalibrationFile, out: Path, *, plots: bool, layout: str = "full",
    watch: Callable[[int, int], None] | None = None,
) -> None:  # fmt: skip
    """calibration.csv and .json, the plots, and the paper's layout where it is asked for."""
    from wavjudge.files.safe import write_new
    from wavjudge.reporting import calibration as tables
    from wavjudge.reporting.calibration_files import as_csv
    from wavjudge.reporting.table import latex, markdown

    out.mkdir(parents=True, exist_ok=True)
    write_new(out / "calibration.csv", as_csv(file))
    write_new(out / "calibration.json", file.model_dump_json(indent=1) + "\n")
    if layout == "paper":
        head, body = tables.paper_rows(found)
        write_new(out / "paper.md", tables.as_markdown(head, body, markdown))
        write_new(out / "paper.tex", tables.as_latex(head, body, latex))
    if plots:
        from wavjudge.reporting.plots import draw

        for number, finding in enumerate(found.findings, 1):
            if finding.data.n:
                draw(finding, out)
            if watch is not None:
                watch(number, len(found.findings))


def _say(found: Calibration, file: CalibrationFile, out: Path, layout: str, full: bool) -> None:
    from wavjudge.reporting import calibration as tables
    from wavjudge.reporting.calibration_overview import show as overview
    from wavjudge.reporting.text import printable

    screen = console()
    if full:
        _everything(found, file)
    if layout == "paper":
        screen.print(tables.as_markdown(*tables.paper_rows(found), printable))
    overview(screen, found, file, full=full)
    for problem in found.problems:
        note(problem)
    console(err=True).print(f"written to {out}", soft_wrap=True)


def _everything(found: Calibration, file: CalibrationFile) -> None:
    from wavjudge.reporting import calibration as tables
    from wavjudge.reporting.calibration import limits_in_words as limits
    from wavjudge.reporting.calibration import people_in_words
    from wavjudge.reporting.text import say

    screen = console()
    tables.show(screen, found)
    for finding in found.findings:
        say(screen, f"{finding.signature}: {finding.axis}", style="bold")
        for advice in file.advice:
            if (advice.signature, advice.axis, advice.judge) == (finding.signature, finding.axis, finding.judge):
                say(screen, advice.sentence, indent=2)
        for line in (*limits(finding), *people_in_words(finding, found.people.get(finding.axis))):
            say(screen, line, indent=2)


def _settings(interval: str, random: str, seed: int, epsilon: float, alt_score: str) -> Settings:
    from typing import cast, get_args

    from wavjudge.analysis.calibration.findings import Sampled, Settings
    from wavjudge.analysis.stats.alternative_annotator import Score
    from wavjudge.analysis.stats.intervals import Method
    from wavjudge.errors import InputError
    from wavjudge.nearest import known

    known("--interval", interval, get_args(Method))
    known("--random", random, get_args(Sampled))
    known("--alt-score", alt_score, get_args(Score))
    if random != "prompts" and interval != "jackknife-t":
        raise InputError(f"got --random {random} with --interval {interval}, expected jackknife-t",
                         todo="an interval over people too is a jackknife")  # fmt: skip
    return Settings(method=cast(Method, interval), random=cast(Sampled, random), seed=seed, epsilon=epsilon,
                    alt_score=cast(Score, alt_score))  # fmt: skip
