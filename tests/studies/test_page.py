"""docs/studies.md says what stands in results/coverage.csv."""

from __future__ import annotations

import pytest

from studies.coverage import page
from studies.coverage.__main__ import runs_of, seed_of
from studies.coverage.page import BEGIN, END, PAGE, verdict
from studies.coverage.table import COVERAGE, read


def test_the_tables_of_the_page_are_those_of_the_file() -> None:
    if not (PAGE.is_file() and COVERAGE.is_file()):
        pytest.skip("the page is not beside the package: this is no checkout")
    text = PAGE.read_text(encoding="utf-8")
    shown = text[text.index(BEGIN) + len(BEGIN) : text.index(END)]
    assert shown == page.found(), "run python -m studies.coverage.page"


def test_the_file_holds_no_run_on_another_seed_or_of_fewer_runs() -> None:
    if not COVERAGE.is_file():
        pytest.skip("no results beside the package: this is no checkout")
    for row in read(COVERAGE):
        assert (row["runs"], row["seed"]) == (str(runs_of(row["study"])), str(seed_of(row["study"])))


@pytest.mark.parametrize(
    ("quantity", "found", "error", "expected"),
    [
        ("coverage", ".931", ".004", "low"),
        ("coverage", ".933", ".004", ""),
        ("coverage", ".976", ".002", "wide"),
        ("coverage", ".974", ".002", ""),
        ("rejected", ".069", ".004", "liberal"),
        ("rejected", ".067", ".004", ""),
        ("rejected", ".023", ".003", "timid"),
        ("rejected", ".025", ".003", ""),
        ("coverage", "", "", ""),
    ],
)
def test_the_limits_of_the_design(quantity: str, found: str, error: str, expected: str) -> None:
    row = {"quantity": quantity, "found": found, "monte_carlo_error": error}
    assert verdict(row) == expected
