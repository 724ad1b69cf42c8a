"""`wavjudge score`: rate stored answers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wavjudge.cli.console import INTERRUPTED, NO_SCORE, complain, console, note
from wavjudge.cli.missing import MOSTLY_MISSING, are_most, missing_said, unread_said
from wavjudge.cli.stdout import stdout

if TYPE_CHECKING:
    from rich.console import Console

    from wavjudge.api.runs import Scored
    from wavjudge.bench.answering import Asked
    from wavjudge.bench.rating import Summary
    from wavjudge.clients.middleware import Meter
    from wavjudge.reporting.summary import Cell, CellKey, Why

NOT_THERE = "start the server, or check base_url"
INCOMPLETE = 75  # as ProviderDownError: a script that runs overnight must see it


def score(
    responses: Annotated[
        Path, typer.Argument(help="JSONL, CSV or Parquet file, run folder, folder of recordings, or tiny.")
    ],
    judge: Annotated[list[str], typer.Option(help="SPEC of a judge, see `wavjudge judges`; may be given again.")],
    out: Annotated[
        Path | None, typer.Option(help="Run folder; the same command resumes it. Default: RESPONSES, if that is one.")
    ] = None,
    axes: Annotated[
        str | None, typer.Option(help="Only these axes, separated by commas. Default: the test set's of a run.")
    ] = None,
    prompts: Annotated[
        Path | None, typer.Option(help="Folder of your own prompt files. Default: the test set's of a run.")
    ] = None,
    prompt_set: Annotated[
        str | None, typer.Option(help="separate, joint, or a prompt's name. Default: the test set's, or separate.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Ratings of each answer by each judge.")] = 1,
    questions: Annotated[
        Path | None,
        typer.Option(help="The questions, where RESPONSES has none: a test set, a table of items, a folder."),
    ] = None,
    outside: Annotated[
        bool, typer.Option("--outside", help="Take recordings that lie outside the folder of --questions, too.")
    ] = False,
    benchmark: Annotated[str | None, typer.Option(help="Name of the test set; default: from the file name.")] = None,
    retry: Annotated[str, typer.Option(help="Statuses asked for again on resume, by commas; or none.")] = "failed",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would take; send and write nothing.")] = False,
    max_cost: Annotated[
        float | None, typer.Option(min=0, help="Limit in USD for this command; a resumed run counts anew.")
    ] = None,
    price: Annotated[
        str | None, typer.Option(help="USD per million tokens: audio_in=32,text_in=2.5,text_out=10")
    ] = None,
    cache: Annotated[bool, typer.Option(help="Use replies that other runs got for the very same request.")] = True,
    keep_audio: Annotated[str, typer.Option(help="copy recordings into the run, or reference them.")] = "copy",
    max_answer_seconds: Annotated[float, typer.Option(min=0.1, help="Longer answers count as failed.")] = 600.0,
    on_model_change: Annotated[
        str, typer.Option(help="Another model answers under a judge's name: stop, or mark and go on.")
    ] = "stop",
    json_: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Rate stored answers with one or more judges and write a run folder."""
    from wavjudge.api import runs
    from wavjudge.bench.answers import open_testset
    from wavjudge.bench.run import Plan, run
    from wavjudge.cli.options import keep, model_change, statuses, words
    from wavjudge.cli.progress import Bar

    out = out or _itself(responses)
    testset = open_testset(responses, benchmark=benchmark, questions=questions, outside=outside)
    shop = runs.workshop(judge, axes=words(axes), prompts=prompts, prompt_set=prompt_set, price=price,
                        max_cost=max_cost, cache=cache, test_set=testset.entry(), told=str(testset.told))  # fmt: skip
    try:
        if dry_run:
            shop.sends = False
            from wavjudge.cli.dry_run import dry_run as show_estimate

            show_estimate(testset, judge, shop, repeats=repeats, max_seconds=max_answer_seconds, as_json=json_)
            return
        plan = Plan(testset, judge, out, repeats, statuses(retry), keep(keep_audio), max_answer_seconds,
                    on_model_change=model_change(on_model_change))  # fmt: skip
        with Bar(shop.meter, quiet=quiet) as bar:
            summary = run(plan, shop, bar)
    finally:
        if shop.cache is not None:
            shop.cache.close()
    why = report(runs.Scored(out, summary), summary, shop.meter, as_json=json_, quiet=quiet)
    end(summary, out, shop.meter, why, source=responses)


def _itself(responses: Path) -> Path:
    """A run folder is rated where it lies; answers from elsewhere need a folder for their ratings."""
    from wavjudge.errors import InputError
    from wavjudge.store.answers import is_run

    if not is_run(responses):
        raise InputError("got no --out, and the answers are in no run folder", where=str(responses),
                         todo="name a folder for the run: --out runs/first")  # fmt: skip
    return responses


