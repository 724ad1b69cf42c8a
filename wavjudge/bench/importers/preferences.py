"""Which of two answers somebody preferred, as another project wrote it: a `Comparison`, never a score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from wavjudge.bench.importers.base import Imported
from wavjudge.types import Comparison, RaterKind, Subject

Outcome = Literal["a", "b", "tie", "both_good", "both_bad"]


@dataclass(slots=True)
class People:
    """The votes of people whom a source does not tell apart: votes on the same pair and axis are repeats.

    votes: the outcome that each word of the source stands for. column: where the word stands. kind, signature: of a
    judge whose votes they are.
    """

    rater: str
    votes: Mapping[str, Outcome]
    column: str
    kind: RaterKind = "person"
    signature: str | None = None
    seen: Counter[tuple[Subject, Subject, str]] = field(default_factory=Counter)

    def compared(
        self, first: Subject, second: Subject, axis: str, said: Any, where: str, imported: Imported, *,
        time: datetime | None = None, shown_first: Literal["a", "b"] | None = None, justification: str | None = None,
    ) -> Comparison:  # fmt: skip
        """One vote; a word that is none of the source's is kept as `unparseable` and told."""
        outcome = self.votes.get(said) if isinstance(said, str) else None
        reason = None if outcome else f"got {said!r:.40}, expected one of {', '.join(self.votes)}"
        if reason:
            imported.bad_rows.append(f'{where}, field "{self.column}": {reason}; kept as unparseable')
        repeat = self.seen[first, second, axis]
        self.seen[first, second, axis] += 1
        return Comparison(
            first=first, second=second, axis=axis, rater=self.rater, rater_kind=self.kind, repeat=repeat,
            outcome=outcome, status="ok" if outcome else "unparseable", reason=reason,
            raw=None if outcome else str(said)[:2000], signature=self.signature or self.rater, time=time,
            shown_first=shown_first, justification=justification,
        )  # fmt: skip
