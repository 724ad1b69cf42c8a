"""Instruments as raters: `signals` measures recordings, `checks` applies rules to words.

They work in threads: the arithmetic of `signals` is in onnxruntime and numpy, which let go of the interpreter, and a
user's script needs no `if __name__ == "__main__":`, as it would with processes.
"""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from datetime import UTC, datetime
from threading import Lock

from wavjudge import audio, checks, signals
from wavjudge.errors import InputError, MissingPartError, SpecError
from wavjudge.internal import ends_the_run, noted
from wavjudge.judges.base import Case, Task, unscored
from wavjudge.signals import Measurement
from wavjudge.signals.words import not_english
from wavjudge.signature import joined
from wavjudge.types import SCHEMA_VERSION, Axis, JudgeEntry, RaterKind, Rating

AXES: dict[str, tuple[Axis, ...]] = {"signals": signals.AXES, "checks": checks.AXES}
"""What each instrument measures."""


class InstrumentJudge:
    """An instrument as a judge: `measure` gives the measurements of a task's axes, in a thread.

    It may raise `InputError` for a recording that cannot be read any more: its ratings are then `failed`.
    """

    rater_kind: RaterKind = "instrument"

    def __init__(
        self, rater: str, tasks: Sequence[Task], measure: Callable[[Case, Task], list[Measurement]], *, spec: str = "",
        workers: int | None = None,
    ) -> None:  # fmt: skip
        self.rater, self.tasks, self._measure, self._spec = rater, tuple(tasks), measure, spec or rater
        self.concurrency = workers or _cores()
        self._pool = ThreadPoolExecutor(self.concurrency, f"wavjudge-{rater}")

    def entry(self) -> JudgeEntry:
        signatures = {task.name: task.signature for task in self.tasks}
        return JudgeEntry(spec=self._spec, rater=self.rater, signatures=signatures)

    async def aclose(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def rate(self, case: Case, task: Task, repeat: int) -> list[Rating]:
        """One rating per axis; a recording that cannot be measured any more is `failed`."""
        try:
            return await self._measured(case, task, repeat)
        except InputError as error:
            return unscored(self, case, task, repeat, "failed", str(error))
        except Exception as error:
            if ends_the_run(error):
                raise
            return unscored(self, case, task, repeat, "failed", noted(error))

    async def _measured(self, case: Case, task: Task, repeat: int) -> list[Rating]:
        def measure() -> list[Measurement]:
            try:
                return self._measure(case, task)
            except StopIteration as error:  # no future can hold one: whoever awaits it would wait for ever
                raise RuntimeError("StopIteration") from error

        loop, context = asyncio.get_running_loop(), copy_context()  # what a thread notes is counted for this run
        measured = await loop.run_in_executor(self._pool, lambda: context.run(measure))
        return [self._rating(case, task, repeat, one) for one in measured]

    def _rating(self, case: Case, task: Task, repeat: int, one: Measurement) -> Rating:
        return Rating(
            subject=case.subject, axis=one.axis.name, scale=one.axis.scale, rater=self.rater,
            rater_kind=self.rater_kind, repeat=repeat, score=one.value, status=one.status, reason=one.reason,
            details=dict(one.details),
            signature=task.signature, time=datetime.now(UTC),
        )  # fmt: skip


def signals_judge(
    axes: Collection[str] | None = None, *, spec: str = "signals", workers: int | None = None
) -> InstrumentJudge:
    """DNSMOS, voice activity, speech recognition and their like; one task, all axes."""
    chosen = _chosen("signals", axes)
    signals.require([axis.name for axis in chosen])
    task = Task("signals", chosen, signals.signature())
    return InstrumentJudge("signals", [task], _listened, spec=spec, workers=workers)


def _listened(case: Case, task: Task) -> list[Measurement]:
    item, said = case.item, case.answer
    if said.audio is None:
        return _not_applicable(task, "the answer is text by design")
    wave = audio.read_known(case.path(said.audio), sha256=said.audio.sha256)
    names = [axis.name for axis in task.axes]
    return signals.measure(wave, text=said.text, reference=item.reference, language=item.language, axes=names)


def checks_judge(
    axes: Collection[str] | None = None, *, recognised: bool = False, spec: str = "checks", workers: int | None = None
) -> InstrumentJudge:
    """Rules on words; a task and a signature of its own for each axis. recognised: they read what was heard."""
    chosen = _chosen("checks", axes)
    _require(chosen, recognised)
    heard = {axis.name for axis in chosen if recognised or axis.name in checks.HEARD}
    recogniser = Recogniser() if heard else None
    sources = {axis.name: recogniser.name if recogniser and axis.name in heard else "own" for axis in chosen}
    tasks = [Task(axis.name, (axis,), _signed(axis.name, sources[axis.name])) for axis in chosen]

    def checked(case: Case, task: Task) -> list[Measurement]:
        return _checked(case, task, recogniser if task.name in heard else None, recognised)

    return InstrumentJudge("checks", tasks, checked, spec=spec, workers=workers)


def _checked(case: Case, task: Task, recogniser: Recogniser | None, recognised: bool) -> list[Measurement]:
    if task.name in checks.STATED and case.response.turn(case.turn) != len(case.item.turns) - 1:
        return _not_applicable(task, "what an item states is about its last turn")
    heard = None
    if recogniser is not None:
        if case.answer.audio is None:
            return _not_applicable(task, "the answer is text by design, and this reads what was heard")
        if reason := recogniser.cannot(case):
            return _not_applicable(task, reason)
        heard = recogniser.text(case)
    own = case.answer.text
    answer = checks.Answer(case.item, text=heard if recognised else own, own=own, heard=heard)
    return [checks.measure(axis, answer) for axis in task.axes]


def _signed(axis: str, source: str) -> str:
    rules = f"rules:{checks.RULES[axis]}"
    return joined(("checks", axis, rules, f"text:{source}", f"v{SCHEMA_VERSION}"))


def _require(chosen: Sequence[Axis], recognised: bool) -> None:
    try:
        checks.require([axis.name for axis in chosen])
        if recognised:
            signals.require(["intelligibility"])
    except MissingPartError as missing:
        rest = ",".join(axis.name for axis in checks.AXES if axis.name not in checks.LOCAL)
        raise MissingPartError(
            missing.problem, todo=f"{missing.todo}; or ask for what needs no part: --axes {rest}"
        ) from missing


def require_known(axes: Collection[str] | None) -> None:
    """Raise `SpecError` for an axis that no instrument has."""
    known = [axis.name for measured in AXES.values() for axis in measured]
    if unknown := sorted(set(axes or ()) - set(known)):
        raise SpecError(
            f"got the axis {', '.join(unknown)}, which no instrument has", todo="choose from " + ", ".join(known)
        )


def _chosen(rater: str, axes: Collection[str] | None) -> tuple[Axis, ...]:
    chosen = tuple(axis for axis in AXES[rater] if axes is None or axis.name in axes)
    if not chosen:
        raise InputError(f"got axes {axes}, expected some of {[axis.name for axis in AXES[rater]]}",
                         todo=f"leave `{rater}` out, or name one of its axes")  # fmt: skip
    return chosen


def _not_applicable(task: Task, reason: str) -> list[Measurement]:
    return [Measurement(axis, None, "not_applicable", reason) for axis in task.axes]


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


# The offline recogniser, for judges that are shown what was heard instead of what the candidate says that it said.

KEPT = 256
"""Texts of the last recordings: the prompts and axes of a run ask about one answer several times in a row."""


class Recogniser:
    """Raises `MissingPartError` when it is made, not at the first answer. Used from several threads at once.

    name: the recogniser's weights; another recogniser shows the judge other texts, so it stands in the signature.
    """

    def __init__(self) -> None:
        signals.require(["intelligibility"])
        self.name = next(field for field in signals.signature().split("|") if field.startswith("asr:"))
        self._heard: OrderedDict[str, Future[str]] = OrderedDict()
        self._lock = Lock()

    def cannot(self, case: Case) -> str | None:
        """Why the answer's speech cannot be recognised, if so."""
        asked = case.item.turns[case.turn].text if case.item.turns else None
        if reason := not_english(case.item.language, case.answer.text, case.item.reference, asked):
            return reason
        if case.answer.audio and case.answer.audio.seconds > signals.MAX_SECONDS:
            return (
                f"the recogniser takes {signals.MAX_SECONDS:g} s; the answer is {case.answer.audio.seconds:.1f} s long"
            )
        return None

    def text(self, case: Case) -> str:
        """What is heard in the answer, empty if nothing is; `InputError` where the recording cannot be read."""
        said = case.answer.audio
        assert said is not None
        heard, is_new = self._place(said.sha256)
        if is_new:  # whoever asks for the same recording meanwhile waits for this thread
            try:
                heard.set_result(signals.transcribe(audio.read_known(case.path(said), sha256=said.sha256)))
            except BaseException as error:
                self._heard.pop(said.sha256, None)
                heard.set_exception(error)
        return heard.result()

    def _place(self, sha256: str) -> tuple[Future[str], bool]:
        with self._lock:
            if sha256 in self._heard:
                self._heard.move_to_end(sha256)
                return self._heard[sha256], False
            heard = self._heard[sha256] = Future()
            if len(self._heard) > KEPT:
                self._heard.popitem(last=False)
            return heard, True
