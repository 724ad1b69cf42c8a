"""Every fault of both protocols through the whole building: a typed status, a reason, no number, no key on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

import wavjudge
from tests.bench.answers import write_answers
from tests.bench.asking import Ledger
from tests.loopback.faults import Case, cases
from tests.loopback.server import Loopback
from wavjudge.clients.base import FATAL, STATUS_OF
from wavjudge.errors import AuthError, QuotaError

KEY = "sk-test-secret-0123456789abcdef"


def score_one(tmp_path: Path, server: Loopback, protocol: str, *, count: int = 1) -> wavjudge.Scored:
    url = server.openai_url if protocol == "openai" else server.gemini_url
    spec = f"{protocol}:loopback?base_url={url}&api_key_env=LOOPBACK_KEY&attempts=1&timeout=5"
    answers = write_answers(tmp_path / "answers", count)
    return wavjudge.score(answers, judges=[spec], out=tmp_path / "run", prompt_set="semantic", cache=False)


@pytest.mark.parametrize("protocol", ["openai", "gemini"])
@pytest.mark.parametrize("kind", ["failures", "replies"])
def test_every_stored_reply_becomes_the_status_that_it_means(
    protocol: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOPBACK_KEY", KEY)
    wanted = [
        case
        for case in cases(protocol).values()
        if _kind(case) not in FATAL and bool(_kind(case)) == (kind == "failures")
    ]
    with Loopback([case.name for case in wanted]) as server:
        scored = score_one(tmp_path, server, protocol, count=len(wanted))
        served = dict(server.faults)
    statuses = [rating.status for rating in scored.ratings()]
    assert served == {case.name: 1 for case in wanted}
    assert len(statuses) == len(wanted)
    if kind == "failures":
        assert sorted(statuses) == sorted(STATUS_OF[_kind(case)] for case in wanted)
        assert all(rating.score is None and rating.reason for rating in scored.ratings())
    _holds_no_key(tmp_path / "run")


@pytest.mark.parametrize("protocol", ["openai", "gemini"])
@pytest.mark.parametrize("delivery", ["cut", "disconnect", "reset", "garbage"])
def test_a_broken_connection_is_a_failed_call(
    protocol: str, delivery: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOPBACK_KEY", KEY)
    with Loopback([delivery]) as server:
        (rating,) = score_one(tmp_path, server, protocol).ratings()
    assert (rating.status, rating.score) == ("failed", None)
    assert "unavailable" in (rating.reason or "")


@pytest.mark.parametrize("protocol", ["openai", "gemini"])
def test_bad_auth_and_exhausted_quota_stop_the_run_at_once_and_keep_what_was_done(
    protocol: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOPBACK_KEY", KEY)
    for fault, error in (("quota", QuotaError), (_auth_case(protocol), AuthError)):
        place = tmp_path / fault
        with Loopback(lambda number, fault=fault: None if number < 5 else fault) as server:
            url = server.openai_url if protocol == "openai" else server.gemini_url
            spec = f"{protocol}:loopback?base_url={url}&api_key_env=LOOPBACK_KEY&max_in_flight=1"
            answers = write_answers(place / "answers", 40)
            first = wavjudge.score(answers, judges=[spec], out=place / "run", prompt_set="semantic", cache=False)
            assert first.summary is not None
            assert type(first.summary.stopped) is error
            assert KEY not in str(first.summary.stopped)
            assert len(list(first.ratings())) == 5
            assert server.requests < 10
            server.plan = lambda number: None
            again = wavjudge.score(answers, judges=[spec], out=place / "run", prompt_set="semantic", cache=False)
        assert [rating.status for rating in again.ratings()] == ["ok"] * 40
        _holds_no_key(place / "run")


def test_a_judge_whose_key_is_wrong_does_not_end_the_others(tmp_path: Path) -> None:
    told = Ledger()
    with Loopback(lambda number: _auth_case("openai")) as wrong, Loopback() as right:
        judges = [f"openai:{name}?base_url={server.openai_url}&max_in_flight=1"
                  for name, server in (("wrong", wrong), ("right", right))]  # fmt: skip
        answers = write_answers(tmp_path / "answers", 40)
        scored = wavjudge.score(answers, judges=judges, out=tmp_path / "run", prompt_set="semantic", cache=False,
                                watcher=told)  # fmt: skip
        assert (wrong.requests, right.requests) == (1, 40)
    assert scored.summary is not None and isinstance(scored.summary.stops["openai:wrong"], AuthError)
    assert told.gone == ["openai:wrong"] == list(scored.summary.stops)
    assert [(rating.rater, rating.status) for rating in scored.ratings()] == [("openai:right", "ok")] * 40


def _kind(case: Case) -> str | None:
    return case.expect.get("kind")


def _auth_case(protocol: str) -> str:
    return next(case.name for case in cases(protocol).values() if _kind(case) == "auth")


def _holds_no_key(run: Path) -> None:
    for path in run.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path
