"""What was said: Moonshine tiny (English), greedy, on the weights that the moonshine-voice wheel carries.

Source: Jeffries et al., "Moonshine: Speech Recognition for Live Transcription and Voice Commands", 2024
(https://arxiv.org/abs/2410.15608), MIT. An encoder over raw samples, a decoder with a key/value cache. The package's
own interface carries state from call to call, so the same clip gives other text the second time; this loop does not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from wavjudge.signals import models

RATE_HZ = 16_000
MAX_TOKENS_PER_SECOND = 12.0  # twice the fastest speech; the usual limit of 6.5 cuts hurried answers off
SPARE_TOKENS = 8
QUIET_SECONDS = 0.25  # silence put around a piece: without it the first word of speech that starts at once is lost
LOOP_UNIT, LOOP_REPEATS, LOOP_TOKENS = 10, 4, 16  # up to 10 tokens, said 4 times and over 16 tokens, are a loop

Floats = npt.NDArray[np.float32]
_BEGIN, _END = 1, 2
_LAYERS, _HEADS, _WIDTH = 6, 8, 36
_FOLDER = "assets/tiny-en"


@dataclass(frozen=True, slots=True)
class Heard:
    """Recognised text, the mean natural-log probability of its tokens (a doubt flag, about -0.1 for clean speech,
    -0.5 in heavy noise), their number, and whether decoding ran into a loop or the token limit."""

    text: str
    log_probability: float
    tokens: int
    cut_short: bool = False


def recognise(samples: Floats) -> Heard:
    """The words of one piece of speech: float samples, shape (n,), at `RATE_HZ`; at most about 10 s, at least 0.1 s."""
    limit = int(len(samples) / RATE_HZ * MAX_TOKENS_PER_SECOND) + SPARE_TOKENS
    tokens, scores = _decode(np.pad(samples, round(QUIET_SECONDS * RATE_HZ)), limit)
    ended = tokens[-1] == _END
    return Heard(_text(tokens[:-1] if ended else tokens), sum(scores) / len(scores), len(scores), not ended)


def joined(pieces: Sequence[Heard]) -> Heard:
    """One text from the pieces of a long answer; every token weighs the same in the mean."""
    tokens = sum(piece.tokens for piece in pieces)
    mean = sum(piece.log_probability * piece.tokens for piece in pieces) / tokens
    text = " ".join(piece.text for piece in pieces if piece.text)
    return Heard(text, mean, tokens, any(piece.cut_short for piece in pieces))


def loop_at(tokens: Sequence[int]) -> int | None:
    """Where a loop at the end of the tokens has said its unit once: what follows is dropped. None if there is no loop.

    >>> loop_at([7, 8, 9] + [1, 2, 3, 4] * 4), loop_at([5, 5, 5, 5, 5])
    (7, None)
    """
    for unit in range(1, LOOP_UNIT + 1):
        repeats = max(LOOP_REPEATS, -(-LOOP_TOKENS // unit))
        tail = tokens[-unit * repeats :]
        if len(tail) == unit * repeats and all(tail[i] == tail[i + unit] for i in range(len(tail) - unit)):
            return len(tokens) - unit * (repeats - 1)
    return None


def _decode(samples: Floats, limit: int) -> tuple[list[int], list[float]]:
    """Tokens, each the likeliest after those before it, and their log probabilities, the end token included."""
    hidden, mask = _encode(samples)
    step = models.session(models.ASR, f"{_FOLDER}/decoder_model_merged.ort")
    names = [f"{layer}.{side}.{kind}" for layer in range(_LAYERS) for side in ("decoder", "encoder")
             for kind in ("key", "value")]  # fmt: skip
    past = {f"past_key_values.{name}": np.zeros((1, _HEADS, 0, _WIDTH), dtype=np.float32) for name in names}
    tokens, scores = [_BEGIN], list[float]()
    while tokens[-1] != _END and len(scores) < limit:
        fixed = {"input_ids": np.array([tokens[-1:]]), "use_cache_branch": np.array([bool(scores)])}
        logits, *present = models.run(
            step, {**past, **fixed, "encoder_hidden_states": hidden, "encoder_attention_mask": mask}
        )
        # With the cache in use the encoder's keys come back empty: those of the first step stay valid.
        keep = [i for i, name in enumerate(names) if not scores or "decoder" in name]
        past |= {f"past_key_values.{names[i]}": present[i] for i in keep}
        tokens.append(int(logits[0, -1].argmax()))
        scores.append(_log_probability(logits[0, -1], tokens[-1]))
        if (end := loop_at(tokens[1:])) is not None:
            return tokens[1:][:end], scores[:end]
    return tokens[1:], scores


def _encode(samples: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    # Both networks take the mask over samples and stride it themselves; a mask over frames breaks beyond 9.3 s.
    mask = np.ones((1, len(samples)), dtype=np.int64)
    encoder = models.session(models.ASR, f"{_FOLDER}/encoder_model.ort")
    return models.run(encoder, {"input_values": samples[None], "attention_mask": mask})[0], mask


def _log_probability(logits: Floats, token: int) -> float:
    top = logits.max()
    return float(logits[token] - top - np.log(np.exp(logits - top, dtype=np.float64).sum()))


def _text(tokens: Sequence[int]) -> str:
    pieces = b"".join(_vocabulary()[token] for token in tokens)
    text = re.sub(r"<unk>|<s>|</s>|<<ST_\d+>>", "", pieces.decode("utf-8", errors="replace"))
    return " ".join(text.replace("▁", " ").split())


@cache
def _vocabulary() -> list[bytes]:
    """The entries of tokenizer.bin: one byte of length, then UTF-8 (▁ is a space) or, for 256 of them, a bare byte."""
    data, entries, at = models.file(models.ASR, f"{_FOLDER}/tokenizer.bin").read_bytes(), list[bytes](), 0
    while at < len(data):
        entries.append(data[at + 1 : at + 1 + data[at]])
        at += 1 + data[at]
    return entries
