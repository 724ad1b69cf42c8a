"""The losses against cases by hand, against plain loops in float64, and against the faults of the code they come from.

Numbers of faults are those of the list of what was found in the reference training code.
"""

from __future__ import annotations

import inspect
import json
import math
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra train)")

from hypothesis import given, settings
from hypothesis import strategies as st

from wavjudge.errors import InputError
from wavjudge.rewards.groups import advantages
from wavjudge.rewards.mixing import Mixture
from wavjudge.training import losses
from wavjudge.training.masks import Counted, Masks, answer_mask, masks
from wavjudge.training.vocabulary import Vocabulary

torch.set_num_threads(1)

GOLDEN = json.loads((Path(__file__).parent / "golden" / "losses.json").read_text(encoding="utf-8"))
NAN, INF = float("nan"), float("inf")
TOY = Vocabulary(size=10, speech=(range(6, 10),), boundaries={4, 5}, ends={1}, pad=0)


def of(*kinds: str) -> Masks:
    """t: text, s: speech, anything else: not counted."""
    text, speech = (torch.tensor([[one == kind for one in row] for row in kinds]) for kind in "ts")
    return Masks(text, speech)


def wide(values: Any, grad: bool = True) -> Any:
    return torch.tensor(values, dtype=torch.float64, requires_grad=grad)


def preferred(logps: Any, kinds: Masks, gains: Any = None, **more: Any) -> Any:
    return losses.preference(logps, wide([1.0] * len(logps) if gains is None else gains, False), kinds, **more)


def golden(case: dict[str, Any], logps: Any) -> Any:
    kinds, mean = of(*case["kinds"]), case.get("mean", "row")
    counted = Counted(**case.get("counted", {}))
    if case["loss"] == "preference":
        rows = torch.tensor(case["rows"]) if "rows" in case else None
        sampled = wide(case["sampled"], False) if "sampled" in case else None
        return preferred(logps, kinds, case["advantages"], counted=counted, rows=rows, sampled_logps=sampled,
                         clip=case.get("clip"), mean=mean)  # fmt: skip
    if case["loss"] == "kl":
        betas = {"text_beta": case["text_beta"], "speech_beta": case["speech_beta"]}
        return losses.kl(logps, wide(case["reference"], False), kinds, mean=mean, **betas)
    if case["loss"] == "supervised":
        return losses.supervised(logps, kinds, counted, mean=mean)
    others = (wide(case[name], False) for name in ("rejected", "reference", "rejected_reference"))
    masked = (kinds, of(*case["rejected_kinds"]))
    return losses.dpo(logps, *others, *masked, tokens=case["tokens"], beta=case["beta"])


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["name"])
def test_values_and_gradients_are_those_derived_by_hand(case: dict[str, Any]) -> None:
    logps = wide(case["logps"])
    loss = golden(case, logps)
    loss.backward()
    assert loss.shape == ()
    assert loss.item() == pytest.approx(case["value"], abs=1e-12)
    assert logps.grad.tolist() == [pytest.approx(row, abs=1e-12) for row in case["gradient"]]


def test_hybrid_is_the_mean_of_its_terms_weighed_by_the_share() -> None:
    one, other = wide(2.0), wide(4.0)
    loss = losses.hybrid(one, other, 0.25)
    loss.backward()
    assert (loss.item(), one.grad.item(), other.grad.item()) == (3.5, 0.25, 0.75)


# Plain loops, one token at a time, value and slope written out: the oracle.

BATCHES = st.integers(1, 4).flatmap(
    lambda rows: st.integers(1, 6).flatmap(
        lambda length: st.fixed_dictionaries({
            "kinds": st.lists(st.text("ts.", min_size=length, max_size=length), min_size=rows, max_size=rows),
            "seed": st.integers(0, 2**31), "rows": st.lists(st.booleans(), min_size=rows, max_size=rows),
            "mean": st.sampled_from(["row", "token"]),
            "counted": st.sampled_from(
                [Counted("text"), Counted("speech"), Counted("all"), Counted("all", speech=0.3)]
            ),
        })
    )
)  # fmt: skip


def weights(batch: dict[str, Any], counted: Counted) -> list[list[float]]:
    by_kind = {"t": counted.text * (counted.tokens != "speech"), "s": counted.speech * (counted.tokens != "text")}
    return [[by_kind.get(kind, 0.0) for kind in row] for row in batch["kinds"]]


