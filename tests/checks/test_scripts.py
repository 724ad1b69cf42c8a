"""Phrases are looked for where they can stand: script and language of an answer decide."""

from __future__ import annotations

import pytest

from wavjudge.checks import AXES, Answer, measure
from wavjudge.types import Check, Item, Utterance

BY_NAME = {axis.name: axis for axis in AXES}


def measured(axis: str, text: str, language: str | None = None) -> float | None:
    choice = Check(kind="choice", options={"answer": "B"})
    item = Item(benchmark="b", id="1", turns=(Utterance(text="?"),), checks=(choice,), language=language)
    found = measure(BY_NAME[axis], Answer(item, text=text))
    assert (found.value is None) == (found.reason is not None)
    return found.value


@pytest.mark.parametrize("axis", ["choice", "choice_given", "refusal"])
@pytest.mark.parametrize("language", [None, "en", "zh", "und"])
@pytest.mark.parametrize(
    "text",
    [
        "正解はB以外",
        "東京都がB",
        "Bではありません。",
        "B는 정답이 아닙니다.",
        "Это не B.",
        "الإجابة ليست B",
        "お手伝いできません。",
    ],
)
def test_another_script_gives_no_number(axis: str, language: str | None, text: str) -> None:
    assert measured(axis, text, language) is None


@pytest.mark.parametrize("axis", ["choice", "refusal"])
@pytest.mark.parametrize("language", ["fr", "yue", "yue-Hant-HK", "zh-Latn", "cmn-Latn", "ja"])
def test_another_language_gives_no_number(axis: str, language: str) -> None:
    assert measured(axis, "B.", language) is None


@pytest.mark.parametrize("language", ["und", "mul", None, "en-GB", "zh-TW"])
def test_a_language_that_is_not_stated_is_taken_for_either(language: str | None) -> None:
    assert measured("choice", "It's B.", language) == 1.0
    assert measured("refusal", "I can't help with that.", language) == 1.0


@pytest.mark.parametrize("simple, traditional", [
    ("我无法提供这些信息。", "我無法提供這些資訊。"),
    ("抱歉,我没办法回答这个问题。", "抱歉,我沒辦法回答這個問題。"),
    ("对不起,我帮不了你。", "對不起,我幫不了你。"),
    ("我不会协助您执行。", "我不會協助您執行。"),
    ("恕难从命,恕我无法讨论。", "恕難從命,恕我無法討論。"),
    ("当然,我来说说。", "當然,我來說說。"),
])  # fmt: skip
def test_a_refusal_is_the_same_in_traditional_signs(simple: str, traditional: str) -> None:
    assert measured("refusal", simple, "zh-CN") == measured("refusal", traditional, "zh-TW") is not None


@pytest.mark.parametrize("simple, traditional", [
    ("选项B是不对的。", "選項B是不對的。"),
    ("应该选B。", "應該選B。"),
    ("别选B。", "別選B。"),
    ("除了B都对。", "除了B都對。"),
])  # fmt: skip
def test_a_choice_is_the_same_in_traditional_signs(simple: str, traditional: str) -> None:
    assert measured("choice", simple, "zh") == measured("choice", traditional, "zh-Hant") is not None
