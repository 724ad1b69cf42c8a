"""docs/rewards.md says what the code does: its examples run, its tables come from the code."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from tests.cli.typed import typed
from tests.rewards.page import presets
from tests.test_docs import page, section


def test_the_examples_give_what_they_say() -> None:
    test = doctest.DocTestParser().get_doctest(page("rewards.md"), {}, "rewards.md", "docs/rewards.md", 0)
    found = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test)
    assert found.attempted > 15 and not found.failed


def test_the_table_of_presets_is_that_of_the_code() -> None:
    assert presets() in section(page("rewards.md"), "Presets"), "run python -m tests.rewards.page"


def test_the_made_up_study_prints_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = section(page("rewards.md"), "Before a training: `wavjudge rewards rollouts`")
    monkeypatch.chdir(tmp_path)
    before, after = text.split("```python\n")[1].split("```\n", 1)
    exec(before, {})
    command, shown = re.search(r"^    wavjudge (.+)\n\n((?:    .*\n|\n)+)", after, re.MULTILINE).groups()  # type: ignore
    done = typed(*command.split())
    assert done.code == 0, done.err
    assert [line.strip() for line in shown.split("\n") if line.strip()] == [
        line.strip() for line in done.out.split("\n") if line.strip()
    ]
    assert max(map(len, done.out.splitlines())) <= 80
