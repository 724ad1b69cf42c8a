"""Sound in every form that trainers hold it in; no form without its rate."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.rewards.sounds import RATE_HZ, tone
from wavjudge import audio
from wavjudge.audio import AudioFault
from wavjudge.errors import InputError
from wavjudge.rewards.item import RewardItem, Samples, as_file, made, sound

TONE = tone(1)
PCM = np.rint(TONE.array * 32767).astype(np.int16)


def flac() -> bytes:
    file = io.BytesIO()
    soundfile.write(file, PCM, RATE_HZ, format="FLAC", subtype="PCM_16")
    return file.getvalue()


FORMS: dict[str, Any] = {
    "samples": TONE, "pair": (TONE.array, RATE_HZ), "int16 pair": (PCM, np.int64(RATE_HZ)), "bytes": flac(),
    "buffer": memoryview(flac()), "dataset array": {"array": TONE.array, "sampling_rate": RATE_HZ},
    "float pair": (TONE.array, float(RATE_HZ)), "numpy float pair": (TONE.array, np.float32(RATE_HZ)),
    "rate in an array": (TONE.array, np.array(RATE_HZ)),
    "dataset bytes": {"bytes": flac(), "path": None}, "stereo": (np.stack([TONE.array] * 2, 1), RATE_HZ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_the_same_sound(form: str) -> None:
    said = sound(FORMS[form])
    assert said is not None
    wave = audio.decode(as_file(said, where="here"), where="here")
    assert wave.sample_rate_hz == RATE_HZ
    assert np.abs(wave.samples - TONE.array).max() < 2 / 32768


def test_paths_are_read_and_none_is_none(tmp_path: Path) -> None:
    file = tmp_path / "a.flac"
    file.write_bytes(flac())
    assert as_file(sound(str(file)) or b"", where="") == as_file(sound({"path": str(file)}) or b"", where="") == flac()
    assert sound(None) is None


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (TONE.array, "row 3: got samples without a sample rate, and there is no default"),
        ({"array": TONE.array}, "row 3: got samples without a sample rate"),
        ((TONE.array, RATE_HZ, "more"), r"row 3: got a tuple of 3 as audio, expected the pair \(samples, rate\)"),
        ((TONE.array,), "row 3: got a tuple of 1 as audio"),
        ((TONE.array, 22050.5), "row 3: got the sample rate 22050.5"),
        ((TONE.array, "24000"), r"row 3: got the sample rate '24000' \(str\)"),
        ((TONE.array, None), r"row 3: got the sample rate None \(NoneType\)"),
        ((TONE.array, float("nan")), "row 3: got the sample rate nan"),
        ((TONE.array, True), "row 3: got the sample rate True"),
        (7, "row 3: got int as audio, expected samples with their rate"),
        ({"codes": [1]}, r"row 3: got audio with the keys \['codes'\]"),
    ],
    ids=[
        "array",
        "dataset array",
        "triple",
        "single",
        "half a Hz",
        "words",
        "no rate",
        "nan",
        "true",
        "int",
        "mapping",
    ],
)
def test_no_sound_without_a_rate(value: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        sound(value, where="row 3")


@pytest.mark.parametrize("rate", [0, -8000, 16000.0, True, None, "16000"])
def test_a_rate_is_a_positive_whole_number(rate: Any) -> None:
    with pytest.raises(InputError, match="expected a positive whole number of Hz"):
        as_file(Samples(TONE.array, rate), where="here")


@pytest.mark.parametrize(("array", "outcome"), [(np.zeros(99), "no_speech"), (np.full(99, np.nan), "broken_audio")])
def test_samples_that_cannot_be_rated_say_whose_fault_it_is(array: Any, outcome: str) -> None:
    with pytest.raises(AudioFault) as caught:
        as_file(Samples(array, 8000), where="here")
    assert caught.value.outcome == outcome


def test_the_default_id_is_what_was_asked() -> None:
    one, other = RewardItem(question_text="Why?"), RewardItem(question_text="Why?", answer_text="So.")
    assert one.named(None) == other.named(None) != one.named(flac())
    assert RewardItem(id="p1").named(None) == "p1"


def test_bytes_that_are_no_audio_file_are_the_outcome_of_whoever_made_them() -> None:
    with pytest.raises(AudioFault, match="got bytes that begin no audio file, so nothing says") as raised:
        as_file(sound(b"\0\1" * 99) or b"", where="row 3")
    assert raised.value.outcome == "broken_audio"


class Panic(BaseException):
    """As compiled code raises it: no `Exception`."""


@pytest.mark.parametrize("error", [SystemExit(3), RuntimeError("x"), Panic("x"), StopIteration(), GeneratorExit()])
def test_whatever_a_decoder_raises_is_that_answers_outcome(error: BaseException) -> None:
    def decode(ids: Any) -> Any:
        raise error

    heard, crashed = made(decode, "ids")
    assert heard is None and str(crashed).startswith(f"decode raised {type(error).__name__}")


def test_ctrl_c_of_a_person_goes_on_and_one_of_another_thread_does_not() -> None:
    def decode(ids: Any) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(decode, "ids")
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(made, decode, "ids").result() == (None, "decode raised KeyboardInterrupt")


def test_an_exception_whose_own_words_raise_is_a_crash_like_any_other() -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise ValueError("no words")

    def decode(given: str) -> str:
        raise Broken

    assert made(decode, "x") == (None, "decode raised Broken")


def test_what_an_async_function_gives_is_named() -> None:
    async def decode() -> tuple[Any, int]:
        return TONE.array, RATE_HZ

    with pytest.raises(InputError, match="row 3: got a coroutine"):
        sound(decode(), where="row 3")


def test_no_text_of_an_item_holds_half_a_character() -> None:
    half = "x\ud800"
    said = RewardItem(None, half, half, None, half, half, half, {half: half, "n": 1.0}, half)
    texts = (said.answer_text, said.question_text, said.id, said.language, said.reference, said.crashed)
    assert set(texts) == {"x?"} and said.details == {"x?": "x?", "n": 1.0}
