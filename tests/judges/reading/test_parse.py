"""What counts as a verdict. A number is a score, a word a status.

The cases stand in tests/replies/verdicts.jsonl, and as whole replies in tests/judges/golden: blind.jsonl was written by
somebody who had the rule of docs/prompts.md and not the parser, sighted.jsonl by the parser's author; both before it.
"""

# ruff: noqa: RUF001 - signs of other scripts are among what is read

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavjudge.judges.prompts import PromptAxis, load_all
from wavjudge.judges.reading.parse import Unscored, Verdict, parse

REPLIES = Path(__file__).parents[2] / "replies" / "verdicts.jsonl"
CASES: list[dict[str, Any]] = [json.loads(line) for line in REPLIES.read_text(encoding="utf-8").splitlines()]
GOLDEN: list[dict[str, Any]] = [
    json.loads(line) | {"file": name}
    for name in ("blind", "sighted", "neighbours")
    for line in (Path(__file__).parents[1] / "golden" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
]
PROMPTS = load_all()
SEMANTIC = PROMPTS["semantic"]


def short(outcome: Verdict | Unscored) -> float | str:
    return outcome.score if isinstance(outcome, Verdict) else outcome.status


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["why"])
def test_a_golden_reply_gives_its_outcome(case: dict[str, Any]) -> None:
    parsed = parse(case["text"], PROMPTS[case["prompt"]], audio_sent=case.get("audio_sent", True))
    assert {axis: short(outcome) for axis, outcome in parsed.outcomes.items()} == case["expect"]


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: f"{case['file']} {case['name']}")
def test_a_golden_whole_reply_gives_its_outcome(case: dict[str, Any]) -> None:
    parsed = parse(
        case["reply"], PROMPTS[case["prompt"]].changed(justification=case["justification"]),
        audio_sent=case["audio_sent"], audio_tokens=case["audio_tokens"], finish=case["finish"],
    )  # fmt: skip
    assert {axis: short(outcome) for axis, outcome in parsed.outcomes.items()} == case["expected"], case["why"]


def test_the_golden_whole_replies_are_many_and_of_every_kind() -> None:
    assert len(GOLDEN) >= 320 and len([case for case in GOLDEN if case["file"] == "blind"]) >= 160
    assert {case["justification"] for case in GOLDEN} == {"before", "after", "none"}
    assert {case["prompt"] for case in GOLDEN} == {"semantic", "acoustic", "overall", "joint"}
    found = {value if isinstance(value, str) else "ok" for case in GOLDEN for value in case["expected"].values()}
    assert found == {"ok", "unparseable", "refused", "not_heard"}


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
        ("<score>1</score> to <score>5</score>", 'got several verdicts in <score>: "1", "5"; expected one'),
        ("<score>4", 'got <score> left open with "4": it may go on'),
        ("<heard>no</heard><score>4</score>", "the judge says in <heard> that it did not hear"),
        ("<heard>no</heard><heard>yes</heard><score>4</score>", "got both yes and no in <heard>"),
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
        ("x" * 1_000_000 + "<score>4</score>", "unparseable"),
        ("x" * 1_000_000 + "\n<score>4</score>", 4),
        ("<justification>" + "so good " * 100_000 + "</justification><score>4</score>", 4),
        ("<score>" * 100_000, "unparseable"),
        ("</score>" * 100_000, "unparseable"),
        ("<score>4</score>" * 50_000, 4),
        ("<justification>" * 50_000, "unparseable"),
        ("<score>4" + " " * 300_000 + "5</score>", "unparseable"),
        ("<score>" + " " * 300_000 + "4</score>", 4),
        ("<score>" + "*" * 300_000 + "</score>", "unparseable"),
        ("<think>" * 130_000, "unparseable"),
        ("<think>a" * 60_000 + "</reasoning>" * 40_000, "unparseable"),
        ("</think>" * 120_000 + "<score>4</score>", 4),
        ("<think>a</think>" * 60_000 + "<score>4</score>", 4),
        ("<|channel|>analysis<|message|>" * 30_000, "unparseable"),
        ("<|channel|>final<|message|>" * 30_000 + "<score>4</score>", 4),
        ("analysisA" + "assistantfinal" * 60_000 + "<score>4</score>", 4),
        ("<" + "/ " * 300_000, "unparseable"),
        ("<a" * 400_000, "unparseable"),
        ("<score " + "x" * 900_000 + ">4</score>", 4),
        ("<heard>yes</heard>" * 50_000 + "<score>4</score>", 4),
        ('"<score>4</score>" ' * 50_000, "unparseable"),
        ("".join(f"<score>{n}</score>" for n in range(60_000)), "unparseable"),
        ("[THINK]" * 140_000, "unparseable"),
        ("assistant" * 100_000, "unparseable"),
        ("我无法" * 300_000, "unparseable"),
        ("ich kann audio " * 60_000, "unparseable"),
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
    assert short(parse(hostile, SEMANTIC, audio_sent=False).outcomes["semantic"]) == score


