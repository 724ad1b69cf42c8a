"""docs/checks.md lists what the code has: importers are written from it."""

from __future__ import annotations

import inspect
import re

import pytest

from tests.test_docs import fields_of, page, section
from wavjudge.checks import AXES
from wavjudge.checks.instructions import RULES
from wavjudge.checks.options import KINDS


def test_the_axes() -> None:
    assert fields_of(page("checks.md").split("\n## ")[0]) == [axis.name for axis in AXES]


@pytest.mark.parametrize("kind", KINDS)
def test_the_options_of_a_kind(kind: str) -> None:
    assert fields_of(section(page("checks.md"), kind)) == list(KINDS[kind].model_fields)


def test_the_instructions_and_their_arguments() -> None:
    rows = re.findall(r"^\| `([^`]+:[^`]+)` \| ([^|]*)\|", page("checks.md"), re.MULTILINE)
    found = {name: [argument for argument in arguments.strip().split(", ") if argument] for name, arguments in rows}
    assert found == {name: list(inspect.signature(rule).parameters)[1:] for name, rule in RULES.items()}
