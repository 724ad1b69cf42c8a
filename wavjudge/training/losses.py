r"""The losses of the recipe: log-probabilities and masks in, one number out.

    preference  -1/R sum_i 1/W_i sum_t w_it min(r_it A_i, clip(r_it) A_i)          r = exp(logp - logp when sampled)
    kl           1/R sum_i 1/W_i sum_t beta_it (exp(d_it) - d_it - 1)              d = logp of the reference - logp
    supervised  -1/R sum_i 1/W_i sum_t w_it logp_it
    dpo         -1/B sum_i log sigmoid(beta (m_i - m_i of the reference))          m = sum logp, chosen - rejected
    hybrid       lambda preference + (1 - lambda) supervised

w: weights of the counted tokens, 0 for the others; W_i their sum in row i; R the rows in which something counts. (With
mean="token": one sum over rows over one sum of weights.) beta_it is the beta of the token's kind and W_i counts both.
logps: (B, T), float, the log-probability of the token at each place, as `next_token_logps` gives them; what lies at a
place that does not count is not looked at, NaN included, and gets no gradient.

Formulas: WavAlign (arXiv 2604.14932) in its released code. Other than there, the KL term has a mask of its own, so
that it can hold the speech tokens while the preference moves the text; a row in which nothing counts is left out of
the mean, not a zero in it; and where nothing counts at all there is an error, never another mask.
"""

from __future__ import annotations

import copy
from typing import Any, Literal, TypeVar, get_args

import torch
from torch import Tensor

from wavjudge.errors import InputError
from wavjudge.training.masks import ALL, TEXT, Counted, Masks, Tokens

__all__ = ["Mean", "dpo", "dpo_margins", "frozen", "hybrid", "kl", "next_token_logps", "preference", "supervised"]

Mean = Literal["row", "token"]
"""row: each answer counts alike, so a token of a short one counts more (the paper's code). token: each token alike."""

Model = TypeVar("Model", bound=Any)


def next_token_logps(logits: Tensor, ids: Tensor, temperature: float = 1.0) -> Tensor:
    """Float32 or 64, shape (B, T): the log-probability of ids[:, t] by logits[:, t - 1]; NaN at t = 0, which nothing
    predicts. logits: (B, T, V). temperature: that of the sampling, where the policy is meant as it was sampled.

    >>> next_token_logps(torch.zeros(1, 3, 4), torch.tensor([[0, 1, 2]])).exp().round(decimals=2).tolist()
    [[nan, 0.25, 0.25]]
    """
    if logits.shape[:2] != ids.shape or not temperature > 0:
        raise InputError(f"got logits of {tuple(logits.shape)}, ids of {tuple(ids.shape)} and the temperature "
                         f"{temperature}, expected (B, T, V), (B, T) and above 0")  # fmt: skip
    scores = _wide(logits[:, :-1]) / temperature
    chosen = scores.gather(-1, ids[:, 1:, None]).squeeze(-1) - scores.logsumexp(-1)
    return torch.cat([torch.full_like(chosen[:, :1], float("nan")), chosen], dim=1)


def preference(
    logps: Tensor, advantages: Tensor, masks: Masks, counted: Counted = TEXT, *, rows: Tensor | None = None,
    sampled_logps: Tensor | None = None, clip: float | None = None, mean: Mean = "row", over: float | None = None,
) -> Tensor:  # fmt: skip
    """The GRPO term: a scalar whose gradient makes answers of positive advantage likelier, through `counted` tokens.

    advantages: (B,), of `rewards.groups`. rows: (B,) bool, its mask: an answer without a reward is no zero, it is left
    out. sampled_logps: (B, T) of the policy that sampled, where it is another one by now; without them the ratio is 1,
    as in the paper's code. clip: how far the ratio may leave 1; None, as there: no clipping. over: the rows (tokens,
    for mean="token") to divide by, where this batch is a part of a larger one. The value says little (0 for ratio 1
    and rows of one length); its gradient is the point.

    >>> logps = torch.tensor([[-1.0, -2.0], [-1.0, -2.0]], requires_grad=True)
    >>> both = Masks(text=torch.tensor([[True, False]] * 2), speech=torch.tensor([[False, True]] * 2))
    >>> preference(logps, torch.tensor([1.0, -1.0]), both).backward(); logps.grad.tolist()
    [[-0.5, 0.0], [0.5, 0.0]]
    """
    weights = counted.weights(masks)
    if advantages.shape != logps.shape[:1] or (rows is not None and rows.shape != advantages.shape):
        raise InputError(f"got advantages of {tuple(advantages.shape)} for log-probabilities of {tuple(logps.shape)}, "
                         "expected one a row, and the rows' mask alike")  # fmt: skip
    if rows is not None:
        weights = weights * rows.to(weights.device)[:, None]
    taking_part = (weights > 0).any(dim=1)
    if not bool(torch.isfinite(advantages[taking_part]).all()):
        raise InputError(f"got the advantages {advantages.tolist()}, expected numbers",
                         todo="give the mask of `rewards.groups` as rows: no reward, no advantage")  # fmt: skip
    found = _seen(logps, weights, "the policy")
    then = found.detach() if sampled_logps is None else _seen(sampled_logps, weights, "the policy that sampled")
    gain = torch.exp(found - then.detach())
    held = torch.where(taking_part, _wide(advantages), 0.0)[:, None]
    value = gain * held
    if clip is not None:
        value = torch.minimum(value, gain.clamp(1 - clip, 1 + clip) * held)
    return _mean(-value, weights, mean, over)