def averaged(
    values: list[list[float]], slopes: list[list[float]], by: list[list[float]], mean: str
) -> tuple[float, Any]:
    counting = [row for row in range(len(by)) if sum(by[row]) > 0]
    total, value = sum(map(sum, by)), 0.0
    gradient = [[0.0] * len(row) for row in by]
    for row in counting:
        for at, weight in enumerate(by[row]):
            share = weight / total if mean == "token" else weight / sum(by[row]) / len(counting)
            value += share * values[row][at]
            gradient[row][at] = share * slopes[row][at]
    return value, gradient


def drawn(batch: dict[str, Any]) -> tuple[Any, Any, Any]:
    generator = torch.Generator().manual_seed(batch["seed"])
    shape = (len(batch["kinds"]), len(batch["kinds"][0]))
    logps, reference = (-torch.rand(shape, generator=generator, dtype=torch.float64) * 4 for _ in range(2))
    return logps.requires_grad_(), reference, torch.randn(shape[0], generator=generator, dtype=torch.float64)


def same(loss: Any, logps: Any, expected: tuple[float, Any]) -> None:
    loss.backward()
    assert loss.item() == pytest.approx(expected[0], rel=1e-6, abs=1e-9)  # masks are float32: weights like .3 round
    assert logps.grad.tolist() == [pytest.approx(row, rel=1e-6, abs=1e-9) for row in expected[1]]


@given(BATCHES)
@settings(max_examples=80)
def test_preference_is_that_of_plain_loops(batch: dict[str, Any]) -> None:
    logps, _, gains = drawn(batch)
    both = zip(weights(batch, batch["counted"]), batch["rows"], strict=True)
    by = [row if kept else [0.0] * len(row) for row, kept in both]
    more = {"counted": batch["counted"], "rows": torch.tensor(batch["rows"]), "mean": batch["mean"]}
    if not any(map(sum, by)):
        with pytest.raises(InputError, match="no token that counts"):
            losses.preference(logps, gains, of(*batch["kinds"]), **more)
        return
    slopes = [[-float(gain)] * len(row) for gain, row in zip(gains, by, strict=True)]  # ratio 1, its slope 1
    same(
        losses.preference(logps, gains, of(*batch["kinds"]), **more), logps, averaged(slopes, slopes, by, batch["mean"])
    )


@given(BATCHES, st.floats(0, 2), st.floats(0.001, 2))
@settings(max_examples=60)
def test_kl_is_that_of_plain_loops(batch: dict[str, Any], text_beta: float, speech_beta: float) -> None:
    logps, reference, _ = drawn(batch)
    by, beta = weights(batch, Counted("all")), {"t": text_beta, "s": speech_beta}
    if not any(map(sum, by)):
        return
    apart = (reference - logps.detach()).tolist()
    betas = [[beta.get(kind, 0.0) for kind in row] for row in batch["kinds"]]
    values = [[b * (math.exp(d) - d - 1) for b, d in zip(*two, strict=True)] for two in zip(betas, apart, strict=True)]
    slopes = [[b * (1 - math.exp(d)) for b, d in zip(*two, strict=True)] for two in zip(betas, apart, strict=True)]
    loss = losses.kl(logps, reference, of(*batch["kinds"]), text_beta=text_beta, speech_beta=speech_beta,
                     mean=batch["mean"])  # fmt: skip
    same(loss, logps, averaged(values, slopes, by, batch["mean"]))


@given(BATCHES)
@settings(max_examples=60)
def test_supervised_is_that_of_plain_loops(batch: dict[str, Any]) -> None:
    logps, _, _ = drawn(batch)
    by = weights(batch, batch["counted"])
    if not any(map(sum, by)):
        return
    values, slopes = (-logps).tolist(), [[-1.0] * len(row) for row in by]
    loss = losses.supervised(logps, of(*batch["kinds"]), batch["counted"], mean=batch["mean"])
    same(loss, logps, averaged(values, slopes, by, batch["mean"]))


