"""Short forms are no errors, on whichever side they stand; what differs stays one."""

from __future__ import annotations

import pytest

from wavjudge.errors import MissingPartError
from wavjudge.signals import models
from wavjudge.signals.words import character_error_rate, error_rate, foreign_share, not_english

try:
    models.require(models.NORMALIZER, ["wer"])
    models.require(models.JIWER, ["wer"])
except MissingPartError as missing:
    pytest.skip(f"the extra `local` is not installed: {missing}", allow_module_level=True)

SAME = [
    tuple(line.split(" = "))
    for line in """
I can't do that. = I cannot do that.
I can't = I can not
I can\u2019t = I can't
cannot = can not
It won't work = It will not work
We shan't go = We shall not go
I'm fine = I am fine
He's gone = He has gone
He's tired = He is tired
She's taken it = She has taken it
I'd go = I would go
I'd better go = I had better go
They'd left, and I'd stay = They had left, and I would stay
Let's see = Let us see
We're here = We are here
I've seen it = I have seen it
You'll see = You will see
That's it = That is it
Who's there = Who is there
dont worry = don't worry
it doesnt matter = it does not matter
im sure thats right = I'm sure that's right
gimme a break = give me a break
I dunno = I do not know
gonna = going to
OK, all right = Okay, alright
O.K. = okay
'til noon = until noon
John's book = Johns book
It's the dog's bowl = It is the dogs bowl
could've = could have
""".strip().splitlines()
]
DIFFER = [
    ("I can do that", "I can't do that", 1 / 4), ("He is gone", "He has gone", 1 / 3), ("will not", "would not", 1 / 2),
    ("I would go", "I had gone", 2 / 3), ("He's tired", "He was tired", 1 / 3),
]  # fmt: skip


@pytest.mark.parametrize("one, other", SAME)
def test_a_short_form_and_its_long_one_are_the_same_words(one: str, other: str) -> None:
    assert error_rate(one, other) == error_rate(other, one) == 0
    assert character_error_rate(one, other) == character_error_rate(other, one) == 0


@pytest.mark.parametrize("meant, heard, rate", DIFFER)
def test_what_differs_stays_an_error(meant: str, heard: str, rate: float) -> None:
    assert error_rate(meant, heard) == pytest.approx(rate)


def test_many_short_forms_take_no_time() -> None:
    text = " ".join(["he's", "they'd"] * 200)
    assert error_rate(text, "nothing of it") is not None


FOREIGN = [
    "我很好 谢谢你", "こんにちは、元気です", "안녕하세요", "Привет, как дела?", "Καλημέρα", "مرحبا", "नमस्ते", "สวัสดี",
    "今天 is 好天气", "我想说 okay, 好的",
]  # fmt: skip
LATIN = [
    "I am fine.", "Beijing is 北京 in Chinese characters.", "Café naïve, Æsop.", "The angle \u03b1 is 30 degrees.",
    "\uff28\uff49", "42!", "", "x",
]  # fmt: skip


@pytest.mark.parametrize("text", FOREIGN)
@pytest.mark.parametrize("language", ["en", "en-US", None])
def test_words_of_another_script_are_not_for_the_english_recogniser(text: str, language: str | None) -> None:
    assert "not written in Latin letters" in str(not_english(language, text, "reference"))
    assert "not written in Latin letters" in str(not_english(language, None, "42", text))


@pytest.mark.parametrize("text", LATIN)
def test_english_with_a_word_or_a_sign_of_another_script_is_english(text: str) -> None:
    assert not_english("en", text) is not_english(None, text) is None


def test_the_language_alone_decides_too() -> None:
    assert not_english("zh", "OK fine") == "the recogniser knows English only; the language is zh"
    assert foreign_share("123") is None
