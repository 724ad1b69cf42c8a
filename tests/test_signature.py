"""One judge is one plan and one model, and what says less is never taken for what says more."""

from __future__ import annotations

import itertools

import pytest

from wavjudge.signature import identity, resolved, resolved_model, same_judge, settled, temperature, unverified

PLAN = "openai:gpt-audio|overall.1#ab|parse:1|t:default|qt,aa|before|pcm16-16000-mono|v1"
STATED = [None, "gpt-audio", "gpt-audio-2026-05-01", "gpt-audio-2026-06-01", "acme/gpt-audio"]


def test_no_two_of_what_a_server_may_state_are_one_judge() -> None:
    for one, other in itertools.product(STATED, STATED):
        assert same_judge(resolved(PLAN, one), resolved(PLAN, other)) is (one == other)


@pytest.mark.parametrize("spelled", ["GPT-Audio", "models/gpt-audio", " gpt-audio", "Models/GPT-AUDIO\n"])
def test_a_spelling_is_no_other_judge(spelled: str) -> None:
    assert same_judge(resolved(PLAN, spelled), resolved(PLAN, "gpt-audio"))
    assert identity(resolved(PLAN, spelled)) == "echoed"


def test_another_plan_is_another_judge() -> None:
    assert not same_judge(resolved(PLAN, "m"), resolved(PLAN.replace("t:default", "t:0"), "m"))


@pytest.mark.parametrize("said", ["", " ", "\n", None])
def test_an_empty_name_names_nobody(said: str | None) -> None:
    assert resolved(PLAN, said) == PLAN and identity(resolved(PLAN, said)) == "unsaid"


def test_a_name_with_the_sign_of_a_field_stays_one_field() -> None:
    signed = resolved(PLAN, "a|is:b")
    assert resolved_model(signed) == "a%7Cis:b" and same_judge(signed, resolved(PLAN, "a%7Cis:b"))


@pytest.mark.parametrize(
    ("asked", "answered", "state"),
    [("openai:m", "m", "echoed"), ("openai:m", "m-2026-05-01", "named"), ("openai:acme/m", "m", "echoed"),
     ("openai:m", "acme/m", "echoed"), ("openai:acme/m", "other/m", "named"), ("gemini:models/g", "G", "echoed"),
     ("openai:m-2026-05-01", "m", "named"), ("openai:xm", "m", "named")],
)  # fmt: skip
def test_an_echo_with_or_without_a_vendor_verifies_nothing(asked: str, answered: str, state: str) -> None:
    assert identity(resolved(f"{asked}|v1", answered)) == state


def test_only_models_are_unverified() -> None:
    assert unverified(PLAN) == "identity not verified: nothing says which model answered"
    assert not any(map(unverified, ("signals|dnsmos:8af664f3|rules:1", "person:ann", "checks|wer", "ann")))


@pytest.mark.parametrize(
    ("sampling", "found"),
    [("t:0", 0.0), ("t:0,seed:1", 0.0), ("t:0,p:1,seed:1,max:9", 0.0), ("t:0.7,think:0", 0.7), ("t:default", None),
     ("seed:1", None), ("p:0.5,max:9", None)],
)  # fmt: skip
def test_the_temperature_of_a_signature(sampling: str, found: float | None) -> None:
    assert temperature(resolved(PLAN.replace("t:default", sampling), "m|t:0|")) == found


def test_failed_calls_belong_to_the_only_model_that_answered() -> None:
    first, second = (resolved(PLAN, name) for name in ("m-1", "m-2"))
    assert settled([PLAN, first], [first]) == {PLAN: first, first: first}
    assert settled([PLAN, first, second], [first, second])[PLAN] == PLAN
    assert settled([PLAN], []) == {PLAN: PLAN}


def test_replies_that_name_nobody_are_not_put_to_a_model_that_was_named() -> None:
    first = resolved(PLAN, "m-1")
    assert settled([PLAN, first], [PLAN, first]) == {PLAN: PLAN, first: first}


def test_spellings_of_one_model_count_as_one_and_its_failed_calls_with_them() -> None:
    spelled = [resolved(PLAN, name) for name in ("m-1", "M-1", "models/m-1")]
    found = settled([PLAN, *spelled], spelled)
    assert len(set(found.values())) == 1 and found[PLAN] in spelled