def kl(
    logps: Tensor, reference_logps: Tensor, masks: Masks, *, text_beta: float, speech_beta: float,
    tokens: Tokens = "all", rows: Tensor | None = None, mean: Mean = "row", over: float | None = None,
) -> Tensor:  # fmt: skip
    """How far the policy has left the reference, 0 or more: the k3 estimate, by token, weighed by kind.

    reference_logps: (B, T), of a frozen model (`frozen`); it gets no gradient. text_beta, speech_beta: at least one
    above 0, and none above 0 for tokens that do not count.

    >>> one = Masks(text=torch.tensor([[True]]), speech=torch.tensor([[False]]))
    >>> round(kl(torch.tensor([[-1.0]]), torch.tensor([[-2.0]]), one, text_beta=0.1, speech_beta=0.1).item(), 6)
    0.036788
    """
    betas = {"text": text_beta, "speech": speech_beta}
    if not all(0 <= beta < float("inf") for beta in betas.values()) or not any(betas.values()):
        raise InputError(f"got text_beta {text_beta} and speech_beta {speech_beta}, expected 0 or more, and one above",
                         todo="leave the term out that should do nothing")  # fmt: skip
    if idle := [kind for kind, beta in betas.items() if beta and tokens not in (kind, "all")]:
        raise InputError(f"got {idle[0]}_beta {betas[idle[0]]} with tokens={tokens!r}, where it can do nothing")
    if reference_logps.data_ptr() == logps.data_ptr():
        raise InputError("got the policy's own log-probabilities as the reference's: the term would be exactly 0",
                         todo="make a reference with `frozen` before training begins")  # fmt: skip
    weights = Counted(tokens).weights(masks)
    weights = weights if rows is None else weights * rows.to(weights.device)[:, None]
    apart = _seen(reference_logps, weights, "the reference").detach() - _seen(logps, weights, "the policy")
    beta = text_beta * masks.text.to(apart.dtype) + speech_beta * masks.speech.to(apart.dtype)
    return _mean(beta * (torch.exp(apart) - apart - 1), weights, mean, over)


def supervised(
    logps: Tensor, masks: Masks, counted: Counted = ALL, *, mean: Mean = "row", over: float | None = None
) -> Tensor:  # fmt: skip
    """The anchor: mean negative log-likelihood of demonstrations, in nats a token.

    >>> both = Masks(text=torch.tensor([[True, False]]), speech=torch.tensor([[False, True]]))
    >>> supervised(torch.tensor([[-1.0, -2.0]]), both, Counted("all", speech=3.0)).item()
    1.75
    """
    weights = counted.weights(masks)
    return _mean(-_seen(logps, weights, "the policy"), weights, mean, over)


def dpo(
    chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor, chosen_masks: Masks,
    rejected_masks: Masks, *, tokens: Tokens = "text", beta: float = 0.1,
) -> Tensor:  # fmt: skip
    """Offline DPO on pairs: log-probabilities (B, T) of the chosen and the rejected answers by policy and reference;
    T may differ between the two. A pair of which either answer has no counted token is an error.

    >>> lp, same = torch.tensor([[-1.0]]), Masks(text=torch.tensor([[True]]), speech=torch.tensor([[False]]))
    >>> round(dpo(lp, lp - 1, lp - 1, lp - 1, same, same, beta=1.0).item(), 6)
    0.313262
    """
    if not 0 < beta < float("inf"):
        raise InputError(f"got the beta {beta}, expected above 0")
    margins = dpo_margins(
        chosen, rejected, reference_chosen, reference_rejected, chosen_masks, rejected_masks, tokens=tokens
    )
    return -torch.nn.functional.logsigmoid(beta * margins).mean()


