"""Trainings as processes of their own, to be killed and taken up again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.cli.typed import typed
from tests.training.tiny import write_rows, write_scored

ROOT = Path(__file__).parents[2]
STEPS = 30
CONFIG = """
[model]
speaker = "tests.training.tiny:Tiny"
[data]
prompts = "prompts.jsonl"
demonstrations = "demonstrations.jsonl"
held_out = "held_out.jsonl"
[reward]
judges = ["openai:loop?base_url={url}&api_key_env=TRAIN_TEST_KEY"]
guards = []
cache = false
log = false
ceiling = "none"
[loss]
text_beta = 0.01
speech_beta = 0.05
[train]
out = "out"
steps = {steps}
answers = 4
accumulate = 2
anchor_rows = 2
max_new_tokens = 22
learning_rate = 1e-3
warmup_steps = 2
save_every = {save_every}
measure_every = 10
bf16 = false
cpu = true
gradient_checkpointing = false
"""


DPO = """
method = "dpo"
[model]
speaker = "tests.training.tiny:Tiny"
options = {{ dropout = 0.1 }}
[data]
pairs = "pairs.jsonl"
held_out = "held_out.jsonl"
[dpo]
tokens = "{tokens}"
[train]
out = "out"
steps = {steps}
pairs = 2
accumulate = 2
learning_rate = 1e-3
warmup_steps = 2
save_every = 5
measure_every = 10
bf16 = false
cpu = true
gradient_checkpointing = false
"""
TWO = ("torch.distributed.run", "--nproc-per-node=2", "--master-port=0", "--rdzv-backend=c10d",
       "--rdzv-endpoint=127.0.0.1:0", "-m")  # fmt: skip


def folder(path: Path, url: str, *, steps: int = STEPS, save_every: int = 5, more: str = "") -> Path:
    path.mkdir()
    write_rows(path)
    (path / "c.toml").write_text(CONFIG.format(url=url, steps=steps, save_every=save_every) + more, encoding="utf-8")
    return path


def folder_of_pairs(path: Path, *, steps: int = STEPS, tokens: str = "text") -> Path:
    """A DPO training on what `wavjudge pairs` makes of scored answers with recordings."""
    path.mkdir()
    write_rows(path)
    done = typed("pairs", write_scored(path), "--out", path / "pairs.jsonl")
    assert done.code == 0, done.err
    (path / "c.toml").write_text(DPO.format(steps=steps, tokens=tokens), encoding="utf-8")
    return path


def started(path: Path, *before: str, **more: str) -> subprocess.Popen[str]:
    environment = {**os.environ, **more, "TRAIN_TEST_KEY": "none", "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore",
                   "PYTHONPATH": str(ROOT), "NO_PROXY": "127.0.0.1,localhost"}  # fmt: skip
    command = [sys.executable, "-m", *before, "wavjudge", "train", "run", str(path / "c.toml")]
    return subprocess.Popen(command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, start_new_session=True)  # fmt: skip


def finished(path: Path, *before: str) -> str:
    process = started(path, *before)
    said, _ = process.communicate(timeout=280)
    assert process.returncode == 0, said
    return said


def logged(path: Path) -> list[dict[str, Any]]:
    file = path / "out" / "log.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def figures(path: Path) -> list[dict[str, Any]]:
    """All that was logged but the clock."""
    return [{key: value for key, value in row.items() if "time" not in key} for row in logged(path)]


def state(path: Path, step: int = STEPS) -> tuple[dict[str, Any], dict[str, Any]]:
    from safetensors.torch import load_file

    at = path / "out" / f"checkpoint-{step}"
    (weights,) = at.glob("*model.safetensors")  # of the model, or of its adapter
    return load_file(weights), json.loads((at / "wavjudge.json").read_text(encoding="utf-8"))


def killed_after(path: Path, step: int, *before: str) -> None:
    process = started(path, *before)
    try:
        while process.poll() is None and max((row["step"] for row in logged(path)), default=0) < step:
            time.sleep(0.05)  # how long it takes does not matter: any step after a checkpoint will do
        assert process.poll() is None, process.communicate()[0]  # else nothing was killed
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # torchrun's workers outlive it
        process.communicate()
