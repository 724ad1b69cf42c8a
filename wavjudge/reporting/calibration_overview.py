"""What `calibrate` ends with: one table, a row a judge and axis, what each may be used for first.

ranking    order answers to one prompt by it: rewards, preference pairs, best of n
averages   compare candidates by their averages
levels     read its scores as people's
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from rich import box
from rich.console import Console
from rich.table import Table

from wavjudge.analysis.calibration.decisions import MIN_PROMPTS_LEVELS
from wavjudge.analysis.calibration.findings import Calibration, Finding
from wavjudge.analysis.stats.intervals import Estimate
from wavjudge.reporting.calibration_files import Advice, CalibrationFile
from wavjudge.reporting.text import counted, one_line, say

USES = ("ranking", "averages", "levels")
WORDS = {"shown": "yes", "reversed": "REVERSED", "not_shown": "no", "unknown": "unknown", "too_few": "too few"}
"""Of the states of a verdict."""

_MEANT = {
    "yes": "its whole 95 % interval lies on the right side; how good it is, the figures say",
    "no": "it does not lie there", "REVERSED": "it lies on the wrong side", "unknown": "an interval is missing",
    "too few": "too little was labelled to say",
}  # fmt: skip

MOST_ROWS = 40
"""Rows on screen; calibration.csv has all of them."""

_FIGURES = {"intra_id_zero_filled": "order", "best_of_n": "gain", "pearson": "r", "mae": "MAE"}


def show(console: Console, found: Calibration, file: CalibrationFile, *, full: bool = False) -> None:
    """The table, what its words mean, and which judge each number is. full: whether everything else was shown too."""
    advice = {(one.signature, one.judge, one.axis, one.use): one for one in file.advice}
    numbers = _numbered(found)
    table = Table(box=box.SIMPLE_HEAD, title="What each judge may be used for, by people's labels"
                  if _human(found) else "Against constructed labels: a self-test, no calibration",
                  title_justify="left", title_style="bold", pad_edge=False, collapse_padding=True)  # fmt: skip
    table.add_column("", no_wrap=True)
    table.add_column("axis", overflow="ellipsis", min_width=7, max_width=16)  # gives way on a narrow screen
    for name in (*USES, "n", *_FIGURES.values()):
        table.add_column(name, justify="left" if name in USES else "right", no_wrap=True)
    shown = found.findings[:MOST_ROWS]
    for one in shown:
        words = (_word(advice.get((one.signature, one.judge, one.axis, use))) for use in USES)
        values = (_figure(one.values.get(name)) for name in _FIGURES)
        table.add_row(numbers[one.judge, one.signature], one.axis, *words, str(one.data.n), *values)
    console.print(table)
    said = {_word(advice.get((one.signature, one.judge, one.axis, use))) for one in shown for use in USES}
    for line in (*_legend(found, numbers, said), *_few(found, file, numbers), *_more(found, full)):
        say(console, line)


def _word(one: Advice | None) -> str:
    return "" if one is None else WORDS[one.state]


def _numbered(found: Calibration) -> Mapping[tuple[str, str], str]:
    judges = dict.fromkeys((one.judge, one.signature) for one in found.findings)
    return {judge: f"J{number}" for number, judge in enumerate(judges, 1)}


def _human(found: Calibration) -> bool:
    return all(one.label_kind == "human" for one in found.findings)


def _figure(one: Estimate | None) -> str:
    return "" if one is None or one.value is None else f"{one.value:.2f}"


def _legend(found: Calibration, numbers: Mapping[tuple[str, str], str], said: Collection[str]) -> Iterator[str]:
    yield ("ranking: order answers to one prompt by it (rewards, pairs, best of n). averages: compare candidates. "
           "levels: read its scores as people's. "
           + "".join(f"{word}: {meant}. " for word, meant in _MEANT.items() if word in said)
           + "n: answers. order: zero-filled Intra-ID. gain: of choosing (best_of_n). r: Pearson's.")  # fmt: skip
    shown = dict.fromkeys((one.judge, one.signature) for one in found.findings[:MOST_ROWS])
    yield from (f"{numbers[judge]}  {one_line(judge[1])}" for judge in shown)


def _few(found: Calibration, file: CalibrationFile, numbers: Mapping[tuple[str, str], str]) -> Iterator[str]:
    """Where everything is too few to say: what was scored, what it takes, and how to find out how much more."""
    told = {(one.signature, one.judge, one.axis) for one in file.advice if one.state != "too_few"}
    few = [one for one in found.findings[:MOST_ROWS] if (one.signature, one.judge, one.axis) not in told]
    if few:
        found_in = ", ".join(
            f"{numbers[one.judge, one.signature]} {one.axis} ({counted(one.data.prompts, 'prompt')})" for one in few
        )
        yield (f"Too few to say anything of {found_in}: it takes {MIN_PROMPTS_LEVELS} prompts whose answers the judge "
               "and people both scored, with two answers or more to each for ranking, and three candidates for "
               "averages. `wavjudge plan labels` says how many make a given interval.")  # fmt: skip


def _more(found: Calibration, full: bool) -> Iterator[str]:
    if (left := len(found.findings) - MOST_ROWS) > 0:
        yield f"... and {counted(left, 'row')} more, in calibration.csv."
    flat = [one for one in found.findings if _crowded(one)]
    for axis in dict.fromkeys(one.axis for one in flat):
        one = next(one for one in flat if one.axis == axis)
        names = ", ".join(map(one_line, one.others.disagreeing[:5])) if one.others else ""
        yield f"{axis}: {names} disagree with everyone who labelled."
    if not full:
        yield "Figures with intervals, null rows and what people reach, and the sentences: --full"


def _crowded(one: Finding) -> bool:
    return one.others is not None and bool(one.others.disagreeing)
