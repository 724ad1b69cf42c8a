"""`Monitor`: a fixed set of prompts, scored again and again during a training by the reward's judge and a held-out one.

    OUT/plan.json       what was fixed before the first look: prompts, judges, weights, error rate
    OUT/monitor.jsonl   one `Look` a line, appended; what is there is never changed
    OUT/monitor.csv     the table made of them, and the same for people in monitor.md; monitor.png and .svg on `draw`

A reward can always be raised by what its judge is wrong about. A judge of another family, with another prompt, on
prompts that were never trained on, is wrong about other things: where the one rises and the other does not, something
was learnt about the judge. It is no proof of the contrary: two judges can be wrong alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout
from pydantic import ValidationError

from wavjudge.errors import InputError, RunLockedError, StoreError
from wavjudge.files.safe import write_new
from wavjudge.reporting.plots import save
from wavjudge.reporting.table import Report, Row, ends, write
from wavjudge.rewards.monitor.alarms import Alarms, Change, Standing, check
from wavjudge.rewards.monitor.evaluations import QUANTITIES, Look, Measured, checked
from wavjudge.rewards.monitor.plan import Plan
from wavjudge.store.run_folder import Log, first_problem

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


# What a monitor found, as a table: one row a look and quantity, and the sentences.

SHOWN = ("step", "quantity", "prompts", "first", "now", "change", "change_lo", "change_hi", "alarm")


def report(alarms: Alarms, said: Sequence[str] = ()) -> Report:
    """All looks. Rows of the first one hold its own means; `gap` is the reward's change minus the held-out score's."""
    rows = [_row(one, change) for one in alarms.standings for change in (one.reward, one.held_out, one.gap, *one.drifts)
            if change is not _doubled(one, change)]  # fmt: skip
    notes = (*said, *_not_compared(alarms))
    return Report("Training monitor: every look against the first", tuple(rows), SHOWN, alarms.sentences, notes)


def _doubled(standing: Standing, change: Change) -> Change | None:
    """The held-out score stands in the drifts too, over all prompts that have it; there its alarm is shown."""
    return change if change is standing.held_out and standing.drifts else None


def _row(standing: Standing, change: Change) -> Row:
    units = {quantity.name: quantity.unit for quantity in QUANTITIES}
    gaming = standing.verdict == "gaming" and change.quantity in ("reward", "gap")
    return {
        "step": standing.step, "quantity": change.quantity, "unit": units.get(change.quantity, "points"),
        "prompts": change.prompts, "missing": change.missing, "first": change.first, "now": change.now,
        **ends("change", change.difference), "margin": change.margin, "alarm": gaming or change.alarm,
        "verdict": standing.verdict, "note": change.note or change.difference.note,
    }  # fmt: skip


def _not_compared(alarms: Alarms) -> list[str]:
    last = alarms.last
    if last is None:
        return []
    return [f"{one.quantity}: {one.note} (step {last.step}, {one.prompts} prompts)" for one in last.drifts if one.note]


PLAN, LOOKS, TABLE, WORDS, PICTURE = "plan.json", "monitor.jsonl", "monitor.csv", "monitor.md", "monitor"


class Monitor:
    """The looks of one training, kept in a folder. The same folder and plan go on where they stopped.

    Parameters
    ----------
    out: the folder; made on the first `record`.
    plan: of this training. None takes that of the folder. Another plan than the folder's is an `InputError`: what was
        fixed before the first look stays fixed.

    Several ranks: record on one of them. Looks are kept in the order of their steps.

    >>> from tempfile import TemporaryDirectory
    >>> from wavjudge.rewards.combine import Reward, Weights
    >>> from wavjudge.rewards.monitor.plan import Fingerprint
    >>> from wavjudge.rewards.monitor.evaluations import measured
    >>> from wavjudge.rewards.monitor.plan import plan
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

    def record(self, step: int, answers: Iterable[Measured], judges: Iterable[str] = ()) -> Look:
        """Keep a look; on the disk when this returns. The same look again changes nothing. judges: see `Look`.

        Raises `InputError` for a step that is recorded otherwise or lies before the last, and for answers that are not
        those to the plan's prompts; then nothing is written.
        """
        look = checked(Look(step=step, answers=tuple(answers), judges=tuple(judges)), list(self.plan.prompts))
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

        return draw(self.check(), self.out / PICTURE)


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
        write_new(path, plan.model_dump_json(indent=1) + "\n")


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


