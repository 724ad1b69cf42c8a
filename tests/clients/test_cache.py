from __future__ import annotations

import asyncio
import hashlib
import logging
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wavjudge.clients import cache as module
from wavjudge.clients.base import AudioPart, Evidence, Failure, Reply, Request, Sampling, TextPart
from wavjudge.clients.cache import Cached, ReplyCache, cache_file, clear, remove, request_key, stats
from wavjudge.clients.fake import FakeClient, VirtualClock
from wavjudge.errors import StoreError
from wavjudge.types import Usage


def never() -> bytes:
    raise AssertionError("a cache hit loads no audio")


AUDIO = AudioPart("a" * 64, "pcm16-16000-mono", 1.0, 16000, 32044, never)
REQUEST = Request("m", (TextPart("Rate this:"), AUDIO), system="You judge.", sampling=Sampling(temperature=1))
REPLY = Reply("<score>4</score>", Usage(input_tokens=9, usd=0.5), "stop", "id-1", "m-2026", b"RIFF\x00", 2, 1.5)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "replies.sqlite"


@pytest.fixture
def cache(path: Path) -> Iterator[ReplyCache]:
    cache = ReplyCache(path, patience_seconds=0.05)
    yield cache
    cache.close()


def test_the_key_is_the_hash_of_this_text() -> None:
    # If this changes, every cache in the world is silently lost: then raise KEY_VERSION on purpose.
    text = (
        '{"model":"m","parts":[["text","Rate this:"],["audio","%s","pcm16-16000-mono"]],"repeat":0,'
        '"sampling":{"max_tokens":null,"seed":null,"temperature":1.0,"top_p":null},'
        '"scope":"openai","system":"You judge.","wants":["text"]}'
    ) % ("a" * 64)
    assert request_key(REQUEST, "openai") == hashlib.sha256(b"wavjudge.reply.1\n" + text.encode()).hexdigest()


CHANGES = [
    replace(REQUEST, model="n"),
    replace(REQUEST, system=None),
    replace(REQUEST, parts=(TextPart("Rate that:"), AUDIO)),
    replace(REQUEST, parts=(AUDIO, TextPart("Rate this:"))),
    replace(REQUEST, parts=(TextPart("Rate this:"), TextPart("a" * 64))),
    replace(REQUEST, parts=(TextPart("Rate this:"), replace(AUDIO, sha256="b" * 64))),
    replace(REQUEST, parts=(TextPart("Rate this:"), replace(AUDIO, transform="pcm16-24000-mono"))),
    replace(REQUEST, sampling=Sampling()),
    replace(REQUEST, sampling=Sampling(temperature=1, seed=1)),
    replace(REQUEST, wants=("text", "audio")),
    replace(REQUEST, repeat=1),
]


def test_everything_that_decides_a_reply_changes_the_key() -> None:
    keys = [request_key(request, "openai") for request in [REQUEST, *CHANGES]] + [request_key(REQUEST, "gemini")]
    assert len(set(keys)) == len(keys)


def test_what_decides_nothing_leaves_the_key() -> None:
    same = [
        replace(REQUEST, sampling=Sampling(temperature=1.0)),
        replace(REQUEST, evidence=Evidence(transcript="hello")),
        replace(REQUEST, parts=(TextPart("Rate this:"), replace(AUDIO, load=lambda: b"", seconds=2.0))),
    ]
    assert {request_key(request, "openai") for request in same} == {request_key(REQUEST, "openai")}


def test_a_reply_comes_back_whole_and_marked(cache: ReplyCache) -> None:
    async def main() -> None:
        assert await cache.get("k") is None
        await cache.put("k", REPLY)
        assert await cache.get("k") == replace(REPLY, cached=True)

    asyncio.run(main())


def test_the_second_run_makes_no_call_and_touches_no_audio(cache: ReplyCache) -> None:
    client = FakeClient([REPLY])
    assert asyncio.run(Cached(client, cache).complete(REQUEST)) == REPLY
    assert asyncio.run(Cached(client, cache).complete(REQUEST)) == replace(REPLY, cached=True)
    assert len(client.requests) == 1


