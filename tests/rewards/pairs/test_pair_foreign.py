"""Scores by another model than the calibrated one make no pair; they are counted, and the others stand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.typed import typed
from tests.rewards.pairs.test_build import keys, output, record, run
from tests.rewards.test_gate import DEAF, HEARS, made
from wavjudge.errors import InputError
from wavjudge.reporting.calibration_files import CalibrationFile
from wavjudge.rewards.gate import CalibrationGate
from wavjudge.rewards.pairs.build import Built, Rules, build
from wavjudge.rewards.pairs.files import Scored, obeying, of_file, of_run

PLAN = HEARS.split("|is:")[0]
OTHER = "scored by another model than the calibrated one"
FIRST = {("1", "a", 0): (5, 1), ("1", "b", 0): (1, 1), ("2", "a", 0): (5, 1)}
THEN = {("2", "b", 0): (1, 1), ("3", "a", 0): (5, 1), ("3", "b", 0): (1, 1)}


@pytest.fixture(scope="module")
def file() -> CalibrationFile:
    return made(axes=("semantic", "acoustic"))


def mixed(folder: Path, *, first: str = HEARS, then: str = f"{PLAN}|is:m-2") -> Path:
    """A run in which the model changed inside the second prompt."""
    run(folder, FIRST, signature=first)
    return run(folder, THEN, signature=then)


def obeyed(found: Scored, rules: Rules, gate: CalibrationGate) -> Built:
    scored, used, _ = obeying(found, rules, gate)
    return build(scored.prompts, used, noise=scored.noise)


def test_only_what_the_calibrated_model_scored_is_paired(tmp_path: Path, file: CalibrationFile) -> None:
    rules, gate = Rules(), CalibrationGate(file)
    found = of_run(mixed(tmp_path), rules, gate=gate)
    done = obeyed(found, rules, gate)
    assert keys(done) == [("a/0", "b/0", 4.0)] and done.pairs[0].prompt.id == "1"
    assert done.left_out == {OTHER: 3} and done.dropped == {"fewer than two answers that can be used": 2}
    assert "3 scores by 'm-2', which is not the calibrated model: set aside" in found.notes
    assert found.signatures["semantic"] == HEARS


def test_the_calibration_of_the_other_model_takes_the_others(tmp_path: Path, file: CalibrationFile) -> None:
    rules = Rules()
    other = CalibrationFile.model_validate_json(file.model_dump_json().replace(HEARS, f"{PLAN}|is:m-2"))
    both = file.model_copy(update={"rows": (*file.rows, *other.rows)})
    found = of_run(mixed(tmp_path), rules, gate=CalibrationGate(other))
    assert [one.prompt.id for one in obeyed(found, rules, CalibrationGate(other)).pairs] == ["3"]
    with pytest.raises(InputError, match="got 2 signatures on semantic"):  # both are calibrated: nobody says which
        of_run(mixed(tmp_path), rules, gate=CalibrationGate(both))
    whole = of_run(run(tmp_path / "one", FIRST | THEN, signature=HEARS), rules, gate=CalibrationGate(both))
    assert len(obeyed(whole, rules, CalibrationGate(both)).pairs) == 3, "a run by one of the two picks its own"


@pytest.mark.parametrize("then", [PLAN, f"{PLAN}|is:m", f"{PLAN}|is:m-1-2026-05-01"])
def test_what_says_less_or_more_is_another_model(tmp_path: Path, file: CalibrationFile, then: str) -> None:
    rules, gate = Rules(), CalibrationGate(file)
    done = obeyed(of_run(mixed(tmp_path, then=then), rules, gate=gate), rules, gate)
    assert [one.prompt.id for one in done.pairs] == ["1"] and done.left_out == {OTHER: 3}
    only = run(tmp_path / "only", FIRST | THEN, signature=then)
    with pytest.raises(InputError, match="a calibration belongs to the model that answered"):
        obeyed(of_run(only, rules, gate=gate), rules, gate)


def test_another_spelling_is_the_same_model(tmp_path: Path, file: CalibrationFile) -> None:
    rules, gate = Rules(), CalibrationGate(file)
    found = of_run(mixed(tmp_path, then=f"{PLAN}|is:models/M-1"), rules, gate=gate)
    assert len(obeyed(found, rules, gate).pairs) == 3 and not found.notes


def test_prompts_of_a_file_that_another_model_scored_are_set_aside(tmp_path: Path, file: CalibrationFile) -> None:
    def one(name: str, semantic: str) -> dict[str, Any]:
        signed = {"semantic_score": semantic, "paralinguistic_score": DEAF}
        return record(output("a", 5, 2), output("b", 2, 5), id=name, signatures=signed)

    path = tmp_path / "scored.jsonl"
    lines = [one("1", HEARS), one("2", f"{PLAN}|is:m-2"), one("3", HEARS)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    rules, gate = Rules(), CalibrationGate(file)
    found = of_file(path, rules=rules, gate=gate)
    assert [pair.prompt.id for pair in obeyed(found, rules, gate).pairs] == ["1", "3"]
    assert found.notes == [f"{path}, line 2: semantic rated by m-2, which is not the calibrated model; set aside"]


def test_the_command_says_what_was_set_aside(tmp_path: Path, file: CalibrationFile) -> None:
    calibration = tmp_path / "calibration.json"
    calibration.write_text(file.model_dump_json(), encoding="utf-8")
    path = mixed(tmp_path)
    done = typed("pairs", path, "--out", tmp_path / "pairs.jsonl", "--calibration", calibration)
    assert done.code == 0 and "1 pairs written" in done.err and OTHER in " ".join(done.out.split())
    refused = typed("pairs", path, "--out", tmp_path / "none.jsonl")
    assert refused.code == 2 and "got 2 signatures on semantic" in refused.err
