"""Guards: what has to be true of an answer before a judge's score of it may pay.

A judge that is shown a transcript pays for speech that was never spoken, and a policy finds that out. A guard looks at
the recording itself. What it trips on is unscored: no reward, left out of the group, counted. A floor is paid only
where the caller names one, and only where it was *measured* that the candidate spoke nothing. docs/rewards.md says how
often each guard trips on clean speech, what it catches, and what none of them can see.

    guard         trips when                                                             needs
    no_speech     there are no samples, digital silence, or the detector finds no speech  a recording
    silence       over `max_pause_seconds` without speech, before, in or after it         speech
    not_its_text  the words heard are not those of the answer's own text                  English speech, a text
    loop          the words heard, or the sound, go round and round                       speech; words: English
    copy          the words heard are the question's                                      English speech, a question

A recording that does not decode trips `no_speech` as "not known to be speech" without ever earning the floor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from wavjudge import audio, signals
from wavjudge.audio import AudioFault, Samples, Waveform
from wavjudge.errors import InputError
from wavjudge.signals import vad, words
from wavjudge.signature import joined
from wavjudge.types import AudioRef

# Going round and round: in words, in sound.
#
# A model of audio tokens that is stuck emits the same tokens again, and a decoder makes the same sound of them.
# Nobody says anything twice alike: in the recordings of benchmarks/tiny no stretch of half a second comes back.

MIN_TIMES, MIN_LOOP_WORDS = 3, 12
"""A phrase said so often in a row, and so many words in all, is a loop: "no, no, no" is none."""

RATE_HZ = 16_000
HOP, WINDOW, BANDS = 160, 512, 24
LAGS = (10, 500)
"""Frames of 10 ms: what comes back after 0.1 to 5 s."""

ALIKE_DB = 3.0
"""Mean difference of the bands of two sounds that are called the same."""

_SMOOTHED = 11
_DEEP_DB, _QUIET_DB = 50.0, 35.0  # below the loudest: not looked at; too quiet to count as sound

Floats = npt.NDArray[np.float32]


def going_round(words: Sequence[str]) -> tuple[str, ...] | None:
    """The first phrase that is said over and over, `MIN_TIMES` in a row or more; None where there is none.

    >>> going_round("i think that i think that i think that i think that is".split())
    ('i', 'think', 'that')
    >>> going_round("no no no no it is not".split()) is None
    True
    """
    for unit in range(1, len(words) // MIN_TIMES + 1):
        run, needed = 0, max((MIN_TIMES - 1) * unit, MIN_LOOP_WORDS - unit)
        for at in range(unit, len(words)):
            run = run + 1 if words[at] == words[at - unit] else 0
            if run >= needed:
                start = at - run - unit + 1
                return tuple(words[start : start + unit])
    return None


def repeated_seconds(samples: Samples) -> float:
    """Seconds of the longest stretch of sound that is what stood 0.1 to 5 s before it, at least once over.

    samples: mono at `RATE_HZ`. Compared are band energies in dB every 10 ms; quiet frames do not count, since all
    pauses are alike. 0 where nothing comes back.

    >>> piece = np.random.default_rng(1).standard_normal(8000).astype(np.float32) * np.hanning(8000) * 0.1
    >>> 0.9 < repeated_seconds(np.tile(piece, 4).astype(np.float32)) < 1.6
    True
    """
    bands = _bands(samples)
    loud = bands.max(axis=1) > bands.max() - _QUIET_DB
    bands = np.maximum(bands, bands.max() - _DEEP_DB)
    lags = range(LAGS[0], min(LAGS[1], len(bands) - 1) + 1)
    return max((_coming_back(bands, loud, lag) for lag in lags), default=0) * HOP / RATE_HZ


def _coming_back(bands: Floats, loud: npt.NDArray[np.bool_], lag: int) -> int:
    """Loud frames of the longest stretch, `lag` long or more, that is alike to what stood `lag` frames before."""
    apart = np.abs(bands[lag:] - bands[:-lag]).mean(axis=1)
    alike = np.convolve(apart, np.full(_SMOOTHED, 1 / _SMOOTHED), "same") < ALIKE_DB
    edges = np.flatnonzero(np.diff(np.concatenate(([False], alike, [False])).astype(np.int8)))
    stretches = (slice(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if end - start >= lag)
    return max((int(loud[lag:][stretch].sum()) for stretch in stretches), default=0)


def _bands(samples: Samples) -> Floats:
    """Energy in dB of `BANDS` bands, about evenly spaced in pitch from 90 Hz to 8 kHz: shape (frames, bands)."""
    padded = np.pad(samples, (0, max(WINDOW - len(samples), 0)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP] * np.hanning(WINDOW).astype(np.float32)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    edges = np.unique(np.geomspace(3, WINDOW // 2 + 1, BANDS + 1).astype(int))[:-1]
    energy: Floats = (10 * np.log10(np.add.reduceat(power, edges, axis=1) + 1e-10)).astype(np.float32)
    return energy


# What each guard reads off one recording, and where it trips; `guards.py` says what becomes of it.

Guard = Literal["no_speech", "silence", "not_its_text", "loop", "copy"]
GUARDS: tuple[Guard, ...] = get_args(Guard)
WORDS: frozenset[Guard] = frozenset({"not_its_text", "loop", "copy"})
"""Guards that read the words heard, and so need the recogniser."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Where the guards trip. The defaults were measured: docs/rewards.md.

    max_text_error: character error rate of what was heard against the own text, together with min_text_errors wrong
    characters (about three words), so that a misheard word of a short answer is no trip. Characters, for the recogniser
    mishears words as others that are spelt nearly alike. max_pause_seconds: longest stretch without speech.
    max_repeated_seconds: of sound that is what stood shortly before it. max_question_error: character error rate of
    what was heard against a question of min_question_words or more, at which it still is that question; characters,
    because a misheard word is spelt nearly alike, and the word that answers a repeated question is not.
    """

    max_pause_seconds: float = 5.0
    max_text_error: float = 0.5
    min_text_errors: int = 15
    max_repeated_seconds: float = 1.0
    max_question_error: float = 0.25
    min_question_words: int = 4


@dataclass(frozen=True, slots=True)
class Reading:
    """What one guard says of one answer. tripped: None where the guard does not apply, and `reason` says why.

    value: what was measured, in the unit of the guard's limit. measured: whether absence of speech was measured.
    """

    guard: Guard
    tripped: bool | None
    reason: str = ""
    value: float | None = None
    measured: bool = False


@dataclass(frozen=True, slots=True)
class Guarded:
    """What all guards say of one answer.

    floor: the reward that stands in for the judge's, where the caller asked for one and absence of speech was measured;
    else None. heard: the words heard; None where nothing was recognised (not asked for, no speech, not English).
    """

    readings: tuple[Reading, ...]
    floor: float | None = None
    heard: str | None = None

    @property
    def tripped(self) -> tuple[Guard, ...]:
        """The guards that tripped, in the order of `GUARDS`."""
        return tuple(one.guard for one in self.readings if one.tripped)

    @property
    def passes(self) -> bool:
        """Whether a judge may be asked: no guard tripped."""
        return not self.tripped

    @property
    def reason(self) -> str | None:
        """Why the answer is not paid by a judge's score: "guard no_speech: ...; guard ..."; None where it passes."""
        return "; ".join(f"guard {one.guard}: {one.reason}" for one in self.readings if one.tripped) or None