@pytest.mark.parametrize("tokens", ["text", "speech", "all"])
def test_dpo_is_that_of_plain_loops_for_each_kind_of_tokens(tokens: str) -> None:
    generator = torch.Generator().manual_seed(3)
    kinds, other = of("tts.", "tsss"), of("st", "ts")
    chosen, held = (-torch.rand(2, 4, generator=generator, dtype=torch.float64) for _ in range(2))
    rejected, base = (-torch.rand(2, 2, generator=generator, dtype=torch.float64) for _ in range(2))
    chosen.requires_grad_()
    loss = losses.dpo(chosen, rejected, held, base, kinds, other, tokens=tokens, beta=0.3)
    loss.backward()
    expected, slopes = 0.0, []
    for row in range(2):
        sums = [math.fsum(values[row, at].item() for at in range(values.shape[1]) if mask.of(tokens)[row, at])
                for values, mask in ((chosen, kinds), (rejected, other), (held, kinds), (base, other))]  # fmt: skip
        margin = 0.3 * ((sums[0] - sums[1]) - (sums[2] - sums[3]))
        expected += math.log1p(math.exp(-margin)) / 2
        slopes.append([-0.3 / (1 + math.exp(margin)) / 2 * float(counts) for counts in kinds.of(tokens)[row]])
    assert loss.item() == pytest.approx(expected, rel=1e-9)
    assert chosen.grad.tolist() == [pytest.approx(row, rel=1e-9) for row in slopes]


# The faults of the reference code, each by its number.


def test_fault_3_a_reference_that_is_the_policy_itself_is_refused() -> None:
    logps = wide([[-1.0]])
    with pytest.raises(InputError, match="the policy's own"):
        losses.kl(logps, logps.detach(), of("t"), text_beta=0.1, speech_beta=0.1)


def test_fault_3_a_kl_term_whose_betas_are_zero_is_refused() -> None:
    with pytest.raises(InputError, match="and one above"):
        losses.kl(wide([[-1.0]]), wide([[-2.0]]), of("t"), text_beta=0, speech_beta=0)


def test_fault_3_betas_act_on_their_kind_of_tokens() -> None:
    for kind, betas in (("t", (0.1, 0.0)), ("s", (0.0, 0.1))):
        logps = wide([[-1.0, -1.0]])
        losses.kl(logps, wide([[-2.0, -2.0]], False), of("ts"), text_beta=betas[0], speech_beta=betas[1]).backward()
        assert [bool(slope) for slope in logps.grad[0]] == [kind == "t", kind == "s"]


@pytest.mark.parametrize("wrong", [
    {"tokens": "text", "text": 10}, {"tokens": "text", "text": 0.1}, {"tokens": "speech", "text": 2},
    {"tokens": "all", "text": 3, "speech": 3},
])  # fmt: skip
def test_fault_4_weights_that_cancel_out_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="cancel out"):
        Counted(**wrong)


@pytest.mark.parametrize("weight", [0, -1, NAN, INF])
def test_fault_4_a_weight_of_zero_is_no_way_to_another_mask(weight: float) -> None:
    with pytest.raises(InputError, match="expected above 0"):
        Counted("all", text=weight)


@pytest.mark.parametrize("tokens", ["text", "speech"])
def test_fault_4_an_empty_mask_is_an_error_and_never_all_tokens(tokens: str) -> None:
    kinds = of("ss", "s.") if tokens == "text" else of("tt", "t.")
    for term in (preferred, losses.supervised):
        with pytest.raises(InputError, match="no token that counts in the whole batch"):
            term(wide([[-1.0, -1.0]] * 2), kinds, counted=Counted(tokens))


def test_fault_4_an_answer_without_text_gives_its_speech_no_preference_gradient() -> None:
    logps = wide([[-1.0, -1.0], [-1.0, -1.0]])
    preferred(logps, of("ss", "ts"), counted=Counted("text")).backward()
    assert logps.grad.tolist() == [[0, 0], [-1, 0]]


def test_fault_4_the_speech_beta_holds_speech_while_the_preference_moves_text() -> None:
    logps, reference = wide([[-1.0, -1.0]]), wide([[-1.0, -2.0]], False)
    kinds = of("ts")
    (preferred(logps, kinds) + losses.kl(logps, reference, kinds, text_beta=0.0, speech_beta=0.1)).backward()
    assert logps.grad[0].tolist() == pytest.approx([-1, 0.1 * (1 - math.exp(-1)) / 2])


def test_fault_4_a_speech_beta_that_could_not_act_is_refused() -> None:
    with pytest.raises(InputError, match="can do nothing"):
        losses.kl(wide([[-1.0]]), wide([[-2.0]]), of("t"), text_beta=0.1, speech_beta=0.1, tokens="text")


@pytest.mark.parametrize("share", [-0.1, 1.1, 7, NAN])
def test_fault_5_a_share_outside_0_to_1_is_refused_and_not_cut(share: float) -> None:
    with pytest.raises(InputError, match="expected 0 to 1"):
        losses.hybrid(wide(1.0), wide(1.0), share)


def test_fault_5_there_is_no_second_weight_that_nobody_reads() -> None:
    assert list(inspect.signature(losses.hybrid).parameters) == ["preference", "supervised", "share"]


