"""No exception of one row's handling reaches the run: one is planted into every function that handles a row.

The functions are found by counting calls (`planted.handlers`), so a stage that is added is among them by itself.
"""

from __future__ import annotations

import errno
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import wavjudge
from tests.bench.answers import write_answers
from tests.bench.asking import write_items
from tests.bench.planted import Name, PlantedError, handlers, planted
from tests.loopback import Loopback
from wavjudge.api import runs
from wavjudge.bench.run import Asking, Plan, run_all
from wavjudge.bench.test_set import open_benchmark
from wavjudge.errors import StoreError
from wavjudge.store.run_folder import FAULTS, RunFolder

pytestmark = [  # what a planted error leaves half done, Python complains of when it is thrown away
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

FEW, MANY = 2, 5

GUARDS: dict[Name, str] = {
    ("bench/workers.py", "Lanes.put"): "hands the work to the guards",
    ("bench/rating.py", "Runner._managed"): "is the guard of a row",
    ("bench/answering.py", "Asker._taken"): "is the guard of an item",
    ("bench/watcher.py", "Unheard.planned"): "is the guard of whoever looks on",
    ("files/safe.py", "sync"): "writes: see Log._flush",
    ("store/run_folder.py", "Log._write"): "writes: see Log._flush",
    ("store/run_folder.py", "Log._flush"): "writes: what is on the disk is unknown, so the run ends with a StoreError",
}
"""What is between a row and the run: it may end the run, and nothing else may."""


READERS: dict[Name, str] = {
    ("files/tables.py", "_jsonl_rows"): "a generator that broke gives nothing more; what a line holds is read apart",
}
"""Where the file is read: what stands behind is not read in this pass, which is said, and is in the next."""


THE_GUARD: Name = ("internal.py", "managed")
"""Three lines that catch what anything else raises: whoever guards it would be the same three lines."""


@dataclass
class Scenario:
    """Some rows, rated. rows: how many there are. The same folder again is a resume."""

    server: Loopback
    base: Path
    numbers: Any = field(default_factory=lambda: itertools.count())

    def __post_init__(self) -> None:
        self.files = {count: write_answers(self.base / f"answers{count}", count) for count in (FEW, MANY)}
        self.items = {count: write_items(self.base / f"items{count}", count) for count in (FEW, MANY)}

    @property
    def judges(self) -> list[str]:
        return [f"openai:loopback?base_url={self.server.openai_url}&max_in_flight=4", "checks"]

    def fresh(self) -> Path:
        return self.base / f"run{next(self.numbers)}"

    def score(self, rows: int, out: Path | None = None, **options: Any) -> wavjudge.Scored:
        return wavjudge.score(self.files[rows], judges=self.judges, out=out or self.fresh(), prompt_set="semantic",
                              axes=["semantic", "refusal"], cache=False, **options)  # fmt: skip

    def ask(self, rows: int, out: Path | None = None, *, retry: tuple[str, ...] = ()) -> Any:
        benchmark = open_benchmark(str(self.items[rows]))
        candidate = f"openai:loopback?base_url={self.server.openai_url}&max_in_flight=4"
        shop = runs.workshop([], axes=None, prompts=None, prompt_set=None, price=None, max_cost=None, cache=False)
        out = out or self.fresh()
        return run_all(Plan(None, [], out, asking=Asking(benchmark, [candidate], retry=retry)), shop)


@pytest.fixture
def scenario(tmp_path: Path) -> Any:
    with Loopback() as server:
        yield Scenario(server, tmp_path)


def some(found: dict[Name, int], wanted: int = 12) -> dict[Name, int]:
    """Some from all over the house, so that the quick tests stay quick; the heavy ones take every function."""
    names = sorted(found)
    return {name: found[name] for name in names[:: max(1, len(names) // wanted)]}


def scored_in_spite_of(scenario: Scenario, found: dict[Name, int]) -> list[str]:
    wrong = []
    for name, call in sorted(found.items()):
        if name == THE_GUARD:
            continue
        out = scenario.fresh()
        try:
            with planted(name, call) as happened:
                first = scenario.score(MANY, out)
        except (PlantedError, StoreError):
            wrong += [] if name in GUARDS else [f"{name} ends the run"]
            continue
        assert first.summary is not None
        ok = sum(rating.status == "ok" for rating in first.ratings())
        kept = sum(rating.raw is not None and rating.status == "failed" for rating in first.ratings())
        if len({rating.key for rating in first.ratings()}) != len(list(first.ratings())):
            wrong.append(f"{name} gives one work two ratings")
        if happened and ok < 2 * MANY - 2 and name not in READERS:
            wrong.append(f"{name} takes other rows with it: {ok} of {2 * MANY} are ok")
        if happened and not (first.summary.faults or first.summary.bad_rows):
            wrong.append(f"{name} fails in silence")
        sent = scenario.server.requests
        again = scenario.score(MANY, out)
        ok_again = sum(rating.status == "ok" for rating in again.ratings())
        if ok_again + kept != 2 * MANY:
            wrong.append(f"{name} poisons the resume: {ok_again} ok, {kept} kept")
        if kept and scenario.server.requests > sent:
            wrong.append(f"{name}: a reply that was kept is paid for again")
        whole = scenario.score(MANY, out, retry={"failed", "internal"})
        if [rating.status for rating in whole.ratings()].count("ok") != 2 * MANY:
            wrong.append(f"{name} cannot be made good")
    return wrong


def test_an_exception_in_the_rating_of_a_row_is_that_rows_own(scenario: Scenario) -> None:
    found = handlers(scenario.score, FEW, MANY)
    assert len(found) > 150 and {
        "judges/reading/parse.py",
        "judges/render.py",
        "bench/ingest.py",
        "audio.py",
        "store/run_folder.py",
        "clients/wires/openai.py",
        "clients/retry.py",
    } <= {file for file, _ in found}
    assert scored_in_spite_of(scenario, some(found)) == []


@pytest.mark.heavy
def test_so_it_is_in_every_function_that_rates_a_row(scenario: Scenario) -> None:
    assert scored_in_spite_of(scenario, handlers(scenario.score, FEW, MANY)) == []


def asked_in_spite_of(scenario: Scenario, found: dict[Name, int]) -> list[str]:
    wrong = []
    for name, call in sorted(found.items()):
        if name == THE_GUARD:
            continue
        out = scenario.fresh()
        try:
            with planted(name, call) as happened:
                asked, summary = scenario.ask(MANY, out)
        except (PlantedError, StoreError):
            wrong += [] if name in GUARDS else [f"{name} ends the run"]
            continue
        if happened and not (summary.faults or asked.bad_rows):
            wrong.append(f"{name} fails in silence")
        with RunFolder(out) as folder:
            there = [response.status for response in folder.responses()]
            lost = list(folder.read("unanswered"))
        if there.count("ok") != len(there) or (len(there) < MANY - 1 and name not in READERS):
            wrong.append(f"{name}: it is held against the candidate, or takes others with it: {there}")
        sent = scenario.server.requests
        scenario.ask(MANY, out)
        if lost and scenario.server.requests > sent:
            wrong.append(f"{name}: an answer that was paid for and lost is paid for again")
        scenario.ask(MANY, out, retry=("internal",))
        with RunFolder(out) as folder:
            if [response.status for response in folder.responses()] != ["ok"] * MANY:
                wrong.append(f"{name} cannot be made good")
    return wrong


def test_an_exception_in_the_asking_of_an_item_is_nobodys_fault(scenario: Scenario) -> None:
    found = handlers(scenario.ask, FEW, MANY)
    assert {"bench/answering.py", "bench/candidates/model.py"} <= {file for file, _ in found}
    assert asked_in_spite_of(scenario, some(found)) == []


@pytest.mark.heavy
def test_so_it_is_in_every_function_that_asks_an_item(scenario: Scenario) -> None:
    assert asked_in_spite_of(scenario, handlers(scenario.ask, FEW, MANY)) == []


PARSE = ("judges/reading/parse.py", "parse")


def test_a_paid_reply_that_met_an_error_of_ours_is_kept_and_its_traceback_with_it(scenario: Scenario) -> None:
    out = scenario.fresh()
    with planted(PARSE, 2):
        scored = scenario.score(MANY, out)
    [failed] = [rating for rating in scored.ratings() if rating.status == "failed"]
    assert failed.reason and failed.reason.startswith("internal: PlantedError at judges/")
    assert failed.raw and "<score" in failed.raw and failed.call and failed.call.usage.output_tokens
    assert "PlantedError: planted" in (out / FAULTS).read_text()


def never(error: BaseException) -> Callable[..., Any]:
    def raising(*args: object, **kwargs: object) -> Any:
        raise error

    return raising


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), MemoryError("none left")])
def test_a_full_disk_and_no_memory_end_the_run(scenario: Scenario, monkeypatch, error: Exception) -> None:
    monkeypatch.setattr("wavjudge.judges.model_judge.render", never(error))
    with pytest.raises(type(error)):
        scenario.score(FEW)


@pytest.mark.parametrize("error", [StopIteration("x"), RecursionError(), KeyError(), AssertionError(), UnicodeError()])
@pytest.mark.parametrize("where", ["wavjudge.audio.transmit", "wavjudge.checks.measure"])
def test_whatever_a_thread_raises_the_run_does_not_wait_for_ever(
    scenario: Scenario, monkeypatch, error: Exception, where: str
) -> None:
    monkeypatch.setattr(where, never(error))
    ratings = list(scenario.score(FEW).ratings())
    assert len(ratings) == 2 * FEW and sum(rating.status == "failed" for rating in ratings) == FEW


def test_the_command_says_so_and_does_not_end_with_0(scenario: Scenario) -> None:
    from tests.cli.typed import typed

    words = ["score", scenario.files[MANY], "--judge", scenario.judges[0], "--out", scenario.fresh()]
    with planted(PARSE, 2):
        done = typed(*words)
    assert done.code == 70 and "1 error of wavjudge itself" in done.err and FAULTS in done.err
    assert "Traceback" not in done.err and "internal: PlantedError" in done.out
