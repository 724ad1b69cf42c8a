"""What a resume asks for again."""

from __future__ import annotations

import pytest

from wavjudge.bench.done import _is_asked_again
from wavjudge.types import Call, Rating, Scale, Subject


def failed(reason: str, *, paid: bool) -> Rating:
    return Rating(
        subject=Subject(benchmark="b", item_id="q", candidate="c"), axis="overall", scale=Scale(low=1, high=5),
        rater="openai:m", rater_kind="model", status="failed", reason=reason, signature="openai:m|v1",
        call=Call(id="1") if paid else None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "paid", "retry", "again"),
    [
        ("HTTP 500", False, {"failed"}, True),
        ("HTTP 500", False, {"internal"}, False),
        ("internal: KeyError at x.py:1", False, {"failed"}, True),
        ("internal: KeyError at x.py:1", False, {"internal"}, True),
        ("internal: KeyError at x.py:1", True, {"failed"}, False),
        ("internal: KeyError at x.py:1", True, {"internal"}, True),
        ("internal: KeyError at x.py:1", True, set(), False),
    ],
)
def test_what_was_paid_for_is_asked_again_by_internal_alone(
    reason: str, paid: bool, retry: set[str], again: bool
) -> None:
    assert _is_asked_again(failed(reason, paid=paid), retry) is again
