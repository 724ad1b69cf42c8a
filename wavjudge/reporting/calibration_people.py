"""What people reach among themselves, as rows of a calibration and in words; and the judge measured as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wavjudge.analysis.calibration.findings import Finding
from wavjudge.analysis.stats.alternative_annotator import Alternative, sentence
from wavjudge.analysis.stats.intervals import Estimate
from wavjudge.analysis.stats.leave_one_out import LeaveOneOut, Person
from wavjudge.analysis.stats.reliability import Reliability, Repeatability
from wavjudge.reporting.cells import SHORT, number
from wavjudge.reporting.text import printable

AMONG = {"alpha_ordinal": "Krippendorff's alpha (ordinal)", "icc_a_1": "ICC(A,1)", "icc_a_k": "ICC(A,k)"}
"""How people agree among themselves: columns of the row `people`, and what they are called."""

Row = dict[str, Any]


def people_rows(judge: str, others: LeaveOneOut, among: Reliability) -> Iterator[Row]:
    """All people in one row, the judge like them, their difference; then each person, and the judge like that one."""
    sides = _sides(others)
    reached = {name: getattr(among, name) for name in AMONG}
    about = f"{', '.join(AMONG)}: {notes(reached)}" if notes(reached) else ""
    note = "; ".join(filter(None, ("each person against the mean of the others, averaged", about)))
    counts = on(others.n, others.prompts)
    yield {"kind": "people", "judge": "people, leave one out", **counts, **_row(sides["person"], note),
           **figures(reached)}  # fmt: skip
    yield {"kind": "like_people", "judge": judge, **counts,
           **_row(sides["judge"], "the judge against the same references")}  # fmt: skip
    yield {"kind": "gap", "judge": judge, **counts,
           **_row(sides["gap"], "the judge minus people, on the same references, paired by prompt")}  # fmt: skip
    for one in others.persons:
        yield from _person_rows(judge, one)


def _person_rows(judge: str, one: Person) -> Iterator[Row]:
    counts, sides = on(one.n, one.prompts), _sides(one)
    said = ["against the mean of the others"]
    said += ["one score throughout"] if one.constant else []
    said += ["disagrees with everyone"] if one.disagrees else []
    yield {"kind": "person", "judge": one.rater, **counts, **_row(sides["person"], "; ".join(said))}
    yield {"kind": "like_person", "judge": judge, **counts,
           **_row(sides["judge"], f"the judge against the same references as {one.rater}")}  # fmt: skip


def _sides(of: LeaveOneOut | Person) -> dict[str, dict[str, Estimate]]:
    return {side: {name: getattr(one, side) for name, one in of.figures.items()} for side in ("person", "judge", "gap")}


def _row(values: Mapping[str, Estimate], note: str) -> Row:
    said = "; ".join(filter(None, (note, notes(values))))
    return {**figures(values), "interval": methods(values), "note": said}


def on(n: int, prompts: int) -> Row:
    """What figures are of: answers, their prompts, and how many answers that makes a prompt."""
    return {"n": n, "n_prompts": prompts, "answers_per_prompt": n / prompts if prompts else None}


def figures(values: Mapping[str, Estimate]) -> Row:
    """Each estimate as three cells."""
    return {f"{name}{end}": value for name, one in values.items()
            for end, value in (("", one.value), ("_lo", one.low), ("_hi", one.high))}  # fmt: skip


def methods(values: Mapping[str, Estimate]) -> str:
    """Which intervals were used."""
    return "+".join(sorted({one.method for one in values.values() if one.method and one.low is not None}))


def notes(values: Mapping[str, Estimate]) -> str:
    """Remarks of the figures, equal ones once: "spearman, pearson: undefined: its scores are all the same (3)"."""
    by_note: dict[str, list[str]] = {}
    for name, one in values.items():
        if one.note:
            by_note.setdefault(one.note, []).append(name)
    return "; ".join(f"{', '.join(names)}: {note}" for note, names in by_note.items())


def in_words(finding: Finding, among: Reliability | None) -> Iterator[str]:
    """What people reach, who disagrees with everyone, whether the judge may replace one, whether it repeats itself."""
    if finding.repeats is not None:
        yield _repeats(finding.repeats)
    if among is None:
        yield "One rater labelled: nothing is known of how people agree, and no judge can be tried in a person's place."
        return
    reached = ", ".join(f"{name} {_figure(getattr(among, field))}" for field, name in AMONG.items())
    yield f"{among.raters} people among themselves: {reached}."
    if finding.corrected is not None:
        yield f"Pearson corrected for the reliability of people's mean: {_figure(finding.corrected)}."
    if finding.others is not None and finding.others.disagreeing:
        yield f"Disagrees with everyone: {', '.join(map(printable, finding.others.disagreeing))}."
    if finding.alternative is not None:
        yield sentence(finding.alternative)
        yield from _grid(finding.alternative)


def _grid(outcome: Alternative) -> Iterator[str]:
    if outcome.passed is not None:
        at = ", ".join(f"{epsilon:.2f} {'pass' if passed else 'fail'}" for epsilon, _, passed in outcome.passed_at)
        yield f"By epsilon, for the reader alone: {at}."


def _repeats(found: Repeatability) -> str:
    label = f" ({found.label})" if found.label else ""
    return (f"{found.n} answers rated up to {found.repeats} times: ICC within prompts {_figure(found.icc_within)}, "
            f"of the mean {_figure(found.icc_k)}, sd {_figure(found.sd_within)} points{label}.")  # fmt: skip


def _figure(one: Estimate) -> str:
    if one.value is None:
        return one.note or "undefined"
    value = number(one.value, SHORT)
    return value if one.low is None else f"{value} [{number(one.low, SHORT)}, {number(one.high, SHORT)}]"
