"""Configs and data files: what is wrong with one is said before a training begins."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

torch = pytest.importorskip("torch", reason="torch is not installed (extra train)")

from studies.toy_recipe.world import ToyTokenizer
from wavjudge.errors import InputError
from wavjudge.training.checkpoint import NAME, Saved, newest
from wavjudge.training.config import read
from wavjudge.training.data import Demonstrations, Example, Row, collated, examples, rows

LEAST = """
[model]
speaker = "my_model:Voice"
[data]
prompts = "p.jsonl"
demonstrations = "d.jsonl"
[reward]
judges = ["openai:x"]
[train]
out = "out"
steps = 3
"""


def config(folder: Path, text: str = LEAST) -> Any:
    path = folder / "c.toml"
    path.write_text(text, encoding="utf-8")
    return read(path)


def test_defaults_are_the_papers_recipe(tmp_path: Path) -> None:
    held = config(tmp_path)
    assert (held.preferred.tokens, held.anchored.tokens) == ("text", "all")
    assert (held.gates.lambda_max, held.gates.ema_decay, held.gates.slope, held.gates.threshold) == (0.8, 0.9, 5.0, 3.0)
    assert held.train.out == tmp_path / "out" and held.data.prompts == tmp_path / "p.jsonl"


@pytest.mark.parametrize("change, said", [
    (("steps = 3", "steps = 3\nstep = 4"), 'field "train.step".*\n.*did you mean steps. known here: out, steps'),
    (("steps = 3", "stesp = 3"), 'field "train.stesp": got a key that is not known\n.*did you mean steps'),
    (("[train]", "[trian]"), 'field "trian".*\n.*did you mean train'),
    (("judges =", "judge ="), 'field "reward.judge".*\n.*did you mean judges'),
    (("[train]", "calibraton = 'c'\n[train]"), 'field "reward.calibraton".*\n.*did you mean calibration'),
    (("[train]", "factor = 1.0\n[train]"), "reward.factor"),
    (("[train]", "below = 'ignore'\n[train]"), "reward.below"),
    (("steps = 3", "steps = 3\ntop_p = 0.9"), "train.top_p"),
    (("[model]", "[modle]\n[model]"), 'field "modle"'),
    (("steps = 3", "steps = 0"), "train.steps"),
    (('judges = ["openai:x"]', "judges = []"), "reward.judges"),
    (("steps = 3", "steps = 3\n[mixture]\nema_decay = 1.0"), "mixture.ema_decay"),
    (("steps = 3", "steps = 3\n[loss]\nanchored = 'text'\nanchored_text = 0.1"), "cancel out"),
    (("steps = 3", "steps = "), "no TOML"),
    (("steps = 3", "steps = 3\n[lora]\nranks = 3"), "lora.ranks.*\n.*known here: rank"),
])  # fmt: skip
def test_what_is_wrong_with_a_config_is_named(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        config(tmp_path, LEAST.replace(*change))


PAIRS = """
method = "dpo"
[model]
speaker = "my_model:Voice"
[data]
pairs = "pairs.jsonl"
[train]
out = "out"
steps = 3
"""


def test_a_training_on_pairs_has_its_own_sections(tmp_path: Path) -> None:
    held = config(tmp_path, PAIRS)
    assert (held.method, held.dpo.tokens, held.dpo.beta, held.train.learning_rate) == ("dpo", "text", 0.1, 5e-6)
    assert held.data.pairs == tmp_path / "pairs.jsonl" and held.data.held_out is None
    assert config(tmp_path).method == "hybrid"


@pytest.mark.parametrize("text, said", [
    (PAIRS.replace("dpo", "ppo"), "got method 'ppo', expected hybrid or dpo"),
    (PAIRS.replace('"dpo"', "3"), "got method 3"),
    (PAIRS + "[dpo]\ntoken = 'text'\n", "dpo.token.*\n.*known here: tokens, beta"),
    (PAIRS + "[dpo]\ntokens = 'words'\n", "dpo.tokens"),
    (PAIRS + "[reward]\njudges = ['openai:x']\n", 'field "reward".*\n.*known here: method, model, data'),
    (PAIRS.replace("steps = 3", "steps = 3\nanswers = 4"), "train.answers.*\n.*known here: out, steps"),
    (PAIRS.replace("pairs =", "prompts ="), "data.p"),
])  # fmt: skip
def test_what_a_training_on_pairs_does_not_have_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        config(tmp_path, text)


def test_settings_of_pairs_follow_their_file_and_their_tokens(tmp_path: Path) -> None:
    (tmp_path / "pairs.jsonl").write_text("{}", encoding="utf-8")
    first = config(tmp_path, PAIRS).settings()
    other = config(tmp_path, PAIRS + "[dpo]\ntokens = 'all'\n").settings()
    assert {key for key in first if first[key] != other[key]} == {"dpo.tokens"}
    assert first["data.pairs"].startswith("44136fa3") and first["method"] == "dpo"  # sha256 of {}


def test_settings_follow_the_data_and_not_its_place(tmp_path: Path) -> None:
    found = []
    for name, row in (("a", "{}"), ("b", "{}"), ("c", "{ }")):
        (tmp_path / name).mkdir()
        for file in ("p.jsonl", "d.jsonl"):
            (tmp_path / name / file).write_text(row)
        found.append(config(tmp_path / name).settings("reward:1"))
    assert found[0] == found[1] != found[2]


def write(path: Path, *held: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in held), encoding="utf-8")
    return path


GOOD = {"question_text": "q", "target_ids": [12, 2, 70, 3, 1], "prompt_ids": [4]}


@pytest.mark.parametrize("row, said", [
    ({"target_text": "words", "prompt_ids": [4]}, "without target_audio"),
    ({"question_text": "q", "target_text": "words", "target_audio": "gone.wav"}, "gone.wav.*cannot be used"),
    ({"question_text": "q", "target_text": "words", "target_audio": "half.wav"}, "half.wav.*cut off"),
    ({"question_audio": "gone.wav", "target_ids": [70]}, 'line 2, field "question_audio"'),
    ({"target_ids": [70]}, "without a question"),
    ({**GOOD, "answer": "x"}, 'field "answer"'),
    ({**GOOD, "target_ids": [12, 1]}, "none of which is speech"),
    ({**GOOD, "target_ids": [70, 999]}, "got the id 999"),
])  # fmt: skip
def test_mistake_20_a_row_that_cannot_be_used_is_named_and_not_dropped(
    tmp_path: Path, row: dict[str, Any], said: str
) -> None:
    soundfile.write(tmp_path / "whole.wav", np.sin(np.arange(8000) / 20) * 0.3, 16_000)
    (tmp_path / "half.wav").write_bytes((tmp_path / "whole.wav").read_bytes()[:6000])
    path = write(tmp_path / "d.jsonl", GOOD, row)
    with pytest.raises(InputError, match=said) as error:
        examples(path, ToyTokenizer(), targets=True)  # type: ignore[arg-type]
    assert "line 2" in str(error.value)


def test_a_prompt_without_what_was_asked_cannot_be_judged(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="without a question"):
        rows(write(tmp_path / "p.jsonl", {"prompt_ids": [4]}), targets=False)


def test_mistake_8_demonstrations_of_unequal_prompts_are_masked_from_their_own_starts() -> None:
    held = [Example(Row(), "doc", Path(), (4,) * n, (12, 2, 70, 3, 1)) for n in (1, 3)]
    found = collated(held, ToyTokenizer().vocabulary, pad=0)
    assert found.masks.text.int().tolist() == [[0, 1, 0, 0, 0, 1, 0, 0], [0, 0, 0, 1, 0, 0, 0, 1]]
    assert found.masks.speech.int().tolist() == [[0, 0, 1, 1, 1, 0, 0, 0], [0, 0, 0, 0, 1, 1, 1, 0]]
    assert found.attention.sum(1).tolist() == [6, 8]


def test_demonstrations_are_a_function_of_seed_and_number() -> None:
    held = [Example(Row(id=str(n)), "doc", Path(), (4,), (70,)) for n in range(5)]
    one, other = Demonstrations(held, seed=1), Demonstrations(held, seed=1)
    order = [row.row.id for number in range(5) for row in one.chosen(number, 3)]
    assert [row.row.id for row in other.chosen(3, 3)] == order[9:12]
    assert all(sorted(order[at : at + 5]) == list("01234") for at in (0, 5, 10)) and order[:5] != order[5:10]
    assert order != [row.row.id for number in range(5) for row in Demonstrations(held, seed=2).chosen(number, 3)]


def test_a_checkpoint_counts_once_its_last_file_is_there(tmp_path: Path) -> None:
    saved = Saved(
        2, 1, {"advance": "optimiser_step", "state": 0.1 + 0.2, "pending": [0.0, 0]}, None, {"ok": 3}, {"a": 1}
    )
    for step in (2, 10):
        (tmp_path / f"checkpoint-{step}").mkdir()
    saved.write(tmp_path / "checkpoint-2")
    assert newest(tmp_path) == (tmp_path / "checkpoint-2", [tmp_path / "checkpoint-10"])
    assert Saved.read(tmp_path / "checkpoint-2") == saved
    with pytest.raises(InputError, match="it was cut off"):
        Saved.read(tmp_path / "checkpoint-10")
    (tmp_path / "checkpoint-10" / NAME).write_text("{")
    with pytest.raises(InputError, match="does not read"):
        Saved.read(tmp_path / "checkpoint-10")


def test_another_recording_under_the_same_name_is_another_training(tmp_path: Path) -> None:
    """The data files stay as they are; CSV too, and pairs with their other fields."""
    sound = 0.3 * np.sin(np.arange(8000) / 20)
    for name in ("q.wav", "one.wav", "other.wav"):
        soundfile.write(tmp_path / name, sound, 16_000)
    write(tmp_path / "d.jsonl", {"question_audio": "q.wav", "target_text": "So.", "target_audio": "one.wav"})
    (tmp_path / "p.csv").write_text("id,question_text,question_audio\na,,q.wav\nb,Why?,\n")
    write(tmp_path / "pairs.jsonl", {"audios": ["q.wav"], "sft_target_audio": "one.wav", "rejected_audio": "other.wav"})
    hybrid, pairs = config(tmp_path, LEAST.replace("p.jsonl", "p.csv")), config(tmp_path, PAIRS)
    before = hybrid.settings() | pairs.settings()
    assert (hybrid.settings() | pairs.settings()) == before
    soundfile.write(tmp_path / "one.wav", sound / 2, 16_000)
    after = hybrid.settings() | pairs.settings()
    changed = {key for key in before if before[key] != after[key]}
    assert changed == {"data.demonstrations.recordings", "data.pairs.recordings"}
    with pytest.raises(InputError, match=r"other settings \(data.demonstrations.recordings: "):
        Saved(2, 1, settings=before).meant_for(after, 1, "here")
    write(tmp_path / "d.jsonl", {"prompt_ids": [4], "target_ids": [12, 70, 1]})
    assert hybrid.settings()["data.demonstrations.recordings"] is None, "ids have no recordings"


def test_the_configs_of_the_page_can_be_read(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
    hybrid, monitor, pairs = re.findall(r"^```toml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    held = config(tmp_path, hybrid + monitor)
    assert held.monitor.held_out.prompt_set == "joint" and held.monitor.prompts == tmp_path / "watched.jsonl"
    assert config(tmp_path, hybrid).monitor is None and config(tmp_path, pairs).method == "dpo"


def test_a_speaker_whose_module_is_nowhere_is_named_before_torch_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(LEAST, encoding="utf-8")
    code = "import sys\nfrom tests.cli.typed import typed\n" + (
        "for command in ('run', 'inspect'):\n"
        "    done = typed('train', command, 'c.toml')\n"
        "    print(done.code, 'torch' in sys.modules, done.err)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout.count("2 False wavjudge: c.toml, [model]: got the speaker 'my_model:Voice', and no module") == 2
    (tmp_path / "my_model.py").write_text("Voice = 3\n")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert "no module" not in done.stdout and "2 True " in done.stdout, done.stdout


def test_what_there_is_to_look_at_is_said_for_itself(tmp_path: Path) -> None:
    pytest.importorskip("trl", reason="TRL is not installed (extra train)")
    (tmp_path / "c.toml").write_text(LEAST, encoding="utf-8")
    held_out = LEAST.replace("[reward]", 'held_out = "h.jsonl"\n[reward]')
    from wavjudge.training.inspection import inspected

    with pytest.raises(InputError, match="got a config without held-out demonstrations"):
        inspected(config(tmp_path))
    with pytest.raises(InputError, match="got no checkpoint of this training") as error:
        inspected(config(tmp_path, held_out))
    assert str(tmp_path / "out") in str(error.value)


@pytest.mark.parametrize("settings, ranks, said", [
    ({"a": 2}, 1, "a: 1 then, 2 now"), ({"a": 1, "b": 2}, 1, "b: None then, 2 now"),
    ({"a": 1}, 4, "processes: 1 then, 4"),
])  # fmt: skip
def test_a_checkpoint_is_for_its_own_settings(settings: dict[str, Any], ranks: int, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Saved(2, 1, {}, None, {}, {"a": 1}).meant_for(settings, ranks, "here")
