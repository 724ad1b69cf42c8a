"""`python:MODULE:CALLABLE`: whatever a function gives back or does is an outcome."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.bench.asking import SECRET, ask, write_items, write_talks
from tests.loopback.verdict import wav
from wavjudge.errors import ProviderDownError, SpecError

SPEECH = wav(0.1, seed=5)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file `my_model.py` in the working directory, forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    # Two texts of one length within one second would share their bytecode.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield tmp_path / "my_model.py"
    sys.modules.pop("my_model", None)


GOOD = """
import asyncio, pathlib
import numpy as np

samples = np.sin(np.arange(8000) / 9)
raw = pathlib.Path("speech.wav").read_bytes()

async def later():
    await asyncio.sleep(0)
    return samples.astype("float32"), 16000

kinds = [
    lambda: raw, lambda: bytearray(raw), lambda: "speech.wav", lambda: pathlib.Path("speech.wav"),
    lambda: (samples, 24000), lambda: ((samples * 30000).astype("int16"), np.int64(8000)),
    lambda: {"text": "said", "audio": samples, "sample_rate_hz": 24000}, lambda: {"audio": (samples, 24000)},
    lambda: {"text": 4, "audio": "speech.wav"}, lambda: {"text": None, "audio": raw}, later,
    lambda: (np.stack([samples, samples], 1), 24000),
]

def answer(turn):
    return kinds[int(turn.item.id[1:])]()
"""


def test_every_form_of_an_answer(module: Path, tmp_path: Path) -> None:
    (tmp_path / "speech.wav").write_bytes(SPEECH)
    module.write_text(GOOD)
    done = ask(write_items(tmp_path / "set", 12), "python:my_model:answer?workers=3")
    assert done.outcomes == {f"q{number}": "ok" for number in range(12)}, [r.reason for r in done.all]
    rates = [done.responses[f"q{n}"].answers[0].audio.sample_rate_hz for n in range(12)]  # type: ignore[union-attr]
    assert rates == [16000] * 4 + [24000, 8000, 24000, 24000, 16000, 16000, 16000, 24000]
    assert [done.responses[f"q{n}"].answers[0].text for n in (0, 6, 8)] == [None, "said", "4"]


BAD = {
    "None": ("no_speech", "no recording"),
    "'a text alone'": ("no_speech", "no recording"),
    "4": ("crashed", "without a sample rate"),
    "samples": ("crashed", "without a sample rate"),
    "{'txt': 'x'}": ("crashed", "['txt']"),
    "{'audio': samples}": ("crashed", "without a sample rate"),
    "(samples, 0)": ("crashed", "sample rate 0"),
    "(samples, '16000')": ("crashed", "sample rate '16000'"),
    "(samples, 16000.0)": ("crashed", "sample rate 16000.0"),
    "(samples.reshape(2, 2, -1), 8000)": ("crashed", "shape (2, 2, 2000)"),
    "(['a'], 8000)": ("crashed", "samples of type"),
    "(samples[:0], 8000)": ("no_speech", "without a single frame"),
    "(samples * 0, 8000)": ("no_speech", "digital silence"),
    "(samples * np.nan, 8000)": ("broken_audio", "NaN"),
    "(samples * 9, 8000)": ("broken_audio", "over full scale"),
    "b''": ("no_speech", "zero bytes"),
    "b'RIFF'": ("broken_audio", "does not decode"),
    "'gone.wav'": ("crashed", "FileNotFoundError"),
    "Answer(text=4)": ("crashed", "no answer"),
    "Answer(audio='speech.wav')": ("crashed", "TypeError"),
    "Answer(status='lost')": ("crashed", "no answer"),
    "Answer(seconds=float('nan'))": ("crashed", "no answer"),
    "Answer(details={'deep': [1]})": ("crashed", "no answer"),
    "Answer(details=None)": ("crashed", "no answer"),
    "Answer(text='half \\ud83d', details={'\\ud83d': '\\ud83d'})": ("no_speech", "no recording"),
    "Lost('as if a provider were down')": ("crashed", "got Lost without a sample rate"),
    "throw(ValueError('half \\ud83d sk-abcdefghijklmnopqrstuvwx'))": ("crashed", "ValueError: half"),
    "throw(SystemExit(0))": ("crashed", "SystemExit"),
    "throw(KeyboardInterrupt())": ("crashed", "KeyboardInterrupt"),
    "throw(GeneratorExit())": ("crashed", "GeneratorExit"),
    "throw(asyncio.CancelledError())": ("crashed", "CancelledError"),
    "throw(Unspeakable())": ("crashed", "Unspeakable"),
    "throw(StopIteration())": ("crashed", "StopIteration"),
    "dive(0)": ("crashed", "RecursionError"),
    "never()": ("crashed", "ValueError: in a coroutine"),
}


def test_whatever_else_it_does_is_its_own_outcome(module: Path, tmp_path: Path) -> None:
    module.write_text(f"""
