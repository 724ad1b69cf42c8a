"""The axes: what they give, when they do not apply, and that nothing makes them raise."""

from __future__ import annotations

import pytest

pytest.importorskip("whisper_normalizer", reason="the extra `local` is not installed")

from hypothesis import given
from hypothesis import strategies as st

from tests.checks.cases import golden
from wavjudge.checks import AXES, RULES, Answer, measure
from wavjudge.checks.instructions import RULES as INSTRUCTIONS
from wavjudge.types import Check, Item, Utterance

BY_NAME = {axis.name: axis for axis in AXES}


def item(*checks: tuple[str, dict], language: str | None = "en", reference: str | None = None) -> Item:
    stated = tuple(Check(kind=kind, options=options) for kind, options in checks)
    return Item(benchmark="b", id="1", turns=(Utterance(),), checks=stated, language=language, reference=reference)


def measured(axis, one, text="The answer is B.", **said):
    return measure(BY_NAME[axis], Answer(one, text=text, own=text, **said))


CHOICE = ("choice", {"answer": "B"})
NO_COMMA = ("instruction", {"id": "punctuation:no_comma"})


def test_every_axis_has_a_version_of_its_own():
    assert set(RULES) == set(BY_NAME)


@pytest.mark.parametrize(
    ("text", "choice", "given", "why"),
    [("B", 1, 1, "nothing but a letter"), ("C", 0, 1, "nothing but a letter"), ("Hm.", 0, 0, "no answer found"),
     ("A or B", 0, 0, "several answers")],
)  # fmt: skip
def test_who_chose_nothing_is_wrong_and_that_is_told(text, choice, given, why):
    found = measured("choice", item(CHOICE), text)
    assert (found.value, found.status, found.details["why"]) == (choice, "ok", why)
    assert measured("choice_given", item(CHOICE), text).value == given


def test_instructions_give_the_share_that_was_kept():
    asked = item(NO_COMMA, ("instruction", {"id": "change_case:english_lowercase", "kwargs": {"relation": None}}))
    found = measured("instructions", asked, "Well done.")
    assert found.value == 0.5
    assert found.details == {
        "1 punctuation:no_comma": "kept", "2 change_case:english_lowercase": "broken", "asked": 2, "kept": 1,
        "kept_loosely": 1,
    }  # fmt: skip


def test_one_instruction_that_nobody_knows_leaves_the_answer_out_and_says_what_the_others_did():
    found = measured("instructions", item(NO_COMMA, ("instruction", {"id": "poetry:rhyme"})), "Well done.")
    assert (found.value, found.status) == (None, "not_applicable")
    assert "1 of 2 instructions cannot be checked: poetry:rhyme" in found.reason
    assert found.details["1 punctuation:no_comma"] == "kept"


@pytest.mark.parametrize(
    ("axis", "one", "text", "reason"),
    [
        ("choice", item(), "B", "the item has no check of kind choice"),
        ("choice", item(CHOICE, CHOICE), "B", "2 checks of one kind, expected one"),
        ("choice", item(("choice", {"answer": "E"})), "B", "the answer E is none of the letters on offer, ABCD"),
        ("choice", item(("choice", {"anwser": "B"})), "B", "answer: Field required"),
        ("choice", item(CHOICE, language="de"), "B", "English and Chinese only; the language is de"),
        ("choice", item(CHOICE), None, "the answer has no text to read"),
        ("choice_given", item(CHOICE), "  ", "the answer has no text to read"),
        ("refusal", item(language="fr"), "Non.", "the language is fr"),
        ("reference_match", item(), "B", "no reference and no check"),
        ("reference_match", item(CHOICE, reference="B"), "B", "multiple choice"),
        ("reference_match", item(reference="It is a long story, and it has no end."), "B", "only 1 to 5"),
        ("reference_match", item(("reference", {"answers": []})), "B", "answers: Tuple should have at least 1 item"),
        ("reference_match", item(("reference", {"answers": ["..."]})), "B", "holds no word"),
        ("reference_match", item(("reference", {"answers": ["ja"]}), language="de"), "B", "the language is de"),
        ("instructions", item(), "B", "the item has no check of kind instruction"),
        ("instructions", item(("instruction", {"id": ""})), "B", "id: String should have at least 1 character"),
        ("wer", item(), None, "no text of its own"),
        ("wer", item(), "...", "holds no word"),
    ],
)  # fmt: skip
def test_where_an_axis_does_not_apply(axis, one, text, reason):
    found = measured(axis, one, text, heard="something")
    assert (found.value, found.status) == (None, "not_applicable")
    assert reason in found.reason


