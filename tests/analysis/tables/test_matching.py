"""Labels beside ratings: what a short table leaves out, and what cannot be put together."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from wavjudge.analysis.tables.matching import matched
from wavjudge.analysis.tables.ratings import Ratings
from wavjudge.errors import InputError
from wavjudge.types import Axis, Scale

AXES = [Axis(name="overall")]
TABLE = pd.DataFrame({"item_id": ["1", "2"], "axis": "overall", "rater": "gpt", "score": [4, 5]})


def judged(**columns: Any) -> Ratings:
    return Ratings.of(TABLE.assign(**columns), AXES)


def labelled(**columns: Any) -> Ratings:
    return Ratings.of(TABLE.assign(rater="ann", rater_kind="person", **columns), AXES)


def test_labels_that_name_nothing_are_of_the_only_benchmark_and_candidate_and_it_is_said() -> None:
    found = matched(judged(benchmark="mine", candidate="a"), labelled())
    assert set(found.frame["benchmark"]) == {"mine"} and set(found.frame["candidate"]) == {"a"}
    assert [str(problem) for problem in found.problems] == [
        "2 x no benchmark: taken for labels of 'mine'", "2 x no candidate: taken for labels of 'a'",
    ]  # fmt: skip


def test_what_is_named_stays_as_it_is() -> None:
    labels = labelled(benchmark="mine", candidate="a")
    assert matched(judged(benchmark="mine", candidate="a"), labels) is labels
    some = labelled(benchmark=["", "mine"], candidate="a")
    assert matched(judged(benchmark="mine", candidate="a"), some) is some


def test_between_several_nobody_guesses() -> None:
    with pytest.raises(InputError, match=r"without a candidate, and ratings of 2 \('a', 'b'\)"):
        matched(judged(candidate=["a", "b"]), labelled())


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"benchmark": "other", "candidate": "a"}, "the first: benchmark 'mine' by judges, 'other' by people"),
        ({"benchmark": "mine", "candidate": "A"}, "the first: candidate 'a' by judges, 'A' by people"),
        ({"benchmark": "mine", "candidate": "a", "item_id": ["7", "8"]}, "item_id '1' by judges, '7' by people"),
    ],
)
def test_nothing_in_common_is_an_error_that_names_the_column(names: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        matched(judged(benchmark="mine", candidate="a"), labelled(**names))


def test_each_name_known_and_still_no_answer_in_common() -> None:
    people = labelled(candidate=["a", "b"])
    with pytest.raises(InputError, match="first: 1/b by judges, 1/a by people"):
        matched(judged(candidate=["b", "a"]), people)


def test_two_scales_of_one_axis_are_refused() -> None:
    wide = Ratings.of(
        TABLE.assign(rater="ann", rater_kind="person"), [Axis(name="overall", scale=Scale(low=0, high=10))]
    )
    with pytest.raises(InputError, match="scales are never mixed"):
        matched(judged(), wide)
