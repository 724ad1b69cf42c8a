"""The run folder: the acknowledged stays, the torn is healed, the broken is told, and one writes at a time."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wavjudge.errors import RunLockedError, StoreError
from wavjudge.store.run_folder import Log, RunFolder
from wavjudge.types import Call, Item, Rating, Response, RunManifest, Scale, Status, Subject, Usage, Utterance

SUBJECT = Subject(benchmark="b", item_id="1", candidate="c")


def rating(number: int = 0, **changes: object) -> Rating:
    facts: dict[str, object] = {
        "subject": SUBJECT, "axis": "overall", "scale": Scale(low=1, high=5), "rater": "ann", "rater_kind": "person",
        "repeat": number, "score": 4, "status": "ok", "signature": "person:ann",
    }  # fmt: skip
    return Rating.model_validate(facts | changes)


def item(number: int, text: str = "Why?") -> Item:
    return Item(benchmark="b", id=str(number), turns=(Utterance(text=text),))


def manifest(**changes: object) -> RunManifest:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return RunManifest(wavjudge_version="0", created=now, updated=now).model_copy(update=changes)


def append(path: Path, *records: Item | Rating) -> None:
    with RunFolder(path, write=True) as run:
        run.log("items" if isinstance(records[0], Item) else "ratings").append_now(*records)


def opened(path: Path) -> RunFolder:
    """The folder for reading, with a manifest so that it is one."""
    if not (path / "manifest.json").is_file():
        with RunFolder(path, write=True) as run:
            run.write_manifest(manifest())
    return RunFolder(path)


def start(code: str, *arguments: str, stdout: int | None = subprocess.PIPE) -> subprocess.Popen[bytes]:
    """A Python process of its own that knows this file's helpers by name."""
    head = "import asyncio, sys\nfrom pathlib import Path\n"
    head += "from wavjudge.store.run_folder import *\nfrom wavjudge.types import *\n"
    return subprocess.Popen(
        [sys.executable, "-c", head + textwrap.dedent(code), *arguments], stdout=stdout, stderr=subprocess.PIPE
    )


# What is acknowledged is there


KILLED = """
path, seed = Path(sys.argv[1]), int(sys.argv[2])

async def write(run, task):
    for number in range(10_000):
        text = "x" * ((seed * 7919 + task * 31 + number * 977) % 20_000)
        await run.log("items").append(Item(benchmark="b", id=f"{seed}-{task}-{number}", turns=(Utterance(text=text),)))
        sys.stdout.write(f"{seed}-{task}-{number}\\n")
        sys.stdout.flush()

async def main():
    with RunFolder(path, write=True) as run:
        print("healed", run.log("items").healed_bytes, flush=True)
        await asyncio.gather(*(write(run, task) for task in range(8)))

asyncio.run(main())
"""


def test_kill_9_at_any_moment_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    rng, acknowledged = random.Random(7), set[str]()
    rounds = 24
    for seed in range(rounds):
        process = start(KILLED, str(tmp_path), str(seed))
        assert process.stdout is not None and process.stderr is not None
        lines = [process.stdout.readline() for _ in range(rng.randrange(1, 200))]
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.readlines()
        assert process.wait() == -signal.SIGKILL, process.stderr.read().decode()
        process.stdout.close(), process.stderr.close()
        assert lines[0].startswith(b"healed ")
        acknowledged |= {line.decode().strip() for line in lines[1:] if line.endswith(b"\n")}
    log = Log(tmp_path / "items.jsonl")  # heals what the last round tore
    log.close()
    run = opened(tmp_path)
    found = [record.id for record in run.items()]
    assert acknowledged <= set(found) and len(set(found)) == len(found) and run.bad_lines == []
    assert len({name.split("-")[0] for name in acknowledged}) >= rounds // 2, "too few rounds wrote anything"


@pytest.mark.parametrize("cut", [1, 2, 10, 60, 100])
def test_healing_cuts_the_torn_line_and_nothing_else(tmp_path: Path, cut: int) -> None:
    append(tmp_path, item(1), item(2), item(3))
    path = tmp_path / "items.jsonl"
    whole = path.read_bytes()
    two = b"".join(whole.splitlines(keepends=True)[:2])
    path.write_bytes(whole[:-cut])
    log = Log(path)
    log.close()
    if cut == 1:  # only its line end is missing: the record itself is whole
        assert (path.read_bytes(), log.healed_bytes) == (whole, 0)
    else:
        assert (path.read_bytes(), log.healed_bytes) == (two, len(whole) - cut - len(two))


