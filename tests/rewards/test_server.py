"""Rewards over HTTP: the two protocols, who may ask, and that a failure is 503 with a reason and never a number."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from tests.loopback import Loopback
from tests.rewards.sounds import item, tone
from wavjudge.api import runs
from wavjudge.errors import BudgetError, InputError
from wavjudge.rewards.ceiling import Ceiling
from wavjudge.rewards.item import as_file
from wavjudge.rewards.judge_reward import JudgeReward
from wavjudge.rewards.server import RewardServer
from wavjudge.store.run_folder import RunFolder

Client = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
def judge() -> Iterator[Loopback]:
    with Loopback() as running:
        yield running


def reward(judge: Loopback, **more: Any) -> JudgeReward:
    options = {"guards": None, "cache": False, **more}
    return JudgeReward(f"openai:m?base_url={judge.openai_url}&attempts=1", {"overall": 1.0}, **options)


@asynccontextmanager
async def serving(server: RewardServer) -> AsyncIterator[Client]:
    url = await server.open(port=0)

    async def ask(path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **more.pop("headers", {})}
        method = "GET" if body is None else "POST"
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url + path, data=data, headers=headers, **more) as reply,
        ):
            text = await reply.text()
            return reply.status, json.loads(text) if reply.content_type == "application/json" else text

    try:
        yield ask
    finally:
        await server.close()


def asked(server: RewardServer, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
    async def once() -> tuple[int, Any]:
        async with serving(server) as ask:
            return await ask(path, body, **more)

    return asyncio.run(once())


def row(n: int, **more: Any) -> dict[str, Any]:
    sound = base64.b64encode(as_file(tone(n), where="")).decode()
    return {"answer_audio": sound, "answer_text": f"Answer {n}.", "question_text": "Why?", **more}


def test_score_gives_what_the_core_gives(judge: Loopback) -> None:
    with reward(judge) as core:
        expected = [one.score for one in core.score_now([item(n) for n in range(3)])]
        status, found = asked(RewardServer(core), "/score", {"items": [row(n) for n in range(3)]})
    assert (status, [one["reward"] for one in found["results"]]) == (200, expected)
    assert [one["axes"] for one in found["results"]] == [{"overall": score} for score in expected]


def test_a_missing_reward_is_null_in_score_and_503_for_openrlhf(judge: Loopback) -> None:
    with reward(judge) as core:
        server = RewardServer(core, decode=lambda text: None if "mute" in text else (tone(1).array, 16_000))
        body = {"items": [row(1), {**row(2), "answer_audio": None}]}
        status, found = asked(server, "/score", body)
        assert status == 200 and [one["reward"] is None for one in found["results"]] == [False, True]
        assert (found["results"][1]["status"], found["results"][1]["reason"]) == (
            "no_speech", "the candidate gave no recording",
        )  # fmt: skip
        posted = {"query": ["Why? So.", "Why? mute"], "prompts": ["Why?"] * 2, "labels": ["", ""]}
        status, found = asked(server, "/get_reward", posted)
        assert status == 503 and found["error"] == "NoRewardError" and "no reward for query 1" in found["message"]
        posted = {key: values[:1] for key, values in posted.items()}
        status, found = asked(server, "/get_reward", posted)
        assert status == 200 and found["rewards"] == found["scores"] and len(found["rewards"]) == 1
        _, health = asked(server, "/health")
    assert health["answers"] == {"ok": 3, "no_speech": 2} and health["trouble"] is None


BAD: dict[str, tuple[Any, int, str]] = {
    "no json": (b"{", 400, "Invalid JSON"),
    "no items": ({"items": []}, 400, 'field "items"'),
    "a field that is none": ({"items": [{"answer": "x"}]}, 400, 'field "items.0.answer"'),
    "no base64": ({"items": [row(1), {"answer_audio": "%%%"}]}, 400, 'items[1], field "answer_audio": got text'),
    "a question of raw samples": (
        {"items": [row(1), {**row(2), "question_audio": "AAEAAQAB"}]},
        400,
        "nothing says their sample rate",
    ),
    "a path": ({"items": [{"answer_audio": "/etc/passwd"}]}, 400, 'items[0], field "answer_audio"'),
    "too large": (b" " * 300_000, 413, "over the limit of 0.25 MiB"),
}


NO_SOUND = {
    "nonsense": b"nonsense bytes", "raw samples": b"\0\1" * 99, "a cut-off header": b"RIFF", "a web page": b"<html>",
    "a header alone": as_file(tone(1), where="")[:44], "nothing at all": b"",
}  # fmt: skip


@pytest.mark.parametrize("case", NO_SOUND)
def test_bytes_that_are_no_sound_are_the_outcome_of_that_answer_alone(judge: Loopback, case: str) -> None:
    broken = {**row(2), "answer_audio": base64.b64encode(NO_SOUND[case]).decode()}
    with reward(judge) as core:
        status, found = asked(RewardServer(core), "/score", {"items": [row(1), broken, row(3)]})
    assert status == 200, found
    assert [one["reward"] is None for one in found["results"]] == [False, True, False]
    assert found["results"][1]["status"] == ("broken_audio" if NO_SOUND[case] else "no_speech")
    assert judge.requests == 2


REFUSED: dict[str, list[dict[str, Any]]] = {
    "a question that does not open": [row(1, id="z"), {**row(2, id="y"), "question_audio": "AAEAAQAB"}],
    "two questions under one id": [row(1, id="z"), {**row(2, id="z"), "question_text": "How?"}],
    "another question under a known id": [row(1, id="z"), {**row(2, id="known"), "question_text": "How?"}],
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("logged", [False, True])
def test_a_refused_request_leaves_nothing_behind(judge: Loopback, case: str, logged: bool, tmp_path: Path) -> None:
    async def three(server: RewardServer) -> list[int]:
        async with serving(server) as ask:
            bodies = ([row(1, id="known")], REFUSED[case], [row(1, id="z", question_text="Where?")] * 2)
            return [(await ask("/score", {"items": items}))[0] for items in bodies]

    with reward(judge, log=tmp_path / "run" if logged else None) as core:
        assert asyncio.run(three(RewardServer(core))) == [200, 400, 200]
    assert judge.requests == 3
    if logged:
        run = RunFolder(tmp_path / "run")
        assert [(one.id, one.turns[0].text) for one in run.items()] == [("known", "Why?"), ("z", "Where?")]
        assert [(one.item_id, one.attempt) for one in run.responses()] == [("known", 0), ("z", 0), ("z", 1)]


def leaving(text: str) -> Any:
    if "mute" in text:
        sys.exit("the vocoder gives up")
    return tone(1).array, 16_000


def test_a_decoder_that_ends_the_program_loses_that_answer_and_the_server_goes_on(judge: Loopback) -> None:
    async def twice(server: RewardServer) -> list[tuple[int, Any]]:
        async with serving(server) as ask:
            bodies = ({"query": [query], "prompts": ["Why?"], "labels": [""]} for query in ("Why? mute", "Why? So."))
            return [await ask("/get_reward", body) for body in bodies]

    with reward(judge) as core:
        lost, found = asyncio.run(twice(RewardServer(core, decode=leaving)))
    assert lost[0] == 503 and "crashed: decode raised SystemExit: the vocoder gives up" in lost[1]["message"]
    assert found[0] == 200


@pytest.mark.parametrize("case", BAD)
def test_bad_bodies_are_named_and_sent_to_nobody(judge: Loopback, case: str) -> None:
    body, status, said = BAD[case]
    with reward(judge) as core:
        got, found = asked(RewardServer(core, max_mebibytes=0.25), "/score", body)
    assert got == status and said in found["message"], found
    assert judge.requests == 0


def test_openrlhf_lists_of_unequal_length_are_refused(judge: Loopback) -> None:
    with reward(judge) as core:
        got, found = asked(RewardServer(core), "/get_reward", {"query": ["a"], "prompts": [], "labels": [""]})
    assert got == 400 and "got 1 queries, 0 prompts and 1 labels" in found["message"]


class Clock:
    """Of a pause: it goes on only when it is told to."""

    def __init__(self, server: RewardServer) -> None:
        self.now = 0.0
        server._pause.clock = lambda: self.now


def scores(found: Any) -> list[float | None]:
    return [one["reward"] for one in found["results"]]


def test_each_item_of_a_batch_is_answered_for_itself_and_silence_is_no_failure_of_the_judge(judge: Loopback) -> None:
    silent = {**row(0), "answer_audio": None}
    with reward(judge, ceiling=Ceiling()) as core:
        server = RewardServer(core)
        status, found = asked(server, "/score", {"items": [silent] * 25 + [row(1), row(2)]})
        assert status == 200 and [score is None for score in scores(found)] == [True] * 25 + [False] * 2
        for n in range(3):
            assert asked(server, "/score", {"items": [silent] * 200 + [row(n)]})[0] == 200
        assert asked(server, "/health")[1]["paused"] is None


def test_a_dead_judge_pauses_the_server_which_asks_nobody_and_begins_again_by_itself(judge: Loopback) -> None:
    judge.plan = lambda number: "reset" if number < 2 else None
    with reward(judge, ceiling=Ceiling(0.25, 4)) as core:
        server = RewardServer(core, pause_seconds=60)
        clock = Clock(server)
        status, found = asked(server, "/score", {"items": [row(1), row(2)]})
        assert status == 200 and scores(found) == [None, None]
        assert "connection failed" in found["results"][0]["reason"]
        for _ in range(3):
            status, found = asked(server, "/score", {"items": [row(3)]})
            assert status == 503 and "nobody is asked for another 60 s, since 2 of the last 2" in found["message"]
        assert judge.requests == 2
        health = asked(server, "/health")[1]
        assert health["paused_seconds"] == 60 and "connection failed" in health["paused"]
        clock.now = 60.0
        assert asked(server, "/score", {"items": [row(3)]})[0] == 200 and judge.requests == 3
        health = asked(server, "/health")[1]
        assert (health["paused"], health["paused_seconds"], health["trouble"]) == (None, 0, None)


def test_a_spent_budget_keeps_what_was_judged_and_pauses(judge: Loopback) -> None:
    calls: list[int] = []
    with reward(judge) as core:
        inner = core._ensemble.ratings

        async def spent(case: Any) -> Any:
            calls.append(1)
            if len(calls) > 1:
                raise BudgetError("got to the limit of 1 USD")
            return await inner(case)

        core._ensemble.ratings = spent  # type: ignore[method-assign]
        server = RewardServer(core)
        Clock(server)
        assert scores(asked(server, "/score", {"items": [row(1)]})[1]) != [None]
        status, found = asked(server, "/score", {"items": [row(1), row(2)]})
        assert (status, found["error"]) == (503, "BudgetError")
        status, found = asked(server, "/score", {"items": [row(1)]})
        assert status == 503 and "got to the limit of 1 USD" in found["message"] and len(calls) <= 3


def test_a_stop_in_the_middle_of_a_batch_loses_no_answer_that_was_judged(judge: Loopback) -> None:
    with reward(judge) as core:
        inner, judged = core._ensemble.ratings, asyncio.Event()

        async def spent(case: Any) -> Any:
            if "Answer 1" in (case.answer.text or ""):
                found = await inner(case)
                judged.set()
                return found
            await judged.wait()
            await asyncio.sleep(0.05)
            raise BudgetError("got to the limit of 1 USD")

        core._ensemble.ratings = spent  # type: ignore[method-assign]
        status, found = asked(RewardServer(core), "/score", {"items": [row(1), row(2), row(3)]})
    assert status == 200 and [score is None for score in scores(found)] == [False, True, True]
    assert found["results"][1]["status"] == "failed" and "limit of 1 USD" in found["results"][1]["reason"]


def test_one_item_that_cannot_be_used_is_said_before_the_others_are_paid(judge: Loopback) -> None:
    bad = {"question_audio": base64.b64encode(b"RIFFxxxxWAVEfmt ").decode()}
    with reward(judge) as core:
        assert asked(RewardServer(core), "/score", {"items": [row(1), row(2), {**row(3), **bad}]})[0] == 400
    assert judge.requests == 0


def test_a_wrong_key_of_the_judge_is_503_and_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", "wrong-key")
    with Loopback(key="right") as judge:
        spec = f"openai:m?base_url={judge.openai_url}&api_key_env=A_KEY"
        with JudgeReward(spec, {"overall": 1.0}, guards=None, cache=False) as core:
            got, found = asked(RewardServer(core), "/score", {"items": [row(1)]})
    assert (got, found["error"]) == (503, "AuthError") and "wrong-key" not in json.dumps(found)


def test_an_error_of_our_own_is_503_and_tells_nothing_of_itself(
    judge: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(items: Any) -> Any:
        raise ZeroDivisionError("a secret of the inside")

    with reward(judge) as core:
        monkeypatch.setattr(core, "answered", broken)
        got, found = asked(RewardServer(core), "/score", {"items": [row(1)]})
    assert got == 503 and "secret" not in json.dumps(found)


def test_what_is_late_has_no_number(judge: Loopback) -> None:
    judge.plan = lambda number: "slow" if number < 2 else None
    posted = {"query": ["Why? So."], "prompts": ["Why?"], "labels": [""]}
    with reward(judge, deadline_seconds=0.5) as core:
        server = RewardServer(core, decode=lambda text: (tone(1).array, 16_000))
        _, found = asked(server, "/score", {"items": [row(1)]})
        assert found["results"][0]["reward"] is None and "within 0.5 s" in found["results"][0]["reason"]
        got, found = asked(server, "/get_reward", posted)
        assert got == 503 and "within 0.5 s" in found["message"]


def test_requests_share_the_judge_and_one_too_many_is_told_so(judge: Loopback) -> None:
    judge.latency_seconds = 0.2

    async def many(server: RewardServer, n: int) -> list[int]:
        async with serving(server) as ask:
            replies = await asyncio.gather(*(ask("/score", {"items": [row(number)]}) for number in range(n)))
        return [status for status, _ in replies]

    with reward(judge) as core:
        assert asyncio.run(many(RewardServer(core), 8)) == [200] * 8
        assert judge.most_in_flight == 8
        assert sorted(asyncio.run(many(RewardServer(core, most_requests=2), 3))) == [200, 200, 503]


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Basic !!!"}, 401),
        ({"Authorization": "Bearer böse"}, 401),
        ({"Authorization": "Basic " + base64.b64encode(b"any:b\xf6se").decode()}, 401),
        ({"Authorization": "Bearer the-token"}, 200),
        ({"Authorization": "Basic " + base64.b64encode(b"any:the-token").decode()}, 200),
    ],
)
def test_a_token_is_asked_for_everywhere(judge: Loopback, header: dict[str, str], status: int) -> None:
    with reward(judge) as core:
        for path in ("/health", "/", "/openapi.json"):
            assert asked(RewardServer(core, token="the-token"), path, headers=header)[0] == status


@pytest.mark.parametrize("token", ["töken-ü", "令牌", "a:ü"])
@pytest.mark.parametrize("way", ["Bearer", "Basic"])
def test_a_token_beyond_ascii_is_read_as_utf_8(judge: Loopback, token: str, way: str) -> None:
    def header(said: str) -> dict[str, str]:
        words = said if way == "Bearer" else base64.b64encode(f"any:{said}".encode()).decode()
        return {"Authorization": f"{way} {words}"}

    with reward(judge) as core:
        for said, status in ((token, 200), (token[:-1], 401)):
            assert asked(RewardServer(core, token=token), "/health", headers=header(said))[0] == status


@pytest.mark.parametrize(
    "header", [b"Authorization: Bearer b\xf6se", b"Authorization: Basic \xff", b"Host: \xff\xfe:80"]
)
def test_bytes_that_are_no_text_in_a_header_are_refused_and_are_no_trouble_of_the_judge(
    judge: Loopback, header: bytes
) -> None:
    token = None if header.startswith(b"Host") else "the-token"

    async def told(server: RewardServer) -> bytes:
        url = URL(await server.open(port=0))
        reader, writer = await asyncio.open_connection(url.host, url.port)
        host = b"" if token is None else b"\r\nHost: localhost"
        writer.write(b"GET /health HTTP/1.1\r\n" + header + host + b"\r\nConnection: close\r\n\r\n")
        said = await reader.read()
        writer.close()
        await server.close()
        return said

    with reward(judge) as core:
        server = RewardServer(core, token=token)
        assert int(asyncio.run(told(server)).split()[1]) in ((401,) if token else (400, 403))
    assert server.trouble is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_others_are_not_let_in_without_a_token(judge: Loopback, host: str) -> None:
    with reward(judge) as core, pytest.raises(InputError, match="which others can reach, and no token"):
        asyncio.run(RewardServer(core).open(host, 0))


def test_a_page_in_a_browser_can_make_it_neither_judge_nor_pay(judge: Loopback) -> None:
    body = {"items": [row(1)]}
    with reward(judge) as core:
        server = RewardServer(core)
        assert asked(server, "/score", body, headers={"Content-Type": "text/plain"})[0] == 415
        got, found = asked(server, "/score", body, headers={"Host": "evil.example:5000"})
        assert got == 403 and "evil.example" in found["message"]
        assert asked(server, "/score", body, headers={"Host": "localhost:5000"})[0] == 200
    assert judge.requests == 1


def test_health_tells_a_judge_that_scores_nothing(judge: Loopback) -> None:
    judge.plan = lambda number: "reset" if number < 2 else None
    with reward(judge) as core:
        server = RewardServer(core)
        status, found = asked(server, "/score", {"items": [row(1), row(2)]})
        assert status == 200 and [one["reward"] for one in found["results"]] == [None, None]
        assert "failed: overall: unavailable" in asked(server, "/health")[1]["trouble"]
        silent = {"items": [{"answer_text": "no sound"}]}
        assert asked(server, "/score", {"items": [row(1)]})[1]["results"][0]["status"] == "ok"
        assert asked(server, "/health")[1]["trouble"] is None
        assert asked(server, "/score", silent)[1]["results"][0]["status"] == "no_speech"
        assert asked(server, "/health")[1]["trouble"] is None


def test_text_that_nothing_makes_sound_of_is_the_requests_error(judge: Loopback) -> None:
    body = {"query": ["Why? So."], "prompts": ["Why?"], "labels": [""]}
    with reward(judge) as core:
        got, found = asked(RewardServer(core), "/get_reward", body)
        assert got == 400 and "without a function that makes the sound of it" in found["message"]
        got, found = asked(RewardServer(core, decode=lambda text: None), "/get_reward", body)
        assert got == 503 and "the same answer fails again" in found["message"]
    spec = f"openai:m?base_url={judge.openai_url}&answer_audio=false&question_audio=false"
    with JudgeReward(spec, {"semantic": 1.0}, guards=None, cache=False, speech=False) as core:
        assert asked(RewardServer(core), "/get_reward", body)[0] == 200


def test_while_a_model_makes_sound_the_server_answers_others(judge: Loopback) -> None:
    begun, let_go, threads = threading.Event(), threading.Event(), set[int]()

    def decode(text: str) -> Any:
        begun.set()
        threads.add(threading.get_ident())
        assert let_go.wait(30)
        return tone(1).array, 16_000

    async def both(server: RewardServer) -> tuple[int, list[int]]:
        body = {"query": ["Why? So."] * 2, "prompts": ["Why?"] * 2, "labels": ["", ""]}
        async with serving(server) as ask:
            posts = [asyncio.create_task(ask("/get_reward", body)) for _ in range(2)]
            await asyncio.to_thread(begun.wait, 30)
            status, _ = await ask("/health")
            let_go.set()
            return status, [one[0] for one in await asyncio.gather(*posts)]

    with reward(judge) as core:
        assert asyncio.run(both(RewardServer(core, decode=decode))) == (200, [200, 200])
    assert len(threads) == 1, "a model's code need not bear several threads"


def test_a_model_that_raises_at_one_answer_loses_that_answer_and_is_no_error_of_the_server(judge: Loopback) -> None:
    def decode(text: str) -> Any:
        if "bad" in text:
            raise RuntimeError("CUDA error:\nmany lines")
        return tone(1).array, 16_000

    body = {"query": ["Why? So.", "Why? bad"], "prompts": ["Why?"] * 2, "labels": ["", ""]}
    with reward(judge) as core:
        server = RewardServer(core, decode=decode)
        status, found = asked(server, "/get_reward", body)
        assert status == 503 and "crashed: decode raised RuntimeError: CUDA error:)" in found["message"]
        assert asked(server, "/health")[1]["answers"] == {"ok": 1, "crashed": 1} and server.trouble is None


def test_the_command_serves_until_it_is_told_to_end(judge: Loopback, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "wavjudge", "rewards", "serve", "--port", "0", "--guards", "none", "--judge",
               f"openai:m?base_url={judge.openai_url}", "--weights", "semantic=0.7,acoustic=.3", "--log",
               str(tmp_path / "run")]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ}) as process:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("listening on ").strip()
        assert url.startswith("http://127.0.0.1:")

        async def once() -> Any:
            async with aiohttp.ClientSession() as session, session.post(f"{url}/score", json={"items": [row(1)]}) as r:
                return await r.json()

        found = asyncio.run(once())
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    (answer,) = runs.load(tmp_path / "run").responses()
    assert answer.details["reward"] == found["results"][0]["reward"]


def test_the_command_refuses_what_cannot_be(tmp_path: Path) -> None:
    def said(*more: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "wavjudge", "rewards", "serve", "--judge",
                   "openai:m?base_url=http://127.0.0.1:9/v1", "--guards", "none", "--port", "0", *more]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stderr

    assert said("--weights", "overall=1", "--host", "0.0.0.0") == (
        2, "wavjudge: got the host 0.0.0.0, which others can reach, and no token\n"
        "What to do: set the token's environment variable, or listen on 127.0.0.1\n",
    )  # fmt: skip
    code, text = said("--weights", "overall=much")
    assert code == 2 and "expected NAME=WEIGHT" in text
    assert said("--weight", "overall=1")[0] == 2, "one name for weights everywhere"


@pytest.mark.parametrize("body", [b"no gzip at all", b"\x1f\x8b\x08\x00broken"])
def test_a_body_that_does_not_unpack_is_the_requests_error(judge: Loopback, body: bytes) -> None:
    server = RewardServer(reward(judge))
    status, _ = asked(server, "/score", body, headers={"Content-Encoding": "gzip"})
    assert status == 400 and server.trouble is None and judge.requests == 0


@pytest.mark.parametrize("token", ["", " ", "\t", "two words", "line\n"])
def test_a_token_that_is_none_is_refused_before_anything_is_served(judge: Loopback, token: str) -> None:
    with pytest.raises(InputError, match="token"):
        RewardServer(reward(judge), token)


def test_large_bodies_are_read_a_few_at_once(judge: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    now, most = 0, 0

    async def read(server: RewardServer, request: Any) -> Any:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return {"items": []}

    async def many() -> None:
        async with serving(RewardServer(reward(judge))) as ask:
            await asyncio.gather(*(ask("/score", b"[" + b" " * 1000 + b"]") for _ in range(8)))

    monkeypatch.setattr("wavjudge.rewards.server.SMALL_BYTES", 100)
    monkeypatch.setattr(RewardServer, "_read", read)
    asyncio.run(many())
    assert most == 2
