"""The same command again, when everything is done: what the scan of the run's logs costs, and the whole command.

Step `make` writes the run folder: answers taken in as always, ratings as a judge writes them. Step `again` runs in a
fresh process: first the scan alone (every record read and validated, its key built), then the command itself, which
also reads the rows, compares each recording's hash, and adds up the manifest. It must find nothing to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from studies.speed.child import Watch
from studies.speed.ours import take_in
from wavjudge.bench.answers import open_testset
from wavjudge.bench.rating import RETRIED_STATUSES, Done
from wavjudge.bench.run import Plan, run
from wavjudge.judges.base import Judge
from wavjudge.judges.build import JudgeContext, build
from wavjudge.judges.prompts import load_all, select
from wavjudge.signature import resolved
from wavjudge.store.run_folder import RunFolder
from wavjudge.types import Call, Rating, Usage

_SPEC = "openai:loopback?base_url=http://127.0.0.1:9/v1"  # nobody listens there, and nobody is called
_WORDS = "The answer names the number and says why it is like any other; the voice is clear, a little quick. " * 3
_USAGE = Usage(input_tokens=900, output_tokens=80, audio_input_tokens=100)


def measure(task: dict[str, Any]) -> dict[str, float]:
    answers, folder = Path(task["answers"]), Path(task["folder"])
    return _make(answers, folder) if task["step"] == "make" else _again(answers, folder)


def _make(answers: Path, folder: Path) -> dict[str, float]:
    take_in(answers, folder)
    judge = build(_SPEC, _shop())
    with RunFolder(folder, write=True) as run_folder:
        ratings, log = _ratings(run_folder, judge), run_folder.log("ratings")
        while batch := list(islice(ratings, 1000)):
            log.append_now(*batch)
    asyncio.run(judge.aclose())
    return {}


def _again(answers: Path, folder: Path) -> dict[str, float]:
    count = (folder / "ratings.jsonl").read_bytes().count(b"\n")
    scan = Watch()
    with RunFolder(folder, write=True) as run_folder:
        Done(run_folder, RETRIED_STATUSES)
    scanned, command = scan.figures(count), Watch()
    summary = run(Plan(open_testset(answers), [_SPEC], folder), _shop())
    assert (summary.tasks_done, summary.tasks_already_done) == (0, count), summary
    return {"ratings": count, "scan_seconds": scanned["wall_seconds"],
            "command_seconds": command.figures(count)["wall_seconds"]}  # fmt: skip


def _ratings(folder: RunFolder, judge: Judge) -> Iterator[Rating]:
    for number, response in enumerate(folder.responses()):
        for task in judge.tasks:
            call = Call(id=f"{number:016x}", prompt_hash="0" * 12, request_hash="0" * 16, nonce="0" * 16, usage=_USAGE)
            for axis in task.axes:
                yield Rating(
                    subject=response.subject(), axis=axis.name, scale=axis.scale, rater=judge.rater,
                    rater_kind="model", score=3.0, status="ok", justification=_WORDS, raw=_WORDS, call=call,
                    signature=resolved(task.signature, "loopback-judge-1"), time=datetime.now(UTC),
                )  # fmt: skip


def _shop() -> JudgeContext:
    return JudgeContext(prompts=select(load_all(), prompt_set="separate", axes=None))
