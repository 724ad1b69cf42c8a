"""The nearest right name, in the words of every error about a name that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.typed import typed
from wavjudge.bench.rows import Row, validated
from wavjudge.nearest import did_you_mean, of_path


def test_a_path_is_told_what_is_like_it_or_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "runs" / "first").mkdir(parents=True)
    (tmp_path / "runs" / "other.csv").touch()
    assert of_path(tmp_path / "runs" / "frist") == f"check the path: did you mean {tmp_path}/runs/first?"
    assert of_path(tmp_path / "rums" / "first" / "x") == f"check the path: did you mean {tmp_path}/runs/first/x?"
    assert of_path(tmp_path / "runs" / "zzz").endswith("has no 'zzz', it holds first, other.csv")
    (tmp_path / "empty").mkdir()
    assert of_path(tmp_path / "empty" / "a").endswith("has no 'a', it holds (none)")


@pytest.mark.parametrize(
    "words",
    [
        ("score", "{}", "--judge", "signals", "--out", "new"), ("leaderboard", "{}", "--out", "new"),
        ("export", "{}", "--out", "new"), ("show", "{}"), ("pairs", "{}", "--out", "new"),
        ("calibrate", "{}", "--labels", "labels.csv", "--out", "new"),
        ("calibrate", "labels.csv", "--labels", "{}", "--out", "new"),
        ("compare", "judges", "{}", "--labels", "labels.csv"), ("import", "plain", "{}", "--out", "new"),
        ("plan", "labels", "--pilot", "{}", "--within", ".1"), ("train", "run", "{}"), 
        ("run", "./{}", "--candidate", "cascade:offline", "--only", "answers", "--out", "new"),
    ],
    ids=lambda words: " ".join(words[:2]),
)  # fmt: skip
def test_every_command_names_the_path_that_was_meant(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if words[0] == "train":
        pytest.importorskip("torch", reason="training needs the extra `train`")
    monkeypatch.chdir(tmp_path)
    Path("answers").mkdir()
    Path("labels.csv").write_text("item_id,axis,rater,score\n1,overall,ann,3\n")
    done = typed(*(word.format("anwsers") for word in words))
    assert done.code == 2 and "did you mean answers?" in done.err, done
    assert not Path("new").exists()


def test_a_name_of_a_field_gets_the_nearest_and_all_that_are_known() -> None:
    said = validated({"id": "1", "model": "m", "wav": "a.wav"}, Row, own=True)
    assert isinstance(said, str) and said.startswith('field "item_id": not there; got id, model, wav; ')
    assert "'id' is perhaps item_id; 'model' is perhaps candidate; 'wav' is perhaps audio" in said
    strange = validated({"item_id": "1", "candidat": "m", "zzz": "1"}, Row, own=True)
    assert isinstance(strange, str) and "got item_id, candidat, zzz; 'candidat' is perhaps candidate; " in strange


def test_an_axis_and_an_item_get_the_nearest() -> None:
    assert did_you_mean("Semantik", ["semantic", "overall"]) == "did you mean semantic?"
    assert did_you_mean("q9", ["a", "b"]) == "known are: a, b"


@pytest.mark.parametrize(("text", "what"), [("", "an empty file"), ("item_id,audio\n", "a file without a row")])
def test_a_table_without_answers_is_named_with_what_it_should_hold(text: str, what: str, tmp_path: Path) -> None:
    file = tmp_path / "answers.csv"
    file.write_text(text)
    done = typed("score", file, "--judge", "signals", "--out", tmp_path / "run")
    assert done.code == 2 and f"answers.csv: got {what}, expected one answer a row" in done.err
