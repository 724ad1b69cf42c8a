"""Looks and run folders for the tests of the monitor: what two judges said of the same prompts at several steps."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from wavjudge.audio import Waveform
from wavjudge.rewards.combine import Reward, Weights
from wavjudge.rewards.monitor.evaluations import Look, Measured, measured
from wavjudge.rewards.monitor.plan import Fingerprint, Plan, plan
from wavjudge.store.run_folder import RunFolder
from wavjudge.types import AudioRef, Item, Rating, Response, RunManifest, Scale, Utterance

REWARD = "openai:gpt-audio-1.5|overall.1#aaaaaaaaaaaa|parse:1|t:default|qt,qa,own,aa|before|pcm16-16000-mono|v1"
HELD_OUT = "gemini:gemini-3.5-flash|mine.1#bbbbbbbbbbbb|parse:1|t:default|qt,qa,own,aa|before|pcm16-16000-mono|v1"
SCALE, OVERALL = Scale(low=1, high=5), Weights({"overall": 1.0})
FAILED = Reward(None, "failed", "time-out")


def names(count: int) -> list[str]:
    return [f"q{number:02}" for number in range(count)]


def questions(count: int) -> dict[str, Fingerprint]:
    return {name: Fingerprint.of([(f"What is {name}?", None)]) for name in names(count)}


def some_plan(count: int, **kwargs: object) -> Plan:
    training = {"t1": Fingerprint.of([("Why?", None)])}
    options = {"reward_judges": [REWARD], "held_out_judges": [HELD_OUT], "weights": OVERALL, **kwargs}
    return plan(questions(count), training, **options)  # type: ignore[arg-type]


def answer(
    name: str, reward: float | Reward | None = 3.0, held_out: float | Reward | None = 3.0, *, text: str = "It is so.",
    seconds: float = 2.0, rate: float | None = 2.8,
) -> Measured:  # fmt: skip
    """One answer; None for a judge that failed."""
    said = [one if isinstance(one, Reward) else FAILED if one is None else Reward(one) for one in (reward, held_out)]
    tone = 0.1 * np.sin(np.arange(int(1000 * seconds)) / 3)
    wave = Waveform.from_array(tone, sample_rate_hz=1000)
    return measured(name, reward=said[0], held_out=said[1], wave=wave, text=text, language="en", rate=rate)


def look(
    step: int, reward: Sequence[float | None], held_out: Sequence[float | None], texts: Sequence[str] = ()
) -> Look:  # fmt: skip
    """One answer a prompt."""
    texts = texts or ["It is so."] * len(reward)
    rows = zip(names(len(reward)), reward, held_out, texts, strict=True)
    return Look(step=step, answers=tuple(answer(name, r, h, text=text) for name, r, h, text in rows))


def run_folder(
    path: Path, scores: Mapping[str, Sequence[float | None]], *, candidate: str = "ckpt", question: str = "What is",
    text: str = "It is so.", silent: Sequence[int] = (), loud: float = 0.1,
) -> Path:  # fmt: skip
    """A run as `wavjudge run` leaves it: scores by signature, None for a failed call; `silent` ones have no speech."""
    count = len(next(iter(scores.values())))
    with RunFolder(path, write=True) as run:
        for number, name in enumerate(names(count)):
            run.log("items").append_now(Item(benchmark="watch", id=name, turns=(
                Utterance(text=f"{question} {name}?"),), language="en"))  # fmt: skip
            wave = Waveform.from_array(loud * np.sin(np.arange(3000 + 100 * number) / 3), sample_rate_hz=1000).to_wav()
            sha256 = hashlib.sha256(wave).hexdigest()
            kept = run.add_audio(wave, sha256, ".wav")
            sound = AudioRef(path=kept, sha256=sha256, seconds=3 + number / 10, sample_rate_hz=1000)
            gone = number in silent
            response = Response(
                benchmark="watch", item_id=name, candidate=candidate,
                answers=(Utterance(text=text, audio=None if gone else sound),),
                status="no_speech" if gone else "ok", reason="nothing" if gone else None,
            )  # fmt: skip
            run.log("responses").append_now(response)
            if not gone:
                for signature, some in scores.items():
                    run.log("ratings").append_now(rating(response, signature, some[number]))
        now = datetime(2026, 11, 22, tzinfo=UTC)
        run.write_manifest(RunManifest(wavjudge_version="0", created=now, updated=now))
    return path


def rating(response: Response, signature: str, score: float | None) -> Rating:
    return Rating(
        subject=response.subject(), axis="overall", scale=SCALE, rater=signature.split("|")[0], rater_kind="model",
        score=score, status="failed" if score is None else "ok", reason="time-out" if score is None else None,
        signature=signature,
    )  # fmt: skip


def training_file(folder: Path, *texts: str) -> Path:
    """Items that were trained on."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "items.jsonl"
    rows = [{"item_id": f"t{number}", "question_text": text} for number, text in enumerate(texts)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