@pytest.mark.parametrize("size", [10, 65_535, 65_536, 65_537, 200_000])
@pytest.mark.parametrize("torn", [b"", b"{", b'{"benchmark": "b", "id"', b"\0" * 4096, b'{"id": "caf\xc3'])
def test_healing_finds_the_last_line_however_long_the_lines_are(tmp_path: Path, size: int, torn: bytes) -> None:
    path = tmp_path / "items.jsonl"
    lines = [item(number, "x" * size).model_dump_json().encode() + b"\n" for number in range(3)]
    path.write_bytes(b"".join(lines) + torn)
    log = Log(path)
    log.close()
    assert path.read_bytes() == b"".join(lines) and log.healed_bytes == len(torn)


def test_a_file_that_is_one_torn_line_becomes_empty(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_bytes(b'{"benchmark": ' + b"x" * 100_000)
    log = Log(path)
    log.close()
    assert path.read_bytes() == b"" and log.healed_bytes == 100_014


def test_reading_passes_over_a_torn_last_line_and_changes_nothing(tmp_path: Path) -> None:
    append(tmp_path, item(1), item(2))
    path = tmp_path / "items.jsonl"
    path.write_bytes(path.read_bytes()[:-5])
    run, before = opened(tmp_path), path.read_bytes()
    assert [record.id for record in run.items()] == ["1"] and run.bad_lines == []
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "line", [b"{}\n", b"no json\n", b"\xff\xfe\n", b"\n", b"[]\n", b'{"schema_version": 2}\n', b"\0\0\n"]
)
def test_a_broken_line_in_the_middle_is_told_once_and_the_rest_is_read(tmp_path: Path, line: bytes) -> None:
    append(tmp_path, rating(1), rating(2))
    path = tmp_path / "ratings.jsonl"
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + line + second)
    run = opened(tmp_path)
    for _ in range(2):
        assert [record.repeat for record in run.ratings()] == [1, 2]
    assert len(run.bad_lines) == 1 and run.bad_lines[0].startswith(f"{path}, line 2: ")


# Groups


def counted(monkeypatch: pytest.MonkeyPatch, before: Callable[[], None] = lambda: None) -> list[int]:
    real, calls = os.fdatasync, list[int]()

    def fdatasync(file: int) -> None:
        before()
        calls.append(file)
        real(file)

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    return calls


def held(reached: threading.Event, free: threading.Event) -> Callable[[], None]:
    """Says that it was reached and goes on when it is set free."""

    def wait() -> None:
        reached.set()
        free.wait(10)

    return wait


def test_records_that_are_ready_together_share_one_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counted(monkeypatch)

    async def main() -> None:
        log = Log(tmp_path / "items.jsonl")
        await asyncio.gather(*(log.append(item(number)) for number in range(500)))
        log.close()

    asyncio.run(main())
    assert len(calls) == 1
    assert len((tmp_path / "items.jsonl").read_bytes().splitlines()) == 500


def test_what_arrives_while_a_sync_runs_shares_the_next_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free, busy = threading.Event(), threading.Event()
    calls = counted(monkeypatch, held(busy, free))

    async def main() -> None:
        log = Log(tmp_path / "items.jsonl")
        first = asyncio.create_task(log.append(item(0)))
        await asyncio.to_thread(busy.wait, 10)
        rest = [asyncio.create_task(log.append(item(number))) for number in range(1, 100)]
        await asyncio.sleep(0)
        assert not first.done() and not any(task.done() for task in rest)
        free.set()
        await asyncio.gather(first, *rest)
        log.close()

    asyncio.run(main())
    assert len(calls) == 2


def test_nothing_is_acknowledged_before_its_sync_has_returned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    counted(monkeypatch, lambda: order.append("sync"))

    async def main() -> None:
        log = Log(tmp_path / "items.jsonl")
        for number in range(3):
            await log.append(item(number))
            order.append("acknowledged")
        log.close()

    asyncio.run(main())
    assert order == ["sync", "acknowledged"] * 3


def test_records_of_one_call_stand_together_and_in_order(tmp_path: Path) -> None:
    async def main() -> None:
        log = Log(tmp_path / "items.jsonl")
        await asyncio.gather(*(log.append(*(item(10 * call + place) for place in range(10))) for call in range(20)))
        log.close()

    asyncio.run(main())
    lines = (tmp_path / "items.jsonl").read_text().splitlines()
    assert [int(json.loads(line)["id"]) for line in lines] == list(range(200))


