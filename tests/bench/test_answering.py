"""The answer stage: who is asked what, what stands in the run folder, and what ends it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.asking import Ledger, ask, program, write_items, write_talks
from tests.bench.candidates.test_process import PARROT
from tests.loopback.verdict import wav
from wavjudge.bench.answering import Asker
from wavjudge.bench.candidates.base import Answer, Turn, recordable
from wavjudge.bench.ingest import Intake
from wavjudge.bench.manifest import closed, opened
from wavjudge.bench.test_set import open_benchmark
from wavjudge.errors import ProviderDownError, StopRun
from wavjudge.speech.base import Lost
from wavjudge.store.run_folder import RunFolder
from wavjudge.types import Call, CandidateEntry, Response, Unanswered, Usage, Utterance

ROOT = Path(__file__).parents[2]


class Told:
    """A candidate that does as it is told, by item; whoever was asked stands in `asked`."""

    def __init__(self, name: str = "told", *, concurrency: int = 4, speech: bool = False, **answers: object) -> None:
        self.name, self.concurrency, self.speech, self._answers = name, concurrency, speech, answers
        self.asked: list[tuple[str, int, int]] = []

    async def answer(self, turn: Turn) -> Answer | Lost:
        self.asked.append((turn.item.id, turn.attempt, turn.number))
        await asyncio.sleep(0)
        told = self._answers.get(turn.item.id, Answer("fine"))
        if isinstance(told, Exception):
            raise told
        assert isinstance(told, Answer | Lost)
        return told

    def entry(self) -> CandidateEntry:
        return CandidateEntry(spec="told", candidate=self.name)

    async def aclose(self) -> None: ...


def asked(benchmark: Path, run: Path, *candidates: Told, **options: object) -> tuple[Asker, list[Response], Ledger]:
    ledger = Ledger()

    async def once() -> tuple[Asker, list[Response], Ledger]:
        with RunFolder(run, write=True) as folder:
            asker = Asker(folder, candidates, intake=Intake(folder), watcher=ledger, **options)  # type: ignore[arg-type]
            await asker.ask(open_benchmark(str(benchmark)))
            await folder.drain()
            return asker, list(folder.responses()), ledger

    return asyncio.run(once())


def test_each_candidate_is_asked_each_item_as_often_as_it_shall_be(tmp_path: Path) -> None:
    benchmark = write_items(tmp_path / "set", 40)
    first, second = Told("first", concurrency=1), Told("second", concurrency=9)
    asker, responses, ledger = asked(benchmark, tmp_path / "run", first, second, attempts=3)
    keys = {(r.candidate, r.item_id, r.attempt) for r in responses}
    assert len(keys) == len(responses) == 240 == ledger.there == ledger.to_come == asker.summary.answered
    assert len(first.asked) == len(second.asked) == 120
    again, responses, ledger = asked(benchmark, tmp_path / "run", first, Told("third"), attempts=4)
    assert len(first.asked) == 160 and len(responses) == 240 + 40 + 160
    assert (again.summary.already_answered, again.summary.answered) == (120, 200)
    assert ledger.to_come == ledger.there == 200


def test_what_was_lost_is_not_recorded_and_asked_again(tmp_path: Path) -> None:
    benchmark = write_items(tmp_path / "set", 30)
    away = {f"q{n}": Lost("the provider is away") for n in range(25)}
    asker, responses, ledger = asked(benchmark, tmp_path / "run", Told(**away))
    assert (asker.summary.lost, len(asker.summary.lost_why), len(responses)) == (25, 20, 5)
    assert ledger.to_come == ledger.there == 5
    told = Told()
    _, responses, _ = asked(benchmark, tmp_path / "run", told)
    assert len(told.asked) == 25 and len(responses) == 30


def test_a_stop_keeps_what_is_under_way_and_asks_nothing_more(tmp_path: Path) -> None:
    benchmark = write_items(tmp_path / "set", 100)
    stop = ProviderDownError("down")
    told = Told(concurrency=2, q10=stop)
    asker, responses, ledger = asked(benchmark, tmp_path / "run", told)
    assert asker.summary.stopped is stop and len(told.asked) < 14
    assert len(responses) == asker.summary.answered == len(told.asked) - 1
    assert len((tmp_path / "run" / "items.jsonl").read_text().splitlines()) < 40 and not ledger.gone


def test_one_that_stops_ends_itself_and_not_the_others(tmp_path: Path) -> None:
    stop = ProviderDownError("down")
    told, other = Told(concurrency=1, q10=stop), Told("other", concurrency=1)
    asker, responses, ledger = asked(write_items(tmp_path / "set", 100), tmp_path / "run", told, other)
    assert asker.summary.stops == {"told": stop} and len(told.asked) == 11
    assert len(responses) == asker.summary.answered == 10 + 100 == 10 + len(other.asked)
    assert ledger.gone == ["told"]


def test_who_has_only_ever_crashed_is_named_whatever_the_count_and_who_answered_once_is_not(tmp_path: Path) -> None:
    crash = {f"q{n}": Answer(status="crashed", reason="no weights") for n in range(3)}
    benchmark = write_items(tmp_path / "set", 3)
    broken, once = Told("broken", **crash), Told("once", **(crash | {"q1": Answer("fine")}))
    for _ in range(2):  # the second time nothing is left to ask, and it is no better
        asker, responses, _ = asked(benchmark, tmp_path / "run", broken, once)
        assert list(asker.summary.stops) == ["broken"] and len(responses) == 6
        assert "crashed on all of its 3 answers, the last time with: no weights" in str(asker.summary.stopped)
    asker, responses, _ = asked(benchmark, tmp_path / "run", broken, retry=["crashed"])
    assert "crashed on all of its 3 answers" in str(asker.summary.stopped) and len(responses) == 6
    asker, responses, _ = asked(benchmark, tmp_path / "run", Told("broken", q0=crash["q0"]), retry=["crashed"])
    assert asker.summary.stops == {} and [r.status for r in responses].count("crashed") == 1 + 2


def test_crashes_after_a_resume_are_not_those_of_a_start(tmp_path: Path) -> None:
    asked(write_items(tmp_path / "set", 10), tmp_path / "run", Told())
    crash = {f"q{n}": Answer(status="crashed", reason="out of memory") for n in range(10, 20)}
    asker, responses, _ = asked(write_items(tmp_path / "set", 20), tmp_path / "run", Told(concurrency=1, **crash))
    assert asker.summary.stops == {} and len(responses) == 20


def test_what_would_be_lost_each_time_is_recorded_once(tmp_path: Path) -> None:
    calls = (Call(id="a", usage=Usage(usd=0.25)),)
    told = Told(q1=Lost("bad_request: too long", calls, for_good=True))
    asker, responses, _ = asked(write_items(tmp_path / "set", 3), tmp_path / "run", told)
    (settled,) = [r for r in responses if r.item_id == "q1"]
    assert (settled.status, settled.reason, settled.calls) == ("crashed", "bad_request: too long", calls)
    assert asker.summary.lost == 0
    asked(tmp_path / "set", tmp_path / "run", told)
    assert len(told.asked) == 3
    asked(tmp_path / "set", tmp_path / "run", told, retry=["crashed"])
    assert len(told.asked) == 4


class HalfWay(Told):
    """Answers the first turn for a price and comes to nothing at the second."""

    def __init__(self, end: Lost | StopRun) -> None:
        super().__init__("half")
        self._end = end

    async def answer(self, turn: Turn) -> Answer | Lost:
        await super().answer(turn)
        if turn.number == 0:
            return Answer("fine", calls=(Call(id="first", usage=Usage(usd=0.25)),))
        if isinstance(self._end, StopRun):
            raise self._end
        return self._end


@pytest.mark.parametrize(
    ("end", "ids", "usd"),
    [
        (Lost("down", (Call(id="second", usage=Usage(usd=0.5)),)), ["first", "second"], 0.75),
        (Lost("down"), ["first"], 0.25),
        (ProviderDownError("down"), ["first"], 0.25),
    ],
)
def test_what_a_conversation_cost_that_was_lost_half_way_is_recorded(
    end: Lost | StopRun, ids: list[str], usd: float, tmp_path: Path
) -> None:
    _, responses, _ = asked(write_talks(tmp_path / "set", 1, 3), tmp_path / "run", HalfWay(end))
    assert responses == []
    with RunFolder(tmp_path / "run", write=True) as folder:
        (lost,) = folder.read("unanswered")
        assert isinstance(lost, Unanswered) and [call.id for call in lost.calls] == ids
        assert (lost.candidate, lost.item_id, lost.turn, lost.reason) == ("half", "q0", 1, "down")
        assert closed(folder, opened(folder, source=None)).candidates_usage.usd == usd


def test_what_was_lost_for_nothing_leaves_no_record(tmp_path: Path) -> None:
    asked(write_items(tmp_path / "set", 1), tmp_path / "run", Told(q0=Lost("the recording is gone")))
    assert not (tmp_path / "run" / "unanswered.jsonl").exists()


def test_crashes_at_the_start_of_one_candidate_are_not_those_of_another(tmp_path: Path) -> None:
    benchmark = write_items(tmp_path / "set", 6)
    crash = {f"q{n}": Answer(status="crashed", reason="why") for n in range(6)}
    asker, responses, _ = asked(benchmark, tmp_path / "run", Told(concurrency=1, **(crash | {"q3": Answer("fine")})))
    assert asker.summary.stopped is None and len(responses) == 6
    asker, _, _ = asked(
        benchmark, tmp_path / "four", Told(concurrency=1, **(crash | {"q4": Answer(status="timed_out")}))
    )
    assert asker.summary.stopped is None  # it did start


def test_a_conversation_ends_at_the_first_turn_that_comes_to_nothing(tmp_path: Path) -> None:
    told = Told(q0=Answer(" "), q1=Answer(status="timed_out"))
    _, responses, _ = asked(write_talks(tmp_path / "set", 3, 3), tmp_path / "run", told)
    found = {r.item_id: (r.status, len(r.answers), r.reason) for r in responses}
    assert found == {
        "q0": ("no_speech", 1, "turn 1 of 3: the candidate gave no text"),
        "q1": ("timed_out", 1, "turn 1 of 3: the candidate did not say why"),
        "q2": ("ok", 3, None),
    }


def test_each_turn_counts_its_seconds_once(tmp_path: Path) -> None:
    told = Told(q0=Answer("x", seconds=1.5), q1=Answer("x", timed=False))
    _, responses, _ = asked(write_talks(tmp_path / "set", 2, 3), tmp_path / "run", told)
    assert {r.item_id: r.seconds_taken for r in responses} == {"q0": 4.5, "q1": None}


def test_what_was_spoken_before_it_failed_is_kept(tmp_path: Path) -> None:
    cut = Answer("half", wav(0.2), status="too_long", reason="cut off")
    broken = Answer("half", b"no sound", status="timed_out", reason="late")
    _, responses, _ = asked(write_items(tmp_path / "set", 2), tmp_path / "run", Told(speech=True, q0=cut, q1=broken))
    first, second = sorted(responses, key=lambda r: r.item_id)
    assert (first.status, first.answers[0].audio is not None, first.reason) == ("too_long", True, "cut off")
    assert (second.status, second.answers[0].audio, second.reason) == ("timed_out", None, "late")


def test_the_same_recording_from_many_at_once_is_kept_once(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run", write=True) as folder, ThreadPoolExecutor(16) as threads:
        for number in range(30):
            sha256 = f"{number:064x}"
            data = bytes(50_000)
            names = set(threads.map(lambda _, d=data, s=sha256: folder.add_audio(d, s, ".wav"), range(16)))
            assert len(names) == 1
    assert len(list((tmp_path / "run" / "audio").rglob("*.wav"))) == 30
    assert not list((tmp_path / "run" / "audio").rglob("*.tmp"))


@given(
    st.builds(
        Answer,
        text=st.one_of(st.none(), st.text(st.characters()), st.integers()),
        status=st.sampled_from(["ok", "crashed", "later", None]),
        reason=st.one_of(st.none(), st.text(st.characters())),
        seconds=st.one_of(st.none(), st.floats(), st.text()),
        details=st.dictionaries(st.text(st.characters()), st.one_of(st.floats(), st.text(st.characters()), st.none())),
    )
)
def test_whatever_an_answer_holds_it_can_be_recorded_afterwards(answer: Answer) -> None:
    kept = recordable(answer)
    record = Response(
        benchmark="b", item_id="i", candidate="c", answers=(Utterance(text=kept.text),), status=kept.status,
        reason=kept.reason, seconds_taken=kept.seconds, details=dict(kept.details),
    )  # fmt: skip
    assert Response.model_validate_json(record.model_dump_json()) == record


def test_answers_are_rated_later_from_the_run_folder_itself(tmp_path: Path) -> None:
    import wavjudge

    done = ask(write_items(tmp_path / "set", 4), program(tmp_path, PARROT))
    scored = wavjudge.score(done.run, judges=["signals?workers=1"], out=done.run, axes=["clipping"])
    ratings = list(scored.ratings())
    assert len(ratings) == 4 and {rating.status for rating in ratings} == {"ok"}
    assert len(ask(tmp_path / "set", program(tmp_path, PARROT)).all) == 4
    with RunFolder(done.run) as folder:
        assert folder.manifest is not None and len(folder.manifest.judges) == 1
        assert [entry.candidate for entry in folder.manifest.candidates] == ["candidate"]


PEAK = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from wavjudge.cli.app import app
try:
    app(["run", sys.argv[2], "--candidate", "python:text_model:answer?speech=false&workers=4", "--only", "answers",
         "--out", sys.argv[3], "--quiet"])
except SystemExit as end:
    assert not end.code, end.code
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.heavy
def test_memory_grows_by_little_with_the_items(tmp_path: Path) -> None:
    """Ten times as many items cost less than a kilobyte each: a key and a digest, not the records."""
    (tmp_path / "text_model.py").write_text("def answer(turn):\n    return 'words of ' + turn.item.id")
    peaks = {}
    for count in (1000, 10_000):
        folder = tmp_path / f"set{count}"
        folder.mkdir()
        rows = ({"item_id": f"item-{n:06d}", "question_text": f"Question {n}? " * 20} for n in range(count))
        (folder / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        command = [sys.executable, "-c", PEAK, str(tmp_path), str(folder), str(tmp_path / f"run{count}")]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        peaks[count] = int(subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout)
    assert peaks[10_000] - peaks[1000] < 9000 * 1.0 + 4096  # kilobytes
