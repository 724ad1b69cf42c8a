"""Which tokens are text, which are speech, where an answer begins and ends."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra train)")

from hypothesis import given, settings
from hypothesis import strategies as st

from studies.toy_recipe.world import ToyTokenizer
from wavjudge.errors import InputError
from wavjudge.training.masks import Rule, answer_mask, label_mask, masks
from wavjudge.training.vocabulary import Vocabulary

PAD, END, TEXT, OPEN, CLOSE, SPEECH = 0, 1, 2, 4, 5, 6
TOY = Vocabulary(size=10, speech=(range(6, 10),), boundaries={OPEN, CLOSE}, ends={END}, pad=PAD)
ANSWER = [TEXT, OPEN, SPEECH, CLOSE, END]


def kinds(ids: list[int], counted: list[bool] | None = None, **sides: Any) -> str:
    """t, s or . for each id."""
    rows = torch.tensor([ids])
    every = torch.ones_like(rows, dtype=torch.bool) if counted is None else torch.tensor([counted])
    found = masks(rows, every, TOY, Rule(**sides))
    assert not (found.text & found.speech).any()
    return "".join("t" if text else "s" if speech else "." for text, speech in zip(*found_rows(found), strict=True))


def found_rows(found: Any) -> tuple[list[bool], list[bool]]:
    return found.text[0].tolist(), found.speech[0].tolist()


@pytest.mark.parametrize(("sides", "expected"), [
    ({}, "tssst"),
    ({"boundaries": "text"}, "ttstt"),
    ({"boundaries": "neither"}, "t.s.t"),
    ({"end": "speech"}, "tssss"),
    ({"end": "neither"}, "tsss."),
    ({"boundaries": "neither", "end": "neither"}, "t.s.."),
])  # fmt: skip
def test_boundaries_and_end_go_where_the_rule_says(sides: dict[str, str], expected: str) -> None:
    assert kinds(ANSWER, **sides) == expected


def test_an_id_that_is_boundary_and_end_follows_the_rule_of_ends() -> None:
    both = Vocabulary(size=10, speech=(range(6, 10),), boundaries={1}, ends={1})
    found = masks(torch.tensor([[1]]), torch.tensor([[True]]), both)
    assert found_rows(found) == ([True], [False])


def test_what_is_not_counted_is_neither() -> None:
    assert kinds(ANSWER, [False, True, True, False, False]) == ".ss.."


def test_several_codebooks_are_all_speech() -> None:
    two = Vocabulary(size=12, speech=(range(2, 4), range(8, 10)))
    assert two.is_speech(torch.arange(12)).nonzero().flatten().tolist() == [2, 3, 8, 9]


@pytest.mark.parametrize(("ids", "start", "expected"), [
    ([2, 3, 6, END, PAD, PAD], 1, "011100"),  # the end counts, padding does not
    ([2, 3, END, 6, END, PAD], 1, "011000"),  # the first end ends it
    ([2, END, 3, 6, PAD, PAD], 2, "001100"),  # no end in the answer: to the last that is no pad
    ([2, 3, PAD, 6, PAD, PAD], 1, "011100"),  # a pad in the middle was said
    ([2, 3, PAD, PAD, PAD, PAD], 2, "000000"),  # no answer at all: nothing
    ([PAD, PAD, 2, 3, 6, END], 3, "000111"),  # padded on the left
    ([2, 3], 2, "00"),  # the answer begins where the row is over
])  # fmt: skip
def test_an_answer_goes_from_its_start_to_its_first_end(ids: list[int], start: int, expected: str) -> None:
    assert "".join(str(int(one)) for one in answer_mask(torch.tensor([ids]), TOY, [start])[0]) == expected


def test_a_pad_that_is_the_end_counts_once() -> None:
    same = Vocabulary(size=10, speech=(range(6, 10),), ends={1}, pad=1)
    assert answer_mask(torch.tensor([[2, 3, 1, 1, 1]]), same, [1]).int().tolist() == [[0, 1, 1, 0, 0]]


def test_without_a_pad_an_answer_without_an_end_goes_to_the_last_place() -> None:
    bare = Vocabulary(size=10, speech=(range(6, 10),), ends={1})
    assert answer_mask(torch.tensor([[2, 3, 0, 0]]), bare, [1]).int().tolist() == [[0, 1, 1, 1]]


def test_fault_8_answers_may_begin_at_other_places_in_each_row() -> None:
    ids = torch.tensor([[2, 3, 6, END, PAD], [2, 2, 2, 6, END]])
    found = answer_mask(ids, TOY, torch.tensor([1, 3]))
    assert found.int().tolist() == [[0, 1, 1, 1, 0], [0, 0, 0, 1, 1]]


@pytest.mark.parametrize("starts", [[0], [3], [1, 1], [-1]])
def test_starts_that_cannot_be_are_refused(starts: list[int]) -> None:
    with pytest.raises(InputError, match="got the starts"):
        answer_mask(torch.tensor([[2, 3]]), TOY, starts)


@given(st.lists(st.lists(st.integers(0, 9), min_size=7, max_size=7), min_size=1, max_size=4), st.data())
@settings(max_examples=100)
def test_an_answer_is_as_a_plain_loop_finds_it(rows: list[list[int]], data: Any) -> None:
    starts = [data.draw(st.integers(1, 7)) for _ in rows]
    for found, row, start in zip(answer_mask(torch.tensor(rows), TOY, starts).tolist(), rows, starts, strict=True):
        answer = row[start:]
        if END in answer:
            length = answer.index(END) + 1
        else:
            length = max((at + 1 for at, one in enumerate(answer) if one != PAD), default=0)
        assert found == [start <= at < start + length for at in range(7)]


def test_labels_count_where_they_are_not_ignored() -> None:
    labels = torch.tensor([[-100, -100, TEXT, SPEECH, END]])
    found = masks(labels, label_mask(labels), TOY)
    assert found_rows(found) == ([False, False, True, False, True], [False, False, False, True, False])


def test_an_id_of_another_model_is_refused_where_it_counts() -> None:
    with pytest.raises(InputError, match="got the id 10, expected 0 to below 10"):
        kinds([TEXT, 10])
    assert kinds([TEXT, 10], [True, False]) == "t."  # a prompt may hold placeholders


def test_masks_of_another_shape_or_kind_are_refused() -> None:
    ids = torch.tensor([[2, 3]])
    for wrong in (torch.tensor([[True]]), torch.tensor([[1, 1]])):
        with pytest.raises(InputError, match="expected \\(B, T\\) and bool"):
            masks(ids, wrong, TOY)


def test_a_tokenizer_without_speech_is_refused() -> None:
    for make in (lambda: Vocabulary(size=10, speech=()), lambda: Vocabulary(size=10, speech=(range(3, 3),)),
                 lambda: Vocabulary.of({"hello": 0, "world": 1}, speech=r"<\|audio_\d+\|>")):  # fmt: skip
        with pytest.raises(InputError, match="without speech"):
            make()


@pytest.mark.parametrize(("wrong", "named"), [
    ({"speech": (range(6, 11),)}, "speech ids"),
    ({"speech": (range(-1, 3),)}, "speech ids"),
    ({"speech": (range(0, 6, 2),)}, "speech ids"),
    ({"ends": {10}}, "id 10"),
    ({"pad": 12}, "id 12"),
    ({"boundaries": {7}}, "id 7 as speech and as boundary"),
])  # fmt: skip
def test_a_vocabulary_that_contradicts_itself_is_refused(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        Vocabulary(**{"size": 10, "speech": (range(6, 10),), **wrong})


def test_a_vocabulary_is_read_from_a_tokenizer() -> None:
    ids = {"a": 0, "<|im_end|>": 1, "<|begin_of_audio|>": 2, "<|end_of_audio|>": 3, "<|audio_0|>": 4, "<|audio_1|>": 5,
           "b": 6, "<|audio_2|>": 7}  # fmt: skip
    found = Vocabulary.of(ids, speech=r"<\|audio_\d+\|>", boundaries=["<|begin_of_audio|>", "<|end_of_audio|>"],
                          ends=["<|im_end|>"], size=16)  # fmt: skip
    assert (found.speech, found.boundaries, found.ends) == ((range(4, 6), range(7, 8)), frozenset({2, 3}), {1})
    assert (found.size, found.pad) == (16, None)
    with pytest.raises(InputError, match="no token '<pad>' in the tokenizer"):
        Vocabulary.of(ids, speech=r"<\|audio_\d+\|>", pad="<pad>")


def test_rules_have_known_sides() -> None:
    with pytest.raises(InputError, match="got the side 'both'"):
        Rule(boundaries="both")


def test_the_toy_tokenizer_speaks_at_its_rate_and_refuses_silence() -> None:
    toy = ToyTokenizer()
    assert len(toy.audio([60, 61])) == 2 * 0.02 * toy.sample_rate_hz
    with pytest.raises(InputError, match="without speech"):
        toy.audio([12, 13])