class Heard:
    """One recording under the guards; speech and words are found once, on first use."""

    def __init__(
        self, wave: Waveform, text: str | None, question: str | None, language: str | None, limits: Limits
    ) -> None:
        self.wave, self.text, self.question, self.language, self.limits = wave, text, question, language, limits

    def reading(self, guard: Guard) -> Reading:
        if self.wave.seconds > signals.MAX_SECONDS:
            return Reading(guard, None, f"{self.wave.seconds:.1f} s long, over the limit of {signals.MAX_SECONDS:g} s")
        if guard != "no_speech" and not self._speech.spans:
            return Reading(guard, None, "no speech found")
        found: Reading = getattr(self, f"_{guard}")()
        return found

    @property
    def known(self) -> str | None:
        """The words heard, if any guard asked for them."""
        return self._words[0] if "_words" in self.__dict__ else None

    def _no_speech(self) -> Reading:
        share = self._speech.share
        none = not self._speech.spans
        return Reading("no_speech", none, "no speech found" if none else "", share, measured=none)

    def _silence(self) -> Reading:
        longest, limit = max(_pauses(self._speech)), self.limits.max_pause_seconds
        return _over("silence", longest, limit, f"{longest:.1f} s without speech, over {limit:g} s")

    def _not_its_text(self) -> Reading:
        if (why := self._no_words("not_its_text", self.text, "text of its own")) is not None:
            return why
        heard, at = self._words[0] or "", self.limits
        error = words.character_error_rate(self.text or "", heard)
        if error is None:
            return Reading("not_its_text", None, "the answer's own text holds no word")
        wrong = round(error * len(" ".join(words.spelt(self.text or ""))))
        tripped = error > at.max_text_error and wrong >= at.min_text_errors
        said = f"character error rate {error:.2f} against its own text, over {at.max_text_error:g}"
        return Reading("not_its_text", tripped, said if tripped else "", error)

    def _loop(self) -> Reading:
        limit, seconds = self.limits.max_repeated_seconds, repeated_seconds(self._samples)
        if seconds > limit:
            return Reading("loop", True, f"{seconds:.1f} s of sound repeat the sound before, over {limit:g} s", seconds)
        if self._foreign is None:
            text, cut_short = self._words
            if (phrase := going_round(words.normal(text or ""))) is not None:
                return Reading("loop", True, f"the words {' '.join(phrase)!r} again and again", seconds)
            if cut_short:
                return Reading("loop", True, "the recogniser went round in a loop", seconds)
        return Reading("loop", False, "", seconds)

    def _copy(self) -> Reading:
        if (why := self._no_words("copy", self.question, "question text")) is not None:
            return why
        heard, question, at = self._words[0] or "", self.question or "", self.limits
        error = words.character_error_rate(question, heard)
        if error is None or words.count(question) < at.min_question_words:
            return Reading("copy", None, f"the question has fewer than {at.min_question_words} words")
        tripped = error <= at.max_question_error
        said = f"what was heard is the question, with a character error rate of {error:.2f}"
        return Reading("copy", tripped, said if tripped else "", error)

    def _no_words(self, guard: Guard, text: str | None, what: str) -> Reading | None:
        """Why words cannot be compared, if so."""
        if self._foreign is not None:
            return Reading(guard, None, self._foreign)
        return None if (text or "").strip() else Reading(guard, None, f"no {what} to compare with")

    @property
    def _foreign(self) -> str | None:
        return words.not_english(self.language, self.text, self.question)

    @cached_property
    def _samples(self) -> audio.Samples:
        return self.wave.resampled(vad.RATE_HZ).samples.clip(-1.0, 1.0)

    @cached_property
    def _speech(self) -> vad.Speech:
        return vad.detect(self._samples)

    @cached_property
    def _words(self) -> tuple[str | None, bool]:
        """What was heard, and whether the recogniser had to be stopped."""
        (found,) = signals.measure(self.wave, text=None, reference=None, language=self.language, axes=["speech_rate"])
        details: Mapping[str, float | str | None] = found.details
        return str(details.get("heard", "")), bool(details.get("asr_cut_short"))