import asyncio
import numpy as np
from wavjudge.bench.candidates.base import Answer
from wavjudge.speech.base import Lost

samples = np.sin(np.arange(8000) / 9)

class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError("no words")

def throw(error):
    raise error

def dive(depth):
    return dive(depth + 1)

async def never():
    raise ValueError("in a coroutine")

def answer(turn):
    number = int(turn.item.id[1:])
    return (samples, 8000) if number == 0 else eval({list(BAD)!r}[number - 1])
""")
    done = ask(write_items(tmp_path / "set", len(BAD) + 1), "python:my_model:answer")
    for number, (what, (status, reason)) in enumerate(BAD.items(), 1):
        response = done.responses[f"q{number}"]
        assert (what, response.status) == (what, status), response.reason
        assert reason in (response.reason or ""), (what, response.reason)
    assert done.asked.lost == 0 and b"sk-abcdef" not in (done.run / "responses.jsonl").read_bytes()


def test_a_call_that_hangs_is_a_time_out_and_the_third_stops_the_run(module: Path, tmp_path: Path) -> None:
    module.write_text("""
import threading
def answer(turn):
    if turn.item.id != "q0": threading.Event().wait(30)
    return "fine"
""")
    done = ask(write_items(tmp_path / "set", 9), "python:my_model:answer?timeout=0.2&speech=false")
    assert list(done.outcomes.values()) == ["ok", "timed_out", "timed_out", "timed_out"]
    assert isinstance(done.asked.stopped, ProviderDownError) and "never came back" in str(done.asked.stopped)


def test_a_call_that_comes_back_late_is_not_one_that_hangs(module: Path, tmp_path: Path) -> None:
    module.write_text("""
import threading
done = threading.Semaphore(0)
def answer(turn):
    if int(turn.item.id[1:]) % 2:  # each second call waits until the next one has come
        done.acquire(timeout=30)
    else:
        done.release()
    return "fine"
""")
    done = ask(write_items(tmp_path / "set", 12), "python:my_model:answer?timeout=0.2&speech=false")
    assert done.asked.stopped is None
    assert [done.outcomes[f"q{n}"] for n in range(12)].count("timed_out") <= 6
    assert len(done.all) == 12


def test_the_turn_holds_nothing_by_which_the_answer_is_rated(module: Path, tmp_path: Path) -> None:
    module.write_text("def answer(turn):\n    return repr(turn) + turn.item.model_dump_json()")
    done = ask(write_items(tmp_path / "set", 1), "python:my_model:answer?speech=false")
    text = done.all[0].answers[0].text or ""
    assert "q0" in text and SECRET not in text
    talks = ask(write_talks(tmp_path / "talks", 1, 3), "python:my_model:answer?speech=false&name=b", out=tmp_path / "b")
    first, second, third = (said.text or "" for said in talks.all[0].answers)
    assert "Words 0 1." not in first and "Words 0 2." not in second and "Words 0 2." in third
    assert SECRET not in first + second + third


def test_text_by_design_needs_no_recording_and_silence_is_still_no_answer(module: Path, tmp_path: Path) -> None:
    module.write_text("def answer(turn):\n    return {'q0': 'words', 'q1': '  ', 'q2': None}[turn.item.id]")
    done = ask(write_items(tmp_path / "set", 3), "python:my_model:answer?speech=false")
    assert list(done.outcomes.values()) == ["ok", "no_speech", "no_speech"]
    assert done.responses["q1"].reason == "the candidate gave no text"


def test_a_module_that_cannot_be_is_refused(module: Path, tmp_path: Path) -> None:
    benchmark = write_items(tmp_path / "set", 1)
    for code, spec, problem in (
        ("", "python:my_model", "expected MODULE:NAME"),
        ("", "python:my_model:", "MODULE:NAME"),
        ("", "python:my_model:nothing", "does not have"),
        ("answer = 4", "python:my_model:answer", "an int, expected a function"),
        ("import sys; sys.exit(0)", "python:my_model:answer", "SystemExit"),
        ("1 / 0", "python:my_model:answer", "ZeroDivisionError"),
        ("def (", "python:my_model:answer", "SyntaxError"),
        ("", "python:my_modell:answer", "'my_modell', which is not there"),
        ("", "python:..:answer", "expected MODULE:NAME"),
    ):
        sys.modules.pop("my_model", None)
        module.write_text(code)
        with pytest.raises(SpecError, match=problem):
            ask(benchmark, spec)
    assert not (tmp_path / "run").exists()


def test_a_method_and_a_longer_path(module: Path, tmp_path: Path) -> None:
    module.write_text(
        "class Model:\n    @staticmethod\n    def answer(turn):\n        return turn.wav(turn.question.audio, 8000)"
    )
    (response,) = ask(write_items(tmp_path / "set", 1), "python:my_model:Model.answer").all
    assert response.status == "ok" and response.answers[0].audio is not None
    assert response.answers[0].audio.sample_rate_hz == 8000
    assert np.isclose(response.answers[0].audio.seconds, 0.1, atol=0.01)
