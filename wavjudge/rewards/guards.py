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
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from wavjudge import audio, signals
from wavjudge.audio import AudioFault, Waveform
from wavjudge.errors import InputError
from wavjudge.rewards.guard_readings import GUARDS, WORDS, Guard, Guarded, Heard, Limits, Reading
from wavjudge.signature import joined
from wavjudge.types import AudioRef

__all__ = ["GUARDS", "Guard", "Guarded", "Guards", "Limits", "Tally"]

RULES = 1
"""Version of every rule of this file, `guard_readings.py` and `loops.py`; it stands in the signature."""


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
