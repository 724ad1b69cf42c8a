"""Gradients of text and speech apart; how far tokens have moved from the base model."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra train)")

from wavjudge.errors import InputError
from wavjudge.training.diagnostics import Change, changes, draw_change, evaluating, gradients
from wavjudge.training.losses import next_token_logps, supervised
from wavjudge.training.masks import Counted, Masks

torch.set_num_threads(1)


def both(text: list[bool], speech: list[bool]) -> Masks:
    return Masks(torch.tensor([text]), torch.tensor([speech]))


def test_norms_ratio_and_cosine_are_those_derived_by_hand() -> None:
    one, other = torch.zeros(2, requires_grad=True), torch.zeros(1, requires_grad=True)
    # text: gradient (3, 4, 0), length 5; speech: (0, 5, 12), length 13; dot 20
    found = gradients([one, other], lambda kind: (
        3 * one[0] + 4 * one[1] if kind == "text" else 5 * one[1] + 12 * other[0]))  # fmt: skip
    assert (found.text_norm, found.speech_norm, found.dot) == (5, 13, 20)
    assert (found.ratio, found.cosine) == (pytest.approx(5 / 13), pytest.approx(20 / 65))


def test_gradients_that_stand_on_the_parameters_stay_as_they_are() -> None:
    one, frozen = torch.ones(1, requires_grad=True), torch.ones(1)
    one.grad = torch.tensor([7.0])
    gradients([one, frozen], lambda kind: one.sum() * (2 if kind == "text" else 3))
    assert one.grad.tolist() == [7]


def test_a_loss_without_gradient_has_no_direction_and_no_ratio() -> None:
    one = torch.ones(1, requires_grad=True)
    found = gradients([one], lambda kind: one.sum() if kind == "text" else 0 * one.sum())
    assert (found.speech_norm, found.ratio, found.cosine) == (0, None, None)


def test_nothing_to_train_and_gradients_that_are_no_numbers_are_errors() -> None:
    with pytest.raises(InputError, match="no parameter that is trained"):
        gradients([torch.ones(1)], lambda kind: torch.ones(1))
    one = torch.zeros(1, requires_grad=True)
    with pytest.raises(InputError, match="got gradients with the norms"):
        gradients([one], lambda kind: one.sqrt().sum())


def test_two_backward_passes_of_a_model_are_those_of_torch_and_add_up() -> None:
    torch.manual_seed(1)
    model, ids = torch.nn.Sequential(torch.nn.Embedding(9, 5), torch.nn.Linear(5, 9)), torch.tensor([[1, 2, 7, 8]])
    kinds = both([False, True, False, False], [False, False, True, True])

    def loss(kind: str) -> object:
        return supervised(next_token_logps(model(ids), ids), kinds, Counted(kind))

    found = gradients(model.parameters(), loss)
    flat = []
    for kind in ("text", "speech"):
        model.zero_grad()
        loss(kind).backward()
        flat.append(torch.cat([each.grad.flatten().double() for each in model.parameters()]))
    assert found.text_norm == pytest.approx(flat[0].norm().item(), rel=1e-6)
    assert found.cosine == pytest.approx(torch.nn.functional.cosine_similarity(*flat, dim=0).item(), rel=1e-6)


def test_changes_keep_text_and_speech_apart_and_leave_padding_out() -> None:
    kinds = both([True, False, False], [False, True, False])
    one = Change.of(torch.tensor([[-1.0, -2.0, math.nan]]), torch.tensor([[-3.0, -1.0, 0.0]]), kinds)
    assert (one.text.tolist(), one.speech.tolist()) == ([2], [-1])
    found = changes([(torch.tensor([[-1.0, -2.0, 0.0]]), torch.tensor([[-3.0, -1.0, 0.0]]), kinds)] * 2)
    text, speech = found.summary()
    assert text == {"tokens": "text", "n": 2, "mean": 2, "sd": 0, "q05": 2, "q50": 2, "q95": 2}
    assert (speech["n"], speech["mean"]) == (2, -1)


def test_a_kind_without_tokens_has_no_figures() -> None:
    found = Change(np.array([]), np.array([1.0])).summary()
    assert found[0] == {"tokens": "text", "n": 0, "mean": None, "sd": None, "q05": None, "q50": None, "q95": None}


def test_what_cannot_be_compared_is_an_error() -> None:
    kinds = both([True], [False])
    with pytest.raises(InputError, match="expected the same shape"):
        Change.of(torch.zeros(1, 1), torch.zeros(1, 2), kinds)
    with pytest.raises(InputError, match="without a log-probability"):
        Change.of(torch.full((1, 1), math.nan), torch.zeros(1, 1), kinds)
    with pytest.raises(InputError, match="got no batch"):
        changes([])


def test_fault_14_models_are_compared_without_dropout_and_trained_on_as_before() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Dropout(0.5)).train()
    model[0].eval()
    with evaluating(model):
        first, second = model(torch.ones(1, 3)), model(torch.ones(1, 3))
    assert torch.equal(first, second)
    assert not first.requires_grad
    assert [part.training for part in model.modules()] == [True, False, True]


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_picture_is_written_and_the_same_twice(tmp_path: Path, suffix: str) -> None:
    change = Change(np.linspace(-1, 2, 50), np.array([]))
    one, two = (draw_change(change, tmp_path / f"{name}{suffix}", "a toy").read_bytes() for name in "ab")
    assert one == two
    assert len(one) > 1000