@pytest.mark.parametrize(
    "said", [Failure("refused", "no"), replace(REPLY, finish="length"), replace(REPLY, finish="MAX_TOKENS")]
)
def test_failures_and_cut_off_replies_are_not_kept(cache: ReplyCache, said: Reply | Failure) -> None:
    client = FakeClient(lambda request: said)
    for _ in range(2):
        assert asyncio.run(Cached(client, cache).complete(REQUEST)) == said
    assert len(client.requests) == 2


def test_reading_and_writing_can_be_off(cache: ReplyCache) -> None:
    client = FakeClient(lambda request: REPLY)
    asyncio.run(Cached(client, cache, write=False).complete(REQUEST))
    asyncio.run(Cached(client, cache, read=False).complete(REQUEST))
    asyncio.run(Cached(client, cache, read=False).complete(REQUEST))
    assert len(client.requests) == 3
    asyncio.run(Cached(client, cache).complete(REQUEST))
    assert len(client.requests) == 3


def slow_client(clock: VirtualClock, said: list[Reply | Failure | BaseException]) -> FakeClient:
    async def answer(request: Request) -> Reply | Failure:
        await clock.sleep(1.0)
        one = said.pop(0)
        if isinstance(one, BaseException):
            raise one
        return one

    return FakeClient(answer)


async def together(client: Cached, count: int) -> list:
    return list(await asyncio.gather(*(client.complete(REQUEST) for _ in range(count)), return_exceptions=True))


def test_identical_requests_at_once_make_one_call(cache: ReplyCache) -> None:
    clock = VirtualClock()
    client = slow_client(clock, [REPLY])
    outcomes = clock.run(together(Cached(client, cache), 5))
    assert outcomes == [REPLY] + [replace(REPLY, cached=True)] * 4


def test_with_reading_off_they_make_a_call_each(cache: ReplyCache) -> None:
    clock = VirtualClock()
    client = slow_client(clock, [REPLY] * 3)
    assert clock.run(together(Cached(client, cache, read=False), 3)) == [REPLY] * 3


def test_a_failure_is_shared_by_those_who_waited_but_not_kept(cache: ReplyCache) -> None:
    clock, failure = VirtualClock(), Failure("bad_request", "no")
    client = Cached(slow_client(clock, [failure, REPLY]), cache)
    assert clock.run(together(client, 3)) == [failure] * 3
    assert clock.run(together(client, 1)) == [REPLY]


def test_whoever_waited_for_one_that_broke_tries_for_himself(cache: ReplyCache) -> None:
    clock = VirtualClock()
    client = slow_client(clock, [KeyError("bug"), REPLY])
    first, second, third = clock.run(together(Cached(client, cache), 3))
    assert isinstance(first, KeyError) and second == REPLY and third == replace(REPLY, cached=True)


def test_cancelling_one_leaves_the_others(cache: ReplyCache) -> None:
    clock = VirtualClock()
    client = Cached(slow_client(clock, [REPLY, REPLY]), cache)

    async def main() -> None:
        leader, follower, last = (asyncio.create_task(client.complete(REQUEST)) for _ in range(3))
        while not client._client.requests:
            await asyncio.sleep(0)
        leader.cancel()
        follower.cancel()
        assert await last == REPLY
        assert leader.cancelled() and follower.cancelled()

    clock.run(main())


