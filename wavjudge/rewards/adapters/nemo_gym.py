"""NeMo Gym's `POST /verify`: a rollout in, the same with its reward out; HTTP 200 and `mask_sample` where it has none.

Gym's reply must have a number as reward. Without one it holds 0.0, as Gym's own failsafe for judges does, and says at
both places that are read that it is none (`mask_sample`, `instance_config.mask_sample`): whoever masks the sample must
leave it out of its group's mean too. A judge's failure also has Gym's `_ng_failure_class`, by which its collector keeps
the row out of all figures and asks again on resume.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pybase64
from pydantic import BaseModel, ConfigDict

from wavjudge.errors import InputError
from wavjudge.rewards.item import RewardItem, Sound, sound
from wavjudge.rewards.judge_reward import Judged
from wavjudge.types import OUTCOMES

PLACEHOLDER = 0.0
"""Stands where the protocol has no word for "no reward"; never alone, always with the mask."""


class VerifyIn(BaseModel):
    """A rollout of NeMo Gym; fields beside these two are handed back. answer_audio: base64 of an audio file, unless it
    stands in the response. reference (or expected_answer), language, question_text: as in `/score`."""

    model_config = ConfigDict(extra="allow")

    responses_create_params: dict[str, Any]
    response: dict[str, Any]

    def item(self) -> RewardItem:
        """The item. `InputError` for what is not base64 of an audio file."""
        more = self.model_extra or {}
        asked = _asked(self.responses_create_params.get("input"))
        answered = list(_parts(self.response.get("output"), "assistant"))
        spoken = more.get("answer_audio") or _audio(answered, "output_audio")
        return RewardItem(
            _file(spoken, "answer_audio"), _words(answered), _text(more.get("question_text")) or _words(asked),
            _file(_audio(asked, "input_audio"), "input_audio"), language=_text(more.get("language")),
            reference=_text(more.get("reference")) or _text(more.get("expected_answer")),
        )  # fmt: skip


def verified(body: VerifyIn, found: Judged) -> dict[str, Any]:
    """The reply: what was sent, with the reward, or with the mask and why."""
    masked = found.score is None
    config = body.model_dump().get("instance_config")
    told: dict[str, Any] = {
        "reward": PLACEHOLDER if masked else found.score, "mask_sample": masked,
        "instance_config": {**(config if isinstance(config, Mapping) else {}), "mask_sample": masked},
        "status": found.reward.status, "failure_reason": found.reward.reason,
    }  # fmt: skip
    if masked and found.reward.status not in OUTCOMES:
        told |= {"_ng_failure_class": "judge_failed", "_ng_failure_judge_error": found.reward.reason}
    return {**body.model_dump(), **told}


def _asked(given: Any) -> list[Mapping[str, Any]]:
    """The parts of the last user message; a plain text is one."""
    if isinstance(given, str):
        return [{"type": "input_text", "text": given}]
    users = [
        one
        for one in (given if isinstance(given, list) else ())
        if isinstance(one, Mapping) and one.get("role") == "user"
    ]
    return list(_parts(users[-1:], "user"))


def _parts(messages: Any, role: str) -> Iterator[Mapping[str, Any]]:
    for message in messages if isinstance(messages, list) else ():
        if not isinstance(message, Mapping) or message.get("role") != role:
            continue
        content = message.get("content")
        if isinstance(content, str):
            yield {"type": "text", "text": content}
        elif isinstance(content, list):
            yield from (part for part in content if isinstance(part, Mapping))


def _words(parts: list[Mapping[str, Any]]) -> str | None:
    said = [part.get("text") or part.get("transcript") for part in parts]
    return " ".join(one for one in said if isinstance(one, str) and one) or None


def _audio(parts: list[Mapping[str, Any]], kind: str) -> Any:
    """The last recording among the parts: its data stands in the part, or in a field of the part's own type."""
    found = [part[kind] if isinstance(part.get(kind), Mapping) else part for part in parts if part.get("type") == kind]
    return found[-1].get("data") if found else None


def _file(text: Any, name: str) -> Sound | None:
    if text is None:
        return None
    where = f'field "{name}"'
    try:
        return sound(pybase64.b64decode(text, validate=True), where=where)
    except (TypeError, ValueError) as error:
        raise InputError(f"got what is not base64 ({error}), expected that of an audio file", where=where) from None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
