"""The table at the end of a run: means over subjects, repeats first; what was not scored is counted, never averaged."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from typing import Any

import pytest
from rich.cells import cell_len

from wavjudge.cli.console import console
from wavjudge.reporting.summary import as_json, outcomes, show, summarise
from wavjudge.types import OUTCOMES, STATUSES, Rating, Response, Scale, Subject, Utterance


def rating(item: str = "1", score: float | None = 4, **changes: Any) -> Rating:
    facts: dict[str, Any] = {
        "subject": Subject(benchmark="b", item_id=item, candidate=changes.pop("candidate", "c")), "axis": "overall",
        "scale": Scale(low=1, high=5), "rater": "openai:m", "rater_kind": "model", "score": score,
        "status": "ok" if score is not None else "unparseable", "reason": None if score is not None else "no tag",
        "signature": "s",
    }  # fmt: skip
    return Rating.model_validate(facts | changes)


def response(candidate: str, status: str = "ok", number: int = 0) -> Response:
    return Response.model_validate({
        "benchmark": "b", "item_id": str(number), "candidate": candidate, "answers": [Utterance(text="x")],
        "status": status,
    })  # fmt: skip


def printed(ratings: list[Rating], answers: list[Response]) -> str:
    with redirect_stdout(io.StringIO()) as out:
        show(console(), summarise(ratings), outcomes(answers))
    return out.getvalue()


KEY = ("openai:m", "b", "c", "overall", "s")


def test_the_mean_is_over_answers_and_each_answer_counts_once_however_often_it_was_rated() -> None:
    """(4 + 4 + 1)/3 = 3 for item 1, 5 for item 2: (3 + 5)/2 = 4, and not 14/4 = 3.5."""
    cell = summarise([rating("1", 4), rating("1", 4, repeat=1), rating("1", 1, repeat=2), rating("2", 5)])[KEY]
    assert cell.mean == 4.0 and len(cell.scores) == 2 and cell.statuses == {"ok": 4}


def test_attempts_and_turns_are_answers_of_their_own() -> None:
    base = {"benchmark": "b", "item_id": "1", "candidate": "c"}
    others = [Subject(**base), Subject(**base, attempt=1), Subject(**base, turn=1)]
    cell = summarise([rating(subject=subject, score=score) for subject, score in zip(others, (1, 2, 3), strict=True)])[
        KEY
    ]
    assert cell.mean == 2.0 and len(cell.scores) == 3


@pytest.mark.parametrize("status", [status for status in STATUSES if status != "ok"])
def test_what_was_not_scored_is_counted_and_stays_out_of_the_mean(status: str) -> None:
    cell = summarise([rating("1", 5), rating("2", None, status=status), rating("3", None, status=status)])[KEY]
    assert cell.mean == 5.0 and cell.unscored == {status: 2} and len(cell.scores) == 1


def test_where_nothing_was_scored_there_is_no_mean() -> None:
    assert summarise([rating(score=None)])[KEY].mean is None
    assert summarise([]) == {}


def test_rater_benchmark_candidate_and_axis_are_kept_apart() -> None:
    other_set = Subject(benchmark="other", item_id="1", candidate="c")
    ratings = [rating(), rating(rater="ann"), rating(candidate="d"), rating(axis="semantic"), rating(subject=other_set)]
    assert len(summarise(ratings)) == 5


def test_how_answers_came_out_is_counted_by_candidate() -> None:
    answers = [response("a", status, number) for number, status in enumerate((*OUTCOMES, "ok"))] + [response("b")]
    counts = outcomes(answers)
    assert counts["a"] == {name: 2 if name == "ok" else 1 for name in OUTCOMES} and counts["b"] == {"ok": 1}


def test_the_json_is_plain_sorted_and_without_nan() -> None:
    ratings = [rating(candidate="z"), rating(score=None, candidate="a"), rating(axis="semantic", candidate="a")]
    data = as_json(summarise(ratings), outcomes([response("z"), response("a", "no_speech")]))
    text = json.dumps(data, allow_nan=False)
    rows = json.loads(text)["axes"]
    assert [(row["candidate"], row["axis"], row["mean"], row["n_scored"]) for row in rows] == [
        ("a", "overall", None, 0), ("a", "semantic", 4.0, 1), ("z", "overall", 4.0, 1)]  # fmt: skip
    assert rows[0]["statuses"] == {"unparseable": 1} and rows[0]["scale"] == {"low": 1.0, "high": 5.0, "unit": "points"}
    assert list(json.loads(text)["answers"].items()) == [("a", {"no_speech": 1}), ("z", {"ok": 1})]


def test_the_tables_say_means_counts_and_own_failures() -> None:
    text = printed([rating("1", 4), rating("2", 3), rating("3", None)],
                   [response("c"), response("c", number=2), response("c", "no_speech", 3)])  # fmt: skip
    assert "Rated by openai:m" in text and "3.50" in text and "1-5" in text and "1 unparseable" in text
    assert "1 no_speech" in text


def test_a_cell_without_a_mean_shows_a_dash_not_a_number() -> None:
    line = next(line for line in printed([rating(score=None)], []).splitlines() if "overall" in line)
    assert line.split()[:3] == ["overall", "-", "0"]


def test_units_and_open_scales_are_shown_without_inventing_ends() -> None:
    text = printed([rating(axis="rate", scale=Scale(low=0, unit="words/s"), score=2.5)], [])
    assert "words/s" in text and "0-" not in text


@pytest.mark.parametrize(
    "name",
    ["[red]model[/red]", "a[/b]", "x" * 200, "名前" * 40, "a\x1b[31mb", "two\nlines", "\u202ereversed", "a:star:b"],
)
def test_any_name_fits_into_80_columns_and_cannot_draw_on_the_screen(name: str) -> None:
    text = printed([rating(candidate=name, rater=name)], [response(name)])
    assert all(cell_len(line) <= 80 for line in text.splitlines())
    assert "\x1b" not in text and "\u202e" not in text
    if name.isascii() and name.isprintable() and len(name) < 30:
        assert text.count(name) == 3, "as it is: in both tables, and as the rater"


def test_empty_tables_can_be_shown() -> None:
    assert "Answers" in printed([], [])


def test_ratings_of_two_signatures_never_share_a_mean_and_the_table_names_both() -> None:
    ratings = [rating("1", 5, signature="m|v1|is:old"), rating("2", 1, signature="m|v1|is:new")]
    assert sorted(cell.mean or 0 for cell in summarise(ratings).values()) == [1.0, 5.0]
    text = printed(ratings, [response("c")])
    assert "overall (1)" in text and "(2) m|v1|is:old" in text


def test_a_call_that_failed_before_the_model_was_named_counts_for_its_judge() -> None:
    ratings = [rating("1", 4, signature="m|v1|is:a"), rating("2", None, signature="m|v1", status="failed")]
    (cell,) = summarise(ratings).values()
    assert cell.mean == 4.0 and cell.statuses == {"ok": 1, "failed": 1}
