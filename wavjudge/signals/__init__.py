"""The rater `signals`: offline instruments that read a recording, in natural units (extra `local`).

It writes no semantic, acoustic or overall score. None of its instruments hears a wrong fact, a feeling or a natural
voice: it is a row of controls beside judges and a guard for rewards, never what a leaderboard ranks by or a trainer
maximises. docs/signals.md says what each axis is and how little it agrees with people's ears.

    >>> from wavjudge.signals import AXES
    >>> [axis.name for axis in AXES]
    ['signal_quality', 'speech_rate', 'speech_share', 'clipping', 'intelligibility', 'reference_overlap']

Importing this module loads no model and no numpy; `measure` opens what the asked axes need, once a process. All
functions are module level and all results picklable: hand `measure` to a process pool (start method "spawn").
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wavjudge.errors import SpecError
from wavjudge.types import Axis, Scale, Status

if TYPE_CHECKING:
    from wavjudge.audio import Waveform

__all__ = ["AXES", "MAX_SECONDS", "Measurement", "NotApplicableError", "measure", "require", "signature", "transcribe"]

RULES = 2
"""Version of every threshold and definition in this folder; a change to one changes it and the signature."""

MAX_SECONDS = 300.0
"""Longer recordings get no axis that runs a model; clipping is still measured."""

AXES: tuple[Axis, ...] = (
    Axis(name="signal_quality", scale=Scale(low=1, high=5)),
    Axis(name="speech_rate", scale=Scale(low=0, unit="words/s")),
    Axis(name="speech_share", scale=Scale(low=0, high=1, unit="share")),
    Axis(name="clipping", scale=Scale(low=0, high=1, unit="share")),
    Axis(name="intelligibility", scale=Scale(low=0, high=1, unit="share")),
    Axis(name="reference_overlap", scale=Scale(low=0, high=1, unit="share")),
)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One axis of one recording. `value` is None exactly when `status` is not ok, and then `reason` says why."""

    axis: Axis
    value: float | None
    status: Status
    reason: str | None = None
    details: Mapping[str, float | str | None] = field(default_factory=dict)

    @classmethod
    def of(cls, axis: Axis, read: Callable[[], tuple[float, Mapping[str, float | str | None]]]) -> Measurement:
        """What a reading gives: its value, not_applicable with the reason, or failed for a value off the scale."""
        try:
            value, details = read()
        except NotApplicableError as why:
            return cls(axis, None, "not_applicable", why.reason, why.details)
        if not axis.scale.holds(value):
            reason = f"the instrument read {value:.3f}, off its scale {axis.scale.low}..{axis.scale.high}"
            return cls(axis, None, "failed", reason, details)
        return cls(axis, value, "ok", None, details)


class NotApplicableError(Exception):
    """Why an axis has no value on this answer; becomes the measurement's reason."""

    def __init__(self, reason: str, details: Mapping[str, float | str | None] | None = None) -> None:
        super().__init__(reason)
        self.reason, self.details = reason, details or {}


def measure(
    wave: Waveform,
    *,
    text: str | None,
    reference: str | None,
    language: str | None,
    axes: Collection[str] | None = None,
) -> list[Measurement]:
    """The asked axes of one recording, in the order of `AXES`; what they do not need is not computed.

    Parameters
    ----------
    wave: mono, full scale -1..1, at its native rate (clipping looks at it as it is, the models at 16 kHz).
    text: what the speaker meant to say (the answer's own text), for `intelligibility`.
    reference: the right answer, for `reference_overlap`; at most five words.
    language: a tag such as ``en-US``; None is unknown and taken for English, which the details then say.
    axes: names from `AXES`; None is all.

    Deterministic: the same samples give the same numbers in any order, process and repetition. Raises `SpecError`
    for an unknown axis and `MissingPartError` for a part that is not installed.
    """
    from wavjudge.signals.instruments import Recording

    names = _names(axes)
    recording = Recording(wave, text, reference, language)
    return [recording.measured(axis) for axis in AXES if axis.name in names]


def transcribe(wave: Waveform) -> str:
    """What was said, as the recogniser of `speech_rate` and `intelligibility` hears it (English); empty if nothing was.

    Raises `InputError` for a recording over `MAX_SECONDS` and `MissingPartError` for a part that is not installed.
    """
    from wavjudge.signals.instruments import Recording

    return Recording(wave, None, None, None).transcript()


def signature() -> str:
    """Rater, weights and rules in one short line; made of pinned hashes, so it is the same on every machine.

    >>> signature().split("|")[0], signature().split("|")[-1]
    ('signals', 'rules:2')
    """
    from wavjudge.signals import models

    return (
        f"signals|dnsmos:{models.DNSMOS.digest}|asr:moonshine-tiny-en:{models.ASR.digest}"
        f"|vad:silero-6.2:{models.VAD.digest}|rules:{RULES}"
    )


def require(axes: Collection[str] | None = None) -> None:
    """Raise `MissingPartError` unless everything the axes need is installed with the pinned weights.

    A rater calls this once before its first recording: a missing part is an error at the start of a run, not a
    hundred failed ratings. Leave the axes out that need it and the others work.
    """
    from wavjudge.signals import models

    names = _names(axes)
    for part, users in models.USERS.items():
        if needing := [axis.name for axis in AXES if axis.name in names and axis.name in users]:
            models.require(part, needing)


def _names(axes: Collection[str] | None) -> frozenset[str]:
    known = frozenset(axis.name for axis in AXES)
    names = known if axes is None else frozenset(axes)
    if names - known:
        raise SpecError(
            f"got the axis {', '.join(sorted(names - known))}, which the rater signals does not have",
            todo="choose from " + ", ".join(axis.name for axis in AXES),
        )
    return names