def test_fault_6_an_answer_without_a_reward_gets_no_gradient_and_does_not_thin_out_the_others() -> None:
    found = advantages([5, 1, None, 3, 3, None], ["a", "a", "a", "b", "b", "b"])
    logps = wide([[-1.0]] * 6)
    rows = torch.from_numpy(found.mask)
    losses.preference(logps, torch.from_numpy(found.values), of(*"tttttt"), rows=rows).backward()
    assert logps.grad[:, 0].tolist() == pytest.approx([-1 / 4 * 2 / 2.0001, 1 / 4 * 2 / 2.0001, 0, 0, 0, 0])


def test_fault_6_an_advantage_that_is_no_number_is_refused() -> None:
    with pytest.raises(InputError, match="expected numbers"):
        preferred(wide([[-1.0]] * 2), of("t", "t"), [1.0, NAN])


def test_fault_8_prompts_of_unequal_length_in_one_batch_are_as_one_by_one() -> None:
    ids = torch.tensor([[2, 3, 6, 7, 1, 0, 0], [2, 2, 2, 2, 3, 6, 1]])
    starts, gains = torch.tensor([1, 4]), torch.tensor([1.0, -0.5])
    logits = torch.randn(2, 7, 10, generator=torch.Generator().manual_seed(1)).requires_grad_()

    def loss(rows: slice, width: int) -> Any:
        kinds = masks(ids[rows, :width], answer_mask(ids[rows, :width], TOY, starts[rows]), TOY)
        logps = losses.next_token_logps(logits[rows, :width], ids[rows, :width])
        return losses.hybrid(losses.preference(logps, gains[rows], kinds), losses.supervised(logps, kinds), 0.5)

    together = loss(slice(0, 2), 7)
    alone = (loss(slice(0, 1), 5) + loss(slice(1, 2), 7)) / 2
    assert together.item() == pytest.approx(alone.item(), abs=1e-6)
    slopes = [torch.autograd.grad(each, logits, retain_graph=True)[0] for each in (together, alone)]
    torch.testing.assert_close(*slopes)


def test_fault_12_dpo_has_no_way_to_do_without_a_reference() -> None:
    lp, kinds = wide([[-1.0]]), of("t")
    with pytest.raises(TypeError):
        losses.dpo(lp, lp, chosen_masks=kinds, rejected_masks=kinds)
    with pytest.raises(InputError, match="log-probability nan"):
        losses.dpo(lp, lp, wide([[NAN]]), lp, kinds, kinds)


def test_fault_12_dpo_sends_no_gradient_into_the_reference() -> None:
    chosen, rejected, held, base = (wide([[-1.0]]) for _ in range(4))
    losses.dpo(chosen, rejected, held, base, of("t"), of("t")).backward()
    assert (held.grad, base.grad) == (None, None)
    assert chosen.grad.item() == -rejected.grad.item() == pytest.approx(-0.05)


@pytest.mark.parametrize("tokens", ["text", "all"])
def test_fault_13_a_pair_without_a_counted_token_is_refused_with_its_row(tokens: str) -> None:
    lp, nothing = wide([[-1.0], [-1.0]]), of("t", "s") if tokens == "text" else of("t", ".")
    with pytest.raises(InputError, match=r"rows \[1\]"):
        losses.dpo(lp, lp, lp, lp, of("t", "t"), nothing, tokens=tokens)


def test_fault_14_a_frozen_reference_has_no_dropout_and_stays_as_it_was() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Dropout(0.5)).train()
    held, seen = losses.frozen(model), torch.ones(1, 4)
    before = held(seen)
    with torch.no_grad():
        model[0].weight += 1
    assert torch.equal(held(seen), before)
    assert (held.training, model.training) == (False, True)
    assert not any(each.requires_grad for each in held.parameters())


def test_fault_17_log_probabilities_can_be_those_of_the_sampling_temperature() -> None:
    logits, ids = torch.tensor([[[0.0, math.log(4.0)], [0.0, 0.0]]]), torch.tensor([[0, 1]])
    assert losses.next_token_logps(logits, ids)[0, 1].exp().item() == pytest.approx(0.8)
    assert losses.next_token_logps(logits, ids, temperature=0.5)[0, 1].exp().item() == pytest.approx(16 / 17)


