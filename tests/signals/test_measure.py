import json
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

from tests.signals.sounds import VSTYLE, hiss, needs_espeak, needs_models, needs_vstyle, say
from wavjudge import audio, signals
from wavjudge.audio import Waveform
from wavjudge.errors import InputError, SpecError
from wavjudge.signals import AXES, Measurement, measure

TEXT = "The weather is lovely today, so we should go for a walk in the park."
SENTENCES = [
    TEXT,
    "I am sorry to hear that you lost your job, please let me know how I can help.",
    "Please close the window before you leave the house.",
    "Water boils at one hundred degrees at the level of the sea.",
    "The train to the airport leaves every fifteen minutes from platform two.",
    "If you like, I can tell you more about the history of this town.",
]


def by_axis(wave, *, text=None, reference=None, language="en", axes=None):
    return {m.axis.name: m for m in measure(wave, text=text, reference=reference, language=language, axes=axes)}


@pytest.fixture(scope="module")
def spoken():
    return by_axis(say(TEXT), text=TEXT, reference="lovely")


@needs_models
@needs_espeak
def test_clean_speech_has_every_axis(spoken):
    assert list(spoken) == [axis.name for axis in AXES]
    assert {m.status for m in spoken.values()} == {"ok"}
    assert 2.5 < spoken["signal_quality"].value < 4.5
    assert 3.0 < spoken["speech_rate"].value < 6.0
    assert 0.6 < spoken["speech_share"].value <= 1.0
    assert spoken["clipping"].value < 1e-3
    assert spoken["intelligibility"].value > 0.5
    assert spoken["reference_overlap"].value == 1.0
    for m in spoken.values():
        assert m.axis.scale.holds(m.value) and m.reason is None


@needs_models
@needs_espeak
def test_details_carry_what_the_score_leaves_out(spoken):
    assert spoken["intelligibility"].details["wer"] == pytest.approx(1 - spoken["intelligibility"].value)
    quality = spoken["signal_quality"].details
    assert spoken["signal_quality"].value == (quality["dnsmos_p808"] + quality["dnsmos_overall"]) / 2
    assert spoken["speech_rate"].details["asr_log_probability"] < 0


@needs_models
@needs_espeak
def test_faster_speech_has_the_higher_rate():
    rates = [by_axis(say(TEXT, wpm), axes=["speech_rate"])["speech_rate"].value for wpm in (120, 165, 230)]
    assert rates == sorted(rates)


@needs_models
@needs_espeak
def test_noise_lowers_quality():
    wave = say(TEXT)
    noise = hiss(len(wave.samples)).astype(np.float32)
    scores = [
        by_axis(Waveform(wave.samples * 0.8 + level * noise, wave.sample_rate_hz), axes=["signal_quality"])
        for level in (0.0, 0.01, 0.05)
    ]
    values = [score["signal_quality"].value for score in scores]
    assert values == sorted(values, reverse=True)


@needs_models
@pytest.mark.parametrize("samples", [np.zeros(32_000), 0.3 * hiss(32_000)], ids=["silence", "noise"])
def test_without_speech_only_what_needs_none_is_measured(samples):
    found = by_axis(Waveform(samples.astype(np.float32), 16_000), text="hello", reference="hello")
    assert (found["speech_share"].value, found["speech_share"].status) == (0.0, "ok")
    assert found["clipping"].status == "ok"
    for name in ("signal_quality", "speech_rate", "intelligibility", "reference_overlap"):
        m = found[name]
        assert (m.value, m.status, m.reason) == (None, "not_applicable", "no speech found")


@needs_models
@needs_espeak
def test_another_language_keeps_the_axes_without_words():
    found = by_axis(say(TEXT), text=TEXT, reference="Park", language="de")
    assert {name for name, m in found.items() if m.status == "ok"} == {"signal_quality", "speech_share", "clipping"}
    assert found["speech_rate"].reason == "the recogniser knows English only; the language is de"


@needs_models
@needs_espeak
def test_an_unknown_language_is_taken_for_english_and_says_so():
    found = by_axis(say(TEXT), language=None, axes=["speech_rate"])["speech_rate"]
    assert (found.status, found.details["assumed_language"]) == ("ok", "en")


