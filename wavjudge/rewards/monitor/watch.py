"""`Watch`: a monitor that asks for itself: the policy answers fixed prompts, both judges score them, a look is kept.

prompts ── answer(model, prompts) ── reward, held_out: JudgeReward.score_now ─► Measured ─► Monitor.record
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from wavjudge import audio, signals
from wavjudge.errors import InputError, ModelChangedError
from wavjudge.rewards.item import RewardItem, as_file
from wavjudge.rewards.judge_reward import Judged, JudgeReward
from wavjudge.rewards.monitor.alarms import Standing
from wavjudge.rewards.monitor.evaluations import Measured, measured
from wavjudge.rewards.monitor.monitor import Monitor
from wavjudge.rewards.monitor.plan import Fingerprint, plan
from wavjudge.signature import planned, same_judge
from wavjudge.types import OUTCOMES

Answer = Callable[[Any, Sequence[RewardItem]], Sequence[RewardItem]]
"""From a model and prompts to the same items with `answer_text` and `answer_audio` filled in, in their order."""

_AXES = ("speech_rate", "intelligibility")


def fingerprints(items: Iterable[RewardItem]) -> dict[str, Fingerprint]:
    """What is asked, by name of the prompt; answers are not looked at. `InputError` for one name of two prompts.

    >>> sorted(fingerprints([RewardItem(question_text="Why?"), RewardItem(question_text="How?", id="h")]))
    ['h', 'q-7d0358903830369e']
    """
    found: dict[str, Fingerprint] = {}
    for item in items:
        name, asked = _asked(item)
        if found.setdefault(name, asked) != asked:
            raise InputError(f"got two prompts of the name {name!r}", todo="give each prompt an id of its own")
    return found


class Watch:
    """The looks of a training, made by it: any loop calls `look`; for transformers' see `training.monitor_callback`.

    Parameters
    ----------
    out: folder of the `Monitor`; the same folder, prompts and judges go on where they stopped.
    prompts: what is answered at each look, 12 at least for any verdict; none of them may be in `training`.
    answer: makes the policy's answers.
    reward, held_out: the judge that is trained on, and one of another family with another judge prompt. Both objects of
        their own, not the one that the trainer asks: what is watched has no place in its ceiling and its trace.
    training: what is trained on, as items (their questions count) or as `monitor_runs.training_prompts` reads it.
    instruments: measure pace and word errors of the recordings too; needs the extra `local`.
    same_family, alpha, looks: as in `monitor.plan`.

    Raises `InputError` before anything is asked where prompts or judges are not apart.
    """

    def __init__(
        self, out: str | Path, prompts: Sequence[RewardItem], answer: Answer, *, reward: JudgeReward,
        held_out: JudgeReward, training: Iterable[RewardItem] | Mapping[str, Fingerprint], instruments: bool = True,
        same_family: bool = False, alpha: float = 0.05, looks: int = 20,
    ) -> None:  # fmt: skip
        if instruments:
            signals.require(_AXES)
        self._prompts, self._answer, self._instruments = tuple(prompts), answer, instruments
        self._judges = reward, held_out
        asked = fingerprints(self._prompts)
        if len(asked) < len(self._prompts):
            raise InputError(f"got {len(self._prompts)} prompts, of which {len(asked)} differ",
                             todo="leave out what is there twice")  # fmt: skip
        self.monitor = Monitor(out, plan(
            asked, training if isinstance(training, Mapping) else fingerprints(training),
            reward_judges=set(reward.signatures.values()), held_out_judges=set(held_out.signatures.values()),
            weights=reward.weights, held_out_weights=held_out.weights, same_family=same_family, alpha=alpha,
            looks=looks,
        ))  # fmt: skip

    def is_due(self, step: int) -> bool:
        """Whether no look was made at this step or after it: a training that was resumed passes looks again."""
        return not self.monitor.steps or step > self.monitor.steps[-1]

    def look(self, step: int, model: Any) -> Standing:
        """Answer, score and record the prompts; what it says beside the first look. Table and picture are written anew.

        Raises what stops a judge (`StopRun`; `ModelChangedError` where another model than at earlier looks answers
        under its name), and `InputError` for answers to other prompts; then nothing is recorded.
        """
        if not self.is_due(step):
            raise InputError(f"got step {step} after step {self.monitor.steps[-1]}, expected a later one",
                             where=str(self.monitor.out), todo="ask `is_due` first")  # fmt: skip
        answers = self._answered(model)
        found = [judge.score_now(answers) for judge in self._judges]
        judges = self._same_judges(step, found)
        rows = [self._measured(item, *both) for item, *both in zip(answers, *found, strict=True)]
        self.monitor.record(step, rows, judges)
        self.monitor.draw()
        last = self.monitor.check().last
        assert last is not None
        return last

    def _answered(self, model: Any) -> list[RewardItem]:
        answers = list(self._answer(model, self._prompts))
        if list(map(_asked, answers)) != list(map(_asked, self._prompts)):
            raise InputError(f"got {len(answers)} answers, expected one to each of {len(self._prompts)} prompts in "
                             "their order", todo="fill in the items that were given: dataclasses.replace")  # fmt: skip
        return answers

    def _same_judges(self, step: int, found: Sequence[Sequence[Judged]]) -> tuple[str, ...]:
        """The signatures that gave scores. A name behind which the model changed is no judge to compare with."""
        own = {rating.signature for some in found for one in some for rating in one.ratings if rating.status == "ok"}
        before = {name for look in self.monitor.looks for name in look.judges}
        for name in sorted(own):
            if other := sorted(
                one for one in own | before if planned(one) == planned(name) and not same_judge(one, name)
            ):
                raise ModelChangedError(f"got scores by {name} at step {step}, and by {other[0]} before or beside them",
                                 todo="the model behind a name changed: name a dated one, and begin a new folder "
                                      "with a first look of today's judge")  # fmt: skip
        return tuple(sorted(own))

    def _measured(self, item: RewardItem, reward: Judged, held_out: Judged) -> Measured:
        sound = None if any(_is_outcome(one) for one in (reward, held_out)) else item.answer_audio
        wave = audio.decode(as_file(sound, where="answer"), where="answer") if sound is not None else None
        heard, rate, wer = _heard(wave, item) if wave and self._instruments else (None, None, None)
        return measured(
            _asked(item)[0], reward=reward.reward, held_out=held_out.reward, wave=wave, text=item.answer_text,
            heard=heard, language=item.language, rate=rate, wer=wer,
        )  # fmt: skip


def _asked(item: RewardItem) -> tuple[str, Fingerprint]:
    """The name of a prompt and what is asked."""
    data = as_file(item.question_audio, where="question") if item.question_audio is not None else None
    sha256 = hashlib.sha256(data).hexdigest() if data is not None else None
    return item.named(data), Fingerprint.of([(item.question_text, sha256)])


def _is_outcome(one: Judged) -> bool:
    """Whether the candidate gave nothing that can be rated."""
    return one.reward.status != "ok" and one.reward.status in OUTCOMES


def _heard(wave: audio.Waveform, item: RewardItem) -> tuple[str | None, float | None, float | None]:
    """The words heard, words a second, errors a word; None where the instruments do not apply."""
    pace, clear = signals.measure(wave, text=item.answer_text, reference=None, language=item.language, axes=_AXES)
    words, wer = pace.details.get("heard"), clear.details.get("wer")
    return words if isinstance(words, str) else None, pace.value, wer if isinstance(wer, float) else None
