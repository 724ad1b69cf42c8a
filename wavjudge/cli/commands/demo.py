"""`wavjudge demo`: the shipped tiny test set, measured offline, and what the measurements are worth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wavjudge.cli.console import console

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
    from wavjudge.cli.commands.selftest import selftest
    from wavjudge.cli.progress import Bar
    from wavjudge.judges.build import Workshop

    tiny, shop = resources.folder("benchmarks") / "tiny", Workshop(prompts=())
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
