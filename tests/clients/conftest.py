"""One loopback server a module of tests, without faults at the start of each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clients.conversation import KEY
from tests.loopback import Loopback


@pytest.fixture(scope="module")
def _running() -> Iterator[Loopback]:
    with Loopback(key=KEY, seed=3) as server:
        yield server


@pytest.fixture
def server(_running: Loopback) -> Loopback:
    _running.plan = lambda number: None
    return _running
