"""What the reward server takes and gives: models of the bodies, and the OpenAPI document."""

from __future__ import annotations

from functools import cache
from typing import Any

import pybase64
from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

from wavjudge.errors import InputError
from wavjudge.rewards.adapters.nemo_gym import VerifyIn
from wavjudge.rewards.adapters.verl_omni import AudioScoreIn
from wavjudge.rewards.item import RewardItem, sound
from wavjudge.rewards.judge_reward import Judged
from wavjudge.version import __version__

MOST_ITEMS = 1024


class Body(BaseModel):
    """Base of the bodies: an unknown field is an error."""

    model_config = ConfigDict(extra="forbid")


class ItemIn(Body):
    """One answer. Recordings are base64 of an audio file (WAV, FLAC, OGG, MP3): it states its own sample rate."""

    answer_audio: str | None = Field(None, description="base64 of an audio file; null if nothing was spoken")
    answer_text: str | None = None
    question_text: str | None = None
    question_audio: str | None = Field(None, description="base64 of an audio file")
    id: str = Field("", max_length=200, description="of the prompt; default: a hash of what was asked")
    language: str | None = None
    reference: str | None = None

    def item(self, number: int) -> RewardItem:
        """The item; `InputError` for what is not base64. Bytes that are no sound are found out when it is judged."""
        told = self.model_dump()
        for name in ("answer_audio", "question_audio"):
            where = f'items[{number}], field "{name}"'
            told[name] = sound(_bytes(told[name], where), where=where)
        return RewardItem(**told)


class ScoreIn(Body):
    """Answers to be rewarded."""

    items: list[ItemIn] = Field(min_length=1, max_length=MOST_ITEMS)


class ResultOut(Body):
    """One reward. `reward` is null where there is none, and `status` and `reason` say why. axes: what the judge said of
    each, the mean of its repeats, before weights and maps."""

    reward: float | None
    status: str
    reason: str | None
    axes: dict[str, float | None]

    @classmethod
    def of(cls, judged: Judged) -> ResultOut:
        return cls(reward=judged.score, status=judged.reward.status, reason=judged.reward.reason, axes=judged.axes)


class ScoreOut(Body):
    """One result per item, in their order."""

    results: list[ResultOut]


class GetRewardIn(BaseModel):
    """The body that OpenRLHF posts: decoded sequences, their prompts, their labels."""

    query: list[str] = Field(min_length=1, max_length=MOST_ITEMS)
    prompts: list[str]
    labels: list[Any]


class GetRewardOut(Body):
    """The reply that OpenRLHF reads; one number per query."""

    rewards: list[float]
    scores: list[float]
    extra_logs: dict[str, list[float]]


class ErrorOut(Body):
    """Why there is no answer."""

    error: str
    message: str


class AudioScoreOut(BaseModel):
    """The reply of the audio scorer protocol: a finite score, and beside it figures of single axes (axis_NAME)."""

    model_config = ConfigDict(extra="allow")

    score: float
    status: str


class VerifyOut(BaseModel):
    """What was sent, with its reward. Where mask_sample is true there is none, and reward is a placeholder."""

    model_config = ConfigDict(extra="allow")

    reward: float
    mask_sample: bool
    instance_config: dict[str, Any]
    status: str
    failure_reason: str | None


class HealthOut(Body):
    """What the server is, and what it has done. trouble: why the last request got nothing, if so. paused: why requests
    are refused just now without asking anybody, and for how many seconds more; null and 0 where they are taken.

    identity: by axis, who answers, as far as that is known. other_models: replies of other models; no rewards."""

    signature: str
    answers: dict[str, int]
    calls: int
    cached: int
    trouble: str | None
    paused: str | None
    paused_seconds: float
    identity: dict[str, str] = {}
    other_models: dict[str, int] = {}


Bodies = tuple[type[BaseModel], ...]
_ROUTES: tuple[tuple[str, str, Bodies, Bodies, str], ...] = (
    (
        "post",
        "/score",
        (ScoreIn, AudioScoreIn),
        (ScoreOut, AudioScoreOut),
        "Rewards of answers; null with a reason where there is none. With protocol_version as verl-omni asks",
    ),
    ("post", "/get_reward", (GetRewardIn,), (GetRewardOut,), "The same for OpenRLHF; 503 where any has none"),
    ("post", "/verify", (VerifyIn,), (VerifyOut,), "The same for NeMo Gym; mask_sample where there is none"),
    ("get", "/health", (), (HealthOut,), "Who judges, and what was done so far"),
)
_ABOUT = ("JSON in, JSON out; a failure never becomes a number. Where the server has a token, every request shows it: "
          "Authorization: Bearer TOKEN.")  # fmt: skip
_ERRORS = {
    "400": "a body that cannot be used", "401": "no token, or another one", "403": "a Host that is not this machine",
    "413": "a body over the limit", "415": "a body that is not JSON", "503": "no reward: message says why",
}  # fmt: skip
_WITHOUT_BODY = ("401", "403", "503")
"""What a request that posts nothing may be answered."""


@cache
def document() -> dict[str, Any]:
    """The OpenAPI 3.1 description."""
    models = {model for route in _ROUTES for model in (*route[2], *route[3])} | {ErrorOut}
    ordered = sorted(models, key=lambda model: model.__name__)
    _, found = models_json_schema([(m, "validation") for m in ordered], ref_template="#/components/schemas/{model}")
    paths = {
        path: {method: _operation(*rest)} for (method, path), rest in [(route[:2], route[2:]) for route in _ROUTES]
    }
    return {
        "openapi": "3.1.0", "paths": paths,
        "info": {"title": "wavjudge rewards", "version": __version__, "description": _ABOUT},
        "components": {"schemas": found["$defs"], "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{}, {"token": []}],
    }  # fmt: skip


def _operation(takes: Bodies, gives: Bodies, summary: str) -> dict[str, Any]:
    errors = {code: ((ErrorOut,), why) for code, why in _ERRORS.items() if takes or code in _WITHOUT_BODY}
    replies: dict[str, tuple[Bodies, str]] = {"200": (gives, "what was asked for"), **errors}
    found: dict[str, Any] = {
        "summary": summary,
        "responses": {code: {"description": why, "content": _content(m)} for code, (m, why) in replies.items()},
    }
    return {**found, "requestBody": {"required": True, "content": _content(takes)}} if takes else found


def _content(models: Bodies) -> dict[str, Any]:
    named = [{"$ref": f"#/components/schemas/{model.__name__}"} for model in models]
    return {"application/json": {"schema": named[0] if len(named) == 1 else {"anyOf": named}}}


def _bytes(text: str | None, where: str) -> bytes | None:
    if text is None:
        return None
    try:
        return pybase64.b64decode(text, validate=True)
    except ValueError as error:  # binascii.Error is one
        raise InputError(
            f"got text that is not base64 ({error}), expected that of an audio file", where=where
        ) from None
