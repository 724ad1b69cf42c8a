"""What somebody mistypes on first contact: each is answered with what was found, what was expected, and the nearest."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.typed import answers, typed


@pytest.fixture(autouse=True)
def _in_a_folder_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("answer.py").write_text("")
    Path("my_model.py").write_text("")
    Path("run.sh").write_text("")
    Path("stored").mkdir()


@pytest.mark.parametrize(
    ("spec", "meant"),
    [
        ("python answer.py", "command:python answer.py"), ("answer.py", "command:python answer.py"),
        ("run.sh --fast", "command:sh run.sh --fast"), ("my_model:answer", "python:my_model:answer"),
        ("comand:python answer.py", "command:python answer.py"), ("stored", "recorded:stored"),
        ("gpt-audio-1.5", "openai:gpt-audio-1.5"), ("openai/gpt-audio-1.5", "openai:gpt-audio-1.5"),
        ("google/gemini-3.5-flash", "gemini:gemini-3.5-flash"), ("models/gemini-3.5-flash", "gemini:gemini-3.5-flash"),
        ("mistral/voxtral-2", "gemini:mistral/voxtral-2 or openai:mistral/voxtral-2"),
    ],
)  # fmt: skip
def test_a_candidate_without_a_kind_gets_the_whole_spec_that_was_meant(spec: str, meant: str) -> None:
    done = typed("run", "tiny", "--candidate", spec, "--only", "answers", "--out", "run")
    assert done.code == 2 and f"did you mean {meant}?" in done.err, done.err
    assert not Path("run").exists()


@pytest.mark.parametrize(
    ("words", "found", "todo"),
    [
        (("judges", "opneai"), "got the judge kind 'opneai', expected one of checks, gemini", "did you mean openai?"),
        (("candidates", "comand:x"), "got the candidate kind", "did you mean command?"),
        (("voices", "espaek"), "got the voice kind", "did you mean espeak?"),
        (("ears", "monshine"), "got the ear kind", "did you mean moonshine?"),
        (("prompts", "semantik"), "got the prompt name", "did you mean semantic?"),
        (("import", "voicebnch", "x", "--out", "y"), "got the format", "did you mean voicebench?"),
        (("rewards", "chek"), "No such command 'chek'", "Did you mean 'check'?"),
        (("cache", "empty"), "No such command 'empty'", "Commands are: info, clear."),
        (("frobnicate",), "No such command 'frobnicate'", "Commands are: run, score,"),
    ],
)  # fmt: skip
def test_every_list_of_names_has_a_nearest_one(words: tuple[str, ...], found: str, todo: str) -> None:
    done = typed(*words)
    assert done.code == 2 and found in done.err and todo in done.err, done.err


SPEC = "openai:m?base_url=http://127.0.0.1:1/v1"


@pytest.mark.parametrize(
    ("options", "found", "todo"),
    [
        (("--judge", SPEC, "--axes", "semantik"), "got the axis 'semantik'", "did you mean semantic?"),
        (("--judge", SPEC, "--axes", "semantic overall"), "got the axis", "did you mean semantic,overall? Several"),
        (("--judge", SPEC, "--axes", "semantik,acustic"), "got the axes 'acustic', 'semantik'",
         "acustic: did you mean acoustic? semantik: did you mean semantic?"),
        (("--judge", SPEC, "--prompt-set", "seperate"), "got the prompt set 'seperate', expected one of acoustic",
         "did you mean separate?"),
        (("--judge", SPEC, "--keep-audio", "copies"), "got --keep-audio 'copies'", "did you mean copy?"),
        (("--judge", SPEC, "--retry", "fialed"), "got --retry fialed", "did you mean failed?"),
        (("--judge", "openai:m?base_url=localhost:8000/v1"), "got base_url 'localhost:8000/v1', expected http://",
         "did you mean http://localhost:8000/v1?"),
        (("--judge", "openai:m?base_url=192.168.1.7:8000/v1"), "got base_url", "did you mean http://192.168.1.7:8000/v1?"),
        (("--judge", "openai:m?base_url=api.example.org/v1"), "got base_url", "did you mean https://api.example.org/v1?"),
        (("--judge", f"{SPEC}&part=audio-url"), "got part=audio-url", "did you mean part=audio_url?"),
        (("--judge", f"{SPEC}&max_tokens=lots"), "got max_tokens=lots, expected a whole number", ""),
        (("--judge", f"{SPEC}&temprature=1"), "got the option 'temprature'", "did you mean temperature?"),
    ],
)  # fmt: skip
def test_a_mistyped_value_gets_the_nearest_one(options: tuple[str, ...], found: str, todo: str, tmp_path: Path) -> None:
    done = typed("score", answers(tmp_path), *options, "--out", "new")
    assert done.code == 2 and found in done.err and todo in done.err, done.err
    assert not Path("new").exists()


@pytest.mark.parametrize(
    ("toml", "judge", "found", "todo"),
    [
        ('[models.mine]\nspec = "openai:m"', "@mien", "got '@mien', expected a model of wavjudge.toml: mine",
         "did you mean @mine? Or write [models.mien] and spec ="),
        ("", "@mine", "expected a model of wavjudge.toml: none is defined", "write [models.mine] and spec ="),
        ('[models.mine]\nkind = "opnai"\nname = "m"', "@mine", "of the kind 'opnai', expected one of cascade, checks",
         "did you mean openai?"),
        ('[model.mine]\nspec = "openai:m"', "@mine", "got the table [model...], expected [models.NAME]", "models?"),
        ('[models.mine]\nspecs = "openai:m"', "@mine", "[models.mine]: got specs, expected either spec or kind",
         "'specs' is perhaps spec"),
        ("[models.mine]\nkind = openai", "@mine", "not TOML: ", "text stands in quotation marks"),
        ('[models.mine]\nkind = "openai"\nname = "m"\nbase_ulr = "http://h/v1"', "@mine", "got the option 'base_ulr'",
         "did you mean base_url?"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_file_of_names_is_named(toml: str, judge: str, found: str, todo: str, tmp_path: Path) -> None:
    Path("wavjudge.toml").write_text(toml)
    done = typed("score", answers(tmp_path), "--judge", judge, "--out", "new")
    assert done.code == 2 and found in done.err and todo in done.err, done.err


TABLE = {
    "calibrate, labels": ("calibrate", "good.csv", "--labels", "{}", "--out", "new"),
    "calibrate, ratings": ("calibrate", "{}", "--labels", "good.csv", "--out", "new"),
    "leaderboard": ("leaderboard", "{}", "--out", "new.csv"),
    "compare judges": ("compare", "judges", "{}", "--labels", "good.csv"),
    "compare candidates": ("compare", "candidates", "{}"),
    "rollouts": ("rewards", "rollouts", "{}"),
    "plan": ("plan", "labels", "--pilot", "{}", "--within", "0.1"),
}


@pytest.mark.parametrize("command", TABLE)
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ("t.csv: got an empty file, expected a table with the columns item_id, axis, rater, score",)),
        ("item_id,candidate,axis,rater,score\n", ("t.csv: got no rows, only a header",)),
        ("id,model,dimension,annotator,rating\n1,m,overall,ann,3\n",
         ("t.csv: got the columns id, model, dimension, annotator, rating, expected also item_id, axis, rater, score",
          "'id' is perhaps item_id; 'model' is perhaps candidate; 'dimension' is perhaps axis; 'annotator' is perhaps "
          "rater; 'rating' is perhaps score")),
    ],
    ids=["empty", "header", "other names"],
)  # fmt: skip
def test_a_table_of_ratings_with_other_columns_is_told_each_right_name(
    command: str, text: str, said: tuple[str, ...]
) -> None:
    Path("good.csv").write_text("item_id,candidate,axis,rater,score\n1,m,overall,ann,3\n")
    Path("t.csv").write_text(text)
    done = typed(*(word.format("t.csv") for word in TABLE[command]))
    assert done.code == 2 and all(one in done.err for one in said), done.err
    assert not Path("new").exists() and not Path("new.csv").exists()


def test_what_is_no_calibration_is_said_to_be_what_it_is(tmp_path: Path) -> None:
    Path("t.csv").write_text("item_id,axis,rater,score\n")
    Path("calibration").mkdir()
    Path("run").mkdir()
    Path("run", "manifest.json").write_text("{}")
    table, none, run, path = (typed("rewards", "check", one) for one in ("t.csv", "stored", "run", "calibratoin"))
    assert "got a .csv file, expected a calibration.json" in table.err and "wavjudge calibrate RUN" in table.err
    assert "got a folder without calibration.json" in none.err
    assert "got a run folder, expected a calibration" in run.err and "wavjudge calibrate run --labels" in run.err
    assert "did you mean calibration?" in path.err
    assert {done.code for done in (table, none, run, path)} == {2}
