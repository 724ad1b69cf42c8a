"""A model small enough for a test, built from a config without any download: the toy's tongue in a Llama of 64 units.

It is also the shortest whole example of a `Speaker`. `wavjudge train run` finds it as `tests.training.tiny:Tiny`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from tokenizers import Tokenizer, models
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from studies.toy_recipe.world import CLOSE, END, OPEN, PAD, ToyTokenizer, World
from wavjudge.rewards.combine import Reward
from wavjudge.rewards.item import RewardItem
from wavjudge.rewards.judge_reward import Judged
from wavjudge.training.audio import Codec
from wavjudge.training.data import Row


@dataclass(frozen=True, slots=True)
class Tiny(ToyTokenizer):
    """path: a folder with weights; without one they are random, by `seed`."""

    path: str | None = None
    seed: int = 0
    dropout: float = 0.0
    ids_per_second: float = 50.0

    @property
    def codec(self) -> Codec:
        return Codec(self.ids_per_second)

    @property
    def tokenizer(self) -> Any:
        words = {str(one): one for one in range(self.vocabulary.size)}
        made = Tokenizer(models.WordLevel(words, unk_token=str(PAD)))
        return PreTrainedTokenizerFast(tokenizer_object=made, pad_token=str(PAD), eos_token=str(END),
                                       unk_token=str(PAD))  # fmt: skip

    def model(self) -> Any:
        if self.path:
            return LlamaForCausalLM.from_pretrained(self.path)
        torch.manual_seed(self.seed)
        return LlamaForCausalLM(LlamaConfig(
            hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=4,
            vocab_size=self.vocabulary.size, max_position_embeddings=64, pad_token_id=PAD, eos_token_id=END,
            bos_token_id=None, attention_dropout=self.dropout,
        ))  # fmt: skip

    def prompt_ids(self, row: Row, folder: Path) -> Sequence[int]:
        assert row.question_text
        return [int(self.world.prompts(np.array([int(row.question_text.split()[-1])]))[0, 0])]

    def target_ids(self, row: Row, folder: Path) -> Sequence[int]:
        """Words by their names, sounds by their pitch: what `text` and `audio` made, the other way round."""
        assert row.target_text and row.target_audio
        first, sounds = self.world._first_word, self.vocabulary.speech[0]
        named = {self.text([one]): one for one in range(first, sounds.start)}
        wave, _ = soundfile.read(folder / row.target_audio, dtype="float32")
        tones = np.stack([self.audio([one]) for one in sounds])
        heard = (wave.reshape(-1, tones.shape[1]) @ tones.T).argmax(axis=1) + sounds.start
        return [*(named[word] for word in row.target_text.split()), OPEN, *heard.tolist(), CLOSE, END]


def write_rows(folder: Path, *, prompts: int = 8, demonstrations: int = 16, held_out: int = 4) -> None:
    """prompts.jsonl, demonstrations.jsonl, held_out.jsonl of the toy's world."""
    world, rng = World(), np.random.default_rng(7)
    asked = [{"id": f"p{n}", "question_text": f"say {n % world.classes}"} for n in range(prompts)]
    _write(folder / "prompts.jsonl", asked)
    for name, n in (("demonstrations", demonstrations), ("held_out", held_out)):
        ids = world.demonstrations(n, rng).tolist()
        _write(folder / f"{name}.jsonl", [{"id": f"d{at}", "prompt_ids": one[:1], "target_ids": one[1:]}
                                          for at, one in enumerate(ids)])  # fmt: skip


def write_scored(folder: Path, prompts: int = 8) -> Path:
    """Scored candidates in WavAlign's schema with recordings: an answer of good words, one of bad, other sounds."""
    tiny, rng, rows = Tiny(), np.random.default_rng(3), []
    for number in range(prompts):
        output = {}
        for key, score in (("good", 5), ("bad", 2)):
            classes = np.array([number % tiny.world.classes])
            words = tiny.world.good_words(classes)[0] + (key == "bad")
            sounds = tiny.world.first_sounds(classes)[0] + rng.integers(4, size=tiny.world.frames)
            path = folder / f"{key}-{number}.wav"
            soundfile.write(path, tiny.audio(sounds.tolist()), tiny.sample_rate_hz, subtype="FLOAT")
            output[key] = {"output-text": tiny.text(words.tolist()), "output-audio": path.name,
                           "gemini_score": {"semantic_score": score, "paralinguistic_score": 3}}  # fmt: skip
        asked = f"say {number % tiny.world.classes}"
        rows.append({"id": f"p{number}", "messages": [{"role": "user", "content": asked}], "audios": [],
                     "question_text": asked, "output": output})  # fmt: skip
    _write(folder / "scored.jsonl", rows)
    return folder / "scored.jsonl"


def _write(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


class SoundJudge:
    """A judge without a wire: 1 to 5 by the number of samples heard, or what `says` says of an item."""

    def __init__(self, says: Any = None) -> None:
        self.says, self.heard = says, []

    def score_now(self, items: Sequence[RewardItem]) -> list[Judged]:
        self.heard += list(items)
        return [Judged((self.says or self._says)(item)) for item in items]

    @staticmethod
    def _says(item: RewardItem) -> Reward:
        if item.answer_audio is None:
            return Reward(None, "no_speech", "no speech ids")
        return Reward(1.0 + len(item.answer_audio.array) // 320 % 5)
