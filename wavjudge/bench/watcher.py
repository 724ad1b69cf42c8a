"""Whoever wants to see a run go by: the progress bar, a test, or nobody."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence, Sized
from typing import ParamSpec, Protocol

from wavjudge.errors import InputError, StopRun
from wavjudge.internal import ends_the_run, noted
from wavjudge.types import Rating, Response

_log = logging.getLogger(__name__)
P = ParamSpec("P")


class Watcher(Protocol):
    """Is told what is to come and what was done. Numbers to come are changes: a negative one takes some back.

    missing: a recording that a row names is not there; told when it is met, with the row.
    gave_up: a candidate or judge can do nothing more in this run, and the others go on. changed: another model answers
    under a judge's name; the sentence says which. warned: something is going wrong that the user can mend now.
    """

    def to_answer(self, questions: int) -> None: ...

    def answered(self, response: Response) -> None: ...

    def planned(self, calls: int) -> None: ...

    def rated(self, ratings: Sequence[Rating]) -> None: ...

    def missing(self, problem: str) -> None: ...

    def gave_up(self, who: str, why: StopRun) -> None: ...

    def changed(self, sentence: str) -> None: ...

    def warned(self, sentence: str) -> None: ...

    def stopping(self, grace_seconds: float) -> None: ...


class Unheard:
    """A watcher whose own troubles do not reach the run: a bar that breaks is noted, and the run goes on."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher

    def to_answer(self, questions: int) -> None:
        _told(self._watcher.to_answer, questions)

    def answered(self, response: Response) -> None:
        _told(self._watcher.answered, response)

    def planned(self, calls: int) -> None:
        _told(self._watcher.planned, calls)

    def rated(self, ratings: Sequence[Rating]) -> None:
        _told(self._watcher.rated, ratings)

    def missing(self, problem: str) -> None:
        _told(self._watcher.missing, problem)

    def gave_up(self, who: str, why: StopRun) -> None:
        _told(self._watcher.gave_up, who, why)

    def changed(self, sentence: str) -> None:
        _told(self._watcher.changed, sentence)

    def warned(self, sentence: str) -> None:
        _told(self._watcher.warned, sentence)

    def stopping(self, grace_seconds: float) -> None:
        _told(self._watcher.stopping, grace_seconds)


def _told(tell: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    try:
        tell(*args, **kwargs)
    except Exception as error:
        if ends_the_run(error):
            raise
        noted(error)


class Nobody:
    """A watcher that looks away; that a judge is another one by now stands in the log all the same."""

    def to_answer(self, questions: int) -> None: ...

    def answered(self, response: Response) -> None: ...

    def planned(self, calls: int) -> None: ...

    def rated(self, ratings: Sequence[Rating]) -> None: ...

    def missing(self, problem: str) -> None: ...

    def gave_up(self, who: str, why: StopRun) -> None: ...

    def changed(self, sentence: str) -> None:
        _log.warning(sentence)

    def warned(self, sentence: str) -> None:
        _log.warning(sentence)

    def stopping(self, grace_seconds: float) -> None: ...


def rows_of(source: Sized) -> int:
    """How many rows there are, for whoever looks on; a count that breaks does not keep them from being handled."""
    try:
        return len(source)
    except Exception as error:
        if ends_the_run(error) or isinstance(error, InputError):
            raise
        noted(error)
        return 0
