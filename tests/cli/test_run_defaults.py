"""What benchmark.toml says of axes and prompts, where the options of `wavjudge run` and `score RUN` say nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

import wavjudge
from tests.bench.asking import program, write_items
from tests.bench.candidates.test_process import PARROT
from tests.cli.typed import spec, typed
from tests.loopback.server import Loopback
from wavjudge import resources
from wavjudge.store.run_folder import RunFolder

TONE = """+++
name = "tone"
version = 1
source = "made for the tests"
needs = []

[[axes]]
name = "tone"
tag = "score"
low = 1
high = 5
+++
Rate the tone of the answer.
"""


def rated(run: Path) -> dict[str, set[str]]:
    """Axes by rater."""
    found: dict[str, set[str]] = {}
    for rating in wavjudge.load(run).ratings():
        found.setdefault(rating.rater, set()).add(rating.axis)
    return found


def manifest(run: Path) -> tuple[tuple[str, ...], str | None, str | None]:
    with RunFolder(run) as folder:
        assert folder.manifest is not None and folder.manifest.benchmark is not None
        entry = folder.manifest.benchmark
        return entry.axes, entry.prompts, entry.prompt_set


def test_a_judge_is_asked_the_axes_of_the_test_set(tmp_path: Path) -> None:
    benchmark, run = write_items(tmp_path / "set", 2, toml='axes = ["semantic", "overall"]'), tmp_path / "run"
    with Loopback() as server:
        words = ("run", benchmark, "--candidate", program(tmp_path, PARROT), "--judge", spec(server))
        assert typed(*words, "--out", run).code == 0
        assert server.requests == 4
        assert typed(*words, "--out", tmp_path / "one", "--axes", "acoustic").code == 0
        assert typed(*words, "--out", tmp_path / "set_of_mine", "--prompt-set", "acoustic").code == 0
    assert rated(run) == {"openai:loopback": {"semantic", "overall"}}
    assert manifest(run) == (("semantic", "overall"), None, None)
    for option in ("one", "set_of_mine"):
        assert rated(tmp_path / option) == {"openai:loopback": {"acoustic"}}


def test_a_judge_without_any_of_them_rates_all_of_its_own(tmp_path: Path) -> None:
    toml = 'axes = ["semantic", "refusal"]\nmetrics = ["checks", "signals"]'
    benchmark, run = write_items(tmp_path / "set", 1, toml=toml), tmp_path / "run"
    with Loopback() as server:
        done = typed("run", benchmark, "--candidate", program(tmp_path, PARROT), "--judge", spec(server), "--out", run)
    assert done.code == 0
    axes = rated(run)
    assert (axes["openai:loopback"], axes["checks"]) == ({"semantic"}, {"refusal"})
    assert {"signal_quality", "intelligibility"} <= axes["signals"]


def test_prompts_of_the_test_set_now_and_for_answers_rated_later(tmp_path: Path) -> None:
    benchmark = write_items(tmp_path / "set", 1, toml='prompts = "asks"\nprompt_set = "tone"')
    (benchmark / "asks").mkdir()
    (benchmark / "asks" / "tone.md").write_text(TONE, encoding="utf-8")
    shipped = resources.folder("prompts") / "semantic.md"
    (benchmark / "asks" / "semantic.md").write_bytes(shipped.read_bytes())
    asked = ("run", benchmark, "--candidate", program(tmp_path, PARROT))
    with Loopback() as server:
        assert typed(*asked, "--judge", spec(server), "--out", tmp_path / "now").code == 0
        assert "Rate the tone of the answer." in server.received[0].prompt
        assert typed(*asked, "--only", "answers", "--out", tmp_path / "later").code == 0
        assert typed("score", tmp_path / "later", "--judge", spec(server)).code == 0
        assert typed(*asked, "--judge", spec(server), "--prompt-set", "joint", "--out", tmp_path / "mine").code == 0
    for run in ("now", "later"):
        assert rated(tmp_path / run) == {"openai:loopback": {"tone"}}
        assert manifest(tmp_path / run) == ((), str(benchmark / "asks"), "tone")
    assert rated(tmp_path / "mine") == {"openai:loopback": {"semantic", "acoustic"}}


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ('axes = ["semantics"]', "field \"axes\": got ['semantics'], expected some of ['acoustic', 'overall',"),
        ('prompt_set = "semantic"\naxes = ["overall"]', "field \"axes\": got ['overall'], expected some of ['sem"),
        ('prompt_set = "together"', "field \"prompt_set\": got the prompt set 'together'"),
        ('prompts = "nowhere"', 'field "prompts": '),
    ],
)  # fmt: skip
def test_a_name_that_nothing_has_is_refused_with_file_and_field(toml: str, problem: str, tmp_path: Path) -> None:
    benchmark = write_items(tmp_path / "set", 1, toml=toml)
    words = ("run", benchmark, "--candidate", "command:true", "--judge", "signals", "--out", tmp_path / "run")
    done = typed(*words)
    assert done.code == 2 and f"{benchmark / 'benchmark.toml'}: {problem}" in done.err
    assert not (tmp_path / "run").exists()
    assert typed(*words, "--prompt-set", "separate", "--dry-run").code == 0  # an option puts it aside
