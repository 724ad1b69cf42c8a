"""Who answered for a judge so far, by a run's own log: a resume knows another model at its first reply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from wavjudge.clients.identity import Identity, OnModelChange
from wavjudge.judge.base import Judge
from wavjudge.judge.model_judge import ModelJudge
from wavjudge.signature import REPLIED, planned, resolved_model
from wavjudge.types import Rating


def identity_of(judge: Judge) -> Identity | None:
    """Of a judge that is a model behind a name; instruments are what they are."""
    return judge.identity if isinstance(judge, ModelJudge) else None


class FirstAnswers:
    """The model of the first reply under each judge's signature and name, in the order of the log."""

    def __init__(self) -> None:
        self._of_plan: dict[str, str | None] = {}
        self._of_rater: dict[str, str | None] = {}

    def add(self, rating: Rating) -> None:
        model = resolved_model(rating.signature)
        if rating.rater_kind == "model" and (model is not None or rating.status in REPLIED):
            self._of_plan.setdefault(planned(rating.signature), model)
            self._of_rater.setdefault(rating.rater, model)

    def prepare(
        self, judges: Sequence[Judge], rule: OnModelChange, tell: Callable[[str], None] | None = None, *, most: int = 1
    ) -> None:  # fmt: skip
        """Tell each judge's identity whom to expect, what to do about another model, and whom to tell (else the log).

        A judge that was asked with other prompts before is still the one of its name, unless two of this pass share it.
        """
        shared = Counter(judge.rater for judge in judges)
        for judge in judges:
            if (identity := identity_of(judge)) is None:
                continue
            identity.tell = tell or identity.tell
            identity.obey(rule, most)
            known = [self._of_plan[task.signature] for task in judge.tasks if task.signature in self._of_plan]
            if not known and shared[judge.rater] == 1 and judge.rater in self._of_rater:
                known = [self._of_rater[judge.rater]]
            if known:
                identity.expect(known[0], "the first one of this run was")
