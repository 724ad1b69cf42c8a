"""Neighbours of the golden replies, found by trying to break the rule after it was written: each with what is right.

They are replies to the prompt `semantic` that stopped by themselves.
"""

# ruff: noqa: E501, RUF001 - replies as they come

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from wavjudge.judges.prompts import load_all
from wavjudge.judges.reading.parse import Verdict, parse

SEMANTIC = load_all()["semantic"]
REPLIES: tuple[tuple[str, float | str], ...] = (
    ('<score value="3">4</score>', "unparseable"),
    ('<score max="10">4</score>', "unparseable"),
    ("<score scale=0-10>4</score>", "unparseable"),
    ('<score value="5">4</score>', "unparseable"),
    ('<score max="5" min="1">4</score>', 4.0),
    ('<score type="int" value="4">4</score>', 4.0),
    ("<score><![CDATA[4]]></score>", 4.0),
    ("<score>★★★★☆</score>", 4.0),
    ("<score>★★★★</score>", "unparseable"),
    ("<score>★★★☆☆☆☆☆☆☆</score>", "unparseable"),
    ("<score>4</score>\nActually, on reflection 3 is more fitting.", "unparseable"),
    ("<score>4</score>\nWait, it should be 2.", "unparseable"),
    ("<score>4</score>\n更正：应为3分。", "unparseable"),
    ("<score>4</score>\nIt actually lasted 3 seconds.", 4.0),
    ("<score>2</score>\nThe sum is wrong: it should be 3.", 2.0),
    ("<score>4</score>\nActually, 4 is what I meant.", 4.0),
    ("```thinking\n<score>3</score>\n```\n<score>4</score>", 4.0),
    ("```reasoning\nmaybe <score>3</score>", "unparseable"),
    ("```xml\n<score>4</score>\n```", 4.0),
    ("```\n<score>4</score>\n```", 4.0),
    (
        '<details type="reasoning" done="true"><summary>Thought for 3 s</summary>\n> <score>2</score>\n</details>\n<score>4</score>',
        4.0,
    ),
    ('<details type="reasoning">\n<score>2</score>', "unparseable"),
    ("<details>x</details><score>4</score>", 4.0),
    ("</div></details><score>4</score>", 4.0),
    ('<channel name="analysis"><score>2</score></channel><score>3</score>', 3.0),
    ('{"thinking":"<score>3</score>"}', "unparseable"),
    ('{"response":"<score>3</score>"}', 3.0),
    ("&lt;think&gt;<score>3</score>&lt;/think&gt;<score>4</score>", 4.0),
    ("&lt;think&gt;<score>3</score>", "unparseable"),
    ("\\u003cthink\\u003e<score>3</score>", "unparseable"),
    ("I would not give <score>5</score>.", "unparseable"),
    ("I would say <score>4</score>", "unparseable"),
    ("Perhaps <score>4</score>", "unparseable"),
    ("This is not bad: <score>4</score>", "unparseable"),
    ("This is not bad. <score>4</score>", 4.0),
    ("It does not cite sources. <score>3</score>", 3.0),
    ("不是<score>5</score>", "unparseable"),
    ("My rating: <score>4</score> because it is right", 4.0),
    ("It says '<score>5</score>' only.", "unparseable"),
    ("<score>4<br></score>", 4.0),
    ("<score>4&nbsp;</score>", 4.0),
    ("<score>4颗星</score>", 4.0),
    ("<antthinking>x <score>2</score></antthinking><score>3</score>", 3.0),
    ("<Chain_of_Thought><score>2</score></Chain_of_Thought><score>3</score>", 3.0),
    ("[Thinking] <score>2</score>", "unparseable"),
    ("[thinking]\n<score>2</score>\n[/thinking]\n<score>3</score>", 3.0),
    ("<thinking\n<score>2</score>", "unparseable"),
    (
        "<|start|>assistant<|channel|>commentary<|message|><score>2</score><|end|><|start|>assistant<|channel|>final<|message|><score>5</score>",
        5.0,
    ),
    ("<think><score>2</score></think><think><score>3</score></think><score>4</score>", 4.0),
    ("<score>4</score></think>", "unparseable"),
    ("<score>4</score><think></think>", 4.0),
    ("<longcat_think><score>2</score></longcat_think><score>4</score>", 4.0),
    ("<reason>ok</reason><score>4</score>", 4.0),
    ("<justification>The [analysis] is thin.</justification><score>2</score>", 2.0),
    ("<justification>Says <thoughtful pause> a lot.</justification><score>2</score>", 2.0),
    ("<score>4 out of 5 stars</score>", 4.0),
    ("<score>4（满分 5）</score>", 4.0),
    ("<score>5分中的4分</score>", "unparseable"),
    ("<score>［4］</score>", 4.0),
    ("<score>٤</score>", 4.0),
    ("<score>4/５</score>", 4.0),
    ("<score>4 / 5 points.</score>", 4.0),
    ("<score>\\boxed{4}</score>", 4.0),
    ("<score>$4$</score>", 4.0),
    ("<score>4!</score>", 4.0),
    ("<score>5/5</score><score>5</score>", 5.0),
    ("<score>4.5/5</score>", 4.5),
    ("<score>4..5</score>", "unparseable"),
    ("<score>4 5</score>", "unparseable"),
    ("<score>4\n5</score>", "unparseable"),
    ("<score>3.5-4</score>", "unparseable"),
    ("<score>≥4</score>", "unparseable"),
    ("<score>≈4</score>", "unparseable"),
    ("<score><4</score>", "unparseable"),
    ("<score>4 (was 3)</score>", "unparseable"),
    ("<score>IV</score>", "unparseable"),
    ("<score>4:5</score>", "unparseable"),
    ("<score>4 von 5</score>", 4.0),
    ("<score>4 von 6</score>", "unparseable"),
    ("<score>'4'</score>", 4.0),
    ("<score>4</score>/5", 4.0),
    ("<score>8</score>/10", "unparseable"),
    ("<score>4</score>/10", "unparseable"),
    ("<score>4</score> out of 10", "unparseable"),
    ("**<score>4</score>**/5", 4.0),
    ("About <score>4</score>.", "unparseable"),
    ("例如<score>5</score>", "unparseable"),
)


@pytest.mark.parametrize("reply, right", REPLIES)
def test_a_neighbour_of_a_golden_reply_gives_what_is_right(reply: str, right: float | str) -> None:
    outcome = parse(reply, SEMANTIC, finish="stop").outcomes["semantic"]
    assert (outcome.score if isinstance(outcome, Verdict) else outcome.status) == right


def second_scores() -> list[dict[str, Any]]:
    file = Path(__file__).parents[1] / "golden" / "second_scores.jsonl"
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("case", second_scores(), ids=lambda case: str(case["why"]))
def test_another_score_in_any_form_and_a_doubt_of_hearing_take_the_number_away(case: dict[str, Any]) -> None:
    """`right` is the score, a status, or "none" for either of the two statuses without a score."""
    outcome = parse(case["reply"], load_all()["overall"], finish="stop").outcomes["overall"]
    got = outcome.score if isinstance(outcome, Verdict) else outcome.status
    assert got == case["right"] or (case["right"] == "none" and got in ("not_heard", "unparseable"))
