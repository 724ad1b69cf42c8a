"""Case 12: the script of the words decides, too, whether the English recogniser applies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.typed import rows, spec, typed
from tests.loopback.server import Loopback
from wavjudge import load, signals
from wavjudge.errors import MissingPartError

try:
    signals.require(["intelligibility"])
except MissingPartError as missing:
    pytest.skip(f"the recogniser is not installed: {missing}", allow_module_level=True)


def test_words_in_another_script_get_no_number_from_the_english_recogniser(
    case: Callable[[str], Path], tmp_path: Path
) -> None:
    words = (
        "score",
        case("12") / "answers.jsonl",
        "--judge",
        "checks",
        "--judge",
        "signals",
        "--out",
        tmp_path / "run",
    )
    done = typed(*words, "--axes", "wer,cer,intelligibility,speech_rate")
    found = {(r.subject.item_id, r.axis): (r.status, r.score) for r in load(tmp_path / "run").ratings()}
    assert done.code == 0 and len(found) == 8 and set(found.values()) == {("not_applicable", None)}


def test_a_judge_that_is_shown_what_was_heard_is_not_shown_guesses(case: Callable[[str], Path], tmp_path: Path) -> None:
    folder = case("12")
    file = rows({"item_id": "asked-in-chinese", "question_text": "你好吗", "audio": "a.wav"}, folder=folder)
    with Loopback() as server:
        judge = spec(server, options="&answer_audio=false&transcript=recognised")
        typed("score", file, "--judge", judge, "--out", tmp_path / "run", "--axes", "semantic")
        assert server.requests == 0
    (rating,) = load(tmp_path / "run").ratings()
    assert rating.status == "not_applicable" and "not written in Latin letters" in (rating.reason or "")
