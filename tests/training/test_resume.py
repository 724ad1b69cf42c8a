"""`wavjudge train run`: thirty steps with a judge on loopback, killed and taken up again, on one process and on two."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra train)")
pytest.importorskip("trl", reason="TRL is not installed (extra train)")

from tests.loopback.server import Loopback
from tests.training.processes import (
    CONFIG,
    ROOT,
    STEPS,
    TWO,
    figures,
    finished,
    folder,
    killed_after,
    logged,
    started,
    state,
)
from wavjudge.errors import AuthError

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with Loopback() as server:
        yield server.openai_url


def same(one: Path, other: Path, step: int = STEPS) -> None:
    (weights, kept), (other_weights, other_kept) = state(one, step), state(other, step)
    assert {key: kept[key] for key in ("mixture", "counts", "ceiling", "step")} == {
        key: other_kept[key] for key in ("mixture", "counts", "ceiling", "step")
    }
    assert all(torch.equal(value, other_weights[name]) for name, value in weights.items())


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, url: str) -> Path:
    path = folder(tmp_path_factory.mktemp("undisturbed") / "run", url)
    said = finished(path)
    assert "30 steps, lambda" in said and "240 rollouts to be judged" in said
    return path


def test_thirty_steps_are_logged_with_what_matters(undisturbed: Path) -> None:
    rows = [row for row in logged(undisturbed) if "reward" in row]
    assert [row["step"] for row in rows] == list(range(1, STEPS + 1))
    assert all(0 < row["lambda"] <= 0.8 and row["kl"] >= 0 and row["supervised"] > 0 for row in rows)
    measured = [row["eval_nll_speech"] for row in logged(undisturbed) if "eval_nll_speech" in row]
    assert len(measured) == 3 and measured[-1] < measured[0]


def test_killed_and_resumed_it_is_as_if_undisturbed(undisturbed: Path, tmp_path: Path, url: str) -> None:
    """Killed after step 7, that is in the middle of an epoch and of an interval between checkpoints; then after 18,
    with a newer checkpoint that a crash cut off."""
    path = folder(tmp_path / "run", url)
    killed_after(path, 7)
    killed_after(path, 18)
    whole = sorted(path.glob("out/checkpoint-*"), key=lambda one: int(one.name.split("-")[1]))
    cut_off = path / "out" / "checkpoint-29"
    cut_off.mkdir()
    (cut_off / "model.safetensors").write_bytes((whole[-1] / "model.safetensors").read_bytes()[:100])
    said = finished(path)
    assert "passed over" in said and "checkpoint-29" in said
    same(undisturbed, path)
    assert figures(path) == figures(undisturbed)


def test_a_training_can_be_looked_at(undisturbed: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-m", "wavjudge", "train", "inspect", str(undisturbed / "c.toml")],
                          cwd=ROOT, env=environment, capture_output=True, text=True, timeout=200)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "checkpoint-30" in done.stdout and "supervised gradients on 4 of them" in done.stdout


def test_mistake_11_an_error_of_one_process_stops_both(tmp_path: Path) -> None:
    """One request alone is answered with a refused key. Started without torchrun, which would end the other process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with Loopback(lambda number: "auth" if number == 30 else None) as server:
        path = folder(tmp_path / "run", server.openai_url, steps=6, save_every=2)
        place = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        both = [started(path, **place, RANK=rank, LOCAL_RANK=rank) for rank in "01"]
        said = [one.communicate(timeout=200)[0] for one in both]
    assert [one.returncode for one in both] == [AuthError.exit_code] * 2, said
    assert all("the key was not accepted" in each for each in said)


def test_a_checkpoint_of_other_settings_is_refused_before_the_weights_are_loaded(
    undisturbed: Path, url: str, tmp_path: Path
) -> None:
    path = tmp_path / "run"
    folder(path, url)
    (path / "out").symlink_to(undisturbed / "out")
    text = (path / "c.toml").read_text(encoding="utf-8")
    (path / "c.toml").write_text(text.replace("learning_rate = 1e-3", "learning_rate = 2e-3"), encoding="utf-8")
    process = started(path)
    said, _ = process.communicate(timeout=200)
    assert process.returncode == 2 and "train.learning_rate: 0.001 then, 0.002 now" in said


def test_mistake_11_two_processes_have_one_lambda_and_resume_as_one(tmp_path: Path, url: str) -> None:
    """The reference took lambda from each rank's own rewards and forgot it at a checkpoint."""
    undisturbed, path = (folder(tmp_path / name, url, steps=6, save_every=2) for name in ("one", "other"))
    finished(undisturbed, *TWO)
    _, kept = state(undisturbed, 6)
    assert kept["ranks"] == 2 and sum(kept["counts"].values()) == 6 * 16  # every rank counts the rewards of both
    (path / "c.toml").write_text(CONFIG.format(url=url, steps=6, save_every=2), encoding="utf-8")
    killed_after(path, 3, *TWO)
    finished(path, *TWO)
    same(undisturbed, path, 6)
