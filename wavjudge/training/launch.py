"""A training from its config: what it will do, the doing, and going on after a crash.

Everything that can be wrong beforehand is looked at first and in the order of its cost: the config, the rows, the
judges (keys, prompts), an earlier checkpoint's settings, and only then the weights.
"""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from transformers import PrinterCallback, TrainerCallback
from trl import DPOConfig, GRPOConfig

from wavjudge.bench.candidates.loading import load
from wavjudge.errors import InputError
from wavjudge.rewards.judge_reward import JudgeReward
from wavjudge.training.checkpoint import LastStep, Saved, interruptible, newest
from wavjudge.training.config import DpoConfig, HybridConfig, TrainingConfig
from wavjudge.training.data import Example, Pair, Speaker, check, examples, notes, read
from wavjudge.training.dpo import MaskedDPOTrainer
from wavjudge.training.monitor import Monitoring, monitoring
from wavjudge.training.rollouts import judge_of
from wavjudge.training.trainer import HybridGRPOTrainer, Recipe

__all__ = [
    "LOG",
    "DpoReady",
    "HybridReady",
    "Progress",
    "Ready",
    "Trained",
    "adapter",
    "arguments",
    "held_out_of",
    "place",
    "prepared",
    "prepared_dpo",
    "prepared_hybrid",
    "speaker_of",
    "trained",
]


@dataclass(frozen=True, slots=True)
class Trained:
    """steps: done in all. share: lambda of the last step, None where there is none. counts: rewards by status.
    out: the last checkpoint."""

    steps: int
    share: float | None
    counts: Mapping[str, int]
    out: Path

    def __str__(self) -> str:
        counted = ", ".join(f"{status} {count}" for status, count in self.counts.items())
        judged = "" if self.share is None else f", lambda {self.share:.4f}, rewards: {counted}"
        return f"{self.steps} steps{judged}; {self.out}"


def prepared(config: HybridConfig | DpoConfig) -> Ready:
    """Everything that can be checked without the weights."""
    return prepared_dpo(config) if isinstance(config, DpoConfig) else prepared_hybrid(config)


def trained(ready: Ready, told: Callable[[str], None] = print) -> Trained:
    """Train, or go on; the same call again after a crash. told: is given a line a step, on the first process."""
    trainer, out = ready.trainer(), ready.config.train.out
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(Progress(out, ready.done, told))
    last_step = LastStep(trainer)
    trainer.add_callback(last_step)
    try:
        with interruptible(last_step, ready.ranks, told):
            trainer.train(resume_from_checkpoint=None if ready.checkpoint is None else str(ready.checkpoint))
        if last_step.is_interrupted:
            raise KeyboardInterrupt
    except BaseException as error:
        _keep(last_step, error, told if ready.rank == 0 else lambda _: None)
        raise
    finally:
        ready.close()
    last, _ = newest(out)
    kept = trainer.saved()
    return Trained(trainer.state.global_step, getattr(trainer, "share", None), kept.counts, last or out)


def _keep(last_step: LastStep, error: BaseException, told: Callable[[str], None]) -> None:
    """The last whole step on disk; what goes wrong with that is said and does not hide why the training stopped."""
    try:
        path = last_step.keep(error)
    except Exception as failed:
        told(f"got no checkpoint of the last step ({type(failed).__name__}: {failed}); an earlier one may be there")
    else:
        if path is not None:
            told(f"stopped, and kept {path}: the same command goes on from it")


# What every training has once it is prepared: all but the weights.


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


# DPO on offline pairs from its config: the pairs, each looked at, then the trainer.


@dataclass(frozen=True, slots=True)
class DpoReady(Ready):
    """A training on pairs; nobody is asked."""

    config: DpoConfig
    pairs: list[Pair]

    def plan(self) -> list[str]:
        at, held = self.config.train, self.config.dpo
        of_a_step = at.pairs * at.accumulate * self.ranks
        return [
            f"{len(self.pairs)} pairs, {len(self.held_out)} demonstrations held out",
            f"{at.steps} steps, of which {self.done} are done; {of_a_step} pairs a step, on {self.ranks} process(es): "
            f"each pair {at.steps * of_a_step / len(self.pairs):.3g} times",
            f"DPO on tokens: {held.tokens}, beta {held.beta:g}",
            *notes(self.pairs, held.tokens),
        ]

    def trainer(self) -> MaskedDPOTrainer:
        at, held = self.config.train, self.config.dpo
        args = DPOConfig(
            **arguments(self.config, measured=bool(self.held_out)), per_device_train_batch_size=at.pairs,
            per_device_eval_batch_size=at.pairs, max_length=None, beta=held.beta,
        )  # fmt: skip
        return MaskedDPOTrainer(
            self.speaker, args=args, pairs=self.pairs, tokens=held.tokens, held_out=self.held_out,
            settings=self.settings, **adapter(self.config),
        )  # fmt: skip


def prepared_dpo(config: DpoConfig) -> DpoReady:
    """Every pair is looked at before an earlier checkpoint, and that before the weights."""
    speaker = speaker_of(config)
    pairs = read(config.data.pairs, speaker)
    for pair in pairs:
        check(pair, speaker, config.dpo.tokens)
    return DpoReady(config, speaker, held_out_of(config, speaker), config.settings(), pairs)


