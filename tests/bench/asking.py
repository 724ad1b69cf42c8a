"""A test set to be asked, and a run over it without the command line."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.loopback.verdict import wav
from wavjudge.bench.answering import Asked
from wavjudge.bench.rating import Summary
from wavjudge.bench.run import Asking, Plan, run_all
from wavjudge.bench.test_set import open_benchmark
from wavjudge.bench.watcher import Nobody
from wavjudge.errors import StopRun
from wavjudge.judges.build import JudgeContext
from wavjudge.store.run_folder import RunFolder
from wavjudge.types import Outcome, Rating, Response

SECRET = "The reference that nobody may see"

HEAD_OF_PERSISTENT = """
import json, os, shutil, sys, time
lines = (json.loads(line) for line in sys.stdin)
def say(**said): print(json.dumps(said), flush=True)
def answer(ask, text="said"):
    shutil.copy(ask["question"], ask["answer"])
    say(id=ask["id"], text=text)
"""


def write_items(folder: Path, count: int, *, toml: str = "", **fields: Any) -> Path:
    """A test set of spoken questions, each with a reference and a check that hold `SECRET`; gives its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for number in range(count):
        (folder / f"q{number}.wav").write_bytes(wav(0.1, seed=number))
        row = {"item_id": f"q{number}", "question_audio": f"q{number}.wav", "question_text": f"Question {number}?",
               "reference": SECRET, "checks": [{"kind": "reference", "options": {"any": [SECRET]}}],
               "tags": [f"answer={SECRET}"]}  # fmt: skip
        lines.append(json.dumps({name: value for name, value in (row | fields).items() if value is not None}))
    (folder / "items.jsonl").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    (folder / "benchmark.toml").write_text(f'name = "{folder.name}"\nlanguage = "en"\n{toml}', encoding="utf-8")
    return folder


def write_talks(folder: Path, count: int, turns: int = 2, *, toml: str = "") -> Path:
    """The same with conversations of several turns after a history of two messages."""
    write_items(folder, count, toml=toml)
    (folder / "before.wav").write_bytes(wav(0.1, seed=999))
    lines = []
    for number in range(count):
        said = []
        for turn in range(turns):
            name = f"t{number}-{turn}.wav"
            (folder / name).write_bytes(wav(0.1, seed=1000 * number + turn))
            said.append({"text": f"Words {number} {turn}.", "audio": name})
        history = [{"role": "user", "text": "Words before.", "audio": "before.wav"},
                   {"role": "assistant", "text": "An answer before."}]  # fmt: skip
        lines.append(json.dumps({"item_id": f"q{number}", "turns": said, "history": history, "reference": SECRET}))
    (folder / "items.jsonl").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return folder


class Ledger(Nobody):
    """A watcher that adds up."""

    def __init__(self) -> None:
        self.to_come = self.there = self.calls = self.tasks = 0
        self.gone: list[str] = []

    def to_answer(self, questions: int) -> None:
        self.to_come += questions

    def answered(self, response: Response) -> None:
        self.there += 1

    def planned(self, calls: int) -> None:
        self.calls += calls

    def rated(self, ratings: Sequence[Rating]) -> None:
        self.tasks += 1

    def missing(self, problem: str) -> None: ...

    def gave_up(self, who: str, why: StopRun) -> None:
        self.gone.append(who)


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a run."""

    asked: Asked
    summary: Summary
    run: Path
    ledger: Ledger

    @property
    def responses(self) -> dict[str, Response]:
        """The answers that stand, by item; of several candidates the last."""
        with RunFolder(self.run) as folder:
            return {response.item_id: response for response in folder.responses()}

    @property
    def all(self) -> list[Response]:
        """All answers that stand."""
        with RunFolder(self.run) as folder:
            return sorted(folder.responses(), key=lambda r: (r.candidate, r.item_id, r.attempt))

    @property
    def ratings(self) -> list[Rating]:
        with RunFolder(self.run) as folder:
            return list(folder.ratings())

    @property
    def outcomes(self) -> dict[str, str]:
        return {item: response.status for item, response in self.responses.items()}


def ask(
    benchmark: Path, *specs: str, out: Path | None = None, judges: Sequence[str] = (), attempts: int = 1,
    retry: Sequence[Outcome] = (), shop: JudgeContext | None = None, seconds: float = 600.0,
) -> Done:  # fmt: skip
    """Ask candidates a test set; the run folder lies beside it unless `out` says otherwise."""
    run, ledger = out or benchmark.parent / "run", Ledger()
    asking = Asking(open_benchmark(str(benchmark)), specs, attempts, frozenset(retry))
    plan = Plan(None, judges, run, max_answer_seconds=seconds, asking=asking)
    asked, summary = run_all(plan, shop or JudgeContext(prompts=()), ledger)
    assert asked is not None
    return Done(asked, summary, run, ledger)


def program(folder: Path, code: str, options: str = "", *, name: str = "candidate", words: str = "") -> str:
    """The SPEC of a Python program with this code."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.py"
    path.write_text(code, encoding="utf-8")
    return f"command:{shlex.quote(sys.executable)} {shlex.quote(str(path))}{words}?name={name}{options}"
