"""`command:...?persistent=true`: a program that stays, answers in any order, prints what it likes, and may die."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.bench.asking import HEAD_OF_PERSISTENT as HEAD
from tests.bench.asking import SECRET, ask, program, write_items, write_talks
from tests.loopback.verdict import wav

PARROT = HEAD + "for ask in lines: answer(ask, str(os.getpid()))"


def test_it_is_started_once_and_answers_many_at_a_time(tmp_path: Path) -> None:
    done = ask(write_items(tmp_path / "set", 20), program(tmp_path, PARROT, "&persistent=true&workers=4"))
    assert set(done.outcomes.values()) == {"ok"}
    assert len({response.answers[0].text for response in done.all}) == 1
    for number in range(20):
        said = done.responses[f"q{number}"].answers[0].audio
        assert said is not None and said.sha256 == hashlib.sha256(wav(0.1, seed=number)).hexdigest()


def test_answers_out_of_order_twice_and_to_nobody(tmp_path: Path) -> None:
    code = (
        HEAD
        + """
while batch := [ask for _, ask in zip(range(4), lines)]:
    for ask in reversed(batch):
        say(id=ask["id"] + 1000, text="to nobody")
        answer(ask, ask["item_id"])
        say(id=ask["id"], text="once more")
        say(id=0, text="to nobody")
"""
    )
    done = ask(
        write_items(tmp_path / "set", 16), program(tmp_path, code, "&persistent=true&workers=4&timeout=20&startup=20")
    )
    assert {item: response.answers[0].text for item, response in done.responses.items()} == {
        f"q{number}": f"q{number}" for number in range(16)
    }


def test_noise_on_stdout_is_passed_over(tmp_path: Path) -> None:
    code = (
        HEAD
        + r"""
noise = [b"loading ...", b"{", b"[1]", b"7", b"null", b'{"id": null}', b'{"id": "x"}', b'{"id": {}}', b'{"id": 1e999}',
         b'{"id": Infinity}', b'{"id": NaN}', b'{"id": -1, "text": "no"}',
         b"\xff\xfe\x00", b"[" * 100000, b"x" * 5_000_000,
         b'{"id": ' + b"9" * 5000 + b"}", b""]
for ask in lines:
    for line in noise:
        sys.stdout.buffer.write(line + b"\n")
    sys.stdout.flush()
    answer(ask)
"""
    )
    done = ask(write_items(tmp_path / "set", 3), program(tmp_path, code, "&persistent=true&timeout=20"))
    assert set(done.outcomes.values()) == {"ok"}


def test_an_endless_line_is_a_time_out_and_the_next_question_starts_it_anew(tmp_path: Path) -> None:
    code = (
        HEAD
        + """
for ask in lines:
    while ask["item_id"] == "q1": os.write(1, b"x" * 65536)
    answer(ask)
"""
    )
    spec = program(tmp_path, code, "&persistent=true&timeout=2&startup=2")
    assert ask(write_items(tmp_path / "set", 3), spec).outcomes == {"q0": "ok", "q1": "timed_out", "q2": "ok"}


def test_answers_of_all_kinds(tmp_path: Path) -> None:
    code = (
        HEAD
        + r"""
for ask in lines:
    match ask["item_id"]:
        case "q0": say(id=ask["id"], text="without a recording")
        case "q1": say(id=ask["id"], error="out of memory, key sk-abcdefghijklmnopqrstuvwx")
        case "q2": open(ask["answer"], "w").write("no sound"); say(id=ask["id"])
        case "q3": answer(ask, 42)
        case "q4": answer(ask, "half \ud83d")
        case "q5": say(id=ask["id"], error={"code": "\ud83d"})
        case "q6": shutil.copy(ask["question"], ask["answer"]); say(id=str(ask["id"]), more=1)
"""
    )
    done = ask(write_items(tmp_path / "set", 7), program(tmp_path, code, "&persistent=true"))
    assert list(dict(sorted(done.outcomes.items())).values()) == [
        "no_speech", "crashed", "broken_audio", "ok", "ok", "crashed", "ok"]  # fmt: skip
    assert done.responses["q1"].reason == "it said: out of memory, key [hidden]"
    assert [done.responses[f"q{n}"].answers[0].text for n in (3, 4, 6)] == [None, "half ?", None]


def test_one_that_dies_costs_what_it_was_working_on_and_starts_anew(tmp_path: Path) -> None:
    code = (
        HEAD
        + """
for ask in lines:
    if ask["item_id"] == "q3":
        print("first\\nCUDA error, Bearer abcdefgh", file=sys.stderr)
        sys.exit(5)
    answer(ask, str(os.getpid()))
