"""The table at the end of a run: per candidate and axis the mean of what was scored, and the count of what was not."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from rich import box
from rich.console import Console
from rich.table import Table

from wavjudge.reporting.text import one_line, say
from wavjudge.signature import REPLIED, settled, unverified
from wavjudge.types import Axis, Rating, Response, Subject


@dataclass(slots=True)
class Cell:
    """One candidate, axis and judge: scores by subject (repeats together), and statuses."""

    axis: Axis
    scores: dict[Subject, list[float]] = field(default_factory=lambda: defaultdict(list))
    statuses: Counter[str] = field(default_factory=Counter)
    hearing: Counter[str] = field(default_factory=Counter)

    @property
    def mean(self) -> float | None:
        """Mean over subjects of the mean of their ok repeats; None where nothing was scored."""
        means = [sum(scores) / len(scores) for scores in self.scores.values()]
        return sum(means) / len(means) if means else None

    @property
    def unscored(self) -> Counter[str]:
        return Counter({status: count for status, count in self.statuses.items() if status != "ok"})


CellKey = tuple[str, str, str, str, str]


def summarise(ratings: Iterable[Rating]) -> dict[CellKey, Cell]:
    """Cells by (rater, benchmark, candidate, axis, signature): ratings of two signatures never share a mean."""
    cells: dict[CellKey, Cell] = {}
    for rating in ratings:
        key = (rating.rater, rating.subject.benchmark, rating.subject.candidate, rating.axis, rating.signature)
        cell = cells.setdefault(key, Cell(Axis(name=rating.axis, scale=rating.scale)))
        cell.statuses[rating.status] += 1
        if rating.score is not None:
            cell.scores[rating.subject].append(rating.score)
            cell.hearing.update([heard] if isinstance(heard := rating.details.get("hearing"), str) else [])
    return _settled(cells)


def _settled(cells: dict[CellKey, Cell]) -> dict[CellKey, Cell]:
    """Calls that failed before a model was named count for the judge they were sent to."""
    replied = {key[-1] for key, cell in cells.items() if REPLIED & cell.statuses.keys()}
    homes = settled((key[-1] for key in cells), replied)
    found: dict[CellKey, Cell] = {}
    for (*head, signature), cell in cells.items():
        home = found.setdefault((*head, homes[signature]), Cell(cell.axis))  # type: ignore[arg-type]
        home.statuses.update(cell.statuses)
        home.hearing.update(cell.hearing)
        for subject, scores in cell.scores.items():
            home.scores[subject] += scores
    return found


def outcomes(responses: Iterable[Response]) -> dict[str, Counter[str]]:
    """How each candidate's answers came out."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for response in responses:
        found[response.candidate][response.status] += 1
    return dict(found)


def as_json(cells: dict[CellKey, Cell], answers: dict[str, Counter[str]]) -> dict[str, object]:
    """The same as plain data, for `--json`."""
    rows = [
        {"rater": rater, "benchmark": benchmark, "candidate": candidate, "axis": axis, "signature": signature,
         "mean": cell.mean, "n_scored": len(cell.scores), "scale": cell.axis.scale.model_dump(),
         "statuses": dict(cell.statuses), "identity": unverified(signature) or None,
         "hearing": dict(cell.hearing)}
        for (rater, benchmark, candidate, axis, signature), cell in sorted(cells.items())
    ]  # fmt: skip
    return {"axes": rows, "answers": {name: dict(count) for name, count in sorted(answers.items())}}


def show(console: Console, cells: dict[CellKey, Cell], answers: dict[str, Counter[str]]) -> None:
    """Print both tables, readable at 80 columns."""
    console.print(_answers_table(answers))
    for rater in sorted({key[0] for key in cells}):
        own = {key: cell for key, cell in cells.items() if key[0] == rater}
        marks = _marks(own)
        console.print(_rater_table(rater, own, marks))
        for signature, mark in marks.items():
            say(console, f"{mark} {signature}")
        for line in (*_unverified(own, marks), *_hearing(rater, own.values())):
            say(console, line)


def _unverified(cells: dict[CellKey, Cell], marks: dict[str, str]) -> list[str]:
    """Of the judges that replied: what has to be said of those of whom nobody knows which model they are."""
    replied = {key[-1] for key, cell in cells.items() if REPLIED & cell.statuses.keys()}
    told = (f"{marks.get(one, '')} {why}".strip() for one in sorted(replied) if (why := unverified(one)))
    return list(dict.fromkeys(told))


def _hearing(rater: str, cells: Iterable[Cell]) -> Iterator[str]:
    """Of how many of a judge's scores nothing, or only its own word, shows that it heard.

    No line where tokens were counted, and none for a judge that was sent no recording.
    """
    told = sum((cell.hearing for cell in cells), Counter[str]())
    unproven, said = told["not verified"], told["judge says it heard"]
    if unproven:
        yield (
            f"Hearing not verified: {unproven} of {told.total()} scores of {rater}. It does not say that it heard the "
            "recordings, and the provider counts no audio tokens."
        )
    if said:
        yield (
            f"Hearing on its own word: {rater} says that it heard, for {said} of {told.total()} scores; the provider "
            "counts no audio tokens."
        )


