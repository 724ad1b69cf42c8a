"""`wavjudge calibrate` and `leaderboard`, as typed: the real figures where the real ratings are at hand."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.cli.typed import answers, spec, table, typed, write
from tests.loopback.server import Loopback

SOMOS = Path(__file__).parents[4] / "shared/data/audiojudge-somos"
PUBLISHED = {"shots:0|transcript:none|separate": 3.311462, "shots:4|transcript:none|aggregate": 2.805620,
             "shots:4|transcript:none|separate": 3.595734}  # fmt: skip
"""Mean squared errors as the judge's authors published them."""


def simulated(folder: Path, *, prompts: int = 30, people: int = 3) -> tuple[Path, Path]:
    """A judge that hears a good deal, and three people; whole scores from 1 to 5."""
    dice, judged, labelled = random.Random(7), [], []
    for item in range(prompts):
        for candidate in "abcd":
            true = dice.gauss(3, 1)
            key = {"item_id": f"q{item}", "candidate": candidate, "axis": "overall"}
            judged.append(key | {"rater": "openai:m", "score": _whole(true + dice.gauss(0.3, 0.6))})
            labelled += [key | {"rater": f"p{p}", "score": _whole(true + dice.gauss(0, 0.5))} for p in range(people)]
    return write(folder / "ratings.csv", judged), write(folder / "labels.csv", labelled)


def _whole(score: float) -> int:
    return min(5, max(1, round(score)))


@pytest.mark.skipif(not SOMOS.is_dir(), reason="the real ratings of AudioJudge are not beside this checkout")
def test_the_real_ratings_give_the_published_figures_and_the_constant_beats_the_judge(tmp_path: Path) -> None:
    assert typed("import", "audiojudge", SOMOS, "--out", tmp_path / "aj").code == 0
    ratings, labels = tmp_path / "aj/ratings.csv", tmp_path / "aj/labels.csv"
    done = typed("calibrate", ratings, "--labels", labels, "--out", tmp_path / "cal", "--no-plots", "--full")
    assert done.code == 0, done.err
    rows = json.loads((tmp_path / "cal/calibration.json").read_text(encoding="utf-8"))["rows"]
    judges = [row for row in rows if row["kind"] == "judge"]
    found = {"|".join(row["signature"].split("|")[2:]): float(row["rmse"]) ** 2 for row in judges}
    assert found == {name: pytest.approx(value, abs=5e-7) for name, value in PUBLISHED.items()}
    zero = next(row for row in judges if "shots:0" in row["signature"])
    figures = {name: float(zero[name]) for name in ("pearson", "spearman", "mae", "within_one", "bias")}
    assert figures == pytest.approx(
        {"pearson": 0.179684, "spearman": 0.151725, "mae": 1.589663, "within_one": 0.2775, "bias": 1.545564}, abs=5e-7
    )
    constant = next(row for row in rows if row["kind"] == "baseline" and row["judge"] == "constant")
    assert float(constant["mae"]) < 0.75 < float(zero["mae"]) and float(constant["within_one"]) > 0.74
    assert "Do not read its scores as people's" in done.out


def test_a_judge_that_hears_is_told_from_nothing_and_from_people(tmp_path: Path) -> None:
    ratings, labels = simulated(tmp_path)
    done = typed("calibrate", ratings, "--labels", labels, "--out", tmp_path / "cal", "--full")
    assert done.code == 0, done.err
    rows = table(tmp_path / "cal/calibration.csv")
    by_name = {(row["kind"], row["judge"]): row for row in rows}
    judge = by_name["judge", "openai:m"]
    assert (judge["n"], judge["n_prompts"], judge["n_raters"], judge["label_kind"]) == (
        "120",
        "30",
        "3.000000",
        "human",
    )
    assert float(judge["intra_id_zero_filled_lo"]) > 0.3
    assert abs(float(by_name["baseline", "permuted within prompts"]["intra_id_spearman"])) < 0.1
    assert float(by_name["people", "people, leave one out"]["pearson"]) > 0.6
    assert "It orders answers to one prompt better than chance" in done.out
    assert len(list((tmp_path / "cal").glob("*.png"))) == len(list((tmp_path / "cal").glob("*.svg"))) == 5


