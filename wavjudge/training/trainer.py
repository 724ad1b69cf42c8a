"""The recipe on TRL's GRPOTrainer: a judge's preferences move text tokens, demonstrations hold all of them.

    L = lambda (preference + kl) + (1 - lambda) supervised

TRL samples, steps and saves; here are the rewards (`rollouts.py`), lambda, the reference, and the loss.
One generation is one optimiser step (all micro-batches of it), so the policy that sampled is the one that is trained,
and lambda is one number a step: it comes from the rewards of all ranks, which every rank has.

TRL's `env_mask` does not serve: it would mask the KL term too, and nothing but the anchor would hold the speech
tokens. The masks stand in the loss instead.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from trl import GRPOConfig, GRPOTrainer
from trl.trainer.utils import RepeatSampler

from wavjudge.errors import InputError
from wavjudge.rewards.ceiling import Ceiling
from wavjudge.rewards.combine import Reward
from wavjudge.rewards.groups import Advantages, Deviation, advantages
from wavjudge.rewards.mixing import Gates, Mixture
from wavjudge.training.audio import JUDGE_RATE_HZ
from wavjudge.training.checkpoint import Saved, WatchedTrainer, checked_model
from wavjudge.training.data import Demonstrations, Example, Speaker
from wavjudge.training.diagnostics import evaluating
from wavjudge.training.losses import frozen, hybrid, kl, next_token_logps, preference, supervised
from wavjudge.training.masks import ALL, TEXT, Counted, Masks, Rule, masks
from wavjudge.training.rollouts import Judge, rewards_of_all, sampled

__all__ = ["EpochSampler", "HybridGRPOTrainer", "Recipe", "checked"]


# The order of prompts as a function of seed and epoch.


class EpochSampler(RepeatSampler):
    """TRL's sampler, which draws the order of each epoch from one generator. A resumed training would meet the first
    epoch's order again where it left off in the second, so here each epoch has a seed of its own."""

    def set_epoch(self, epoch: int) -> None:
        """Called by the Trainer before each epoch."""
        if self.shuffle:
            self.generator.manual_seed((self.seed or 0) + 1_000_003 * epoch)


# What a hybrid training is told beside TRL's arguments, and which of those it cannot do with.


@dataclass(frozen=True, slots=True)
class Recipe:
    """What TRL's own arguments do not hold.

    preferred, anchored: the tokens that the two terms count. text_beta, speech_beta: of the KL term, 0 for none; the
    reference costs a forward pass and, without LoRA, a second model. anchor_rows: demonstrations of a micro-batch.
    ceiling, window: share of failures among the last `window` answers of all ranks that stops the training.
    settings: kept in checkpoints; another training's are refused. judge_rate_hz: what the judge hears.
    """

    preferred: Counted = TEXT
    anchored: Counted = ALL
    rule: Rule = field(default_factory=Rule)
    text_beta: float = 0.0
    speech_beta: float = 0.0
    deviation: Deviation = "population"
    gates: Gates = field(default_factory=Gates)
    anchor_rows: int = 1
    ceiling: float | None = 0.10
    window: int = 200
    judge_rate_hz: int = JUDGE_RATE_HZ
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def held_to_reference(self) -> bool:
        """Whether there is a KL term at all."""
        return max(self.text_beta, self.speech_beta) > 0


