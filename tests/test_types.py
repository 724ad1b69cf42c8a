"""The nouns keep their promises: a failure is never a number, scales hold, identity is content."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from wavjudge import types
from wavjudge.types import (
    OUTCOMES,
    STATUSES,
    AudioRef,
    Axis,
    Call,
    Item,
    Rating,
    Record,
    Response,
    Scale,
    Stored,
    Subject,
    Usage,
    Utterance,
)

SUBJECT = Subject(benchmark="b", item_id="1", candidate="c")


def rating(**changes: Any) -> Rating:
    facts: dict[str, Any] = {
        "subject": SUBJECT, "axis": "overall", "scale": Scale(low=1, high=5), "rater": "ann", "rater_kind": "person",
        "score": 4, "status": "ok", "signature": "person:ann",
    }  # fmt: skip
    return Rating.model_validate(facts | changes)


def records() -> list[type[Record]]:
    return [kind for kind in vars(types).values() if isinstance(kind, type) and issubclass(kind, Record)]


# A judge's failure is never a number


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("score", [None, 0.0, 1.0, 3.0])
def test_a_score_stands_exactly_when_the_status_is_ok(status: str, score: float | None) -> None:
    fits = (score is not None and score >= 1) if status == "ok" else score is None
    if fits:
        assert rating(status=status, score=score, reason="because").score == score
        return
    with pytest.raises(ValidationError, match=r"a score stands exactly when|off the scale"):
        rating(status=status, score=score, reason="because")


@pytest.mark.parametrize("status", [status for status in STATUSES if status != "ok"])
@pytest.mark.parametrize("reason", [None, ""])
def test_whatever_is_not_ok_says_why(status: str, reason: str | None) -> None:
    with pytest.raises(ValidationError, match="needs a reason"):
        rating(status=status, score=None, reason=reason)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_nan_and_infinity_are_no_scores_and_no_details(bad: float) -> None:
    with pytest.raises(ValidationError):
        rating(score=bad, scale=Scale())
    with pytest.raises(ValidationError):
        rating(details={"snr": bad})


# Scales


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_score_is_on_its_scale_or_no_rating(score: float) -> None:
    if 1 <= score <= 5:
        assert rating(score=score).score == score
    else:
        with pytest.raises(ValidationError, match="off the scale"):
            rating(score=score)


def test_both_ends_are_on_the_scale_and_an_open_end_has_none() -> None:
    assert Scale(low=1, high=5).holds(1) and Scale(low=1, high=5).holds(5)
    assert not Scale(low=1, high=5).holds(5.0000001)
    assert Scale(high=0).holds(-1e300) and not Scale(high=0).holds(1e-9)
    assert Scale().holds(-1e300) and Scale().holds(1e300)


@pytest.mark.parametrize("low, high", [(5, 5), (5, 1), (0, -0.0)])
def test_a_scale_has_its_low_end_below_its_high_end(low: float, high: float) -> None:
    with pytest.raises(ValidationError, match="is not below"):
        Scale(low=low, high=high)


def test_an_axis_is_1_to_5_points_unless_it_says_otherwise() -> None:
    assert Axis(name="overall").scale == Scale(low=1, high=5, unit="points")


@pytest.mark.parametrize("name", ["", "Overall", "1st", "voice quality", "a-b", "é", "_x", "x" * 41, "x\n"])
def test_an_axis_has_a_plain_lower_case_name(name: str) -> None:
    with pytest.raises(ValidationError):
        Axis(name=name)
    with pytest.raises(ValidationError):
        rating(axis=name)


# Identity


def test_the_key_is_what_makes_two_ratings_the_same_work() -> None:
    same = [rating(), rating(score=2), rating(justification="x"), rating(time=datetime.now(UTC))]
    assert len({one.key for one in same}) == 1
    other = [
        rating(axis="semantic"), rating(rater="bob"), rating(signature="person:bob"), rating(repeat=1),
        *(rating(subject=SUBJECT.model_copy(update=change)) for change in (
            {"benchmark": "x"}, {"item_id": "2"}, {"candidate": "d"}, {"attempt": 1}, {"turn": 1})),
    ]  # fmt: skip
    assert len({one.key for one in (rating(), *other)}) == len(other) + 1


def test_the_id_is_the_content_so_any_change_makes_another() -> None:
    ones = [
        rating(), rating(score=3), rating(repeat=1), rating(raw=""), rating(time=datetime(2026, 1, 1, tzinfo=UTC)),
        rating(details={"a": 1}), rating(details={"a": "1"}), rating(call=Call(id="x")), rating(supersedes="y"),
        rating(scale=Scale(low=1, high=6)), rating(scale=Scale(low=1, high=5, unit="stars")),
    ]  # fmt: skip
    assert len({one.id for one in ones}) == len(ones)
    assert rating().id == rating().id and len(rating().id) == 16


def test_the_id_of_this_release_is_the_id_of_the_next_one() -> None:
    """A record on disk is superseded by its id: should this change, `supersedes` in old runs points nowhere."""
    assert rating().id == "ea29ebbc03e0878d"


def test_the_subject_of_a_response_is_its_last_turn_unless_said() -> None:
    response = Response(benchmark="b", item_id="1", candidate="c", attempt=2, answers=(Utterance(text="a"),) * 3)
    assert response.subject().turn == response.subject(-1).turn == 2 and response.subject(-3).turn == 0
    assert response.subject(1) == Subject(benchmark="b", item_id="1", candidate="c", attempt=2, turn=1)
    assert response.model_copy(update={"answers": ()}).subject().turn == 0


# What is on disk


@pytest.mark.parametrize("kind", records(), ids=lambda kind: kind.__name__)
def test_every_record_is_frozen_and_refuses_what_it_does_not_know(kind: type[Record]) -> None:
    assert kind.model_config.get("frozen") and kind.model_config.get("extra") == "forbid"
    assert kind.model_config.get("allow_inf_nan") is False


def test_a_record_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        rating().score = 5  # type: ignore[misc]
    with pytest.raises(ValidationError, match="Extra inputs"):
        rating(mood="good")


@pytest.mark.parametrize("kind", [k for k in records() if issubclass(k, Stored)], ids=lambda kind: kind.__name__)
def test_every_line_on_disk_carries_the_schema_version_and_another_version_is_refused(kind: type[Stored]) -> None:
    assert kind.model_fields["schema_version"].default == types.SCHEMA_VERSION
    with pytest.raises(ValidationError) as error:
        kind.model_validate({"schema_version": types.SCHEMA_VERSION + 1})
    assert any(detail["loc"] == ("schema_version",) for detail in error.value.errors())


@pytest.mark.parametrize(
    "bad",
    [
        {"sha256": "0" * 63}, {"sha256": "G" * 64}, {"sha256": "A" * 64}, {"seconds": -1}, {"seconds": math.inf},
        {"sample_rate_hz": 0}, {"sample_rate_hz": 16000.5},
    ],
    ids=str,
)  # fmt: skip
def test_a_recording_has_a_hash_a_length_and_a_rate(bad: dict[str, Any]) -> None:
    good = {"path": "a.wav", "sha256": "0" * 64, "seconds": 0, "sample_rate_hz": 16000}
    assert AudioRef.model_validate(good).seconds == 0
    with pytest.raises(ValidationError):
        AudioRef.model_validate(good | bad)


def test_an_item_has_at_least_one_turn() -> None:
    with pytest.raises(ValidationError, match="at least 1 item"):
        Item(benchmark="b", id="1", turns=())


@pytest.mark.parametrize("field", ["attempt", "turn"])
def test_attempts_and_turns_count_from_zero(field: str) -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        SUBJECT.model_validate(SUBJECT.model_dump() | {field: -1})


def test_not_said_is_not_zero() -> None:
    assert set(Usage().model_dump().values()) == {None}


def test_a_rating_written_before_speech_was_counted_keeps_its_id() -> None:
    # Another record may supersede it by this id.
    line = (
        '{"schema_version":1,"subject":{"benchmark":"b","item_id":"1","candidate":"c","attempt":0,"turn":0},'
        '"axis":"overall","scale":{"low":1.0,"high":5.0,"unit":"points"},"rater":"r","rater_kind":"model","repeat":0,'
        '"score":4.0,"status":"ok","reason":null,"justification":null,"raw":null,"details":{},"call":{"id":"1",'
        '"prompt_hash":null,"request_hash":null,"nonce":null,"resolved_model":null,"provider_id":null,"attempts":1,'
        '"seconds":null,"cached":false,"usage":{"input_tokens":1,"output_tokens":null,"audio_input_tokens":null,'
        '"cached_input_tokens":null,"reasoning_tokens":null,"usd":null}},"signature":"s","time":null,"supersedes":null}'
    )
    rating = Rating.model_validate_json(line)
    assert rating.model_dump_json() == line
    assert '"audio_output_tokens":7' in Usage(audio_output_tokens=7).model_dump_json()


def test_a_candidate_fails_in_other_words_than_a_judge() -> None:
    assert set(OUTCOMES) & set(STATUSES) == {"ok"}
