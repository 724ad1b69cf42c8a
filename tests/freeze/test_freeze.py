"""What the commands write is as it was kept. `make freeze` keeps it anew."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.freeze import golden
from tests.freeze.scenes import SCENES, play
from tests.signals.sounds import needs_models

_MARKS = {name: [needs_models] for name in golden.NEAR}


@pytest.mark.parametrize("name", [pytest.param(name, marks=_MARKS.get(name, ())) for name in SCENES])
def test_commands_write_what_they_wrote(name: str, tmp_path: Path) -> None:
    found = golden.differences(name, play(name, tmp_path))
    assert not found, f"{found}\n\nIf that is meant: make freeze, then look at the difference (docs/testing.md)."


def test_a_figure_or_a_word_that_changes_is_found_and_its_file_named() -> None:
    data, prose = golden.stored("plan")
    assert golden.differences("plan", (data, prose)) == ""
    changed = data | {"labels.json": data["labels.json"].replace('"labels": ', '"labels": 1')}
    found = golden.differences("plan", (changed, prose))
    assert "1 of 10 data files differ, prose is the same\ntests/freeze/data/plan/labels.json differs" in found
    assert "0 of 10 data files differ, prose differs" in golden.differences("plan", (data, prose + "."))
    fewer = {name: text for name, text in data.items() if name != "files.txt"} | {"x.csv": "a"}
    found = golden.differences("plan", (fewer, prose))
    assert "data/plan/files.txt gone" in found and "data/plan/x.csv new" in found


@pytest.mark.parametrize(("by", "same"), [("1.0002", True), ("1.02", False)])
def test_figures_of_signal_models_may_differ_by_a_thousandth_between_processors(by: str, same: bool) -> None:
    data, prose = golden.stored("signals")
    score = re.compile(r'("dnsmos_overall":)([\d.]+)')
    log = score.sub(lambda found: f"{found[1]}{float(found[2]) * float(by)}", data["run/ratings.jsonl"])
    assert log != data["run/ratings.jsonl"]
    assert (golden.differences("signals", (data | {"run/ratings.jsonl": log}, prose)) == "") == same


def test_no_golden_file_is_left_of_a_scene_that_is_gone() -> None:
    assert golden.strays(SCENES) == []
