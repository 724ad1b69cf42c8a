"""What counts as a verdict. The cases stand in tests/replies/verdicts.jsonl: a number is a score, a word a status."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavjudge.judge.parse import Unscored, Verdict, parse
from wavjudge.judge.prompts import PromptAxis, load_all

REPLIES = Path(__file__).parents[1] / "replies" / "verdicts.jsonl"
CASES: list[dict[str, Any]] = [json.loads(line) for line in REPLIES.read_text(encoding="utf-8").splitlines()]
PROMPTS = load_all()
SEMANTIC = PROMPTS["semantic"]


def short(outcome: Verdict | Unscored) -> float | str:
    return outcome.score if isinstance(outcome, Verdict) else outcome.status


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["why"])
def test_a_golden_reply_gives_its_outcome(case: dict[str, Any]) -> None:
    parsed = parse(case["text"], PROMPTS[case["prompt"]], heard=case.get("heard", True))
    assert {axis: short(outcome) for axis, outcome in parsed.outcomes.items()} == case["expect"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["why"])
def test_every_unscored_axis_says_why(case: dict[str, Any]) -> None:
    for outcome in parse(case["text"], PROMPTS[case["prompt"]]).outcomes.values():
        assert isinstance(outcome, Verdict) or (outcome.reason and len(outcome.reason) < 300)


def test_the_golden_replies_tell_every_rule_apart() -> None:
    found = {value if isinstance(value, str) else "ok" for case in CASES for value in case["expect"].values()}
    assert found == {"ok", "unparseable", "refused", "not_heard"}
    assert len(CASES) >= 60 and len({case["why"] for case in CASES}) == len(CASES)


@pytest.mark.parametrize(
    "text, reason",
    [
        ("", "got an empty reply"),
        ("<score>6</score>", "got 6 in <score>, which is off the scale 1..5"),
        ("<score>4 or 5</score>", 'got "4 or 5" in <score>, expected one number'),
        ("Four.", 'got no <score> outside the justification in "Four."'),
        ("I cannot hear the audio.", 'the reply says "I cannot hear the audio"'),
        ("I won't rate this.", 'the reply says "I won\'t rate"'),
    ],
)
def test_the_reason_says_what_was_got(text: str, reason: str) -> None:
    outcome = parse(text, SEMANTIC).outcomes["semantic"]
    assert isinstance(outcome, Unscored) and outcome.reason == reason


def test_the_justification_is_kept_whatever_becomes_of_the_score() -> None:
    assert parse("<justification> Good. </justification><score>9</score>", SEMANTIC).justification == "Good."
    assert parse("<justification>Cut of", SEMANTIC).justification == "Cut of"
    both = "<justification>one</justification><score>4</score><justification>two</justification>"
    assert parse(both, SEMANTIC).justification == "one\ntwo"
    assert parse("<justification> </justification><score>4</score>", SEMANTIC).justification is None
    assert parse("<score>4</score>", SEMANTIC).justification is None


def test_tag_and_scale_come_from_the_prompt_head() -> None:
    axis = PromptAxis(name="naturalness", tag="mos", low=0, high=100)
    prompt = SEMANTIC.model_copy(update={"axes": (axis,)})
    assert short(parse("<mos>87.5</mos>", prompt).outcomes["naturalness"]) == 87.5
    assert short(parse("<mos>87/100</mos>", prompt).outcomes["naturalness"]) == 87
    assert short(parse("<mos>4/5</mos>", prompt).outcomes["naturalness"]) == "unparseable"
    assert short(parse("<score>4</score>", prompt).outcomes["naturalness"]) == "unparseable"


@pytest.mark.parametrize(
    "text, outcome",
    [
        ("x" * 1_000_000 + "<score>4</score>", 4),
        ("<justification>" + "so good " * 100_000 + "</justification><score>4</score>", 4),
        ("<score>" * 100_000, "unparseable"),
        ("</score>" * 100_000, "unparseable"),
        ("<score>4</score>" * 50_000, 4),
        ("<justification>" * 50_000, "unparseable"),
        ("<score>4" + " " * 300_000 + "5</score>", "unparseable"),
        ("<score>" + " " * 300_000 + "4</score>", 4),
        ("<score>" + "*" * 300_000 + "</score>", "unparseable"),
        ("<" + " " * 300_000, "unparseable"),
        ('"' * 300_001, "unparseable"),
        ("I can't " * 50_000, "unparseable"),
        ("I cannot hear " + "the " * 100_000, "unparseable"),
        ("I am sorry " * 40_000, "unparseable"),
    ],
    ids=lambda value: str(value)[:16],
)
def test_a_huge_reply_is_read_in_one_pass(text: str, outcome: float | str) -> None:
    start = time.process_time()
    assert short(parse(text, SEMANTIC).outcomes["semantic"]) == outcome
    assert time.process_time() - start < 5  # a second pass per character would take minutes


@given(st.text())
def test_whatever_is_said_there_is_an_outcome_for_every_axis(text: str) -> None:
    parsed = parse(text, PROMPTS["joint"])
    assert set(parsed.outcomes) == {"semantic", "acoustic"}


@given(st.text(alphabet=st.characters(blacklist_characters="<>")), st.integers(1, 5))
def test_no_words_inside_the_justification_move_the_score(words: str, score: int) -> None:
    hostile = f"<justification>{words}<score>{6 - score}</score></justification><score>{score}</score>"
    assert short(parse(hostile, SEMANTIC, heard=False).outcomes["semantic"]) == score


@given(st.floats(-1e5, 1e5).map(lambda number: round(number, 3)))
def test_a_number_is_taken_as_it_stands_or_not_at_all(number: float) -> None:
    outcome = short(parse(f"<score>{number:.3f}</score>", SEMANTIC).outcomes["semantic"])
    assert outcome == (number if 1 <= number <= 5 else "unparseable")
