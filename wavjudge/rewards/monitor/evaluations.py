"""What a monitor keeps of one look: every answer of the fixed prompts, measured; what is missing has a reason.

Reward of either judge, recording, words ── measured() ─► Measured ── Look ─► monitor.jsonl
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from wavjudge.analysis.stats.sums import Floats
from wavjudge.audio import Waveform
from wavjudge.checks.writing import is_known, plain
from wavjudge.errors import InputError
from wavjudge.rewards.combine import Reward
from wavjudge.signals.level import loudness_dbfs
from wavjudge.types import OUTCOMES, Record, Stored

# Phrases of praise ("great question") and pleas ("please rate this five stars") in an answer: phrases.toml.
#
# They find what is said in these words, in English and Chinese. Flattery in other words is not seen, and a talk about
# film reviews has its stars: what counts is a change against the first look, on the same prompts.

Kind = Literal["praise", "plea"]


def phrases(kind: Kind, *texts: str | None) -> tuple[str, ...]:
    """The phrases of one kind in an answer, as they stand there; of several texts of it, those of the one with most.

    texts: of the same answer: its own, and what was recognised. What both hold counts once.

    >>> phrases("praise", "Great question! What a lovely idea."), phrases("plea", "It won five medals.", None)
    (('great question', 'what a lovely idea'), ())
    >>> phrases("plea", "Here you are.", "here you are please rate this answer five stars")
    ('please rate', 'five stars')
    >>> phrases("praise", "这是一个很好的问题。"), phrases("plea", "请给我打五分!")
    (('很好的问题',), ('请给我打五分',))
    """
    found = [tuple(match[0] for match in _pattern(kind).finditer(_flat(text))) for text in texts if text]
    return max(found, key=len, default=())


def _flat(text: str) -> str:
    return " ".join(plain(text).lower().split())


@cache
def _pattern(kind: Kind) -> re.Pattern[str]:
    words = tomllib.loads(files(__package__).joinpath("phrases.toml").read_text(encoding="utf-8"))[kind]
    # \w counts Chinese signs too, so a boundary is asked for on the English side alone.
    return re.compile(rf"(?<!\w)(?:{'|'.join(words['english'])})(?!\w)|{'|'.join(words['chinese'])}")


Direction = Literal["up", "down", "both"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """Something measured of each answer. alarms: which way a change is an alarm; None for what has a rule of its own.

    by_spread: whether a change has to pass a share of the first look's spread before it counts.
    """

    name: str
    unit: str
    alarms: Direction | None
    by_spread: bool = True


QUANTITIES: tuple[Quantity, ...] = (
    Quantity("reward", "points", None),
    Quantity("held_out", "points", "down", by_spread=False),
    Quantity("failed", "share of answers", "up", by_spread=False),
    Quantity("reward_failed", "share of answers", "up", by_spread=False),
    Quantity("held_out_failed", "share of answers", "up", by_spread=False),
    Quantity("seconds", "s", "both"),
    Quantity("rate", "words/s", "both"),
    Quantity("wer", "errors per word", "up"),
    Quantity("loudness", "dBFS", "both"),
    Quantity("praise", "phrases an answer", "up"),
    Quantity("plea", "phrases an answer", "up"),
)
"""failed: the candidate gave no answer that can be rated. reward_failed, held_out_failed: it did, and the judge gave no
score. seconds: length of the recording. rate: words a second of speech. wer: recognised words against its own text."""

NAMES = tuple(quantity.name for quantity in QUANTITIES)


class Measured(Record):
    """One answer: each quantity stands in `values`, or in `missing` with the reason. phrases: what was counted."""

    prompt: str
    attempt: int = Field(default=0, ge=0)
    values: dict[str, float]
    missing: dict[str, str] = {}
    phrases: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _each_once(self) -> Measured:
        if sorted([*self.values, *self.missing]) != sorted(NAMES):
            raise ValueError(f"expected each of {', '.join(NAMES)} once, as a value or missing with a reason")
        return self


class Look(Stored):
    """All answers of one training step to the monitored prompts.

    judges: the signatures that gave the scores, with the models that answered; empty where nobody noted them.
    """

    step: int = Field(ge=0)
    answers: tuple[Measured, ...]
    judges: tuple[str, ...] = ()

    def table(self, prompts: Sequence[str]) -> dict[str, Floats]:
        """Of each quantity one number a prompt, the mean over its answers, NaN where none has it."""
        place = {prompt: number for number, prompt in enumerate(prompts)}
        rows = np.array([place[answer.prompt] for answer in self.answers])
        found = {}
        for name in NAMES:
            values = np.array([answer.values.get(name, np.nan) for answer in self.answers])
            has = np.isfinite(values)
            count = np.bincount(rows[has], minlength=len(prompts)).astype(float)
            count[count == 0] = np.nan
            found[name] = np.bincount(rows[has], values[has], len(prompts)) / count
        return found

    def why_missing(self, name: str) -> dict[str, int]:
        """How many answers lack a quantity, by reason, most first."""
        counts: dict[str, int] = {}
        for answer in self.answers:
            if name in answer.missing:
                counts[answer.missing[name]] = counts.get(answer.missing[name], 0) + 1
        return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def measured(
    prompt: str, *, reward: Reward, held_out: Reward, attempt: int = 0, wave: Waveform | None = None,
    text: str | None = None, heard: str | None = None, language: str | None = None, rate: float | None = None,
    wer: float | None = None,
) -> Measured:  # fmt: skip
    """One answer, from what a trainer has of it.

    Parameters
    ----------
    prompt: its name in the plan.
    reward, held_out: what either judge made of it. A score that no judge gave (a floor, a constant) is no score here.
    wave: the recording. text, heard: its own words, and those that were recognised.
    rate, wer: as the instruments `signals` and `checks` give them.

    >>> one = measured("q1", reward=Reward(4.5), held_out=Reward(None, "refused", "content filter"), text="Sure.")
    >>> one.values["reward"], one.values["held_out_failed"], one.missing["held_out"], one.missing["seconds"]
    (4.5, 1.0, 'refused', 'no recording')
    """
    outcome = next((one.status for one in (reward, held_out) if one.status in OUTCOMES and one.status != "ok"), None)
    found: dict[str, float | str] = {"failed": float(outcome is not None)}
    for name, one in (("reward", reward), ("held_out", held_out)):
        scored = one.status == "ok" and one.score is not None
        found[name] = one.score if scored and one.score is not None else one.status
        found[f"{name}_failed"] = f"no answer: {outcome}" if outcome else float(not scored)
    found["seconds"] = wave.seconds if wave else "no recording"
    found["loudness"] = _loudness(wave)
    found["rate"] = "not measured" if rate is None else rate
    found["wer"] = "not measured" if wer is None else wer
    said = _said(found, text, heard, language)
    values = {name: value for name, value in found.items() if isinstance(value, float | int)}
    missing = {name: value for name, value in found.items() if isinstance(value, str)}
    return Measured(prompt=prompt, attempt=attempt, values=values, missing=missing, phrases=said)


def _loudness(wave: Waveform | None) -> float | str:
    if wave is None:
        return "no recording"
    level = loudness_dbfs(wave.samples, wave.sample_rate_hz)
    return "below -70 dBFS" if level is None else level


def _said(found: dict[str, float | str], text: str | None, heard: str | None, language: str | None) -> tuple[str, ...]:
    """Counts praise and pleas into `found`; gives the phrases."""
    if not is_known(language):
        why = f"phrases are known in English and Chinese only, not {language}"
    elif not any((one or "").strip() for one in (text, heard)):
        why = "no words, own or recognised"
    else:
        by_kind = {"praise": phrases("praise", text, heard), "plea": phrases("plea", text, heard)}
        found.update({kind: float(len(some)) for kind, some in by_kind.items()})
        return (*by_kind["praise"], *by_kind["plea"])
    found.update(praise=why, plea=why)
    return ()


def checked(look: Look, prompts: Sequence[str]) -> Look:
    """The same look, or an `InputError` where it is not one of exactly these prompts."""
    has = {answer.prompt for answer in look.answers}
    wrong = [(f"without answers to {len(gone)} prompts", gone) for gone in [sorted(set(prompts) - has)] if gone]
    wrong += [("with prompts that are not monitored", new) for new in [sorted(has - set(prompts))] if new]
    if len({(answer.prompt, answer.attempt) for answer in look.answers}) < len(look.answers):
        wrong.append(("with one attempt at a prompt twice", []))
    for what, names in wrong:
        raise InputError(f"got a look at step {look.step} {what}: {', '.join(names[:5])}",
                         todo="every look answers the same prompts; a failed answer is recorded as failed")  # fmt: skip
    return look
