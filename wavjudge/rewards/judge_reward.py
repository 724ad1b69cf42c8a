"""A judge as a training reward: rollouts in, one reward each, or the reason why there is none.

    RewardItem ── rollout_store.py ─ Case ── guards.py ── Ensemble ── combine.py ─► Reward ── ceiling.py

The judge layer does the asking, with its cache, limits, retries and prices; here is what a training needs around it: a
deadline for a whole batch, guards before a judge is paid, a ceiling on failures, and a trace of every reward.
"""

from __future__ import annotations

import asyncio
import atexit
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from wavjudge.analysis.stats.recalibration import RecalibrationMap
from wavjudge.bench.workers import first_of
from wavjudge.clients.identity import OnModelChange
from wavjudge.errors import InputError, ModelChangedError, StopRun
from wavjudge.judges.base import Case, Judge, Task, unscored
from wavjudge.judges.build import build
from wavjudge.judges.context import workshop
from wavjudge.rewards.ceiling import Ceiling
from wavjudge.rewards.combine import SKIP, Policy, Reward, Unscored, Weights, combine, outcomes
from wavjudge.rewards.gate import CalibrationGate, Permit, mapped
from wavjudge.rewards.guards import Guarded, Guards
from wavjudge.rewards.item import RewardItem
from wavjudge.rewards.own_loop import OwnLoop
from wavjudge.rewards.rollout_store import Spool, Taken
from wavjudge.rewards.who_answers import WhoAnswers
from wavjudge.signature import planned
from wavjudge.types import OUTCOMES, Outcome, RaterKind, Rating, Status

# The judges of a reward: who rates which weighted axis, the asking, and which of their ratings stand.

ASKED_AGAIN: frozenset[Status] = frozenset({"unparseable", "not_heard"})
"""What `tries` asks for again. A failed call was retried already, and a refusal stands."""


class Ensemble:
    """Judges and their tasks on the weighted axes. tries: how often one is asked whose reply has no verdict.

    Raises `InputError` where no judge rates a weighted axis, or one on another scale than the weights have.
    """

    def __init__(self, judges: Sequence[Judge], weights: Weights, *, repeats: int, tries: int) -> None:
        self.judges = tuple(judges)
        self.tasks = _tasks(self.judges, weights)
        self._repeats, self._tries = repeats, tries

    def weighed(self, weights: Weights) -> Ensemble:
        """The same judges on the axes of other weights."""
        return Ensemble(self.judges, weights, repeats=self._repeats, tries=self._tries)

    @property
    def signatures(self) -> dict[str, str]:
        """The signature that rates each axis, as planned: without the model that will answer."""
        return {axis.name: task.signature for _, task in self.tasks for axis in task.axes}

    @property
    def kinds(self) -> dict[str, RaterKind]:
        """What kind of rater rates each axis."""
        return {axis.name: judge.rater_kind for judge, task in self.tasks for axis in task.axes}

    async def ratings(self, case: Case) -> list[Rating]:
        """All ratings of one answer; an instrument is asked once, whatever `repeats` says."""
        async with asyncio.TaskGroup() as group:
            asked = [
                group.create_task(self._asked(judge, case, task, repeat))
                for judge, task in self.tasks
                for repeat in range(self._repeats if judge.rater_kind == "model" else 1)
            ]
        return [rating for one in asked for rating in one.result()]

    async def aclose(self) -> None:
        for judge in self.judges:
            await judge.aclose()

    async def _asked(self, judge: Judge, case: Case, task: Task, repeat: int) -> list[Rating]:
        """The ratings of one task; each further try is a repeat of its own, so that no cache answers it."""
        made: list[Rating] = []
        for number in range(repeat, repeat + self._tries * self._repeats, self._repeats):
            try:
                found = await judge.rate(case, task, number)
            except ModelChangedError as error:  # raised for the batch, once what is under way has come back
                found = unscored(judge, case, task, number, "failed", f"not asked: {error.problem}")
            made += found
            if not any(rating.status in ASKED_AGAIN for rating in found):
                break
        return made


def standing(ratings: Sequence[Rating]) -> list[Rating]:
    """Of each axis the ratings that settle it: the ok ones, else all. A failed call never learns who answered."""
    scored = {rating.axis for rating in ratings if rating.status == "ok"}
    return [
        rating.model_copy(update={"signature": planned(rating.signature)})
        for rating in ratings if rating.status == "ok" or rating.axis not in scored
    ]  # fmt: skip