def dpo_margins(
    chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor, chosen_masks: Masks,
    rejected_masks: Masks, *, tokens: Tokens = "text",
) -> Tensor:  # fmt: skip
    """(B,): by how many nats more than the reference the policy prefers the chosen answer. Sums, not means."""
    policy = _summed(chosen, chosen_masks, tokens) - _summed(rejected, rejected_masks, tokens)
    with torch.no_grad():
        reference = _summed(reference_chosen, chosen_masks, tokens) - _summed(
            reference_rejected, rejected_masks, tokens
        )
    return policy - reference


def hybrid(preference: Tensor | None, supervised: Tensor | None, share: float) -> Tensor:
    """lambda preference + (1 - lambda) supervised. share: lambda, 0 to 1, of `rewards.mixing`. A term may be None only
    where its weight is 0: a batch without a usable group has share 0, not the share of the batch before.

    >>> hybrid(torch.tensor(2.0), torch.tensor(4.0), 0.25).item(), hybrid(None, torch.tensor(4.0), 0).item()
    (3.5, 4.0)
    """
    if not 0 <= share <= 1:
        raise InputError(f"got the share {share} of the preference term, expected 0 to 1",
                         todo="it is one number: the other term's weight is what is left of 1")  # fmt: skip
    total: Tensor | float = 0.0
    for name, term, weight in (("preference", preference, share), ("supervised", supervised, 1 - share)):
        if term is None and weight:
            raise InputError(f"got no {name} term with the weight {weight:g}, expected it",
                             todo="share is 0 without a preference term, 1 without a supervised one")  # fmt: skip
        if term is not None and weight:
            total = total + weight * term
    assert isinstance(total, Tensor)
    return total


def frozen(model: Model) -> Model:
    """A copy that stays as it is: no gradients, evaluation mode (no dropout), whatever becomes of the model.

    >>> held = frozen(torch.nn.Dropout(0.9)); held.training
    False
    """
    held = copy.deepcopy(model)
    held.requires_grad_(False)
    held.eval()
    return held


def _wide(values: Tensor) -> Tensor:
    """Sums of many small numbers want float32 at least."""
    return values if values.dtype == torch.float64 else values.float()


def _seen(logps: Tensor, weights: Tensor, of: str) -> Tensor:
    """The counted log-probabilities, and 0 at all other places, whatever stands there."""
    if logps.shape != weights.shape:
        raise InputError(f"got log-probabilities of {tuple(logps.shape)} by {of} and masks of {tuple(weights.shape)}")
    found = torch.where(weights > 0, _wide(logps), 0.0)
    if not bool(torch.isfinite(found.detach()).all()):
        row, place = (~torch.isfinite(found.detach())).nonzero()[0].tolist()
        raise InputError(f"got the log-probability {found[row, place].item()} by {of} in row {row} at {place}, which "
                         "counts; expected a number", todo="does the mask begin after the prompt?")  # fmt: skip
    return found


def _mean(values: Tensor, weights: Tensor, mean: Mean, over: float | None) -> Tensor:
    """One number from (B, T): weighted, 0 nowhere by default."""
    if mean not in get_args(Mean):
        raise InputError(f"got mean={mean!r}, expected one of {', '.join(get_args(Mean))}")
    weights = weights.to(values.dtype)
    totals = weights.sum(dim=1)
    rows = totals > 0
    if not bool(rows.any()):
        raise InputError("got no token that counts in the whole batch, expected at least one",
                         todo="leave the term out of this step (share 0), or look at masks and answers")  # fmt: skip
    sums = (values * weights).sum(dim=1)
    if mean == "token":
        return sums.sum() / (totals.sum() if over is None else over)
    return (sums[rows] / totals[rows]).sum() / (rows.sum() if over is None else over)


def _summed(logps: Tensor, masks: Masks, tokens: Tokens) -> Tensor:
    weights = Counted(tokens).weights(masks)
    if empty := (weights.sum(dim=1) == 0).nonzero().flatten().tolist():
        raise InputError(f"got pairs without a counted token (tokens={tokens!r}) in an answer: rows {empty}",
                         todo="drop them when the pairs are built, and count them")  # fmt: skip
    return _seen(logps, weights, "a model").sum(dim=1)
