from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavjudge.clients.base import AudioPart, Failure, FailureKind, Reply, Request, once
from wavjudge.clients.fake import FakeWire, VirtualClock
from wavjudge.clients.retry import Retry, RetrySettings, RetryTokens
from wavjudge.errors import AuthError, InputError, ProviderDownError, QuotaError

REQUEST = Request(model="some-model", parts=())


def fail(kind: FailureKind, wait: float | None = None) -> Failure:
    return Failure(kind, f"it was {kind}", retry_after_seconds=wait)


def complete(said: list, **options) -> tuple[Reply | Failure, FakeWire, VirtualClock]:
    clock, wire = VirtualClock(), FakeWire(said)
    client = Retry(wire, clock=clock, **options)
    return clock.run(client.complete(REQUEST)), wire, clock


def test_a_first_success_is_one_attempt() -> None:
    outcome, wire, clock = complete(["4"])
    assert outcome == Reply("4", attempts=1, seconds=0.0) and len(wire.requests) == 1 and clock.now() == 0


def test_transient_failures_are_tried_again_and_counted() -> None:
    outcome, _, clock = complete([fail("unavailable"), fail("timeout"), fail("malformed"), "4"])
    assert isinstance(outcome, Reply)
    assert (outcome.text, outcome.attempts, outcome.seconds) == ("4", 4, clock.now())


@pytest.mark.parametrize("kind", ["refused", "not_heard", "bad_request", "cut_off"])
def test_what_would_repeat_is_not_tried_again(kind: FailureKind) -> None:
    outcome, wire, _ = complete([fail(kind)])
    assert isinstance(outcome, Failure) and outcome.kind == kind and outcome.attempts == 1 and len(wire.requests) == 1


def test_attempts_are_bounded_and_the_last_failure_is_told() -> None:
    outcome, wire, _ = complete([fail("unavailable")] * 7 + [fail("timeout")])
    assert isinstance(outcome, Failure) and (outcome.kind, outcome.attempts) == ("timeout", 8)
    assert len(wire.requests) == 8


def test_malformed_is_tried_again_three_times_only() -> None:
    outcome, _, _ = complete([fail("malformed")] * 4)
    assert isinstance(outcome, Failure) and (outcome.kind, outcome.attempts) == ("malformed", 4)
    outcome, _, _ = complete([fail("malformed"), fail("timeout")] * 3 + [fail("malformed")])
    assert isinstance(outcome, Failure) and outcome.attempts == 7


def test_a_server_that_was_never_reached_is_given_up_in_seconds() -> None:
    outcome, wire, clock = complete([fail("unreachable")] * 3)
    assert isinstance(outcome, Failure) and (outcome.kind, outcome.attempts) == ("unreachable", 3)
    assert len(wire.requests) == 3 and clock.now() <= 3.0


def test_a_server_that_was_reached_may_be_starting_again() -> None:
    clock, wire = VirtualClock(), FakeWire(["4", *[fail("unreachable")] * 7, "5"])
    client = Retry(wire, clock=clock)
    assert isinstance(clock.run(client.complete(REQUEST)), Reply)
    outcome = clock.run(client.complete(REQUEST))
    assert isinstance(outcome, Reply) and (outcome.text, outcome.attempts) == ("5", 8)
    assert isinstance(complete([fail("timeout"), *[fail("unreachable")] * 6, "4"])[0], Reply)


def test_giving_up_on_a_server_that_is_not_there_says_what_to_check() -> None:
    with pytest.raises(ProviderDownError) as gave_up:
        complete([fail("unreachable")] * 2, tokens=RetryTokens(1))
    assert "start the server, or check base_url" in gave_up.value.todo


def test_retry_after_is_obeyed_to_the_second_even_beyond_the_cap() -> None:
    _, _, clock = complete([fail("rate_limited", 2.0), fail("unavailable", 300.0), fail("rate_limited", 0.15), "4"])
    assert clock.now() == pytest.approx(302.15)


