"""verl-omni's audio scorer protocol, version 1: one waveform a request, one finite score, or an error.

`POST /score` speaks it to a body that has a `protocol_version`. Its client retries 408, 429 and 5xx, and takes every
other status, a missing score and a score that is no number as the end of the training. So a missing reward is 503, a
body that cannot be used is 400, and there is nothing in between.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
import pybase64
from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr

from wavjudge.errors import InputError, NoRewardError
from wavjudge.rewards.adapters.columns import said, worded
from wavjudge.rewards.item import RewardItem, Samples, Sound, sound
from wavjudge.rewards.judge_reward import Judged, JudgeReward
from wavjudge.types import OUTCOMES

TOLD = ("question_text", "reference", "answer_text", "language")
"""Fields of a `RewardItem` that are taken from metadata (verl-omni: the row's `extra_info`) of the same name.
What else stands there decides nothing, whatever it holds."""
KEPT = ("id", "index", "split", "global_steps", "data_source")
"""What of the metadata stays in a logged trace."""
LOWEST_HZ, HIGHEST_HZ = 1_000, 768_000
_BYTES = 4
_MOST_CHARACTERS = 1_000


class AudioScoreIn(BaseModel):
    """One answer, as verl-omni's audio scorer client posts it. Further fields are passed over."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    protocol_version: Literal["1"]
    waveform_f32_base64: StrictStr = Field(description="base64 of mono float32 samples, little-endian, -1..1")
    num_samples: Annotated[StrictInt, Field(gt=0)]
    sample_rate: Annotated[StrictInt, Field(ge=LOWEST_HZ, le=HIGHEST_HZ, description="in Hz")]
    prompt: StrictStr | list[dict[str, Any]] = Field(description="text, or messages of a chat; see `question_of`")
    metadata: dict[str, Any] = Field(description="question_text, reference, answer_text, language are read")

    def item(self) -> RewardItem:
        """The item; `InputError` for a waveform that is not what it is said to be."""
        heard = Samples(self._waveform(), self.sample_rate)
        return item_of(heard, self.prompt, self.metadata)

    def _waveform(self) -> np.ndarray[Any, np.dtype[np.float32]]:
        where = 'field "waveform_f32_base64"'
        try:
            data = pybase64.b64decode(self.waveform_f32_base64, validate=True)
        except ValueError as error:  # binascii.Error is one
            raise InputError(f"got text that is not base64 ({error}), expected that of samples", where=where) from None
        if len(data) != _BYTES * self.num_samples:
            raise InputError(f"got {len(data)} bytes for {self.num_samples} samples, expected {_BYTES} bytes a sample",
                             where=where)  # fmt: skip
        samples = np.frombuffer(data, dtype="<f4").astype(np.float32)
        if not np.isfinite(samples).all():
            raise InputError("got samples that are NaN or infinite", where=where)
        return samples


def item_of(heard: Sound | None, prompt: Any, metadata: Mapping[str, Any]) -> RewardItem:
    """The item of a waveform, of what verl-omni calls the prompt (a row's ground truth), and of the row's extra_info.

    A judge of dialogue needs the question. Where the metadata has it (`question_text`), the prompt is what it is in
    verl's data, the answer that would be right. Where it has not, the prompt is the question.

    >>> item_of(None, "Say: good morning.", {}).question_text
    'Say: good morning.'
    >>> found = item_of(None, "Paris.", {"question_text": "What is the capital of France?", "language": "en"})
    >>> found.question_text, found.reference, found.language
    ('What is the capital of France?', 'Paris.', 'en')
    """
    given = {**metadata, "reference": worded(metadata.get("reference"))}
    told = {name: given[name] for name in TOLD if isinstance(given.get(name), str) and given[name]}
    text = question_of(worded(prompt) if "question_text" in told else prompt)
    told = {("reference" if "question_text" in told else "question_text"): text, **told}
    details = {name: _kept(metadata[name]) for name in KEPT if metadata.get(name) is not None}
    return RewardItem(heard, **told, details=details)


def question_of(prompt: Any) -> str | None:
    """The words of a prompt: a text, or the last user message of a chat; None for none.

    >>> question_of([{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}])
    'Why?'
    """
    if isinstance(prompt, Sequence) and not isinstance(prompt, str):
        asked = [one for one in prompt if isinstance(one, Mapping) and one.get("role") == "user"]
        return said(asked[-1:]) or None
    return prompt or None if isinstance(prompt, str) else None


def waveform_of(solution_audio: Any, where: str) -> Sound | None:
    """The sound of verl-omni's ``(waveform, sample_rate)``; None stays None."""
    if solution_audio is None:
        return None
    if not isinstance(solution_audio, Sequence) or isinstance(solution_audio, str) or len(solution_audio) != 2:
        raise InputError(f"got {type(solution_audio).__name__} as solution_audio, expected (waveform, sample_rate)",
                         where=where)  # fmt: skip
    waveform, rate = solution_audio
    rate = rate.item() if hasattr(rate, "item") else rate
    while getattr(waveform, "ndim", 1) > 1 and waveform.shape[0] == 1:
        waveform = waveform[0]
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not float(rate).is_integer():
        raise InputError(f"got the sample rate {rate!r}, expected a whole number of Hz", where=where)
    return sound(waveform, sample_rate_hz=int(rate), where=where)


def reply(reward: JudgeReward, found: Judged) -> dict[str, float | str]:
    """The score and beside it what each axis got. `NoRewardError` where there is none.

    verl reads the names of these figures from one sample of a batch and looks for them in all: so they are there always
    or never. Never, where a floor or a constant may stand in for a verdict, which has no axes.
    """
    if found.score is None:
        again = "send it again; replies that came are not paid for twice"
        theirs = "the same answer fails again; a floor (Guards, --floor) pays where silence was measured"
        lacking = "the same answer fails again: give what the judge's prompt needs, such as the question"
        todo = theirs if found.reward.status in OUTCOMES else again
        raise NoRewardError(f"got no reward for an answer ({found.reward.status}: {found.reward.reason})",
                            todo=lacking if found.reward.status == "not_applicable" else todo)  # fmt: skip
    told: dict[str, float | str] = {"score": found.score, "status": found.reward.status}
    return (
        told
        if reward.may_stand_in
        else {**told, **{f"axis_{axis}": _scored(found, axis) for axis in reward.weights.axes}}
    )


def _scored(found: Judged, axis: str) -> float:
    score = found.axes[axis]
    assert score is not None, "an answer has a reward where every weighted axis has a score"
    return score


def _kept(value: Any) -> float | str | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float) and abs(value) <= sys.float_info.max:
        return value
    # A whole number beyond that is no float, and with enough digits Python refuses to write it.
    return "beyond any float" if isinstance(value, int) else str(value)[:_MOST_CHARACTERS]
