"""Cases 01, 03, 04, 05: what is in a file is heard to its end, whatever its head says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.typed import typed
from wavjudge import load

PCM_SECONDS = 62_834 / 16_000


@pytest.mark.parametrize(
    "number, seconds",
    [("01", [PCM_SECONDS] * 4), ("03", [2 * PCM_SECONDS] * 2), ("04", [PCM_SECONDS]), ("05", [PCM_SECONDS])],
)
def test_every_answer_is_rated_over_its_whole_length(
    case: Callable[[str], Path], tmp_path: Path, number: str, seconds: list[float]
) -> None:
    done = typed("score", case(number) / "answers.jsonl", "--judge", "checks", "--out", tmp_path / "run")
    heard = [(one.status, one.answers[0].audio.seconds) for one in load(tmp_path / "run").responses()
             if one.answers[0].audio]  # fmt: skip
    assert done.code == 0 and [status for status, _ in heard] == ["ok"] * len(seconds)
    assert [length for _, length in heard] == pytest.approx(seconds, rel=0.15)
