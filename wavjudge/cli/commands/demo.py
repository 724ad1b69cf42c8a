"""`wavjudge demo`: the shipped tiny test set, measured offline, and what the measurements are worth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wavjudge.cli.console import console

if TYPE_CHECKING:
    from wavjudge.analysis.calibration.findings import Finding
    from wavjudge.analysis.stats.intervals import Estimate


NEXT = """\
These are measurements by instruments, not judgments: nobody has listened for
what is said. The faults were built into the recordings by us
(benchmarks/tiny/README.md).

Next (in a clone first `. .venv/bin/activate`):
  look at one rating      wavjudge show {out} tiny-01
  take the table along    wavjudge export {out} --out demo.csv
  ask an LLM that hears   export GEMINI_API_KEY=...
                          wavjudge score tiny \\
                            --judge gemini:gemini-3.5-flash \\
                            --dry-run --out runs/first
                          (without --dry-run it is sent and paid for)
  rate your own answers   wavjudge score FOLDER_OR_JSONL \\
                            --judge signals --out runs/mine
  run your own model      wavjudge run tiny --judge signals \\
                            --candidate "command:python answer.py" \\
                            --out runs/model   (docs/candidates.md)
"""


def demo(
    out: Annotated[Path, typer.Option(help="Run folder.")] = Path("results/runs/demo"),
    svg: Annotated[Path | None, typer.Option(help="Also draw the table into this SVG file.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Measure the shipped tiny test set with the offline instruments; needs no key and no network."""
    from wavjudge import resources
    from wavjudge.api import runs
    from wavjudge.bench.answers import open_testset
    from wavjudge.bench.run import Plan, run
    from wavjudge.cli.commands.score import end, report
    from wavjudge.cli.progress import Bar
    from wavjudge.judges.build import JudgeContext

    tiny, shop = resources.folder("benchmarks") / "tiny", JudgeContext(prompts=())
    if not quiet and not (out / "manifest.json").is_file():
        console(err=True).print("Measuring 96 short answers; this takes about a minute the first time ...")
    with Bar(shop.meter, quiet=quiet) as bar:
        summary = run(Plan(open_testset(tiny), ["signals"], out), shop, bar)
    why = report(runs.Scored(out, summary), summary, shop.meter, quiet=quiet)
    if svg is not None:
        _draw(out, svg)
    if summary.stopped is None and not summary.interrupted:
        selftest(out, tiny / "labels.csv", quiet=quiet)
    if not quiet:
        console().print(NEXT.format(out=out), soft_wrap=True)
    end(summary, out, shop.meter, why)


def _draw(run: Path, to: Path) -> None:
    from wavjudge.api import runs
    from wavjudge.files.safe import write_new
    from wavjudge.reporting import summary as tables
    from wavjudge.reporting.plots import svg

    scored = runs.load(run)
    cells, answers = tables.summarise(scored.ratings()), tables.outcomes(scored.responses())
    write_new(to, svg(lambda screen: tables.show(screen, cells, answers), title="make demo"))


# What the demo does with its measurements: a self-test against the constructed labels, and a leaderboard.
#
# A self-test, never a calibration: the labels are true by construction, nobody heard them.

RANKED_BY = "signal_quality"


def selftest(run: Path, labels: Path, *, quiet: bool = False) -> None:
    """Write RUN/selftest (figures and plots) and RUN/leaderboard.csv and .md, and say in a few lines what they say."""
    from wavjudge.analysis.calibration.findings import calibrate
    from wavjudge.analysis.leaderboard.leaderboard import leaderboard
    from wavjudge.api import inputs
    from wavjudge.cli.commands.calibrate import write
    from wavjudge.reporting import leaderboard as boards
    from wavjudge.reporting.calibration_files import record

    measured = inputs.ratings([run], axes=(), rater_kind="instrument")
    made = inputs.ratings([labels], axes=(), rater_kind="constructed")
    found = calibrate(measured, made, label_kind="constructed", covariates=inputs.lengths([run]))
    file = record(found, ratings_sha256=measured.data_sha256, labels_sha256=made.data_sha256)
    write(found, file, run / "selftest", plots=True)
    board = leaderboard(measured, inputs.responses([run]), rank_by=RANKED_BY)
    for suffix in (".csv", ".md"):
        boards.write(board, run / f"leaderboard{suffix}")
    if not quiet:
        _say(found.findings, run)


def _say(findings: tuple[Finding, ...], run: Path) -> None:
    screen = console()
    screen.print("Self-test: the instruments against the labels by construction", style="bold")
    for one in findings:
        screen.print(f" {one.axis:<16} Pearson {_figure(one.values['pearson'])}, "
                     f"within prompts {_figure(one.values['intra_id_zero_filled'])}")  # fmt: skip
    screen.print(f" all figures and plots: {run / 'selftest'}", soft_wrap=True)
    screen.print(f" candidates ranked by {RANKED_BY} alone, an instrument: {run / 'leaderboard.md'}\n", soft_wrap=True)


def _figure(one: Estimate) -> str:
    if one.value is None:
        return "undefined"
    return f"{one.value:.2f}" if one.low is None else f"{one.value:.2f} [{one.low:.2f}, {one.high:.2f}]"
