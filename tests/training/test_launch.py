"""`wavjudge train run` and `inspect` by their other ways: an adapter, pairs; what they say of a wrong checkpoint."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra train)")
pytest.importorskip("trl", reason="TRL is not installed (extra train)")

from tests.cli.typed import typed
from tests.loopback.server import Loopback
from tests.training.processes import (
    ROOT,
    TWO,
    figures,
    finished,
    folder,
    folder_of_pairs,
    killed_after,
    logged,
    state,
)  # fmt: skip
from wavjudge.errors import AuthError
from wavjudge.store.run_folder import RunFolder

pytestmark = [pytest.mark.heavy, pytest.mark.filterwarnings("ignore")]

LORA = "[lora]\nrank = 4\n"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with Loopback() as server:
        yield server.openai_url


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("TRAIN_TEST_KEY", "none")
    torch.set_num_threads(1)


def looked_at(path: Path, *more: Any) -> Any:
    done = typed("train", "inspect", path / "c.toml", *more)
    assert done.code == 0, done.err
    return done


def same_weights(one: Path, other: Path, step: int) -> None:
    (weights, _), (others, _) = state(one, step), state(other, step)
    assert weights.keys() == others.keys() and all(torch.equal(value, others[name]) for name, value in weights.items())


@pytest.fixture(scope="module")
def adapted(tmp_path_factory: pytest.TempPathFactory, url: str) -> Path:
    """Twelve steps of an adapter, with the rewards' log."""
    path = folder(tmp_path_factory.mktemp("adapted") / "run", url, steps=12, more=LORA)
    text = (path / "c.toml").read_text(encoding="utf-8").replace("log = false\n", "")
    (path / "c.toml").write_text(text, encoding="utf-8")
    finished(path)
    return path


def test_an_adapter_killed_and_resumed_is_as_if_undisturbed(adapted: Path, tmp_path: Path, url: str) -> None:
    path = folder(tmp_path / "run", url, steps=12, more=LORA)
    killed_after(path, 7)
    finished(path)
    same_weights(adapted, path, 12)
    assert all("lora_" in name for name in state(path, 12)[0])
    assert figures(adapted) == figures(path)


def test_an_adapter_is_looked_at_against_the_model_without_it(adapted: Path, tmp_path: Path) -> None:
    said = looked_at(adapted, "--plot", tmp_path / "p.png").out
    rows = [line.split() for line in said.splitlines() if line.startswith("  tokens")]
    assert [row[1] for row in rows] == ["text", "speech"] and all(float(row[5]) > 0 for row in rows)
    assert "supervised gradients on 4 of them: text " in said and "cosine " in said
    assert (tmp_path / "p.png").stat().st_size > 10_000


def test_the_variance_of_rollouts_is_that_of_the_groups_that_were_compared(adapted: Path) -> None:
    """Against what the trainer logged of its groups at each step, by another way."""
    (reward,) = (line for line in looked_at(adapted).out.splitlines() if line.startswith("  name reward"))
    steps = {row["step"]: row for row in logged(adapted) if "reward/variance" in row}
    usable = [steps[step] for step in range(8, 13) for _ in range(int(steps[step]["groups/usable"]))]
    expected = sum(row["reward/variance"] for row in usable) / len(usable)
    assert f"variance {expected:.4g} " in reward and f"answers {5 * 8} " in reward and "groups 10 " in reward


def test_a_checkpoint_of_another_model_is_not_looked_at(adapted: Path, tmp_path: Path) -> None:
    text = (adapted / "c.toml").read_text(encoding="utf-8")
    (adapted / "other.toml").write_text(text.replace(LORA, ""), encoding="utf-8")
    done = typed("train", "inspect", adapted / "other.toml")
    assert done.code == 2 and "lora.rank: 4 then, None now" in done.err


def test_a_training_that_stops_lets_go_of_its_log(tmp_path: Path) -> None:
    with Loopback(lambda number: "auth") as server:
        path = folder(tmp_path / "run", server.openai_url, steps=2)
        text = (path / "c.toml").read_text(encoding="utf-8").replace("log = false\n", "")
        (path / "c.toml").write_text(text, encoding="utf-8")
        done = typed("train", "run", path / "c.toml")
    assert done.code == AuthError.exit_code, done.err
    with RunFolder(path / "out" / "rewards" / "rank-0", write=True) as log:
        assert log.manifest is not None


@pytest.mark.parametrize("tokens", ["text", "speech", "all"])
def test_pairs_of_wavjudge_pairs_are_trained_on_by_the_tokens_of_one_kind(tmp_path: Path, tokens: str) -> None:
    path = folder_of_pairs(tmp_path / "run", steps=8, tokens=tokens)
    dry = typed("train", "run", path / "c.toml", "--dry-run")
    assert dry.code == 0, dry.err
    assert "8 pairs, 4 demonstrations held out" in dry.out and f"DPO on tokens: {tokens}, beta 0.1" in dry.out
    assert not (path / "out").exists()
    done = typed("train", "run", path / "c.toml")
    assert done.code == 0, done.err
    assert "8 steps; " in done.out
    rows = [row for row in logged(path) if "loss" in row]
    assert [row["step"] for row in rows] == list(range(1, 9)) and rows[-1]["rewards/margins"] > 0.05
    assert rows[-1]["loss"] < rows[0]["loss"]
    assert {"eval_nll_text", "eval_nll_speech"} <= logged(path)[-1].keys()
    assert "a training on pairs has no rollouts" in looked_at(path).out


def test_pairs_killed_and_resumed_are_as_if_undisturbed(tmp_path: Path) -> None:
    """With dropout, so that the random states count, too; killed in the middle of an epoch."""
    undisturbed, path = (folder_of_pairs(tmp_path / name, steps=60) for name in ("one", "other"))
    finished(undisturbed)
    killed_after(path, 7)
    finished(path)
    same_weights(undisturbed, path, 60)
    assert figures(path) == figures(undisturbed) and state(path, 60)[1]["settings"]["dpo.tokens"] == "text"


def test_pairs_of_another_training_are_refused_before_the_weights(tmp_path: Path) -> None:
    path = folder_of_pairs(tmp_path / "run", steps=1)
    assert typed("train", "run", path / "c.toml").code == 0
    lines = (path / "pairs.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (path / "pairs.jsonl").write_text("".join(lines[:4]), encoding="utf-8")
    done = typed("train", "run", path / "c.toml", "--dry-run")
    assert done.code == 2 and "data.pairs: " in done.err and "with other settings" in done.err


def test_a_wrong_pair_is_named_before_the_weights(tmp_path: Path) -> None:
    path = folder_of_pairs(tmp_path / "run")
    lines = (path / "pairs.jsonl").read_text(encoding="utf-8").splitlines()
    lines[2] = json.dumps({**json.loads(lines[2]), "rejected_audio": "gone.wav"})
    (path / "pairs.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = typed("train", "run", path / "c.toml")
    assert done.code == 2 and "line 3, the rejected answer" in done.err and "gone.wav" in done.err


def test_two_processes_train_on_pairs_as_one(tmp_path: Path) -> None:
    path = folder_of_pairs(tmp_path / "run", steps=5)
    said = finished(path, *TWO)
    assert "8 pairs a step, on 2 process(es)" in said and said.count("5 steps; ") == 1
    assert state(path, 5)[1]["ranks"] == 2 and len([row for row in logged(path) if "loss" in row]) == 5
