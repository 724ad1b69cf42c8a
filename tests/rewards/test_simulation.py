"""The simulation of failing scores: what was published of the reference, what holds of ours, what the page quotes."""

from __future__ import annotations

import pytest

from studies.rewards import simulation
from tests.rewards.worked import WORKED
from tests.test_docs import page

COLUMNS = simulation.COLUMNS


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return list(simulation.lines())


@pytest.fixture(scope="module")
def rows(lines: list[str]) -> list[dict[str, str]]:
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    return [dict(zip(COLUMNS, row, strict=True)) for row in cells]


def arm(rows: list[dict[str, str]], name: str, column: str) -> list[float]:
    return [float(row[column]) for row in rows if row["arm"] == f"`{name}`"]


def test_no_failed_answer_of_ours_gets_a_gradient_and_all_of_the_references_do(rows: list[dict[str, str]]) -> None:
    for column in ("A failed", "rewarded", "gradient", "off judged", "flips judged", "lambda judged"):
        assert not any(arm(rows, "overall", column)), column
    assert min(arm(rows, "reference", "gradient")) > 0.9 and min(arm(rows, "reference", "rewarded")) > 0.05


def test_the_reference_does_what_was_published(rows: list[dict[str, str]]) -> None:
    published, count = WORKED["published_simulation"], len(WORKED["published_simulation"]["touched"])
    for column, name, within in (("touched", "touched", 0.02), ("A failed", "failed_advantage", 0.06),
                                 ("off judged", "change", 0.02)):  # fmt: skip
        assert arm(rows, "reference", column)[:count] == pytest.approx(published[name], abs=within), column
    assert arm(rows, "reference", "lambda judged")[:4] == pytest.approx([published["lambda_g4"]] * 4, abs=0.01)
    low, high = min(published["flips_g4"]), max(published["flips_g4"])
    assert all(low - 0.01 < share < high + 0.01 for share in arm(rows, "reference", "flips judged")[:4])


def test_the_page_quotes_the_command(lines: list[str]) -> None:
    assert "\n".join(lines) in page("rewards.md"), "run python -m studies.rewards.simulation and quote it"
