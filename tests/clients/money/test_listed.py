"""Prices and ends of models, by day."""

from __future__ import annotations

import datetime
import itertools
import logging
import tomllib
from pathlib import Path

import pytest

from wavjudge.clients.money import listed
from wavjudge.clients.money.listed import find_price, shutdown, warning
from wavjudge.judges import build
from wavjudge.judges.build import JudgeContext
from wavjudge.judges.prompts import load_all

DAY = datetime.date(2026, 11, 22)
LIST = tomllib.loads(Path(listed.__file__).with_name("prices.toml").read_text())


@pytest.mark.parametrize(
    ("kind", "model", "like"),
    [
        ("openai", "gpt-audio-1.5", "gpt-audio-1.5"),
        ("openai", "gpt-audio-2025-08-28", "gpt-audio"),
        ("openai", "gpt-audio-mini-20251006", "gpt-audio-mini"),
        ("gemini", "models/gemini-2.5-flash", "gemini-2.5-flash"),
        ("gemini", "gemini-2.5-flash-lite-001", "gemini-2.5-flash-lite"),
    ],
)
def test_a_price_is_found_by_name_or_dated_name(kind: str, model: str, like: str) -> None:
    assert find_price(kind, model, DAY) == find_price(kind, like, DAY) is not None
    assert shutdown(kind, model) == shutdown(kind, like)


@pytest.mark.parametrize(
    ("kind", "model"),
    [("openai", "gpt-audio-2"), ("openai", "gpt-audio-1.5-turbo"), ("openai", "gpt-4o"), ("gemini", "gpt-audio-1.5"),
     ("gemini", "gemini-2.5-flash-preview-09-2025"), ("openai", ""), ("openai", "org/gpt-audio-1.5"),
     ("openai", "gpt-4o-audio-preview")],
)  # fmt: skip
def test_a_price_is_never_guessed(kind: str, model: str) -> None:
    assert find_price(kind, model, DAY) is None


def test_the_list_says_where_each_price_is_from_and_no_two_hold_on_one_day() -> None:
    assert len(LIST["price"]) > 10
    for row in LIST["price"]:
        assert row["mark"] in "DC" and row["source"] and isinstance(row["date"], datetime.date)
        assert row["text_in"] > 0 and row["text_out"] > 0
    for name, rows in itertools.groupby(LIST["price"], lambda row: (row["kind"], row["model"])):
        spans = [(row.get("from", datetime.date.min), row.get("until", datetime.date.max)) for row in rows]
        assert all(end < begin for (_, end), (begin, _) in itertools.pairwise(spans)), name
    names = [name for name, _ in itertools.groupby(LIST["price"], lambda row: (row["kind"], row["model"]))]
    assert len(set(names)) == len(names)
    ends = [(row["kind"], row["model"]) for row in LIST["shutdown"]]
    assert len(set(ends)) == len(ends) and all(row["source"] for row in LIST["shutdown"])


@pytest.mark.parametrize(
    ("model", "day", "figures"),
    [
        ("gemini-4-argon", datetime.date(2026, 11, 29), (2.0, 10.0)),
        ("gemini-4-argon", datetime.date(2026, 11, 30), (4.0, 20.0)),  # the run may last over midnight
        ("gemini-4-argon", datetime.date(2026, 12, 1), (4.0, 20.0)),
        ("gemini-3.8-flash", datetime.date(2026, 12, 30), (0.75, 3.75)),
        ("gemini-3.6-flash", datetime.date(2026, 12, 31), (1.5, 7.5)),
        ("gemini-3.7-flash", datetime.date(2027, 1, 1), (1.5, 7.5)),
        ("gemini-3.5-flash-lite", datetime.date(2027, 1, 1), (0.3, 2.5)),
    ],
)
def test_a_price_is_that_of_the_day(model: str, day: datetime.date, figures: tuple[float, float]) -> None:
    price = find_price("gemini", model, day)
    assert price is not None and (price.text_in, price.text_out) == figures


def test_a_rate_of_audio_stands_only_where_a_source_states_it() -> None:
    assert [row["model"] for row in LIST["price"] if row["kind"] == "gemini" and "audio_in" not in row] == [
        "gemini-2.5-pro", "gemini-3.1-pro-preview", *["gemini-3.6-flash"] * 2, *["gemini-3.7-flash"] * 2,
        *["gemini-3.8-flash"] * 2, *["gemini-4-argon"] * 2,
    ]  # fmt: skip
    lite, audio = find_price("gemini", "gemini-3.5-flash-lite", DAY), find_price("openai", "gpt-audio-1.5", DAY)
    assert lite is not None and lite.audio_in == lite.text_in == 0.3
    assert audio is not None and audio.audio_tokens_per_second == 10.0  # measured on this model alone
    mini = find_price("openai", "gpt-audio-mini", DAY)
    assert mini is not None and mini.audio_tokens_per_second is None


@pytest.mark.parametrize(
    ("kind", "model", "day", "words"),
    [
        ("gemini", "gemini-2.5-flash", datetime.date(2026, 11, 30), "ends on 2026-12-01, tomorrow"),
        ("gemini", "gemini-2.5-pro", datetime.date(2026, 12, 2), "ended on 2026-12-01"),
        ("openai", "gpt-4o-mini-tts", datetime.date(2026, 11, 30), "ends on 2027-01-06, in 37 days"),
        ("openai", "gpt-audio-mini-2025-10-06", datetime.date(2026, 11, 30), "in 51 days"),
        ("openai", "gpt-audio", datetime.date(2026, 11, 21), ""),
        ("openai", "gpt-audio", datetime.date(2026, 11, 22), "in 59 days"),
        ("openai", "gpt-audio-1.5", datetime.date(2030, 1, 1), ""),
    ],
)
def test_a_model_that_ends_soon_is_said(kind: str, model: str, day: datetime.date, words: str) -> None:
    told = warning(kind, model, day)
    assert (words in told) if words else told == ""


def test_a_run_with_a_model_that_ends_warns_and_one_behind_another_address_does_not(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(listed, "_today", lambda: datetime.date(2026, 11, 30))
    shop = JudgeContext(prompts=[load_all(None)["overall"]], sends=False)
    with caplog.at_level(logging.WARNING):
        build.build("gemini:gemini-2.5-flash?base_url=http://127.0.0.1:9", shop)
        build.build("gemini:gemini-3.5-flash", shop)
        assert caplog.messages == []
        build.build("gemini:gemini-2.5-flash", shop)
    (message,) = caplog.messages
    assert message.startswith("gemini:gemini-2.5-flash ends on 2026-12-01, tomorrow")
