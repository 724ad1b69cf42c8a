"""`replay:RUN`: the stored replies of a run, found again by what was asked, to be parsed anew. Nothing is sent."""

from __future__ import annotations

from collections.abc import Iterable

from wavjudge.clients.base import STATUS_OF, Failure, FailureKind, Reply, Request
from wavjudge.types import Rating


class ReplayClient:
    """Answers a request with the reply that the same question got in an earlier run.

    A request is the same when its texts, recordings, sampling and repeat are: after a change of the prompt's words the
    stored reply answers another question, and the outcome is a failure that says so. What the wire found wrong with a
    reply (cut off, no audio tokens, a filter) is wrong with it still.
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
        call, finish = rating.call, rating.details.get("finish")
        ended = finish if isinstance(finish, str) else None
        if kind := _lost(rating):
            return Failure(
                kind, (rating.reason or "").removeprefix(f"{kind}: "), text=rating.raw, finish=ended, usage=call.usage,
                provider_id=call.provider_id, resolved_model=call.resolved_model, attempts=0,
            )  # fmt: skip
        return Reply(
            rating.raw, usage=call.usage, finish=ended, provider_id=call.provider_id,
            resolved_model=call.resolved_model, attempts=0, cached=True,
        )  # fmt: skip

    async def aclose(self) -> None: ...


def _lost(rating: Rating) -> FailureKind | None:
    """The failure of the call, as a rating's reason names it in front; None for what the parser said."""
    kinds = (kind for kind, status in STATUS_OF.items() if status == rating.status)
    return next((kind for kind in kinds if (rating.reason or "").startswith(f"{kind}: ")), None)
