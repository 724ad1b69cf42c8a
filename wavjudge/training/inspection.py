"""A training looked at: what its last checkpoint makes of the held-out demonstrations, text and speech apart, and how
far its last rollouts lay apart.

No judge is asked. The gradients are those of the supervised loss; the preference's would cost rollouts and rewards.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from wavjudge.errors import InputError
from wavjudge.rewards.groups import Group
from wavjudge.rewards.rollouts import Spread
from wavjudge.store.run_folder import RunFolder
from wavjudge.training.checkpoint import Saved, newest
from wavjudge.training.config import HybridConfig, TrainingConfig
from wavjudge.training.data import Batch, Speaker, collated, examples
from wavjudge.training.diagnostics import Change, Gradients, Kind, changes, evaluating, gradients
from wavjudge.training.launch import speaker_of
from wavjudge.training.losses import next_token_logps, supervised
from wavjudge.training.masks import Counted
from wavjudge.types import Rating, Response

__all__ = ["Inspected", "inspected", "rollout_variance"]


@dataclass(frozen=True, slots=True)
class Inspected:
    """checkpoint: what was looked at, after `step` steps. change: of each held-out token's log-probability from the
    base model's. gradients: of the supervised loss on the first `rows` held-out demonstrations, at the checkpoint.
    rollouts: of the last `save_every` steps, those after `since`; none without a log."""

    checkpoint: Path
    step: int
    change: Change
    gradients: Gradients
    rows: int
    rollouts: list[Spread]
    since: int


def inspected(config: TrainingConfig, checkpoint: Path | None = None, *, rows: int = 8) -> Inspected:
    """checkpoint: the newest whole one by default. `InputError` without one, or without held-out demonstrations."""
    if config.data.held_out is None:
        raise InputError("got a config without held-out demonstrations, which are what is looked at",
                         where="[data] held_out", todo="name demonstrations that were not trained on")  # fmt: skip
    at = checkpoint or newest(config.train.out)[0]
    if at is None:
        raise InputError("got no checkpoint of this training, expected one at least", where=f"{config.train.out}/",
                         todo="train first, or name one: --checkpoint FOLDER")  # fmt: skip
    step = _of_this_model(config, at)
    speaker = speaker_of(config)
    held = examples(config.data.held_out, speaker, targets=True)
    pad = speaker.tokenizer.pad_token_id
    batches = [collated([one], speaker.vocabulary, pad=pad) for one in held]
    base, model = speaker.model(), _loaded(speaker, config, at)
    few = collated(held[:rows], speaker.vocabulary, pad=pad)

    def loss(kind: Kind) -> Tensor:
        return supervised(_logps(model, few), few.masks, Counted(kind))

    with torch.enable_grad():
        found = gradients(model.parameters(), loss)
    since = max(step - config.train.save_every, 0)
    return Inspected(
        at, step, changes(_both(model, base, batches)), found, min(rows, len(held)), _rollouts(config, since, step),
        since,
    )  # fmt: skip


def _of_this_model(config: TrainingConfig, at: Path) -> int:
    """The checkpoint's step. `InputError` where it is one of another speaker or adapter, or none of ours."""
    saved, ours = Saved.read(at), config.model_settings()
    theirs = {key: value for key, value in saved.settings.items() if key.startswith(("model.", "lora"))}
    Saved(saved.step, saved.ranks, settings=theirs).meant_for(ours, saved.ranks, str(at))
    return saved.step


def _rollouts(config: TrainingConfig, since: int, step: int) -> list[Spread]:
    if not isinstance(config, HybridConfig):
        return []
    logs = (config.train.out / "rewards").glob("rank-*")
    return rollout_variance(logs, generations=config.train.generations, after=since, until=step)


def _loaded(speaker: Speaker, config: TrainingConfig, at: Path) -> Any:
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


# How far the rollouts of one prompt lay apart in a training, axis by axis: from what the training logged.
#
# A group is the answers to one prompt at one step, as the trainer compared them. A step that was done twice, since a
# crash lay between, counts once: by its last answers, which are those that the checkpoint learnt from.

Attempt = tuple[str, int]
"""A prompt's id and which of its answers."""


def rollout_variance(logs: Iterable[Path], *, generations: int, after: int, until: int) -> list[Spread]:
    """A row for each axis, and one for the reward, over the steps from `after` up to below `until`.

    logs: the folders `rewards/rank-*` of a training. generations: answers to a prompt at a step. No row without a log.
    """
    groups: dict[str, list[Group]] = defaultdict(list)
    for log in sorted(logs):
        with RunFolder(log) as folder:
            responses, ratings = list(folder.responses()), list(folder.ratings())
        columns = _columns(responses, ratings)
        for group in _groups(responses, generations, after, until):
            for name, scores in columns.items():
                groups[name].append(Group.of([scores.get(one) for one in group]))
    return [Spread.of(name, found) for name, found in groups.items()]


def _groups(responses: Iterable[Response], generations: int, after: int, until: int) -> list[list[Attempt]]:
    steps: dict[tuple[int, str], list[Attempt]] = defaultdict(list)
    for one in responses:
        step = one.details.get("step")
        if isinstance(step, float) and after <= step < until:
            steps[int(step), one.item_id].append((one.item_id, one.attempt))
    return [sorted(held)[-generations:] for held in steps.values()]


def _columns(responses: Sequence[Response], ratings: Iterable[Rating]) -> dict[str, Mapping[Attempt, float]]:
    """Scores by axis, the mean of the repeats that were scored; rewards last."""
    found: dict[str, dict[Attempt, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in ratings:
        if one.score is not None:
            found[one.axis][one.subject.item_id, one.subject.attempt].append(one.score)
    for said in responses:
        if isinstance(reward := said.details.get("reward"), float):
            found["reward"][said.item_id, said.attempt].append(reward)
    return {name: {at: fmean(scores) for at, scores in held.items()} for name, held in found.items()}
