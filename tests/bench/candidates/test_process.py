"""`command:`: any program is a candidate, and none of them can harm more than its own answer."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from pathlib import Path

import pytest

from tests.bench.asking import SECRET, ask, program, write_items, write_talks
from tests.loopback.verdict import wav
from wavjudge.bench.candidates.command_words import words_of
from wavjudge.bench.candidates.process import MAX_TEXT_BYTES
from wavjudge.errors import CandidateDownError, InputError, SpecError

PARROT = """
import shutil, sys
question, answer, conversation = sys.argv[1:4]
shutil.copy(question, answer)
print("  what was said  ")
"""


def test_a_program_hears_the_question_and_its_answer_is_kept_by_hash(tmp_path: Path) -> None:
    done = ask(write_items(tmp_path / "set", 3), program(tmp_path, PARROT, "&workers=2"))
    assert done.outcomes == {f"q{number}": "ok" for number in range(3)}
    assert (done.asked.answered, done.asked.lost, done.ledger.to_come, done.ledger.there) == (3, 0, 3, 3)
    for number, (_, response) in enumerate(sorted(done.responses.items())):
        (said,) = response.answers
        kept = wav(0.1, seed=number)
        assert said.audio is not None and said.text == "what was said"
        assert said.audio.sha256 == hashlib.sha256(kept).hexdigest()
        assert (done.run / said.audio.path).read_bytes() == kept
        assert response.details["exit_code"] == 0.0
        assert response.seconds_taken is not None and response.seconds_taken > 0


def test_places_in_the_command_and_another_rate(tmp_path: Path) -> None:
    code = """
import sys, wave
assert len(sys.argv) == 3, sys.argv
print(wave.open(sys.argv[1].removeprefix("--in=")).getframerate())
open(sys.argv[2], "wb").write(open(sys.argv[1].removeprefix("--in="), "rb").read())
"""
    spec = program(tmp_path, code, "&rate=8000", words=" --in={question} {answer}")
    (response,) = ask(write_items(tmp_path / "set", 1), spec).all
    assert (response.status, response.answers[0].text) == ("ok", "8000")


SHOW = """
import os, shutil, sys
shutil.copy(sys.argv[1], sys.argv[2])
print(open(sys.argv[3], encoding="utf-8").read(), *sys.argv, *os.environ.values())
"""


def test_the_reference_and_the_words_of_a_spoken_question_never_reach_it(tmp_path: Path) -> None:
    done = ask(write_items(tmp_path / "set", 1), program(tmp_path, SHOW))
    (response,) = done.all
    seen = response.answers[0].text or ""
    assert '"item_id": "q0"' in seen and '"language": "en"' in seen and '"question_text": null' in seen
    assert SECRET not in seen and "Question 0?" not in seen
    assert response.tags == (f"answer={SECRET}",)  # the record has them, for tables


def test_a_question_without_a_recording_comes_as_text(tmp_path: Path) -> None:
    code = """
import json, pathlib, sys
assert not pathlib.Path(sys.argv[1]).exists()
print(json.load(open(sys.argv[3]))["question_text"])
"""
    (response,) = ask(write_items(tmp_path / "set", 1, question_audio=None), program(tmp_path, code)).all
    assert (response.status, response.answers[0].text) == ("no_speech", "Question 0?")
    (response,) = ask(
        tmp_path / "set", program(tmp_path, code, "&speech=false", name="writer"), out=tmp_path / "written"
    ).all
    assert (response.status, response.answers[0].text) == ("ok", "Question 0?")


def test_later_turns_see_its_own_answers_and_no_words_of_the_user(tmp_path: Path) -> None:
    done = ask(write_talks(tmp_path / "set", 1, 3), program(tmp_path, SHOW))
    (response,) = done.all
    assert [bool(said.audio) for said in response.answers] == [True] * 3
    last = response.answers[2].text or ""
    messages = json.JSONDecoder().raw_decode(last)[0]["before"]
    assert [m["role"] for m in messages] == ["user", "assistant"] * 3
    assert [m["text"] is None for m in messages] == [True, False] * 3
    assert messages[1] == {"role": "assistant", "text": "An answer before.", "audio": None}
    first = response.answers[0]
    assert messages[3]["text"] == first.text and first.audio is not None
    assert messages[3]["audio"] == str(done.run.resolve() / first.audio.path)
    assert SECRET not in last and not re.search(r"Words 0 \d", last) and "Words before" not in last


BAD = {
    "writes nothing": ("pass", "no_speech", "the candidate gave no recording"),
    "writes an empty file": ("open(answer, 'wb')", "no_speech", "zero bytes"),
    "writes silence": ("write(bytes(8000))", "no_speech", "digital silence"),
    "writes a broken wav": ("open(answer, 'wb').write(b'RIFF' + b'x' * 90)", "broken_audio", "audio/"),
    "is cut off": ("write(b'ab' * 4000); os.truncate(answer, 3000)", "broken_audio", "cut off"),
    "writes text": ("open(answer, 'w').write('no sound at all')", "broken_audio", "does not decode"),
    "makes a folder of it": ("os.mkdir(answer)", "no_speech", "no recording"),
    "makes a pipe of it": ("os.mkfifo(answer)", "no_speech", "no recording"),
    "links it to a device": ("os.symlink('/dev/zero', answer)", "no_speech", "no recording"),
    "links it to itself": ("os.symlink(answer, answer)", "no_speech", "no recording"),
    "is too long": ("write(b'ab' * 40000)", "too_long", "expected at most 3 s"),
    "crashes": ("sys.stderr.write('one\\ntwo\\n'); sys.exit(3)", "crashed", "exit code 3: two"),
    "raises": ("raise ValueError('why')", "crashed", "exit code 1: ValueError: why"),
    "is killed": ("os.kill(os.getpid(), 9)", "crashed", "exit code -9: nothing on stderr"),
    "kills its whole group": ("os.killpg(0, 15)", "crashed", "exit code -15"),
    "removes its folder": ("import shutil; shutil.rmtree(os.path.dirname(answer))", "no_speech", "no recording"),
    "closes all its pipes": ("os.close(0), os.close(1), os.close(2)", "no_speech", "no recording"),
}  # fmt: skip


def test_whatever_it_does_is_an_outcome_of_its_own_and_the_rest_goes_on(tmp_path: Path) -> None:
    code = f"""
