"""`wavjudge run`: ask candidates the items of a test set, keep what they answer, and rate it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wavjudge.cli.console import complain, console
from wavjudge.cli.stdout import keeping_stdout, stdout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from wavjudge.bench.answering import Asked
    from wavjudge.bench.test_set import Benchmark

WOULD = """{benchmark}: {asked}
  conversations       {conversations:,}
  calls to judges     {calls:,} times what each asks of one answer
  cost                not known before the answers are there: run with --only answers,
                      then `wavjudge score RUN --judge SPEC --dry-run` says it"""


@keeping_stdout()
def run(
    benchmark: Annotated[str, typer.Argument(help="Test set: a name such as tiny, a folder, or a file of items.")],
    candidate: Annotated[list[str], typer.Option(help="SPEC of a candidate, see `wavjudge candidates`.")],
    out: Annotated[Path, typer.Option(help="Run folder; the same command again resumes it.")],
    judge: Annotated[list[str] | None, typer.Option(help="SPEC of a judge; may be given again.")] = None,
    only: Annotated[str | None, typer.Option(help="answers: ask now, rate later with `wavjudge score RUN`.")] = None,
    attempts: Annotated[int, typer.Option(min=1, help="Answers of each candidate to each item.")] = 1,
    retry_answers: Annotated[str, typer.Option(help="Outcomes asked for again: crashed,timed_out; or none.")] = "none",
    metrics: Annotated[bool, typer.Option(help="Rate also by the instruments that the test set names.")] = True,
    axes: Annotated[
        str | None, typer.Option(help="Only these axes, separated by commas. Default: the test set's.")
    ] = None,
    prompts: Annotated[
        Path | None, typer.Option(help="Folder of your own prompt files. Default: the test set's.")
    ] = None,
    prompt_set: Annotated[
        str | None, typer.Option(help="separate, joint, or a prompt's name. Default: the test set's, or separate.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Ratings of each answer by each judge.")] = 1,
    retry: Annotated[str, typer.Option(help="Rating statuses asked for again; or none.")] = "failed",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be asked; send and write nothing.")
    ] = False,
    max_cost: Annotated[
        float | None, typer.Option(min=0, help="Limit in USD for this command; a resumed run counts anew.")
    ] = None,
    price: Annotated[
        str | None, typer.Option(help="USD per million tokens: audio_in=32,text_in=2.5,text_out=10")
    ] = None,
    cache: Annotated[bool, typer.Option(help="Use replies that other runs got for the same request.")] = True,
    max_answer_seconds: Annotated[float, typer.Option(min=0.1, help="Longer answers count as failed.")] = 600.0,
    on_model_change: Annotated[
        str, typer.Option(help="Another model answers under a judge's name: stop, or mark and go on.")
    ] = "stop",
    outside: Annotated[
        bool, typer.Option("--outside", help="Take recordings that lie outside the test set's folder, too.")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Ask candidates every item of a test set, keep their answers, and rate them with judges."""
    from wavjudge.api import runs
    from wavjudge.bench.candidates.build import build_candidate
    from wavjudge.bench.run import Asking, Plan, run_all
    from wavjudge.bench.test_set import open_benchmark
    from wavjudge.cli.commands import score
    from wavjudge.cli.options import model_change, outcomes, statuses, words
    from wavjudge.cli.progress import Bar

    testset = open_benchmark(benchmark, outside=outside)
    judges = _judges(judge or [], only, testset, metrics=metrics)
    shop = runs.workshop(judges, axes=words(axes), prompts=prompts, prompt_set=prompt_set, price=price,
                        max_cost=max_cost, cache=cache, test_set=testset.entry(), told=str(testset.told))  # fmt: skip
    asking = Asking(testset, candidate, attempts, outcomes(retry_answers))
    plan = Plan(None, judges, out, repeats, statuses(retry), "copy", max_answer_seconds, asking=asking,
                on_model_change=model_change(on_model_change))  # fmt: skip
    try:
        if dry_run:
            shop.sends = False
            for spec in candidate:
                build_candidate(spec, shop)  # a wrong SPEC is found here; nothing is opened before the first question
            _would_ask(testset, len(candidate), attempts, judges, as_json=json_)
            return
        with Bar(shop.meter, quiet=quiet) as bar:
            asked, summary = run_all(plan, shop, bar)
    finally:
        if shop.cache is not None:
            shop.cache.close()
    assert asked is not None
    if not quiet and not json_:
        _told(console(), asked)
    complain(asked.bad_rows)
    why = score.report(runs.Scored(out, summary), summary, shop.meter, as_json=json_, quiet=quiet, asked=asked)
    score.end(summary, out, shop.meter, why, asked)


def _judges(judges: Sequence[str], only: str | None, testset: Benchmark, *, metrics: bool) -> list[str]:
    """The judges of the run: none for --only answers, else those named and the instruments of the test set."""
    from wavjudge.errors import InputError

    if only not in (None, "answers"):
        raise InputError(f"got --only {only!r}, expected answers")
    if only and judges:
        raise InputError("got --only answers and a --judge", todo="leave one of them out")
    if only:
        return []
    named = {spec.partition("?")[0] for spec in judges}
    found = [*judges, *(metric for metric in testset.head.metrics if metrics and metric not in named)]
    if not found:
        raise InputError("got no --judge", todo="name one, or --only answers to rate them later")
    return found


def _would_ask(testset: Benchmark, candidates: int, attempts: int, judges: Sequence[str], *, as_json: bool) -> None:
    import json

    from wavjudge.reporting.text import counted

    items = turns = 0
    for _, row in testset:
        items, turns = items + 1, turns + len(row.asked())
    found = {"benchmark": testset.benchmark, "items": items, "turns": turns, "candidates": candidates,
             "attempts": attempts, "conversations": items * candidates * attempts, "judges": list(judges),
             "bad_rows": testset.bad_rows}  # fmt: skip
    if as_json:
        typer.echo(json.dumps(found), file=stdout())
    else:
        asked = f"{counted(items, 'item')} with {counted(turns, 'turn')}, {counted(candidates, 'candidate')}, "
        asked += counted(attempts, "attempt")
        calls = items * candidates * attempts * len(judges)
        console().print(WOULD.format(**found, asked=asked, calls=calls), soft_wrap=True)
    complain(testset.bad_rows)


def _told(screen: Console, asked: Asked) -> None:
    """What the asking came to, and what was lost on the way."""
    from wavjudge.reporting.text import counted, printable, were

    before = asked.already_answered
    parts = [f"{counted(asked.answered, 'answer')} in this pass", f"{before} {were(before)} there before"]
    screen.print("; ".join(parts) + ".", soft_wrap=True)
    if asked.lost:
        screen.print(f"{counted(asked.lost, 'question')} {were(asked.lost)} not answered for reasons that are not the "
                     "candidate's; the same command asks them again:", soft_wrap=True)  # fmt: skip
        for reason in asked.lost_why[:5]:
            screen.print(f"  {printable(reason)}", soft_wrap=True)
