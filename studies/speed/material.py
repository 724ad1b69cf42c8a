"""What is judged: answers of 10 s, 16 kHz, mono, 16 bit, in the format that `wavjudge score` takes."""

from __future__ import annotations

import json
from pathlib import Path

from tests.loopback.verdict import wav

SECONDS = 10.0
MODEL = "loopback"
PROMPT = "overall"


def write(folder: Path, rows: int, recordings: int, *, seconds: float = SECONDS) -> Path:
    """A JSONL file of `rows` answers over so many different recordings, which are made once.

    Every question is another one, so that no two calls are the same to the reply cache.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(recordings):
        file = folder / f"{number}.wav"
        if not file.is_file():
            file.write_bytes(wav(seconds, seed=number))
    path = folder / f"answers-{rows}.jsonl"
    path.write_text("".join(f"{json.dumps(_row(n, n % recordings))}\n" for n in range(rows)), encoding="utf-8")
    return path


def _row(number: int, recording: int) -> dict[str, str]:
    return {
        "item_id": f"q{number}", "candidate": "a", "question_text": f"What is known about the number {number}?",
        "text": f"Some say that {number} is a number like any other.", "audio": f"{recording}.wav",
    }  # fmt: skip
