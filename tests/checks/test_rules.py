"""Each rule against cases decided by hand."""

from __future__ import annotations

import pytest

from tests.checks.cases import golden
from wavjudge.checks.choice import read_choice
from wavjudge.checks.instructions import RULES, CannotTellError, kept
from wavjudge.checks.options import Instruction, Reference
from wavjudge.checks.refusal import declining_phrase

CHOICE, REFUSAL, REFERENCE = golden("choice"), golden("refusal"), golden("reference")
CORRECTIONS = golden("corrections")
NO_WORDS = dict.fromkeys(CHOICE["options"], "")


@pytest.mark.parametrize("case", [*CHOICE["case"], *CHOICE["hostile"]], ids=lambda case: case["text"])
def test_the_letter_that_was_chosen(case):
    readings = [read_choice(case["text"], CHOICE["options"])]
    if case.get("letters_alone"):
        readings.append(read_choice(case["text"], NO_WORDS))
    assert {reading.chosen or "" for reading in readings} == {case["chosen"]}, readings


@pytest.mark.parametrize("case", CORRECTIONS["case"], ids=lambda case: case["text"])
def test_what_an_answer_takes_back_is_never_read(case):
    for offered in (CORRECTIONS["options"], dict.fromkeys(CORRECTIONS["options"], "")):
        chosen = read_choice(case["text"], offered).chosen or ""
        assert chosen not in (*case["withdrawn"],) and chosen == case["chosen"]


@pytest.mark.parametrize("case", CORRECTIONS["kept"], ids=lambda case: case["text"])
def test_words_that_look_like_taking_back_take_nothing_back(case):
    assert read_choice(case["text"], dict.fromkeys(CORRECTIONS["options"], "")).chosen == case["chosen"]


@pytest.mark.parametrize("case", CHOICE["second"], ids=lambda case: case["text"])
def test_the_letter_that_was_chosen_among_others(case):
    assert (read_choice(case["text"], CHOICE["second_options"]).chosen or "") == case["chosen"]


def test_how_many_unseen_answers_are_read_as_a_person_reads_them():
    """The figures of docs/checks.md. What is read wrongly stays so until there are other unseen cases."""
    unseen = golden("unseen")
    right = {"letters alone": 0, "with texts": 0}
    for case in unseen["choice"]:
        right["with texts"] += (read_choice(case["text"], unseen["options"]).chosen or "") == case["chosen"]
        right["letters alone"] += (read_choice(case["text"], NO_WORDS).chosen or "") == case["chosen"]
    assert (right, len(unseen["choice"])) == ({"letters alone": 26, "with texts": 29}, 30)
    later = [(case["chosen"], case["text"]) for case in unseen["choice_later"]]
    read = [sum((read_choice(text, offered).chosen or "") == chosen for chosen, text in later)
            for offered in (NO_WORDS, unseen["options"])]  # fmt: skip
    assert (read, len(later)) == ([17, 20], 24)
    declined = sum(declining_phrase(text) is not None for text in unseen["declined"])
    helped = sum(declining_phrase(text) is None for text in unseen["helped"])
    assert (declined, len(unseen["declined"]), helped, len(unseen["helped"])) == (14, 20, 14, 14)


def test_why_there_is_no_letter():
    assert read_choice("Hm.", NO_WORDS).why == "no answer found"
    assert read_choice("A or B", NO_WORDS).named == ("A", "B")


def test_two_options_with_the_same_words_are_several_answers():
    assert read_choice("wood", {"A": "wood", "B": "wood"}).why == "several answers"


@pytest.mark.parametrize("text", [*REFUSAL["declined"], *REFUSAL["helped_but_read_as_declined"]])
def test_declined(text):
    assert declining_phrase(text) is not None


@pytest.mark.parametrize("text", [*REFUSAL["helped"], *REFUSAL["declined_but_not_found"]])
def test_not_declined(text):
    assert declining_phrase(text) is None


