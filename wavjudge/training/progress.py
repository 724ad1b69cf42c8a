"""One line a step: in `log.jsonl` all figures, on the screen the few that matter."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

__all__ = ["LOG", "Progress"]

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