@given(st.integers(0, 2**32))
def test_backoff_is_full_jitter_of_the_seed(seed: int) -> None:
    _, _, clock = complete([fail("timeout")] * 7 + ["4"], seed=seed)
    rng = random.Random(seed)
    assert clock.now() == pytest.approx(sum(rng.uniform(0, longest) for longest in (1, 2, 4, 8, 16, 32, 60)))


def test_no_retry_that_would_begin_too_late() -> None:
    settings = RetrySettings(give_up_seconds=10)
    outcome, _, clock = complete([fail("unavailable", 6.0)] * 2, settings=settings)
    assert isinstance(outcome, Failure) and outcome.attempts == 2 and outcome.seconds == clock.now() == 6.0


def test_waiting_for_the_first_slot_is_no_part_of_the_call() -> None:
    clock, said = VirtualClock(), [fail("unavailable", 1.0), Reply("4")]

    async def answer(request: Request) -> Reply | Failure:
        await clock.sleep(2.0)
        return said.pop(0)

    wire = FakeWire(answer)
    bare, waits = once(wire, clock), iter([5000.0, 0.0])

    async def attempt(request: Request) -> Reply | Failure:
        await clock.sleep(next(waits))
        return await bare(request)

    outcome = clock.run(Retry(wire, attempt, clock=clock).complete(REQUEST))
    assert isinstance(outcome, Reply) and outcome.seconds == 2.0 + 1.0 + 2.0 and clock.now() == 5005.0


@pytest.mark.parametrize(("kind", "error"), [("auth", AuthError), ("quota", QuotaError)])
def test_what_is_wrong_with_the_account_ends_the_run(kind: FailureKind, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        complete([Failure(kind, "bad key sk-abcdefghijklmnopqrst", http_status=401)])
    message = str(caught.value)
    assert "fake, model some-model" in message and "What to do" in message and "sk-abc" not in message


def test_a_429_that_asks_for_longer_than_a_call_may_take_ends_the_run() -> None:
    with pytest.raises(ProviderDownError, match="wait 86400 s"):
        complete([fail("rate_limited", 86400.0)])


def test_the_run_ends_when_its_retries_are_used_up() -> None:
    clock, wire = VirtualClock(), FakeWire(lambda request: fail("unavailable"))
    client = Retry(wire, clock=clock, tokens=RetryTokens(10))

    async def main() -> list:
        return list(await asyncio.gather(*(client.complete(REQUEST) for _ in range(4)), return_exceptions=True))

    outcomes = clock.run(main())
    assert len(wire.requests) == 4 + 10
    assert {type(outcome) for outcome in outcomes} == {ProviderDownError}
    assert "10 retries" in str(outcomes[0])


def test_successes_refill_the_retries_up_to_the_start() -> None:
    tokens = RetryTokens(2)
    for _ in range(5):
        complete([fail("timeout"), "4"], tokens=tokens)
        assert tokens.left == 2


def test_a_sleeping_call_has_no_attempt_under_way_and_no_body() -> None:
    clock, loads, under_way = VirtualClock(), [], 0

    def load() -> bytes:
        loads.append(clock.now())
        return b"RIFF"

    wire = FakeWire([fail("unavailable", 5.0), "4"])
    bare = once(wire, clock)

    async def attempt(request: Request) -> Reply | Failure:
        nonlocal under_way
        under_way += 1
        try:
            return await bare(request)
        finally:
            under_way -= 1

    async def main() -> None:
        part = AudioPart("0" * 64, "none", 1.0, 16000, 4, load)
        call = asyncio.create_task(Retry(wire, attempt, clock=clock).complete(Request("m", (part,))))
        await clock.sleep(2.0)
        assert under_way == 0 and not call.done()
        await call

    clock.run(main())
    assert loads == [0.0, 5.0]


def test_a_recording_that_is_gone_is_the_callers_matter() -> None:
    def load() -> bytes:
        raise InputError("the file is gone")

    request = Request("m", (AudioPart("0" * 64, "none", 1.0, 16000, 4, load),))
    with pytest.raises(InputError):
        asyncio.run(Retry(FakeWire(["4"])).complete(request))


def test_closing_closes_the_wire() -> None:
    wire = FakeWire([])
    asyncio.run(Retry(wire).aclose())
    assert wire.closed
