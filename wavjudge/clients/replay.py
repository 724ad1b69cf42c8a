"""`replay:RUN`: the stored replies of a run, found again by what was asked, to be parsed anew. Nothing is sent."""

from __future__ import annotations

from collections.abc import Iterable

from wavjudge.clients.base import Failure, Reply, Request
from wavjudge.types import Rating


class ReplayClient:
    """Answers a request with the reply that the same question got in an earlier run.

    A request is the same when its texts, recordings, sampling and repeat are: after a change of the prompt's words the
    stored reply answers another question, and the outcome is a failure that says so.
    """

    def __init__(self, ratings: Iterable[Rating]) -> None:
        self._replies: dict[str, Rating] = {}
        for rating in ratings:
            if rating.call and rating.call.request_hash and rating.raw is not None:
                self._replies[rating.call.request_hash] = rating

    def __len__(self) -> int:
        return len(self._replies)

    async def complete(self, request: Request) -> Reply | Failure:
        rating = self._replies.get(request.digest)
        if rating is None or rating.raw is None or rating.call is None:
            return Failure("bad_request", "the replayed run holds no reply to this question")
        return Reply(
            rating.raw, usage=rating.call.usage, provider_id=rating.call.provider_id,
            resolved_model=rating.call.resolved_model, attempts=0, cached=True,
        )  # fmt: skip

    async def aclose(self) -> None: ...
