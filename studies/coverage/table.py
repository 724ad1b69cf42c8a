"""results/coverage.csv: one row for each cell, statistic and method, with what it was made with."""

from __future__ import annotations

import csv
import platform
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import scipy

import wavjudge
from studies.coverage.cells import Cell, Tally

ROOT = Path(__file__).parents[2]
COVERAGE = ROOT / "results" / "coverage.csv"

COLUMNS = (
    "study", "case", "layout", "prompts", "statistic", "method", "quantity", "nominal", "found", "monte_carlo_error",
    "runs", "undefined", "truth_above", "mean_width", "truth", "truth_error", "seed", "wavjudge", "python", "numpy",
    "scipy",
)  # fmt: skip

Row = dict[str, object]
Read = dict[str, str]


def rows(
    study: str, quantity: str, nominal: float, cell: Cell, tallies: Mapping[tuple[str, str], Tally], seed: int
) -> list[Row]:
    """The rows of one cell."""
    versions = {
        "wavjudge": wavjudge.__version__, "python": platform.python_version(), "numpy": np.__version__,
        "scipy": scipy.__version__,
    }  # fmt: skip
    about = {"study": study, "case": cell.case, "layout": cell.layout, "prompts": cell.prompts}
    found = []
    for (statistic, method), tally in tallies.items():
        truth = cell.truths.get(statistic)
        value = {"truth": f"{truth.value:.5f}", "truth_error": f"{truth.error:.5f}"} if truth else {}
        names = {"statistic": statistic, "method": method, "quantity": quantity, "nominal": nominal, "seed": seed}
        found.append(about | names | tally.figures() | value | versions)
    return found


def write(path: Path, done: Iterable[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(done)


def read(path: Path) -> list[Read]:
    """The rows of a file, none if there is no file."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
