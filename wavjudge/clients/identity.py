"""Which model answers under a judge's name, and what becomes of a reply by another one.

Names are rerouted behind their users' backs, and what is known of a judge (its ratings so far, its calibration) belongs
to the model that gave it. Every reply is looked at, those of the cache too; one of another model is told at once, and
by default nothing more is sent.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, get_args

from wavjudge.clients.base import Attempt, Client, Failure, Reply, Request
from wavjudge.clients.wires.wire import PerLoop
from wavjudge.errors import InputError, ModelChangedError
from wavjudge.signature import same_model

OnModelChange = Literal["stop", "mark"]
"""What a reply of another model does. stop: nothing more is sent under that name. mark: it goes on, and each reply is
signed by the model that gave it."""

_ALONE_AT_MOST = 4
_SHOWN = 120  # signs of a name in a message; a server may send anything
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Identity:
    """The model behind one judge's name. The first reply says which it is, unless `expect` did.

    who: the name as asked for, such as ``openai:NAME``. most: replies of another model that end it, where the rule is
    "stop". tell: hears of the first reply of each other model; by default a warning in the log.
    others: how many replies came of which other model. stop: why nothing more is sent, once that is so.

    >>> identity = Identity("openai:m", tell=print)
    >>> for model in ("m-1", "M-1", "m-2"): identity.saw(Reply("4", resolved_model=model))
    openai:m: a reply came from 'm-2', and the first one was from 'm-1'
    >>> identity.stop is not None, dict(identity.others)
    (True, {"'m-2'": 1})
    """

    who: str
    rule: OnModelChange = "stop"
    most: int = 1
    tell: Callable[[str], None] = _log.warning
    others: Counter[str] = field(default_factory=Counter)
    stop: ModelChangedError | None = None
    is_known: bool = False
    model: str | None = None
    _source: str = "the first one was"
    _alone: int = 0

    def expect(self, model: str | None, source: str, *, alone: bool = False) -> None:
        """Fix beforehand who is to answer; None is a server that does not say. source: as "the calibration is".

        alone: one call goes at a time until a reply says who answers today, or a few have failed without saying it.
        """
        self.is_known, self.model, self._source = True, model, source
        self._alone = _ALONE_AT_MOST if alone else 0

    @property
    def goes_alone(self) -> bool:
        """Whether nobody has heard yet that the model that is expected still answers."""
        return self._alone > 0

    def heard(self, outcome: Reply | Failure) -> None:
        """Take note of an outcome that came over the wire just now."""
        self.saw(outcome)
        tells = isinstance(outcome, Reply) or outcome.resolved_model is not None
        self._alone = 0 if tells else max(0, self._alone - 1)

    def obey(self, rule: OnModelChange, most: int = 1) -> None:
        """What to do about another model. `InputError` for what is no rule."""
        check_rule(rule)
        if isinstance(most, bool) or most < 1:
            raise InputError(f"got {most} replies of another model that end it, expected 1 or more")
        self.rule, self.most = rule, most

    @property
    def said(self) -> str | None:
        """The model that answers or is to answer, in words; None as long as nobody knows."""
        return _named(self.model) if self.is_known else None

    def owns(self, model: str | None) -> bool:
        """Whether a reply that says this comes from the model that is meant; any does before the first."""
        return not self.is_known or same_model(model, self.model)

    def admit(self) -> None:
        """Raise `ModelChangedError` where nothing more is to be sent."""
        if self.stop is not None:
            raise self.stop

    def saw(self, outcome: Reply | Failure) -> None:
        """Take note of who answered. A failure that names no model may come from anywhere on the way."""
        model = outcome.resolved_model
        if isinstance(outcome, Failure) and model is None:
            return
        if not self.is_known:
            self.is_known, self.model = True, model
        elif not self.owns(model):
            self._count(model)

    def _count(self, model: str | None) -> None:
        name = _named(model)
        self.others[name] += 1
        problem = f"a reply came from {name}, and {self._source} from {_named(self.model)}"
        if self.others[name] == 1:
            self.tell(f"{self.who}: {problem}")
        if self.rule == "stop" and self.others.total() >= self.most and self.stop is None:
            self.stop = ModelChangedError(
                f"another model answers under the name {self.who}: {problem}",
                todo="name a model that stays what it is (a dated one), or take a new run folder and calibrate anew; "
                     "on_model_change mark (--on-model-change) goes on and keeps both apart",
            )  # fmt: skip


def check_rule(rule: str) -> None:
    """`InputError` for what is no rule."""
    if rule not in get_args(OnModelChange):
        raise InputError(f"got on_model_change={rule!r}, expected {' or '.join(get_args(OnModelChange))}")


def _named(model: str | None) -> str:
    return repr(model[:_SHOWN]) if model is not None else "a model that it does not name"


def watched(attempt: Attempt, identity: Identity) -> Attempt:
    """The attempt, sent only while the model is the one that is meant; who answered is known before the next goes."""

    turns: PerLoop[asyncio.Lock] = PerLoop(asyncio.Lock)

    async def by_that_model(request: Request) -> Reply | Failure:
        if identity.goes_alone:
            async with turns.get():
                if identity.goes_alone:  # whoever waited until it was known goes with all the others
                    return await sent(request)
        return await sent(request)

    async def sent(request: Request) -> Reply | Failure:
        identity.admit()
        outcome = await attempt(request)
        identity.heard(outcome)
        return outcome

    return by_that_model


class Recognised:
    """A client whose cached replies are looked at, too: they count as answers of the model that they carry."""

    def __init__(self, client: Client, identity: Identity) -> None:
        self._client, self._identity = client, identity

    async def complete(self, request: Request) -> Reply | Failure:
        """The outcome. Raises `ModelChangedError` where nothing more is to be sent."""
        self._identity.admit()
        outcome = await self._client.complete(request)
        if isinstance(outcome, Reply) and outcome.cached:
            self._identity.saw(outcome)
        return outcome

    async def aclose(self) -> None:
        await self._client.aclose()
