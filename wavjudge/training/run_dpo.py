"""DPO on offline pairs from its config: the pairs, each looked at, then the trainer."""

from __future__ import annotations

from dataclasses import dataclass

from trl import DPOConfig

from wavjudge.training.config import DpoConfig
from wavjudge.training.dpo import MaskedDPOTrainer
from wavjudge.training.pairs import Pair, check, notes, read
from wavjudge.training.ready import Ready, adapter, arguments, held_out_of, speaker_of

__all__ = ["DpoReady", "prepared"]


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


def prepared(config: DpoConfig) -> DpoReady:
    """Every pair is looked at before an earlier checkpoint, and that before the weights."""
    speaker = speaker_of(config)
    pairs = read(config.data.pairs, speaker)
    for pair in pairs:
        check(pair, speaker, config.dpo.tokens)
    return DpoReady(config, speaker, held_out_of(config, speaker), config.settings(), pairs)
