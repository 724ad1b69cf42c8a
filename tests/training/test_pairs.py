"""Lines of pairs as token ids: what is read of them, and what is wrong with one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra train)")
pytest.importorskip("transformers", reason="transformers is not installed (extra train)")

from studies.toy_recipe.world import CLOSE, END, OPEN
from tests.cli.typed import typed
from tests.training.tiny import Tiny, write_scored
from wavjudge.errors import InputError
from wavjudge.training.data import Pair, check, notes, read

pytestmark = pytest.mark.filterwarnings("ignore")

GOOD = {"prompt_ids": [4], "chosen_ids": [20, OPEN, 70, CLOSE, END], "rejected_ids": [21, OPEN, 71, CLOSE, END]}
SPOKEN = {"question_text": "say 1", "sft_target_text": "good0", "sft_target_audio": "good-0.wav",
          "rejected_text": "bad0", "rejected_audio": "bad-0.wav"}  # fmt: skip


def lines(path: Path, *held: dict[str, Any] | str) -> Path:
    said = (one if isinstance(one, str) else json.dumps(one) for one in held)
    path.write_text("".join(f"{one}\n" for one in said), encoding="utf-8")
    return path


def test_the_words_and_sounds_of_both_answers_become_ids(tmp_path: Path) -> None:
    """Through `wavjudge pairs` and recordings on disk: the ids are those that the recordings were made of."""
    done = typed("pairs", write_scored(tmp_path), "--out", tmp_path / "pairs" / "pairs.jsonl")
    assert done.code == 0, done.err
    found, tiny = read(tmp_path / "pairs" / "pairs.jsonl", Tiny()), Tiny()
    assert len(found) == 8 and {one.mode for one in found} == {"semantic"}
    for number, one in enumerate(found):
        assert list(one.prompt_ids) == [4 + number]
        assert tiny.text(one.chosen_ids).count("good") == 6 and tiny.text(one.rejected_ids).count("bad") == 6
        assert one.chosen_ids != one.rejected_ids and one.chosen_ids[-1] == END
        first = tiny.world.first_sounds(torch.tensor([number]).numpy())[0]
        for ids in (one.chosen_ids, one.rejected_ids):
            sounds = [each for each in ids if each >= 60]
            assert all(0 <= sound - low < 4 for sound, low in zip(sounds, first, strict=True))


def test_ids_are_taken_as_they_are_and_a_system_message_is_the_speakers_own(tmp_path: Path) -> None:
    asked = {"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "say 0"}]}
    (found,) = read(lines(tmp_path / "p.jsonl", {**GOOD, **asked}), Tiny())
    assert [list(ids) for ids in (found.prompt_ids, found.chosen_ids, found.rejected_ids)] == list(GOOD.values())


@pytest.mark.parametrize("line, said", [
    ({**SPOKEN, "rejected_audio": "gone.wav"}, "line 2, the rejected answer.*gone.wav"),
    ({**SPOKEN, "sft_target_audio": None}, "line 2, the chosen answer.*without target_audio"),
    ({**GOOD, "rejected_ids": [20, END]}, "line 2, the rejected answer.*none of which is speech"),
    ({**GOOD, "chosen_ids": [70, 999]}, "line 2, the chosen answer.*got the id 999"),
    ({**SPOKEN, "audios": ["a.wav", "b.wav"]}, "line 2: got a prompt of 0 messages and 2 recordings"),
    ({**SPOKEN, "messages": [{"role": "user"}, {"role": "assistant"}, {"role": "user"}]}, "prompt of 3 messages"),
    ({**GOOD, "chosen_ids": "70"}, 'line 2: got a pair that cannot be used.*"chosen_ids"'),
    ("{", "line 2: expected a JSON object"),
])  # fmt: skip
def test_a_pair_that_cannot_be_used_is_named(tmp_path: Path, line: dict[str, Any] | str, said: str) -> None:
    write_scored(tmp_path)
    with pytest.raises(InputError, match=said):
        read(lines(tmp_path / "p.jsonl", GOOD, line), Tiny())


def test_no_pairs_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="without pairs"):
        read(lines(tmp_path / "p.jsonl"), Tiny())
    with pytest.raises(InputError, match="wavjudge pairs"):
        read(tmp_path / "gone.jsonl", Tiny())


@pytest.mark.parametrize("tokens, ids", [("text", [OPEN, 70, CLOSE]), ("speech", [20, END])])
def test_a_pair_counts_on_the_tokens_of_its_kind(tokens: Any, ids: list[int]) -> None:
    with pytest.raises(InputError, match="without a counted token"):
        check(Pair([4], GOOD["chosen_ids"], ids, "line 3"), Tiny(), tokens)
    check(Pair([4], GOOD["chosen_ids"], ids, "line 3"), Tiny(), "all")


def test_mistake_13_text_that_is_preferred_for_its_sound_is_said_so() -> None:
    held = [Pair([4], [20], [21], mode=mode) for mode in ("sum", "semantic", "sum", "paralinguistic")]
    found = notes(held, "text")
    assert len(found) == 2 and "2 pairs were ordered in mode sum: text tokens" in found[1]
    assert notes(held, "speech") == notes(held, "all") == [] and notes(held[1:2], "text") == []
