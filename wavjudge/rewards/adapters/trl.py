"""TRL: an object for `reward_funcs` of GRPOTrainer. Checked against trl 1.16.

TRL runs it on a loop of its own beside other async rewards, hands over every column of the dataset as a list, and
leaves an answer whose rewards are all None out of its group. With several reward functions a None beside a number
counts as 0 there: weigh the axes here, and give this object alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wavjudge.rewards.adapters.columns import Columns, said
from wavjudge.rewards.judge_reward import Judged, JudgeReward


class TRLReward:
    """Rewards of completions, None where there is none.

    reward: asked for all completions of a batch at once. columns: where the sound and the question stand; the text of
    the answer is the completion's, and the question's that of the prompt, unless there are columns for them. Generated
    sound comes as a column from `rollout_func`, or from `Columns.decode` of the completion's token ids.
    """

    def __init__(self, reward: JudgeReward, columns: Columns | None = None, *, name: str = "wavjudge") -> None:
        self._reward, self._columns, self.__name__ = reward, columns or Columns(), name

    async def __call__(
        self, prompts: Sequence[Any], completions: Sequence[Any], completion_ids: Sequence[Any] | None = None,
        **given: Any,
    ) -> list[float | None]:  # fmt: skip
        """One reward a completion; raises `StopRun` where training cannot go on, `InputError` for columns of no use."""
        known: dict[str, Any] = {"answer_text": list(map(said, completions)), "question_text": list(map(said, prompts))}
        columns = {name: values for name, values in given.items() if name not in _NO_COLUMNS}
        items = self._columns.items(
            len(completions), {**known, **columns}, token_ids=completion_ids, details=_step(given)
        )
        found = await self._reward.score_many(items)
        _log(found, given)
        return [one.score for one in found]


_NO_COLUMNS = ("trainer_state", "log_extra", "log_metric", "environments")


def _step(given: Mapping[str, Any]) -> dict[str, float | str | None]:
    state = given.get("trainer_state")
    return {} if state is None else {"step": state.global_step}


def _log(found: Sequence[Judged], given: Mapping[str, Any]) -> None:
    """The share without a reward as a metric, the reasons in the table of completions."""
    if found and (log_metric := given.get("log_metric")) is not None:
        log_metric("wavjudge/unscored", sum(one.score is None for one in found) / len(found))
    if (log_extra := given.get("log_extra")) is not None:
        log_extra("wavjudge", [one.reward.reason or one.reward.status for one in found])
