"""A judge that does not keep to the tags is named after five replies, once, with what to try."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.typed import answers, spec, typed
from tests.loopback.server import Loopback
from wavjudge.bench.rating import IN_A_ROW, Tagless
from wavjudge.judges.prompts import load_all
from wavjudge.judges.reading.parse import parse
from wavjudge.types import Rating, Scale, Status, Subject

PROMPT = load_all()["semantic"]
WITHOUT = ("Score: 4", '{"score": 4}', "Four out of five, I would say.", "4", "**Rating:** 4/5")


def rating(text: str, status: Status | None = None) -> Rating:
    (outcome,) = parse(text, PROMPT).outcomes.values()
    score = getattr(outcome, "score", None)
    return Rating(
        subject=Subject(benchmark="b", item_id="1", candidate="c"), axis="semantic", scale=Scale(low=1, high=5),
        rater="openai:m", rater_kind="model", score=score, signature="openai:m|v1",
        status=status or getattr(outcome, "status", "ok"), reason=getattr(outcome, "reason", None),
    )  # fmt: skip


def said(*texts: str, counts: Tagless | None = None) -> list[str]:
    counts = counts or Tagless()
    return [line for text in texts if (line := counts.warning([rating(text)]))]


def test_it_is_said_at_the_fifth_reply_without_a_tag_and_never_again() -> None:
    assert said(*WITHOUT[: IN_A_ROW - 1]) == []
    (line,) = said(*WITHOUT * 4)
    assert line.startswith("openai:m does not keep to the tags: 5 replies in a row") and "**Rating:** 4/5" in line
    assert all(one in line for one in ("justification=none", "temperature=0", "another model"))


@pytest.mark.parametrize(
    "between", ["<score>4</score>", "<score>4 or 5</score>", "<score>9</score>", "I won't rate this."]
)
def test_a_reply_with_a_tag_or_a_refusal_in_between_starts_the_count_anew(between: str) -> None:
    assert said(*WITHOUT[:4], between, *WITHOUT[:4]) == []


def test_after_a_score_nothing_is_said() -> None:
    assert said("<score>4</score>", *WITHOUT * 4) == []


def test_a_call_that_failed_neither_counts_nor_starts_anew() -> None:
    counts = Tagless()
    assert said(*WITHOUT[:4], counts=counts) == []
    assert counts.warning([rating("", status="failed")]) is None
    assert len(said(WITHOUT[0], counts=counts)) == 1


def test_a_joint_reply_with_one_of_its_tags_keeps_to_them() -> None:
    counts, tagged = Tagless(), rating("<score>4 or 5</score>")
    assert not any(counts.warning([rating("4"), tagged]) for _ in range(9))


def test_a_run_says_it_while_it_goes_on(tmp_path: Path) -> None:
    file = answers(tmp_path, IN_A_ROW + 3)
    with Loopback(keeps_to_tags=False) as server:
        done = typed("score", file, "--judge", spec(server), "--out", tmp_path / "run", "--prompt-set", "semantic")
    assert done.err.count("does not keep to the tags") == 1
