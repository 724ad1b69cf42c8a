"""docs/training.md names a test for each mistake of the paper's code: that they exist, and that none is left out."""

from __future__ import annotations

import ast
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "training.md"
TRAINING = {*range(1, 15), 17, 19, 20, 21}
ELSEWHERE = {15, 16, 18, 22, 23}


def rows() -> dict[int, str]:
    """The number of a mistake, and its test."""
    text = PAGE.read_text(encoding="utf-8").split("<!-- faults -->")[1].split("<!-- /faults -->")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.strip().splitlines()[2:]]
    assert all(len(row) == 4 and all(row) for row in cells)
    return {int(row[0]): row[3].strip("`") for row in cells}


def test_every_mistake_that_concerns_a_training_has_its_row() -> None:
    assert set(rows()) == TRAINING
    assert sorted(TRAINING | ELSEWHERE) == list(range(1, 24))


def test_every_named_test_exists_and_bears_the_number() -> None:
    for number, test in rows().items():
        file, name = test.split("::")
        tree = ast.parse((HERE / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, test
        assert str(number) in name.split("_"), test
