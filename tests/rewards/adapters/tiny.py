"""A language model of a few thousand weights, from a configuration and random numbers: nothing is downloaded.

Its tokens are words and sounds: `w0`..`w31` are text, `a0`..`a31` stand for 200 ms of a tone each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

RATE_HZ = 8000
WORDS, SOUNDS = 32, 32
_FRAMES = RATE_HZ // 5
SPECIAL = ("<pad>", "<s>", "</s>", "<unk>")
FIRST_SOUND = len(SPECIAL) + WORDS


def speech(ids: Sequence[int]) -> tuple[np.ndarray[Any, Any], int] | None:
    """The sound of the sound tokens; None where there are none."""
    pitches = [60.0 + 40 * (int(one) - FIRST_SOUND) for one in ids if int(one) >= FIRST_SOUND]
    if not pitches:
        return None
    time = np.arange(_FRAMES) / RATE_HZ
    return np.concatenate([0.3 * np.sin(2 * np.pi * pitch * time) for pitch in pitches]).astype(np.float32), RATE_HZ


def tokenizer() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    names = [*SPECIAL, *(f"w{n}" for n in range(WORDS)), *(f"a{n}" for n in range(SOUNDS))]
    made = Tokenizer(models.WordLevel({name: n for n, name in enumerate(names)}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )


def model() -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(SPECIAL) + WORDS + SOUNDS, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=64, pad_token_id=0, bos_token_id=1,
        eos_token_id=2,
    )  # fmt: skip
    return LlamaForCausalLM(config)


def make_torchaudio_loadable() -> None:
    """transformers imports a torchaudio that is there, which fails beside a torch without CUDA."""
    import wavjudge.training  # noqa: F401
