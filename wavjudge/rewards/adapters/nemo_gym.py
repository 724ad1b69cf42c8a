"""NeMo Gym's `POST /verify`: a rollout in, the same with its reward out; HTTP 200 and `mask_sample` where it has none.

Gym's reply must have a number as reward. Without one it holds 0.0, as Gym's own failsafe for judges does, and says at
both places that are read that it is none (`mask_sample`, `instance_config.mask_sample`): whoever masks the sample must
leave it out of its group's mean too. A mask that somebody set before stays, whatever the judge says. A judge's failure
also has Gym's `_ng_failure_class`, by which its collector keeps the row out of all figures and asks again on resume.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pybase64
from pydantic import BaseModel, ConfigDict

from wavjudge.errors import InputError
from wavjudge.rewards.adapters.columns import worded
from wavjudge.rewards.item import RewardItem, Sound, sound
from wavjudge.rewards.judge_reward import Judged
from wavjudge.types import OUTCOMES

PLACEHOLDER = 0.0
"""Stands where the protocol has no word for "no reward"; never alone, always with the mask."""


FAILURE = "_ng_failure_"
"""Begins the names of the fields that mark a failure."""


class VerifyIn(BaseModel):
    """A rollout of NeMo Gym; fields beside these two are handed back. answer_audio: base64 of an audio file, unless it
    stands in the response. reference (or expected_answer; text or a number), language, question_text: as in `/score`.
    Of a response with several messages the last one that says anything is judged."""

    model_config = ConfigDict(extra="allow")

    responses_create_params: dict[str, Any]
    response: dict[str, Any]

    def item(self) -> RewardItem:
        """The item. `InputError` for what is not base64, and for a field that is read and holds no text."""
        more = self.model_extra or {}
        asked = _asked(self.responses_create_params.get("input"))
        answered = _answered(self.response.get("output"))
        spoken = more.get("answer_audio") or _audio(answered, "output_audio")
        return RewardItem(
            _file(spoken, "answer_audio"), _words(answered, "output_audio"),
            _text(more, "question_text") or _words(asked, "input_audio"),
            _file(_audio(asked, "input_audio"), "input_audio"), language=_text(more, "language"),
            reference=_stated(more, "reference") or _stated(more, "expected_answer"),
        )  # fmt: skip


def verified(body: VerifyIn, found: Judged) -> dict[str, Any]:
    """The reply: what was sent, with the reward, or with the mask and why."""
    # What marks a failure is of an earlier pass; this one marks its own.
    sent = {name: value for name, value in body.model_dump().items() if not name.startswith(FAILURE)}
    config = sent["instance_config"] if isinstance(sent.get("instance_config"), Mapping) else {}
    masked = found.score is None or _is_set(sent.get("mask_sample")) or _is_set(config.get("mask_sample"))
    told: dict[str, Any] = {
        "reward": PLACEHOLDER if found.score is None else found.score, "mask_sample": masked,
        "instance_config": {**config, "mask_sample": masked},
        "status": found.reward.status, "failure_reason": found.reward.reason,
    }  # fmt: skip
    if found.score is None and found.reward.status not in OUTCOMES:
        told |= {f"{FAILURE}class": "judge_failed", f"{FAILURE}judge_error": found.reward.reason}
    return {**sent, **told}


def _is_set(mask: Any) -> bool:
    """Whether a mask masks; text counts as what it says.

    >>> _is_set(True), _is_set(1), _is_set("true"), _is_set("false"), _is_set(None)
    (True, True, True, False, False)
    """
    return mask.strip().lower() not in ("", "0", "false", "no", "none", "null") if isinstance(mask, str) else bool(mask)


def _asked(given: Any) -> list[Mapping[str, Any]]:
    """The parts of the last user message; a plain text is one."""
    if isinstance(given, str):
        return [{"type": "input_text", "text": given}]
    return next(reversed(_of_role(given, "user")), [])


def _answered(output: Any) -> list[Mapping[str, Any]]:
    """The parts of the last message that says anything: words and sound are of one and the same message."""
    return next((parts for parts in reversed(_of_role(output, "assistant")) if any(map(_says, parts))), [])


def _of_role(messages: Any, role: str) -> list[list[Mapping[str, Any]]]:
    """The parts of each message of a role."""
    given = messages if isinstance(messages, list) else []
    return [list(_parts(one.get("content"))) for one in given if isinstance(one, Mapping) and one.get("role") == role]


def _parts(content: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(content, str):
        yield {"type": "text", "text": content}
    elif isinstance(content, list):
        yield from (part for part in content if isinstance(part, Mapping))


def _says(part: Mapping[str, Any]) -> bool:
    """Whether a part holds words or a recording."""
    return any(_opened(part).get(name) for name in ("text", "transcript", "data"))


def _opened(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """A part with what stands in the field of its own type, where recordings may lie."""
    inner = part.get(str(part.get("type")))
    return {**part, **inner} if isinstance(inner, Mapping) else part


def _words(parts: list[Mapping[str, Any]], kind: str) -> str | None:
    """The words of a message. Where its last recording has a transcript, an answer is that, and a question both."""
    heard = _recordings(parts, kind)[-1:]
    spoken = [one["transcript"] for one in heard if _is_text(one.get("transcript"))]
    written = [one for part in parts if part.get("type") != kind
               if _is_text(one := part.get("text") or part.get("transcript"))]  # fmt: skip
    if kind == "output_audio" and spoken:
        return str(spoken[-1])
    return " ".join(written + spoken) or None


def _audio(parts: list[Mapping[str, Any]], kind: str) -> Any:
    """The last recording among the parts: its data stands in the part, or in a field of the part's own type."""
    found = _recordings(parts, kind)
    return found[-1].get("data") if found else None


def _recordings(parts: list[Mapping[str, Any]], kind: str) -> list[Mapping[str, Any]]:
    return [_opened(part) for part in parts if part.get("type") == kind]


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _file(text: Any, name: str) -> Sound | None:
    if text is None:
        return None
    where = f'field "{name}"'
    try:
        return sound(pybase64.b64decode(text, validate=True), where=where)
    except (TypeError, ValueError) as error:
        raise InputError(f"got what is not base64 ({error}), expected that of an audio file", where=where) from None


def _text(given: Mapping[str, Any], name: str) -> str | None:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise InputError(f"got {type(value).__name__}, expected text", where=f'field "{name}"')
    return value or None


def _stated(given: Mapping[str, Any], name: str) -> str | None:
    """A right answer, which may be a number: 42 is "42".

    >>> _stated({"expected_answer": 0}, "expected_answer")
    '0'
    """
    value = worded(given.get(name))
    if value is not None and not isinstance(value, str):
        raise InputError(f"got {value!r:.60}, expected text or a number", where=f'field "{name}"')
    return value or None
