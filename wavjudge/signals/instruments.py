"""One recording under the instruments: what is shared (speech, words) is found once, on first use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from wavjudge.audio import Samples, Waveform
from wavjudge.errors import InputError
from wavjudge.signals import MAX_SECONDS, Measurement, NotApplicableError, asr, dnsmos, vad, words
from wavjudge.signals.level import clipping
from wavjudge.signals.vad import pieces, samples_of
from wavjudge.signals.words import MAX_REFERENCE_WORDS, overlap
from wavjudge.types import Axis

Details = dict[str, float | str | None]


@dataclass(frozen=True)
class Recording:
    """A recording and what is known of it; each axis is the method of its name, giving a value and details."""

    wave: Waveform
    text: str | None
    reference: str | None
    language: str | None

    def measured(self, axis: Axis) -> Measurement:
        """One axis: its value, or not_applicable with a reason, or failed when a reading is off the axis's scale."""
        return Measurement.of(axis, getattr(self, axis.name))

    def signal_quality(self) -> tuple[float, Details]:
        """DNSMOS: the mean of P.808 and P.835 overall; both, and the other two P.835 outputs, beside it."""
        self._need_speech()
        quality = dnsmos.quality(self._samples)
        return quality.score, {
            "dnsmos_p808": quality.p808,
            "dnsmos_overall": quality.overall,
            "dnsmos_speech": quality.speech,
            "dnsmos_background": quality.background,
        }

    def speech_rate(self) -> tuple[float, Details]:
        """Words heard / seconds of speech."""
        heard, details = self._heard
        seconds = self._speech.speech_seconds
        return words.rate(heard.text, seconds), {
            **details, "words": float(words.count(heard.text)), "speech_seconds": seconds,
        }  # fmt: skip

    def speech_share(self) -> tuple[float, Details]:
        """Seconds of speech / seconds."""
        spans = self._speech.spans
        return self._speech.share, {
            "speech_seconds": self._speech.speech_seconds,
            "seconds": self._speech.seconds,
            "first_speech_at": spans[0].start if spans else None,
            "last_speech_ends_at": spans[-1].end if spans else None,
        }

    def clipping(self) -> tuple[float, Details]:
        """Share of samples in flat tops or piled up below the peak."""
        found = clipping(self.wave.samples)
        beyond = float(self.wave.clipped)
        return found.share, {"flat": found.flat, "pile_up": found.pile_up, "beyond_full_scale_samples": beyond}

    def intelligibility(self) -> tuple[float, Details]:
        """max(0, 1 - word error rate) of the words heard against the answer's own text."""
        if not (self.text or "").strip():
            raise NotApplicableError("the answer has no text of its own to compare with")
        heard, details = self._heard
        error = words.error_rate(self.text or "", heard.text)
        if error is None:
            raise NotApplicableError("the answer's own text holds no word")
        return words.intelligibility(error), {**details, "wer": error}

    def reference_overlap(self) -> tuple[float, Details]:
        """Share of the words of a short reference that were heard in order, 0 when a check fails."""
        if not (self.reference or "").strip():
            raise NotApplicableError("no reference")
        self._need_english()
        size = len(words.normal(self.reference or ""))
        if not 1 <= size <= MAX_REFERENCE_WORDS:
            raise NotApplicableError(f"the reference has {size} words; only 1 to {MAX_REFERENCE_WORDS} can be compared")
        heard, details = self._heard
        found = overlap(self.reference or "", heard.text)
        return found.value, {**details, "words_share": found.share, "failed_check": found.failed}

    def transcript(self) -> str:
        """The words that were heard, empty without speech."""
        try:
            return self._heard[0].text if self._speech.spans else ""
        except NotApplicableError as why:
            raise InputError(f"got a recording that cannot be transcribed: {why.reason}") from why

    @cached_property
    def _samples(self) -> Samples:
        self._need_short()
        # The resampler may overshoot full scale by a hair, which the models were never shown.
        return self.wave.resampled(vad.RATE_HZ).samples.clip(-1.0, 1.0)

    @cached_property
    def _speech(self) -> vad.Speech:
        return vad.detect(self._samples)

    @cached_property
    def _heard(self) -> tuple[asr.Heard, Details]:
        self._need_english()
        self._need_speech()
        cuts = pieces(self._speech.spans, self._speech.probabilities.tolist(), self._speech.seconds)
        heard = asr.joined([asr.recognise(self._samples[samples_of(piece)]) for piece in cuts])
        details: Details = {
            "heard": heard.text,
            "asr_log_probability": heard.log_probability,
            "asr_cut_short": float(heard.cut_short),
            "asr_pieces": float(len(cuts)),
        }
        return heard, details | ({} if words.stated(self.language) else {"assumed_language": "en"})

    def _need_short(self) -> None:
        if self.wave.seconds > MAX_SECONDS:
            raise NotApplicableError(f"{self.wave.seconds:.1f} s long, over the limit of {MAX_SECONDS:g} s")

    def _need_english(self) -> None:
        if reason := words.not_english(self.language, self.text, self.reference):
            raise NotApplicableError(reason)

    def _need_speech(self) -> None:
        if not self._speech.spans:
            raise NotApplicableError("no speech found")
