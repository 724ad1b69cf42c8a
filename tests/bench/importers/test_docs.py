"""docs/importers.md has a section for every format, and the table of column names that the code has.

`python -m tests.bench.importers.test_docs` writes the table anew.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wavjudge.bench.importers import FORMATS
from wavjudge.bench.importers.columns import ALIASES

PAGE = Path(__file__).parents[3] / "docs" / "importers.md"
_BEGIN, _END = "<!-- aliases -->\n", "<!-- /aliases -->\n"


def aliases() -> str:
    rows = [f"| {meaning} | {', '.join(f'`{name}`' for name in names)} |" for meaning, names in ALIASES.items()]
    return "\n".join(("| meaning | names |", "|---|---|", *rows)) + "\n"


def page() -> str:
    if not PAGE.is_file():
        pytest.skip("the pages are not beside the package: this is no checkout")
    return PAGE.read_text(encoding="utf-8")


def test_the_column_names_are_those_of_the_code() -> None:
    text = page()
    assert text[text.index(_BEGIN) + len(_BEGIN) : text.index(_END)] == aliases()


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_a_section(name: str) -> None:
    assert re.search(rf"^## {name}\b", page(), re.MULTILINE)


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    begin, end = text.index(_BEGIN) + len(_BEGIN), text.index(_END)
    PAGE.write_text(text[:begin] + aliases() + text[end:], encoding="utf-8")
