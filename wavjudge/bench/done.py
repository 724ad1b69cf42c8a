"""What a run folder holds already: the key that a resume compares, and what stands under it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from sys import intern

from wavjudge.clients.identity import Identity, OnModelChange
from wavjudge.internal import PREFIX
from wavjudge.judges.base import Judge, Task
from wavjudge.judges.model_judge import ModelJudge
from wavjudge.signature import REPLIED, planned, resolved_model, same_model
from wavjudge.store.run_folder import RunFolder
from wavjudge.types import Item, Rating, RatingKey, Response, Status, Stored, Subject

# Who answered for a judge so far, by a run's own log: a resume knows another model at its first reply.


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


RETRIED_STATUSES: frozenset[Status] = frozenset({"failed"})
"""What a resume asks for again: calls that failed. Refused, unparseable and unheard are verdicts about the judge."""

INTERNAL = "internal"
"""Asks again also for what failed by an error of wavjudge after the reply had come: it was paid for, and is kept."""


class Done:
    """What the run folder already holds, by the key that resume compares.

    It is all in memory, and all that grows with a run: so records stand as JSON, a fifth of the memory of the objects.
    """

    def __init__(self, run: RunFolder, retry: Collection[str]) -> None:
        self._items = {(item.benchmark, item.id): _json(item) for item in run.items()}
        self._responses = {_key(response): _json(response) for response in run.responses()}
        self._ratings: dict[RatingKey, str | None] = {}
        self._foreign: dict[RatingKey, str] = {}  # by another model than the first one of its judge
        self.answered = FirstAnswers()
        for rating in run.ratings():
            if self.answered.add(rating) and not _is_asked_again(rating, retry):
                self._foreign[_rating_key(rating)] = resolved_model(rating.signature) or ""
            else:
                self._ratings[_rating_key(rating)] = rating.id if _is_asked_again(rating, retry) else None

    def item(self, benchmark: str, item_id: str) -> Item | None:
        found = self._items.get((benchmark, item_id))
        return None if found is None else Item.model_validate_json(found)

    def add(self, item: Item) -> None:
        self._items[item.benchmark, item.id] = _json(item)

    def response(self, key: tuple[str, str, str, int]) -> Response | None:
        found = self._responses.get(key)
        return None if found is None else Response.model_validate_json(found)

    def needed(self, subject: Subject, judge: Judge, task: Task, repeat: int) -> tuple[tuple[str, str], ...] | None:
        """None if the task is done; else what it supersedes (often nothing).

        A rating by another model than the judge's first one is done only where models may change: it stands beside.
        """
        keys = {axis.name: _task_key(subject, axis.name, judge.rater, task.signature, repeat) for axis in task.axes}
        held = {axis: self._held(key, identity_of(judge)) for axis, key in keys.items()}
        stale = tuple((axis, old) for axis, old in held.items() if old is not None)
        if len(stale) == len(keys) and not any(old for _, old in stale):
            return None
        return tuple((axis, old) for axis, old in stale if old)

    def _held(self, key: RatingKey, identity: Identity | None) -> str | None:
        """The id of what is asked again, empty for what is done, None for what is not there."""
        if key in self._foreign and (identity is None or identity.rule == "mark"):
            return ""
        return (self._ratings[key] or "") if key in self._ratings else None

    def foreign(self, judge: Judge) -> Counter[str]:
        """How many ratings that this judge is asked for stand by which other model alone."""
        plans = {task.signature for task in judge.tasks}
        found = ((key, model) for key, model in self._foreign.items() if key[2] == judge.rater and key[3] in plans)
        return Counter(model for key, model in found if key not in self._ratings)


def _is_asked_again(rating: Rating, retry: Collection[str]) -> bool:
    """`internal` means every error of wavjudge, paid for or not; without it those that were paid for stay."""
    if INTERNAL in retry and (rating.reason or "").startswith(PREFIX):
        return True
    return not _is_kept(rating) and rating.status in retry


def _json(record: Stored) -> bytes:
    return record.model_dump_json().encode()


def _key(response: Response) -> tuple[str, str, str, int]:
    return response.benchmark, response.item_id, response.candidate, response.attempt


def _rating_key(rating: Rating) -> RatingKey:
    return _task_key(rating.subject, rating.axis, rating.rater, planned(rating.signature), rating.repeat)


def _task_key(subject: Subject, axis: str, rater: str, signature: str, repeat: int) -> RatingKey:
    # Of a hundred thousand keys each has its own copy of the same few names, unless they are interned.
    benchmark, candidate = intern(subject.benchmark), intern(subject.candidate)
    answer = (benchmark, subject.item_id, candidate, subject.attempt, subject.turn)
    return answer, intern(axis), intern(rater), intern(signature), repeat


def _is_kept(rating: Rating) -> bool:
    """Whether an error of ours came after the reply, which stands in the record."""
    return rating.status == "failed" and rating.call is not None and (rating.reason or "").startswith(PREFIX)