@given(st.floats(-1e5, 1e5).map(lambda number: round(number, 3)))
def test_a_number_is_taken_as_it_stands_or_not_at_all(number: float) -> None:
    outcome = short(parse(f"<score>{number:.3f}</score>", SEMANTIC).outcomes["semantic"])
    assert outcome == (number if 1 <= number <= 5 else "unparseable")


FORMS = (
    "<think>{}</think>", "<Thinking budget='3'>{}</thinking>", "<reasoning>{}</reasoning>", "[THINK]{}[/THINK]",
    "<analysis>{}</analysis>", "◁think▷{}◁/think▷", "<seed:think>{}</seed:think>", "{}</think>",
    "<|channel|>analysis<|message|>{}<|end|><|start|>assistant<|channel|>final<|message|>",
    "<|channel>thought\n{}<channel|>", "<|START_THINKING|>{}<|END_THINKING|>",
    "<|begin_of_thought|>{}<|end_of_thought|>",
    "<|inner_prefix|>{}<|inner_suffix|>", "<|plamo:begin_think:plamo|>{}<|plamo:end_think:plamo|>",
    "<unused94>thought\n{}<unused95>", "<|think|>{}<|end|>", "to=self<|message|>{}<|eom|>to=user<|message|>",
    "analysisWell, {}assistantfinal", "Here is my thought process: {} Here is my response:", "＜思考＞{}＜/思考＞",
)  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@given(st.text(alphabet=st.characters(blacklist_characters="<>[]|◁▷＜＞")), st.integers(1, 4))
def test_no_words_of_the_reasoning_are_a_verdict_whatever_marks_it(form: str, words: str, score: int) -> None:
    draft = form.format(f"{words}<score>5</score><heard>no</heard>{words}")
    said = f"{draft}<heard>yes</heard><score>{score}</score>"
    assert short(parse(said, SEMANTIC, finish="stop").outcomes["semantic"]) == score
    assert short(parse(draft, SEMANTIC, finish="stop").outcomes["semantic"]) != 5


@pytest.mark.parametrize("form", [form for form in FORMS if not form.startswith("{}")])
def test_reasoning_that_is_left_open_swallows_the_rest(form: str) -> None:
    opened = form.split("{}")[0]
    assert isinstance(parse(f"{opened}<score>4</score>", SEMANTIC, finish="stop").outcomes["semantic"], Unscored)
    before = parse(f"<score>2</score>\n{opened}<score>4</score>", SEMANTIC, finish="stop").outcomes["semantic"]
    assert short(before) in (2, "unparseable")


def test_a_tag_that_the_prompt_declares_is_no_reasoning_whatever_its_name() -> None:
    axis = PromptAxis(name="reasoning", tag="reasoning-quality")
    prompt = SEMANTIC.model_copy(update={"axes": (axis,)})
    assert short(parse("<reasoning-quality>4</reasoning-quality>", prompt).outcomes["reasoning"]) == 4


def test_a_reply_twice_as_long_takes_about_twice_as_many_steps() -> None:
    """Counted in calls and lines, not in seconds, so that a busy machine changes nothing."""

    def steps(text: str) -> int:
        count = 0

        def tick(*_: object) -> Any:
            nonlocal count
            count += 1
            return tick

        sys.settrace(tick)
        try:
            parse(text, SEMANTIC)
        finally:
            sys.settrace(None)
        return count

    for piece in (
        "<think>a",
        "<score>4</score>",
        "</think>",
        "<think>a</reasoning>",
        '"<score>4</score>"',
        "<justification>",
    ):
        assert steps(piece * 2000) < 2.5 * steps(piece * 1000), piece


@pytest.mark.parametrize("form", ["4", "**4**", "4/5", "4 out of 5", "４", "四", "4分", "(4)", "4.", "4 points"])
def test_what_is_read_on_a_scale_to_five_is_not_read_against_another_top(form: str) -> None:
    axis = PromptAxis(name="mos", tag="mos", low=0, high=10)
    prompt = SEMANTIC.model_copy(update={"axes": (axis,)})
    outcome = short(parse(f"<mos>{form}</mos>", prompt).outcomes["mos"])
    assert outcome == ("unparseable" if "5" in form else 4)


@pytest.mark.parametrize(
    "form, score", [("八十五", 85), ("85分", 85), ("一百", 100), ("85/100", 85), ("85 percent", 85), ("85%", None),
                    ("8⁵", None), ("⑧⑤", None), ("8 5", None), ("85/100/100", None)],
)  # fmt: skip
def test_numbers_of_two_digits_are_whole_or_none(form: str, score: float | None) -> None:
    prompt = SEMANTIC.model_copy(update={"axes": (PromptAxis(name="mos", tag="mos", low=0, high=100, unit="percent"),)})
    assert short(parse(f"<mos>{form}</mos>", prompt).outcomes["mos"]) == (score or "unparseable")


def test_below_zero_is_read_where_the_scale_goes_there() -> None:
    prompt = SEMANTIC.model_copy(update={"axes": (PromptAxis(name="cmos", tag="cmos", low=-3, high=3),)})
    assert [short(parse(f"<cmos>{n}</cmos>", prompt).outcomes["cmos"]) for n in ("-2", "−2", "+2")] == [-2, -2, 2]
