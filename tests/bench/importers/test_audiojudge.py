"""AudioJudge's pointwise result files: made here in exactly that format, and the real three where they are at hand."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.cli.typed import typed
from wavjudge.bench.importers import FORMATS
from wavjudge.bench.importers.base import write
from wavjudge.errors import InputError
from wavjudge.types import Comparison

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
    assert [(r["item_id"], r["candidate"], r["attempt"], r["axis"], r["score"]) for r in ratings] == [
        ("somos/5", "not_stated", "0", "naturalness", "5.0"), ("somos/5", "not_stated", "1", "naturalness", "4.0"),
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


# The axis and the candidates as the source says


@pytest.mark.parametrize(
    "dataset, axis",
    [("speakbench508", "speakbench_overall"), ("tmhintq", "speech_quality"), ("thaimos", "naturalness"),
     ("other-set", "audiojudge_other_set")],
)  # fmt: skip
def test_the_axis_is_what_the_data_set_asks(tmp_path: Path, dataset: str, axis: str) -> None:
    path = source(tmp_path, ("5", "4", "", ""))
    path.write_text(path.read_text().replace("somos", dataset), encoding="utf-8")
    ratings, labels, _ = imported(path, tmp_path / "out")
    assert {(r["benchmark"], r["axis"]) for r in ratings} == {(dataset, axis)} and labels == []


def test_models_are_looked_up_in_the_data_set_where_that_lies_above(tmp_path: Path) -> None:
    place = "audio_data/somos_audio/5/audio_"
    data = [{"audio1_path": f"{place}a.wav", "audio2_path": f"{place}b.wav", "model_a": "m1", "model_b": "m2"}]
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "somos_dataset.json").write_text(json.dumps(data), encoding="utf-8")
    (tmp_path / "results").mkdir()
    ratings, _, _ = imported(source(tmp_path / "results", ("5", "4", "", "")), tmp_path / "out")
    assert [(r["candidate"], r["attempt"]) for r in ratings] == [("m1", "0"), ("m2", "0")]


# Pairs


PAIRS = (*COLUMNS[:4], "reasoning", *COLUMNS[8:14], "concat_fewshot", "concat_test", "two_turns")
PAIR_NAME = "somos_standard_cot_0_shots_none_transcript_single_turn_fewshot_separate_test_concat_gpt_4o.csv"


def pairs(folder: Path, *votes: tuple[str, str], name: str = PAIR_NAME, **more: str) -> Path:
    """A pairwise file; each row is ground_truth, prediction."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, (*PAIRS, *(key for key in more if key not in PAIRS)), restval="")
        writer.writeheader()
        for number, (truth, said) in enumerate(votes):
            writer.writerow({
                "audio1_path": f"audio_data/somos_audio/{number}/audio_a.wav", "ground_truth": truth,
                "audio2_path": f"audio_data/somos_audio/{number}/audio_b.wav", "prediction": said,
                "dataset_name": "somos", "prompt_type": "standard_cot", "reasoning": "clear", **more,
            })  # fmt: skip
    return folder / name


def compared(path: Path, out: Path) -> tuple[list[Comparison], list[str]]:
    found = FORMATS["audiojudge"](path)
    write(found, out)
    lines = (out / "comparisons.jsonl").read_text().splitlines() if (out / "comparisons.jsonl").exists() else []
    return [Comparison.model_validate_json(line) for line in lines], found.bad_rows


def test_pairs_become_comparisons_of_the_judge_and_of_people(tmp_path: Path) -> None:
    made, bad = compared(pairs(tmp_path / "in", ("1", "2"), ("tie", "tie"), ("2", "")), tmp_path / "out")
    assert [(one.rater, one.rater_kind, one.outcome, one.status, one.shown_first) for one in made] == [
        ("audiojudge:gpt_4o", "model", "b", "ok", "a"), ("audiojudge:people", "person", "a", "ok", None),
        ("audiojudge:gpt_4o", "model", "tie", "ok", "a"), ("audiojudge:people", "person", "tie", "ok", None),
        ("audiojudge:gpt_4o", "model", None, "unparseable", "a"), ("audiojudge:people", "person", "b", "ok", None),
    ]  # fmt: skip
    assert {one.axis for one in made} == {"naturalness"} and made[0].justification == "clear" and len(bad) == 1
    assert "prompt_type:standard_cot" in made[0].signature
    assert (made[0].first.attempt, made[0].second.attempt, made[0].first.item_id) == (0, 1, "somos/0")


def test_people_stand_once_and_the_other_order_adds_the_judge_alone(tmp_path: Path) -> None:
    pairs(tmp_path / "in" / "somos", ("1", "1"))
    pairs(tmp_path / "in" / "somos", ("1", "2"), name=PAIR_NAME.replace("_0_shots", "_4_shots"))
    pairs(tmp_path / "in" / "results_swapped", ("1", "2"))
    pairs(tmp_path / "in" / "combined_results", ("1", "1"), name="all_results.csv")
    made, _ = compared(tmp_path / "in", tmp_path / "out")
    assert sorted(one.rater_kind for one in made) == ["model", "model", "model", "person"]


def test_a_row_says_which_models_it_compares(tmp_path: Path) -> None:
    made, _ = compared(pairs(tmp_path, ("1", "2"), model_a="gpt-4", model_b="vicuna"), tmp_path / "out")
    assert (made[0].first.candidate, made[0].second.candidate) == ("gpt-4", "vicuna")


def test_alike_or_not_is_no_preference_and_is_told(tmp_path: Path) -> None:
    made, bad = compared(pairs(tmp_path, ("True", "False"), ("False", "False")), tmp_path / "out")
    assert made == [] and "2 rows say whether two recordings are alike, not which is better" in bad[0]
