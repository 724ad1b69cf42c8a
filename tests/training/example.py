"""A training to try: `python -m tests.training.example FOLDER` writes rows, scored answers and two configs there.

The model is tiny.py's, random weights in the toy's tongue; the judge is the loopback server, whose scores are dice.
So no key is needed. It shows that the parts run on this machine, and nothing about the recipe.
"""

from __future__ import annotations

import sys
from pathlib import Path

import wavjudge.training  # noqa: F401  before transformers, which may not load beside torchaudio else
from tests.training.tiny import write_rows, write_scored

_MODEL = '[model]\nspeaker = "tests.training.tiny:Tiny"\n'
PORT = 8123
_SMALL = """learning_rate = 1e-3
warmup_steps = 1
bf16 = false
cpu = true
gradient_checkpointing = false
"""
HYBRID = f"""{_MODEL}[data]
prompts = "prompts.jsonl"
demonstrations = "demonstrations.jsonl"
held_out = "held_out.jsonl"
[reward]
judges = ["openai:dice?base_url=http://127.0.0.1:{PORT}/v1"]  # python -m tests.loopback --port {PORT}
guards = []
ceiling = "none"
[train]
out = "hybrid"
steps = 3
max_new_tokens = 22
{_SMALL}"""
DPO = f"""method = "dpo"
{_MODEL}[data]
pairs = "pairs.jsonl"
held_out = "held_out.jsonl"
[train]
out = "dpo"
steps = 3
{_SMALL}"""


def write(folder: Path) -> None:
    """prompts.jsonl, demonstrations.jsonl, held_out.jsonl, scored.jsonl with recordings, hybrid.toml, dpo.toml."""
    folder.mkdir(parents=True, exist_ok=True)
    write_rows(folder)
    write_scored(folder)
    for name, text in (("hybrid", HYBRID), ("dpo", DPO)):
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
