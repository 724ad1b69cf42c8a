"""How often each guard trips: on speech that is in order, and on what it is there to catch.

`python -m studies.rewards.guard_rates` prints the table of docs/rewards.md (two minutes or so on one core). Material:
the test set benchmarks/tiny with its known faults (piper); sentences spoken by eSpeak, which is not bit-identical from
call to call, so that a row of eSpeak may move by one; answers of a real speech model where they lie beside the
checkout.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from tests.signals.sounds import VSTYLE, say
from tests.signals.test_measure import SENTENCES
from wavjudge import audio
from wavjudge.audio import AudioFault, Waveform
from wavjudge.resources import folder
from wavjudge.rewards.guards import GUARDS, Guard, Guarded, Guards, Tally

SHORT = ("Yes.", "No.", "Paris.", "Twelve.", "Of course.", "I don't know.", "It is blue.", "Nineteen sixty nine.",
         "Thank you very much.", "Good morning, how are you?")  # fmt: skip
PHRASES = ("I think that", "and then we go", "the answer is", "thank you very much for", "so", "you know it is")
PACES = (140, 165, 190)
TILES = (0.15, 0.4, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class Case:
    """One answer under the guards. sound: None for a file that is not there; what is no speech at all is a fault."""

    row: str
    sound: Waveform | AudioFault | None
    text: str
    question: str
    language: str = "en"


@cache
def guards() -> Guards:
    return Guards()


def checked(case: Case) -> Guarded:
    if isinstance(case.sound, AudioFault):  # as samples: a file without frames, or all zeros
        zeros = np.zeros(0 if "single frame" in case.sound.problem else 16_000, np.float32)
        return guards().check(zeros, sample_rate_hz=16_000, text=case.text, question=case.question)
    return guards().check(case.sound, text=case.text, question=case.question, language=case.language)


def tiny() -> Iterator[Case]:
    """The 96 answers of benchmarks/tiny, by what was done to them."""
    for row in _rows():
        damage = next(tag for tag in row["tags"] if tag.startswith("degradation=")).partition("=")[2]
        yield Case(f"tiny: {damage}", _sound(row), row["text"], row["question_text"])


def spoken(paces: tuple[int, ...] = PACES) -> Iterator[Case]:
    """eSpeak: in order; another text than its own; a loop of words; the question; German."""
    answers = [(row["text"], row["question_text"]) for row in _rows() if row["candidate"] == "steady"]
    answers += [(text, "What do you think?") for text in SENTENCES]
    for pace in paces:
        for text, question in answers:
            yield Case(f"eSpeak, {pace} words a minute", say(text, pace), text, question)
    for text in SHORT:
        yield Case("eSpeak, short answers", say(text), text, "What do you think?")
    for (text, question), (other, _) in zip(answers, answers[1:] + answers[:1], strict=True):
        yield Case("eSpeak, the text of another answer", say(text), other, question)
        yield Case("eSpeak, the question", say(question), question, question)
    for phrase in PHRASES:
        for times in (4, 8):
            looped = " ".join([phrase] * times * (4 if phrase == "so" else 1))
            yield Case(f"eSpeak, a phrase {times} times", say(f"Well, {looped}"), f"Well, {looped}", "What?")
    for text in SENTENCES:
        yield Case("eSpeak, called German", say(text), "Das ist ein anderer Satz.", "Wie geht es dir?", "de")


def real() -> Iterator[Case]:
    """Sixteen answers of a real speech model, where they lie beside the checkout."""
    for file in sorted(VSTYLE.glob("*.jsonl")):
        for row in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
            if (path := VSTYLE / row["response_audio_path"]).is_file():
                yield Case("real answers (VStyle)", audio.read(path), row["response_text"], row["instruct_text"])


def stuck() -> Iterator[Case]:
    """Clean answers of tiny in which a stretch of sound comes again and again, for 4 s or three times; then noisier."""
    dice = np.random.default_rng(12345)
    clean = [case for case in tiny() if case.row == "tiny: clean"]
    for seconds in TILES:
        for case in clean:
            assert isinstance(case.sound, Waveform)
            rate, x = case.sound.sample_rate_hz, case.sound.samples
            n = int(seconds * rate) + int(dice.integers(160))
            start = int(dice.integers(rate // 4, max(len(x) - n, rate // 4 + 1)))
            piece = x[start : start + n]
            looped = np.concatenate([x[:start], np.tile(piece, max(3, int(np.ceil(4 / seconds))))])
            yield Case(f"stuck on {seconds:g} s of sound", Waveform(looped, rate), case.text, case.question)
            noise = dice.standard_normal(len(looped)) * np.sqrt(np.mean(looped**2)) / 10
            noisy = Waveform(np.clip(looped + noise, -1, 1).astype(np.float32), rate)
            yield Case(f"the same in noise 20 dB below, {seconds:g} s", noisy, case.text, case.question)


def paused() -> Iterator[Case]:
    """Clean answers of tiny with six seconds of nothing behind them."""
    for case in tiny():
        if case.row == "tiny: clean" and isinstance(case.sound, Waveform):
            rate = case.sound.sample_rate_hz
            long = np.concatenate([case.sound.samples, np.zeros(6 * rate, np.float32)])
            yield Case("6 s of silence behind", Waveform(long, rate), case.text, case.question)


def rates(cases: Iterable[Case]) -> dict[str, Tally]:
    """The tally of each row."""
    found: dict[str, Tally] = {}
    for case in cases:
        found.setdefault(case.row, Tally()).add([checked(case)])
    return found


def table(found: dict[str, Tally]) -> str:
    """As Markdown; a dash where a guard applied to none of them."""
    lines = ["| speech | answers | " + " | ".join(f"`{name}`" for name in GUARDS) + " |", "|---" * 7 + "|"]
    for row, tally in found.items():
        cells = (_cell(tally, name) for name in GUARDS)
        lines.append(f"| {row} | {tally.answers} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(tally: Tally, name: Guard) -> str:
    tripped, passed, _ = next(row[1:] for row in tally.rows() if row[0] == name)
    return f"{tripped}" if tripped + passed else "-"


def _rows() -> list[dict[str, Any]]:
    text = (folder("benchmarks") / "tiny" / "responses.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def _sound(row: dict[str, Any]) -> Waveform | AudioFault | None:
    try:
        return audio.read(folder("benchmarks") / "tiny" / str(row["audio"])) if row["audio"] else None
    except AudioFault as fault:
        return fault


if __name__ == "__main__":
    print(table({**rates(tiny()), **rates(real()), **rates(spoken()), **rates(stuck()), **rates(paused())}))
