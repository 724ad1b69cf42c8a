"""[monitor] of a config: looks beside a training on one process and on two, and what is refused before it begins."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra train)")
pytest.importorskip("trl", reason="TRL is not installed (extra train)")

from studies.toy_recipe.world import CLOSE, END, OPEN, PAD
from tests.cli.typed import typed
from tests.loopback.server import Loopback
from tests.training import example
from tests.training.processes import ROOT, TWO, figures, finished, folder, logged, state
from tests.training.tiny import Tiny
from wavjudge.rewards.item import RewardItem
from wavjudge.training.data import Example, Row
from wavjudge.training.monitor import answering

MONITOR = """
[monitor]
prompts = "watched.jsonl"
every = {every}
{more}
[monitor.held_out]
judges = ["gemini:m?base_url={url}&api_key_env=TRAIN_TEST_KEY"]
weights = {{ semantic = 0.5, acoustic = 0.5 }}
prompt_set = "joint"
guards = []
cache = false
"""


class Gamed(Loopback):
    """Threes for all; after the first look the reward's judge gives fives, the held-out one does not."""

    looked = Path()

    def _good(self, dialect: Any, heard: Any, number: int, name: int = 0) -> bytes:
        said = super()._good(dialect, heard, number, name)
        score = 5 if dialect.name == "openai" and self.looked.is_file() else 3
        return re.sub(rb"(<score[^>]*>)[0-9](</|<\\/)", rb"\g<1>%d\g<2>" % score, said)


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    with Loopback() as running:
        yield running


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("TRAIN_TEST_KEY", "none")
    torch.set_num_threads(1)