def _tasks(judges: Sequence[Judge], weights: Weights) -> list[tuple[Judge, Task]]:
    """The tasks that rate a weighted axis. `InputError` where nobody rates one, or on another scale."""
    tasks = [(judge, task) for judge in judges for task in judge.tasks if _weighted(task, weights)]
    rated = {axis.name: axis.scale for _, task in tasks for axis in task.axes}
    if missing := sorted(set(weights.axes) - set(rated)):
        raise InputError(f"got a weight for {', '.join(missing)}, which none of the judges rates",
                         todo="name a prompt set that has it, or leave it out")  # fmt: skip
    wanted = weights.scale.low, weights.scale.high
    for axis in weights.axes:
        if (found := (rated[axis].low, rated[axis].high)) != wanted:
            raise InputError(
                f"got weights on the scale {wanted[0]}..{wanted[1]}, and {axis} is rated on {found[0]}..{found[1]}",
                todo="give Weights the scale of the axes; axes of different scales make no sum",
            )
    return tasks


def _weighted(task: Task, weights: Weights) -> bool:
    return any(axis.name in weights.axes for axis in task.axes)


DEFAULT_GUARDS = ("no_speech",)


@dataclass(frozen=True, slots=True)
class Judged:
    """One rollout's reward with what it came from: the ratings, and what the guards said (None: not asked)."""

    reward: Reward
    ratings: tuple[Rating, ...] = ()
    guarded: Guarded | None = None

    @property
    def score(self) -> float | None:
        """The reward as a number, or None."""
        return self.reward.score

    @property
    def axes(self) -> dict[str, float | None]:
        """What the judge said of each axis, the mean of its repeats, before weights and maps."""
        said: dict[str, list[float]] = {rating.axis: [] for rating in self.ratings}
        for rating in self.ratings:
            said[rating.axis] += [rating.score] if rating.score is not None else []
        return {axis: fmean(scores) if scores else None for axis, scores in said.items()}

    @property
    def own(self) -> bool:
        """Whether the candidate gave nothing that a judge could be asked about: its outcome, or a guard that trips."""
        return self.reward.status in OUTCOMES[1:] or (self.guarded is not None and not self.guarded.passes)


@dataclass(frozen=True, slots=True)
class Answered:
    """Results of some items, in their order. stop: why no more was asked; what got no verdict then is ``failed``."""

    judged: list[Judged]
    stop: StopRun | None = None

    @classmethod
    def of(cls, ended: Sequence[Judged | BaseException]) -> Answered:
        """Raises what is no `StopRun`."""
        errors = [_first(one) for one in ended if isinstance(one, BaseException)]
        serious = [one for one in errors if not isinstance(one, StopRun | asyncio.CancelledError)]
        if serious:
            raise serious[0]
        stop = next((one for one in errors if isinstance(one, StopRun)), None)
        lost = Judged(Reward(None, "failed", f"not asked any more: {stop}"))
        return cls([lost if isinstance(one, BaseException) else one for one in ended], stop)


def _first(error: BaseException) -> BaseException:
    return first_of(error) if isinstance(error, BaseExceptionGroup) else error


