"""`wavjudge calibrate` on a million rows: 500,000 of a judge, as many of people, in each file format.

One process at a time, its CPU seconds and its peak memory as the system counts them (`os.wait4`).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

FORMATS = ("parquet", "csv", "jsonl")
ANSWERS = 4

Figures = dict[str, float]


def measure(folder: Path, prompts: int) -> dict[str, Figures]:
    """By format: rows, CPU and wall seconds, peak memory in MiB, of the whole command with its plots."""
    frames = _tables(prompts)
    return {form: _calibrate(folder, frames, form) for form in FORMATS}


def _tables(prompts: int) -> dict[str, pd.DataFrame]:
    random = np.random.default_rng(0)
    true = random.standard_normal(prompts * ANSWERS)
    item, candidate = np.repeat(np.arange(prompts), ANSWERS).astype(str), np.tile(list("abcd"), prompts)
    names = {"ratings": "openai:m", "labels": "p1"}
    return {
        name: pd.DataFrame({
            "item_id": item, "candidate": candidate, "axis": "overall", "rater": rater,
            "score": np.clip(np.round(3 + true + 0.5 * random.standard_normal(len(true))), 1, 5),
        })
        for name, rater in names.items()
    }  # fmt: skip


def _calibrate(folder: Path, frames: dict[str, pd.DataFrame], form: str) -> Figures:
    paths = {name: folder / f"{name}.{form}" for name in frames}
    for name, frame in frames.items():
        _write(frame, paths[name])
    words = ("calibrate", paths["ratings"], "--labels", paths["labels"], "--out", folder / "calibrated")
    return {"rows": float(sum(map(len, frames.values()))), **command(*words)}


def command(*words: object) -> Figures:
    """CPU and wall seconds and peak memory of `wavjudge WORDS`, in a process of its own."""
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "wavjudge", *map(str, words)], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"wavjudge {' '.join(map(str, words))} ended with {process.returncode}")
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return {"cpu_s": used.ru_utime + used.ru_stime, "wall_s": time.monotonic() - began,
            "peak_mib": used.ru_maxrss / unit}  # fmt: skip


def _write(frame: pd.DataFrame, path: Path) -> None:
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_json(path, orient="records", lines=True)
