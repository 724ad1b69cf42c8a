"""The library face: what the command line does, as plain functions.

import wavjudge
run = wavjudge.score("answers.jsonl", judges=["gemini:gemini-3.5-flash"], out="runs/first")
run.table()          # a pandas DataFrame with the columns of `wavjudge export`
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wavjudge.analysis.tables.flat import COLUMNS, flat
from wavjudge.bench.answers import open_testset
from wavjudge.bench.rating import RETRIED_STATUSES, Summary
from wavjudge.bench.run import Plan, run
from wavjudge.bench.watcher import Watcher
from wavjudge.clients.identity import OnModelChange
from wavjudge.judges.context import workshop as workshop
from wavjudge.store.run_folder import RunFolder, no_run
from wavjudge.types import Rating, Response, Status

if TYPE_CHECKING:
    import pandas as pd


_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Scored:
    """A run folder and what can be had from it. `summary` is None for a run that was only loaded."""

    path: Path
    summary: Summary | None = None

    def ratings(self) -> Iterator[Rating]:
        """The ratings that stand, in the order in which they were made."""
        with RunFolder(self.path) as folder:
            yield from folder.ratings()
            _warn(folder)

    def responses(self) -> Iterator[Response]:
        """Every candidate's answers, the failed ones included."""
        with RunFolder(self.path) as folder:
            yield from folder.responses()
            _warn(folder)

    def rows(self) -> Iterator[dict[str, object]]:
        """The rows of `wavjudge export`."""
        tags = self._tags()
        for rating in self.ratings():
            subject = rating.subject
            yield flat(rating, tags.get((subject.benchmark, subject.item_id, subject.candidate, subject.attempt), ()))

    def table(self) -> pd.DataFrame:
        """The same as a pandas DataFrame."""
        import pandas as pd

        # Without a single score the column would be one of objects, and its mean an error.
        return pd.DataFrame(self.rows(), columns=list(COLUMNS)).astype({"score": float})

    def _tags(self) -> dict[tuple[str, str, str, int], tuple[str, ...]]:
        return {(r.benchmark, r.item_id, r.candidate, r.attempt): r.tags for r in self.responses() if r.tags}


def score(
    responses: str | Path,
    *,
    judges: Sequence[str],
    out: str | Path,
    axes: Sequence[str] | None = None,
    prompts: str | Path | None = None,
    prompt_set: str | None = None,
    repeats: int = 1,
    questions: str | Path | None = None,
    benchmark: str | None = None,
    retry: Collection[Status] = RETRIED_STATUSES,
    max_cost: float | None = None,
    price: str | None = None,
    cache: bool = True,
    keep_audio: str = "copy",
    outside: bool = False,
    max_answer_seconds: float = 600.0,
    on_model_change: OnModelChange = "stop",
    watcher: Watcher | None = None,
) -> Scored:
    """Rate stored answers and write a run folder; the same call again resumes it.

    Parameters
    ----------
    responses: a JSONL, CSV or Parquet file, a folder with responses.jsonl, a run folder, or a folder of recordings.
    judges: SPECs, such as ``openai:NAME?temperature=1`` or ``signals``.
    out: the run folder; it is created, or resumed.
    axes: rate only these; by default all that the judges have.
    prompts: a folder of prompt files instead of the shipped ones. prompt_set: "separate", "joint", or a prompt's name.
        What the test set of a run folder says of its axes and prompts comes before these defaults (docs/candidates.md).
    repeats: how often each judge rates each answer.
    questions: where the questions lie, if `responses` has none: a test set, a table of items, or a folder of recordings
        and texts named by item.
    retry: statuses that are asked for again on resume.
    max_cost: limit in USD for this call; needs known prices, or `price` such as ``audio_in=32,text_in=2.5,text_out=10``
        (USD per million tokens).
    on_model_change: what a reply does that another model gave than the first one under a judge's name. "stop" sends
        that judge nothing more; "mark" goes on, and the ratings of both stand apart under signatures of their own.
    outside: whether `questions` may name recordings outside their folder.
    keep_audio: "copy" recordings into the run folder, or "reference" them where they are.

    Raises
    ------
    InputError, SpecError, MissingPartError before anything is sent; `StopRun` (AuthError, QuotaError, BudgetError,
    ProviderDownError, ModelChangedError) does not raise: it stands in ``summary.stopped``, and what was done is kept.
    """
    testset = open_testset(
        Path(responses), benchmark=benchmark, questions=None if questions is None else Path(questions), outside=outside
    )
    shop = workshop(
        judges, axes=axes, prompts=prompts, prompt_set=prompt_set, price=price, max_cost=max_cost, cache=cache,
        test_set=testset.entry(), told=str(testset.told),
    )  # fmt: skip
    plan = Plan(
        testset=testset, specs=list(judges), out=Path(out), repeats=repeats,
        retry=frozenset(retry), keep="reference" if keep_audio == "reference" else "copy",
        max_answer_seconds=max_answer_seconds, on_model_change=on_model_change,
    )  # fmt: skip
    try:
        return Scored(plan.out, run(plan, shop, watcher))
    finally:
        if shop.cache is not None:
            shop.cache.close()


def _warn(folder: RunFolder) -> None:
    for line in folder.bad_lines:
        _log.warning("passed over a line that is no record: %s", line)


def load(path: str | Path) -> Scored:
    """An existing run folder. Raises `StoreError` if it is none."""
    scored = Scored(Path(path))
    if not (scored.path / "manifest.json").is_file():
        raise no_run(scored.path)
    return scored
