"""The hybrid training from its config: prompts, demonstrations and the judge, then the trainer."""

from __future__ import annotations

from dataclasses import dataclass

from trl import GRPOConfig

from wavjudge.errors import InputError
from wavjudge.rewards.judge_reward import JudgeReward
from wavjudge.training.config import HybridConfig
from wavjudge.training.data import Example, examples
from wavjudge.training.judges import judge_of
from wavjudge.training.monitor import Monitoring, monitoring
from wavjudge.training.ready import Ready, adapter, arguments, held_out_of, place, speaker_of
from wavjudge.training.recipe import Recipe
from wavjudge.training.trainer import HybridGRPOTrainer

__all__ = ["HybridReady", "prepared"]


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


def prepared(config: HybridConfig) -> HybridReady:
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
