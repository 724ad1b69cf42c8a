"""What each guard reads off one recording, and where it trips; `guards.py` says what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

from wavjudge import audio, signals
from wavjudge.audio import Waveform
from wavjudge.rewards.loops import going_round, repeated_seconds
from wavjudge.signals import vad, words

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
