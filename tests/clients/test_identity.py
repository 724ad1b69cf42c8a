"""Who answers is known before the next call goes, whatever a call waits for; what was not sent is not booked."""

from __future__ import annotations

import asyncio

import pytest

from wavjudge.clients.base import Failure, Reply, Request
from wavjudge.clients.fake import FakeWire, VirtualClock
from wavjudge.clients.identity import Identity
from wavjudge.clients.limits import Limits
from wavjudge.clients.middleware import build_client
from wavjudge.clients.money.budget import Budget
from wavjudge.clients.money.prices import Price, at_most
from wavjudge.errors import InputError, ModelChangedError
from wavjudge.types import Usage

PRICE = Price(audio_in=1, text_in=1, text_out=1)
REQUESTS = [Request("m", (), repeat=number) for number in range(8)]


def reply(model: str | None) -> Reply:
    return Reply("4", Usage(input_tokens=1, output_tokens=1), resolved_model=model)


def asked(models: list[str], *, limits: Limits, budget: Budget | None = None) -> tuple[int, list[object]]:
    """How many of eight calls at once were sent, and what came of each."""
    clock, sent = VirtualClock(), list[Request]()

    async def answer(request: Request) -> Reply:
        sent.append(request)
        await clock.sleep(1)
        return reply(models[min(len(sent), len(models)) - 1])

    client = build_client(FakeWire(answer), limits=limits, budget=budget, price=PRICE, clock=clock,
                          identity=Identity("openai:m"))  # fmt: skip

    async def all_of_them() -> list[object]:
        return await asyncio.gather(*map(client.complete, REQUESTS), return_exceptions=True)

    found = clock.run(all_of_them())
    return len(sent), found


def test_calls_that_wait_for_a_place_are_not_sent() -> None:
    sent, found = asked(["m-1", "m-1", "m-2"], limits=Limits(start=1, most=1))
    assert sent == 3 and sum(isinstance(one, Reply) for one in found) == 3
    assert sum(isinstance(one, ModelChangedError) for one in found) == 5


def test_calls_that_wait_for_money_are_not_sent_and_cost_nothing() -> None:
    budget = Budget(1.5 * at_most(REQUESTS[0], PRICE))
    sent, found = asked(["m-1", "m-2"], limits=Limits(), budget=budget)
    assert sent == 2 and sum(isinstance(one, ModelChangedError) for one in found) == 6
    assert budget.held == 0 and budget.spent == pytest.approx(2 * 2e-6)


def test_a_stated_number_of_replies_ends_it() -> None:
    identity = Identity("openai:m")
    identity.obey("stop", 3)
    for model, is_over in (("a", False), ("b", False), ("a", False), ("c", False), ("b", True)):
        identity.saw(reply(model))
        assert (identity.stop is not None) is is_over
    with pytest.raises(ModelChangedError, match="a reply came from 'b', and the first one was from 'a'"):
        identity.admit()


def test_what_was_expected_is_not_replaced_by_what_comes() -> None:
    identity = Identity("openai:m")
    identity.expect("m-1", "the calibration is of verdicts")
    identity.saw(Failure("refused", "no", resolved_model="m-2"))
    assert "the calibration is of verdicts from 'm-1'" in str(identity.stop) and identity.said == "'m-1'"


def test_a_failure_without_a_name_fixes_nothing() -> None:
    identity = Identity("openai:m")
    identity.saw(Failure("unavailable", "no"))
    assert identity.said is None and identity.owns("anything")
    identity.saw(reply("m-1"))
    identity.saw(Failure("unavailable", "no"))
    assert identity.stop is None


def test_a_name_without_end_is_cut_and_says_nothing_else() -> None:
    told: list[str] = []
    identity = Identity("openai:m", tell=told.append)
    for model in ("a", "b\n\x1b[31m" + 10_000 * "x"):
        identity.saw(reply(model))
    assert len(told[0]) < 300 and "\x1b" not in told[0] and "\n" not in told[0]


@pytest.mark.parametrize(("rule", "most"), [("go", 1), ("stop", 0), ("stop", True)])
def test_what_is_no_rule_is_refused(rule: str, most: int) -> None:
    with pytest.raises(InputError, match="expected"):
        Identity("openai:m").obey(rule, most)  # type: ignore[arg-type]
