"""The models whose verdicts a reward takes: those that were calibrated, else whoever answered first.

A reward that obeys a calibration is paid for verdicts of the model that it is of, and for no other's, whatever the name
that was asked for. Without one the first reply decides, unless a change is only to be marked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from wavjudge.bench.done import FirstAnswers, identity_of
from wavjudge.clients.identity import Identity, OnModelChange, check_rule
from wavjudge.errors import InputError, ModelChangedError
from wavjudge.judges.base import Judge, Task
from wavjudge.rewards.gate import Permit
from wavjudge.signature import planned, resolved, resolved_model, same_judge, same_model, unverified
from wavjudge.types import Rating


class WhoAnswers:
    """Whose ratings become a reward.

    tasks: who rates which axes. permits: of the weighted ones, where a calibration is obeyed. rule, most: as of an
    `Identity`; with a calibration there is only "stop".

    Raises `InputError` where the calibration asks for two models behind one name, and for a rule that cannot be.
    """

    def __init__(
        self, tasks: Sequence[tuple[Judge, Task]], permits: Collection[Permit], *, rule: OnModelChange, most: int
    ) -> None:
        check_rule(rule)
        if permits and rule == "mark":
            raise InputError("got on_model_change='mark' and a calibration, which is of one model alone",
                             todo="leave one of them out")  # fmt: skip
        self._rule, self._most, self._tasks = rule, most, tasks
        self._calibrated = {permit.axis: permit.signature for permit in permits}
        self._identities = {task.signature: found for judge, task in tasks if (found := identity_of(judge)) is not None}
        self.begin()

    def begin(self, earlier: Iterable[Rating] = ()) -> None:
        """Fix who is to answer, as far as it is known. earlier: the ratings of the trace that is gone on with."""
        first = FirstAnswers()
        for rating in earlier:
            first.add(rating)
        first.prepare(list({id(judge): judge for judge, _ in self._tasks}.values()), self._rule, most=self._most)
        for identity in self._all():
            if wanted := self._wanted(identity):
                _refuse_two(identity, wanted)
                identity.expect(resolved_model(wanted[0]), "the calibration is of verdicts")

    def _all(self) -> Iterator[Identity]:
        yield from {id(one): one for one in self._identities.values()}.values()

    def _wanted(self, identity: Identity) -> list[str]:
        """The calibrated signatures of the axes that are asked of one judge."""
        tasks = [task for _, task in self._tasks if self._identities.get(task.signature) is identity]
        return [self._calibrated[axis.name] for task in tasks for axis in task.axes if axis.name in self._calibrated]

    def refused(self, ratings: Iterable[Rating], axes: Collection[str]) -> str | None:
        """Why the ratings of one answer make no reward on these axes; None where the right model gave all of them."""
        given: dict[str, Rating] = {}
        for rating in ratings:
            if rating.status != "ok" or rating.axis not in axes:
                continue
            beside = given.setdefault(rating.axis, rating)
            if not same_judge(beside.signature, rating.signature):
                return (
                    f"{rating.axis}: repeats by {_model(beside.signature)} and {_model(rating.signature)} are no mean"
                )
            if why := self._foreign(rating):
                return f"{rating.axis}: {why}"
        return None

    def _foreign(self, rating: Rating) -> str:
        wanted, given = self._calibrated.get(rating.axis), rating.signature
        if wanted is not None:
            other = f"rated by {_model(given)}, and the calibration is of {_model(wanted)}"
            return "" if same_judge(wanted, given) else other
        identity = self._identities.get(planned(given))
        if identity is None or self._rule == "mark" or identity.owns(resolved_model(given)):
            return ""
        return f"rated by {_model(given)}, and {identity.said} answered first"

    @property
    def stop(self) -> ModelChangedError | None:
        """Why nothing more is asked, once too many replies came from another model."""
        return next((one.stop for one in self._all() if one.stop is not None), None)

    @property
    def others(self) -> dict[str, int]:
        """How many replies came of which other model."""
        return {f"{one.who}: {name}": count for one in self._all() for name, count in one.others.items()}

    @property
    def told(self) -> dict[str, str]:
        """Of each axis that a model rates: who answers, as far as that is known, and whether it is verified."""
        return {axis.name: self._told(task) for _, task in self._tasks for axis in task.axes
                if task.signature in self._identities}  # fmt: skip

    def _told(self, task: Task) -> str:
        identity = self._identities[task.signature]
        if not identity.is_known:
            return "not known before the first reply"
        return unverified(resolved(task.signature, identity.model)) or f"verified: {identity.model}"


def _refuse_two(identity: Identity, wanted: Sequence[str]) -> None:
    models = list(map(resolved_model, wanted))
    if other := next((one for one in wanted if not same_model(models[0], resolved_model(one))), None):
        raise InputError(f"got a calibration of {identity.who} by {_model(wanted[0])} on one axis and by "
                         f"{_model(other)} on another, expected one model behind all axes of a reward",
                         todo="calibrate all axes with the model that answers today")  # fmt: skip


def _model(signature: str) -> str:
    return resolved_model(signature) or "a model that its replies do not name"
