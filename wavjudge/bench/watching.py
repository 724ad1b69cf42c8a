"""Whoever wants to see a run go by: the progress bar, a test, or nobody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from wavjudge.types import Rating, Response


class Watcher(Protocol):
    """Is told what is to come and what was done. Numbers to come are changes: a negative one takes some back."""

    def to_answer(self, questions: int) -> None: ...

    def answered(self, response: Response) -> None: ...

    def planned(self, calls: int) -> None: ...

    def rated(self, ratings: Sequence[Rating]) -> None: ...

    def stopping(self, grace_seconds: float) -> None: ...


class Nobody:
    """A watcher that looks away."""

    def to_answer(self, questions: int) -> None: ...

    def answered(self, response: Response) -> None: ...

    def planned(self, calls: int) -> None: ...

    def rated(self, ratings: Sequence[Rating]) -> None: ...

    def stopping(self, grace_seconds: float) -> None: ...
