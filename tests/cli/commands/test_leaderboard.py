"""`wavjudge leaderboard` with people's labels, a calibration, and what judging cost, as typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.commands.test_calibrate import simulated, table, write
from tests.cli.test_money import PRICE
from tests.cli.typed import answers, spec, typed
from tests.loopback.server import Loopback


@pytest.fixture
def study(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Ratings on 60 prompts, labels of the first 30, and a calibration learnt on them."""
    ratings, labels = simulated(tmp_path, prompts=60)
    write(labels, [row for row in table(labels) if int(row["item_id"][1:]) < 30])
    typed("calibrate", ratings, "--labels", labels, "--out", tmp_path / "cal", "--no-plots")
    return ratings, labels, tmp_path / "cal/calibration.json"


def test_labels_and_a_calibration_stand_beside_raw_figures_that_stay(
    study: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    ratings, labels, calibration = study
    assert typed("leaderboard", ratings, "--out", tmp_path / "raw.csv").code == 0
    words = ("--labels", labels, "--label-design", "random", "--calibration", calibration)
    for name in ("whole.csv", "again.csv", "whole.md", "whole.tex"):
        done = typed("leaderboard", ratings, *words, "--out", tmp_path / name)
        assert done.code == 0, done.err
    raw, whole = table(tmp_path / "raw.csv"), table(tmp_path / "whole.csv")
    assert (tmp_path / "whole.csv").read_bytes() == (tmp_path / "again.csv").read_bytes()
    for before, after in zip(raw, whole, strict=True):
        kept = set(before) - {"result_signature"}
        assert {name: before[name] for name in kept} == {name: after[name] for name in kept}
        assert int(after["overall_prompts_labelled"]) == 30 and float(after["overall_lam"]) == 0.5
        low, high = (float(after[f"overall_corrected_all_{end}"]) for end in ("lo", "hi"))
        # The judge is .3 too kind; people's own mean of the labelled prompts is not far from the corrected one.
        assert float(after["overall_all"]) > float(after["overall_corrected_all"])
        assert low < float(after["overall_recalibrated_all"]) < high
        assert "|ppi++.2|labels:" in after["result_signature"] and "|map:linear," in after["result_signature"]
        assert "|ppi++" not in before["result_signature"]
    assert sum(float(row["overall_width_ratio"]) for row in whole) / len(whole) < 1
    assert "30 labelled prompts count like" in " ".join(done.out.split()) and "narrower" in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    assert max(map(len, done.out.split("Corrected:")[0].splitlines())) <= 80
    for name in ("whole.md", "whole.tex"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "overall, corrected, all items" in text and "overall, recalibrated, all items" in text


def test_a_calibration_is_named_by_its_file_or_by_the_folder_that_calibrate_wrote(
    study: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    ratings, _, calibration = study
    (tmp_path / "link").symlink_to(calibration.parent)
    boards = set()
    for named in (calibration, calibration.parent, tmp_path / "link"):
        done = typed("leaderboard", ratings, "--calibration", named, "--out", tmp_path / "l.csv")
        assert done.code == 0, done.err
        boards.add((tmp_path / "l.csv").read_bytes())
    assert len(boards) == 1 and b"overall_recalibrated_all" in boards.pop()
    (tmp_path / "empty").mkdir()
    done = typed("leaderboard", ratings, "--calibration", tmp_path / "empty", "--out", tmp_path / "none.csv")
    assert done.code == 2 and "empty: got a folder without calibration.json" in "".join(done.err.split("\n")), done.err


def test_a_design_that_nobody_said_gives_raw_figures_and_says_why(
    study: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    ratings, labels, _ = study
    done = typed("leaderboard", ratings, "--labels", labels, "--out", tmp_path / "l.csv")
    assert done.code == 0 and "nobody said how the labelled prompts were chosen" in done.out
    assert {row["overall_corrected_all"] for row in table(tmp_path / "l.csv")} == {""}


def test_what_does_not_fit_is_refused_and_nothing_is_written(study: tuple[Path, Path, Path], tmp_path: Path) -> None:
    ratings, labels, calibration = study
    other = write(tmp_path / "other.csv", [row | {"signature": "openai:m|2"} for row in table(ratings)])
    broken = tmp_path / "broken.json"
    broken.write_text("{}", encoding="utf-8")
    for words, said in (
        ((ratings, "--labels", labels, "--label-design", "lot"), "expected one of random, all, weighted, unknown"),
        ((ratings, "--label-design", "random"), "without --labels"),
        ((ratings, "--labels", labels, "--label-design", "all"), "30 prompts without a label, expected all"),
        ((other, "--calibration", calibration), "maps fit none of the ratings (overall: openai:m)"),
        ((ratings, "--calibration", calibration, "--map", "cubic"), "expected one of linear, isotonic"),
        ((ratings, "--calibration", broken), "got no calibration of this version"),
        ((ratings, "--calibration", tmp_path / "none.json"), "got no such file or folder"),
    ):
        done = typed("leaderboard", *words, "--out", tmp_path / "l.csv")
        assert done.code == 2 and said in " ".join(done.err.split()), done.err
        assert not (tmp_path / "l.csv").exists()


@pytest.mark.parametrize("price", [PRICE, None])
def test_judging_is_counted_once_a_call_and_an_unknown_price_is_no_zero(price: str | None, tmp_path: Path) -> None:
    file, options = answers(tmp_path, 3, candidates=("a", "b")), ("--price", price) if price else ()
    with Loopback(keep=100) as server:
        words = ("--judge", spec(server), "--out", tmp_path / "run", "--prompt-set", "joint", *options)
        done, sent = typed("score", file, *words, "--json"), server.requests
        assert done.code == 0, done.err
    spent = done.json["this_pass"]["usd"]  # test_money.py holds it against what the server counted
    done = typed("leaderboard", tmp_path / "run", "--out", tmp_path / "l.csv")
    rows = table(tmp_path / "l.csv")
    assert [int(row["judging_calls"]) for row in rows] == [3, 3] and sent == 6
    if price:
        assert sum(float(row["judging_usd"]) for row in rows) == pytest.approx(spent, abs=2e-6)
    else:
        assert {row["judging_usd"] for row in rows} == {""}
        assert "what judging cost is not known for 3 of 3 calls" in done.out
    assert "Time and money" in done.out


@pytest.mark.parametrize("status", ["failed", "unparseable", "not_applicable", "refused"])
def test_a_board_without_a_single_score_says_why_and_fails(status: str, tmp_path: Path) -> None:
    table, out = tmp_path / "ratings.csv", tmp_path / "board.csv"
    rows = [f"q{n // 2},{'ab'[n % 2]},overall,m,,{status}" for n in range(6)]
    table.write_text("\n".join(["item_id,candidate,axis,rater,score,status", *rows]), encoding="utf-8")
    done = typed("leaderboard", table, "--out", out, "--axis", "overall=1..5")
    assert done.code == 12 and "no score to rank by" in done.err
    assert f"(6 {status})" in " ".join(done.out.split()) and "Ranked by" not in done.out
    compared = typed("compare", "candidates", table, "--axis", "overall=1..5")
    assert compared.code == 2 and f"(6 {status})" in compared.err


def test_the_bare_name_of_an_axis_ranks_by_it_and_a_mistyped_one_gets_the_nearest(tmp_path: Path) -> None:
    labels, out = Path("benchmarks/tiny/labels.csv").resolve(), tmp_path / "board.csv"
    wrong = typed("leaderboard", labels, "--axis", "semantik", "--out", out)
    assert wrong.code == 2 and "did you mean 'semantic'?" in wrong.err
    table = tmp_path / "r.csv"
    rows = [f"q{n // 2},{'ab'[n % 2]},{axis},m,{1 + n % 4}" for n in range(8) for axis in ("semantic", "acoustic")]
    table.write_text("\n".join(["item_id,candidate,axis,rater,score", *rows]), encoding="utf-8")
    done = typed("leaderboard", table, "--axis", "acoustic", "--out", out)
    assert done.code == 0 and "Ranked by acoustic" in done.out
