"""`Monitor`: a fixed set of prompts, scored again and again during a training by the reward's judge and a held-out one.

    OUT/plan.json       what was fixed before the first look: prompts, judges, weights, error rate
    OUT/monitor.jsonl   one `Look` a line, appended; what is there is never changed
    OUT/monitor.csv     the table made of them, and the same for people in monitor.md; monitor.png and .svg on `draw`

A reward can always be raised by what its judge is wrong about. A judge of another family, with another prompt, on
prompts that were never trained on, is wrong about other things: where the one rises and the other does not, something
was learnt about the judge. It is no proof of the contrary: two judges can be wrong alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import Field, ValidationError, model_validator

from wavjudge.errors import InputError, RunLockedError, StoreError
from wavjudge.report.compare import write
from wavjudge.rewards.combine import Weights
from wavjudge.rewards.monitor_alarms import Alarms, Errors, check
from wavjudge.rewards.monitor_apart import Fingerprint, judges_apart, prompts_apart
from wavjudge.rewards.monitor_looks import Look, Measured, checked
from wavjudge.rewards.monitor_table import report
from wavjudge.store import Log, first_problem
from wavjudge.types import Stored

PLAN, LOOKS, TABLE, WORDS, PICTURE = "plan.json", "monitor.jsonl", "monitor.csv", "monitor.md", "monitor"


class Plan(Stored):
    """What a monitor fixes before its first look. Make one with `plan`, which checks that it is honest.

    prompts: each with a hash of what is asked. reward_judges, held_out_judges: signatures. alpha, looks: as in
    `Errors`. training_prompts, training_sha256: how many they were compared with, and which. said: what has to be said
    of the judges.
    """

    prompts: dict[str, str] = Field(min_length=1)
    reward_judges: tuple[str, ...]
    held_out_judges: tuple[str, ...]
    reward_weights: dict[str, float]
    held_out_weights: dict[str, float]
    scale: tuple[float | None, float | None]
    alpha: float = Field(gt=0, lt=0.5)
    looks: int = Field(ge=1)
    training_prompts: int
    training_sha256: str
    said: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> Plan:
        if list(self.prompts) != sorted(self.prompts):
            raise ValueError("expected prompts in the order of their names")
        return self

    @property
    def errors(self) -> Errors:
        return Errors(self.alpha, self.looks)


def plan(
    monitored: Mapping[str, Fingerprint], training: Mapping[str, Fingerprint], *, reward_judges: Collection[str],
    held_out_judges: Collection[str], weights: Weights, held_out_weights: Weights | None = None,
    same_family: bool = False, alpha: float = 0.05, looks: int = 20,
) -> Plan:  # fmt: skip
    """A plan whose prompts are none of the training's and whose judges are apart, or an `InputError` that names them.

    Parameters
    ----------
    monitored, training: what is asked, by name of the prompt (`Fingerprint.of`, `asked`).
    reward_judges, held_out_judges: signatures, as ratings carry them.
    weights: of the axes of the reward. held_out_weights: of the held-out judge's, on the same scale; the same if None.
    same_family: allow a held-out judge of the same family; the output then says so.
    alpha: chance of any false alarm over all `looks` after the first. Both are fixed here, before anything is seen.

    >>> ours, theirs = {"q1": Fingerprint.of([("Why?", None)])}, {"t1": Fingerprint.of([("why", None)])}
    >>> plan(ours, theirs, reward_judges=["openai:gpt-audio-1.5|overall.1#ab"],
    ...      held_out_judges=["gemini:gemini-3.5-flash|mine.1#cd"], weights=Weights({"overall": 1.0}))
    Traceback (most recent call last):
    ...
    wavjudge.errors.InputError: got monitored prompts that are trained on, 1 in all: q1 is t1 of the training
    What to do: ...
    """
    prompts_apart(training, monitored)
    said = judges_apart(reward_judges, held_out_judges, same_family=same_family)
    second = held_out_weights or weights
    if (weights.scale.low, weights.scale.high) != (second.scale.low, second.scale.high):
        raise InputError(f"got a reward on {weights.scale.low}..{weights.scale.high} and a held-out score on "
                         f"{second.scale.low}..{second.scale.high}, expected one scale",
                         todo="their gains are compared: weigh axes of one scale")  # fmt: skip
    if not (0 < alpha < 0.5 and looks >= 1):
        raise InputError(f"got alpha={alpha}, looks={looks}, expected 0 < alpha < 0.5 and at least one look")
    return Plan(
        prompts={name: _digest([monitored[name].parts])[:16] for name in sorted(monitored)},
        reward_judges=tuple(sorted(reward_judges)), held_out_judges=tuple(sorted(held_out_judges)),
        reward_weights=dict(weights.axes), held_out_weights=dict(second.axes),
        scale=(weights.scale.low, weights.scale.high), alpha=alpha, looks=looks, training_prompts=len(training),
        training_sha256=_digest(one.parts for one in training.values()),
        said=said,
    )  # fmt: skip


class Monitor:
    """The looks of one training, kept in a folder. The same folder and plan go on where they stopped.

    Parameters
    ----------
    out: the folder; made on the first `record`.
    plan: of this training. None takes that of the folder. Another plan than the folder's is an `InputError`: what was
        fixed before the first look stays fixed.

    Several ranks: record on one of them. Looks are kept in the order of their steps.

    >>> from tempfile import TemporaryDirectory
    >>> from wavjudge.rewards.combine import Reward
    >>> from wavjudge.rewards.monitor_looks import measured
    >>> asked = {f"q{number}": Fingerprint.of([(f"Question {number}?", None)]) for number in range(12)}
    >>> fixed = plan(asked, {"t1": Fingerprint.of([("Trained on?", None)])}, weights=Weights({"overall": 1.0}),
    ...              reward_judges=["openai:gpt-audio-1.5|overall.1#ab"],
    ...              held_out_judges=["gemini:gemini-3.5-flash|mine.1#cd"])
    >>> with TemporaryDirectory() as folder:
    ...     watch = Monitor(folder, fixed)
    ...     for step, reward in ((0, 3.0), (200, 4.0)):
    ...         said = [measured(q, reward=Reward(reward), held_out=Reward(3.0), text="So.") for q in asked]
    ...         look = watch.record(step, said)
    ...     print(watch.check().last.sentence)
    step 200: ALARM: the reward rose and the held-out score did not (reward +1.00, held-out +0.00, apart by 1.00)
    """

    def __init__(self, out: str | Path, plan: Plan | None = None) -> None:
        self.out = Path(out)
        stored = _stored_plan(self.out / PLAN)
        if stored is None and plan is None:
            raise InputError("got a folder without plan.json and no plan, expected one of them", where=str(out))
        if stored is not None and plan is not None and stored != plan:
            raise InputError(f"got another {_differs(stored, plan)} than the looks of this folder have",
                             where=str(self.out / PLAN),
                             todo="go on with the old plan, or begin a new folder")  # fmt: skip
        chosen = stored or plan
        assert chosen is not None
        self.plan: Plan = chosen
        self.looks: list[Look] = list(_stored_looks(self.out / LOOKS, self.plan))

    @property
    def steps(self) -> tuple[int, ...]:
        """The steps that are recorded: ask here before a trainer that was resumed answers all prompts again."""
        return tuple(look.step for look in self.looks)

    def record(self, step: int, answers: Iterable[Measured]) -> Look:
        """Keep a look; on the disk when this returns. The same look again changes nothing.

        Raises `InputError` for a step that is recorded otherwise or lies before the last, and for answers that are not
        those to the plan's prompts; then nothing is written.
        """
        look = checked(Look(step=step, answers=tuple(answers)), list(self.plan.prompts))
        with _alone(self.out):
            self.looks = list(_stored_looks(self.out / LOOKS, self.plan))
            if self._is_known(look):
                return look
            _write_plan(self.out / PLAN, self.plan)
            log = Log(self.out / LOOKS)
            try:
                log.append_now(look)
            finally:
                log.close()
            self.looks.append(look)
            self.write_table()
        return look

    def _is_known(self, look: Look) -> bool:
        """Whether it is recorded already. Raises for one that contradicts what is."""
        where = str(self.out / LOOKS)
        if look.step in self.steps:
            if self.looks[self.steps.index(look.step)] == look:
                return True
            raise InputError(f"got other answers at step {look.step} than are recorded", where=where,
                             todo="a look is never replaced: leave this step out, or begin a new folder")  # fmt: skip
        if self.looks and look.step < self.steps[-1]:
            raise InputError(f"got step {look.step} after step {self.steps[-1]}, expected a later one", where=where,
                             todo="looks are compared in the order in which they were made")  # fmt: skip
        return False

    def check(self) -> Alarms:
        """Every look against the first. The last one is `check().last`; its `alarms` are empty where all is well."""
        return check(self.looks, list(self.plan.prompts), self.plan.errors)

    def write_table(self) -> list[Path]:
        """Write monitor.csv and monitor.md anew from the looks."""
        made = report(self.check(), self.plan.said)
        files = [self.out / name for name in (TABLE, WORDS)]
        for path in files:
            write(made, path)
        return files

    def draw(self) -> list[Path]:
        """Draw reward and held-out score by step, PNG and SVG; gives the files."""
        from wavjudge.rewards.monitor_plot import draw

        return draw(self.check(), self.out / PICTURE)


def _digest(of: Iterable[tuple[str, ...]]) -> str:
    """Of fingerprints, in any order."""
    return hashlib.sha256("\n".join(sorted("\t".join(parts) for parts in of)).encode()).hexdigest()


def _stored_plan(path: Path) -> Plan | None:
    try:
        return Plan.model_validate_json(path.read_bytes()) if path.is_file() else None
    except ValidationError as error:
        raise StoreError(f"got a plan that does not fit ({first_problem(error)})", where=str(path)) from error


def _stored_looks(path: Path, plan: Plan) -> Iterator[Look]:
    """The looks of a file. A torn last line is passed over, and cut off by the next write; others raise."""
    for number, line in enumerate(path.read_bytes().splitlines(keepends=True) if path.is_file() else (), 1):
        try:
            yield checked(Look.model_validate_json(line), list(plan.prompts))
        except ValidationError as error:
            if line.endswith(b"\n"):
                raise StoreError(f"got a line that is no look ({first_problem(error)})",
                                 where=f"{path}, line {number}",
                                 todo="put the file back as it was") from error  # fmt: skip


def _write_plan(path: Path, plan: Plan) -> None:
    if not path.is_file():
        half = path.with_suffix(".json.tmp")
        half.write_text(plan.model_dump_json(indent=1) + "\n", encoding="utf-8")
        half.replace(path)


def _differs(stored: Plan, new: Plan) -> str:
    old, now = stored.model_dump(), new.model_dump()
    return ", ".join(name.replace("_", " ") for name in old if old[name] != now[name])


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock", timeout=0):
            yield
    except Timeout as error:
        raise RunLockedError("another process is writing to this monitor", where=str(folder),
                             todo="record on one rank only") from error  # fmt: skip
    except OSError as error:
        raise StoreError(f"got {error.strerror!r}, expected a folder that can be written", where=str(folder)) from error
