"""The public face: `wavjudge.score`, `load`, `Scored`."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

import wavjudge
from tests.bench.answers import write_answers
from tests.cli.typed import answers, spec
from tests.loopback.server import Loopback
from wavjudge.analysis.tables.flat import COLUMNS
from wavjudge.errors import BudgetError, InputError, SpecError, StoreError


def test_the_names_are_the_promised_ones() -> None:
    assert sorted(wavjudge.__all__) == ["Scored", "__version__", "load", "score"]
    assert all(hasattr(wavjudge, name) for name in wavjudge.__all__)
    with pytest.raises(AttributeError, match="no attribute 'calibrate_everything'"):
        _ = wavjudge.calibrate_everything


def test_score_gives_summary_ratings_responses_rows_and_a_table(tmp_path: Path) -> None:
    file = answers(tmp_path, 3)
    with Loopback() as server:
        run = wavjudge.score(str(file), judges=[spec(server)], out=str(tmp_path / "run"), axes=["semantic"])
    assert run.path == tmp_path / "run"
    assert run.summary is not None
    assert (run.summary.tasks_done, dict(run.summary.statuses), run.summary.stopped) == (3, {"ok": 3}, None)
    assert [r.status for r in run.ratings()] == ["ok"] * 3
    assert [r.status for r in run.responses()] == ["ok"] * 3
    table = run.table()
    assert tuple(table.columns) == COLUMNS
    assert table["score"].tolist() == [rating.score for rating in run.ratings()]
    assert table["score"].dtype == "float64"


def test_load_gives_the_same_without_a_summary(tmp_path: Path) -> None:
    with Loopback() as server:
        made = wavjudge.score(answers(tmp_path), judges=[spec(server)], out=tmp_path / "run")
    loaded = wavjudge.load(tmp_path / "run")
    assert loaded == wavjudge.Scored(tmp_path / "run") and loaded.summary is None
    assert list(loaded.rows()) == list(made.rows())
    with pytest.raises(StoreError, match="without manifest"):
        wavjudge.load(tmp_path)


def test_mistakes_raise_before_anything_is_sent_or_written(tmp_path: Path) -> None:
    file, out = answers(tmp_path), tmp_path / "run"
    with Loopback() as server:
        for judges, kind in (([spec(server, options="&x=1")], SpecError), ([spec(server)] * 2, InputError)):
            with pytest.raises(kind):
                wavjudge.score(file, judges=judges, out=out)
        with pytest.raises(InputError, match="no such file"):
            wavjudge.score(tmp_path / "nowhere.jsonl", judges=[spec(server)], out=out)
        with pytest.raises(InputError, match="prompt set"):
            wavjudge.score(file, judges=[spec(server)], out=out, prompt_set="none of them")
        assert server.requests == 0
    assert not out.exists()


def test_a_stopped_run_does_not_raise_and_says_why(tmp_path: Path) -> None:
    with Loopback() as server:
        run = wavjudge.score(answers(tmp_path), judges=[spec(server)], out=tmp_path / "run", max_cost=1)
    assert run.summary is not None
    assert isinstance(run.summary.stopped, BudgetError)
    assert list(run.ratings()) == []


def test_a_watcher_sees_every_rating_go_by(tmp_path: Path) -> None:
    class Watcher:
        plan, seen = 0, 0

        def to_answer(self, questions: int) -> None: ...

        def answered(self, response: object) -> None: ...

        def planned(self, calls: int) -> None:
            self.plan += calls

        def rated(self, ratings: object) -> None:
            self.seen += 1

        def missing(self, problem: str) -> None: ...

        def gave_up(self, who: str, why: Exception) -> None: ...

        def changed(self, sentence: str) -> None: ...

        def stopping(self, grace_seconds: float) -> None: ...

    watcher = Watcher()
    with Loopback() as server:
        wavjudge.score(answers(tmp_path, 4), judges=[spec(server)], out=tmp_path / "run", watcher=watcher)
    assert (watcher.plan, watcher.seen) == (12, 12)


def test_the_text_of_a_prompt_and_the_key_of_nobody_lie_in_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "k3y-that-must-not-be-found")
    with Loopback(key="k3y-that-must-not-be-found") as server:
        judge = spec(server, options="&api_key_env=MY_KEY")
        run = wavjudge.score(answers(tmp_path), judges=[judge], out=tmp_path / "run", axes=["semantic"])
    assert [r.status for r in run.ratings()] == ["ok"] * 3
    for path in run.path.rglob("*"):
        assert not path.is_file() or b"k3y-that" not in path.read_bytes(), path


def test_inside_a_running_loop_it_says_what_to_write_and_that_works(tmp_path: Path) -> None:
    with Loopback() as server:
        options = {"judges": [spec(server)], "out": tmp_path / "run", "axes": ["semantic"]}

        async def notebook() -> wavjudge.Scored:
            with pytest.raises(InputError, match=r"await asyncio\.to_thread"):
                wavjudge.score(answers(tmp_path), **options)
            return await asyncio.to_thread(wavjudge.score, answers(tmp_path), **options)

        assert [rating.status for rating in asyncio.run(notebook()).ratings()] == ["ok"] * 3


def test_a_plain_script_without_a_main_guard_runs_once(tmp_path: Path) -> None:
    """The README's example, with instruments: a script that is imported again by its own workers would run twice."""
    file, out = str(write_answers(tmp_path / "answers", 2)), str(tmp_path / "run")
    script = tmp_path / "script.py"
    script.write_text(
        "import wavjudge\n"
        f"run = wavjudge.score({file!r}, judges=['signals'], axes=['clipping'], out={out!r})\n"
        "print('ran', len(run.table()), run.table()['score'].dtype)\n",
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ran 2 float64\n", "")
