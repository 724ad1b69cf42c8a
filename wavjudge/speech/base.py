"""What is lost on its way to a candidate or a part of it, and a recording as it is sent to either."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wavjudge import audio
from wavjudge.clients.accepted import is_of_setup
from wavjudge.clients.base import RETRIED, AudioPart, Failure, Request, call_record
from wavjudge.internal import PREFIX
from wavjudge.types import AudioRef, Call


@dataclass(frozen=True, slots=True)
class Lost:
    """A question or an answer was lost on its way (a provider down, a missing recording): no outcome of the candidate.

    The same command asks again. calls: what it cost all the same. for_good: asking again would end the same way (a
    request that is never accepted, a language that a part does not know): that is recorded as a crash, once. of_setup:
    such a refusal as every request of a wrong SPEC meets, or a program that did not come to its work; of a candidate
    that never answered it is no crash. details: of the crash that it is otherwise.
    """

    reason: str
    calls: tuple[Call, ...] = ()
    for_good: bool = False
    of_setup: bool = False
    details: Mapping[str, float | str | None] = field(default_factory=dict)


def lost(failure: Failure, request: Request, who: str = "") -> Lost:
    """What a failed call is to a candidate, and to the part of it that `who` names."""
    reason = f"{who} failed: {failure.reason}" if who else f"{failure.kind}: {failure.reason}"
    if failure.kind == "internal":  # an error of ours is nobody's crash
        return Lost(f"{PREFIX}{who} {failure.reason}", (call_record(failure, request),))
    return Lost(reason, (call_record(failure, request),), for_good=failure.kind not in RETRIED | {"moved"},
                of_setup=is_of_setup(failure))  # fmt: skip


def recording(ref: AudioRef, path: Path, rate: int) -> AudioPart:
    """A recording as it is sent to a candidate or a part of it: mono 16-bit, at this rate in Hz."""
    return AudioPart(
        sha256=ref.sha256, transform=audio.transform(rate), seconds=ref.seconds, sample_rate_hz=rate,
        wav_bytes=audio.wav_size(ref.seconds, rate),
        load=lambda: audio.transmit(path, sha256=ref.sha256, sample_rate_hz=rate),
    )  # fmt: skip
