"""The record of a call, as a rating and an answer keep it."""

from __future__ import annotations

import secrets

from wavjudge.clients.base import Failure, Reply, Request
from wavjudge.types import Call


def call_record(
    outcome: Reply | Failure, request: Request, *, prompt_hash: str | None = None, nonce: str | None = None
) -> Call:
    """Who answered, how often it was sent, what it consumed; with the prompt behind it, for a judge's call."""
    return Call(
        id=secrets.token_hex(8), prompt_hash=prompt_hash, request_hash=request.digest, nonce=nonce,
        resolved_model=outcome.resolved_model, provider_id=outcome.provider_id, attempts=outcome.attempts,
        seconds=round(outcome.seconds, 4), cached=isinstance(outcome, Reply) and outcome.cached, usage=outcome.usage,
    )  # fmt: skip