def test_what_people_reach_stands_in_the_table_and_is_said(tmp_path: Path) -> None:
    ratings, labels = simulated(tmp_path, people=4)
    dice = random.Random(5)
    noisy = [row | {"score": dice.randint(1, 5)} if row["rater"] == "p3" else row for row in table(labels)]
    done = typed(
        "calibrate", ratings, "--labels", write(labels, noisy), "--out", tmp_path / "cal", "--no-plots", "--full"
    )
    assert done.code == 0, done.err
    rows = table(tmp_path / "cal/calibration.csv")
    judge, people = (next(row for row in rows if row["kind"] == kind) for kind in ("judge", "people"))
    persons = {row["judge"]: row for row in rows if row["kind"] == "person"}
    assert sorted(persons) == ["p0", "p1", "p2", "p3"] and sum(row["kind"] == "like_person" for row in rows) == 4
    assert [name for name, row in persons.items() if "disagrees with everyone" in row["note"]] == ["p3"]
    assert float(persons["p3"]["pearson"]) < 0.3 < float(persons["p0"]["pearson"])
    for name in ("alpha_ordinal", "icc_a_1", "icc_a_k"):
        assert float(people[f"{name}_lo"]) < float(people[name]) < float(people[f"{name}_hi"])
    assert float(judge["pearson_corrected"]) > float(judge["pearson"])
    gap = next(row for row in rows if row["kind"] == "gap")
    like = next(row for row in rows if row["kind"] == "like_people")
    assert float(gap["mae"]) == pytest.approx(float(like["mae"]) - float(people["mae"]), abs=2e-6)
    said = " ".join(done.out.split())
    assert "Disagrees with everyone: p3." in said and "4 people among themselves: Krippendorff's alpha" in said
    assert "Pearson corrected for the reliability" in said and "0.25 pass" in said
    assert len({row["result_signature"] for row in rows}) == 1 and "|alt-test.2:0.15,rmse|" in judge["result_signature"]


def test_kappa_is_asked_of_each_person_not_of_their_mean(tmp_path: Path) -> None:
    raters = pytest.importorskip("statsmodels.stats.inter_rater")
    ratings, labels = simulated(tmp_path)
    done = typed("calibrate", ratings, "--labels", labels, "--out", tmp_path / "cal", "--no-plots", "--full")
    assert done.code == 0, done.err
    judged = [int(row["score"]) for row in table(ratings)]
    kappas = []
    for person in ("p0", "p1", "p2"):
        counts = [[0] * 5 for _ in range(5)]
        for ours, row in zip(judged, (row for row in table(labels) if row["rater"] == person), strict=True):
            counts[ours - 1][int(row["score"]) - 1] += 1
        kappas.append(raters.cohens_kappa(counts, wt="quadratic", return_results=False))
    rows = table(tmp_path / "cal/calibration.csv")
    assert float(rows[0]["kappa_quadratic"]) == pytest.approx(sum(kappas) / 3, abs=1e-6)
    assert float(next(r for r in rows if r["judge"] == "constant")["kappa_quadratic"]) == pytest.approx(0, abs=0.05)


def test_what_is_left_out_is_counted_and_named_and_one_rater_is_said(tmp_path: Path) -> None:
    ratings, labels = simulated(tmp_path, people=1)
    judged = table(ratings)
    judged[4]["score"] = ""
    write(ratings, judged[2:])
    write(labels, table(labels)[:-3])
    done = typed("calibrate", ratings, "--labels", labels, "--out", tmp_path / "cal", "--no-plots", "--full")
    assert done.code == 0, done.err
    assert "3 answers have a rating and no label: q29/b; q29/c; q29/d" in done.err
    assert "2 answers have a label and no rating of this judge: q0/a; q0/b" in done.err
    assert "1 answers got no score of this judge; only the worst-case bounds hold them: q1/a" in done.err
    assert "One rater labelled" in done.out
    assert json.loads((tmp_path / "cal/calibration.json").read_text(encoding="utf-8"))["problems"]