def report(
    scored: Scored, summary: Summary, meter: Meter, *, as_json: bool = False, quiet: bool = False,
    asked: Asked | None = None,
) -> list[Why]:  # fmt: skip
    """Say what the run folder now holds and what this pass did. Returns why ratings failed."""
    import json

    from wavjudge.nearest import twins
    from wavjudge.reporting import summary as tables
    from wavjudge.reporting.summary import not_asked, reasons, told

    cells, answers = tables.summarise(scored.ratings()), tables.outcomes(scored.responses())
    own, why = reasons(scored.responses()), reasons(scored.ratings())
    unasked = not_asked(scored.ratings())
    if as_json:
        done = {"done": summary.tasks_done, "already_done": summary.tasks_already_done, "calls": meter.calls,
                "cached": meter.cached, "retries": meter.retries, "usd": meter.usd, "unpriced_attempts": meter.unpriced,
                "bad_rows": summary.bad_rows, "missing_recordings": summary.missing, "remarks": summary.remarks,
                "stopped": str(summary.stopped) if summary.stopped else None,
                "other_models": summary.other_models,
                **({"asked": _asked(asked)} if asked else {})}  # fmt: skip
        causes = {"answers": [one.as_json() for one in own], "ratings": [one.as_json() for one in why],
                  "not_asked": [one.as_json() for one in unasked]}  # fmt: skip
        whole = {"run": str(scored.path), "this_pass": done, "why": causes, **tables.as_json(cells, answers)}
        typer.echo(json.dumps(whole), file=stdout())
    elif not quiet:
        screen = console()
        tables.show(screen, cells, answers)
        for line in (*told("Why answers failed:", own), *told("Why answers were not scored:", why),
                     *told("What the judges were not asked:", unasked)):  # fmt: skip
            screen.print(line, soft_wrap=True)
        if cells:
            _pass(screen, summary, meter)
    summary.speechless = _speechless(cells)
    for same in twins(answers):
        named = ", ".join(f"'{one}'" for one in same)
        note(f"candidates that look the same and are counted as different ones: {named}; write one name one way")
    complain(summary.bad_rows)
    for remark in dict.fromkeys((*summary.remarks, *(asked.remarks if asked else ()))):
        note(f"another spelling: {remark}")
    return why