def test_the_event_loop_never_touches_the_file(cache: ReplyCache, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = set()
    real = module._connect
    monkeypatch.setattr(module, "_connect", lambda *a: (threads.add(threading.get_ident()), real(*a))[1])
    asyncio.run(cache.put("k", REPLY))
    assert threads and threading.get_ident() not in threads


def unusable_corrupt(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"this is no database at all, whatever its name says" * 50)


def unusable_folder(path: Path) -> None:
    path.parent.write_text("a file where the folder should be")


def unusable_is_folder(path: Path) -> None:
    path.mkdir(parents=True)


def unusable_other_table(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE replies_1 (x)")
    connection.close()


@pytest.mark.parametrize(
    "spoil", [unusable_corrupt, unusable_folder, unusable_is_folder, unusable_other_table], ids=lambda f: f.__name__
)
def test_an_unusable_file_costs_the_cache_and_one_warning(cache: ReplyCache, path: Path, spoil, caplog) -> None:
    spoil(path)
    client = Cached(FakeClient(lambda request: REPLY), cache)
    with caplog.at_level(logging.WARNING):
        assert asyncio.run(together(client, 1)) == asyncio.run(together(client, 1)) == [REPLY]
    assert len(caplog.records) == 1 and str(path) in caplog.text


def test_a_locked_file_costs_the_cache_and_one_warning(cache: ReplyCache, path: Path, caplog) -> None:
    asyncio.run(cache.put("k", REPLY))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    client = Cached(FakeClient(lambda request: REPLY), cache)
    assert asyncio.run(together(client, 1)) == [REPLY]
    other.close()
    assert cache.broken and "locked" in caplog.text and len(caplog.records) == 1


def test_a_file_that_cannot_be_written_costs_the_cache(cache: ReplyCache, monkeypatch, path: Path, caplog) -> None:
    # File modes do not stop an administrator, which test machines often are: a read-only connection does.
    first = ReplyCache(path)
    asyncio.run(first.put("k", REPLY))
    first.close()

    def read_only(path: Path, patience: float) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)

    monkeypatch.setattr(module, "_connect", read_only)
    client = Cached(FakeClient(lambda request: REPLY), cache)
    assert asyncio.run(together(client, 1)) == [REPLY]
    assert cache.broken and "readonly" in caplog.text


def test_a_row_that_is_no_reply_is_no_hit_and_is_replaced(cache: ReplyCache, path: Path) -> None:
    asyncio.run(cache.put("k", REPLY))
    for rubbish in ("{", "[]", '{"text": "4"}', '{"usage": {"input_tokens": "x"}}'):
        with sqlite3.connect(path) as other:
            other.execute("UPDATE replies_1 SET reply = ?", (rubbish,))
        other.close()
        assert asyncio.run(cache.get("k")) is None and not cache.broken
    asyncio.run(cache.put("k", REPLY))
    assert asyncio.run(cache.get("k")) is not None


FILL = """
import asyncio, pathlib, sys
from wavjudge.clients.base import Reply
from wavjudge.clients.cache import ReplyCache

async def main(cache, worker):
    for number in range(40):
        await cache.put(f"{worker}-{number}", Reply("4"))
        await cache.put("shared", Reply("5"))
        assert await cache.get(f"{worker}-{number}") is not None

input()  # all begin at once: the moment in which the file does not exist yet is the delicate one
cache = ReplyCache(pathlib.Path(sys.argv[1]))
asyncio.run(main(cache, sys.argv[2]))
cache.close()
sys.exit(cache.broken)
"""


def test_processes_may_share_the_file_from_its_first_moment(path: Path) -> None:
    commands = [[sys.executable, "-c", FILL, str(path), str(number)] for number in range(4)]
    workers = [subprocess.Popen(command, stdin=subprocess.PIPE) for command in commands]
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write(b"\n")
        worker.stdin.close()
    assert [worker.wait() for worker in workers] == [0] * 4
    assert stats(path).entries == 4 * 40 + 1


def test_an_empty_cache_has_statistics_and_no_file(path: Path) -> None:
    found = stats(path)
    assert (found.entries, found.bytes, found.oldest) == (0, 0, None)
    assert clear(path) == remove(timedelta(days=1), path) == 0
    assert not path.exists()


def test_statistics_and_forgetting(path: Path) -> None:
    old = ReplyCache(path, wall_time=lambda: datetime(2026, 1, 2, tzinfo=UTC).timestamp())
    asyncio.run(old.put("old", REPLY))
    old.close()
    new = ReplyCache(path)
    asyncio.run(new.put("new", replace(REPLY, audio_wav=b"x" * 500_000)))
    found = stats(path)
    assert found.entries == 2 and found.bytes > 500_000 and found.oldest == datetime(2026, 1, 2, tzinfo=UTC)
    assert remove(timedelta(days=1), path) == 1
    assert asyncio.run(new.get("old")) is None and asyncio.run(new.get("new")) is not None
    assert clear(path) == 1
    new.close()
    assert stats(path).entries == 0 and stats(path).bytes < 100_000


def test_the_command_says_what_is_wrong_with_the_file(path: Path) -> None:
    unusable_corrupt(path)
    with pytest.raises(StoreError, match="delete the file"):
        stats(path)


def test_the_folder_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WAVJUDGE_CACHE", str(tmp_path))
    assert cache_file() == tmp_path / "replies.sqlite"
    monkeypatch.delenv("WAVJUDGE_CACHE")
    assert "wavjudge" in str(cache_file())