def test_repeats_are_said(tmp_path: Path) -> None:
    ratings, labels = simulated(tmp_path)
    dice = random.Random(5)
    again = [row | {"repeat": k, "score": _whole(int(row["score"]) + dice.gauss(0, 0.4))}
             for row in table(ratings) for k in range(2)]  # fmt: skip
    done = typed(
        "calibrate", write(ratings, again), "--labels", labels, "--out", tmp_path / "cal", "--no-plots", "--full"
    )
    assert "120 answers rated up to 2 times: ICC within prompts" in " ".join(done.out.split()), done.err


def test_a_reply_from_the_cache_is_no_repeat(tmp_path: Path) -> None:
    ratings, labels = simulated(tmp_path)
    dice = random.Random(5)
    fresh = [row | {"repeat": k, "score": _whole(int(row["score"]) + dice.gauss(0, 0.4)), "cached": "false"}
             for row in table(ratings) for k in range(2)]  # fmt: skip
    copies = [row | {"repeat": 2, "cached": "True"} for row in fresh if row["repeat"] == 1]
    found = []
    for rows in (fresh, fresh + copies, fresh + [row | {"cached": ""} for row in copies], copies + copies[:1]):
        done = typed(
            "calibrate", write(ratings, rows), "--labels", labels, "--out", tmp_path / "cal", "--no-plots", "--full"
        )
        assert done.code == 0, done.err
        file = json.loads((tmp_path / "cal/calibration.json").read_text(encoding="utf-8"))
        found.append((done.out, *file["repeats"]))
    (_, two), (said, three), (_, unknown), alone = found
    assert (two["n_cached"], three["n_cached"], unknown["n_cached"]) == (0, 120, 0)
    assert three["sd_within"] == two["sd_within"] and three["icc_within"] == two["icc_within"]
    assert unknown["sd_within"] < two["sd_within"], "a copy agrees with what it is a copy of"
    assert "120 cached repeats left out" in " ".join(said.split()) and len(alone) == 1
    wrong = typed("calibrate", write(ratings, [*fresh, fresh[0] | {"cached": "maybe"}]), "--labels", labels,
                  "--out", tmp_path / "cal")  # fmt: skip
    assert wrong.code == 2 and "row 241, column cached" in wrong.err and "'maybe'" in wrong.err


@pytest.mark.parametrize("exported", [False, True])
def test_which_replies_came_from_the_cache_is_known_of_a_run_and_of_its_export(exported: bool, tmp_path: Path) -> None:
    file, choice = answers(tmp_path, 4, candidates=("a", "b")), ("--prompt-set", "overall", "--repeats", 2)
    with Loopback() as server:
        for name in ("first", "again"):
            run = typed("score", file, "--judge", spec(server), "--out", tmp_path / name, *choice)
            assert run.code == 0, run.err
    labels = write(tmp_path / "labels.csv", [
        {"benchmark": "answers", "item_id": row["item_id"], "candidate": row["candidate"], "axis": "overall",
         "rater": "ann", "score": 1 + n % 5}
        for n, row in enumerate(map(json.loads, file.read_text(encoding="utf-8").splitlines()))
    ])  # fmt: skip
    counts = []
    for name in ("first", "again"):
        source = tmp_path / name
        if exported:
            source = tmp_path / f"{name}.csv"
            assert typed("export", tmp_path / name, "--out", source).code == 0
        done = typed("calibrate", source, "--labels", labels, "--out", tmp_path / "cal", "--no-plots", "--full")
        assert done.code == 0, done.err
        [repeats] = json.loads((tmp_path / "cal/calibration.json").read_text(encoding="utf-8"))["repeats"]
        counts.append((repeats["n"], repeats["n_cached"], repeats["sd_within"] is None))
    assert counts == [(8, 0, False), (0, 16, True)]


def test_people_as_a_sample_too_is_named_and_wider(tmp_path: Path) -> None:
    ratings, labels = simulated(tmp_path)
    widths = []
    for sampled, method in (("prompts", "jackknife-t"), ("prompts+raters", "two-way jackknife-t")):
        done = typed(
            "calibrate", ratings, "--labels", labels, "--out", tmp_path / "cal", "--no-plots", "--random", sampled
        )
        assert done.code == 0, done.err
        judge, constant = table(tmp_path / "cal/calibration.csv")[:2]
        assert (judge["interval"], constant["interval"]) == (method, "jackknife-t")
        widths.append(float(judge["mae_hi"]) - float(judge["mae_lo"]))
    assert widths[0] < widths[1]
    refused = typed("calibrate", ratings, "--labels", labels, "--out", tmp_path / "cal", "--random", "prompts+raters",
                    "--interval", "cluster-bootstrap")  # fmt: skip
    assert refused.code != 0 and "expected jackknife-t" in refused.err