def test_appending_nothing_returns_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counted(monkeypatch)
    log = Log(tmp_path / "items.jsonl")
    asyncio.run(asyncio.wait_for(log.append(), 5))
    log.close()
    assert calls == []


def test_a_caller_that_is_cancelled_takes_nothing_from_the_others(tmp_path: Path) -> None:
    async def main() -> None:
        log = Log(tmp_path / "items.jsonl")
        tasks = [asyncio.create_task(log.append(item(number))) for number in range(10)]
        await asyncio.sleep(0)
        tasks[3].cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(done[3], asyncio.CancelledError) and done.count(None) == 9
        await log.drain()
        log.close()

    asyncio.run(main())
    assert len((tmp_path / "items.jsonl").read_bytes().splitlines()) == 10


def test_a_log_outlives_an_event_loop(tmp_path: Path) -> None:
    log = Log(tmp_path / "items.jsonl")
    for number in range(3):
        asyncio.run(asyncio.wait_for(log.append(item(number)), 5))
    log.close()
    assert len((tmp_path / "items.jsonl").read_bytes().splitlines()) == 3


def test_closing_waits_for_the_write_under_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    busy, closing = threading.Event(), threading.Event()
    counted(monkeypatch, held(busy, closing))
    log = Log(tmp_path / "items.jsonl")
    writer = threading.Thread(target=log.append_now, args=(item(1),))
    writer.start()
    busy.wait(10)
    closer = threading.Thread(target=log.close)
    closer.start()
    assert closer.is_alive()
    closing.set()
    writer.join(10), closer.join(10)
    assert len((tmp_path / "items.jsonl").read_bytes().splitlines()) == 1


def test_a_write_after_closing_fails_instead_of_waiting_for_ever(tmp_path: Path) -> None:
    log = Log(tmp_path / "items.jsonl")
    log.close()
    with pytest.raises(StoreError, match="closed file"):
        asyncio.run(asyncio.wait_for(log.append(item(1)), 5))


# A full disk


FULL = """
import resource
path, limit = Path(sys.argv[1]), int(sys.argv[2])

def item(number):
    return Item(benchmark="b", id=str(number), turns=(Utterance(text="x" * 3000),))

async def main():
    with RunFolder(path, write=True) as run:
        log, failed = run.log("items"), []
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        for number in range(30):
            try:
                await log.append(item(2 * number), item(2 * number + 1))
                print(2 * number, 2 * number + 1, flush=True)
            except StoreError as error:
                failed.append(str(error))
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        await log.append(item(1000))
        print(1000)
        print(failed[0], file=sys.stderr)

asyncio.run(main())
"""


@pytest.mark.parametrize("limit", [0, 1, 5_000, 20_001, 65_536, 100_000])
def test_a_full_disk_leaves_no_torn_line_and_writing_goes_on_when_there_is_room(tmp_path: Path, limit: int) -> None:
    process = start(FULL, str(tmp_path), str(limit))
    out, complaint = process.communicate(timeout=30)
    assert process.returncode == 0, complaint.decode()
    assert f"{tmp_path / 'items.jsonl'}: got 'File too large' while writing".encode() in complaint
    assert b"make room" in complaint
    run = opened(tmp_path)
    assert [record.id for record in run.items()] == out.decode().split() and run.bad_lines == []
    assert (tmp_path / "items.jsonl").read_bytes().endswith(b"\n")


