"""The order of prompts as a function of seed and epoch."""

from __future__ import annotations

from trl.trainer.utils import RepeatSampler

__all__ = ["EpochSampler"]


class EpochSampler(RepeatSampler):
    """TRL's sampler, which draws the order of each epoch from one generator. A resumed training would meet the first
    epoch's order again where it left off in the second, so here each epoch has a seed of its own."""

    def set_epoch(self, epoch: int) -> None:
        """Called by the Trainer before each epoch."""
        if self.shuffle:
            self.generator.manual_seed((self.seed or 0) + 1_000_003 * epoch)