def test_figures_do_not_speak_of_new_candidates_and_say_what_hangs_on_one(tmp_path: Path) -> None:
    """Two prompts by hand: b gets 5 for what the person gave a 1, a and c are judged as the person does."""
    rows = [("q0", "a", 1, 1), ("q0", "b", 5, 1), ("q0", "c", 3, 3),
            ("q1", "a", 2, 2), ("q1", "b", 5, 1), ("q1", "c", 4, 4)]  # fmt: skip
    key = [{"item_id": item, "candidate": name, "axis": "overall"} for item, name, _, _ in rows]
    judged = [k | {"rater": "m", "score": row[2]} for k, row in zip(key, rows, strict=True)]
    labelled = [k | {"rater": "p", "score": row[3]} for k, row in zip(key, rows, strict=True)]
    ratings, labels = write(tmp_path / "r.csv", judged), write(tmp_path / "l.csv", labelled)
    done = typed("calibrate", ratings, "--labels", labels, "--out", tmp_path / "cal", "--no-plots", "--full")
    assert done.code == 0, done.err
    judge, *others = table(tmp_path / "cal/calibration.csv")
    assert (judge["n_candidates"], float(judge["bias_without_min"]), float(judge["bias_without_max"])) == ("3", 0, 2)
    assert (float(judge["intra_id_spearman_without_min"]), float(judge["intra_id_spearman_without_max"])) == (-1, 1)
    assert {row["bias_without_min"] for row in others} == {""}
    [in_json] = (row for row in json.loads((tmp_path / "cal/calibration.json").read_text())["rows"]
                 if row["kind"] == "judge")  # fmt: skip
    assert (in_json["bias_without_min"], in_json["bias_without_max"], in_json["n_candidates"]) == (0, 2, 3)
    said = " ".join(done.out.split())
    assert "Figures of these 3 candidates do not speak of new ones. With each left out in turn:" in said
    assert "bias 0.00 (without b) to 2.00 (without a)" in said
    write(labels, [row for row in labelled if row["candidate"] == "a"])
    done = typed("calibrate", ratings, "--labels", labels, "--out", tmp_path / "cal", "--no-plots", "--full")
    assert "All answers are by one candidate: the figures do not speak of others." in done.out


def test_the_page_shows_what_hangs_on_one_candidate_of_the_made_up_study(tmp_path: Path) -> None:
    page = Path(__file__).parents[3] / "docs/calibration.md"
    if not page.is_file():
        pytest.skip("the pages are not beside the package: this is no checkout")
    ratings, labels = simulated(tmp_path)
    done = typed("calibrate", ratings, "--labels", labels, "--out", tmp_path / "cal", "--no-plots", "--full")
    shown = page.read_text(encoding="utf-8").split("## New candidates\n")[1].split("\n\n")[1]
    assert " ".join(shown.split()) in " ".join(done.out.split()) and len(shown.splitlines()) == 4


def test_why_there_are_no_intervals_over_people_stands_on_screen(tmp_path: Path) -> None:
    ratings, labels = simulated(tmp_path, people=2)
    words = ("calibrate", ratings, "--labels", labels, "--out", tmp_path / "cal", "--no-plots", "--full")
    done = typed(*words, "--random", "prompts+raters")
    said = "Pearson, Intra-ID, zero-filled, MAE, <=1, bias: no interval over people with fewer than 3 of them."
    assert done.code == 0 and said in " ".join(done.out.split())
    assert max(map(len, done.out.splitlines())) <= 80
    assert "no interval" not in typed(*words).out


