"""Comparisons in words and files: what a sentence claims, and names that cannot break out."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from rich.console import Console

from wavjudge.analysis.compare.candidates import CandidatePairs, candidate_pairs
from wavjudge.analysis.compare.judges import JudgePairs, judge_pairs
from wavjudge.analysis.compare.runs import RunPair, run_pair
from wavjudge.analysis.stats.agreement import MAE, PEARSON
from wavjudge.analysis.tables.ratings import Ratings
from wavjudge.errors import InputError
from wavjudge.reporting import compare_candidates, compare_judges, compare_runs
from wavjudge.reporting import table as compare
from wavjudge.types import Axis

HOSTILE = [
    "a|b", "<script>alert(1)</script>", "[red]x[/red]", ":smile:", "line\nbreak", "\x1b[31mred", "\u202eback", "a\rb",
    '=1+1,"',
]  # fmt: skip


def ratings(*rows: dict[str, Any]) -> Ratings:
    return Ratings.of(pd.DataFrame(rows), [Axis(name="overall")])


def scores(rater: str, *given: int, candidate: str = "c", kind: str = "model") -> list[dict[str, Any]]:
    return [{"item_id": f"q{number}", "candidate": candidate, "axis": "overall", "rater": rater, "rater_kind": kind,
             "score": score} for number, score in enumerate(given)]  # fmt: skip


def two_judges(first: str = "j", second: str = "k") -> JudgePairs:
    told = ratings(*scores("ann", 1, 2, 3, 4, 5, 4, kind="person"))
    return judge_pairs(ratings(*scores(first, 1, 2, 3, 4, 5, 3), *scores(second, 2, 1, 4, 3, 5, 4)), told)


def two_candidates(first: str = "a", second: str = "b", *, up: int = 1) -> CandidatePairs:
    low = (1, 2, 3, 2, 1, 2, 3, 3)
    high = [score + up for score in low]
    return candidate_pairs(ratings(*scores("m", *high, candidate=first), *scores("m", *low, candidate=second)))


def two_runs(candidate: str = "c") -> RunPair:
    old = ratings(*scores("m", 1, 2, 3, 2, candidate=candidate), *scores("m", 2, 2, 2, 2, candidate="other"))
    new = ratings(*scores("m", 2, 3, 4, 3, candidate=candidate), *scores("m", 2, 2, 2, 2, candidate="other"))
    return run_pair(old, new)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_in_their_cells_and_move_no_cursor(name: str) -> None:
    reports = []
    for module, found in (
        (compare_judges, two_judges(name)), (compare_candidates, two_candidates(name)), (compare_runs, two_runs(name)),
    ):  # fmt: skip
        screen = Console(file=io.StringIO(), width=80, highlight=False, markup=False, emoji=False)
        module.show(screen, found)  # type: ignore[attr-defined]
        shown = screen.file.getvalue()  # type: ignore[attr-defined]
        assert not {"\x1b", "\u202e", "\r"} & set(shown)
        reports.append(module.report(found))  # type: ignore[attr-defined]
    for report in reports:
        rows = list(csv.DictReader(io.StringIO(compare.as_csv(report), newline="")))
        assert len(rows) == len(report.rows) and None not in rows[0]
        assert len(json.loads(compare.as_json(report))["rows"]) == len(report.rows)
        lines = compare.as_markdown(report).splitlines()
        assert "<script>" not in "".join(lines) and lines[3].startswith("|---")
        assert all(line.startswith("| ") for line in lines[4 : 4 + len(rows)])
    assert any(name in cell for row in csv.DictReader(io.StringIO(compare.as_csv(reports[1]), newline=""))
               for cell in row.values())  # fmt: skip


def test_an_unknown_form_and_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    report = compare_judges.report(two_judges())
    with pytest.raises(InputError, match=r"expected one of \.csv, \.json, \.md"):
        compare.write(report, tmp_path / "x.tex")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        compare.write(report, tmp_path / "file" / "x.csv")
    compare.write(report, tmp_path / "new" / "X.CSV")
    assert (tmp_path / "new" / "X.CSV").is_file()


def test_every_row_says_where_it_comes_from_and_other_data_another_signature() -> None:
    one = compare_candidates.report(two_candidates()).rows[0]["result_signature"]
    other = compare_candidates.report(two_candidates(up=2)).rows[0]["result_signature"]
    assert one.split("|")[0] == other.split("|")[0] and one.split("|")[1] != other.split("|")[1]
    assert "jackknife-t.1" in one and "sign-flip.1" in one and "|wavjudge:" in one
    primary, *_, last = compare_judges.report(two_judges()).rows
    assert "holm.1" in primary["result_signature"] and "holm.1" not in last["result_signature"]


def test_a_sentence_claims_no_more_than_its_p() -> None:
    (same,) = compare_candidates.report(two_candidates(up=0)).sentences
    assert same.startswith("overall: it is not shown which of a and b scores higher") and "p = 1.000)" in same
    (apart,) = compare_candidates.report(two_candidates()).sentences
    assert apart.startswith("overall: a scores higher than b, by 1.00 points on average over 8 prompts")
    (judges,) = compare_judges.report(two_judges()).sentences
    assert "it is not shown whether J1 or J2 agrees better with people" in judges


_SPAN = re.compile(r"(?:by|difference) (-?[\d.]+).*?interval (-?[\d.]+) to (-?[\d.]+)")


@pytest.mark.parametrize(
    "scores_of_second", [(4, 3, 5, 4, 4, 5, 4, 3), (2, 1, 2, 2, 1, 1, 2, 2), (3, 3, 1, 2, 4, 2, 3, 2)]
)
def test_the_size_of_a_difference_lies_in_the_interval_beside_it_in_either_order(scores_of_second: tuple[int]) -> None:
    first, second = scores("m", 3, 2, 3, 2, 2, 4, 2, 3, candidate="a"), scores("m", *scores_of_second, candidate="b")
    swapped = scores("m", 3, 2, 3, 2, 2, 4, 2, 3, candidate="b"), scores("m", *scores_of_second, candidate="a")
    said = []
    for table in (ratings(*first, *second), ratings(*swapped[0], *swapped[1])):
        (sentence,) = compare_candidates.report(candidate_pairs(table)).sentences
        size, low, high = map(float, _SPAN.search(sentence).groups())  # type: ignore[union-attr]
        assert low <= size <= high and size >= 0, sentence
        said.append((size, low, high))
    assert said[0] == said[1]


def test_a_better_second_judge_stands_first_in_the_figures_too() -> None:
    people = ratings(*scores("ann", *range(1, 6), *range(1, 6), *range(1, 6), kind="person"))
    good, bad = (1, 2, 3, 4, 5) * 3, (3, 1, 5, 2, 4, 4, 5, 1, 2, 3, 2, 4, 3, 1, 5)
    for statistic in (PEARSON, MAE):
        found = judge_pairs(ratings(*scores("j", *bad), *scores("k", *good)), people, statistic=statistic)
        (sentence,) = compare_judges.report(found).sentences
        assert "J2 agrees better with people than J1" in sentence
        size, low, high = map(float, _SPAN.search(sentence).groups())  # type: ignore[union-attr]
        assert low <= size <= high and (size > 0) == (statistic is PEARSON), sentence


def test_a_lower_drift_has_an_interval_of_the_same_sign() -> None:
    old = ratings(*scores("m", 3, 4, 5, 4, 3, 4, 5, 5))
    new = ratings(*scores("m", 2, 3, 4, 2, 2, 3, 4, 4))
    sentence = compare_runs.report(run_pair(old, new)).sentences[0]
    assert "points lower on average" in sentence
    low, high = map(float, re.search(r"interval (-?[\d.]+) to (-?[\d.]+)", sentence).groups())  # type: ignore[union-attr]
    assert 0 < low < high


def test_another_picture_among_answered_prompts_alone_is_said() -> None:
    table = ratings(*scores("m", 5, 5, 5, 4, 5, 4, candidate="a"), *scores("m", *[3] * 10, 4, 2, candidate="b"))
    said = [{"benchmark": "", "item_id": f"q{n}", "candidate": name, "status": status}
            for n in range(12) for name, status in (("a", "ok" if n < 6 else "crashed"), ("b", "ok"))]  # fmt: skip
    found = candidate_pairs(table, pd.DataFrame(said))
    (row,) = compare_candidates.report(found).rows
    assert (row["lost_first_failed"], row["lost_first_words"], row["all_prompts"]) == (6, ["crashed 6"], 12)
    (sentence,) = compare_candidates.report(found).sentences
    assert "failures counted at the scale's minimum" in sentence
    assert "On the 6 prompts both answered alone it looks otherwise: a minus b is 1.67" in sentence


def test_ranks_that_change_are_named_as_plain_means() -> None:
    tied = compare_runs.report(two_runs()).sentences
    assert any("both have one judge signature" in one for one in tied)
    assert any("would change: other from 1 to 2 (by plain means" in one for one in tied)
    low = ratings(*scores("m", 1, 2, 1, 2), *scores("m", 2, 2, 2, 2, candidate="other"))
    high = ratings(*scores("m", 3, 3, 3, 3), *scores("m", 2, 2, 2, 2, candidate="other"))
    (ranked,) = (one for one in compare_runs.report(run_pair(low, high)).sentences if "order" in one)
    assert "would change: other from 1 to 2, c from 2 to 1 (by plain means" in ranked


def test_scales_that_differ_are_never_mixed() -> None:
    wide = Ratings.of(
        pd.DataFrame(scores("m", 1, 9)), [Axis.model_validate({"name": "overall", "scale": {"low": 0, "high": 9}})]
    )
    with pytest.raises(InputError, match=r"1\.0\.\.5\.0 in the old ratings and on 0\.0\.\.9\.0"):
        run_pair(ratings(*scores("m", 1, 2)), wide)


def test_a_screen_holds_the_surest_of_many_pairs_and_says_where_all_are() -> None:
    pairs = [(number, None if number == 7 else number / 100) for number in range(100, 0, -1)]
    kept, said = compare.surest(pairs, lambda pair: pair[1])
    assert [number for number, _ in kept] == [n for n in range(41, 0, -1) if n != 7]
    assert said.startswith("The 40 surest of 100 differences") and "--out" in said
    assert compare.surest(pairs[:40], lambda pair: pair[1]) == (pairs[:40], "")