class JudgeReward:
    """One or more judges as a reward; made once, used for a whole training, closed at its end.

    Parameters
    ----------
    judges: SPECs, such as ``gemini:gemini-3.5-flash``; each weighted axis is rated by one of them.
    weights: of the axes, summing to 1; ``{"overall": 1}`` for one. A `Weights` where their scale is not 1..5.
    calibration: the calibration.json that the reward obeys, or an `CalibrationGate`: an axis that may not be optimised
    is
        refused or weighs less, and scores may be mapped to people's. None: nobody asked how far to trust the judge.
    guards: what must hold before a judge is paid; None for none. They need the extra `local`.
    on_model_change: what becomes of a verdict by another model than the calibrated one, or, without a calibration, than
        the one that answered first. "stop": it is no reward (``other_model``), and after `foreign_replies` of them
        nothing more is sent. "mark", only without a calibration: it is one; repeats by two models never make a mean.
    policy: what an answer without a reward becomes; by default None.
    ceiling: stops the training when too much fails; None for no ceiling.
    repeats: ratings of each answer, averaged. tries: how often a judge is asked whose reply has no verdict.
    deadline_seconds: for one call of `score_many`; what has no verdict by then has no reward (``failed``).
    log: run folder that keeps a trace of every reward, its recordings up to `log_mebibytes` (the oldest go).
    benchmark, candidate: names in that trace. speech: False where answers are text by design.
    prompts, prompt_set, price, max_cost, cache: as in `wavjudge.score`.

    Raises `InputError`, `SpecError`, `MissingPartError`, `AuthError` before anything is sent.
    """

    def __init__(
        self, judges: str | Sequence[str], weights: Weights | Mapping[str, float], *,
        calibration: CalibrationGate | str | Path | None = None,
        guards: Guards | Sequence[str] | None = DEFAULT_GUARDS, policy: Policy = SKIP,
        ceiling: Ceiling | None = None, repeats: int = 1, tries: int = 1, deadline_seconds: float = 300.0,
        log: str | Path | None = None, log_mebibytes: float = 1024.0, benchmark: str = "rollouts",
        candidate: str = "policy", speech: bool = True, max_answer_seconds: float = 600.0,
        prompts: str | Path | None = None, prompt_set: str = "separate", price: str | None = None,
        max_cost: float | None = None, cache: bool = True,
        on_model_change: OnModelChange = "stop", foreign_replies: int = 1,
    ) -> None:  # fmt: skip
        if repeats < 1 or tries < 1 or not deadline_seconds > 0:
            raise InputError(f"got repeats={repeats}, tries={tries}, deadline_seconds={deadline_seconds}, expected "
                             "at least 1 of each and a positive deadline")  # fmt: skip
        specs = [judges] if isinstance(judges, str) else list(judges)
        self.weights = weights if isinstance(weights, Weights) else Weights(dict(weights))
        self.guards = guards if isinstance(guards, Guards) or guards is None else Guards(list(guards))
        self.policy, self.ceiling, self.speech = policy, ceiling, speech
        self._deadline = deadline_seconds
        shop = workshop(specs, axes=list(self.weights.axes), prompts=prompts, prompt_set=prompt_set, price=price,
                        max_cost=max_cost, cache=cache)  # fmt: skip
        self.meter, self._cache = shop.meter, shop.cache
        self._ensemble = Ensemble([build(spec, shop) for spec in specs], self.weights, repeats=repeats, tries=tries)
        self._obey(CalibrationGate.of(calibration) if isinstance(calibration, str | Path) else calibration)
        self.who = WhoAnswers(self._ensemble.tasks, self.permits, rule=on_model_change, most=foreign_replies)
        self._spool = Spool(
            Path(log) if log else None, benchmark=benchmark, candidate=candidate, speech=speech,
            max_answer_seconds=max_answer_seconds, max_mebibytes=log_mebibytes,
        )  # fmt: skip
        self._spool.begin(self._ensemble.judges, repeats=repeats, notes=[self.signature])
        self.who.begin(self._spool.earlier())
        self._loop = OwnLoop("rewards")
        atexit.register(self._spool.close)  # trainers do not say when they end

    def _obey(self, gate: CalibrationGate | None) -> None:
        """Take the weights and maps that the calibration allows. Raises `InputError` where it allows none."""
        self.gate = gate
        self.permits: tuple[Permit, ...] = ()
        self._maps: dict[str, RecalibrationMap] = {}
        if gate is None:
            return
        signed = self.signatures
        self.weights, self.permits = gate.weighed(self.weights, signed)
        self._ensemble = self._ensemble.weighed(self.weights)
        self._maps = gate.maps(self.weights, signed)

    @property
    def signatures(self) -> dict[str, str]:
        """The signature that rates each weighted axis, as planned: without the model that will answer."""
        return {axis: self._ensemble.signatures[axis] for axis in self.weights.axes}

    @property
    def signature(self) -> str:
        """What decides a reward: who rates which axes by which prompt, the weights, the guards."""
        weighed = ",".join(f"{axis}:{weight:g}" for axis, weight in self.weights.axes.items())
        rated = [task.signature for _, task in self._ensemble.tasks]
        guarded = self.guards.signature if self.guards else "guards:none"
        obeyed = [self.gate.signature] if self.gate else []
        return " + ".join([f"reward:1|weights:{weighed}", *rated, guarded, *obeyed])

    @property
    def instruments(self) -> list[str]:
        """The weighted axes that no judge hears: an instrument measures them, or a rule counts words."""
        return [axis for axis in self.weights.axes if self._ensemble.kinds[axis] == "instrument"]

    @property
    def may_stand_in(self) -> bool:
        """Whether an answer without a verdict can get a number: the floor of guards, or a constant."""
        floor = None if self.guards is None else self.guards.floor
        return floor is not None or self.policy.constant is not None

    async def answered(self, items: Sequence[RewardItem]) -> Answered:
        """The same for whoever answers each item for itself, such as a server; the ceiling is not looked at.

        Raises `InputError` as `score_many` does, before anything is paid. A `StopRun` stands in the result.
        """
        return await self._loop.run(self._answered(items))

    async def score_many(self, items: Sequence[RewardItem]) -> list[Judged]:
        """One result per item, in their order; from any event loop.

        Raises
        ------
        StopRun: nothing more can be had (key, quota, budget, provider; `NoRewardError` above the ceiling,
            `ModelChangedError` where another model answers).
        InputError: samples without a rate, a question that does not open, one id for two questions.
        """
        return await self._loop.run(self._score_many(items))

    def score_now(self, items: Sequence[RewardItem]) -> list[Judged]:
        """The same for plain callers."""
        return self._loop.wait(self._score_many(items))

    @property
    def is_closed(self) -> bool:
        """Whether it can be asked no more: `close` was called, or this is a fork of the process that built it."""
        return self._loop.is_closed

    def close(self) -> None:
        """Finish the trace, close connections. Further calls are refused."""
        with suppress(InputError):  # closed already, or a forked copy
            self._loop.wait(self._shut())
            self._loop.close()
            atexit.unregister(self._spool.close)
            self._spool.close()
            if self._cache is not None:
                self._cache.close()

    def __enter__(self) -> JudgeReward:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    async def _shut(self) -> None:
        await self._ensemble.aclose()
        await self._spool.drain()

    async def _score_many(self, items: Sequence[RewardItem]) -> list[Judged]:
        if self.ceiling is not None and (error := self.ceiling.over or self.ceiling.silent):
            raise error  # nothing is paid for answers that nobody would take
        if self.who.stop is not None:
            raise self.who.stop
        found = await self._answered(items)
        if found.stop is not None:
            raise found.stop
        if self.ceiling is not None:
            self.ceiling.add((one.reward for one in found.judged), [one.own for one in found.judged])
        return found.judged

    async def _answered(self, items: Sequence[RewardItem]) -> Answered:
        """Each item for itself. All of them are taken before anything is paid; after a `StopRun` no more is asked."""
        until = asyncio.get_running_loop().time() + self._deadline
        taken = await self._taken(items)
        tasks = [asyncio.ensure_future(self._one(one, until)) for one in taken]
        try:
            if tasks:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        found = Answered.of(ended)
        return found if found.stop is not None else replace(found, stop=self.who.stop)

    async def _taken(self, items: Sequence[RewardItem]) -> list[Taken]:
        taken: list[Taken] = []
        try:
            for item in items:
                taken.append(await self._spool.take(item))
            return await self._spool.enter(taken)
        except BaseException:
            for one in taken:
                await self._spool.give_up(one)
            raise

    async def _one(self, taken: Taken, until: float) -> Judged:
        deadline = asyncio.timeout_at(until)
        try:
            async with deadline:
                found = await self._judged(taken)
        except TimeoutError:
            if not deadline.expired():
                raise
            late = {axis: Unscored("failed", f"no verdict within {self._deadline:g} s") for axis in self.weights.axes}
            found = Judged(combine(late, self.weights, self.policy))
        except BaseException:
            await self._spool.give_up(taken)
            raise
        await self._spool.keep(taken, found.reward, found.ratings)
        return found

    async def _judged(self, taken: Taken) -> Judged:
        response = taken.response
        if response.status != "ok":
            floor = self.guards.floor if self.guards and taken.measured_silence else None
            return Judged(Reward(floor, response.status, response.reason))
        guarded = await asyncio.to_thread(self._guarded, taken.case)
        if guarded is not None and not guarded.passes:
            status: Status | Outcome = "no_speech" if "no_speech" in guarded.tripped else "not_applicable"
            return Judged(Reward(guarded.floor, status, guarded.reason), (), guarded)
        ratings = await self._ensemble.ratings(taken.case)
        if other := self.who.refused(ratings, self.weights.axes):
            return Judged(Reward(None, "other_model", other), tuple(ratings), guarded)
        if self.who.stop is not None and not self.weights.axes.keys() <= {r.axis for r in ratings if r.status == "ok"}:
            lost = Reward(None, "failed", f"not asked any more: {self.who.stop.problem}")  # nor a constant instead
            return Judged(lost, tuple(ratings), guarded)
        found = mapped(outcomes(standing(ratings), self.weights.scale), self._maps)
        return Judged(combine(found, self.weights, self.policy), tuple(ratings), guarded)

    def _guarded(self, case: Case) -> Guarded | None:
        said = case.answer
        if self.guards is None or said.audio is None:
            return None
        return self.guards.check(
            said.audio, text=said.text, question=case.question.text, language=case.item.language, root=case.root
        )
