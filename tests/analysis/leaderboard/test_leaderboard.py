"""Leaderboards: failures count, judges' failures do not, judges are not mixed; means by statsmodels and by hand."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from wavjudge.analysis.leaderboard.leaderboard import Leaderboard, Row, leaderboard, leaderboards, mean
from wavjudge.analysis.tables.ratings import Ratings, read_table
from wavjudge.errors import InputError
from wavjudge.types import Axis, Scale

GOLDEN = Path(__file__).parents[1] / "golden"
OVERALL, SEMANTIC = Axis(name="overall"), Axis(name="semantic")
RATE = Axis(name="speech_rate", scale=Scale(low=0, unit="words/s"))


def ratings(*rows: dict[str, Any], axes: tuple[Axis, ...] = (OVERALL,)) -> Ratings:
    standard = {"benchmark": "b", "item_id": "1", "candidate": "a", "axis": "overall", "rater": "m", "score": 4}
    return Ratings.of(pd.DataFrame([standard | row for row in rows]), axes)


def scored(candidate: str, *scores: float | None, **rest: Any) -> list[dict[str, Any]]:
    """One rating an item, 1, 2, ..."""
    return [{"item_id": str(i), "candidate": candidate, "score": x} | rest for i, x in enumerate(scores, 1)]


def answers(statuses: dict[str, str], **rest: Any) -> pd.DataFrame:
    """Responses by candidate, one letter an item: o ok, n no_speech, c crashed, - none."""
    word = {"o": "ok", "n": "no_speech", "c": "crashed"}
    return pd.DataFrame([
        {"benchmark": "b", "item_id": str(i), "candidate": name, "status": word[letter]} | rest
        for name, letters in statuses.items() for i, letter in enumerate(letters, 1) if letter != "-"
    ])  # fmt: skip


def row(board: Leaderboard, candidate: str) -> Row:
    return next(row for row in board.rows if row.candidate == candidate)


def rank(found: Row) -> tuple[int, int] | None:
    return (found.rank.low, found.rank.high) if found.rank else None


@pytest.mark.parametrize("names", ["a", "ab"])
def test_where_nobody_has_a_score_there_is_no_rank(names: str) -> None:
    rows = [one for name in names for one in scored(name, None, None)]
    board = leaderboard(ratings(*rows), answers(dict.fromkeys(names, "oo")))
    assert [rank(row(board, name)) for name in names] == [None] * len(names)
    assert [row(board, name).figure("overall").n_unscored for name in names] == [2] * len(names)


# --- the golden case, by hand


@pytest.mark.parametrize("candidate", ["a", "b"])
def test_two_candidates_by_hand(candidate: str) -> None:
    folder = GOLDEN / "leaderboard"
    expected = json.loads((folder / "expected.json").read_text())[candidate]
    board = leaderboard(Ratings.of(read_table(folder / "ratings.csv")), pd.read_csv(folder / "responses.csv"))
    found = row(board, candidate)
    figure = found.figure("overall")
    for name in ("n_items", "n_responses", "n_no_answer"):
        assert getattr(found, name) == expected[name]
    for name in ("n_scored", "n_unscored", "n_unrated", "lowest", "highest"):
        assert getattr(figure, name) == expected[name]
    for name, estimate in (("all", figure.all_items), ("answered", figure.answered)):
        assert [estimate.value, estimate.low, estimate.high] == pytest.approx(expected[name], abs=1e-6)
    assert found.instruments["speech_rate"] == tuple(expected["speech_rate"])
    assert found.seconds == expected["seconds"]
    assert found.usd == pytest.approx(expected["usd"])
    assert rank(found) == tuple(expected["ranks"])
    assert found.signatures == {"overall": "judge|1", "speech_rate": "signals|1"}


# --- the mean


@pytest.mark.parametrize("case", json.loads((GOLDEN / "clustered_mean.json").read_text())["cases"])
def test_equal_clusters_give_the_interval_of_statsmodels(case: dict[str, Any]) -> None:
    found = mean(np.array(case["scores"]), np.array(case["prompt"]))
    assert [found.value, found.low, found.high] == pytest.approx([case["mean"], case["low"], case["high"]], abs=1e-9)


def test_the_golden_file_is_what_statsmodels_says_today() -> None:
    sm = pytest.importorskip("statsmodels.api")
    for case in json.loads((GOLDEN / "clustered_mean.json").read_text())["cases"]:
        scores = np.array(case["scores"])
        fit = sm.OLS(scores, np.ones(len(scores))).fit(
            cov_type="cluster", cov_kwds={"groups": np.array(case["prompt"])}, use_t=True
        )
        assert list(fit.conf_int(0.05)[0]) == pytest.approx([case["low"], case["high"]])


SIZES = st.lists(st.integers(1, 5), min_size=3, max_size=12)


@settings(max_examples=50)
@given(SIZES, st.integers(0, 2**32 - 1))
def test_any_clusters_give_the_jackknife_done_by_hand(sizes: list[int], seed: int) -> None:
    prompt = np.repeat(np.arange(len(sizes)), sizes)
    scores = np.random.default_rng(seed).normal(3, 1, len(prompt))
    without = np.array([scores[prompt != p].mean() for p in range(len(sizes))])
    p = len(sizes)
    half = stats.t.ppf(0.975, p - 1) * np.sqrt((p - 1) / p * ((without - without.mean()) ** 2).sum())
    found = mean(scores, prompt)
    assert [found.value, found.low, found.high] == pytest.approx((scores.mean() + np.array([0, -half, half])).tolist())


@pytest.mark.parametrize(
    ("scores", "value", "said"),
    [
        ([], None, "nothing scored"),
        ([4], 4, "under 3"),
        ([4, 2], 3, "under 3"),
        ([4, 4, 4, 4], 4, "says the same"),
    ],
)
def test_no_interval_is_made_up(scores: list[float], value: float | None, said: str) -> None:
    found = mean(np.array(scores, float), np.arange(len(scores)))
    assert (found.value, found.low, found.high) == (value, None, None)
    assert said in found.note


# --- what counts


def test_failures_stand_at_the_minimum_and_unscored_answers_nowhere() -> None:
    table = ratings(*scored("a", 5, 5, 4, None), *scored("b", 3, 3, 3, 3))
    board = leaderboard(table, answers({"a": "oooonc", "b": "oooooo"}))
    a, b = row(board, "a").figure("overall"), row(board, "b").figure("overall")
    assert a.answered.value == pytest.approx(14 / 3)
    assert a.all_items.value == pytest.approx(16 / 5)
    assert (a.n_scored, a.n_unscored, a.n_unrated, row(board, "a").n_no_answer) == (3, 1, 0, 2)
    assert (a.lowest, a.highest) == pytest.approx((17 / 6, 21 / 6))
    assert (b.n_unrated, b.lowest, b.highest) == (2, pytest.approx(14 / 6), pytest.approx(22 / 6))


def test_attempts_are_averaged_inside_their_prompt_for_the_ranks_and_counted_one_by_one_in_the_mean() -> None:
    rows = [*scored("a", 5, 3, attempt=0), *scored("a", 1, attempt=1), *scored("b", 3, 3)]
    board = leaderboard(ratings(*rows))
    assert row(board, "a").figure("overall").all_items.value == 3
    assert (row(board, "a").n_items, row(board, "a").n_responses) == (2, 3)
    assert board.ranks["b"].difference[0, 1] == 0


def test_a_failed_answer_of_several_turns_fails_at_each_turn_that_was_rated() -> None:
    rows = [{"candidate": "a", "turn": turn, "score": 5} for turn in (0, 2)]
    board = leaderboard(ratings(*rows), answers({"a": "o", "b": "n"}))
    assert row(board, "b").figure("overall").all_items.value == 1
    assert board.ranks["b"].common[0, 1] == 2
    assert row(board, "b").n_no_answer == 1


def test_what_does_not_fit_is_noted_and_set_aside() -> None:
    table = ratings(*scored("a", 5, 4, 3), *scored("b", 2, 9), {"candidate": "ghost"})
    board = leaderboard(table, answers({"a": "oon", "b": "oo-"}))
    assert row(board, "a").figure("overall").all_items.value == pytest.approx(10 / 3)
    assert [r.candidate for r in board.rows] == ["a", "b"]
    said = "\n".join(board.notes)
    for part in ("1 ratings of answers that the table of responses does not hold, set aside: 1/ghost",
                 "1 ratings of answers that failed, set aside: 3/a",
                 "b has no response to 1 of 3 items, which count neither for nor against it (2 responses, 0 failed)",
                 "1 x score off the scale"):  # fmt: skip
        assert part in said
    assert "failures are not known" in leaderboard(table).notes[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.drop(columns="candidate"), "responses without candidate"),
        (lambda t: t.assign(status="fine"), "got the status 'fine' of a response, expected one of ok"),
        (lambda t: pd.concat([t, t]), "2 responses twice"),
    ],
)
def test_bad_responses_are_errors(change: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        leaderboard(ratings({}), change(answers({"a": "oo"})))


# --- who judges, and what ranks


def test_judges_are_never_mixed_in_silence() -> None:
    table = ratings(*scored("a", 5, 4), *scored("a", 1, 2, rater="n"))
    with pytest.raises(InputError, match="2 judges rated the axis overall, expected one: m, n") as caught:
        leaderboard(table)
    assert "--judge m" in str(caught.value)
    boards = leaderboards(table)
    assert {name: board.rows[0].figure("overall").all_items.value for name, board in boards.items()} == {
        "m": 4.5,
        "n": 1.5,
    }
    assert [board.title.rsplit(" ", 1)[1] for board in boards.values()] == ["m", "n"]
    two = ratings(*scored("a", 5, 4, signature="m|1"), *scored("b", 1, 2, signature="m|2"))
    with pytest.raises(InputError, match=r"under 2 signatures, expected one: m\|1; m\|2") as caught:
        leaderboards(two)
    assert "--signature 'm|1'" in str(caught.value)
    assert len(leaderboard(two, signatures=["m|1"]).rows) == 1


def test_a_judge_that_is_not_there_is_an_error() -> None:
    with pytest.raises(InputError, match="got the rater x, expected one of m"):
        leaderboard(ratings({}), rater="x")
    with pytest.raises(InputError, match="got the signature y, expected one of m"):
        leaderboard(ratings({}), signatures=["m", "y"])


def test_axes_and_benchmarks_may_have_signatures_of_their_own() -> None:
    table = ratings(
        *scored("a", 5, 4, signature="m|o"), *scored("a", 5, 4, axis="semantic", signature="m|s"),
        *scored("a", 2, 2, benchmark="c", signature="m|o2"), axes=(OVERALL, SEMANTIC),
    )  # fmt: skip
    board = leaderboard(table)
    assert [r.signatures for r in board.rows] == [{"overall": "m|o", "semantic": "m|s"}, {"overall": "m|o2"}]
    assert [(r.benchmark, r.figure("semantic").n_unrated) for r in board.rows] == [("b", 0), ("c", 2)]


def test_people_are_a_judge_only_when_named() -> None:
    table = ratings(*scored("a", 5, 4), *scored("a", 1, 2, rater="ann", rater_kind="person"))
    assert leaderboard(table).rows[0].figure("overall").all_items.value == 4.5
    assert leaderboard(table, rater="ann").rows[0].figure("overall").all_items.value == 1.5


def instrumented() -> Ratings:
    rated = [*scored("a", *[5] * 12), *scored("b", *[2] * 12)]
    measured = [*scored("a", *[2] * 12), *scored("b", *[3] * 12)]
    return ratings(
        *rated, *({"axis": "speech_rate", "rater": "signals", "rater_kind": "instrument"} | r for r in measured),
        axes=(OVERALL, RATE),
    )  # fmt: skip


def test_instruments_are_columns_and_rank_only_when_asked_for_by_name() -> None:
    board = leaderboard(instrumented())
    assert (board.rank_by, board.axes, board.instruments) == ("overall", ("overall",), ("speech_rate",))
    assert [(r.candidate, rank(r), r.instruments["speech_rate"]) for r in board.rows] == [
        ("a", (1, 1), (2.0, 12)), ("b", (2, 2), (3.0, 12)),
    ]  # fmt: skip
    assert "instrument" not in board.title
    asked = leaderboard(instrumented(), rank_by="speech_rate")
    assert [(r.candidate, rank(r)) for r in asked.rows] == [("b", (1, 1)), ("a", (2, 2))]
    assert "measured by the instrument signals, which judges no answer" in asked.title
    assert asked.axes == ("speech_rate", "overall")


def test_instruments_stand_beside_whichever_judge_was_named() -> None:
    assert leaderboard(instrumented(), rater="m").instruments == ("speech_rate",)


def test_instruments_alone_rank_nothing() -> None:
    table = Ratings.of(instrumented().frame.query("rater == 'signals'"), [RATE])
    board = leaderboard(table)
    assert board.rank_by is None
    assert board.title == "Not ranked: there is no overall axis; --rank-by names the one to rank by (of speech_rate)"
    assert all(r.rank is None for r in board.rows)
    assert [r.candidate for r in board.rows] == ["a", "b"]


def test_the_primary_axis_is_overall_or_the_only_one_or_named() -> None:
    two = [Axis(name="semantic"), Axis(name="acoustic")]
    rows = [*scored("a", 5, axis="semantic"), *scored("a", 1, axis="acoustic")]
    assert leaderboard(ratings(*rows, axes=tuple(two))).rank_by is None
    assert leaderboard(ratings(*rows[:1], axes=tuple(two))).rank_by == "semantic"
    assert leaderboard(ratings(*rows, axes=tuple(two)), rank_by="acoustic").axes == ("acoustic", "semantic")
    with pytest.raises(InputError, match="got the axis 'charm', expected one of acoustic, semantic"):
        leaderboard(ratings(*rows, axes=tuple(two)), rank_by="charm")


def test_constructed_labels_are_called_so() -> None:
    board = leaderboard(ratings(*scored("a", 5, 4, rater="rules", rater_kind="constructed")))
    assert "constructed (rules)" in board.title


# --- edges


def test_one_candidate_one_prompt() -> None:
    [only] = leaderboard(ratings({})).rows
    assert (rank(only), only.figure("overall").all_items.value, only.figure("overall").all_items.low) == (
        (1, 1),
        4.0,
        None,
    )
    assert only.rank is not None
    assert only.rank.alike == ()


def test_all_failed_stands_at_the_bottom_and_all_unscored_anywhere() -> None:
    rows = [*scored("good", *[5, 4] * 8), *scored("mute", *[None] * 16), *scored("fair", *[3, 4] * 8)]
    board = leaderboard(
        ratings(*rows), answers({"good": "o" * 16, "mute": "o" * 16, "fair": "o" * 16, "dead": "n" * 16})
    )
    assert [r.candidate for r in board.rows] == ["good", "fair", "dead", "mute"]
    dead, mute = row(board, "dead").figure("overall"), row(board, "mute").figure("overall")
    assert (dead.all_items.value, dead.answered.value, dead.lowest, dead.highest) == (1, None, 1, 1)
    assert (mute.all_items.value, mute.n_unscored, mute.lowest, mute.highest) == (None, 16, 1, 5)
    assert rank(row(board, "dead")) == (3, 4)
    assert rank(row(board, "mute")) == (1, 4)


def test_everything_failed_and_nothing_was_rated() -> None:
    nothing = Ratings.of(pd.DataFrame({name: [] for name in ("item_id", "axis", "rater", "score")}), [OVERALL])
    board = leaderboard(nothing, answers({"a": "nn", "b": "cc"}), rank_by="overall")
    assert [(r.figure("overall").all_items.value, rank(r)) for r in board.rows] == [(1, (1, 2)), (1, (1, 2))]
    assert board.title.endswith("judged by nobody")
    assert leaderboard(nothing).rows == ()


def test_an_open_scale_has_no_place_for_failures() -> None:
    warmth = Axis(name="warmth", scale=Scale(unit="units"))
    rows = scored("a", 7, -3, axis="warmth")
    table = ratings(*rows, *scored("a", 1, 2), axes=(OVERALL, warmth))
    found = leaderboard(table, answers({"a": "oon"})).rows[0].figure("warmth")
    assert (found.all_items.value, found.lowest, found.highest, found.answered.value) == (None, None, None, 2)
    assert "open scale" in found.all_items.note
    with pytest.raises(InputError, match="a scale with a minimum"):
        leaderboard(table, answers({"a": "oon"}), rank_by="warmth")


def test_ties_keep_the_order_of_names() -> None:
    board = leaderboard(ratings(*scored("b", 5, 3), *scored("a", 3, 5), *scored("c", 4, 4)))
    assert [r.candidate for r in board.rows] == ["a", "b", "c"]


def test_benchmarks_rank_apart() -> None:
    rows = [r | {"benchmark": name} for name, flip in (("x", 1), ("y", -1)) for r in
            (*scored("a", *[3 + flip] * 12), *scored("b", *[3 - flip] * 12))]  # fmt: skip
    board = leaderboard(ratings(*rows))
    assert [(r.benchmark, r.candidate, rank(r)) for r in board.rows] == [
        ("x", "a", (1, 1)), ("x", "b", (2, 2)), ("y", "b", (1, 1)), ("y", "a", (2, 2)),
    ]  # fmt: skip


def test_order_of_rows_changes_nothing_and_data_change_the_hash() -> None:
    random = np.random.default_rng(0)
    rows = [r for name in "abc" for r in scored(name, *random.integers(1, 6, 20).tolist())]
    said = answers(dict.fromkeys("abc", "o" * 20))
    one = leaderboard(ratings(*rows), said)
    other = leaderboard(ratings(*random.permutation(np.array(rows))), said.sample(frac=1, random_state=1))
    assert dataclasses.replace(one, ranks={}) == dataclasses.replace(other, ranks={})
    np.testing.assert_array_equal(one.ranks["b"].p, other.ranks["b"].p)
    changed = leaderboard(ratings(*rows[1:], rows[0] | {"score": 6 - rows[0]["score"] or 1}), said)
    assert leaderboard(ratings(*rows), said.assign(seconds=1.0)).data_sha256 != one.data_sha256 != changed.data_sha256


def test_the_tiny_benchmark_ranks_its_known_degradations() -> None:
    folder = Path(__file__).parents[3] / "benchmarks" / "tiny"
    said = pd.read_json(folder / "responses.jsonl", lines=True).assign(benchmark="tiny")
    said["status"] = np.where(said["audio"].notna(), "ok", "no_speech")
    board = leaderboard(Ratings.of(read_table(folder / "labels.csv")), said)
    assert board.rows[0].candidate == "steady"
    assert row(board, "lost").n_no_answer == 2
