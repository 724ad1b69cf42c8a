"""Rollouts as sound: the rate that reaches the judge, and torchaudio beside a torch it was not made for."""

from __future__ import annotations

import importlib.util
import io
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra train)")
if importlib.util.find_spec("torchaudio") is None:
    pytest.skip("torchaudio is not installed (extra train)", allow_module_level=True)

import soundfile
import soxr

from studies.toy_recipe.world import CLOSE, END, OPEN, ToyTokenizer
from tests.loopback.server import Loopback
from wavjudge.errors import InputError, pip_install
from wavjudge.rewards.item import RewardItem, Samples
from wavjudge.rewards.judge_reward import JudgeReward
from wavjudge.training.audio import Codec, decoded, resampled

SPEECH = [60 + 5] * 100
"""One tone of 400 Hz, two seconds."""


def pitch_hz(samples: np.ndarray, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 8 * len(samples)))
    return float(spectrum.argmax() * rate / (8 * len(samples)))


@pytest.mark.parametrize("rate", [16_000, 22_050, 24_000, 48_000])
def test_mistake_1_the_judge_hears_the_pitch_that_was_spoken(rate: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference wrote 24,000 Hz over speech of 22,050 Hz: 8.8 % faster, 1.47 semitones higher."""
    monkeypatch.setenv("TRAIN_TEST_KEY", "none")
    heard = decoded(ToyTokenizer(sample_rate_hz=rate), [OPEN, *SPEECH, CLOSE, END], codec=Codec(50.0))
    assert heard is not None
    with Loopback() as server:
        spec = f"openai:loop?base_url={server.openai_url}&api_key_env=TRAIN_TEST_KEY"
        with JudgeReward(spec, {"overall": 1.0}, guards=None, cache=False) as judge:
            judge.score_now([RewardItem(Samples(*heard), "words", "say it")])
        samples, told = soundfile.read(io.BytesIO(server.received[-1].recordings[-1].data))
    assert pitch_hz(samples, told) == pytest.approx(400.0, abs=1.0)
    assert len(samples) / told == pytest.approx(2.0, abs=0.01)


@dataclass(frozen=True, slots=True)
class Liar(ToyTokenizer):
    """States 24,000 Hz over what it makes at 22,050 Hz."""

    sample_rate_hz: int = 24_000

    def audio(self, ids):
        return ToyTokenizer(sample_rate_hz=22_050).audio(ids)


def test_mistake_1_a_decoder_that_states_a_wrong_rate_is_found_by_its_codec() -> None:
    with pytest.raises(InputError, match="22050 Hz would fit"):
        decoded(Liar(), SPEECH, codec=Codec(50.0))


def test_ids_that_are_no_speech_make_no_sound() -> None:
    assert decoded(ToyTokenizer(), [OPEN, 12, CLOSE, END]) is None


def test_resampling_is_that_of_an_independent_library() -> None:
    at = np.arange(22_050) / 22_050
    tone = (0.5 * np.sin(2 * np.pi * 440 * at)).astype(np.float32)
    ours = resampled(torch.from_numpy(tone), 22_050, 16_000).numpy()
    theirs = soxr.resample(tone, 22_050, 16_000)
    middle = slice(1000, 15_000)
    assert len(ours) == len(theirs) and np.abs(ours[middle] - theirs[middle]).max() < 2e-3


@pytest.mark.parametrize("wave, rates, said", [
    (torch.zeros(8, dtype=torch.int16), (8000, 16_000), "floating point"),
    (torch.zeros(8), (0, 16_000), "positive whole number"),
    (torch.zeros(8), (22_050.0, 16_000), "positive whole number"),
])  # fmt: skip
def test_what_cannot_be_resampled_is_named(wave, rates, said: str) -> None:
    with pytest.raises(InputError, match=said):
        resampled(wave, *rates)


def _python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


_BROKEN = """
import importlib.abc, sys
class Fails(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "torchaudio._extension":
            raise OSError("Could not load this library: _torchaudio.abi3.so")
sys.meta_path.insert(0, Fails())
"""
_WHOLE = """
import sys, types
whole = types.ModuleType("torchaudio._extension")
whole._IS_TORCHAUDIO_EXT_AVAILABLE, whole.fail_if_no_align, whole.mark = False, lambda f: f, "as installed"
sys.modules["torchaudio._extension"] = whole
"""
_USE = """
import torch
from wavjudge.training.audio import resampled
print(resampled(torch.zeros(22050), 22050, 16000).shape[0], getattr(sys.modules["torchaudio._extension"], "mark", ""))
"""


@pytest.mark.heavy
@pytest.mark.parametrize("before, after", [(_BROKEN, "16000"), (_WHOLE, "16000 as installed")],
                         ids=["its compiled part fails to load", "its compiled part loads"])  # fmt: skip
def test_torchaudio_serves_both_ways(before: str, after: str) -> None:
    assert _python(before + _USE) == after


@pytest.mark.heavy
def test_transformers_imports_after_this_module_also_beside_a_torch_without_cuda() -> None:
    pytest.importorskip("transformers", reason="transformers is not installed (extra train)")
    assert _python("import wavjudge.training, transformers.audio_utils; print('both')") == "both"


@pytest.mark.heavy
def test_without_torchaudio_it_is_said_what_to_install() -> None:
    code = """
import sys
import importlib.abc
class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.split(".")[0] == "torchaudio":
            raise ModuleNotFoundError("No module named 'torchaudio'", name="torchaudio")
import importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "torchaudio" else real(name, *more)
sys.meta_path.insert(0, Absent())
import torch
from wavjudge.errors import MissingPartError
from wavjudge.training.audio import resampled
try:
    resampled(torch.zeros(9), 8000, 16000)
except MissingPartError as error:
    print(error.todo)
"""
    assert _python(code) == pip_install("wavjudge[train]")
