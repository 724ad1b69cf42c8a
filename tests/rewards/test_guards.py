"""Guards: what they say of real sounds, what they refuse, and the rates that docs/rewards.md prints."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from studies.rewards.guard_rates import Case, checked, rates, spoken, stuck, tiny
from tests.signals.sounds import hiss, needs_espeak, needs_models, say
from wavjudge import signals
from wavjudge.audio import Waveform
from wavjudge.errors import InputError, MissingPartError
from wavjudge.rewards.guards import GUARDS, RATE_HZ, Guards, Limits, Tally, going_round, repeated_seconds
from wavjudge.signals import models
from wavjudge.types import AudioRef

TEXT = "The weather is lovely today, so we should go for a walk in the park."
QUESTION = "What shall we do this afternoon, my dear?"
UNLIKE_TEXT = {"text_mismatch", "truncated_30"}
"""Faults of tiny that are speech which does not say its text, every one of them."""

BROKEN = UNLIKE_TEXT | {"silent", "missing", "empty"}

pytestmark = needs_models


def trips(row: str, tally: Tally) -> dict[str, int]:
    return {name: tripped for name, tripped, _, _ in tally.rows() if tripped}


def test_on_tiny_every_known_fault_trips_its_guard_and_speech_that_is_in_order_does_not() -> None:
    cases = [case for number, case in enumerate(tiny()) if number % 3 == 0 or case.row.removeprefix("tiny: ") in BROKEN]
    found = {row.removeprefix("tiny: "): tally for row, tally in rates(cases).items()}
    assert found.keys() >= BROKEN | {"clean", "noise_0db", "fast_x2.0", "clip_hard"}
    for row in ("silent", "missing", "empty"):
        assert trips(row, found[row]) == {"no_speech": found[row].answers}
    for row in UNLIKE_TEXT:
        assert trips(row, found[row]) == {"not_its_text": found[row].answers}
    in_order = {row: tally for row, tally in found.items() if row not in BROKEN}
    false = {row: trips(row, tally) for row, tally in in_order.items() if trips(row, tally)}
    assert false == {}


@needs_espeak
def test_on_speech_of_another_voice() -> None:
    """A third of what the command measures."""
    found = rates(case for number, case in enumerate(spoken(paces=(165,))) if number % 3 == 0)
    clean = found["eSpeak, 165 words a minute"]
    assert clean.answers == 10 and clean.unpaid <= 1  # 0 as a rule; eSpeak never speaks a sentence twice alike
    other = found["eSpeak, the text of another answer"]
    assert other.answers >= 9 and trips("", other) == {"not_its_text": other.answers}
    asked = found["eSpeak, the question"]
    assert trips("", asked)["copy"] >= 0.6 * asked.answers  # .87 of all; the recogniser spoils the others
    looped = [tally for row, tally in found.items() if "a phrase" in row]
    assert looped and all(trips("", one)["loop"] == one.answers for one in looped)
    german = {name: (tripped, applied) for name, tripped, applied, _ in found["eSpeak, called German"].rows()}
    assert german["not_its_text"] == german["copy"] == (0, 0), "a language that is not covered is never a trip"


def test_sound_that_comes_back_is_found_and_speech_never_comes_back() -> None:
    own = [
        repeated_seconds(case.sound.resampled(RATE_HZ).samples) for case in tiny() if isinstance(case.sound, Waveform)
    ]
    assert len(own) > 80 and max(own) < 0.5, "half of the limit"
    looped: dict[str, list[float]] = {}
    for case in (case for case in stuck() if case.row in ("stuck on 0.4 s of sound", "stuck on 1 s of sound")):
        assert isinstance(case.sound, Waveform)
        looped.setdefault(case.row, []).append(repeated_seconds(case.sound.resampled(RATE_HZ).samples))
    caught = {row: float(np.mean(np.array(seconds) > Limits().max_repeated_seconds)) for row, seconds in looped.items()}
    assert min(caught.values()) > 0.8 and caught["stuck on 1 s of sound"] == 1.0


def test_a_floor_is_for_measured_absence_of_speech_and_for_nothing_else() -> None:
    guards = Guards(floor=1.0)
    quiet = np.zeros(16_000, np.float32)
    noise = (0.05 * hiss(32_000)).astype(np.float32)
    assert [guards.check(x, sample_rate_hz=16_000).floor for x in (quiet, quiet[:0], noise)] == [1.0, 1.0, 1.0]
    broken = np.full(16_000, np.nan, np.float32)
    loud = np.full(16_000, 3.0, np.float32)
    for lost in (None, broken, loud):
        found = guards.check(lost, sample_rate_hz=16_000)
        assert found.tripped == ("no_speech",) and found.floor is None, "nobody measured that nothing was said"
        assert {one.tripped for one in found.readings if one.guard != "no_speech"} == {None}
    assert Guards().check(quiet, sample_rate_hz=16_000).floor is None


@needs_espeak
def test_speech_that_trips_another_guard_earns_no_floor() -> None:
    found = Guards(floor=1.0).check(
        say(TEXT), text="Bees collect nectar from flowers to make honey.", question=QUESTION
    )
    assert found.tripped == ("not_its_text",) and found.floor is None
    assert found.heard and "character error rate" in (found.reason or "")


@needs_espeak
def test_speech_in_order_passes_at_any_rate_and_from_a_file(tmp_path: Path) -> None:
    wave = say(TEXT)
    path = tmp_path / "a.wav"
    path.write_bytes(wave.to_wav())
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    ref = AudioRef(path="a.wav", sha256=sha256, seconds=wave.seconds, sample_rate_hz=wave.sample_rate_hz)
    stereo = np.stack([wave.samples] * 2, axis=1)
    for sound, rate in ((wave, None), (wave.samples, wave.sample_rate_hz), (stereo, wave.sample_rate_hz), (ref, None)):
        found = Guards().check(sound, sample_rate_hz=rate, text=TEXT, question=QUESTION, root=tmp_path)
        assert found.passes and found.reason is None, found.reason
        assert [one.guard for one in found.readings] == list(GUARDS)
    path.write_bytes(wave.to_wav()[:-2])
    with pytest.raises(InputError, match="has changed since"):
        Guards().check(ref, root=tmp_path)


@needs_espeak
def test_a_wrong_rate_is_another_voice_and_another_pace() -> None:
    """The reference sends 22,050 Hz as 24,000 Hz; that small step no guard can see, a large one it can.

    Three times too fast it is other words or, to the voice detector, no speech at all: eSpeak's last bits decide.
    """
    wave = say(TEXT)
    rate = wave.sample_rate_hz
    small, large = (
        Guards(["no_speech", "not_its_text"]).check(wave.samples, sample_rate_hz=each, text=TEXT)
        for each in (24_000, 3 * rate)
    )
    assert small.passes and not large.passes


@needs_espeak
def test_a_long_pause_and_a_long_recording() -> None:
    wave = say(TEXT)
    rest = np.zeros(6 * wave.sample_rate_hz, np.float32)
    for samples in (np.concatenate([wave.samples, rest]), np.concatenate([rest, wave.samples])):
        found = Guards(["silence"]).check(samples, sample_rate_hz=wave.sample_rate_hz)
        assert found.tripped == ("silence",) and "s without speech" in (found.reason or "")
    long = np.tile(np.concatenate([wave.samples, rest]), 40)
    found = Guards().check(long, sample_rate_hz=wave.sample_rate_hz, text=TEXT)
    assert found.passes and all("over the limit of 300 s" in one.reason for one in found.readings)


@needs_espeak
@pytest.mark.parametrize(("text", "passes"), [("Paris.", True), ("Thank you very much.", True), ("Yes.", False)])
def test_a_misheard_word_of_a_short_answer_is_no_trip_but_a_speech_in_its_place_is(text: str, passes: bool) -> None:
    sound = say(text) if passes else say(TEXT)
    assert Guards(["not_its_text"]).check(sound, text=text).passes is passes


@pytest.mark.parametrize(
    ("words", "phrase"),
    [("so " * 12, ("so",)), ("so " * 11, None), ("and then we go " * 3, ("and", "then", "we", "go")),
     ("it is what it is and that is what it is", None), ("no no no no no", None), ("", None),
     ("well " + "a b c d " * 4 + "end", ("a", "b", "c", "d"))],
)  # fmt: skip
def test_words_that_go_round(words: str, phrase: tuple[str, ...] | None) -> None:
    assert going_round(words.split()) == phrase


def test_a_sound_shorter_than_a_window_does_not_come_back() -> None:
    assert [repeated_seconds(np.ones(n, np.float32) * 0.1) for n in (1, 100, 600)] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: Guards(["loops"]), "got the guard loops, expected some of no_speech"),
        (lambda: Guards(floor=float("nan")), "expected a finite number"),
        (lambda: Guards(floor=True), "expected a finite number"),
        (lambda: Guards().check(np.zeros(9, np.float32)), "got samples without sample_rate_hz"),
        (lambda: Guards().check(np.zeros(9, np.float32), sample_rate_hz=0), "got sample rate 0"),
        (lambda: Guards().check(np.zeros((2, 900), np.float32), sample_rate_hz=8000), "transpose the array"),
        (lambda: Guards().check("a.wav", sample_rate_hz=8000), "got samples of"),
    ],
)  # fmt: skip
def test_bad_input_is_told_from_a_bad_answer(call, said: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=said):
        call()


def test_a_missing_part_is_an_error_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "ASR", models.Part("no_such_module", "no-such-module"))
    monkeypatch.setattr(models, "USERS", {models.ASR: frozenset({"speech_rate", "intelligibility"})})
    with pytest.raises(MissingPartError):
        Guards()
    assert Guards(["no_speech", "silence"]).names == ("no_speech", "silence"), "these two need no recogniser"


def test_the_signature_names_what_decides() -> None:
    whole = Guards().signature
    assert whole.startswith("guards:1|no_speech,silence,not_its_text,loop,copy|") and "asr:moonshine" in whole
    others = {
        Guards(floor=1).signature,
        Guards(["loop"]).signature,
        Guards(limits=Limits(max_text_error=0.4)).signature,
    }
    assert len(others | {whole}) == 4
    assert all(part in signals.signature() for part in whole.split("|") if part.startswith(("vad:", "asr:")))


def test_everything_is_counted() -> None:
    tally = Tally()
    cases = [Case("x", None, "", ""), Case("x", say(TEXT), TEXT, QUESTION)]
    tally.add(map(checked, cases))
    assert (tally.answers, tally.unpaid, tally.floored) == (2, 1, 0)
    assert tally.rows() == [("no_speech", 1, 1, 0), *((name, 0, 1, 1) for name in GUARDS[1:])]