@needs_models
@needs_espeak
@pytest.mark.parametrize(
    ("axis", "given", "reason"),
    [
        ("intelligibility", {"text": None}, "the answer has no text of its own to compare with"),
        ("intelligibility", {"text": "... !"}, "the answer's own text holds no word"),
        ("reference_overlap", {"reference": None}, "no reference"),
        ("reference_overlap", {"reference": "..."}, "the reference has 0 words; only 1 to 5 can be compared"),
        (
            "reference_overlap",
            {"reference": "one is not two or three"},
            "the reference has 6 words; only 1 to 5 can be compared",
        ),
    ],
)
def test_reasons(axis, given, reason):
    m = by_axis(say(TEXT), axes=[axis], **given)[axis]
    assert (m.value, m.status, m.reason) == (None, "not_applicable", reason)


def test_over_the_limit_only_clipping_is_measured():
    wave = Waveform(np.ones(8_000 * 301, dtype=np.float32) * 0.5, 8_000)
    found = by_axis(wave, axes=["signal_quality", "speech_share", "clipping"])
    assert found["clipping"].status == "ok"
    assert found["signal_quality"].reason == found["speech_share"].reason == "301.0 s long, over the limit of 300 s"


def test_only_what_is_asked_for_in_the_order_of_axes(monkeypatch):
    monkeypatch.setattr("wavjudge.signals.vad.detect", lambda samples: pytest.fail("clipping needs no detector"))
    wave = Waveform(np.linspace(-1, 1, 8_000, dtype=np.float32), 8_000)
    assert list(by_axis(wave, axes={"clipping"})) == ["clipping"]
    with pytest.raises(SpecError):
        by_axis(wave, axes=["overall"])


def test_a_reading_off_its_scale_is_a_failure_not_a_clamp(monkeypatch):
    from wavjudge.signals import instruments

    monkeypatch.setattr(instruments.Recording, "clipping", lambda self: (1.5, {"flat": 1.5}))
    (m,) = measure(
        Waveform(np.ones(8, dtype=np.float32), 8), text=None, reference=None, language=None, axes=["clipping"]
    )
    assert (m.value, m.status, m.reason) == (None, "failed", "the instrument read 1.500, off its scale 0.0..1.0")


@needs_models
@needs_espeak
def test_the_same_in_another_process_and_another_order():
    waves = [say(TEXT), say("Please close the window before you leave the house.")]
    here = [_measured(wave) for wave in waves]
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        there = list(pool.map(_measured, waves[::-1]))
    assert there[::-1] == here


def test_measurements_cross_processes():
    m = Measurement(AXES[0], None, "not_applicable", "no speech found")
    assert pickle.loads(pickle.dumps(m)) == m


@needs_models
@needs_espeak
def test_transcript():
    assert "walk in the park" in signals.transcribe(say(TEXT)).lower()
    assert signals.transcribe(Waveform(np.zeros(16_000, dtype=np.float32), 16_000)) == ""
    with pytest.raises(InputError, match="over the limit"):
        signals.transcribe(Waveform(np.zeros(400_000, dtype=np.float32), 1_000))


@needs_models
@needs_espeak
def test_a_long_answer_is_heard_in_pieces():
    pause = np.zeros(8_000, dtype=np.float32)
    parts = [part for text in SENTENCES for part in (say(text).resampled(16_000).samples, pause)]
    m = by_axis(Waveform(np.concatenate(parts), 16_000), text=" ".join(SENTENCES), axes=["intelligibility"])
    assert m["intelligibility"].details["asr_pieces"] >= 3
    assert m["intelligibility"].value > 0.7


@needs_models
@needs_vstyle
def test_real_answers_say_their_own_text():
    lines = (VSTYLE / "metadata.jsonl").read_text().splitlines()
    told = {row["response_audio_path"]: row["response_text"] for row in map(json.loads, lines)}
    values = [
        by_axis(audio.read(VSTYLE / name), text=told[name], axes=["intelligibility"])["intelligibility"].value
        for name in sorted(told)[::4]
    ]
    assert min(values) > 0.8


def _measured(wave):
    return measure(wave, text=TEXT, reference="lovely", language="en")
