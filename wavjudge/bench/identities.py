"""Who answered for a judge so far, by a run's own log: a resume knows another model at its first reply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from sys import intern

from wavjudge.clients.identity import Identity, OnModelChange
from wavjudge.judges.base import Judge
from wavjudge.judges.model_judge import ModelJudge
from wavjudge.signature import REPLIED, planned, resolved_model, same_model
from wavjudge.types import Rating


def identity_of(judge: Judge) -> Identity | None:
    """Of a judge that is a model behind a name; instruments are what they are."""
    return judge.identity if isinstance(judge, ModelJudge) else None


class FirstAnswers:
    """The model of the first reply under each judge's name and settings, in the order of the log.

    Settings are what a signature says beside its prompt: a judge asked with other prompts is still the one it was, and
    a foreign reply that was the first one to another prompt says nothing of whom that prompt was meant for.
    """

    def __init__(self) -> None:
        self._of_settings: dict[tuple[str, str], str | None] = {}
        self._of_rater: dict[str, str | None] = {}

    def add(self, rating: Rating) -> bool:
        """Take note of who gave a rating; whether another model did than the first one."""
        model = resolved_model(rating.signature)
        if rating.rater_kind != "model" or (model is None and rating.status not in REPLIED):
            return False
        self._of_rater.setdefault(rating.rater, model)
        return not same_model(model, self._of_settings.setdefault(_settings(rating.rater, rating.signature), model))

    def prepare(
        self, judges: Sequence[Judge], rule: OnModelChange, tell: Callable[[str], None] | None = None, *, most: int = 1
    ) -> None:  # fmt: skip
        """Tell each judge's identity whom to expect, what to do about another model, and whom to tell (else the log).

        A judge that was asked with other settings before is still the one of its name, unless two of this pass share
        it. Where one reply of another model ends it, the first call of the pass goes alone.
        """
        shared = Counter(judge.rater for judge in judges)
        for judge in judges:
            if (identity := identity_of(judge)) is None:
                continue
            identity.tell = tell or identity.tell
            identity.obey(rule, most)
            settings = (_settings(judge.rater, task.signature) for task in judge.tasks)
            known = [self._of_settings[one] for one in settings if one in self._of_settings]
            if not known and shared[judge.rater] == 1 and judge.rater in self._of_rater:
                known = [self._of_rater[judge.rater]]
            if known:
                identity.expect(known[0], "the first one of this run was", alone=rule == "stop" and most == 1)


def _settings(rater: str, signature: str) -> tuple[str, str]:
    """A judge's name and what its signature says beside prompt, inputs and order, which belong to the prompt."""
    fields = planned(signature).split("|")
    return intern(rater), intern("|".join([fields[0], *fields[3:4]]))
