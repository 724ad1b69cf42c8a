"""Names that look the same on a screen are shown with what tells them apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.typed import rows, typed
from wavjudge.nearest import apart, look, of_path, twins

PAIRS = [("caf\u00e9", "cafe\u0301"), ("\u30ac", "\u30ab\u3099"), ("a b", "a\u00a0b"), ("ab", "a\u200bb"),
         ("\uff21", "A"), ("x", "x\ufeff")]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_names_that_look_the_same_are_spelt_out(one: str, other: str) -> None:
    assert look(one) == look(other) and twins([one, other])
    shown = apart(one, other)
    assert shown[0] != shown[1] and look(shown[0]) != look(shown[1])


def test_names_that_look_different_stay_as_they_are() -> None:
    assert apart("caf\u00e9", "tea", "CAF\u00c9") == ["caf\u00e9", "tea", "CAF\u00c9"] and not twins(["a", "A", "b"])


def test_a_path_that_looks_right_is_answered_with_the_difference(tmp_path: Path) -> None:
    (tmp_path / "caf\u00e9").mkdir()
    assert of_path(tmp_path / "cafe\u0301") == f"check the path: did you mean {tmp_path}/caf\\xe9?"


def test_two_candidates_that_look_the_same_are_named_at_the_end_of_a_run(tmp_path: Path) -> None:
    file = rows(*({"item_id": "q1", "candidate": name, "text": "Yes."} for name in PAIRS[0]), folder=tmp_path)
    words = ("score", file, "--judge", "checks", "--axes", "refusal", "--out", tmp_path / "run")
    done = typed(*words)
    assert "look the same and are counted as different ones: 'cafe\\u0301', 'caf\\xe9'" in done.err
    assert len(json.loads(typed(*words, "--json").out)["answers"]) == 2
