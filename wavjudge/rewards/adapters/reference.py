"""The call shape of the WavAlign code: ``f(prompts=[G], completions=[G], audios=[G]) -> [G floats]``, once a prompt.

That trainer takes a callable with an attribute `config` for a model, and scores it 0: this object has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wavjudge.errors import InputError
from wavjudge.rewards.adapters.missing_rewards import Neutral
from wavjudge.rewards.item import RewardItem, sound
from wavjudge.rewards.judge_reward import JudgeReward

_BATCHED = 2


class ReferenceReward:
    """Rewards of the answers to one prompt; a missing one is the mean of the others (`neutral`).

    sample_rate_hz: at which the audio decoder made its samples. The reference writes 24,000 into its files, while
    VITA-Audio's decoder makes 22,050: its judge hears another voice.
    """

    def __init__(self, reward: JudgeReward, *, sample_rate_hz: int) -> None:
        self._reward, self._rate, self.neutral = reward, sample_rate_hz, Neutral()

    def __call__(self, prompts: Sequence[str], completions: Sequence[str], audios: Sequence[Any]) -> list[float]:
        """One number an answer; audio is a tensor of shape (frames,) or (1, frames), or None."""
        if not len(prompts) == len(completions) == len(audios):
            raise InputError(f"got {len(prompts)} prompts, {len(completions)} completions and {len(audios)} audios, "
                             "expected as many of each")  # fmt: skip
        if not completions:
            raise InputError("got no answers, expected those to one prompt")
        items = [
            RewardItem(
                sound(_flat(audio), sample_rate_hz=self._rate, where=f"answer {number}"), answer, question_text=prompt
            )
            for number, (prompt, answer, audio) in enumerate(zip(prompts, completions, audios, strict=True))
        ]
        found = self._reward.score_now(items)
        return self.neutral.fill([one.reward for one in found], prompts)


def _flat(audio: Any) -> Any:
    """Decoders give a batch of one."""
    shape: tuple[int, ...] = getattr(audio, "shape", ())
    return audio.reshape(-1) if len(shape) == _BATCHED and shape[0] == 1 else audio
