"""Counts of tokens that cannot be: a call with such a usage is booked as one whose cost is not known.

The least is far below what any tokenizer and any audio encoder in use takes, so that an honest count never fails: eight
characters a token on the average of a whole text (English has four to five), where white space and repeated
characters count once; of audio half the rate that the price list states, else one token a second.
"""

from __future__ import annotations

import math
import re

from wavjudge.clients.base import AudioPart, Failure, Part, Reply, Request, TextPart
from wavjudge.types import Usage

_CHARACTERS_A_TOKEN = 8
_AUDIO_TOKENS_A_SECOND = 1.0
_REPEATED = re.compile(r"(.)\1+|\s+", re.DOTALL)


def impossible(request: Request, outcome: Reply | Failure, usage: Usage, rate: float | None) -> bool:
    """Whether a reported usage contradicts itself, or is less than the request and its reply must have taken.

    rate: audio tokens a second, where known. What is not said (None) contradicts nothing.
    """
    heard = [part for part in _shown(request) if isinstance(part, AudioPart)]
    asked = least(" ".join([request.system or "", *(p.text for p in _shown(request) if isinstance(p, TextPart))]))
    audio = math.floor(sum(part.seconds for part in heard) * (rate / 2 if rate else _AUDIO_TOKENS_A_SECOND))
    written = least(outcome.text or "")
    return any((
        _below(usage.input_tokens, asked + max(audio, usage.audio_input_tokens or 0)),
        _below(usage.output_tokens, written), _below(usage.audio_input_tokens, audio),
        _below(usage.input_tokens, usage.cached_input_tokens), _below(usage.output_tokens, usage.reasoning_tokens),
        _below(usage.output_tokens, usage.audio_output_tokens),
        _below(usage.audio_output_tokens, _spoken_seconds(outcome)),
    ))  # fmt: skip


def least(text: str) -> int:
    """The fewest tokens that a text can be.

    >>> least(""), least("<score>4</score>"), least("=" * 900)
    (0, 2, 1)
    """
    return math.ceil(len(_REPEATED.sub(" ", text.strip())) / _CHARACTERS_A_TOKEN)


def _below(count: int | None, needed: int | None) -> bool:
    return count is not None and needed is not None and count < needed


def _shown(request: Request) -> tuple[Part, ...]:
    """What surely goes to the model: its own earlier answers may be sent without their sound."""
    earlier = [part for said in request.earlier for part in said.parts
               if said.role == "user" or isinstance(part, TextPart)]  # fmt: skip
    return (*earlier, *request.parts)


def _spoken_seconds(outcome: Reply | Failure) -> int | None:
    """Whole seconds of speech in a reply, by the byte rate that its header states; None where there is none."""
    data = outcome.audio_wav if isinstance(outcome, Reply) else None
    if data is None or len(data) < 44 or not (byte_rate := int.from_bytes(data[28:32], "little")):
        return None
    return len(data) // byte_rate
