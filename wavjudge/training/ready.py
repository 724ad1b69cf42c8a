"""What every training has once it is prepared: all but the weights."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from wavjudge.bench.candidates.loading import load
from wavjudge.errors import InputError
from wavjudge.training.checkpoint import Saved, newest
from wavjudge.training.config import TrainingConfig
from wavjudge.training.data import Example, Speaker, examples

__all__ = ["Ready", "adapter", "arguments", "held_out_of", "place", "speaker_of"]


@dataclass(frozen=True, slots=True)
class Ready(ABC):
    """config: with absolute paths. settings: what another training's checkpoint would differ in.

    The place of this process among all (rank, ranks), and the checkpoint to go on from with those that a crash cut
    off, are found when it is made. `InputError` where that checkpoint was made with other settings.
    """

    config: TrainingConfig
    speaker: Speaker
    held_out: list[Example]
    settings: Mapping[str, Any]
    rank: int = field(init=False)
    ranks: int = field(init=False)
    checkpoint: Path | None = field(init=False)
    cut_off: list[Path] = field(init=False)

    def __post_init__(self) -> None:
        (rank, ranks), (checkpoint, cut_off) = place(), newest(self.config.train.out)
        found = {"rank": rank, "ranks": ranks, "checkpoint": checkpoint, "cut_off": cut_off}
        for name, value in found.items():
            object.__setattr__(self, name, value)
        if checkpoint is not None:
            Saved.read(checkpoint).meant_for(self.settings, ranks, str(checkpoint))

    @property
    def done(self) -> int:
        """Steps that the checkpoint holds."""
        return 0 if self.checkpoint is None else Saved.read(self.checkpoint).step

    def lines(self) -> list[str]:
        """What would be done, for people."""
        longer = "" if self.checkpoint is None else Saved.read(self.checkpoint).longer(self.settings)
        return [
            *self.plan(),
            *([longer] if longer else []),
            *(f"passed over: {path}, which was cut off" for path in self.cut_off),
        ]

    @abstractmethod
    def plan(self) -> list[str]:
        """What this kind of training would do."""

    @abstractmethod
    def trainer(self) -> Any:
        """TRL's trainer with the weights."""

    def close(self) -> None:  # noqa: B027  a training on pairs opens nothing
        """Let go of what was opened."""


def speaker_of(config: TrainingConfig) -> Speaker:
    """The speaker that the config names. `InputError` where it cannot be made of its options."""
    make = cast(Callable[..., Speaker], load(config.model.speaker))
    try:
        return make(**config.model.options)
    except TypeError as error:
        raise InputError(f"got a speaker that cannot be made: {error}", where=f"[model] {config.model.speaker}",
                         todo="[model.options] are its keywords") from error  # fmt: skip


def held_out_of(config: TrainingConfig, speaker: Speaker) -> list[Example]:
    """The held-out demonstrations, none where no file is named."""
    return [] if config.data.held_out is None else examples(config.data.held_out, speaker, targets=True)


def place() -> tuple[int, int]:
    """This process and their number, as torchrun and accelerate say them."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


def arguments(config: TrainingConfig, *, measured: bool) -> dict[str, Any]:
    """What TRL's configs have in common; what is not named is TRL's default."""
    at = config.train
    return {
        "output_dir": str(at.out), "max_steps": at.steps, "gradient_accumulation_steps": at.accumulate,
        "learning_rate": at.learning_rate, "lr_scheduler_type": at.schedule, "warmup_steps": at.warmup_steps,
        "weight_decay": at.weight_decay, "adam_beta2": 0.95, "max_grad_norm": at.clip, "seed": at.seed,
        "save_steps": at.save_every, "save_total_limit": at.keep, "logging_steps": 1,
        "eval_strategy": "steps" if measured else "no", "eval_steps": at.measure_every, "bf16": at.bf16,
        "use_cpu": at.cpu, "gradient_checkpointing": at.gradient_checkpointing, "report_to": [], "disable_tqdm": True,
    }  # fmt: skip


def adapter(config: TrainingConfig) -> dict[str, Any]:
    """TRL's keyword for a low-rank adapter, where one is trained."""
    if (held := config.lora) is None:
        return {}
    from peft import LoraConfig

    return {"peft_config": LoraConfig(
        r=held.rank, lora_alpha=held.alpha, lora_dropout=held.dropout, task_type="CAUSAL_LM",
        target_modules=held.targets or "all-linear",
    )}  # fmt: skip
