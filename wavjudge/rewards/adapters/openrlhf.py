"""OpenRLHF: the function of a file named by `--reward.remote_url FILE.py`. Checked against OpenRLHF 0.11.2.

OpenRLHF asks for one rollout at a time, from several threads, and knows neither groups nor "no reward": a failure is
logged there, and the step fails later. The query is the whole decoded sequence with its special tokens, so the sound
can be made from it. Over HTTP it is the same: `wavjudge rewards serve`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from wavjudge.errors import InputError, NoRewardError
from wavjudge.rewards.adapters.columns import worded
from wavjudge.rewards.combine import Reward
from wavjudge.rewards.item import RewardItem, made, sound
from wavjudge.rewards.judge_reward import Judged, JudgeReward
from wavjudge.types import OUTCOMES

DecodeText = Callable[[str], Any]
"""From the text of an answer, special tokens and all, to its sound: ``(samples, rate)``, or None for no speech."""


def reward_func(reward: JudgeReward, decode: DecodeText | None = None) -> Callable[..., dict[str, Any]]:
    """The `reward_func(queries, prompts, labels)` to define in that file."""

    def rewarded(queries: Sequence[str], prompts: Sequence[str], labels: Sequence[Any], **more: Any) -> dict[str, Any]:
        return answer(reward.score_now(items_of(reward, queries, prompts, labels, decode)))

    return rewarded


def items_of(
    reward: JudgeReward, queries: Sequence[str], prompts: Sequence[str], labels: Sequence[Any],
    decode: DecodeText | None,
) -> list[RewardItem]:  # fmt: skip
    """The `rollouts` for this reward. `InputError` where it judges speech and nothing makes any."""
    items = rollouts(queries, prompts, labels, decode)
    if reward.speech and decode is None:
        raise InputError("got text, and a judge of speech without a function that makes the sound of it",
                         todo="name one (decode, --decode package.module:function), or say that answers are text by "
                              "design (speech=False, --text-only)")  # fmt: skip
    return items


def rollouts(
    queries: Sequence[str], prompts: Sequence[str], labels: Sequence[Any], decode: DecodeText | None
) -> list[RewardItem]:
    """Items from what OpenRLHF sends: the answer follows the prompt in the query; a label is the reference,
    where it is text or a number.

    >>> rollouts(["Why? So."], ["Why? "], [""], None)[0].answer_text
    'So.'
    """
    if not len(queries) == len(prompts) == len(labels):
        raise InputError(f"got {len(queries)} queries, {len(prompts)} prompts and {len(labels)} labels, "
                         "expected as many of each")  # fmt: skip
    return [
        _item(number, query, prompt, label, decode)
        for number, (query, prompt, label) in enumerate(zip(queries, prompts, labels, strict=True))
    ]


def _item(number: int, query: str, prompt: str, label: Any, decode: DecodeText | None) -> RewardItem:
    # A tokenizer may not give the prompt back letter by letter; then nobody can say where the answer begins.
    if not query.startswith(prompt):
        raise InputError("got a query that does not begin with its prompt", where=f"query {number}",
                         todo="check that the tokenizer decodes prompts to what they were")  # fmt: skip
    text = query[len(prompt) :]
    right = worded(label)
    said = RewardItem(None, text, question_text=prompt, reference=right if isinstance(right, str) and right else None)
    if decode is None:
        return said
    heard, crashed = made(decode, text)
    return replace(said, answer_audio=sound(heard, where=f"query {number}, decoded"), crashed=crashed)


def answer(found: Sequence[Judged]) -> dict[str, Any]:
    """The reply of the protocol. `NoRewardError` if one has no reward: the protocol has no word for it."""
    scores = [_score(number, one.reward) for number, one in enumerate(found)]
    return {"rewards": scores, "scores": scores, "extra_logs": {"wavjudge_reward": scores}}


def _score(number: int, reward: Reward) -> float:
    if reward.score is None:
        again = "send it again; replies that came are not paid for twice"
        theirs = "the same answer fails again; a floor (Guards, --floor) pays where silence was measured"
        other = "the calibration is of one model alone: see which one answers now (/health), and calibrate that"
        todo = theirs if reward.status in OUTCOMES else other if reward.status == "other_model" else again
        raise NoRewardError(f"no reward for query {number} ({reward.status}: {reward.reason})", todo=todo)
    return reward.score
