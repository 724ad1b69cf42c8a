"""A training from its config: what it will do, the doing, and going on after a crash.

Everything that can be wrong beforehand is looked at first and in the order of its cost: the config, the rows, the
judges (keys, prompts), an earlier checkpoint's settings, and only then the weights.
"""

from __future__ import annotations

from wavjudge.training.data import Example, Speaker, examples  # isort: skip  before transformers, see audio.py

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import PrinterCallback, TrainerCallback
from trl import GRPOConfig

from wavjudge.bench.candidates.function import load
from wavjudge.errors import InputError
from wavjudge.rewards.guards import Guards
from wavjudge.rewards.judge_reward import JudgeReward
from wavjudge.training.checkpoint import Saved, newest
from wavjudge.training.config import Config, Lora
from wavjudge.training.recipe import Recipe
from wavjudge.training.trainer import HybridGRPOTrainer

__all__ = ["Prepared", "Trained", "prepared", "trained", "trainer_of"]

LOG = "log.jsonl"
_FIGURES = {"reward": "reward", "lambda": "lambda", "kl": "KL", "supervised": "supervised", "unscored": "unscored",
            "eval_nll_text": "held-out text NLL", "eval_nll_speech": "held-out speech NLL"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Prepared:
    """All but the weights. checkpoint: where it would go on; cut_off: checkpoints that a crash left unfinished."""

    config: Config
    speaker: Speaker
    prompts: list[Example]
    demonstrations: list[Example]
    held_out: list[Example]
    judge: JudgeReward
    settings: Mapping[str, Any]
    rank: int
    ranks: int
    checkpoint: Path | None
    cut_off: list[Path]

    def lines(self) -> list[str]:
        """What would be done, for people."""
        at, rollouts = self.config.train, self.config.train.answers * self.config.train.accumulate * self.ranks
        done = 0 if self.checkpoint is None else Saved.read(self.checkpoint).step
        return [
            f"{len(self.prompts)} prompts, {len(self.demonstrations)} demonstrations, {len(self.held_out)} held out",
            f"{at.steps} steps, of which {done} are done; {rollouts} rollouts a step, {at.generations} to each prompt, "
            f"on {self.ranks} process(es)",
            f"{(at.steps - done) * rollouts} rollouts to be judged, {self.config.reward.repeats} time(s) each",
            f"reward {self.judge.signature}",
            *(f"passed over: {path}, which was cut off" for path in self.cut_off),
        ]


@dataclass(frozen=True, slots=True)
class Trained:
    """steps: done in all. share: lambda of the last step. counts: rewards by status. out: the last checkpoint."""

    steps: int
    share: float
    counts: Mapping[str, int]
    out: Path


def prepared(config: Config) -> Prepared:
    """Everything that can be checked without the weights."""
    speaker: Speaker = load(config.model.speaker)(**config.model.options)  # type: ignore[call-arg]
    data, (rank, ranks) = config.data, _place()
    read = {
        "prompts": examples(data.prompts, speaker, targets=False),
        "demonstrations": examples(data.demonstrations, speaker, targets=True),
        "held_out": [] if data.held_out is None else examples(data.held_out, speaker, targets=True),
    }
    judge = _judge(config, rank)
    settings = config.settings(judge.signature)
    checkpoint, cut_off = newest(config.train.out)
    if checkpoint is not None:
        Saved.read(checkpoint).meant_for(settings, ranks, str(checkpoint))
    return Prepared(
        config, speaker, **read, judge=judge, settings=settings, rank=rank, ranks=ranks, checkpoint=checkpoint,
        cut_off=cut_off,
    )  # fmt: skip


def trained(ready: Prepared, told: Callable[[str], None] = print) -> Trained:
    """Train, or go on; the same call again after a crash. told: is given a line a step, on the first process."""
    trainer = trainer_of(ready, told)
    trainer.train(resume_from_checkpoint=None if ready.checkpoint is None else str(ready.checkpoint))
    ready.judge.close()
    last, _ = newest(ready.config.train.out)
    return Trained(trainer.state.global_step, trainer.share, dict(trainer.counts), last or ready.config.train.out)


def trainer_of(ready: Prepared, told: Callable[[str], None] = print) -> HybridGRPOTrainer:
    """The trainer of a config, with its weights."""
    config = ready.config
    others = {} if config.lora is None else {"peft_config": _lora(config.lora)}
    made = HybridGRPOTrainer(
        ready.speaker, ready.judge, args=_arguments(config, measured=bool(ready.held_out)), prompts=ready.prompts,
        demonstrations=ready.demonstrations, held_out=ready.held_out, recipe=_recipe(ready), **others,
    )  # fmt: skip
    made.remove_callback(PrinterCallback)
    done = 0 if ready.checkpoint is None else Saved.read(ready.checkpoint).step
    made.add_callback(_Log(config.train.out, done, told))
    return made


class _Log(TrainerCallback):
    """One line a step: in `log.jsonl` all figures, on the screen the few that matter."""

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


def _place() -> tuple[int, int]:
    """This process and their number, as torchrun and accelerate say them."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


def _judge(config: Config, rank: int) -> JudgeReward:
    held = config.reward
    return JudgeReward(
        held.judges, held.weights, guards=Guards(held.guards, floor=held.floor) if held.guards else None,
        repeats=held.repeats, tries=held.tries, deadline_seconds=held.deadline_seconds, prompts=held.prompts,
        prompt_set=held.prompt_set, price=held.price, max_cost=held.max_cost, cache=held.cache,
        log=config.train.out / "rewards" / f"rank-{rank}" if held.log else None,
    )  # fmt: skip


def _recipe(ready: Prepared) -> Recipe:
    config, held = ready.config, ready.config.reward
    return Recipe(
        preferred=config.preferred, anchored=config.anchored, text_beta=config.loss.text_beta,
        speech_beta=config.loss.speech_beta, deviation=config.mixture.deviation, gates=config.gates,
        anchor_rows=config.train.anchor_rows, ceiling=None if held.ceiling == "none" else held.ceiling,
        window=held.window, judge_rate_hz=held.sample_rate_hz, settings=ready.settings,
    )  # fmt: skip


def _arguments(config: Config, *, measured: bool) -> GRPOConfig:
    """TRL's arguments; what is not named here is TRL's default, `top_p` 1 among them: the rollouts are the policy's."""
    at = config.train
    try:
        return GRPOConfig(
            output_dir=str(at.out), max_steps=at.steps, per_device_train_batch_size=at.answers,
            gradient_accumulation_steps=at.accumulate, num_generations=at.generations,
            per_device_eval_batch_size=at.generations, max_completion_length=at.max_new_tokens,
            temperature=at.temperature, learning_rate=at.learning_rate, lr_scheduler_type=at.schedule,
            warmup_steps=at.warmup_steps, weight_decay=at.weight_decay, adam_beta2=0.95, max_grad_norm=at.clip,
            seed=at.seed, save_steps=at.save_every, save_total_limit=at.keep, logging_steps=1,
            eval_strategy="steps" if measured else "no", eval_steps=at.measure_every, bf16=at.bf16, use_cpu=at.cpu,
            gradient_checkpointing=at.gradient_checkpointing, report_to=[], disable_tqdm=True,
        )  # fmt: skip
    except ValueError as error:
        raise InputError(
            f"got a [train] section that TRL cannot use: {error}",
            todo="answers * accumulate * processes is to be a multiple of generations",
        ) from error


def _lora(held: Lora) -> Any:
    from peft import LoraConfig

    return LoraConfig(r=held.rank, lora_alpha=held.alpha, lora_dropout=held.dropout, task_type="CAUSAL_LM",
                      target_modules=held.targets or "all-linear")  # fmt: skip