def _speechless(cells: dict[CellKey, Cell]) -> list[str]:
    """What each judge came to that was asked, and of whose ratings in the run folder not one has a score."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for (rater, *_), cell in cells.items():
        found[rater] += cell.statuses
    asked = {rater: +Counter({s: n for s, n in count.items() if s not in ("not_applicable", "skipped", "failed")})
             for rater, count in found.items() if not count["ok"]}  # fmt: skip
    return [f"{rater}: " + ", ".join(f"{n} {status}" for status, n in sorted(count.items()))
            for rater, count in asked.items() if count]  # fmt: skip


def _asked(asked: Asked) -> dict[str, object]:
    return {
        "answered": asked.answered, "already_answered": asked.already_answered, "lost": asked.lost,
        "lost_why": asked.lost_why, "outcomes": dict(asked.outcomes), "bad_rows": asked.bad_rows,
        "missing_recordings": asked.missing,
        "stopped": {name: str(stop) for name, stop in asked.stops.items()},
    }  # fmt: skip


def _pass(screen: Console, summary: Summary, meter: Meter) -> None:
    from wavjudge.cli.progress import money
    from wavjudge.reporting.text import counted, were

    retries = "1 retry" if meter.retries == 1 else f"{meter.retries} retries"
    sent = f"{counted(meter.calls, 'call')} sent, {retries}, {meter.cached} answered by the cache"
    before = summary.tasks_already_done
    parts = [f"{counted(summary.tasks_done, 'task')} done in this pass", f"{before} {were(before)} done before"]
    if meter.calls or meter.cached:
        parts += [sent, money(meter)]
    screen.print("; ".join(part for part in parts if part) + ".")


def end(
    summary: Summary, out: Path, meter: Meter, why: Sequence[Why], asked: Asked | None = None,
    source: Path | None = None,
) -> None:  # fmt: skip
    """Exit as the run ended (docs/candidates.md, "Exit codes"): after 0 the same command has nothing left to do.

    source: the answers that were rated.
    """
    from wavjudge.internal import EXIT_CODE
    from wavjudge.reporting.text import counted, one_line, printable, were

    screen = console(err=True)
    _told_faults(screen, summary, out)
    missing, rows = _missing(summary, asked)
    if missing:
        screen.print(missing_said(missing, rows), soft_wrap=True)
    unread = _unread(summary, asked)
    read = sum(summary.outcomes.values()) + (asked.items if asked else 0)
    if unread:
        screen.print(unread_said(unread, unread.total() + read), soft_wrap=True)
    goes_on = f"What was done is in {out}; the same command goes on from there."
    if summary.stopped is not None:
        for said in dict.fromkeys(printable(str(stop)) for stop in summary.stops.values()):
            screen.print(f"stopped: {said}", soft_wrap=True)
        told = all("--" in stop.todo for stop in summary.stops.values())  # then it takes another command
        screen.print(f"What was done is in {out}." if told else goes_on, soft_wrap=True)
        raise typer.Exit(summary.stopped.exit_code)
    if summary.interrupted:
        screen.print(f"interrupted. {goes_on}", soft_wrap=True)
        raise typer.Exit(INTERRUPTED)
    there = asked.answered + asked.already_answered if asked is not None else 0
    if asked is not None and asked.lost:
        lost = f"{counted(asked.lost, 'question')} {were(asked.lost)} not answered"
        first = f"{NOT_THERE}; then " if set(meter.failures) == {"unreachable"} else ""
        screen.print(f"{lost if there else 'not one question was answered'}; {first}the same command asks them again",
                     soft_wrap=True)  # fmt: skip
        raise typer.Exit(INCOMPLETE)
    if are_most(missing, rows) or unread.total() > read > 0:
        raise typer.Exit(MOSTLY_MISSING)
    if not summary.outcomes and not there:
        from wavjudge.bench.answers import nothing_in

        empty = nothing_in(source) if source is not None else ""
        why_none = f"; {source}: {empty}" if empty else ""
        screen.print(f"got not a single row that could be used{why_none}", soft_wrap=True)
        raise typer.Exit(2)
    for short in filter(None, (summary.cut_short, asked.cut_short if asked else None)):
        screen.print(f"the rest of the rows does not read: {printable(short)}", soft_wrap=True)
        raise typer.Exit(2)
    if summary.faults:
        raise typer.Exit(EXIT_CODE)
    if summary.tasks_done and set(summary.statuses) == {"failed"}:
        _nothing_came(screen, meter, why)
    for judge in summary.speechless:
        todo = f"read some of its replies (`wavjudge show {out} ITEM`); another prompt, model or max_tokens may help"
        screen.print(f"not one rating of this judge has a score: {one_line(judge)}. What to do: {todo}", soft_wrap=True)
    if summary.speechless:
        raise typer.Exit(NO_SCORE)


def _missing(summary: Summary, asked: Asked | None) -> tuple[int, int]:
    """How many rows name a recording that is not there, and of how many."""
    missing = len(summary.missing) + (len(asked.missing) if asked else 0)
    return missing, missing + sum(summary.outcomes.values()) + (asked.items if asked else 0)


def _unread(summary: Summary, asked: Asked | None) -> Counter[str]:
    """How many recordings were left out because their format is not read, by kind."""
    from wavjudge.bench.recordings import unread

    return unread([*summary.bad_rows, *(asked.bad_rows if asked else ())])


def _told_faults(screen: Console, summary: Summary, out: Path) -> None:
    """Say that wavjudge itself erred, where it did: in few words, for the tracebacks stand in a file."""
    from wavjudge.reporting.text import counted, one_line
    from wavjudge.store.run_folder import FAULTS

    if not summary.faults:
        return
    kinds = ", ".join(f"{count} x {kind}" for kind, count in summary.faults.most_common(3))
    number = counted(summary.faults.total(), "error")
    said = (
        f"{number} of wavjudge itself, each named where it was met ({one_line(kinds)}); tracebacks are in "
        f"{out / FAULTS}: please report them. Replies that had come are kept: --retry internal asks again, "
        "--judge replay:RUN reads them again"
    )
    screen.print(said, soft_wrap=True)


def _nothing_came(screen: Console, meter: Meter, why: Sequence[Why]) -> None:
    """End a pass in which every call failed; whether the same command can help depends on why."""
    from wavjudge.clients.accepted import hint
    from wavjudge.reporting.summary import told

    kinds, todo, code = set(meter.failures), "the same command tries them again", INCOMPLETE
    known = next(filter(None, (hint(one.reason) for one in why)), "")
    if kinds == {"unreachable"}:
        todo = f"{NOT_THERE}; then the same command tries them again"
    elif kinds <= {"bad_request", "moved"} or (kinds == {"malformed"} and known):
        todo, code = f"sent again they would fail again: {known or 'check base_url, the model and the options'}", 2
    for line in told("not one call came through:", why):
        screen.print(line, soft_wrap=True)
    screen.print(f"What to do: {todo}", soft_wrap=True)
    raise typer.Exit(code)
