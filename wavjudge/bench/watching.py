"""Whoever wants to see a run go by: the progress bar, a test, or nobody."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol

from wavjudge.errors import StopRun
from wavjudge.types import Rating, Response

_log = logging.getLogger(__name__)


class Watcher(Protocol):
    """Is told what is to come and what was done. Numbers to come are changes: a negative one takes some back.

    missing: a recording that a row names is not there; told when it is met, with the row.
    gave_up: a candidate or judge can do nothing more in this run, and the others go on. changed: another model answers
    under a judge's name; the sentence says which.
    """

    def to_answer(self, questions: int) -> None: ...

    def answered(self, response: Response) -> None: ...

    def planned(self, calls: int) -> None: ...

    def rated(self, ratings: Sequence[Rating]) -> None: ...

    def missing(self, problem: str) -> None: ...

    def gave_up(self, who: str, why: StopRun) -> None: ...

    def changed(self, sentence: str) -> None: ...

    def stopping(self, grace_seconds: float) -> None: ...


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

    def stopping(self, grace_seconds: float) -> None: ...
