"""`wavjudge compare`: two judges, two candidates, two runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wavjudge.cli.console import console, note
from wavjudge.cli.groups import Commands
from wavjudge.cli.waiting import Waiting

if TYPE_CHECKING:
    from wavjudge.reporting.table import Report
    from wavjudge.types import Axis

app = typer.Typer(
    cls=Commands, no_args_is_help=True, help="Compare two judges, two candidates or two runs, and say how sure it is."
)

_AXIS = typer.Option(help="Only this axis: NAME, or NAME=LOW..HIGH to declare it; may be given again.")
_OUT = typer.Option(help="File to write too: .csv, .json or .md.")
_SEED = typer.Option(help="Of everything that is drawn.")


@app.command("judges")
def judges(
    ratings: Annotated[list[Path], typer.Argument(help="Ratings of two judges or more: tables or run folders.")],
    labels: Annotated[list[Path], typer.Option(help="People's ratings; may be given again.")],
    statistic: Annotated[str, typer.Option(help="Named before looking; the others are exploratory.")] = "pearson",
    label_kind: Annotated[str, typer.Option(help="human, or constructed (a self-test, no calibration).")] = "human",
    axis: Annotated[list[str] | None, _AXIS] = None,
    interval: Annotated[str, typer.Option(help="jackknife-t or cluster-bootstrap.")] = "jackknife-t",
    seed: Annotated[int, _SEED] = 12345,
    out: Annotated[Path | None, _OUT] = None,
) -> None:
    """Say which of two judges agrees better with people on the same answers, and what audio adds."""
    from typing import cast, get_args

    from wavjudge.analysis.calibration.findings import LABEL_KINDS
    from wavjudge.analysis.compare.judges import PRIMARIES, judge_pairs
    from wavjudge.analysis.stats.intervals import Method
    from wavjudge.api import inputs
    from wavjudge.nearest import known
    from wavjudge.reporting.compare_judges import report, show

    known("--statistic", statistic, tuple(PRIMARIES))
    known("--label-kind", label_kind, tuple(LABEL_KINDS))
    known("--interval", interval, get_args(Method))
    _writable(out)
    names, axes = _axes(axis)
    with Waiting("comparing judges"):
        found = judge_pairs(
            inputs.ratings(ratings, axes=axes, rater_kind="model"),
            inputs.ratings(labels, axes=axes, rater_kind=LABEL_KINDS[label_kind]),
            statistic=PRIMARIES[statistic], axes=names, label_kind=label_kind, method=cast(Method, interval), seed=seed,
        )  # fmt: skip
    show(console(), found)
    _end(report(found), found.notes, out)


@app.command("candidates")
def candidates(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, or tables of ratings.")],
    judge: Annotated[str | None, typer.Option(help="Only this rater, such as openai:NAME.")] = None,
    signature: Annotated[list[str] | None, typer.Option(help="Only these judge signatures.")] = None,
    axis: Annotated[list[str] | None, _AXIS] = None,
    first: Annotated[str | None, typer.Option(help="This candidate against the others, or --second.")] = None,
    second: Annotated[str | None, typer.Option(help="The other candidate.")] = None,
    seed: Annotated[int, _SEED] = 12345,
    out: Annotated[Path | None, _OUT] = None,
) -> None:
    """Say which of two candidates scores higher on the same prompts, with what each of them lost."""
    from wavjudge.analysis.compare.candidates import candidate_pairs
    from wavjudge.api import inputs
    from wavjudge.reporting.compare_candidates import report, show

    _writable(out)
    names, axes = _axes(axis)
    with Waiting("comparing candidates"):
        found = candidate_pairs(
            inputs.ratings(runs, axes=axes, rater_kind="model"), inputs.responses(runs), rater=judge,
            signatures=signature, axes=names, first=first, second=second, seed=seed,
        )  # fmt: skip
    show(console(), found)
    _end(report(found), found.notes, out)


@app.command("runs")
def runs(
    old: Annotated[Path, typer.Argument(help="Run folder or table with the old judge's ratings.")],
    new: Annotated[Path, typer.Argument(help="The same answers under the new judge.")],
    axis: Annotated[list[str] | None, _AXIS] = None,
    old_judge: Annotated[str | None, typer.Option(help="Rater or signature, where OLD has several.")] = None,
    new_judge: Annotated[str | None, typer.Option(help="The same for NEW.")] = None,
    out: Annotated[Path | None, _OUT] = None,
) -> None:
    """Say what moved between an old and a new judge of the same answers, and what a leaderboard would do."""
    from wavjudge.analysis.compare.runs import run_pair
    from wavjudge.api.inputs import same_answers
    from wavjudge.reporting.compare_runs import report, show

    _writable(out)
    _two(old, new, old_judge, new_judge)
    names, axes = _axes(axis)
    with Waiting("comparing two runs"):
        both = same_answers(old, new, axes, old_judge=old_judge, new_judge=new_judge)
        found = run_pair(both.old, both.new, axes=names, old_judge=old_judge, new_judge=new_judge, about=both.about,
                         notes=both.notes)  # fmt: skip
    show(console(), found)
    _end(report(found), found.notes, out)


def _axes(asked: Sequence[str] | None) -> tuple[list[str], list[Axis]]:
    """The names of the axes asked for, and all axes with their scales."""
    from wavjudge.api.inputs import declared

    given = asked or ()
    return [one.split("=", 1)[0] for one in given], declared([one for one in given if "=" in one])


def _two(old: Path, new: Path, old_judge: str | None, new_judge: str | None) -> None:
    from wavjudge.errors import InputError

    if old.resolve() == new.resolve() and old_judge == new_judge:
        raise InputError("got the same ratings twice, expected two runs", where=str(old),
                         todo="name two judges of it: --old-judge, --new-judge")  # fmt: skip


def _writable(out: Path | None) -> None:
    from wavjudge.reporting.table import checked

    if out is not None:
        checked(out)


def _end(report: Report, notes: Sequence[str], out: Path | None) -> None:
    from wavjudge.reporting.table import write

    for text in notes:
        note(text)
    if out is not None:
        write(report, out)
        console(err=True).print(f"written to {out}", soft_wrap=True)
