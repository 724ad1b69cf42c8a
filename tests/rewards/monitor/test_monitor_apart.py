"""Families of judges, judge prompts and training prompts: what is refused, with names, and what is only said."""

from __future__ import annotations

import pytest

from tests.rewards.monitored import HELD_OUT, OVERALL, REWARD, questions, some_plan
from wavjudge.errors import InputError
from wavjudge.rewards.combine import Weights
from wavjudge.rewards.monitor.plan import Fingerprint, asked, family, judges_apart, prompts_apart
from wavjudge.types import AudioRef, Item, Message, Scale, Utterance


@pytest.mark.parametrize(
    ("signature", "name", "known"),
    [
        (REWARD, "openai", True),
        (HELD_OUT, "google", True),
        ("gemini:tuned-by-us|x.1#a", "google", True),
        ("openai:google/gemini-3.5-pro|x.1#a", "google", True),
        ("openai:Qwen/Qwen3-Omni-30B|x.1#a", "alibaba", True),
        ("openai:my-judge|x.1#a|is:qwen3-omni", "alibaba", True),
        ("openai:my-judge|x.1#a|is:other", "my", False),
        ("openai:acme/ears-2|x.1#a", "acme", False),
        ("openai:7b|x.1#a", "7b", False),
    ],
)
def test_a_family_is_a_vendor_and_not_a_protocol(signature: str, name: str, known: bool) -> None:
    found = family(signature)
    assert (found.name, found.known) == (name, known)


@pytest.mark.parametrize("signature", ["signals|dnsmos:1#a", "ann"])
def test_an_instrument_or_a_person_is_no_held_out_judge(signature: str) -> None:
    with pytest.raises(InputError, match=r"expected a model that judges|with a judge prompt"):
        judges_apart([REWARD], [signature])


def test_one_family_is_refused_unless_allowed_and_then_said() -> None:
    sister = REWARD.replace("gpt-audio-1.5|overall.1#aaaaaaaaaaaa", "gpt-audio-mini|mine.1#cccccccccccc")
    with pytest.raises(InputError, match=r"one family \(openai\).*\n.*--same-family"):
        judges_apart([REWARD], [sister])
    said = judges_apart([REWARD], [sister], same_family=True)
    assert said == ("same family: the held-out judge is of openai, like the reward's judge",)


def test_one_judge_prompt_is_refused_whatever_its_name() -> None:
    same = HELD_OUT.replace("bbbbbbbbbbbb", "aaaaaaaaaaaa")
    with pytest.raises(InputError, match=r"one judge prompt .*aaaaaaaaaaaa"):
        judges_apart([REWARD], [same], same_family=True)


def test_a_vendor_that_is_not_known_is_said() -> None:
    (said,) = judges_apart(["openai:acme/ears-2|x.1#a"], [HELD_OUT])
    assert said == "the vendor of a judge is not known and was read off its name: acme"


def test_prompts_overlap_by_words_or_by_recording() -> None:
    ours = {"a": Fingerprint.of([("What is rain?", "11")]), "b": Fingerprint.of([(None, "22")])}
    by_words = {"t7": Fingerprint.of([("what  is RAIN", "33")])}
    by_sound = {"t8": Fingerprint.of([("Something else", "22")])}
    with pytest.raises(InputError, match="a is t7 of the training"):
        prompts_apart(by_words, ours)
    with pytest.raises(InputError, match="b is t8 of the training"):
        prompts_apart(by_sound, ours)
    prompts_apart({"t9": Fingerprint.of([("What is snow?", "44")])}, ours)


def test_the_same_last_turn_after_another_talk_is_another_prompt() -> None:
    def item(before: str) -> Item:
        history = (Message(role="user", text=before), Message(role="assistant", text="Yes."))
        return Item(benchmark="b", id="1", history=history, turns=(Utterance(text="Why?"),))

    assert asked(item("Is it cold?")) != asked(item("Is it late?"))
    assert asked(item("Is it cold?")) == asked(item("is it cold"))


def test_an_item_s_recording_is_known_by_its_bytes() -> None:
    sound = AudioRef(path="x.wav", sha256="ab" * 32, seconds=1, sample_rate_hz=16000)
    assert asked(Item(benchmark="b", id="1", turns=(Utterance(audio=sound),))) == Fingerprint.of([(None, "ab" * 32)])


def test_what_cannot_be_compared_is_an_error_with_names() -> None:
    blank, some = {"t1": Fingerprint.of([("?!", None)])}, {"a": Fingerprint.of([("Why?", None)])}
    with pytest.raises(InputError, match=r"training prompts without a text or a recording.*t1"):
        prompts_apart(blank, some)
    with pytest.raises(InputError, match=r"monitoring prompts without.*t1"):
        prompts_apart(some, blank)
    with pytest.raises(InputError, match="no training prompts"):
        prompts_apart({}, some)


def test_a_plan_keeps_what_was_checked() -> None:
    made = some_plan(3, held_out_weights=Weights({"semantic": 0.5, "acoustic": 0.5}))
    assert list(made.prompts) == ["q00", "q01", "q02"] and made.training_prompts == 1
    assert len(set(made.prompts.values())) == 3
    assert made.held_out_weights == {"semantic": 0.5, "acoustic": 0.5} and made.said == ()


def test_two_scales_are_no_gains_to_compare() -> None:
    other = Weights({"overall": 1.0}, Scale(low=0, high=10))
    with pytest.raises(InputError, match=r"reward on 1.0\.\.5.0 and a held-out score on 0.0\.\.10.0, expected one"):
        some_plan(3, weights=OVERALL, held_out_weights=other)


def test_every_overlap_is_counted_and_the_first_ones_are_named() -> None:
    with pytest.raises(InputError, match=r"15 in all: q00 is q00 of the training.* and 5 more"):
        prompts_apart(questions(15), questions(15))