import json, os, sys, wave
question, answer, conversation = sys.argv[1:4]

def write(pcm):
    with wave.open(answer, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(pcm)

number = int(json.load(open(conversation))["item_id"][1:])
todo = {["write(b'ab' * 4000)"] + [do for do, _, _ in BAD.values()]!r} + ["write(b'ab' * 4000)"]
exec(todo[number])
"""
    done = ask(write_items(tmp_path / "set", len(BAD) + 2), program(tmp_path, code, "&workers=2"), seconds=3)
    for number, (what, (_, status, reason)) in enumerate(BAD.items(), 1):
        response = done.responses[f"q{number}"]
        assert (what, response.status) == (what, status)
        assert reason in (response.reason or ""), (what, response.reason)
    assert done.responses["q0"].status == done.responses[f"q{len(BAD) + 1}"].status == "ok"
    broken = re.search(r"\((audio/.*)\)", done.responses["q4"].reason or "")
    assert broken and (done.run / broken[1]).read_bytes() == b"RIFF" + b"x" * 90  # the evidence is kept


FLOOD = """
import os, shutil, sys, threading
shutil.copy(sys.argv[1], sys.argv[2])
def flood(stream):
    for _ in range(160):
        os.write(stream, b"noise " * 10000)
thread = threading.Thread(target=flood, args=(2,))
thread.start(); flood(1); thread.join()
os.write(2, b"\\nsk-abcdefghijklmnopqrstuvwx and Bearer abcdefgh\\n")
"""


def test_megabytes_on_both_streams_and_a_key_in_stderr(tmp_path: Path) -> None:
    (response,) = ask(write_items(tmp_path / "set", 1), program(tmp_path, FLOOD)).all
    assert response.status == "ok"
    assert len(response.answers[0].text or "") <= MAX_TEXT_BYTES
    assert str(response.details["stdout_cut"]).startswith("more than")
    told = str(response.details["stderr"])
    assert len(told) <= 2000 and told.rstrip().endswith("[hidden] and [hidden]")
    assert not any(b"sk-abcdefgh" in path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file())


def test_one_that_never_ends_is_killed_with_all_it_started(tmp_path: Path) -> None:
    code = f"""
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open({str(tmp_path / "pids")!r}, "w").write(f"{{os.getpid()}} {{child.pid}}")
print("sk-abcdefghijklmnopqrstuvwx is stuck", file=sys.stderr, flush=True)
time.sleep(600)
"""
    (response,) = ask(write_items(tmp_path / "set", 1), program(tmp_path, code, "&timeout=1.5")).all
    assert (response.status, response.reason) == ("timed_out", "no answer within 1.5 s")
    assert response.details == {"stderr": "[hidden] is stuck\n"}
    for pid in (tmp_path / "pids").read_text().split():
        assert not _alive(int(pid))


@pytest.mark.parametrize("leaves", [False, True])
def test_grandchildren_that_hold_the_pipes_hold_up_nobody(leaves: bool, tmp_path: Path) -> None:
    """Within its group they are ended; one that left it (a daemon) lives on, and nobody waits for it."""
    code = f"""
import shutil, subprocess, sys
shutil.copy(sys.argv[1], sys.argv[2])
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session={leaves})
open({str(tmp_path / "pid")!r}, "w").write(str(child.pid))
print("said")
"""
    (response,) = ask(write_items(tmp_path / "set", 1), program(tmp_path, code, "&timeout=40")).all
    pid = int((tmp_path / "pid").read_text())
    assert (response.status, response.answers[0].text) == ("ok", "said")
    assert response.seconds_taken is not None and response.seconds_taken < 30
    assert _alive(pid) == leaves
    if leaves:
        os.kill(pid, 9)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_five_crashes_at_the_start_stop_the_run_and_retry_asks_them_again(tmp_path: Path) -> None:
    benchmark, spec = write_items(tmp_path / "set", 12), program(tmp_path, "raise ValueError('no weights')")
    first = ask(benchmark, spec)
    assert isinstance(first.asked.stopped, CandidateDownError) and first.asked.stopped is first.summary.stopped
    assert first.asked.stopped.exit_code == 7
    assert "crashed on its first 5 answers" in str(first.asked.stopped)
    assert "ValueError: no weights" in str(first.asked.stopped)
    assert [response.status for response in first.all] == ["crashed"] * 5
    program(tmp_path, PARROT)
    again = ask(benchmark, spec, retry=["crashed"])
    assert again.asked.stopped is None
    assert [response.status for response in again.all] == ["ok"] * 12
    lines = [json.loads(line) for line in (tmp_path / "run" / "responses.jsonl").read_text().splitlines()]
    assert len(lines) == 17 and sum(line["supersedes"] is not None for line in lines) == 5


def test_python_is_the_one_that_runs_wavjudge_where_the_path_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "answer.py").touch()
    assert words_of("python answer.py --big") == (sys.executable, "answer.py", "--big")
    with pytest.raises(SpecError) as error:
        words_of("python4 answer.py")
    assert sys.executable in error.value.todo
    (tmp_path / "python").symlink_to(sys.executable)
    assert words_of("python answer.py") == ("python", "answer.py")


def test_a_crash_in_the_middle_stops_nothing(tmp_path: Path) -> None:
    code = (
        PARROT
        + """
