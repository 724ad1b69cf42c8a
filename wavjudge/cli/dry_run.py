"""`wavjudge score --dry-run`: what a run would take, without sending or writing anything."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import typer

from wavjudge.bench.answers import Answers
from wavjudge.bench.ingest import Intake
from wavjudge.cli.console import complain, console
from wavjudge.cli.missing import MOSTLY_MISSING, are_most, missing_said
from wavjudge.clients.base import Request
from wavjudge.clients.money.prices import Estimate, estimate
from wavjudge.clients.spec import parse_spec
from wavjudge.errors import InputError, MissingRecordingError
from wavjudge.judges.base import Case
from wavjudge.judges.build import JudgeContext, build
from wavjudge.judges.model_judge import ModelJudge
from wavjudge.reporting.summary import reasons, told
from wavjudge.reporting.text import counted
from wavjudge.store.run_folder import RunFolder
from wavjudge.types import Response


def dry_run(
    testset: Answers, specs: Sequence[str], shop: JudgeContext, *, repeats: int, max_seconds: float, as_json: bool
) -> None:
    """Print per judge the calls, audio seconds, tokens and money, with what is not known said in words."""
    found: dict[str, Estimate | None] = {}
    bad_rows: dict[str, None] = {}  # in order, each once: every judge reads them anew
    missing: dict[str, None] = {}
    failed: list[Response] = []
    for text in specs:
        judge, spec = build(text, shop), parse_spec(text, shop.named)
        found[str(spec)] = None
        if isinstance(judge, ModelJudge) and spec.kind != "replay":
            with tempfile.TemporaryDirectory() as place:
                failed = []  # the same for every judge
                cases = _cases(testset, Path(place), max_seconds, (bad_rows, missing), failed)
                found[str(spec)] = estimate(_requests(judge, cases, repeats), shop.price_of(spec))
    if as_json:
        typer.echo(json.dumps({name: asdict(one) if one else None for name, one in found.items()}))
    else:
        for name, one in found.items():
            console().print(_told(name, one), soft_wrap=True)
        if failed:
            title = f"not sent to any judge    {counted(len(failed), 'answer')} that failed:"
            for line in told(title, reasons(failed)):
                console().print(line, soft_wrap=True)
    complain(list(bad_rows))
    complain(list(missing), what="missing recording")
    if missing:
        console(err=True).print(missing_said(len(missing), len(testset)), soft_wrap=True)
        if are_most(len(missing), len(testset)):
            raise typer.Exit(MOSTLY_MISSING)


def _cases(
    testset: Answers, place: Path, max_seconds: float, refused: tuple[dict[str, None], dict[str, None]],
    failed: list[Response],
) -> Iterator[Case]:  # fmt: skip
    bad_rows, missing = refused
    with RunFolder(place, write=True) as folder:  # nothing is kept: recordings are referred to where they are
        intake = Intake(folder, "reference", max_seconds)
        for where, row in testset:
            try:
                item, response = intake.take(testset, row)
            except MissingRecordingError as error:
                missing[f"{where}, {error}"] = None
                continue
            except InputError as error:
                bad_rows[f"{where}: {error}"] = None
                continue
            if response.status == "ok":
                yield Case(item, response, place)
            else:
                failed.append(response)
        bad_rows.update(dict.fromkeys(testset.bad_rows))


def _requests(judge: ModelJudge, cases: Iterator[Case], repeats: int) -> Iterator[Request]:
    for case in cases:
        for request in judge.would_ask(case):
            yield from [request] * repeats


def _told(spec: str, one: Estimate | None) -> str:
    if one is None:
        return f"{spec}: works on this machine; sends nothing, costs nothing"
    audio = "unknown" if one.audio_tokens_at_least is None else f"{one.audio_tokens_at_least:,}"
    least = "unknown" if one.usd_at_least is None else f"{one.usd_at_least:.4f} USD"
    most = (
        "unknown: --max-cost would refuse to send (exit code 5) until you give --price"
        if one.usd_at_most is None
        else f"{one.usd_at_most:.4f} USD (every call at its limit)"
    )
    return (
        f"{spec}\n"
        f"  calls               {one.calls:,}\n"
        f"  audio sent          {one.audio_seconds:,.1f} s\n"
        f"  tokens, at least    {one.text_tokens_at_least:,} of text, {audio} of audio\n"
        f"  cost, at least      {least} (input alone)\n"
        f"  cost, at most       {most}\n"
        f"  not known           {'; '.join(one.unknown)}"
    )