def checked(args: GRPOConfig, prompts: int, demonstrations: int) -> None:
    """`InputError` for TRL's arguments and data that this recipe has no place for."""
    if args.num_iterations != 1 or args.steps_per_generation != args.gradient_accumulation_steps:
        raise InputError(
            f"got num_iterations {args.num_iterations} and steps_per_generation {args.steps_per_generation}, expected "
            f"1 and {args.gradient_accumulation_steps}: one step on each generation, by the policy that made it"
        )
    if args.beta:
        raise InputError(f"got beta {args.beta}, expected 0: the recipe has a text_beta and a speech_beta")
    if prompts < (needed := args.generation_batch_size // args.num_generations):
        raise InputError(f"got {prompts} prompts, expected at least the {needed} of one step")
    if not demonstrations:
        raise InputError("got no demonstrations, expected at least one: they are the anchor")


class HybridGRPOTrainer(WatchedTrainer, GRPOTrainer):
    """GRPO on text tokens by a judge's rewards, anchored on demonstrations; see `Recipe`.

    Parameters
    ----------
    speaker: the model, its ids, its voice. judge: gives a reward to each rollout of this rank.
    prompts: what is answered in training. demonstrations: the anchor. held_out: demonstrations of which the negative
    log-likelihood is measured, text and speech apart, every `eval_steps`.
    args: TRL's; its `beta` must be 0, for the recipe has two, and more than one step on a rollout is an `InputError`.
    others: passed on to TRL, such as `peft_config`: with LoRA the reference is the model without its adapter.
    """

    def __init__(
        self, speaker: Speaker, judge: Judge, *, args: GRPOConfig, prompts: Sequence[Example],
        demonstrations: Sequence[Example], held_out: Sequence[Example] = (), recipe: Recipe | None = None,
        **others: Any,
    ) -> None:  # fmt: skip
        self.speaker, self.judge, self.recipe = speaker, judge, recipe or Recipe()
        self.mixture = Mixture(self.recipe.gates)
        self.ceiling = None if self.recipe.ceiling is None else Ceiling(self.recipe.ceiling, self.recipe.window)
        self.counts: Counter[str] = Counter()
        self.share = 0.0
        self.rule, self.settings = self.recipe.rule, self.recipe.settings
        self._prompts, self.held_out = list(prompts), list(held_out)
        self._anchor = Demonstrations(demonstrations, seed=args.seed)
        self._rewards: list[Reward] = []
        checked(args, len(prompts), len(demonstrations))
        model = checked_model(speaker)
        apart = self.recipe.held_to_reference and "peft_config" not in others
        reference = frozen(model) if apart else None  # before TRL changes the model's forward
        super().__init__(
            model=model, reward_funcs=[self._rewarded], args=args, processing_class=speaker.tokenizer,
            train_dataset=Dataset.from_list([
                {"prompt": list(one.prompt), "row": number} for number, one in enumerate(prompts)
            ]),
            eval_dataset=Dataset.from_list([{"prompt": list(one.prompt)} for one in held_out]) if held_out else None,
            rollout_func=sampled, **others,
        )  # fmt: skip
        self.reference = None if reference is None else reference.to(self.accelerator.device)

    # ---- what TRL asks for

    def _get_train_sampler(self, dataset: Any = None) -> EpochSampler:
        """TRL's order of prompts, but a function of the epoch, so that a resumed training meets the same ones."""
        return EpochSampler(
            self.train_dataset, mini_repeat_count=self.num_generations,
            batch_size=self.args.generation_batch_size // self.num_generations,
            repeat_count=self.num_iterations * self.args.steps_per_generation,
            shuffle=self.shuffle_dataset, seed=self.args.seed,
        )  # fmt: skip

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        """TRL's batch, with advantages and lambda by `wavjudge.rewards`; the same on all ranks."""
        output: dict[str, Any] = super()._generate_and_score_completions(inputs)
        found = self._groups()
        sums = self.recipe.gates.sums(found.groups)
        self.share = self.mixture.micro_batch(sums)
        here = slice(self.accelerator.process_index * len(inputs), (self.accelerator.process_index + 1) * len(inputs))
        device = output["advantages"].device
        output["advantages"] = torch.as_tensor(found.values[here], dtype=torch.float32, device=device)
        output["counts"] = torch.as_tensor(found.mask[here], device=device)
        output["over"] = self._rows_that_count(output)
        if self.recipe.held_to_reference and self.share > 0:
            output["reference_logps"] = self._reference_logps(output)
        self._noted(found)
        return output

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Tensor:
        """One micro-batch. Its terms are divided so that micro-batches and ranks add up to the loss of the whole."""
        anchor = self._supervised(model) / self.current_gradient_accumulation_steps
        preferred = self._preferred(model, inputs) if self.share > 0 else None
        loss = hybrid(preferred, anchor, self.share)
        self.finite(loss)
        return loss

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any) -> Tensor:
        loss: Tensor = super().training_step(model, inputs, num_items_in_batch)
        if self.accelerator.sync_gradients:
            self.mixture.optimiser_step()
        return loss

    # ---- rollouts and rewards

    def _rewarded(self, completion_ids: Sequence[Sequence[int]], row: Sequence[int], **_: Any) -> list[float | None]:
        """TRL's reward function: the rewards of this rank; those of all ranks are kept for lambda and the ceiling."""
        mine, found = rewards_of_all(
            self.judge, self.speaker, [self._prompts[at] for at in row], completion_ids,
            rate_hz=self.recipe.judge_rate_hz, step=self.state.global_step,
        )  # fmt: skip
        self._rewards = [one.reward for one in found]
        self.counts.update(one.status for one in self._rewards)
        if self.ceiling is not None:
            self.ceiling.add(self._rewards, [one.own for one in found])
        return [one.score for one in mine]

    def _groups(self) -> Advantages:
        numbers = [place // self.num_generations for place in range(len(self._rewards))]
        return advantages([one.score for one in self._rewards], numbers, deviation=self.recipe.deviation)

    # ---- the loss

    def _preferred(self, model: Any, inputs: Mapping[str, Any]) -> Tensor:
        """This micro-batch's part of the preference term and its KL; 0, with a gradient of 0, where nothing counts."""
        kinds, rows, over = self._kinds(inputs), inputs["counts"], inputs["over"][0].tolist()
        ids, attention = _whole(inputs)
        logps, _, _ = self._get_per_token_logps_and_entropies(model, ids, attention, inputs["completion_ids"].shape[1])
        term = torch.where(kinds.of("all"), logps, 0.0).sum() * 0.0
        if _some(self.recipe.preferred.weights(kinds), rows):
            term = term + preference(logps, inputs["advantages"], kinds, self.recipe.preferred, rows=rows, over=over[0])
        return term + self._kl(logps, inputs, kinds, over[1]) if self.recipe.held_to_reference else term

    def _kl(self, logps: Tensor, inputs: Mapping[str, Any], kinds: Masks, over: float) -> Tensor:
        term = torch.zeros_like(logps[0, 0])
        if _some(kinds.of("all"), inputs["counts"]):
            term = kl(
                logps, inputs["reference_logps"], kinds, text_beta=self.recipe.text_beta,
                speech_beta=self.recipe.speech_beta, rows=inputs["counts"], over=over,
            )  # fmt: skip
        self._told_mean("kl", term * self.args.gradient_accumulation_steps)
        return term

    @torch.no_grad()
    def _reference_logps(self, inputs: Mapping[str, Any]) -> Tensor:
        """(B, C): by the model that training began with, at the temperature of the rollouts."""
        ids, attention = _whole(inputs)
        answers, size = inputs["completion_ids"].shape[1], self.args.per_device_train_batch_size
        with self._held() as held:
            made = [
                next_token_logps(held(input_ids=some, attention_mask=seen).logits, some, self.temperature)[:, -answers:]
                for some, seen in zip(ids.split(size), attention.split(size), strict=True)
            ]
        return torch.cat(made)

    @contextmanager
    def _held(self) -> Iterator[Any]:
        """The reference: a model of its own, or the policy with its adapter off."""
        if self.reference is not None:
            yield self.reference
        else:
            policy = self.accelerator.unwrap_model(self.model)
            with evaluating(policy), policy.disable_adapter():
                yield policy

    def _supervised(self, model: Any) -> Tensor:
        """The anchor of this micro-batch, by the next demonstrations of this rank."""
        number = self._step * self.accelerator.num_processes + self.accelerator.process_index
        batch = self.batch(self._anchor.chosen(number, self.recipe.anchor_rows))
        term = supervised(self.logps(model, batch), batch.masks, self.recipe.anchored)
        self._told_mean("supervised", term)
        return term

    def _kinds(self, inputs: Mapping[str, Any]) -> Masks:
        ids, counted = inputs["completion_ids"], inputs["completion_mask"].bool()
        return masks(ids, counted, self.speaker.vocabulary, self.recipe.rule)

    def _rows_that_count(self, inputs: Mapping[str, Any]) -> Tensor:
        """(2,): answers in which something counts for the preference, and for KL: over this generation, by rank."""
        kinds, rows = self._kinds(inputs), inputs["counts"]
        found = [((weights > 0).any(dim=1) & rows).sum() for weights in
                 (self.recipe.preferred.weights(kinds), kinds.of("all"))]  # fmt: skip
        total: Tensor = self.accelerator.reduce(torch.stack(found).float(), reduction="sum")
        over: Tensor = (total / self.accelerator.num_processes)[None].expand(len(rows), 2)
        return over

    # ---- what is told, kept and taken up again

    def _told(self, name: str, value: float) -> None:
        self._metrics["train"][name].append(value)

    def _told_mean(self, name: str, value: Tensor) -> None:
        """Over ranks; each of them has to call."""
        self._told(name, self.accelerator.reduce(value.detach().clone(), reduction="mean").item())

    def _noted(self, found: Advantages) -> None:
        """Figures of one generation, equal on all ranks."""
        usable = [group for group in found.groups if group.usable]
        self._told("lambda", self.share)
        self._told("unscored", sum(one.score is None for one in self._rewards) / len(self._rewards))
        self._told("groups/usable", len(usable))
        self._told("groups/with_signal", sum(group.has_signal for group in usable))
        for group in usable:
            self._told("gate/reward", self.recipe.gates.reward_gate(group))
            self._told("gate/information", self.recipe.gates.information_gate(group))
            self._told("reward/variance", group.variance)

    def saved(self) -> Saved:
        return Saved(
            self.state.global_step, self.accelerator.num_processes, self.mixture.state_dict(),
            None if self.ceiling is None else self.ceiling.state_dict(), dict(self.counts), self.recipe.settings,
        )  # fmt: skip

    def taken_up(self, saved: Saved) -> None:
        self.mixture.load_state_dict(saved.mixture)
        if self.ceiling is not None and saved.ceiling is not None:
            self.ceiling.load_state_dict(saved.ceiling)
        self.counts = Counter(saved.counts)
        self._step = saved.step * self.args.gradient_accumulation_steps


def _whole(inputs: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    """ids, attention: (B, P + C), prompts and answers."""
    return (torch.cat([inputs["prompt_ids"], inputs["completion_ids"]], dim=1),
            torch.cat([inputs["prompt_mask"], inputs["completion_mask"]], dim=1))  # fmt: skip


def _some(weights: Tensor, rows: Tensor) -> bool:
    return bool((weights[rows] > 0).any())


def _without_dumps(record: logging.LogRecord) -> bool:
    """TRL prints an answer without a reward, whole; such answers are counted here (`unscored`)."""
    return "All reward functions returned None" not in str(record.msg)


logging.getLogger("trl.trainer.grpo_trainer").addFilter(_without_dumps)
os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")  # rollout_func is pinned by tests, not by a promise of TRL's