# The picture of a monitor: reward and held-out score by step, their gap, and the alarms. PNG and SVG.

_REWARD, _HELD_OUT, _ALARM, _SOFT = "#1f4e79", "#2f7d4f", "#b04a2f", "#9bb8d3"


def draw(alarms: Alarms, stem: Path) -> list[Path]:
    """Write STEM.png and STEM.svg; the same looks give the same files."""
    import matplotlib

    matplotlib.rcParams["svg.hashsalt"] = "wavjudge"
    made, written = figure(alarms), [stem.with_suffix(suffix) for suffix in (".png", ".svg")]
    for path in written:
        save(made, path)
    return written


def figure(alarms: Alarms) -> Figure:
    """The changes above, the drifts below, over the steps that were looked at."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    made = Figure(figsize=(6, 5.4), dpi=110, layout="constrained")
    FigureCanvasAgg(made)
    above, below = made.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    _changes(above, alarms.standings)
    _drifts(below, alarms.standings)
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
    below.xaxis.set_major_locator(MaxNLocator(integer=True))
    return made


def _changes(axes: Axes, standings: Sequence[Standing]) -> None:
    """Change since the first look, with the interval of the reward and the plain one of the held-out score. The first
    look is where both begin, at 0; the reward is drawn wider, to be seen where both are equal."""
    axes.axhline(0, color=_SOFT, lw=1)
    begin = [(one.step, 0.0, 0.0, 0.0) for one in standings[:1]]
    for name, colour, wide in (("reward", _REWARD, 3), ("held_out", _HELD_OUT, 1.3)):
        known = [one for one in standings[1:] if one.verdict != "not_known"]
        found = [(one.step, _of(one, name).difference) for one in known]
        points = begin + [(step, one.value, one.low, one.high) for step, one in found
                          if one.value is not None and one.low is not None and one.high is not None]  # fmt: skip
        steps, values, lows, highs = map(list, zip(*points, strict=True)) if points else ([], [], [], [])
        axes.plot(steps, values, "o-", color=colour, lw=wide, ms=3 + 1.5 * wide, label=name.replace("_", "-"))
        axes.vlines(steps, lows, highs, color=colour, alpha=0.5, lw=wide)
    for one in standings:
        if one.verdict == "gaming":
            axes.axvline(one.step, color=_ALARM, ls="--", lw=1)
    axes.legend(frameon=False, fontsize=8)
    axes.set(ylabel="points since the first look")
    axes.set_title("dashed: the reward rose, the held-out score did not", fontsize=8)


def _of(standing: Standing, name: str) -> Change:
    return standing.reward if name == "reward" else standing.held_out


def _drifts(axes: Axes, standings: Sequence[Standing]) -> None:
    """One line a drifting quantity, a dot where it alarms."""
    names = [change.quantity for change in standings[-1].drifts] if standings else []
    for row, name in enumerate(names):
        for one in standings[1:]:
            change = next(change for change in one.drifts if change.quantity == name)
            known = change.prompts and not change.note
            axes.plot(one.step, row, "s" if change.alarm else "." if known else "x", ms=7 if change.alarm else 4,
                      color=_ALARM if change.alarm else _SOFT)  # fmt: skip
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names], fontsize=8)
    axes.set(xlabel="step")
    axes.set_title("squares: drifted; crosses: not known", fontsize=8)
