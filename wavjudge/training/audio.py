"""Rollouts as sound: speech ids decoded, their rate checked, resampled where they are to the rate that judges hear.

The rate is the decoder's own, never a default, and it is held against the codec: so many speech ids are so many
seconds. The paper's code wrote 24,000 Hz over speech of 22,050 Hz, and its judge heard another voice.

torchaudio is borrowed for resampling on a GPU (`loadable.py` says how it loads beside a torch without CUDA).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from wavjudge.audio import Samples
from wavjudge.errors import InputError
from wavjudge.training.loadable import torchaudio_functional
from wavjudge.training.vocabulary import SpeechTokenizer

__all__ = ["JUDGE_RATE_HZ", "Codec", "decoded", "resampled"]

JUDGE_RATE_HZ = 16_000
"""What rollouts are resampled to by default: 8 kHz of bandwidth, as much as the judges' models listen to."""


@dataclass(frozen=True, slots=True)
class Codec:
    """How many speech ids a second of sound is, to catch a decoder that states a wrong rate.

    ids_per_second: over all codebooks together; 12.5 for GLM-4-Voice's tokenizer, by its paper (arXiv 2412.02612).
    tolerance: relative, beside two ids' worth of seconds for what a decoder trims or pads.

    >>> Codec(12.5).check(n_ids=125, n_samples=220_500, sample_rate_hz=22_050)
    >>> Codec(12.5).check(n_ids=125, n_samples=220_500, sample_rate_hz=24_000)
    Traceback (most recent call last):
    ...
    wavjudge.errors.InputError: got 9.19 s of sound from 125 speech ids at 24000 Hz, expected 10 s (12.5 ids a second)
    What to do: state the rate that the decoder makes sound at; 22050 Hz would fit
    """

    ids_per_second: float
    tolerance: float = 0.02

    def check(self, *, n_ids: int, n_samples: int, sample_rate_hz: int) -> None:
        """Raise `InputError` where so many ids cannot be so many samples at this rate."""
        expected, got = n_ids / self.ids_per_second, n_samples / sample_rate_hz
        if abs(got - expected) > self.tolerance * expected + 2 / self.ids_per_second:
            raise InputError(
                f"got {got:.3g} s of sound from {n_ids} speech ids at {sample_rate_hz} Hz, expected {expected:.3g} s "
                f"({self.ids_per_second:g} ids a second)",
                todo="state the rate that the decoder makes sound at; "
                f"{n_samples / expected:.0f} Hz would fit" if expected else "this decoder makes sound of no ids",
            )  # fmt: skip


def decoded(
    tokenizer: SpeechTokenizer, ids: Sequence[int], *, rate_hz: int = JUDGE_RATE_HZ, codec: Codec | None = None
) -> tuple[Samples, int] | None:
    """The sound of one answer at `rate_hz`, with that rate; None where its ids make none: an outcome, no error.

    ids: the whole answer, without its prompt. A decoder may give a tensor on a GPU: it is resampled there.
    """
    spoken = int(tokenizer.vocabulary.is_speech(torch.as_tensor(list(ids))).sum())
    if not spoken:
        return None
    try:
        made: Any = tokenizer.audio(ids)
    except InputError:
        return None
    wave = torch.as_tensor(made)
    if codec is not None:
        codec.check(n_ids=spoken, n_samples=wave.shape[-1], sample_rate_hz=tokenizer.sample_rate_hz)
    samples: Samples = resampled(wave, tokenizer.sample_rate_hz, rate_hz).float().cpu().numpy()
    return samples, rate_hz


def resampled(wave: Tensor, from_hz: int, to_hz: int) -> Tensor:
    """The same sound at another rate, on the device where it is. wave: float, shape (..., frames), -1..1.

    >>> resampled(torch.zeros(22050), 22050, 16000).shape
    torch.Size([16000])
    """
    for rate in (from_hz, to_hz):
        if isinstance(rate, bool) or not isinstance(rate, int) or rate <= 0:
            raise InputError(f"got sample rate {rate!r}, expected a positive whole number of Hz")
    if not wave.is_floating_point():
        raise InputError(f"got sound of {wave.dtype}, expected floating point in -1..1")
    if from_hz == to_hz:
        return wave
    made: Tensor = torchaudio_functional().resample(wave.detach(), from_hz, to_hz)
    return made
