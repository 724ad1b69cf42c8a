"""What `prices.toml` says of a model on a day: its price, and when its provider shuts it down.

Both are about the providers' own addresses: do not ask for a model behind another `base_url`.
"""

from __future__ import annotations

import datetime
import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wavjudge.clients.money.prices import Price

WARNED_DAYS = 60
_DATED = re.compile(r"(?P<name>.+?)-(?:\d{4}-\d{2}-\d{2}|\d{8}|\d{3})")
_DAY = datetime.timedelta(days=1)
_USD = ("text_in", "text_out", "audio_in", "audio_out", "cached_in")


@dataclass(frozen=True, slots=True)
class Shutdown:
    """The last day of a model, and where that is said."""

    date: datetime.date
    source: str


def find_price(kind: str, model: str, on: datetime.date | None = None) -> Price | None:
    """The listed price of a model on a day (default: today), by its exact name or with a date or version behind it.

    A run may last over midnight, and midnight is another moment at the provider's: where another price holds on the day
    before or after, each figure is the dearer one. None where no price is listed for the day.

    >>> day = datetime.date(2026, 11, 22)
    >>> find_price("openai", "gpt-audio-2025-08-28", day) == find_price("openai", "gpt-audio", day)
    True
    >>> find_price("openai", "gpt-audio-2", day) is None
    True
    >>> [find_price("gemini", "gemini-4-argon", datetime.date(2026, month, 30)).text_out for month in (10, 11, 12)]
    [10.0, 20.0, 20.0]
    """
    on = on or _today()
    rows = _of(_listed()["price"], kind, model)
    if not any(_holds(row, on) for row in rows):
        return None
    prices = [_price(row) for row in rows if any(_holds(row, day) for day in (on - _DAY, on, on + _DAY))]
    dearest = {name: _dearer([getattr(price, name) for price in prices]) for name in _USD}
    return replace(prices[-1], **dearest)  # type: ignore[arg-type]


def listed_models(kind: str) -> list[str]:
    """The models of a provider that have a listed price, on whatever day."""
    return sorted({row["model"] for row in _listed()["price"] if row["kind"] == kind})


def shutdown(kind: str, model: str) -> Shutdown | None:
    """When a model ends, where that is known."""
    rows = _of(_listed()["shutdown"], kind, model)
    return Shutdown(rows[0]["date"], rows[0]["source"]) if rows else None


def warning(kind: str, model: str, on: datetime.date | None = None) -> str:
    """One sentence about a model that ends within sixty days, or has ended; empty for any other.

    >>> warning("openai", "gpt-audio", datetime.date(2027, 1, 10))
    'openai:gpt-audio ends on 2027-01-20, in 10 days (third-party table): what it rates cannot be repeated after that'
    >>> warning("openai", "gpt-audio", datetime.date(2026, 10, 10))
    ''
    """
    end = shutdown(kind, model)
    days = (end.date - (on or _today())).days if end else WARNED_DAYS
    if end is None or days >= WARNED_DAYS:
        return ""
    name = f"{kind}:{model}"
    if days < 0:
        return f"{name} ended on {end.date} ({end.source}): whatever answers by that name now is another model"
    when = {0: "today", 1: "tomorrow"}.get(days, f"in {days} days")
    return f"{name} ends on {end.date}, {when} ({end.source}): what it rates cannot be repeated after that"


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()


def _of(rows: list[dict[str, Any]], kind: str, model: str) -> list[dict[str, Any]]:
    model = model.removeprefix("models/")
    dated = _DATED.fullmatch(model)
    for name in (model, dated["name"] if dated else model):
        if found := [row for row in rows if (row["kind"], row["model"]) == (kind, name)]:
            return found
    return []


def _holds(row: Mapping[str, Any], day: datetime.date) -> bool:
    return bool(row.get("from", datetime.date.min) <= day <= row.get("until", datetime.date.max))


def _price(row: Mapping[str, Any]) -> Price:
    return Price(**{name: value for name, value in row.items() if name not in ("kind", "model", "from", "until")})


def _dearer(figures: list[float | None]) -> float | None:
    return None if None in figures else max(figure for figure in figures if figure is not None)


@functools.cache
def _listed() -> dict[str, list[dict[str, Any]]]:
    return tomllib.loads(Path(__file__).with_name("prices.toml").read_text(encoding="utf-8"))
