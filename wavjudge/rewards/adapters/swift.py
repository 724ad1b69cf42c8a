"""ms-swift: an `AsyncORM` for `--reward_funcs`. Checked against ms-swift 4.6.

There, a row without any reward counts as 0 (a nansum), so it gets the mean of the valid answers of its prompt, as far
as this process has them: see `neutral`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wavjudge.errors import InputError
from wavjudge.rewards.adapters.columns import Columns, said
from wavjudge.rewards.adapters.missing_rewards import Neutral
from wavjudge.rewards.judge_reward import JudgeReward

_NO_COLUMNS = ("trainer_state", "messages", "rollout_infos")


def orm(reward: JudgeReward, columns: Columns | None = None) -> type[Any]:
    """The class to put into `swift.rewards.orms` under a name; imports ms-swift.

    columns: as for TRL; `Columns.decode` reads ``response_token_ids``. The question's text is that of the last user
    message, unless there is a column for it.
    """
    from swift.rewards import AsyncORM

    where = columns or Columns()

    class JudgeORM(AsyncORM):  # type: ignore[misc, unused-ignore]
        """Rewards of completions by a wavjudge judge; `neutral` counts what it stood in for."""

        neutral = Neutral()

        async def __call__(self, completions: Sequence[Any], **given: Any) -> list[float]:
            prompts = _prompts(given, len(completions))
            known = {"answer_text": list(map(said, completions)), "question_text": _questions(given, len(completions))}
            columns = {name: values for name, values in given.items() if name not in _NO_COLUMNS}
            items = where.items(len(completions), {**known, **columns}, token_ids=given.get("response_token_ids"))
            found = await reward.score_many(items)
            return self.neutral.fill([one.reward for one in found], prompts)

    return JudgeORM


def _prompts(given: dict[str, Any], n: int) -> Sequence[Any]:
    prompts = given.get("prompt_id")
    if not prompts or len(prompts) != n:
        raise InputError(f"got {n} completions and {len(prompts or ())} entries in prompt_id, expected as many of both",
                         todo="ms-swift 4 gives them in GRPO; other algorithms have no groups")  # fmt: skip
    return list(prompts)


def _questions(given: dict[str, Any], n: int) -> list[str | None]:
    """The last user message of each conversation."""
    asked = [[one for one in messages if one.get("role") == "user"] for messages in given.get("messages") or [[]] * n]
    return [said(users) if users else None for users in asked]