def test_all_who_wait_for_a_failed_group_hear_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(file: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", broken)

    async def main() -> list[BaseException | None]:
        log = Log(tmp_path / "items.jsonl")
        done = await asyncio.gather(*(log.append(item(number)) for number in range(5)), return_exceptions=True)
        log.close()
        return done

    errors = asyncio.run(main())
    assert all(isinstance(error, StoreError) and "Input/output error" in str(error) for error in errors)
    assert (tmp_path / "items.jsonl").read_bytes() == b""


def test_a_whole_file_is_replaced_or_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with RunFolder(tmp_path, write=True) as run:
        run.write_manifest(manifest(repeats=1))

        def broken(file: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fdatasync", broken)
        with pytest.raises(StoreError, match="No space left on device"):
            run.write_manifest(manifest(repeats=2))
        assert run.manifest is not None and run.manifest.repeats == 1
    assert not [path.name for path in tmp_path.iterdir() if path.name.endswith(".tmp")]


# One writer


def test_a_second_process_is_told_that_the_folder_is_locked(tmp_path: Path) -> None:
    with RunFolder(tmp_path, write=True):
        code = (
            "try: RunFolder(Path(sys.argv[1]), write=True)\nexcept RunLockedError as error: sys.exit(error.exit_code)"
        )
        second = start(code, str(tmp_path))
        second.communicate(timeout=30)
        assert second.returncode == RunLockedError.exit_code == 6
    with RunFolder(tmp_path, write=True) as again:
        assert again.log("items").healed_bytes == 0


def test_a_second_writer_in_the_same_process_is_locked_out_too(tmp_path: Path) -> None:
    with RunFolder(tmp_path, write=True), pytest.raises(RunLockedError, match="another process is writing"):
        RunFolder(tmp_path, write=True)


def test_the_lock_of_a_killed_process_holds_nobody_up(tmp_path: Path) -> None:
    process = start("run = RunFolder(Path(sys.argv[1]), write=True)\nprint('locked', flush=True)\nsys.stdin.read()",
                    str(tmp_path))  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    process.communicate(timeout=30)
    with RunFolder(tmp_path, write=True) as run:
        run.log("items").append_now(item(1))


def test_reading_needs_no_lock(tmp_path: Path) -> None:
    append(tmp_path, item(1))
    opened(tmp_path)
    with RunFolder(tmp_path, write=True) as writer:
        writer.log("items").append_now(item(2))
        assert [record.id for record in RunFolder(tmp_path).items()] == ["1", "2"]


def test_a_folder_open_for_reading_cannot_be_written(tmp_path: Path) -> None:
    with opened(tmp_path) as run, pytest.raises(StoreError, match="open for reading"):
        run.log("items")


def test_a_folder_that_is_no_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"without manifest\.json"):
        RunFolder(tmp_path)


def test_a_path_that_cannot_be_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="expected a folder that can be written"):
        RunFolder(tmp_path / "file" / "run", write=True)


# Records


TEXT = st.text(st.characters(codec="utf-8"))
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)) | st.datetimes(
    datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(timezone(timedelta(hours=5, minutes=30)))
)
CALLS = st.builds(Call, id=TEXT, nonce=st.none() | TEXT, usage=st.builds(Usage, usd=st.none() | st.floats(0, 1e9)))
RATINGS = st.builds(
    rating, st.integers(0, 9), score=st.floats(1, 5), raw=st.none() | TEXT, justification=st.none() | TEXT,
    details=st.dictionaries(TEXT, st.none() | TEXT | st.floats(allow_nan=False, allow_infinity=False), max_size=3),
    time=st.none() | MOMENTS, call=st.none() | CALLS,
)  # fmt: skip


