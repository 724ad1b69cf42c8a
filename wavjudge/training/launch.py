"""A training from its config: what it will do, the doing, and going on after a crash.

Everything that can be wrong beforehand is looked at first and in the order of its cost: the config, the rows, the
judges (keys, prompts), an earlier checkpoint's settings, and only then the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from transformers import PrinterCallback

from wavjudge.training import run_dpo, run_hybrid
from wavjudge.training.checkpoint import newest
from wavjudge.training.config import DpoConfig, HybridConfig
from wavjudge.training.progress import Progress
from wavjudge.training.ready import Ready
from wavjudge.training.stopping import LastStep, interruptible

__all__ = ["Trained", "prepared", "trained"]


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
    return run_dpo.prepared(config) if isinstance(config, DpoConfig) else run_hybrid.prepared(config)


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
