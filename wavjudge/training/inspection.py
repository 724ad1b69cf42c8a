"""A training looked at: what its last checkpoint makes of the held-out demonstrations, text and speech apart.

No judge is asked. The gradients are those of the supervised loss; the preference's would cost rollouts and rewards.
"""

from __future__ import annotations

from wavjudge.training.data import Batch, Speaker, collated, examples  # isort: skip  before transformers, see audio.py

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from wavjudge.bench.candidates.function import load
from wavjudge.errors import InputError
from wavjudge.training.checkpoint import newest
from wavjudge.training.config import Config
from wavjudge.training.diagnostics import Change, Gradients, Kind, changes, evaluating, gradients
from wavjudge.training.losses import next_token_logps, supervised
from wavjudge.training.masks import Counted

__all__ = ["Inspected", "inspected"]


@dataclass(frozen=True, slots=True)
class Inspected:
    """checkpoint: what was looked at. change: of each held-out token's log-probability from the base model's.
    gradients: of the supervised loss on the first `rows` held-out demonstrations, at the checkpoint."""

    checkpoint: Path
    change: Change
    gradients: Gradients
    rows: int


def inspected(config: Config, checkpoint: Path | None = None, *, rows: int = 8) -> Inspected:
    """checkpoint: the newest whole one by default. `InputError` without one, or without held-out demonstrations."""
    at = checkpoint or newest(config.train.out)[0]
    if at is None or config.data.held_out is None:
        raise InputError("got nothing to look at, expected a checkpoint and data.held_out", where=str(config.train.out))
    speaker: Speaker = load(config.model.speaker)(**config.model.options)  # type: ignore[call-arg]
    held = examples(config.data.held_out, speaker, targets=True)
    pad = speaker.tokenizer.pad_token_id
    batches = [collated([one], speaker.vocabulary, pad=pad) for one in held]
    base, model = speaker.model(), _loaded(speaker, config, at)
    few = collated(held[:rows], speaker.vocabulary, pad=pad)

    def loss(kind: Kind) -> Tensor:
        return supervised(_logps(model, few), few.masks, Counted(kind))

    with torch.enable_grad():
        found = gradients(model.parameters(), loss)
    return Inspected(at, changes(_both(model, base, batches)), found, min(rows, len(held)))


def _loaded(speaker: Speaker, config: Config, at: Path) -> Any:
    """The speaker's own model with the checkpoint's weights, or with its adapter."""
    model = speaker.model().eval()
    if config.lora is not None:
        from peft import PeftModel

        return PeftModel.from_pretrained(model, str(at), is_trainable=True)
    from safetensors.torch import load_file

    weights = {name: value for file in sorted(at.glob("*.safetensors")) for name, value in load_file(file).items()}
    missing = set(model.load_state_dict(weights, strict=False).missing_keys) - set(model._tied_weights_keys or ())
    if missing:
        raise InputError(f"got a checkpoint without {sorted(missing)[0]}, expected all weights", where=str(at))
    return model


def _logps(model: Any, batch: Batch) -> Tensor:
    return next_token_logps(model(input_ids=batch.ids, attention_mask=batch.attention).logits, batch.ids)


def _both(model: Any, base: Any, batches: list[Batch]) -> Iterator[tuple[Tensor, Tensor, Any]]:
    with evaluating(model), evaluating(base):
        for batch in batches:
            yield _logps(model, batch), _logps(base, batch), batch.masks
