"""The judge of a config: a reward obeys its calibration, and no instrument is trained by unless somebody says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra train)")

from tests.loopback import Loopback, swapped
from tests.rewards.sounds import item
from tests.rewards.test_gate import DEAF, HEARS, made
from wavjudge.errors import InputError, ModelChangedError
from wavjudge.training.config import HybridConfig, read
from wavjudge.training.rollouts import judge_of

TEXT = """
[model]
speaker = "my_model:Voice"
[data]
prompts = "p.jsonl"
demonstrations = "d.jsonl"
[reward]
judges = ["openai:m?base_url={url}"]
weights = {{ semantic = 0.7, acoustic = 0.3 }}
guards = []
cache = false
{more}
[train]
out = "out"
steps = 3
"""


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as running:
        yield running


def config(folder: Path, server: Loopback, more: str = "", **changes: str) -> HybridConfig:
    text = TEXT.format(url=server.openai_url, more=more)
    for old, new in changes.items():
        text = text.replace(old, new)
    (folder / "c.toml").write_text(text, encoding="utf-8")
    held = read(folder / "c.toml")
    assert isinstance(held, HybridConfig)
    return held


@pytest.fixture
def calibrated(tmp_path: Path, server: Loopback) -> Path:
    """Beside the config: `semantic` of this judge hears, `acoustic` is dice."""
    with judge_of(config(tmp_path, server).reward) as judge:
        signed = judge.signatures
    text = made(axes=("semantic", "acoustic")).model_dump_json()
    for axis, old in (("semantic", HEARS), ("acoustic", DEAF)):
        text = text.replace(old, signed[axis] + "|is:m-1")
    (tmp_path / "cal").mkdir()
    (tmp_path / "cal" / "calibration.json").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("name", ["cal", "cal/calibration.json"])
def test_a_training_obeys_its_calibration_as_the_server_does(calibrated: Path, server: Loopback, name: str) -> None:
    with pytest.raises(InputError, match="does not permit: acoustic: no"):
        judge_of(config(calibrated, server, f'calibration = "{name}"').reward)
    more = f'calibration = "{name}"\nbelow = "down-weight"\nfactor = 0.5'
    with judge_of(config(calibrated, server, more).reward) as judge:
        assert judge.weights.axes == pytest.approx({"semantic": 0.7 / 0.85, "acoustic": 0.15 / 0.85})
        assert [one.allowed for one in judge.permits] == [True, False] and "calibration:" in judge.signature
    assert server.requests == 0


def test_a_training_is_paid_for_verdicts_of_the_calibrated_model_alone(calibrated: Path, server: Loopback) -> None:
    server.model = swapped("m-1", "m-2", 1)
    more = 'calibration = "cal"\nbelow = "down-weight"'
    with judge_of(config(calibrated, server, more).reward) as judge:
        (first,) = judge.score_now([item(1)])
        assert first.reward.status == "ok"
        for number in (2, 3):
            with pytest.raises(ModelChangedError, match="the calibration is of verdicts from 'm-1'"):
                judge.score_now([item(number)])
    assert server.requests == 2


@pytest.mark.parametrize(
    ("more", "said"),
    [('below = "refuse"', "got below without a calibration"), ('calibration = "nowhere"', "nowhere"),
     ('calibration = "cal"\nmin_order = 0.99', "does not permit")],
)  # fmt: skip
def test_what_cannot_be_obeyed_is_said(calibrated: Path, server: Loopback, more: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        judge_of(config(calibrated, server, more).reward)


def test_the_place_of_a_calibration_decides_nothing_and_its_content_does(calibrated: Path, server: Loopback) -> None:
    """A checkpoint knows the reward's signature, which has the hash of the calibration."""
    for name in ("p", "d"):
        row = '{"id": "1", "question_text": "Why?", "target_text": "So."}\n'
        (calibrated / f"{name}.jsonl").write_text(row, encoding="utf-8")
    held = config(calibrated, server, 'calibration = "cal"\nbelow = "down-weight"')
    assert not [key for key in held.settings("signature") if "calibration" in key or "below" in key]


SIGNALS: Any = {"weights = { semantic = 0.7, acoustic = 0.3 }": "weights = { signal_quality = 1.0 }"}


def test_no_instrument_is_trained_by_unless_a_key_says_so(tmp_path: Path, server: Loopback) -> None:
    pytest.importorskip("onnxruntime", reason="the instruments need the extra local")
    spec = f"openai:m?base_url={server.openai_url}"
    with pytest.raises(InputError, match=r"got signal_quality as a reward, which an instrument measures") as error:
        judge_of(config(tmp_path, server, **SIGNALS, **{spec: "signals"}).reward)
    assert "instruments_for_debugging = true" in error.value.todo
    held = config(tmp_path, server, "instruments_for_debugging = true", **SIGNALS, **{spec: "signals"})
    with judge_of(held.reward) as judge:
        assert judge.instruments == ["signal_quality"]
