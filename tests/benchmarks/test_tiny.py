"""The shipped tiny set keeps its promises: files, hashes, labels, and the rule table agree."""

import csv
import hashlib
import json
import tomllib
from pathlib import Path

import pytest
import soundfile

TINY = Path(__file__).parents[2] / "benchmarks" / "tiny"
AXES = ("semantic", "acoustic", "overall", "signal_quality", "intelligibility")
COLUMNS = (
    "benchmark,item_id,candidate,attempt,turn,axis,scale_low,scale_high,rater,rater_kind,"
    "repeat,score,status,reason,justification,signature,tags"
)
SHORT = ("truncated", "fast")


def read_jsonl(name: str) -> list[dict]:
    return [json.loads(line) for line in (TINY / name).read_text(encoding="utf-8").splitlines()]


def tag(row: dict, key: str) -> str:
    pairs = dict(pair.split("=", 1) for pair in row["tags"])
    return pairs.get(key, "")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


ITEMS = read_jsonl("items.jsonl")
RESPONSES = read_jsonl("responses.jsonl")
WITH_FILE = [row for row in RESPONSES if row["audio"]]
DESCRIPTION = tomllib.loads((TINY / "benchmark.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def labels() -> list[dict[str, str]]:
    with (TINY / "labels.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def rule_table() -> dict[str, dict[str, str]]:
    """Degradation -> axis -> cell, from the table in README.md."""
    lines = (TINY / "README.md").read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("| degradation |"))
    table = {}
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        name, _done, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        table[name.strip("`")] = dict(zip(AXES, cells, strict=True))
    return table


def answer_id(row: dict) -> str:
    return f"{row['candidate']}/{row['item_id']}"


def test_every_candidate_answers_every_item_once():
    seen = [(row["item_id"], row["candidate"], row["attempt"]) for row in RESPONSES]
    wanted = {(i["item_id"], c, 0) for i in ITEMS for c in ("steady", "noisy", "hasty", "lost")}
    assert len(ITEMS) == 24
    assert len(seen) == 96
    assert set(seen) == wanted


def test_responses_repeat_their_item():
    items = {item["item_id"]: item for item in ITEMS}
    for row in RESPONSES:
        item = items[row["item_id"]]
        shared = ("question_text", "question_audio", "reference", "language")
        assert [row[key] for key in shared] == [item[key] for key in shared]


def test_every_audio_path_is_a_file_and_every_file_is_used():
    named = {row["audio"] for row in WITH_FILE} | {item["question_audio"] for item in ITEMS}
    on_disk = {path.relative_to(TINY).as_posix() for path in TINY.glob("audio/*/*")}
    assert named == on_disk


def test_no_recording_appears_twice():
    spoken = [row for row in WITH_FILE if tag(row, "degradation") not in ("silent", "empty")]
    sounds = [soundfile.read(TINY / row["audio"])[0].tobytes() for row in spoken]
    assert len(set(sounds)) == len(sounds)


def test_audio_stays_under_two_megabytes():
    assert sum(path.stat().st_size for path in TINY.glob("audio/*/*")) < 2_000_000


@pytest.mark.parametrize("row", WITH_FILE, ids=answer_id)
def test_answer_has_the_sound_its_degradation_promises(row):
    samples, rate = soundfile.read(TINY / row["audio"])
    degradation = tag(row, "degradation")
    seconds, peak = len(samples) / rate, abs(samples).max(initial=0.0)
    assert (rate, samples.ndim) == (16_000, 1)
    if degradation == "empty":
        assert seconds == 0
    elif degradation == "silent":
        assert seconds > 2
        assert peak == 0
    else:
        shortest = 0.7 if degradation.startswith(SHORT) else 2
        assert shortest <= seconds <= 4.5
        assert peak > 0.1


@pytest.mark.parametrize("row", [r for r in WITH_FILE if tag(r, "clipped_share")], ids=answer_id)
def test_clipped_answers_have_as_many_flat_samples_as_they_say(row):
    samples, _ = soundfile.read(TINY / row["audio"])
    flat = (abs(samples) >= 0.998).mean()
    assert flat == pytest.approx(float(tag(row, "clipped_share")), abs=0.005)


@pytest.mark.parametrize("row", [r for r in WITH_FILE if tag(r, "rate") or tag(r, "kept")], ids=answer_id)
def test_hasty_answers_are_shorter_by_the_tagged_figure(row):
    whole = soundfile.info(TINY / "audio" / "steady" / Path(row["audio"]).name).duration
    share = float(tag(row, "kept") or 1 / float(tag(row, "rate")))
    assert soundfile.info(TINY / row["audio"]).duration / whole == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item["item_id"])
def test_question_is_spoken(item):
    samples, rate = soundfile.read(TINY / item["question_audio"])
    assert rate == 16_000
    assert 1 <= len(samples) / rate <= 5
    assert abs(samples).max() > 0.1


def test_missing_answers_and_only_they_have_no_file():
    for row in RESPONSES:
        assert (row["audio"] is None) == (tag(row, "degradation") == "missing")


def test_mismatched_speech_shares_no_word_with_its_text():
    texts = tomllib.loads((TINY / "texts.toml").read_text(encoding="utf-8"))["items"]
    for item in (item for item in texts if item["lost"] == "text_mismatch"):
        said, claimed = ({word.strip(".,").lower() for word in item[key].split()} for key in ("lost_says", "good"))
        assert not said & claimed


def test_hashes_and_counts_of_the_description_are_true(labels):
    hashes = DESCRIPTION["sha256"]
    data = [*TINY.glob("*.jsonl"), *TINY.glob("*.csv"), *TINY.glob("audio/*/*")]
    assert set(hashes) == {path.relative_to(TINY).as_posix() for path in data}
    assert {name: sha256(TINY / name) for name in hashes} == hashes
    joined = "".join(f"{digest}  {name}\n" for name, digest in hashes.items())
    assert DESCRIPTION["data"]["sha256"] == hashlib.sha256(joined.encode()).hexdigest()
    assert DESCRIPTION["counts"] == {
        "items": len(ITEMS),
        "candidates": 4,
        "responses": len(RESPONSES),
        "responses_without_file": len(RESPONSES) - len(WITH_FILE),
        "labels": len(labels),
        "labels_ok": sum(row["status"] == "ok" for row in labels),
        "labels_not_applicable": sum(row["status"] == "not_applicable" for row in labels),
    }


def test_labels_have_the_agreed_columns_and_unique_keys(labels):
    header = (TINY / "labels.csv").read_text(encoding="utf-8").splitlines()[0]
    keys = {(row["item_id"], row["candidate"], row["axis"]) for row in labels}
    assert header == COLUMNS
    assert len(keys) == len(labels)


def test_labels_rate_existing_answers_and_are_never_called_human(labels):
    subjects = {(row["item_id"], row["candidate"], str(row["attempt"])) for row in RESPONSES}
    for row in labels:
        assert (row["item_id"], row["candidate"], row["attempt"]) in subjects
        assert (row["benchmark"], row["turn"], row["repeat"]) == ("tiny", "0", "0")
        assert (row["rater"], row["rater_kind"]) == ("constructed", "constructed")
        assert row["signature"] == DESCRIPTION["signature"]


def test_scores_lie_on_their_scale_and_only_ok_rows_have_one(labels):
    for row in labels:
        scale = DESCRIPTION["label_axes"][row["axis"]]
        assert (float(row["scale_low"]), float(row["scale_high"])) == (scale["low"], scale["high"])
        if row["status"] == "ok":
            assert scale["low"] <= float(row["score"]) <= scale["high"]
            assert row["justification"]
        else:
            assert row["status"] == "not_applicable"
            assert row["score"] == ""
            assert row["reason"]


def test_rule_table_covers_every_degradation(rule_table):
    assert set(rule_table) == {tag(row, "degradation") for row in RESPONSES}


def test_labels_follow_the_rule_table(labels, rule_table):
    found = {(row["item_id"], row["candidate"], row["axis"]): row for row in labels}
    for response in RESPONSES:
        for axis, cell in rule_table[tag(response, "degradation")].items():
            label = found.get((response["item_id"], response["candidate"], axis))
            if cell == "no row":
                assert label is None
            elif cell == "-":
                assert label["status"] == "not_applicable"
            else:
                expected = tag(response, "kept") if cell == "kept" else cell
                assert float(label["score"]) == float(expected)


def test_overall_is_given_exactly_where_its_rule_decides(rule_table):
    """Semantic <= 2: overall = semantic. At most one point apart: the lower. Else no number."""
    for cells in rule_table.values():
        if not (cells["semantic"].isdigit() and cells["acoustic"].isdigit()):
            continue
        semantic, acoustic = int(cells["semantic"]), int(cells["acoustic"])
        if semantic <= 2:
            expected = str(semantic)
        else:
            expected = str(min(semantic, acoustic)) if abs(semantic - acoustic) <= 1 else "-"
        assert cells["overall"] == expected
