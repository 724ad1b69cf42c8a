"""The recipe on TRL's GRPOTrainer: a judge's preferences move text tokens, demonstrations hold all of them.

    L = lambda (preference + kl) + (1 - lambda) supervised

TRL samples, steps and saves; here are the rewards (`rollouts.py`), lambda, the reference, and the loss.
One generation is one optimiser step (all micro-batches of it), so the policy that sampled is the one that is trained,
and lambda is one number a step: it comes from the rewards of all ranks, which every rank has.

TRL's `env_mask` does not serve: it would mask the KL term too, and nothing but the anchor would hold the speech
tokens. The masks stand in the loss instead.
"""

from __future__ import annotations

from wavjudge.training.recipe import Recipe, checked, same_vocabulary  # isort: skip  before transformers

import logging
import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from trl import GRPOConfig, GRPOTrainer

from wavjudge.errors import StopRun
from wavjudge.rewards.ceiling import Ceiling
from wavjudge.rewards.combine import Reward
from wavjudge.rewards.groups import Advantages, advantages
from wavjudge.rewards.mixing import Mixture
from wavjudge.training.checkpoint import Saved
from wavjudge.training.data import Batch, Demonstrations, Example, Speaker, collated
from wavjudge.training.diagnostics import evaluating
from wavjudge.training.losses import frozen, hybrid, kl, next_token_logps, preference, supervised
from wavjudge.training.masks import Masks, masks
from wavjudge.training.rollouts import Judge, rewards_of_all, sampled
from wavjudge.training.sampler import EpochSampler

__all__ = ["HybridGRPOTrainer"]


class HybridGRPOTrainer(GRPOTrainer):
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
        self._prompts, self._held_out = list(prompts), list(held_out)
        self._anchor = Demonstrations(demonstrations, seed=args.seed)
        self._rewards: list[Reward] = []
        checked(args, len(prompts), len(demonstrations))
        model = speaker.model()
        same_vocabulary(speaker, model)
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

    def _send_telemetry(self) -> None:
        """Nothing is told to anybody about a training."""

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
        self._finite(loss)
        return loss

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any) -> Tensor:
        loss: Tensor = super().training_step(model, inputs, num_items_in_batch)
        if self.accelerator.sync_gradients:
            self.mixture.optimiser_step()
        return loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """TRL's figures and ours. A gradient that is no number stops before a checkpoint of it is made."""
        if not math.isfinite(norm := logs.get("grad_norm", 0.0)):
            raise _diverged(f"got the gradient norm {norm} at step {self.state.global_step}")
        super().log(logs, start_time)

    def evaluate(self, *_: Any, metric_key_prefix: str = "eval", **__: Any) -> dict[str, float]:
        """Negative log-likelihood of the held-out demonstrations, in nats a token, text and speech apart."""
        found = self._likelihoods()
        metrics = {f"{metric_key_prefix}_nll_{kind}": value for kind, value in found.items()}
        was_training = self.model.training
        self.model.eval()  # TRL sorts its figures by this
        self.log(metrics)
        self.model.train(was_training)
        self.control: Any = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    # ---- rollouts and rewards

    def _rewarded(self, completion_ids: Sequence[Sequence[int]], row: Sequence[int], **_: Any) -> list[float | None]:
        """TRL's reward function: the rewards of this rank; those of all ranks are kept for lambda and the ceiling."""
        mine, self._rewards = rewards_of_all(
            self.judge, self.speaker, [self._prompts[at] for at in row], completion_ids,
            rate_hz=self.recipe.judge_rate_hz, step=self.state.global_step,
        )  # fmt: skip
        self.counts.update(one.status for one in self._rewards)
        if self.ceiling is not None:
            self.ceiling.add(self._rewards)
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
        batch = self._batch(self._anchor.chosen(number, self.recipe.anchor_rows))
        term = supervised(self._logps(model, batch), batch.masks, self.recipe.anchored)
        self._told_mean("supervised", term)
        return term

    def _logps(self, model: Any, batch: Batch) -> Tensor:
        """At temperature 1, whatever the rollouts are sampled at: a demonstration was not sampled."""
        with self.accelerator.autocast():
            logits = model(input_ids=batch.ids, attention_mask=batch.attention).logits
        return next_token_logps(logits, batch.ids)

    def _batch(self, held: Sequence[Example]) -> Batch:
        made = collated(held, self.speaker.vocabulary, pad=self._tokenizer.pad_token_id, rule=self.recipe.rule)
        return made.to(self.accelerator.device)

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

    def _finite(self, loss: Tensor) -> None:
        """All ranks stop together where the loss of one is no number."""
        wrong = self.accelerator.reduce((~torch.isfinite(loss.detach())).float(), reduction="sum")
        if wrong.item():
            raise _diverged(f"got a loss that is no number at step {self.state.global_step + 1}")

    @torch.no_grad()
    def _likelihoods(self) -> dict[str, float]:
        """Every rank measures its share of the held-out rows; sums and counts are added up."""
        model, device = self.accelerator.unwrap_model(self.model), self.accelerator.device
        was_training = model.training
        model.eval()
        totals = torch.zeros(4, dtype=torch.float64)
        for place in range(self.accelerator.process_index, len(self._held_out), self.accelerator.num_processes):
            batch = self._batch([self._held_out[place]])
            nll = -self._logps(model, batch)
            for at, mask in enumerate((batch.masks.text, batch.masks.speech)):
                totals[2 * at] += nll[mask].double().sum().cpu()
                totals[2 * at + 1] += mask.sum().cpu()
        model.train(was_training)
        text, texts, speech, speeches = self.accelerator.reduce(totals.float().to(device), reduction="sum").tolist()
        return {"text": text / max(texts, 1), "speech": speech / max(speeches, 1)}

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

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        super()._save_checkpoint(model, trial)
        self.accelerator.wait_for_everyone()  # every rank has written its random state
        if self.args.should_save:
            self._saved().write(Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}")

    def _saved(self) -> Saved:
        return Saved(
            self.state.global_step, self.accelerator.num_processes, self.mixture.state_dict(),
            None if self.ceiling is None else self.ceiling.state_dict(), dict(self.counts), self.recipe.settings,
        )  # fmt: skip

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint is not None:
            saved = Saved.read(Path(checkpoint))
            saved.meant_for(self.recipe.settings, self.accelerator.num_processes, checkpoint)
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


def _diverged(what: str) -> StopRun:
    return StopRun(what, todo="resume from the last checkpoint with a smaller learning rate, in a new folder")


def _without_dumps(record: logging.LogRecord) -> bool:
    """TRL prints an answer without a reward, whole; such answers are counted here (`unscored`)."""
    return "All reward functions returned None" not in str(record.msg)


logging.getLogger("trl.trainer.grpo_trainer").addFilter(_without_dumps)
os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")  # rollout_func is pinned by tests, not by a promise of TRL's