def _over(guard: Guard, value: float, limit: float, said: str) -> Reading:
    return Reading(guard, value > limit, said if value > limit else "", value)


def _pauses(speech: vad.Speech) -> Iterator[float]:
    """Seconds before, between and after the spans of speech."""
    at = 0.0
    for span in speech.spans:
        yield span.start - at
        at = span.end
    yield speech.seconds - at


__all__ = ["GUARDS", "Guard", "Guarded", "Guards", "Limits", "Tally"]

RULES = 1
"""Version of every rule of this file; it stands in the signature."""


class Guards:
    """The guards of a reward. Raises `MissingPartError` when it is made, not at the first answer.

    Parameters
    ----------
    names: the guards to run; by default all.
    floor: the reward of an answer in which no speech was measured; None leaves it unscored like every other trip.
    limits: where they trip.

    `check` keeps no state and may be called from several threads at once.

    >>> guards = Guards(["no_speech"], floor=1.0)
    >>> import numpy as np
    >>> found = guards.check(np.zeros(16000, np.float32), sample_rate_hz=16000)
    >>> found.passes, found.floor, found.reason
    (False, 1.0, 'guard no_speech: digital silence (nothing above -80 dBFS)')
    >>> guards.check(None).floor is None  # nobody measured anything: the recording may have been lost
    True
    """

    def __init__(
        self, names: Collection[str] = GUARDS, *, floor: float | None = None, limits: Limits | None = None
    ) -> None:
        if unknown := sorted(set(names) - set(GUARDS)):
            raise InputError(f"got the guard {', '.join(unknown)}, expected some of {', '.join(GUARDS)}")
        if floor is not None and (isinstance(floor, bool) or not isfinite(floor)):
            raise InputError(f"got floor={floor!r}, expected a finite number on the scale of the reward, or None")
        self.names = tuple(name for name in GUARDS if name in names)
        self.floor, self.limits = floor, limits or Limits()
        signals.require(["speech_share", *(["intelligibility", "speech_rate"] if WORDS & set(self.names) else [])])

    @property
    def signature(self) -> str:
        """What decides whether two rewards went through the same guards.

        >>> Guards(["no_speech", "silence"]).signature
        'guards:1|no_speech,silence|pause:5|vad:silero-6.2:192be964'
        """
        at = self.limits
        said: dict[str, str] = {
            "silence": f"pause:{at.max_pause_seconds:g}",
            "not_its_text": f"text:{at.max_text_error:g},{at.min_text_errors}",
            "loop": f"repeated:{at.max_repeated_seconds:g}",
            "copy": f"question:{at.max_question_error:g},{at.min_question_words}",
        }  # fmt: skip
        needed = ("vad:", "asr:") if WORDS & set(self.names) else ("vad:",)
        weights = [one for one in signals.signature().split("|") if one.startswith(needed)]
        floor = [] if self.floor is None else [f"floor:{self.floor:g}"]
        return joined([f"guards:{RULES}", ",".join(self.names), *(said[n] for n in self.names if n in said), *weights,
                       *floor])  # fmt: skip

    def check(
        self, sound: Any, *, sample_rate_hz: int | None = None, text: str | None = None, question: str | None = None,
        language: str | None = None, root: Path | None = None,
    ) -> Guarded:  # fmt: skip
        """One answer.

        sound: samples (numpy or torch, shape (frames,) or (frames, channels)), a `Waveform`, an `AudioRef`,
        or None where no recording is at hand. A candidate that spoke nothing is an array without samples: None earns
        no floor, for nobody can tell it from a recording that was lost.
        sample_rate_hz: needed with samples; there is no default rate. text: what the candidate says that it said.
        question: the words of the question. language: of the answer; None is taken for English. root: the folder that
        an AudioRef's path is relative to.

        Raises `InputError` for samples without a rate or of no valid shape, and for a file that is gone or has changed.
        """
        try:
            wave = _wave(sound, sample_rate_hz, root)
        except AudioFault as fault:
            return self._without_sound(fault)
        if wave is None:
            return self._all(Reading("no_speech", True, "no recording was given"))
        heard = Heard(wave, text, question, language, self.limits)
        readings = tuple(heard.reading(name) for name in self.names)
        silent = any(one.guard == "no_speech" and one.measured for one in readings)
        return Guarded(readings, self.floor if silent else None, heard.known)

    def _without_sound(self, fault: AudioFault) -> Guarded:
        said = fault.problem.removeprefix("got ")
        return self._all(Reading("no_speech", True, said, measured=fault.outcome == "no_speech"))

    def _all(self, reading: Reading) -> Guarded:
        """Nothing to listen to: `no_speech` trips, whether or not it was asked for, and the others do not apply."""
        others = (Reading(name, None, reading.reason) for name in self.names if name != "no_speech")
        return Guarded((reading, *others), self.floor if reading.measured else None)