def test_how_the_annotator_test_measures_fit_is_chosen_and_signed(tmp_path: Path) -> None:
    ratings, labels = simulated(tmp_path)
    words = ("calibrate", ratings, "--labels", labels, "--out", tmp_path / "cal", "--no-plots", "--full")
    found = []
    for score in ("rmse", "accuracy"):
        done = typed(*words, "--alt-score", score)
        assert done.code == 0 and f"score {score})" in " ".join(done.out.split()), done.err
        assert f"|alt-test.2:0.15,{score}|" in table(tmp_path / "cal/calibration.csv")[0]["result_signature"]
        found += json.loads((tmp_path / "cal/calibration.json").read_text(encoding="utf-8"))["alternative"]
    assert [one["score"] for one in found] == ["rmse", "accuracy"] and found[0]["ties"] != found[1]["ties"]
    refused = typed(*words, "--alt-score", "mae")
    assert refused.code == 2 and "got --alt-score 'mae', expected one of accuracy, rmse" in refused.err


def test_two_judges_of_one_name_know_their_own_pictures(tmp_path: Path) -> None:
    ratings, labels = simulated(tmp_path, prompts=4)
    rows = [row | {"signature": f"openai:m|v{n}"} for row in table(ratings) for n in (1, 2)]
    done = typed("calibrate", write(ratings, rows), "--labels", labels, "--out", tmp_path / "cal")
    assert done.code == 0, done.err
    judges = [row for row in table(tmp_path / "cal/calibration.csv") if row["kind"] == "judge"]
    names = {row["signature"]: row["plots"] for row in judges}
    drawn = {path.name for path in (tmp_path / "cal").glob("*-scatter.png")}
    assert len(set(names.values())) == 2 and drawn == {f"{name}-scatter.png" for name in names.values()}


def test_the_judge_that_only_reads_stands_beside_the_one_that_hears(tmp_path: Path) -> None:
    ratings, labels = simulated(tmp_path)
    heard = "openai:m|overall.1#3f9a02c4d1be|parse:1|t:0|qt,qa,own,aa|before|pcm16-16000-mono|v1"
    read = "openai:m|overall.1#77e10a5b6c2d|parse:1|t:0|qt,qa,own|before|pcm16-16000-mono|v1"
    dice = random.Random(3)
    rows: list[dict[str, Any]] = [{**row, "signature": heard} for row in table(ratings)]
    rows += [{**row, "signature": read, "score": dice.randint(1, 5)} for row in rows if row["candidate"] != "d"]
    write(ratings, rows)
    done = typed("calibrate", ratings, "--labels", labels, "--out", tmp_path / "cal", "--no-plots", "--full")
    assert done.code == 0, done.err
    found = table(tmp_path / "cal/calibration.csv")
    assert {row["signature"] for row in found if row["judge"] in ("transcript only", "what audio adds")} == {heard}
    alone = next(row for row in found if (row["kind"], row["signature"]) == ("judge", read))
    null, gain = (next(r for r in found if r["judge"] == name) for name in ("transcript only", "what audio adds"))
    assert null["n"] == gain["n"] == "90" and gain["kind"] == "gain" and null["mae"] == alone["mae"]
    assert float(gain["intra_id_zero_filled_lo"]) > 0 and float(gain["mae_hi"]) < 0
    assert "What audio adds to the same judge" in done.out