import json
if 4 <= int(json.load(open(conversation))["item_id"][1:]) < 10: sys.exit("out of memory")
"""
    )
    done = ask(write_items(tmp_path / "set", 11), program(tmp_path, code))
    assert done.asked.stopped is None
    assert sorted(done.outcomes.values()) == ["crashed"] * 6 + ["ok"] * 5
    assert done.responses["q4"].reason == "exit code 1: out of memory"


def test_a_command_that_cannot_be_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    benchmark = write_items(tmp_path / "set", 1)
    for spec, problem in (
        ("command:no-such-program-anywhere x", "'no-such-program-anywhere', which is not there"),
        ("command:'unended", "does not split into words"),
        ("command:cat?timeout=0", "timeout=0"),
        ("command:cat?wokers=2", "did you mean workers?"),
        ("command:cat {question}?persistent=true", "without {question} or {answer}"),
    ):
        with pytest.raises(SpecError, match=re.escape(problem)):
            ask(benchmark, spec)
    assert not (tmp_path / "run").exists()


def test_a_file_that_may_run_but_is_no_program_stops_the_run(tmp_path: Path) -> None:
    path = tmp_path / "no-program"
    path.write_bytes(b"\0\1\2")
    path.chmod(0o755)
    done = ask(write_items(tmp_path / "set", 2), f"command:{path}")
    assert isinstance(done.asked.stopped, CandidateDownError) and "cannot be started" in str(done.asked.stopped)
    assert done.all == []


def test_names(tmp_path: Path) -> None:
    benchmark = write_items(tmp_path / "set", 1)
    spec = program(tmp_path, PARROT)
    with pytest.raises(InputError, match="the candidate candidate twice"):
        ask(benchmark, spec, spec)
    assert not (tmp_path / "run").exists()
    done = ask(benchmark, spec, spec.replace("name=candidate", "name=other"), attempts=2)
    assert [(r.candidate, r.attempt) for r in done.all] == [
        ("candidate", 0), ("candidate", 1), ("other", 0), ("other", 1)]  # fmt: skip
    with pytest.raises(InputError, match=r"this run has it as .*name=other.*[\s\S]*another --out"):
        ask(benchmark, spec.replace("name=candidate", "name=other&rate=8000"))
    slower = ask(benchmark, spec.replace("name=candidate", "name=other&timeout=7"), attempts=2)
    assert (slower.asked.answered, slower.asked.already_answered) == (0, 2), "pace is no part of who answers"
    assert len(done.all) == 4
    assert words_of("cat 'my model.py' -x") == ("cat", "my model.py", "-x")


def test_a_question_that_changed_under_the_run_is_lost_and_asked_again(tmp_path: Path) -> None:
    benchmark = write_items(tmp_path / "set", 2)
    code = (
        PARROT
        + f"""
import pathlib
for path in pathlib.Path({str(tmp_path / "run")!r}).rglob("audio/*/*.wav"):
    if path.read_bytes() == open({str(benchmark / "q1.wav")!r}, "rb").read(): path.write_bytes(b"else")
"""
    )
    first = ask(benchmark, program(tmp_path, code))
    assert (first.asked.answered, first.asked.lost) == (1, 1)
    assert "item q1: " in first.asked.lost_why[0] and "has changed" in first.asked.lost_why[0]
    next(path for path in (tmp_path / "run").rglob("*.wav") if path.read_bytes() == b"else").unlink()
    again = ask(benchmark, program(tmp_path, PARROT))
    assert (again.asked.answered, again.asked.already_answered, again.asked.lost) == (1, 1, 0)
