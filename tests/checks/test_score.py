"""`checks` as somebody types it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import wavjudge
from tests.cli.typed import rows, typed
from tests.signals.sounds import needs_espeak, needs_models, say
from wavjudge.judges.base import Case
from wavjudge.judges.instruments import checks_judge
from wavjudge.types import Check, Item, Rating, Response, Utterance

CHOICE = [{"kind": "choice", "options": {"answer": "B"}}]
SAID = "The capital of France is Paris, and the train to Paris leaves from platform two."
NO_PART = "choice,choice_given,refusal,instructions"


def scored(run: Path) -> dict[tuple[str, str], tuple[str, float | None]]:
    return {(r.subject.item_id, r.axis): (r.status, r.score) for r in wavjudge.load(run).ratings()}


def test_text_answers_and_a_second_pass_that_has_nothing_to_do(tmp_path: Path) -> None:
    file = rows(
        {"item_id": "1", "question_text": "Which?", "text": "I'd say B.", "checks": CHOICE, "language": "en"},
        {"item_id": "2", "question_text": "Which?", "text": "I can't help with that.", "checks": CHOICE},
        {"item_id": "3", "question_text": "Welche?", "text": "B", "checks": CHOICE, "language": "de"},
        folder=tmp_path,
    )
    words = ("score", file, "--judge", "checks", "--out", tmp_path / "run", "--axes", NO_PART)
    first, second = typed(*words, "--json"), typed(*words, "--json")
    assert (first.code, first.json["this_pass"]["done"]) == (0, 12)
    assert (second.code, second.json["this_pass"]["done"]) == (0, 0)
    found = scored(tmp_path / "run")
    assert [found[name, "choice"] for name in "123"] == [("ok", 1), ("ok", 0), ("not_applicable", None)]
    assert [found[name, "choice_given"][1] for name in "123"] == [1, 0, None]
    assert [found[name, "refusal"][1] for name in "123"] == [0, 1, None]
    ratings = list(wavjudge.load(tmp_path / "run").ratings())
    assert {rating.signature for rating in ratings if rating.axis == "choice"} == {"checks|choice|rules:4|text:own|v1"}
    assert len({rating.signature for rating in ratings}) == 4


async def rated(case: Case, axis: str) -> Rating:
    judge = checks_judge([axis])
    try:
        (task,) = judge.tasks
        (rating,) = await judge.rate(case, task, 0)
        return rating
    finally:
        await judge.aclose()


def test_what_an_item_states_is_about_its_last_turn(tmp_path: Path) -> None:
    said = (Utterance(text="Hello, you"), Utterance(text="As you wish."))
    asked = (Check(kind="instruction", options={"id": "punctuation:no_comma"}),)
    item = Item(benchmark="b", id="1", turns=(Utterance(text="Hi"), Utterance(text="No commas.")), checks=asked)
    response = Response(benchmark="b", item_id="1", candidate="m", answers=said)
    last = asyncio.run(rated(Case(item, response, tmp_path), "instructions"))
    first = asyncio.run(rated(Case(item, response, tmp_path, turn=0), "instructions"))
    assert (last.score, last.subject.turn) == (1, 1)
    assert (first.score, first.reason) == (None, "what an item states is about its last turn")
    assert asyncio.run(rated(Case(item, response, tmp_path, turn=0), "refusal")).score == 0


@needs_models
@needs_espeak
def test_speech_is_heard_once_and_read_by_every_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import soundfile

    from wavjudge import signals

    wave = say(SAID)
    soundfile.write(tmp_path / "a.wav", wave.samples, wave.sample_rate_hz)
    heard, transcribe = [], signals.transcribe
    monkeypatch.setattr(signals, "transcribe", lambda wave: heard.append(1) or transcribe(wave))
    stated = [{"kind": "reference", "options": {"answers": ["platform two"]}}]
    shared = {"question_text": "When?", "checks": stated, "audio": "a.wav"}
    file = rows({"item_id": "same", "text": SAID, **shared}, {"item_id": "other", "text": "At six.", **shared},
                folder=tmp_path)  # fmt: skip
    done = typed("score", file, "--judge", "checks?text=recognised&workers=2", "--judge", "signals?workers=1",
                 "--axes", "wer,cer,reference_match,clipping", "--out", tmp_path / "run")  # fmt: skip
    assert (done.code, done.err) == (0, "")
    found = scored(tmp_path / "run")
    assert found["same", "wer"][1] < 0.5 < found["other", "wer"][1]
    assert found["same", "cer"][1] < found["other", "cer"][1]
    assert found["other", "reference_match"] == ("ok", 1)  # the recording says platform two, whatever its text says
    assert found["same", "clipping"][0] == "ok"
    assert len(heard) == 1  # one recording, six tasks on it in two threads
    signatures = {r.axis: r.signature for r in wavjudge.load(tmp_path / "run").ratings()}
    assert signatures["wer"].startswith("checks|wer|rules:2|text:asr:moonshine-tiny-en:")


def test_an_unknown_axis_names_those_of_both_instruments(tmp_path: Path) -> None:
    file = rows({"item_id": "1", "text": "B"}, folder=tmp_path)
    done = typed("score", file, "--judge", "checks", "--axes", "choise", "--out", tmp_path / "run")
    assert done.code == 2
    assert "got the axis choise" in done.err and "reference_match" in done.err and "clipping" in done.err


def test_a_missing_part_says_which_axes_do_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wavjudge.errors import MissingPartError
    from wavjudge.signals import models

    def missing(part: models.Part, axes: list[str]) -> None:
        raise MissingPartError(f"got no {part.module}, which {', '.join(axes)} cannot do without", todo="install it")

    monkeypatch.setattr(models, "require", missing)
    file = rows({"item_id": "1", "text": "B"}, folder=tmp_path)
    done = typed("score", file, "--judge", "checks", "--out", tmp_path / "run")
    assert done.code == 2 and f"--axes {NO_PART}" in done.err and "wer, cer, reference_match cannot do" in done.err
    done = typed("score", file, "--judge", "checks", "--axes", NO_PART, "--out", tmp_path / "run")
    assert done.code == 0
