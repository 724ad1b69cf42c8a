"""README, "Train by it": its commands, on three prompts of what the README builds; the loopback server judges."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from tests.cli.commands.test_calibrate import simulated
from tests.cli.typed import Typed, typed
from tests.loopback.server import Loopback
from tests.signals.sounds import needs_models
from tests.test_docs import page, section
from wavjudge.resources import folder

README = "../README.md"


def _commands(number: int) -> list[list[str]]:
    block = re.findall(r"^```sh\n(.*?)^```$", section(page(README), "Train by it"), re.MULTILINE | re.DOTALL)[number]
    return [shlex.split(line)[1:] for line in block.splitlines()]


def _three_prompts(at: Path) -> Path:
    """The shipped test set's first three questions, beside its recordings."""
    tiny = folder("benchmarks") / "tiny"
    (at / "audio").symlink_to(tiny / "audio")
    rows = (tiny / "items.jsonl").read_text(encoding="utf-8").splitlines()[:3]
    (at / "items.jsonl").write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    return at / "items.jsonl"


def _done(words: list[str]) -> Typed:
    done = typed(*words)
    assert done.code == 0, f"{' '.join(words)}: {done.err}"
    return done


@needs_models
def test_the_commands_run_on_what_the_readme_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = re.findall(r"^```python\n(.*?)^```$", page(README), re.MULTILINE | re.DOTALL)[0]
    (tmp_path / "answer.py").write_text(script, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GEMINI_API_KEY", "none")
    run, rollouts = _commands(0)
    assert run[:2] == ["run", "tiny"]
    _done([run[0], str(_three_prompts(tmp_path)), "--outside", *run[2:]])
    said = " ".join(_done(rollouts).out.split())
    assert "3 of 3 prompts (100%) would teach nothing" in said
    ratings, labels = simulated(tmp_path)
    typed("calibrate", ratings, "--labels", labels, "--out", "calibration", "--no-plots")
    check, *judged, serve = _commands(1)
    assert "overall: yes" in " ".join(_done(check).out.split())
    with Loopback() as server:
        spec = f"gemini:gemini-3.5-flash?base_url={server.gemini_url}"
        for words in judged:
            price = ["--price", "audio_in=1,text_in=1,text_out=1"] if words[0] == "score" else []  # of a server of ours
            _done([spec if word == "gemini:gemini-3.5-flash" else word for word in words] + price)
    assert [words[0] for words in judged] == ["score", "rewards", "pairs"]
    assert all(json.loads(line)["score_gap"] >= 1 for line in Path("pairs.jsonl").read_text("utf-8").splitlines())
    refused = typed(*serve, "--port", "0")  # the calibration is of another judge: it says so, before it listens
    assert refused.code == 2 and "expected one of the calibration" in " ".join(refused.err.split()), refused.err