def test_a_short_reference_needs_no_check():
    assert measured("reference_match", item(reference="Paris"), "It's Paris.").value == 1
    assert measured("reference_match", item(reference="巴黎", language="zh"), "不是巴黎。").value == 0
    assert measured("reference_match", item(reference="Köln", language="de"), "Köln ist es.").value == 1


def test_error_rates_have_no_upper_end():
    found = measured("wer", item(language=None), "Yes.", heard="well no I would not say so")
    assert found.value == 7  # one word said wrongly, six put in, one meant
    assert found.details == {"heard": "well no I would not say so", "assumed_language": "en"}
    assert measured("wer", item(), "Yes.", heard="").value == 1


texts = st.one_of(
    st.text(max_size=120),
    st.lists(st.sampled_from([case["text"] for case in golden("choice")["case"]]), max_size=4).map(" ".join),
    st.text(alphabet="ABab .,()*[]\n\"'<>-不选是", max_size=80),
)
values = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 9), st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5), st.lists(st.text(max_size=4), max_size=3),
)  # fmt: skip
arguments = st.sampled_from(
    sorted({name for case in golden("instructions")["case"] for name in case.get("kwargs", {})})
)
names = st.sampled_from(["answer", "options", "letters", "answers", "match", "id"])


def check(kind: str, **options: object) -> Check:
    return Check(kind=kind, options=options)


any_instruction = st.builds(
    lambda known, kwargs: check("instruction", id=known, kwargs=kwargs),
    st.sampled_from([*INSTRUCTIONS, "new:one"]), st.dictionaries(arguments, values, max_size=3),
)  # fmt: skip
good_instruction = st.sampled_from(golden("instructions")["case"]).map(
    lambda case: check("instruction", id=case["id"], kwargs=case.get("kwargs", {}))
)
any_options = st.builds(
    lambda kind, options: Check(kind=kind, options=options),
    st.sampled_from(["choice", "reference", "instruction", "other"]), st.dictionaries(names, values, max_size=3),
)  # fmt: skip
good_choice = st.dictionaries(st.sampled_from("ABCDE"), st.text(max_size=6), max_size=5).map(
    lambda words: check("choice", answer="B", options=words)
)
good_reference = st.builds(
    lambda words, match: check("reference", answers=words, match=match),
    st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=3),
    st.sampled_from(["words", "contains", "exact"]),
)
checks = any_instruction | good_instruction | any_options | good_choice | good_reference
languages = st.sampled_from(["en", "zh", "de", None, ""])


@given(st.lists(checks, max_size=3), texts, texts, languages, st.none() | texts)
def test_nothing_raises_and_everything_is_on_its_scale_or_has_a_reason(stated, text, heard, language, reference):
    one = Item(
        benchmark="b", id="1", turns=(Utterance(),), checks=tuple(stated), language=language, reference=reference
    )
    for axis in AXES:
        answer = Answer(one, text=text, own=text, heard=heard)
        found = measure(axis, answer)
        assert found == measure(axis, answer)
        assert (found.status == "ok") == (found.value is not None)
        assert axis.scale.holds(found.value) if found.value is not None else found.reason
        assert found.status in ("ok", "not_applicable")


@pytest.mark.parametrize("language", [None, "und", "mul", "zxx", "", "mis"])
def test_without_a_stated_language_no_denial_is_passed_over(language):
    paris = item(reference="Paris", language=language)
    assert measured("reference_match", paris, "It's not Paris.").value == 0
    assert measured("reference_match", paris, "It's Paris.").value == 1
    assert measured("reference_match", item(reference="巴黎", language=language), "不是巴黎。").value == 0
    for axis, one in (("reference_match", paris), ("choice", item(CHOICE, language=language)),
                      ("refusal", item(language=language))):  # fmt: skip
        found = measured(axis, one, "Das ist nicht Paris, und auch nicht B.")
        assert (found.value, found.status) == (None, "not_applicable")
        assert "the language is not stated, and the words look like German" in found.reason


@pytest.mark.parametrize("language", [None, "und"])
def test_error_rates_of_a_language_that_is_not_stated_say_what_is_assumed(language):
    assert measured("wer", item(language=language), "Yes.", heard="yes").details["assumed_language"] == "en"
