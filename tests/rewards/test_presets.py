"""The presets hold the paper's numbers, and only the reference's pay for a failure."""

from __future__ import annotations

import subprocess
import sys

import pytest

from wavjudge.errors import InputError
from wavjudge.rewards.combine import Unscored, combine
from wavjudge.rewards.presets import PRESETS, preset


def test_the_papers_numbers() -> None:
    for one in PRESETS.values():
        gates = one.gates
        numbers = (gates.threshold, gates.slope, gates.lambda_max, gates.ema_decay, gates.largest_variance)
        assert numbers == (3, 5, 0.8, 0.9, 4)
    assert preset("semantic_acoustic").weights.axes == {"semantic": 0.7, "acoustic": 0.3}
    assert all(one.weights.axes == {"overall": 1} for name, one in PRESETS.items() if name != "semantic_acoustic")


@pytest.mark.parametrize("name", PRESETS)
def test_a_failure_is_a_number_only_in_the_reference(name: str) -> None:
    one, reference = preset(name), name.startswith("reference")
    lost = combine({axis: Unscored("failed", "wrong key") for axis in one.weights.axes}, one.weights, one.policy)
    assert (lost.score, lost.status) == (2.5 if reference else None, "failed")
    assert (one.new_ceiling() is None) == reference
    assert one.mixture().advance == ("micro_batch" if reference else "optimiser_step")
    assert one.deviation == ("sample" if name == "reference_fused" else "population")


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(InputError, match="expected one of overall, semantic_acoustic, reference, reference_fused"):
        preset("paper")


def test_the_pipeline_loads_without_torch_pandas_and_sdks() -> None:
    heavy = "{'torch', 'pandas', 'openai', 'google.genai', 'scipy', 'pyarrow'}"
    modules = "wavjudge.rewards.presets, wavjudge.rewards.groups"
    code = f"import sys, {modules}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
