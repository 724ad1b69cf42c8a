"""The studies count what they say they count; the figures themselves are in results/coverage.csv."""

from __future__ import annotations

import importlib
import math
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from studies.coverage import populations
from studies.coverage.__main__ import STUDIES, study
from studies.coverage.cells import Cell, Outcome, Tally, held, rejected, run
from studies.coverage.populations import POPULATIONS, answers, mean_on_scale, true_mean
from studies.coverage.table import COLUMNS, read, rows, write
from wavjudge.analysis.stats.intervals import Estimate


def test_an_interval_holds_its_ends_and_knows_on_which_side_it_failed() -> None:
    interval = Estimate(2.0, 1.0, 3.0)
    assert held(interval, 3.0) == Outcome(True, 2.0, False)
    assert held(interval, 3.5) == Outcome(False, 2.0, True)
    assert held(interval, 0.5) == Outcome(False, 2.0, False)
    assert held(Estimate(2.0), 2.0).hit is None


def test_a_test_rejects_at_five_percent_and_none_is_no_test() -> None:
    assert [rejected(p).hit for p in (0.05, 0.051, None)] == [True, False, None]


def test_a_run_without_an_interval_enters_no_share() -> None:
    tally = Tally()
    for outcome in (Outcome(True, 1.0), Outcome(False, 3.0, True), Outcome(True, 2.0), Outcome(None)):
        tally.add(outcome)
    assert tally.figures() == {
        "runs": 4, "undefined": "0.2500", "found": "0.6667", "monte_carlo_error": f"{math.sqrt(2 / 27):.4f}",
        "truth_above": "0.3333", "mean_width": "2.0000",
    }  # fmt: skip


def test_the_mean_in_closed_form_is_that_of_many_draws() -> None:
    random, population = np.random.default_rng(7), POPULATIONS["typical"]
    drawn = answers(population, "1 each", 400_000, random).people(random, 1)
    assert drawn.mean() == pytest.approx(true_mean(population).value, abs=4 * drawn.std() / math.sqrt(len(drawn)))
    assert mean_on_scale(3.0, 1.3) == pytest.approx(3.0)


def test_prompts_have_four_answers_or_one_to_eight() -> None:
    random, population = np.random.default_rng(7), POPULATIONS["flat"]
    assert set(np.bincount(answers(population, "4 each", 20, random).prompt)) == {4}
    assert set(np.bincount(answers(population, "1-8", 400, random).prompt)) == set(range(1, 9))


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_runs_and_its_rows_can_be_read_again(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(populations, "BATCHES", 2)
    module, random = importlib.import_module(f"studies.coverage.{name}"), np.random.default_rng(7)
    (cell,) = islice(module.cells(random), 1)
    tallies = run(cell, 2, random)
    assert tallies and all(tally.runs == 2 for tally in tallies.values())
    done = rows(name, module.QUANTITY, module.NOMINAL, cell, tallies, seed=7)
    write(tmp_path / "coverage.csv", done)
    again = read(tmp_path / "coverage.csv")
    assert tuple(again[0]) == COLUMNS
    assert [(row["statistic"], row["method"]) for row in again] == list(tallies)


def test_a_seed_fixes_every_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("studies.coverage.candidates"), "PROMPTS", ())
    first, again, other = (study("candidates", 40, seed) for seed in (7, 7, 8))
    assert first == again
    assert [row["found"] for row in first] != [row["found"] for row in other]


def test_runs_of_a_cell_draw_anew_each_time() -> None:
    drawn = []

    def once(random: np.random.Generator, number: int) -> dict[tuple[str, str], Outcome]:
        drawn.append((number, random.random()))
        return {("statistic", "method"): Outcome(True)}

    run(Cell("case", "1 each", 3, once), 3, np.random.default_rng(7))
    assert [number for number, _ in drawn] == [0, 1, 2] and len({value for _, value in drawn}) == 3
