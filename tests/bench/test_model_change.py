"""Another model answers under a judge's name: nothing after its first reply is paid, and nothing of both is pooled."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bench.answers import write_answers
from tests.cli.typed import typed
from tests.loopback import Loopback, swapped
from wavjudge.api import runs
from wavjudge.bench.watcher import Nobody
from wavjudge.errors import InputError, ModelChangedError
from wavjudge.reporting.calibration_files import read
from wavjudge.reporting.summary import summarise
from wavjudge.signature import resolved_model

AT = 3


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback(model=swapped("m-1", "m-2", AT)) as running:
        yield running


class Told(Nobody):
    """A watcher that writes down what it is told, and how many calls had been rated by then."""

    def __init__(self, server: Loopback) -> None:
        self.server, self.said = server, list[tuple[int, str]]()

    def changed(self, sentence: str) -> None:
        self.said.append((self.server.requests, sentence))


def scored(
    folder: Path, server: Loopback, *, count: int = 8, name: str = "m", pace: int = 1, **more: Any
) -> runs.Scored:
    answers = folder / "answers" / "answers.jsonl"
    file = answers if answers.exists() else write_answers(folder / "answers", count)
    spec = f"openai:{name}?base_url={server.openai_url}&max_in_flight={pace}&attempts=2"
    options = {"axes": ["overall"], "out": folder / "run", "cache": False, **more}
    return runs.score(file, judges=[spec, *options.pop("beside", ())], **options)


def models(run: runs.Scored) -> Counter[str | None]:
    return Counter(resolved_model(one.signature) for one in run.ratings() if one.status == "ok")


def stopped(run: runs.Scored) -> str:
    assert run.summary is not None
    assert isinstance(run.summary.stopped, ModelChangedError)
    return str(run.summary.stopped)


def test_nothing_is_sent_after_the_first_reply_of_another_model(tmp_path: Path, server: Loopback) -> None:
    watcher = Told(server)
    run = scored(tmp_path, server, watcher=watcher)
    assert server.requests == AT + 1
    assert models(run) == {"m-1": AT, "m-2": 1}, "what was paid is kept, under its own name"
    assert watcher.said == [(AT + 1, "openai:m: a reply came from 'm-2', and the first one was from 'm-1'")]
    assert "another model answers under the name openai:m" in stopped(run) and "--on-model-change" in stopped(run)
    assert run.summary is not None and run.summary.other_models == {"openai:m": {"'m-2'": 1}}


def test_no_table_pools_the_two(tmp_path: Path, server: Loopback) -> None:
    run = scored(tmp_path, server)
    cells = {resolved_model(key[-1]): len(cell.scores) for key, cell in summarise(run.ratings()).items()}
    assert cells == {"m-1": AT, "m-2": 1}
    done = typed("leaderboard", run.path, "--out", tmp_path / "board.md")
    assert done.code == 2 and "under 2 signatures, expected one" in done.err


def test_a_resume_stops_at_its_first_reply(tmp_path: Path, server: Loopback) -> None:
    scored(tmp_path, server)
    run = scored(tmp_path, server)
    assert server.requests == AT + 2 and models(run) == {"m-1": AT, "m-2": 2}
    assert "the first one of this run was from 'm-1'" in stopped(run)


def test_a_resume_of_many_at_once_sends_one_alone_first_and_the_first_model_is_asked_for_all(
    tmp_path: Path, server: Loopback
) -> None:
    server.model, server.latency_seconds = swapped("m-1", "m-2", 7), 0.02
    run = scored(tmp_path, server, count=24, pace=8)
    others, sent = models(run)["m-2"], server.requests
    assert others > 0
    for more in (1, 2):
        run = scored(tmp_path, server, pace=8)
        assert server.requests == sent + more and models(run)["m-2"] == others + more and stopped(run)
    server.model, watcher = "m-1", Told(server)
    run = scored(tmp_path, server, pace=8, watcher=watcher)
    assert models(run) == {"m-1": 24, "m-2": others + 2} and server.requests == sent + 2 + 17
    assert run.summary is not None and run.summary.stopped is None
    assert f"was from 'm-1', and another model alone gave some verdicts ({others} by m-2)" in watcher.said[0][1]
    again = scored(tmp_path, server, pace=8, watcher=Told(server))
    assert server.requests == sent + 19 and again.summary is not None and again.summary.tasks_already_done == 24


def test_the_one_call_that_goes_alone_may_fail(tmp_path: Path, server: Loopback) -> None:
    server.model = swapped("m-1", "m-2", 2)
    scored(tmp_path, server, count=2)
    server.plan, server.latency_seconds = (lambda number: "bad_request" if number == 2 else None), 0.02
    file = write_answers(tmp_path / "more", 20)
    (tmp_path / "answers" / "answers.jsonl").unlink()
    for one in file.parent.iterdir():
        (tmp_path / "answers" / one.name).write_bytes(one.read_bytes())
    run = scored(tmp_path, server, pace=8)
    assert models(run) == {"m-1": 2, "m-2": 1} and server.requests == 4 and stopped(run)


def test_a_foreign_reply_to_other_prompts_does_not_become_their_first(tmp_path: Path, server: Loopback) -> None:
    server.model = swapped("m-1", "m-2", 2)
    scored(tmp_path, server, count=2)
    for sent in (3, 4):
        run = scored(tmp_path, server, axes=["semantic"])
        assert server.requests == sent and "from 'm-1'" in stopped(run)


def test_marked_ratings_of_another_model_are_done_where_models_may_change(tmp_path: Path, server: Loopback) -> None:
    for _ in range(2):
        scored(tmp_path, server, on_model_change="mark")
    assert server.requests == 8


def test_a_resume_with_other_prompts_is_still_the_judge_of_its_name(tmp_path: Path, server: Loopback) -> None:
    scored(tmp_path, server, count=2)
    run = scored(tmp_path, server, axes=["semantic"])  # requests 2 and 3
    assert models(run) == {"m-1": 3, "m-2": 1} and "from 'm-2'" in stopped(run)


def test_of_many_at_once_only_those_in_flight_are_paid_and_all_are_kept(tmp_path: Path, server: Loopback) -> None:
    server.model, server.latency_seconds = swapped("m-1", "m-2", 20), 0.02
    run = scored(tmp_path, server, count=80, pace=8)
    assert "m-2" in stopped(run)
    found = models(run)
    assert found.total() == server.requests and 1 <= found["m-2"] <= 8 and server.most_in_flight <= 8


def test_marked_it_goes_on_and_calibrates_as_two_judges(tmp_path: Path, server: Loopback) -> None:
    watcher = Told(server)
    server.model = swapped("m-1", "m-2", 12)
    run = scored(tmp_path, server, count=24, watcher=watcher, on_model_change="mark")
    assert run.summary is not None and run.summary.stopped is None and len(watcher.said) == 1
    assert models(run) == {"m-1": 12, "m-2": 12} and server.requests == 24
    labels = tmp_path / "labels.csv"
    rows = [f"answers,{one.subject.item_id},a,overall,ann,{one.score}" for one in run.ratings()]
    labels.write_text("benchmark,item_id,candidate,axis,rater,score\n" + "\n".join(rows), encoding="utf-8")
    done = typed("calibrate", run.path, "--labels", labels, "--out", tmp_path / "cal")
    assert done.code == 0, done.err
    found = [row for row in read(tmp_path / "cal").rows if row["kind"] == "judge"]
    assert {resolved_model(str(row["signature"])): row["n"] for row in found} == {"m-1": 12, "m-2": 12}


def test_a_marked_run_that_goes_on_under_stop_ends_at_the_first(tmp_path: Path, server: Loopback) -> None:
    scored(tmp_path, server, count=6, on_model_change="mark")
    run = scored(tmp_path, server, axes=["overall", "semantic"])
    assert server.requests == 7 and "from 'm-1'" in stopped(run)


def test_the_log_hears_of_it_where_nobody_watches(
    tmp_path: Path, server: Loopback, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        scored(tmp_path, server, on_model_change="mark")
    assert [one.message for one in caplog.records].count(
        "openai:m: a reply came from 'm-2', and the first one was from 'm-1'"
    ) == 1


def test_a_swap_on_a_retry(tmp_path: Path, server: Loopback) -> None:
    server.plan = lambda number: "rate_limited_ms" if number == AT - 1 else None
    run = scored(tmp_path, server)
    assert server.requests == AT + 1 and models(run) == {"m-1": AT - 1, "m-2": 1} and stopped(run)


def test_a_swap_inside_a_joint_prompt(tmp_path: Path, server: Loopback) -> None:
    run = scored(tmp_path, server, axes=None, prompt_set="joint")
    assert server.requests == AT + 1 and stopped(run)
    assert models(run) == {"m-1": 2 * AT, "m-2": 2}, "both axes of the reply are by the model that gave it"


def test_another_judge_of_the_run_goes_on(tmp_path: Path, server: Loopback) -> None:
    with Loopback(model="g-1") as steady:
        beside = [f"gemini:g?base_url={steady.gemini_url}&max_in_flight=1"]
        run = scored(tmp_path, server, beside=beside)
        assert steady.requests == 8
    assert server.requests == AT + 1 and models(run) == {"m-1": AT, "m-2": 1, "g-1": 8}
    assert run.summary is not None and list(run.summary.stops) == ["openai:m"]


def test_two_judges_that_answer_by_different_models_are_two_judges(tmp_path: Path, server: Loopback) -> None:
    server.model = "m-1"
    with Loopback(model="m-2") as other:
        beside = [f"openai:m?base_url={other.openai_url}&temperature=1"]
        run = scored(tmp_path, server, count=3, beside=beside)
    assert models(run) == {"m-1": 3, "m-2": 3} and run.summary is not None and run.summary.stopped is None


def test_cached_replies_count_as_answers_of_the_model_that_they_carry(tmp_path: Path, server: Loopback) -> None:
    file = write_answers(tmp_path / "all", 8)
    few = file.with_name("few.jsonl")
    few.write_text("".join(file.read_text("utf-8").splitlines(keepends=True)[:AT]), encoding="utf-8")
    spec = [f"openai:m?base_url={server.openai_url}&max_in_flight=1"]
    runs.score(few, judges=spec, out=tmp_path / "first", axes=["overall"])
    run = runs.score(file, judges=spec, out=tmp_path / "second", axes=["overall"])
    assert server.requests == AT + 1 and models(run) == {"m-1": AT, "m-2": 1} and stopped(run)
    again = runs.score(file, judges=spec, out=tmp_path / "third", axes=["overall"])
    assert server.requests == AT + 1, "a foreign reply of the cache stops as well"
    assert models(again) == {"m-1": AT, "m-2": 1} and stopped(again)


@pytest.mark.parametrize(
    ("first", "then", "name"),
    [("m-1", "m", "m"), ("m", "m-1", "m"), ("m", None, "m"), (None, "m", "m"), ("", "m-1", "m"),
     ("acme/m", "m", "acme/m"), ("m-2026-05-01", "m-2026-06-01", "m")],
)  # fmt: skip
def test_what_says_less_is_not_taken_for_what_says_more(
    tmp_path: Path, server: Loopback, first: str | None, then: str | None, name: str
) -> None:
    server.model = swapped(first, then, AT)
    run = scored(tmp_path, server, name=name)
    assert server.requests == AT + 1 and models(run) == {first or None: AT, then: 1} and stopped(run)
    assert len(summarise(run.ratings())) == 2


@pytest.mark.parametrize(
    ("first", "then", "name"),
    [("m-1", "M-1", "m"), ("acme/m", "acme/m", "acme/m"), ("models/m-1", "m-1", "m"), (None, None, "m"),
     ("", None, "m"), ("m", " M ", "m")],
)  # fmt: skip
def test_another_spelling_is_no_other_model(
    tmp_path: Path, server: Loopback, first: str | None, then: str | None, name: str
) -> None:
    server.model = swapped(first, then, AT)
    run = scored(tmp_path, server, name=name)
    assert server.requests == 8 and run.summary is not None and run.summary.stopped is None
    ((_, cell),) = summarise(run.ratings()).items()
    assert len(cell.scores) == 8


def test_a_name_that_alternates_stops_at_its_second_reply(tmp_path: Path, server: Loopback) -> None:
    server.model = lambda number: "ab"[number % 2]
    assert "from 'b'" in stopped(scored(tmp_path, server)) and server.requests == 2
    watcher = Told(server)
    run = scored(tmp_path, server, on_model_change="mark", watcher=watcher)
    assert models(run) == {"a": 4, "b": 4} and len(watcher.said) == 1, "said once, not at every change"


def test_a_failure_that_names_no_model_is_no_other_model(tmp_path: Path, server: Loopback) -> None:
    server.model, server.plan = "m-1", lambda number: "bad_request" if number == 2 else None
    run = scored(tmp_path, server)
    assert server.requests == 8 and models(run) == {"m-1": 7}
    ((_, cell),) = summarise(run.ratings()).items()
    assert cell.statuses == {"ok": 7, "failed": 1}


def test_a_replayed_run_of_two_models_is_still_of_two(tmp_path: Path, server: Loopback) -> None:
    run = scored(tmp_path, server, on_model_change="mark")
    paid = server.requests
    again = runs.score(run.path, judges=[f"replay:{run.path}"], out=tmp_path / "again", axes=["overall"])
    assert "from 'm-2'" in stopped(again)
    both = runs.score(run.path, judges=[f"replay:{run.path}"], out=tmp_path / "both", axes=["overall"],
                     on_model_change="mark")  # fmt: skip
    assert models(both) == {"m-1": AT, "m-2": 8 - AT} and server.requests == paid


def test_the_command_line_says_it_and_ends_with_a_code_of_its_own(tmp_path: Path, server: Loopback) -> None:
    file = write_answers(tmp_path / "answers", 8)
    words = ("score", file, "--judge", f"openai:m?base_url={server.openai_url}&max_in_flight=1", "--axes", "overall",
             "--no-cache", "--out", tmp_path / "run")  # fmt: skip
    done = typed(*words, "--json")
    assert done.code == 10 and server.requests == AT + 1
    assert "openai:m: a reply came from 'm-2', and the first one was from 'm-1'" in done.err
    assert done.json["this_pass"]["other_models"] == {"openai:m": {"'m-2'": 1}}
    done = typed(*words, "--on-model-change", "mark")
    assert done.code == 0 and server.requests == 8 and "(2) openai:m|overall" in done.out
    assert typed(*words, "--on-model-change", "maybe").code == 2


def test_what_is_no_rule_is_refused_before_anything_is_written(tmp_path: Path, server: Loopback) -> None:
    with pytest.raises(InputError, match="got on_model_change='go', expected stop or mark"):
        scored(tmp_path, server, on_model_change="go")
    assert not (tmp_path / "run").exists() and server.requests == 0


@pytest.mark.parametrize(
    ("model", "said"),
    [("M", "the server repeats the name it was asked for"), (None, "nothing says which model answered"), ("m-1", "")],
)
def test_who_only_echoes_is_shown_as_not_verified(
    tmp_path: Path, server: Loopback, model: str | None, said: str
) -> None:
    server.model, board = model, tmp_path / "board.md"
    done = typed("score", write_answers(tmp_path / "answers", 3), "--judge", f"openai:m?base_url={server.openai_url}",
                 "--no-cache", "--axes", "overall", "--out", tmp_path / "run")  # fmt: skip
    shown = typed("leaderboard", tmp_path / "run", "--out", board).out
    for text in (done.out, shown, board.read_text("utf-8")):
        words = " ".join(text.split())
        assert (f"identity not verified: {said}" in words) if said else ("not verified" not in words)
