"""AudioJudge's pointwise result files: made here in exactly that format, and the real three where they are at hand."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.cli.typed import typed
from wavjudge.bench.importers import FORMATS
from wavjudge.bench.importers.base import write
from wavjudge.errors import InputError

COLUMNS = (
    "audio1_path", "audio2_path", "ground_truth", "prediction", "score1", "score2", "reasoning1", "reasoning2",
    "correct", "prompt_type", "dataset_name", "n_shots", "transcript_type", "aggregate_fewshot", "instruction_id",
    "groundtruth1", "groundtruth2",
)  # fmt: skip
NAME = "somos_standard_cot_0_shots_none_transcript_fewshot_separate_gpt_4o_audio_preview.csv"


def source(folder: Path, *scores: tuple[str, str, str, str], name: str = NAME) -> Path:
    """One file; each row is score1, score2, groundtruth1, groundtruth2."""
    path = folder / name
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        for number, (one, two, truth1, truth2) in enumerate(scores, 5):
            writer.writerow({
                "audio1_path": f"audio_data/somos_audio/{number}/audio_a.wav", "score1": one, "groundtruth1": truth1,
                "audio2_path": f"audio_data/somos_audio/{number}/audio_b.wav", "score2": two, "groundtruth2": truth2,
                "dataset_name": "somos", "prompt_type": "standard_cot", "n_shots": "0", "transcript_type": "none",
                "aggregate_fewshot": "False", "reasoning1": "clear, no noise",
            })  # fmt: skip
    return path


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def imported(path: Path, out: Path) -> tuple[list[dict[str, str]], list[dict[str, str]], list[str]]:
    found = FORMATS["audiojudge"](path)
    write(found, out)
    return read(out / "ratings.csv"), read(out / "labels.csv"), found.bad_rows


def test_columns_that_are_not_used_are_counted_by_rows(tmp_path: Path) -> None:
    for name in (NAME, NAME.replace("gpt_4o", "other")):
        source(tmp_path, *[("5", "4", "4", "3")] * 3, name=name)
    found = FORMATS["audiojudge"](tmp_path)
    write(found, tmp_path / "out")
    assert found.unused_fields["correct"] == 6
    done = typed("import", "audiojudge", tmp_path / NAME, "--out", tmp_path / "typed")
    assert done.code == 0 and 'field "correct" is not used, in 3 rows' in done.err


def test_item_candidate_axis_and_raters_are_as_stated(tmp_path: Path) -> None:
    ratings, labels, bad = imported(source(tmp_path, ("5", "4", "4.6667", "3.6429")), tmp_path / "out")
    assert [(r["item_id"], r["candidate"], r["axis"], r["score"]) for r in ratings] == [
        ("somos/5", "audio_a", "naturalness", "5.0"), ("somos/5", "audio_b", "naturalness", "4.0"),
    ]  # fmt: skip
    assert {(r["rater"], r["rater_kind"], r["status"]) for r in ratings} == {
        ("audiojudge:gpt_4o_audio_preview", "model", "ok")
    }
    assert [(r["rater"], r["rater_kind"], r["score"]) for r in labels] == [
        ("people_mean", "person", "4.6667"), ("people_mean", "person", "3.6429"),
    ]  # fmt: skip
    assert not bad and ratings[0]["justification"] == "clear, no noise"


@pytest.mark.parametrize("text", ["", "six", "0", "5.1", "nan", "inf", "-1"])
def test_what_is_no_score_from_one_to_five_is_kept_as_unparseable_and_named(text: str, tmp_path: Path) -> None:
    ratings, _, bad = imported(source(tmp_path, (text, "4", "3", "3")), tmp_path / "out")
    assert (ratings[0]["status"], ratings[0]["score"]) == ("unparseable", "")
    assert len(bad) == 1 and 'line 2, field "score1"' in bad[0]


def test_labels_that_files_repeat_stand_once_and_contradicting_ones_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    source(folder, ("5", "4", "3", "2"))
    source(folder, ("4", "4", "3", "1"), name=NAME.replace("_0_shots", "_4_shots"))
    ratings, labels, bad = imported(folder, tmp_path / "out")
    assert (len(ratings), [label["score"] for label in labels]) == (4, ["3.0", "2.0"])
    assert len(bad) == 1 and "another label for somos/5" in bad[0]


def test_a_file_of_another_format_says_which_columns_are_missing(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="audio1_path"):
        imported(path, tmp_path / "out")
