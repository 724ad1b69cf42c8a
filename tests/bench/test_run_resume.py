"""`wavjudge run` killed at random moments and resumed is the same run; Ctrl-C ends it cleanly."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.bench.asking import HEAD_OF_PERSISTENT, program, write_talks
from wavjudge.store.run_folder import RunFolder
from wavjudge.types import Response

ROOT = Path(__file__).parents[2]
ITEMS = 40

# An answer is a function of the question; some fail; each that is begun leaves a line in the book.
CODE = (
    HEAD_OF_PERSISTENT
    + """
for ask in lines:
    while os.path.exists(os.environ["BOOK"] + ".hold"): time.sleep(0.01)
    with open(os.environ["BOOK"], "a") as book: book.write(f"{ask['item_id']} {ask['turn']}\\n")
    time.sleep(0.01)
    match int(ask["item_id"][1:]) % 10, ask["turn"]:
        case 3, 1: say(id=ask["id"], text="nothing said")
        case 5, _: say(id=ask["id"], error="out of memory")
        case 7, 1: open(ask["answer"], "w").write("no sound"); say(id=ask["id"])
        case _: answer(ask, f"{ask['item_id']} {ask['turn']} {len(ask['before'])}")
"""
)


class Run:
    """A run that can be started again and again."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / name
        self.book = folder / f"{name}.book"
        self.book.touch()
        benchmark = folder / "set" if (folder / "set").exists() else write_talks(folder / "set", ITEMS, 2)
        spec = program(folder, CODE, "&persistent=true&workers=3")
        self.command = [sys.executable, "-m", "wavjudge", "run", str(benchmark), "--candidate", spec, "--judge",
                        "signals?workers=1", "--axes", "clipping", "--out", str(self.path)]  # fmt: skip

    def start(self, **streams: int) -> subprocess.Popen[str]:
        environment = {**os.environ, "BOOK": str(self.book), "OMP_NUM_THREADS": "1"}
        nowhere = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(self.command, text=True, env=environment, **(nowhere | streams))  # type: ignore[call-overload, no-any-return]

    def records(self) -> int:
        """Answers and ratings that were acknowledged."""
        files = [self.path / "responses.jsonl", self.path / "ratings.jsonl"]
        return sum(file.read_bytes().count(b"\n") for file in files if file.is_file())

    def ends_before(self, process: subprocess.Popen[str], records: int) -> bool:
        while process.poll() is None:
            if self.records() >= records:
                return False
            time.sleep(0.005)  # polling a file of another process: there is no event to wait for
        return True

    def responses(self) -> list[Response]:
        with RunFolder(self.path) as folder:
            return list(folder.responses())

    def whole(self) -> dict[str, object]:
        """All that must not depend on how often the run was interrupted."""
        with RunFolder(self.path) as folder:
            answers = {
                (r.item_id, r.attempt): (r.status, r.reason, [(a.text, a.audio and a.audio.sha256) for a in r.answers])
                for r in folder.responses()
            }
            ratings = sorted((r.subject.item_id, r.axis, r.status, r.score) for r in folder.ratings())
            assert folder.manifest is not None and folder.bad_lines == []
            counts = {k: v for k, v in folder.manifest.counts.items() if k != "calls"}
            return {"answers": answers, "ratings": ratings, "counts": counts, "data": folder.manifest.data_sha256,
                    "items": sorted(item.model_dump_json() for item in folder.items())}  # fmt: skip


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.heavy) for n in (1, 2, 3))])
def test_killed_at_random_moments_and_resumed_it_is_the_same_run(seed: int, tmp_path: Path) -> None:
    killed, dice, kills = Run(tmp_path, "killed"), random.Random(seed), 0
    while True:
        process = killed.start()
        if killed.ends_before(process, killed.records() + dice.randrange(1, 35)):
            break
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
    assert process.returncode == 0 and kills >= 1
    straight = Run(tmp_path, "straight")
    assert straight.start().wait() == 0
    assert killed.whole() == straight.whole()
    stands = Counter((r.item_id, r.attempt) for r in killed.responses())
    assert len(stands) == ITEMS and set(stands.values()) == {1}
    begun = killed.book.read_text().count("\n")
    # What was under way when it was killed is begun again, at most two turns for each of three workers.
    assert begun <= straight.book.read_text().count("\n") + 6 * kills


def test_ctrl_c_ends_cleanly_and_the_same_command_goes_on(tmp_path: Path) -> None:
    run = Run(tmp_path, "run")
    process = run.start(stderr=subprocess.PIPE)
    assert not run.ends_before(process, 8)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on from there" in said and "Traceback" not in said
    there = {r.item_id: r.id for r in run.responses()}
    assert 8 <= len(there) < ITEMS
    begun = {line.split()[0] for line in run.book.read_text().splitlines()}
    assert begun == set(there)  # what was asked was awaited and stored
    assert not (run.path / "ratings.jsonl").exists() or not (run.path / "ratings.jsonl").read_bytes()
    assert run.start().wait() == 0
    after = {r.item_id: r.id for r in run.responses()}
    assert len(after) == ITEMS and {item: after[item] for item in there} == there


def test_a_second_ctrl_c_gives_up_a_program_that_hangs_and_leaves_nothing_running(tmp_path: Path) -> None:
    run = Run(tmp_path, "run")
    code = (
        CODE
        + f"""
    if ask["item_id"] == "q9":
        open({str(tmp_path / "pid")!r}, "w").write(str(os.getpid()))
        time.sleep(600)
"""
    )
    program(tmp_path, code)
    process = run.start(stderr=subprocess.PIPE)
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None and "Ctrl-C again" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in said
    pid = int((tmp_path / "pid").read_text())
    stat = Path(f"/proc/{pid}/stat")
    assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"
    program(tmp_path, CODE)
    assert run.start().wait() == 0
    assert len(run.responses()) == ITEMS


def test_a_second_process_is_refused_and_harms_nothing(tmp_path: Path) -> None:
    run = Run(tmp_path, "run")
    first = run.start()
    assert not run.ends_before(first, 2)
    hold = run.book.with_name(f"{run.book.name}.hold")
    hold.touch()  # the first must outlive the start of the second, however slow the machine is
    try:
        _, said = (second := run.start(stderr=subprocess.PIPE)).communicate(timeout=60)
    finally:
        hold.unlink()
    assert second.returncode == 6 and "another process" in said
    assert first.wait() == 0 and len(run.responses()) == ITEMS
