import pytest

pytest.importorskip("whisper_normalizer", reason="the extra `local` is not installed")

from wavjudge.signals import words


@pytest.mark.parametrize(
    ("meant", "heard", "errors", "size"),
    [
        ("the cat sat", "the cat sat", 0, 3),
        ("the cat sat", "the bat sat", 1, 3),
        ("the cat sat", "", 3, 3),
        ("hello", "oh hello my dear friend", 4, 1),
        ("It's ten, nine, eight.", "it is 10 9 8", 0, 6),
        ("ten nine eight", "1 0 9 8", 0, 4),
        ("colour isn't grey", "color is not gray", 0, 4),
    ],
)
def test_error_rate_by_hand(meant, heard, errors, size):
    assert words.error_rate(meant, heard) == pytest.approx(errors / size)


def test_nothing_meant_has_no_error_rate():
    assert words.error_rate("... uh, hmm.", "hello") is None


def test_intelligibility_stops_at_zero_and_keeps_the_order_above():
    assert [words.intelligibility(e) for e in (0.0, 0.4, 1.0, 4.0)] == [1.0, 0.6, 0.0, 0.0]


def test_rate_counts_words_as_written():
    assert words.rate("It's 1999 - isn't it?", 2.0) == 2.0
    assert words.rate("", 2.0) == 0.0


@pytest.mark.parametrize(
    ("language", "english"),
    [
        ("en", True),
        ("EN_us", True),
        ("eng", True),
        (None, True),
        ("de-DE", False),
        ("zh", False),
        ("", True),
        ("und", True),
    ],
)
def test_language(language, english):
    assert words.is_english(language) is english