# The hybrid training from its config: prompts, demonstrations and the judge, then the trainer.

_NOT_CALIBRATED = "no calibration: nobody says how far this judge agrees with people ([reward] calibration)"


@dataclass(frozen=True, slots=True)
class HybridReady(Ready):
    """A training by a judge's rewards."""

    config: HybridConfig
    prompts: list[Example]
    demonstrations: list[Example]
    judge: JudgeReward
    monitoring: Monitoring | None

    def plan(self) -> list[str]:
        at = self.config.train
        rollouts = at.answers * at.accumulate * self.ranks
        return [
            f"{len(self.prompts)} prompts, {len(self.demonstrations)} demonstrations, {len(self.held_out)} held out",
            f"{at.steps} steps, of which {self.done} are done; {rollouts} rollouts a step, {at.generations} to each "
            f"prompt, on {self.ranks} process(es)",
            f"{(at.steps - self.done) * rollouts} rollouts to be judged, {self.config.reward.repeats} time(s) each",
            f"reward {self.judge.signature}",
            *(permit.told for permit in self.judge.permits),
            *([] if self.judge.permits else [_NOT_CALIBRATED]),
            *(f"trained by an instrument, for debugging: {axis}" for axis in self.judge.instruments),
            *(self.monitoring.said if self.monitoring else ()),
        ]

    def trainer(self) -> HybridGRPOTrainer:
        return HybridGRPOTrainer(
            self.speaker, self.judge, args=_arguments(self.config, measured=bool(self.held_out)), prompts=self.prompts,
            demonstrations=self.demonstrations, held_out=self.held_out, recipe=_recipe(self),
            callbacks=[self.monitoring.callback] if self.monitoring else None, **adapter(self.config),
        )  # fmt: skip

    def close(self) -> None:
        self.judge.close()
        if self.monitoring is not None:
            self.monitoring.opened.close()


def prepared_hybrid(config: HybridConfig) -> HybridReady:
    """Rows first, then the judge, then an earlier checkpoint's settings."""
    speaker, data = speaker_of(config), config.data
    prompts = examples(data.prompts, speaker, targets=False)
    demonstrations = examples(data.demonstrations, speaker, targets=True)
    held_out = held_out_of(config, speaker)
    rank, _ = place()
    watched = monitoring(config, speaker, [*prompts, *demonstrations, *held_out], rank)
    judge = judge_of(config.reward, config.train.out / "rewards" / f"rank-{rank}" if config.reward.log else None)
    settings = config.settings(judge.signature)
    return HybridReady(config, speaker, held_out, settings, prompts, demonstrations, judge, watched)


def _recipe(ready: HybridReady) -> Recipe:
    config, held = ready.config, ready.config.reward
    return Recipe(
        preferred=config.preferred, anchored=config.anchored, text_beta=config.loss.text_beta,
        speech_beta=config.loss.speech_beta, deviation=config.mixture.deviation, gates=config.gates,
        anchor_rows=config.train.anchor_rows, ceiling=None if held.ceiling == "none" else held.ceiling,
        window=held.window, judge_rate_hz=held.sample_rate_hz, settings=ready.settings,
    )  # fmt: skip


def _arguments(config: HybridConfig, *, measured: bool) -> GRPOConfig:
    """TRL's, `top_p` 1 among its defaults: the rollouts are the policy's."""
    at = config.train
    try:
        return GRPOConfig(
            **arguments(config, measured=measured), per_device_train_batch_size=at.answers,
            num_generations=at.generations, per_device_eval_batch_size=at.generations,
            max_completion_length=at.max_new_tokens, temperature=at.temperature,
        )  # fmt: skip
    except ValueError as error:
        raise InputError(
            f"got a [train] section that TRL cannot use: {error}",
            todo="answers * accumulate * processes is to be a multiple of generations",
        ) from error


# One line a step: in `log.jsonl` all figures, on the screen the few that matter.

LOG = "log.jsonl"
_FIGURES = {"reward": "reward", "lambda": "lambda", "kl": "KL", "supervised": "supervised", "unscored": "unscored",
            "loss": "loss", "rewards/margins": "margin", "rewards/accuracies": "chosen preferred",
            "eval_nll_text": "held-out text NLL", "eval_nll_speech": "held-out speech NLL"}  # fmt: skip


class Progress(TrainerCallback):
    """out: the training's folder. done: steps of the checkpoint that it goes on from. told: is given the lines."""

    def __init__(self, out: Path, done: int, told: Callable[[str], None]) -> None:
        self._path, self._done, self._told = out / LOG, done, told

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Drops what was logged after the checkpoint that the training goes on from."""
        if state.is_world_process_zero and self._path.is_file():
            kept = [line for line in self._path.read_text(encoding="utf-8").splitlines()
                    if (step := _step(line)) is not None and step <= self._done]  # fmt: skip
            self._path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **_: Any) -> None:
        if not state.is_world_process_zero or logs is None or "train_runtime" in logs:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": state.global_step, **logs}) + "\n")
        said = [f"{name} {logs[key]:.4g}" for key, name in _FIGURES.items() if logs.get(key) is not None]
        self._told(f"step {state.global_step}/{state.max_steps}  {'  '.join(said)}")


def _step(line: str) -> int | None:
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return None  # a line that a crash cut off
