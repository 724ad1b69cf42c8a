"""What both trainers do alike: held-out likelihood, a stop at what is no number, checkpoints with their settings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import Trainer

from wavjudge.errors import DivergedError, InputError
from wavjudge.training.checkpoint import Saved
from wavjudge.training.data import Batch, Example, Speaker, collated
from wavjudge.training.losses import next_token_logps
from wavjudge.training.masks import Rule

__all__ = ["WatchedTrainer", "checked_model"]


class WatchedTrainer(Trainer):
    """Stands before a trainer of TRL's among the bases. Those set, before TRL's constructor runs: speaker, rule,
    settings (kept in checkpoints, another training's are refused) and held_out, whose likelihood is measured."""

    speaker: Speaker
    rule: Rule | None
    settings: Mapping[str, Any]
    held_out: Sequence[Example]

    def _send_telemetry(self) -> None:
        """Nothing is told to anybody about a training."""

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """TRL's figures and ours. A gradient that is no number stops before a checkpoint of it is made."""
        if not math.isfinite(norm := logs.get("grad_norm", 0.0)):
            raise _diverged(f"got the gradient norm {norm} at step {self.state.global_step}")
        super().log(logs, start_time)

    def finite(self, loss: Tensor) -> None:
        """All ranks stop together where the loss of one is no number; each of them has to call."""
        wrong = self.accelerator.reduce((~torch.isfinite(loss.detach())).float(), reduction="sum")
        if wrong.item():
            raise _diverged(f"got a loss that is no number at step {self.state.global_step + 1}")

    # ---- held-out demonstrations

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

    @torch.no_grad()
    def _likelihoods(self) -> dict[str, float]:
        """Every rank measures its share of the held-out rows; sums and counts are added up."""
        model, device = self.accelerator.unwrap_model(self.model), self.accelerator.device
        was_training = model.training
        model.eval()
        totals = torch.zeros(4, dtype=torch.float64)
        for place in range(self.accelerator.process_index, len(self.held_out), self.accelerator.num_processes):
            batch = self.batch([self.held_out[place]])
            nll = -self.logps(model, batch)
            for at, mask in enumerate((batch.masks.text, batch.masks.speech)):
                totals[2 * at] += nll[mask].double().sum().cpu()
                totals[2 * at + 1] += mask.sum().cpu()
        model.train(was_training)
        text, texts, speech, speeches = self.accelerator.reduce(totals.float().to(device), reduction="sum").tolist()
        return {"text": text / max(texts, 1), "speech": speech / max(speeches, 1)}

    def logps(self, model: Any, batch: Batch) -> Tensor:
        """At temperature 1, whatever rollouts are sampled at: a demonstration was not sampled."""
        with self.accelerator.autocast():
            logits = model(input_ids=batch.ids, attention_mask=batch.attention).logits
        return next_token_logps(logits, batch.ids)

    def batch(self, held: Sequence[Example]) -> Batch:
        """Demonstrations side by side, where the model is."""
        made = collated(held, self.speaker.vocabulary, pad=self.processing_class.pad_token_id, rule=self.rule)
        return made.to(self.accelerator.device)

    # ---- what is kept and taken up again

    def saved(self) -> Saved:
        """The state beside the weights."""
        return Saved(self.state.global_step, self.accelerator.num_processes, settings=self.settings)

    def taken_up(self, saved: Saved) -> None:
        """The state of a checkpoint whose settings are ours."""

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        super()._save_checkpoint(model, trial)
        self.accelerator.wait_for_everyone()  # every rank has written its random state
        if self.args.should_save:
            beside = self._kept or self.saved()
            beside.write(Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}")

    _kept: Saved | None = None

    def keep(self, saved: Saved) -> None:
        """A checkpoint of the last whole step, after a stop in the next. saved: the state beside the weights then."""
        self._kept = saved
        self._save_checkpoint(self.model, None)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint is not None:
            saved = Saved.read(Path(checkpoint))
            saved.meant_for(self.settings, self.accelerator.num_processes, checkpoint)
            self.taken_up(saved)


def checked_model(speaker: Speaker) -> Any:
    """The speaker's model. `InputError` where its ids are not the vocabulary's, or a weight is no number: it would be
    met at the first rollout, where it is an error of the sampling."""
    model = speaker.model()
    rows, size = model.get_input_embeddings().weight.shape[0], speaker.vocabulary.size
    if rows != size:
        raise InputError(f"got a model of {rows} ids and a vocabulary of {size}, expected as many of both",
                         todo="say Vocabulary.of(..., size=) of the model's output")  # fmt: skip
    if wrong := [name for name, one in model.named_parameters() if not bool(torch.isfinite(one).all())]:
        raise InputError(f"got a model with weights that are no numbers: {wrong[0]}, {len(wrong)} tensor(s) in all",
                         todo="load a checkpoint from before the training diverged")  # fmt: skip
    return model


def _diverged(what: str) -> DivergedError:
    return DivergedError(what, todo="resume from the last checkpoint with a smaller learning rate, in a new folder")