def test_the_same_tables_give_the_same_bytes(tmp_path: Path) -> None:
    ratings, labels = simulated(tmp_path, prompts=12)
    for name in ("one", "two"):
        typed("calibrate", ratings, "--labels", labels, "--out", tmp_path / name)
    ours, theirs = ({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert ours == theirs and "calibration.json" in ours


def test_bad_rows_are_counted_and_named_and_unscored_answers_bound_the_bias(tmp_path: Path) -> None:
    ratings, labels = simulated(tmp_path, prompts=12)
    rows = table(ratings)
    rows[0]["score"], rows[1]["score"] = "9", "good"
    done = typed(
        "calibrate", write(ratings, rows), "--labels", labels, "--out", tmp_path / "cal", "--no-plots", "--full"
    )
    judge = next(row for row in table(tmp_path / "cal/calibration.csv") if row["kind"] == "judge")
    assert (judge["n"], judge["n_unscored"], judge["n_off_scale"]) == ("46", "2", "1")
    assert float(judge["bias_worst_lo"]) < float(judge["bias"]) < float(judge["bias_worst_hi"])
    assert "score off the scale" in done.err and "score that is no number" in done.err
    assert json.loads((tmp_path / "cal/calibration.json").read_text(encoding="utf-8"))["problems"]


@pytest.mark.parametrize("prompts, said", [(1, "are all the same|no interval"), (2, "no interval under")])
def test_too_little_data_is_said_and_never_a_nan(prompts: int, said: str, tmp_path: Path) -> None:
    ratings, labels = simulated(tmp_path, prompts=prompts)
    done = typed("calibrate", ratings, "--labels", labels, "--out", tmp_path / "cal", "--no-plots", "--full")
    text = (tmp_path / "cal/calibration.csv").read_text(encoding="utf-8")
    assert done.code == 0 and any(part in text for part in said.split("|")) and "nan" not in text.lower()


def test_constructed_labels_are_never_taken_for_people(tmp_path: Path) -> None:
    ratings, labels = simulated(tmp_path, prompts=3)
    write(labels, [row | {"rater_kind": "constructed"} for row in table(labels)])
    refused = typed("calibrate", ratings, "--labels", labels, "--out", tmp_path / "cal")
    assert refused.code == 2 and "rater_kind 'person'" in refused.err
    told = typed(
        "calibrate",
        ratings,
        "--labels",
        labels,
        "--out",
        tmp_path / "cal",
        "--label-kind",
        "constructed",
        "--full",
        "--no-plots",
    )
    assert told.code == 0 and "against constructed labels" in told.out


def test_the_papers_layout_has_its_columns_or_says_why_not(tmp_path: Path) -> None:
    ratings, labels = simulated(tmp_path, prompts=12)
    asked = ("--out", tmp_path / "cal", "--no-plots", "--layout", "paper")
    assert "expected semantic or acoustic" in typed("calibrate", ratings, "--labels", labels, *asked).err
    for path in (ratings, labels):
        write(path, [row | {"axis": axis} for axis in ("semantic", "acoustic") for row in table(path)])
    assert typed("calibrate", ratings, "--labels", labels, *asked).code == 0
    head, _, row = (tmp_path / "cal/paper.md").read_text(encoding="utf-8").splitlines()
    assert head.count("|") == row.count("|") == 12 and "Intra-ID aco." in head
    assert r"\begin{tabular}{lrrrrrrrrrr}" in (tmp_path / "cal/paper.tex").read_text(encoding="utf-8")


def test_a_leaderboard_has_a_row_a_candidate_and_the_same_bytes_again(tmp_path: Path) -> None:
    ratings, _ = simulated(tmp_path)
    for name in ("one.csv", "two.csv"):
        done = typed("leaderboard", ratings, "--out", tmp_path / name)
        assert done.code == 0, done.err
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    rows = table(tmp_path / "one.csv")
    assert sorted(row["candidate"] for row in rows) == list("abcd")
    assert all(row["result_signature"].startswith("judge:") for row in rows)
    assert "Ranked by overall" in done.out


@pytest.mark.heavy
def test_a_hundred_thousand_answers_are_calibrated_and_fewer_permutations_are_said(tmp_path: Path) -> None:
    ratings, labels = simulated(tmp_path, prompts=25_000, people=1)
    done = typed("calibrate", ratings, "--labels", labels, "--out", tmp_path / "cal", "--full")
    assert done.code == 0, done.err
    rows = table(tmp_path / "cal/calibration.csv")
    assert rows[0]["n"] == "100000"
    assert "20 permutations (above 20000 prompts)" in next(r for r in rows if "permuted" in r["judge"])["note"]


def test_it_ends_with_one_table_the_verdicts_first_and_the_rest_behind_full(tmp_path: Path) -> None:
    ratings, labels = simulated(tmp_path)
    rows = table(ratings)
    both = write(ratings, rows + [row | {"rater": "openai:other"} for row in rows])
    words = ("calibrate", both, "--labels", labels, "--out", tmp_path / "cal", "--no-plots")
    short, full = typed(*words), typed(*words, "--full")
    lines = short.out.splitlines()
    assert short.code == full.code == 0 and len(lines) < 25 and max(map(len, lines)) <= 80
    assert lines[0].startswith("What each judge may be used for") and short.out.endswith("sentences:\n--full\n")
    assert full.out.endswith(short.out[: short.out.index("Figures with intervals, null rows")])
    head = next(line.split() for line in lines if "axis" in line)
    assert head == ["axis", "ranking", "averages", "levels", "n", "order", "gain", "r", "MAE"]
    assert [line.split()[:3] for line in lines if line.startswith((" J1 ", " J2 "))] == [
        ["J1", "overall", "yes"], ["J2", "overall", "yes"],
    ]  # fmt: skip
    assert any(line.startswith(("J1  openai:other", "J2  openai:other")) for line in lines)


def test_the_candidates_means_are_correlated_over_candidates_and_not_under_three(tmp_path: Path) -> None:
    ratings, labels = simulated(tmp_path)
    typed("calibrate", ratings, "--labels", labels, "--out", tmp_path / "cal", "--no-plots")
    whole = table(tmp_path / "cal/calibration.csv")[0]
    names = sorted({row["candidate"] for row in table(ratings)})
    assert int(whole["system_n"]) == len(names) > 2 and -1 <= float(whole["system_tau"]) <= 1
    assert whole["system_pearson_lo"] and whole["system_spearman"]
    two = write(tmp_path / "two.csv", [row for row in table(ratings) if row["candidate"] in names[:2]])
    typed("calibrate", two, "--labels", labels, "--out", tmp_path / "cal", "--no-plots")
    row = table(tmp_path / "cal/calibration.csv")[0]
    assert row["system_n"] == "2" and row["system_pearson"] == row["system_spearman"] == row["system_tau"] == ""


def two_axes(tmp_path: Path) -> tuple[Path, Path]:
    ratings, labels = simulated(tmp_path)
    for path in (ratings, labels):
        rows = table(path)
        scaled = {"axis": "warmth", "scale_low": "1", "scale_high": "5"}
        write(path, [*(row | {"scale_low": "", "scale_high": ""} for row in rows), *(row | scaled for row in rows)])
    return ratings, labels


def test_a_bare_name_of_an_axis_chooses_it(tmp_path: Path) -> None:
    ratings, labels = two_axes(tmp_path)
    words = ("calibrate", ratings, "--labels", labels, "--no-plots", "--out", tmp_path / "cal")
    for name in ("overall", "warmth"):
        assert typed(*words, "--axis", name).code == 0
        assert {row["axis"] for row in table(tmp_path / "cal/calibration.csv")} == {name}
    wrong = typed(*words, "--axis", "warmht")
    assert wrong.code == 2 and "did you mean 'warmth'" in wrong.err and "overall" in wrong.err
    bare = [row | {"axis": "kindness", "scale_low": "", "scale_high": ""} for row in table(ratings)]
    write(ratings, [*table(ratings), *bare])
    lacking = typed(*words, "--axis", "kindness")
    assert lacking.code == 2 and "which has no scale" in lacking.err and "--axis kindness=1..5" in lacking.err


def test_a_plan_takes_the_bare_name_too(tmp_path: Path) -> None:
    ratings, labels = two_axes(tmp_path)
    words = ("plan", "labels", "--within", "0.1", "--pilot", ratings, "--labels", labels)
    for how in ("--on", "--axis"):
        assert "axis warmth" in typed(*words, how, "warmth").out
    wrong = typed(*words, "--axis", "warmht")
    assert wrong.code == 2 and "did you mean 'warmth'" in wrong.err
    assert "expected one to plan for" in typed(*words, "--axis", "warmth", "--on", "overall").err


@pytest.mark.parametrize("prompts", [1, 4])
def test_a_handful_of_answers_is_too_few_for_every_use_and_says_what_it_takes(prompts: int, tmp_path: Path) -> None:
    ratings, labels = simulated(tmp_path, prompts=prompts, people=1)
    few = [row for row in table(ratings) if row["candidate"] == "a"]
    done = typed("calibrate", write(ratings, few), "--labels", labels, "--out", tmp_path / "cal", "--full")
    said = " ".join(done.out.split())
    assert done.code == 0 and "REVERSED" not in said
    assert f"J1 overall ({prompts} prompt" in said and "it takes 12 prompts" in said
    assert ("no table, since both sides scored 1 answer to 1 prompt" in said) == (prompts == 1)
    assert {one["state"] for one in json.loads((tmp_path / "cal/calibration.json").read_text())["advice"]} == {
        "too_few"
    }