def _marks(cells: dict[CellKey, Cell]) -> dict[str, str]:
    """A letter for each signature, where a judge has several on one axis; none where the axis says it all."""
    by_axis: dict[str, set[str]] = defaultdict(set)
    for *_, axis, signature in cells:
        by_axis[axis].add(signature)
    several = sorted(signature for found in by_axis.values() if len(found) > 1 for signature in found)
    return {signature: f"({number})" for number, signature in enumerate(several, 1)}


def _answers_table(answers: dict[str, Counter[str]]) -> Table:
    table = _table("Answers", "candidate", "answers", "ok", "own failures, never judged")
    for candidate, counts in sorted(answers.items()):
        failures = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()) if name != "ok")
        table.add_row(one_line(candidate), str(counts.total()), str(counts["ok"]), failures or "-")
    return table


def _rater_table(rater: str, cells: dict[CellKey, Cell], marks: dict[str, str]) -> Table:
    table = _table(f"Rated by {one_line(rater)} (mean of the answers that were scored)",
                   "candidate and axis", "mean", "scored", "unit", "not scored")  # fmt: skip
    last = None
    for (_, benchmark, candidate, axis, signature), cell in sorted(cells.items(), key=lambda pair: pair[0]):
        if last != (benchmark, candidate):
            table.add_section()
            table.add_row(one_line(candidate), style="bold")
            last = benchmark, candidate
        mean = "-" if cell.mean is None else f"{cell.mean:.2f}"
        missing = ", ".join(f"{count} {status}" for status, count in sorted(cell.unscored.items()))
        table.add_row(
            f"  {axis} {marks.get(signature, '')}".rstrip(),
            mean,
            str(len(cell.scores)),
            _scale(cell.axis),
            missing or "-",
        )
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold", pad_edge=False,
                  collapse_padding=True)  # fmt: skip
    for column in columns:
        numbers = column in ("answers", "ok", "mean", "scored")
        table.add_column(column, justify="right" if numbers else "left", no_wrap=numbers, overflow="fold")
    return table


def _scale(axis: Axis) -> str:
    low, high, unit = axis.scale.low, axis.scale.high, axis.scale.unit
    span = f"{low:g}-{high:g}" if low is not None and high is not None else ""
    return span if unit == "points" else f"{unit} {span}".strip()


# Why answers failed and ratings have no score, the most frequent first: what a run says at its end.

MOST_SHOWN = 5

_OWN_WORDS = re.compile(r"[^\s,;:()]*(?:[/\\]|[^\s,;:()]\.[^\s,;:()]|\d[^\s,;:()]{3})[^\s,;:()]*")
"""What differs between two accounts of one cause: paths, file names, ids, long numbers. An HTTP status is kept."""


@dataclass(slots=True)
class Why:
    """Reasons of one kind: the first in its own words, how many there are, and whether some say it in others."""

    status: str
    reason: str
    count: int = 0
    differ: bool = False

    def __str__(self) -> str:
        such = "such as " if self.differ else ""
        return f"{self.count} {self.status}: {such}{one_line(self.reason)}"

    def as_json(self) -> dict[str, str | int]:
        return {"status": self.status, "count": self.count, "reason": self.reason}


def reasons(records: Iterable[Rating | Response]) -> list[Why]:
    """The reasons of the records that came to nothing, most frequent first; those that differ in names are one.

    What does not apply to an answer, or was left out on purpose, is no failure and not among them.

    >>> from wavjudge.types import Response
    >>> gone = [Response(benchmark="b", item_id=f"q{n}", candidate="c", answers=(), status="no_speech",
    ...                  reason=f"the recording q{n}.wav is not there") for n in range(3)]
    >>> [str(why) for why in reasons(gone)]
    ['3 no_speech: such as the recording q0.wav is not there']
    """
    return _counted(record for record in records if record.status not in ("ok", "not_applicable", "skipped"))


def not_asked(ratings: Iterable[Rating]) -> list[Why]:
    """Why model judges could not be asked: no question, no reference, too long. Of instruments nothing is told."""
    return _counted(one for one in ratings if one.status == "not_applicable" and one.rater_kind == "model")


def _counted(records: Iterable[Rating | Response]) -> list[Why]:
    found: dict[tuple[str, str], Why] = {}
    for record in records:
        reason = record.reason or "no reason was given"
        why = found.setdefault((record.status, _OWN_WORDS.sub("#", reason)), Why(record.status, reason))
        why.count += 1
        why.differ |= why.reason != reason
    return sorted(found.values(), key=lambda why: -why.count)


def told(title: str, found: Sequence[Why]) -> list[str]:
    """Lines for a screen, the most frequent first; none where nothing went wrong."""
    if not found:
        return []
    lines = [title, *(f"  {why}" for why in found[:MOST_SHOWN])]
    more = sum(why.count for why in found[MOST_SHOWN:])
    return [*lines, f"  {more} for other reasons (`wavjudge show RUN ITEM` says each)"] if more else lines