def watched(path: Path, server: Loopback, *, steps: int = 4, every: int = 2, more: str = "", prompts: int = 14) -> Path:
    monitor = MONITOR.format(url=server.gemini_url, every=every, more=more)
    folder(path, server.openai_url, steps=steps, save_every=2, more=monitor)
    rows = [{"id": f"w{n}", "question_text": f"round {n}, say {n % 8}"} for n in range(prompts)]
    (path / "watched.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def looks(path: Path) -> list[dict[str, Any]]:
    lines = (path / "out" / "monitor" / "monitor.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.heavy
@pytest.mark.filterwarnings("ignore")
def test_a_watched_training_looks_and_learns_what_it_would_have_learnt(tmp_path: Path, server: Loopback) -> None:
    path = watched(tmp_path / "watched", server)
    dry = typed("train", "run", path / "c.toml", "--dry-run")
    assert dry.code == 0 and "monitor: 14 prompts before the first step and every 2 steps" in dry.out, dry.err
    assert "monitor: 20 rows are ids alone" in dry.out and not (path / "out").exists()
    finished(path)
    assert [one["step"] for one in looks(path)] == [0, 2, 4] and all(len(one["answers"]) == 14 for one in looks(path))
    assert {name.split("|")[0] for name in looks(path)[0]["judges"]} == {"openai:loop", "gemini:m"}
    assert (path / "out" / "monitor" / "monitor.png").is_file()
    with (path / "out" / "monitor" / "monitor.csv").open(encoding="utf-8", newline="") as file:
        known = {row["quantity"] for row in csv.DictReader(file) if row["now"]}
    assert {"reward", "held_out", "seconds"} <= known
    plain = folder(tmp_path / "plain", server.openai_url, steps=4, save_every=2)
    finished(plain)
    assert figures(plain) == figures(path)
    (weights, _), (others, _) = state(plain, 4), state(path, 4)
    assert all(torch.equal(value, others[name]) for name, value in weights.items())
    text = (path / "c.toml").read_text(encoding="utf-8")
    (path / "c.toml").write_text(
        text.replace("every = 2\n", "every = 1\n").replace("anchor_rows = 2", "anchor_rows = 1")
    )
    done = typed("train", "run", path / "c.toml", "--dry-run")
    assert "train.anchor_rows" in done.err and "monitor" not in done.err, "who watches may change"


@pytest.mark.heavy
@pytest.mark.filterwarnings("ignore")
def test_an_alarm_stops_two_processes_together_and_saves(tmp_path: Path) -> None:
    with Gamed() as server:
        server.looked = tmp_path / "run" / "out" / "monitor" / "monitor.jsonl"
        path = watched(tmp_path / "run", server, steps=8, every=3, more="stop = true", prompts=24)
        finished(path, *TWO)
    assert [one["step"] for one in looks(path)] == [0, 3]
    assert max(row["step"] for row in logged(path)) == 3
    assert state(path, 3)[1]["ranks"] == 2


@pytest.mark.parametrize("change, said", [
    (("round 3, say 3", "say 3"), "w3 is"),
    (("gemini:m?", "openai:loop?"), "got judges of one family"),
    (('prompt_set = "joint"', 'prompt_set = "jiont"'), "jiont"),
    (("every = 2", "evry = 2"), 'field "monitor.evry"'),
    (("guards = []\ncache = false\n", "guard = []\n"), 'field "monitor.held_out.guard"'),
])  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_what_is_not_apart_is_refused_before_the_weights(
    tmp_path: Path, server: Loopback, change: tuple[str, str], said: str
) -> None:
    path, asked = watched(tmp_path / "run", server), server.requests
    at, text = path / "c.toml", (path / "c.toml").read_text(encoding="utf-8")
    head, tail = text.split("[monitor]")
    at.write_text(f"{head}[monitor]{tail.replace(*change)}", encoding="utf-8")
    rows = (path / "watched.jsonl").read_text(encoding="utf-8")
    (path / "watched.jsonl").write_text(rows.replace(*change), encoding="utf-8")
    done = typed("train", "run", at, "--dry-run")
    assert done.code == 2 and said in done.err, done.err
    assert server.requests == asked


@pytest.mark.filterwarnings("ignore")
def test_the_training_to_try_on_the_page_is_whole(tmp_path: Path) -> None:
    """Its commands in their order, without the steps themselves."""
    example.write(tmp_path)
    dry = typed("train", "run", tmp_path / "hybrid.toml", "--dry-run")
    assert dry.code == 0 and "8 prompts, 16 demonstrations, 4 held out" in dry.out, dry.err
    assert typed("pairs", tmp_path / "scored.jsonl", "--out", tmp_path / "pairs.jsonl").code == 0
    dry = typed("train", "run", tmp_path / "dpo.toml", "--dry-run")
    assert dry.code == 0 and "8 pairs, 4 demonstrations held out" in dry.out, dry.err


def test_answers_are_sampled_from_the_model_and_cut_at_their_end() -> None:
    """A stand-in for `generate` that shows what it was given: prompts of unequal length are padded in front."""
    given: list[Any] = []
    sound = Tiny().vocabulary.speech[0].start

    def generate(input_ids: Any, attention_mask: Any, **how: Any) -> Any:
        given.append((input_ids.tolist(), attention_mask.tolist(), how))
        said = torch.tensor([[12, OPEN, sound, CLOSE, END, PAD], [12, 13, 14, 15, 16, 17]])[: len(input_ids)]
        return torch.cat([input_ids, said], dim=1)

    asked = [Example(Row(id=str(n), question_text=f"say {n}"), "doc", Path(), (4,) * n) for n in (1, 3, 2)]
    answer = answering(Tiny(), asked, size=2, max_new_tokens=6, temperature=0.7, rate_hz=16_000)
    model = SimpleNamespace(device="cpu", generate=generate)
    found: list[RewardItem] = list(answer(model, [one.item for one in asked]))
    assert [one[0] for one in given] == [[[PAD, PAD, 4], [4, 4, 4]], [[4, 4]]]
    assert [one[1] for one in given] == [[[0, 0, 1], [1, 1, 1]], [[1, 1]]]
    how = given[0][2]
    assert (how["temperature"], how["top_k"], how["top_p"], how["do_sample"], how["eos_token_id"]) == (
        0.7, 0, 1.0, True, [END])  # fmt: skip
    assert [one.id for one in found] == ["1", "3", "2"] and [one.question_text for one in found][1] == "say 3"
    assert found[0].answer_audio is not None and found[1].answer_audio is None, "no speech is no sound"
    assert len((found[1].answer_text or "").split()) == 6