@given(st.lists(RATINGS, min_size=1, max_size=5))
@settings(max_examples=60)
def test_records_come_back_as_they_went_in_with_the_same_id(ratings: list[Rating]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        append(Path(folder), *ratings)
        back = list(opened(Path(folder)).ratings(superseded=True))
    assert back == ratings and [record.id for record in back] == [record.id for record in ratings]


def test_each_kind_has_a_log_of_its_own(tmp_path: Path) -> None:
    response = Response(benchmark="b", item_id="1", candidate="c", answers=(Utterance(text="hm"),))
    with RunFolder(tmp_path, write=True) as run:
        run.log("items").append_now(item(1))
        run.log("responses").append_now(response)
        run.log("ratings").append_now(rating(1))
    run = opened(tmp_path)
    assert (list(run.items()), list(run.responses()), list(run.ratings())) == ([item(1)], [response], [rating(1)])


def test_a_kind_that_was_never_written_is_empty(tmp_path: Path) -> None:
    assert list(opened(tmp_path).ratings()) == [] and opened(tmp_path).bad_lines == []


def test_a_rating_that_another_supersedes_stands_no_more_but_is_kept(tmp_path: Path) -> None:
    failed = rating(score=None, status="failed", reason="timeout")
    second = rating(score=2, supersedes=failed.id)
    third = rating(score=3, supersedes=second.id)
    other = rating(1)
    append(tmp_path, failed, other, second, third)
    run = opened(tmp_path)
    assert list(run.ratings()) == [other, third]
    assert list(run.ratings(superseded=True)) == [failed, other, second, third]


def test_superseding_what_is_not_there_takes_nothing_away(tmp_path: Path) -> None:
    append(tmp_path, rating(1, supersedes="0123456789abcdef"), rating(2))
    assert [record.repeat for record in opened(tmp_path).ratings()] == [1, 2]


def test_the_manifest_comes_back_and_is_replaced_as_a_whole(tmp_path: Path) -> None:
    statuses: dict[Status, int] = {"ok": 3}
    with RunFolder(tmp_path, write=True) as run:
        assert run.manifest is None
        run.write_manifest(manifest(notes=("first",) * 1000))
        run.write_manifest(manifest(counts=dict(statuses)))
    kept = RunFolder(tmp_path).manifest
    assert kept is not None and (kept.counts, kept.notes) == ({"ok": 3}, ())


GOOD = manifest().model_dump(mode="json")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", "null", '"x"', "\0", "[" * 100_000, json.dumps(GOOD | {"notes": None}),
     json.dumps(GOOD | {"usage": {"usd": 1}}).replace('"usd": 1', '"usd": 1e999'), json.dumps(GOOD | {"counts": []}),
     json.dumps(GOOD | {"created": "yesterday"}), json.dumps(GOOD | {"schema_version": 0}),
     json.dumps(GOOD | {"schema_version": "2"}), json.dumps(GOOD | {"wavjudge_version": 7}),
     json.dumps(GOOD | {"wavjudge_version": "new", "strange": 1})],
    ids=lambda text: text[-30:],
)  # fmt: skip
def test_a_damaged_manifest_is_told_and_what_to_do(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(StoreError, match=r"manifest\.json: got a damaged manifest") as error:
        _ = RunFolder(tmp_path).manifest
    assert "put a copy of the file back, or move it away" in error.value.todo and "newer" not in str(error.value)


@pytest.mark.parametrize(
    "change", [{"schema_version": 2}, {"schema_version": 10**30}, {"wavjudge_version": "999.1", "strange": 1},
               {"wavjudge_version": "999.1.dev3", "notes": None}],
)  # fmt: skip
def test_only_a_manifest_that_says_so_is_of_a_newer_wavjudge(tmp_path: Path, change: dict[str, object]) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps(GOOD | change))
    with pytest.raises(StoreError, match="got a manifest that a newer wavjudge wrote") as error:
        _ = RunFolder(tmp_path).manifest
    assert error.value.todo == "upgrade this wavjudge"


def test_a_recording_is_kept_once_under_the_hash_of_its_bytes(tmp_path: Path) -> None:
    with RunFolder(tmp_path, write=True) as run:
        names = [run.add_audio(data, hashlib.sha256(data).hexdigest(), suffix)
                 for data, suffix in ((b"a", ".WAV"), (b"a", ".wav"), (b"b", ".mp3"))]  # fmt: skip
    assert names[0] == names[1] != names[2] and names[0] == f"audio/ca/{hashlib.sha256(b'a').hexdigest()}.wav"
    assert [(tmp_path / name).read_bytes() for name in names[1:]] == [b"a", b"b"]
    assert len(list((tmp_path / "audio").rglob("*.*"))) == 2


def test_a_prompt_is_kept_once_under_its_hash(tmp_path: Path) -> None:
    with RunFolder(tmp_path, write=True) as run:
        run.add_prompt("0123456789ab", "Rate it: é")
        run.add_prompt("0123456789ab", "Rate it: é")
    assert [path.read_text(encoding="utf-8") for path in (tmp_path / "prompts").iterdir()] == ["Rate it: é"]


def test_without_fdatasync_fsync_does_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    monkeypatch.delattr(os, "fdatasync")
    monkeypatch.setattr(os, "fsync", calls.append)
    append(tmp_path, item(1))
    assert len(calls) == 1


def test_of_several_records_of_one_answer_the_first_stands_and_the_others_are_told(tmp_path: Path) -> None:
    """No run writes them; a hand, or a folder that was put together, may."""
    first = Response(benchmark="b", item_id="1", candidate="c", answers=(Utterance(text="one"),))
    second = first.model_copy(update={"answers": (Utterance(text="two"),)})
    with RunFolder(tmp_path, write=True) as run:
        run.write_manifest(manifest())
        run.log("responses").append_now(first, second)
    run = RunFolder(tmp_path)
    for _ in range(2):
        assert list(run.responses()) == [first]
    (told,) = run.bad_lines
    assert "a second record of the answer ('1', 'c', 0)" in told