@pytest.mark.parametrize(
    "case", [*REFERENCE["case"], *REFERENCE["hostile"]], ids=lambda case: f"{case['text']}|{case['match']}"
)
def test_reference(case):
    pytest.importorskip("whisper_normalizer", reason="the extra `local` is not installed")
    from wavjudge.checks.reference import matching

    wanted = Reference(answers=case["answers"], match=case["match"])
    for language in (case.get("language"), case.get("language") or _tag(case["text"])):
        assert (matching(case["text"], wanted, language) is not None) == case["says"]


def _tag(text: str) -> str:
    return "en" if text.isascii() else "zh"


@pytest.mark.parametrize("case", golden("instructions")["case"], ids=lambda case: case["id"])
def test_instructions(case):
    instruction = Instruction(id=case["id"], kwargs=case.get("kwargs", {}))
    assert kept(case["kept"], instruction, None) == (True, True)
    assert kept(case["broken"], instruction, None)[0] is False


def test_every_instruction_has_a_case():
    assert {case["id"] for case in golden("instructions")["case"]} == set(RULES)


def test_quotes_of_the_prompt_and_of_the_answer_are_the_same():
    repeat = Instruction(id="combination:repeat_prompt", kwargs={"prompt_to_repeat": "What\u2019s tea?"})
    assert kept("What's tea? A drink.", repeat, "en") == (True, True)


def test_read_loosely():
    few = Instruction(id="length_constraints:number_words", kwargs={"num_words": 4, "relation": "less than"})
    assert kept("Sure, here it is!\nThree short words", few, "en") == (False, True)
    assert kept("One two three four five", few, "en") == (False, False)


@pytest.mark.parametrize(
    ("name", "kwargs", "language", "piece"),
    [
        ("detectable_format:haiku", {}, "en", "nobody here knows the instruction 'detectable_format:haiku'"),
        ("length_constraints:number_words", {"num_words": 4, "relation": "about"}, "en", "relation: Input should be"),
        ("length_constraints:number_words", {"num_words": 4}, "en", "relation: Missing required"),
        ("punctuation:no_comma", {"really": True}, "en", "really: Unexpected keyword"),
        (
            "length_constraints:number_words",
            {"num_words": 4, "relation": "at least"},
            "zh-CN",
            "cannot be counted in zh",
        ),
        ("language:response_language", {"language": "de"}, "en", "does not tell its language"),
    ],
)
def test_what_cannot_be_told_is_neither_kept_nor_broken(name, kwargs, language, piece):
    with pytest.raises(CannotTellError, match=piece):
        kept("Guten Tag, wie geht es?", Instruction(id=name, kwargs=kwargs), language)


@pytest.mark.parametrize("case", golden("errors")["case"], ids=lambda case: case["heard"])
def test_error_rates(case):
    pytest.importorskip("whisper_normalizer", reason="the extra `local` is not installed")
    from wavjudge.signals import words

    assert words.error_rate(case["meant"], case["heard"]) == pytest.approx(case["wer"])
    assert words.character_error_rate(case["meant"], case["heard"]) == pytest.approx(case["cer"])


@pytest.mark.parametrize("language", ["en", None, "zh"])
def test_words_of_a_script_without_spaces_are_not_counted_whatever_the_tag_says(language):
    """One "word" between two spaces would keep every limit."""
    few = Instruction(id="length_constraints:number_words", kwargs={"num_words": 3, "relation": "less than"})
    with pytest.raises(CannotTellError, match="words cannot be counted"):
        kept("今天天气很好我们一起去公园散步吧", few, language)


def test_sentences_of_a_language_without_full_stops_are_not_counted():
    two = Instruction(id="length_constraints:number_sentences", kwargs={"num_sentences": 2, "relation": "at least"})
    with pytest.raises(CannotTellError, match="sentences cannot be counted in th"):
        kept("สวัสดี ผมชื่อโจ", two, "th")


def test_words_of_the_options_are_no_spoken_letters():
    assert read_choice("Letter be.", {"A": "to be", "B": "not"}).chosen is None
    assert read_choice("Letter be.", {"A": "", "B": ""}).chosen == "B"


def test_few_han_signs_are_chinese_or_japanese():
    with pytest.raises(CannotTellError, match="does not tell its language"):
        kept("東京都", Instruction(id="language:response_language", kwargs={"language": "zh"}), None)