"""
    )
    done = ask(write_items(tmp_path / "set", 8), program(tmp_path, code, "&persistent=true"))
    assert done.outcomes == {f"q{n}": "crashed" if n == 3 else "ok" for n in range(8)}
    assert done.responses["q3"].reason == "exit code 5: CUDA error, [hidden]"
    assert done.responses["q3"].details == {"exit_code": 5.0, "stderr": "first\nCUDA error, [hidden]\n"}
    assert len({response.answers[0].text for response in done.all}) == 3  # two processes, and None


def test_one_that_answers_and_dies_at_once_loses_no_answer(tmp_path: Path) -> None:
    code = HEAD + "answer(next(lines)); sys.exit(0)"
    done = ask(write_items(tmp_path / "set", 6), program(tmp_path, code, "&persistent=true"))
    assert "ok" in done.outcomes.values() and set(done.outcomes.values()) <= {"ok", "crashed"}
    assert done.asked.answered == 6


def test_one_that_hangs_is_ended_and_those_beside_it_are_asked_again(tmp_path: Path) -> None:
    code = (
        HEAD
        + f"""
mark = {str(tmp_path / "mark")!r}
for ask in lines:
    if ask["item_id"] == "q0":
        waiting = ask  # answered never
    elif ask["item_id"] == "q1" and not os.path.exists(mark):
        open(mark, "w")  # under way when the other is given up
    else:
        answer(ask)
"""
    )
    benchmark = write_items(tmp_path / "set", 4)
    spec = program(tmp_path, code, "&persistent=true&workers=2&timeout=2&startup=1")
    first = ask(benchmark, spec)
    # Both are given up in the same moment; whoever comes first ends the program for the other.
    assert sorted(first.outcomes.values()) in (["ok", "ok", "timed_out"], ["ok", "ok", "timed_out", "timed_out"])
    again = ask(benchmark, spec)
    assert again.asked.answered == first.asked.lost and len(again.all) == 4


@pytest.mark.parametrize("closes", ["os.close(1)", "os.close(0); os.close(1); os.close(2)"])
def test_one_that_closes_a_pipe_and_lives_on_is_a_crash_at_once(closes: str, tmp_path: Path) -> None:
    code = HEAD + f"{closes}\nwhile True: time.sleep(600)"
    done = ask(write_items(tmp_path / "set", 1), program(tmp_path, code, "&persistent=true&timeout=60&startup=60"))
    (response,) = done.all
    assert response.status == "crashed" and "exit code -9" in (response.reason or "")
    assert response.seconds_taken is not None and response.seconds_taken < 30


def test_one_that_closes_its_stdin_hears_no_more_questions_and_is_started_anew(tmp_path: Path) -> None:
    code = (
        HEAD
        + """
answer(next(lines))
os.close(0)
while True: time.sleep(600)
"""
    )
    done = ask(write_items(tmp_path / "set", 4), program(tmp_path, code, "&persistent=true&timeout=1&startup=20"))
    assert done.asked.answered == 4 and "ok" in done.outcomes.values()
    assert set(done.outcomes.values()) <= {"ok", "crashed", "timed_out"}
    reasons = {response.reason for response in done.all if response.status == "crashed"}
    assert all("it reads no more questions; exit code -9" in (reason or "") for reason in reasons)


def test_a_daemon_that_holds_its_pipes_does_not_hide_its_end(tmp_path: Path) -> None:
    code = (
        HEAD
        + f"""
import subprocess
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
open({str(tmp_path / "pid")!r}, "w").write(str(child.pid))
next(lines)
sys.exit(4)
"""
    )
    (response,) = ask(write_items(tmp_path / "set", 1), program(tmp_path, code, "&persistent=true&startup=50")).all
    assert response.reason == "exit code 4: nothing on stderr"
    assert response.seconds_taken is not None and response.seconds_taken < 30
    import os

    os.kill(int((tmp_path / "pid").read_text()), 9)


def test_megabytes_on_stderr_do_not_stop_it(tmp_path: Path) -> None:
    code = (
        HEAD
        + """
for ask in lines:
    for _ in range(100): os.write(2, b"noise " * 10000)
    answer(ask)
"""
    )
    done = ask(write_items(tmp_path / "set", 3), program(tmp_path, code, "&persistent=true"))
    assert set(done.outcomes.values()) == {"ok"}
    assert all(len(str(response.details["stderr"])) <= 2000 for response in done.all)


def test_one_that_cannot_start_stops_the_run(tmp_path: Path) -> None:
    done = ask(write_items(tmp_path / "set", 9), program(tmp_path, "import no_such_model", "&persistent=true"))
    assert done.asked.stopped is not None and "No module named 'no_such_model'" in str(done.asked.stopped)
    assert done.asked.stopped.exit_code == 2 and done.all == []


def test_a_conversation_is_told_without_reference_and_without_the_users_words(tmp_path: Path) -> None:
    code = (
        HEAD
        + """
for ask in lines:
    told = json.dumps(ask) + open(ask["conversation"], encoding="utf-8").read()
    answer(ask, told)
"""
    )
    done = ask(write_talks(tmp_path / "set", 2, 3), program(tmp_path, code, "&persistent=true&workers=2"))
    for response in done.all:
        assert response.status == "ok" and len(response.answers) == 3
        told = response.answers[2].text or ""
        assert '"turn": 2' in told and "An answer before." in told
        assert SECRET not in told and "Words" not in told
