"""A folder of answers for tests: real WAV files, written in the format that `wavjudge score` takes."""

from __future__ import annotations

import json
from pathlib import Path

from tests.loopback.verdict import wav


def write_answers(folder: Path, count: int, *, candidates: tuple[str, ...] = ("a",), seconds: float = 0.1) -> Path:
    """`count` items for each candidate, every recording different; gives the JSONL file."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, candidate in ((n, c) for n in range(count) for c in candidates):
        name = f"{candidate}-{number}.wav"
        (folder / name).write_bytes(wav(seconds, seed=hash_of(candidate, number)))
        rows.append({"item_id": f"q{number}", "candidate": candidate, "question_text": f"Question {number}?",
                     "text": f"Answer {number} of {candidate}.", "audio": name, "language": "en"})  # fmt: skip
    path = folder / "answers.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def hash_of(candidate: str, number: int) -> int:
    return sum(map(ord, candidate)) * 1_000_003 + number
