"""`make studies`: runs the studies and writes results/coverage.csv, each study's rows in place of its older ones."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path

import numpy as np

from studies.coverage.cells import run
from studies.coverage.table import COVERAGE, Row, read, rows, write

STUDIES = ("intervals", "people", "ranks", "correction", "judges", "candidates", "alternative", "twoway", "added",
           "exceptions", "substitutes", "skewed")  # fmt: skip
SECOND_ROUND, THIRD_ROUND = ("twoway", "added"), ("exceptions", "substitutes", "skewed")
RUNS = 4000
FEWER_RUNS = {"exceptions": 1000}
"""Where the machine was shared and time short: known to .007 instead of .0034."""


def runs_of(name: str) -> int:
    return FEWER_RUNS.get(name, RUNS)


def seed_of(name: str) -> int:
    """Each round has its own: `added` was looked at on the first, before its design was committed."""
    if name == "skewed":
        return 20261201  # after lam was changed; its design says why
    if name in THIRD_ROUND:
        return 20261130
    return 20261123 if name in SECOND_ROUND else 20261122


def study(name: str, runs: int, seed: int) -> list[Row]:
    """All cells of one study. Every cell draws from a generator of its own: seed, study, number of the cell."""
    module, number, done = importlib.import_module(f"studies.coverage.{name}"), STUDIES.index(name), []
    for place, cell in enumerate(module.cells(np.random.default_rng([seed, number]))):
        began = time.process_time()
        tallies = run(cell, runs, np.random.default_rng([seed, number, place]))
        done += rows(name, module.QUANTITY, module.NOMINAL, cell, tallies, seed)
        seconds = time.process_time() - began
        print(
            f"{name}: {cell.case}, {cell.layout}, {cell.prompts} prompts, {seconds:.0f} s", file=sys.stderr, flush=True
        )
    return done


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m studies.coverage", description=__doc__)
    parser.add_argument("studies", nargs="*", metavar="STUDY", help=f"of {', '.join(STUDIES)}; all of them by default")
    parser.add_argument("--runs", type=int, help="of each cell, instead of the study's own number")
    parser.add_argument("--seed", type=int, help="instead of the round's own")
    parser.add_argument("--out", type=Path, default=COVERAGE)
    options = parser.parse_args()
    if unknown := set(options.studies) - set(STUDIES):
        parser.error(f"no study {', '.join(sorted(unknown))}; there are {', '.join(STUDIES)}")
    for name in options.studies or STUDIES:
        found = study(name, options.runs or runs_of(name), seed_of(name) if options.seed is None else options.seed)
        kept: list[Row] = [dict(row) for row in read(options.out) if row["study"] != name]
        write(options.out, sorted(kept + found, key=lambda row: STUDIES.index(str(row["study"]))))


if __name__ == "__main__":
    main()
