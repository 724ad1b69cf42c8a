import pytest

pytest.importorskip("whisper_normalizer", reason="the extra `local` is not installed")

from hypothesis import given
from hypothesis import strategies as st

from wavjudge.signals.words import in_order, overlap


@pytest.mark.parametrize(
    ("reference", "heard", "value", "failed"),
    [
        ("Paris", "It is Paris.", 1.0, None),
        ("Paris", "Berlin is the capital.", 0.0, "name"),
        ("Paris", "It is certainly not Paris.", 0.0, "negation"),
        ("Paris", "It's Paris, not Berlin.", 1.0, None),  # the denial stands after the match
        ("No", "No, you can't.", 1.0, None),
        ("No", "Yes, you can.", 0.0, "negation"),
        ("Yes", "Yes, it's not far.", 1.0, None),
        ("one hundred degrees", "At 100 degrees.", 1.0, None),
        ("100 degrees", "At fifty degrees.", 0.0, "number"),
        ("The capital is Paris", "The capital is Rome", 0.0, "name"),
        ("Albert Einstein", "That was Einstein.", 0.5, None),  # one of its names is enough, but the share says half
        ("red and blue", "Blue and red.", 1 / 3, None),  # in order: only one of the three in a row
        ("not today", "Not today, sorry.", 1.0, None),
        ("not today", "Today.", 0.0, "negation"),
        ("a dog", "I heard a cat.", 0.5, None),
    ],
)
def test_by_hand(reference, heard, value, failed):
    found = overlap(reference, heard)
    assert (found.value, found.failed) == (pytest.approx(value), failed)


words = st.lists(st.sampled_from("abcd"), max_size=6)


@given(words, words)
def test_in_order_is_a_common_subsequence(wanted, said):
    matched = in_order(wanted, said)
    assert matched == sorted(set(matched))
    left = iter(wanted)
    assert all(said[at] in left for at in matched)


@given(words, words)
def test_in_order_is_symmetric_in_length_and_whole_for_itself(wanted, said):
    assert len(in_order(wanted, said)) == len(in_order(said, wanted))
    assert in_order(wanted, wanted) == list(range(len(wanted)))


@given(st.sampled_from(["Paris", "42 degrees", "not today"]), st.text(alphabet="abc not 42 Paris", max_size=40))
def test_value_is_a_share(reference, heard):
    assert 0 <= overlap(reference, heard).value <= 1
