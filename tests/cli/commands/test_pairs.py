"""`wavjudge pairs` and `wavjudge rewards check`, as typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.commands.test_calibrate import simulated, table, write
from tests.cli.typed import answers, spec, typed
from tests.loopback.server import Loopback
from wavjudge.cli.commands.pairs import _both


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Six prompts, three candidates, semantic and acoustic, twice each."""
    with Loopback() as server:
        words = ("--judge", spec(server), "--repeats", 2, "--no-cache", "--axes", "semantic,acoustic")
        done = typed("score", answers(tmp_path, 6, candidates=("a", "b", "c")), *words, "--out", tmp_path / "run")
        assert done.code == 0, done.err
    return tmp_path / "run"


def test_a_run_becomes_pairs_and_what_was_left_out_is_told(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "pairs" / "pairs.jsonl"
    done = typed("pairs", run, "--out", out)
    assert done.code == 0, done.err
    pairs = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert pairs and all(one["score_gap"] >= 1 for one in pairs)
    for one in pairs:
        assert all((out.parent / one[name]).is_file() for name in ("sft_target_audio", "rejected_audio"))
        assert one["signatures"]["semantic"].startswith("openai:loopback|semantic")
    told = (line.strip().rsplit(None, 1) for line in done.out.splitlines() if line.rstrip()[-1:].isdigit())
    rows = {name.strip(): int(count) for name, count in told}
    dropped = sum(count for name, count in rows.items() if "no pair:" in name)
    assert rows["prompts read"] == 6 == len(pairs) + dropped and rows["answers read"] == 18
    assert "Repeats of one answer differ by" in done.out
    again = tmp_path / "again.jsonl"
    scored = tmp_path / "scored.jsonl"
    assert typed("export", run, "--format", "paper", "--out", scored).code == 0
    assert typed("pairs", scored, "--out", again).code == 0
    back = [json.loads(line) for line in again.read_text(encoding="utf-8").splitlines()]
    names = ("id", "chosen_key", "rejected_key", "score_gap", "sft_target_text", "signatures")
    assert [[one[name] for name in names] for one in back] == [[one[name] for name in names] for one in pairs]


def test_what_does_not_fit_is_refused_and_nothing_is_written(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "pairs.jsonl"
    scored = tmp_path / "scored.jsonl"
    assert typed("export", run, "--format", "paper", "--out", scored).code == 0
    for words, said in (
        ((run, "--mode", "holistic"), "got mode 'holistic', expected one of sum, semantic, paralinguistic, weighted"),
        ((run, "--mode", "weighted", "--weights", "0.7,0.3"), "expected NAME=WEIGHT,NAME=WEIGHT, such as semantic=0.7"),
        ((run, "--mode", "weighted", "--weights", "overall"), "of overall, expected semantic and acoustic"),
        ((run, "--weights", "semantic=1"), "got --weights in mode semantic, which has none"),
        ((run, "--min-gap", "nan"), "got nan, expected a finite number"),
        ((run, "--chosen", "sft_target"), "got --chosen sft_target and --target None"),
        ((run, "--target", "a"), "got --chosen best_output and --target a"),
        ((run, "--candidate", "z"), "got the candidate z, expected some of a, b, c"),
        ((run, "--rater", "z"), "got --rater 'z', expected one of openai:loopback"),
        ((run, "--noise", "0.5"), "got --noise for a run folder"),
        ((scored, "--margin", "2"), "nothing is known of the judge's noise"),
        ((scored, "--rater", "z"), "for a .jsonl"),
        ((tmp_path,), "no run folder"),
        ((tmp_path / "none.jsonl",), f"{tmp_path / 'none.jsonl'}: got no such file or folder"),
        ((tmp_path / "none",), "got no such file or folder"),
    ):
        done = typed("pairs", *words, "--out", out)
        assert done.code == 2 and said in " ".join(done.err.split()), done.err
        assert not out.exists()
    assert typed("pairs", run, "--out", tmp_path / "pairs.csv").code == 2


def test_weights_are_named_and_an_axis_without_one_weighs_nothing(run: Path, tmp_path: Path) -> None:
    def built(name: str, *words: object) -> list[tuple[str, str, float]]:
        out = tmp_path / f"{name}.jsonl"
        done = typed("pairs", run, "--out", out, *words)
        assert done.code == 0, done.err
        rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
        return [(one["id"], one["chosen_key"], one["score_gap"]) for one in rows]

    weighted = ("--mode", "weighted", "--weights")
    alone = built("alone", "--mode", "paralinguistic")
    assert alone and built("one", *weighted, "acoustic=1") == alone
    assert built("twice", *weighted, "acoustic=2", "--min-gap", 2) == [(*one[:2], 2 * one[2]) for one in alone]
    assert _both("acoustic=0.3, semantic=0.7", "weighted") == (0.7, 0.3) and _both("semantic", "weighted") == (1, 0)


@pytest.fixture
def calibration(tmp_path: Path) -> Path:
    ratings, labels = simulated(tmp_path)
    typed("calibrate", ratings, "--labels", labels, "--out", tmp_path / "cal", "--no-plots")
    return tmp_path / "cal"


def test_check_says_what_may_be_optimised_and_why(calibration: Path) -> None:
    for path in (calibration, calibration / "calibration.json"):
        done = typed("rewards", "check", path)
        assert (
            done.code == 0
            and "overall: yes, it is shown to order answers to one prompt in people's direction"
            in " ".join(done.out.split())
        )
    (one,) = typed("rewards", "check", calibration, "--json").json
    assert one["allowed"] and one["axis"] == "overall" and "repeats: none" in one["sentence"]


def test_check_ends_with_1_where_nothing_may(calibration: Path) -> None:
    done = typed("rewards", "check", calibration, "--min-order", "0.95")
    assert done.code == 1 and "overall: no" in done.out
    for words, said in ((("--min-order", "2"), "expected a correlation"), (("--label-kind", "x"), "expected one of")):
        refused = typed("rewards", "check", calibration, *words)
        assert refused.code == 2 and said in " ".join(refused.err.split())
    gone = typed("rewards", "check", calibration / "none.json")
    assert gone.code == 2 and "none.json: got no such file or folder" in " ".join(gone.err.split())


def test_pairs_obey_a_calibration(run: Path, tmp_path: Path) -> None:
    """A judge of the calibration's signature that hears; and one that was never calibrated."""
    ratings, labels = simulated(tmp_path)
    scored = tmp_path / "scored.jsonl"
    assert typed("export", run, "--format", "paper", "--out", scored).code == 0
    signature = json.loads(scored.read_text(encoding="utf-8").splitlines()[0])["signatures"]["semantic_score"]
    write(ratings, [row | {"axis": "semantic", "signature": signature} for row in table(ratings)])
    write(labels, [row | {"axis": "semantic"} for row in table(labels)])
    assert typed("calibrate", ratings, "--labels", labels, "--out", tmp_path / "cal", "--no-plots").code == 0
    words = (run, "--out", tmp_path / "p.jsonl", "--calibration", tmp_path / "cal")
    done = typed("pairs", *words)
    assert done.code == 0 and "semantic: yes" in done.err
    for more, said in ((("--min-order", "0.95"), "got the axis semantic, which the calibration does not permit"),
                       (("--mode", "sum"), "for the axis acoustic")):  # fmt: skip
        refused = typed("pairs", *words, *more)
        assert refused.code == 2 and said in " ".join(refused.err.split()), refused.err


@pytest.mark.parametrize("how", ["../x.wav", "absolute", "link"])
def test_a_recording_outside_the_run_is_in_no_pair_unless_that_is_said(how: str, run: Path, tmp_path: Path) -> None:
    responses = [json.loads(line) for line in (run / "responses.jsonl").read_text().splitlines()]
    for one in responses:
        ref = one["answers"][0]["audio"]
        elsewhere = tmp_path / "x.wav"
        if not elsewhere.exists():
            elsewhere.write_bytes((run / ref["path"]).read_bytes())
        if how == "link":
            (run / ref["path"]).unlink(missing_ok=True)
            (run / ref["path"]).symlink_to(elsewhere)
        else:
            ref["path"] = str(elsewhere) if how == "absolute" else how
    (run / "responses.jsonl").write_text("".join(json.dumps(one) + "\n" for one in responses))
    done = typed("pairs", run, "--out", tmp_path / "pairs.jsonl")
    assert "lies outside the run folder" in done.err and "--outside" in done.err
    assert not (tmp_path / "pairs.jsonl").exists() or not (tmp_path / "pairs.jsonl").read_text()
    assert typed("pairs", run, "--out", tmp_path / "own.jsonl", "--outside").code == 0
    assert (tmp_path / "own.jsonl").read_text()
