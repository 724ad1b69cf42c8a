"""`nan` and `inf` are floats, but no amount of money, of seconds, or of anything else that an option means."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import typer.main

import wavjudge
from tests.cli.typed import answers, typed
from wavjudge.cli.app import app
from wavjudge.errors import InputError


@pytest.mark.parametrize("number", ["nan", "NaN", "inf", "-inf", "1e999"])
@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_a_limit_in_money_is_finite(tmp_path: Path, number: str, more: list[str]) -> None:
    for command in (["score", str(answers(tmp_path))], ["run", "tiny", "--candidate", "openai:m"]):
        got = typed(*command, "--judge", "openai:m", "--out", str(tmp_path / "run"), "--max-cost", number, *more)
        assert got.code == 2 and "expected a finite number from 0 on" in got.err and "--max-cost" in got.err
    assert not (tmp_path / "run").exists()


def test_a_decimal_comma_is_called_one(tmp_path: Path) -> None:
    got = typed("score", answers(tmp_path), "--judge", "checks", "--out", tmp_path / "run", "--max-cost", "2,5")
    assert got.code == 2 and "got 2,5, expected a decimal point: 2.5" in got.err


@pytest.mark.parametrize(
    "command, option, example",
    [
        (("score", "tiny", "--out", "x"), "--judge", "`wavjudge judges` lists them"),
        (("run", "tiny", "--out", "x"), "--candidate", "command:python answer.py"),
        (("calibrate", "x.csv", "--out", "x"), "--labels", "item_id, candidate, axis, rater, score"),
    ],
)
def test_a_missing_option_says_what_could_stand_there(command: tuple[str, ...], option: str, example: str) -> None:
    got = typed(*command)
    said = " ".join(got.err.replace("│", " ").split())
    assert got.code == 2 and f"Missing option '{option}'" in said and example in said


def _numbers() -> list[tuple[str, str]]:
    found, left = [], [("", typer.main.get_command(app))]
    while left:
        name, command = left.pop()
        left += [(f"{name} {word}".strip(), one) for word, one in getattr(command, "commands", {}).items()]
        found += [(name, one.opts[0]) for one in command.params if one.type.name.startswith("float")]
    return found


def test_every_option_that_is_a_number_is_finite() -> None:
    numbers = _numbers()
    assert ("score", "--max-cost") in numbers and len(numbers) > 30
    for command, option in numbers:
        given = [option, "nan"] if option.startswith("-") else ["nan"]
        got = typed(*command.split(), *given)
        assert got.code == 2 and "expected a finite number" in got.err, (command, option, got.err)


@pytest.mark.parametrize("limit", [math.nan, math.inf, -1.0])
def test_the_library_refuses_it_too(tmp_path: Path, limit: float) -> None:
    with pytest.raises(InputError, match="expected a finite number from 0 on"):
        wavjudge.score(answers(tmp_path), judges=["signals"], out=tmp_path / "run", max_cost=limit)
    assert not (tmp_path / "run").exists()


def test_the_longest_answer_is_a_number(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="max_answer_seconds=nan"):
        wavjudge.score(answers(tmp_path), judges=["signals"], out=tmp_path / "run", max_answer_seconds=math.nan)