@dataclass(slots=True)
class Tally:
    """How often each guard tripped, applied, and did not: counted, so that nothing is left out in silence.

    >>> tally = Tally()
    >>> tally.add([Guarded((Reading("copy", True, "..."), Reading("loop", None, "no speech")))])
    >>> tally.answers, tally.unpaid, tally.rows()
    (1, 1, [('loop', 0, 0, 1), ('copy', 1, 0, 0)])
    """

    answers: int = 0
    unpaid: int = 0
    floored: int = 0
    counts: Counter[tuple[Guard, bool | None]] = field(default_factory=Counter)

    def add(self, checked: Iterable[Guarded]) -> None:
        for one in checked:
            self.answers += 1
            self.unpaid += not one.passes
            self.floored += one.floor is not None
            self.counts.update((reading.guard, reading.tripped) for reading in one.readings)

    def rows(self) -> list[tuple[Guard, int, int, int]]:
        """One row a guard that was run: name, tripped, passed, not applicable."""
        run = {guard for guard, _ in self.counts}
        return [
            (name, self.counts[name, True], self.counts[name, False], self.counts[name, None])
            for name in GUARDS if name in run
        ]  # fmt: skip


def _wave(sound: Any, rate: int | None, root: Path | None) -> Waveform | None:
    if sound is None or isinstance(sound, Waveform):
        return sound
    if isinstance(sound, AudioRef):
        return audio.read_known((root or Path()) / sound.path, sha256=sound.sha256)
    if rate is None:
        raise InputError("got samples without sample_rate_hz, expected the rate that they were made at",
                         todo="there is no default: a wrong rate is heard as another voice")  # fmt: skip
    return Waveform.from_array(sound, sample_rate_hz=rate, where="answer")