def test_fault_19_a_batch_without_a_usable_group_cannot_have_the_share_of_the_one_before() -> None:
    mixture = Mixture()
    before = mixture.micro_batch(mixture.gates.sums(advantages([1, 5], ["a", "a"]).groups))
    share = mixture.micro_batch(mixture.gates.sums(advantages([None, 5], ["a", "a"]).groups))
    assert (before, share) == (pytest.approx(0.8, abs=1e-3), 0)
    assert losses.hybrid(None, wide(4.0), share).item() == 4
    with pytest.raises(InputError, match="no preference term"):
        losses.hybrid(None, wide(4.0), before)


def test_fault_21_an_answer_without_text_is_no_zero_in_the_mean() -> None:
    alone, beside = wide([[-1.0]]), wide([[-1.0], [-1.0]])
    preferred(alone, of("t")).backward()
    preferred(beside, of("t", "s")).backward()
    assert alone.grad.item() == beside.grad[0].item() == -1


def test_fault_21_the_mean_over_tokens_has_no_bias_by_length() -> None:
    for mean, expected in (("row", [-0.25, -0.5]), ("token", [-1 / 3, -1 / 3])):
        logps = wide([[-1.0, -1.0], [-1.0, -1.0]])
        preferred(logps, of("tt", "t."), mean=mean).backward()
        assert logps.grad[:, 0].tolist() == pytest.approx(expected)


# What else must hold.


@pytest.mark.parametrize("garbage", [NAN, INF, -INF, 1e300])
def test_padding_never_counts_whatever_stands_there(garbage: float) -> None:
    kinds = of("ts.")
    logps, reference = wide([[-1.0, -2.0, garbage]]), wide([[-2.0, -1.0, garbage]], False)
    betas = {"text_beta": 0.1, "speech_beta": 0.1}
    total = preferred(logps, kinds, counted=Counted("all")) + losses.kl(logps, reference, kinds, **betas)
    total = total + losses.supervised(logps, kinds)
    total = total + losses.dpo(logps, reference, reference, reference, kinds, kinds)
    total.backward()
    assert math.isfinite(total.item())
    assert logps.grad[0, 2].item() == 0
    assert all(map(math.isfinite, logps.grad[0].tolist()))


def test_a_counted_place_without_a_log_probability_is_named() -> None:
    with pytest.raises(InputError, match="nan by the policy in row 1 at 0"):
        losses.supervised(wide([[-1.0], [NAN]]), of("t", "t"))


def test_no_gradient_goes_into_the_policy_that_sampled() -> None:
    logps, sampled = wide([[-1.0]]), wide([[-1.5]])
    preferred(logps, of("t"), sampled_logps=sampled).backward()
    assert sampled.grad is None
    assert logps.grad.item() == pytest.approx(-math.exp(0.5))


def test_masks_of_another_shape_are_refused_and_not_broadcast() -> None:
    with pytest.raises(InputError, match="masks of"):
        losses.supervised(wide([[-1.0, -1.0]]), of("t"))
    with pytest.raises(InputError, match="expected one a row"):
        losses.preference(wide([[-1.0]] * 2), torch.tensor([1.0]), of("t", "t"))


@pytest.mark.parametrize("mean", ["row", "token"])
def test_parts_of_a_batch_add_up_to_the_whole(mean: str) -> None:
    logps, kinds, gains = (
        wide([[-1.0, -2.0], [-3.0, -4.0], [-2.0, -2.0]], False),
        of("tt", "t.", "tt"),
        wide([1.0, -1, 2]),
    )
    whole = losses.preference(logps, gains, kinds, mean=mean)
    over = 3 if mean == "row" else 5
    parts = [losses.preference(logps[some], gains[some], kinds.rows(some), mean=mean, over=over)
             for some in (slice(0, 1), slice(1, 3))]  # fmt: skip
    assert sum(parts).item() == pytest.approx(whole.item())


def test_half_precision_is_summed_in_float32() -> None:
    logps = torch.full((1, 4096), -0.001, dtype=torch.bfloat16)
    kinds = Masks(torch.ones(1, 4096, dtype=torch.bool), torch.zeros(1, 4096, dtype=torch.bool))
    loss = losses.supervised(logps, kinds)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(-float(logps[0, 0]), rel=1e-5)


def test_log_probabilities_are_those_of_torch() -> None:
    generator = torch.Generator().manual_seed(5)
    logits, ids = torch.randn(2, 5, 7, generator=generator), torch.randint(7, (2, 5), generator=generator)
    expected = torch.log_softmax(logits, -1)[:, :-1].gather(-1, ids[:, 1:, None]).squeeze(-1)
    found = losses.next_token_logps(logits, ids)
    torch.testing.assert_close(found[:, 1:], expected)
    assert found[:, 0].isnan().all()
