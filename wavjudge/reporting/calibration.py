"""A calibration as flat rows (CSV, JSON), as a console table, and in the paper's layout."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from wavjudge.analysis.calibration.baseline_rows import Line
from wavjudge.analysis.calibration.findings import FIGURES, Calibration, Finding, Span, WithoutCandidate
from wavjudge.analysis.stats.alternative_annotator import Alternative, sentence
from wavjudge.analysis.stats.candidates import MIN_CANDIDATES, CandidateMeans
from wavjudge.analysis.stats.intervals import Estimate
from wavjudge.analysis.stats.leave_one_out import LeaveOneOut, Person
from wavjudge.analysis.stats.reliability import Reliability, Repeatability
from wavjudge.errors import InputError
from wavjudge.reporting.table import SHORT, number
from wavjudge.reporting.text import counted, one_line, printable, say
from wavjudge.result_signature import plots_of, result_signature
from wavjudge.signature import unverified

# What a calibration's figures do not speak of: candidates that were not there, and intervals that there are not.

SHOWN = {
    "pearson": "Pearson", "intra_id_spearman": "Intra-ID", "intra_id_zero_filled": "zero-filled", "mae": "MAE",
    "within_one": "<=1", "bias": "bias",
}  # fmt: skip
"""The figures on screen and what their columns are called."""

_NAMED = ("pearson", "intra_id_zero_filled", "mae", "bias")

CANDIDATES = ("n_candidates", *(f"{one.name}_without_{end}" for one in FIGURES for end in ("min", "max")))
"""How many candidates the figures are of, and the least and greatest value with each of them left out in turn."""


def cells(without: WithoutCandidate) -> dict[str, Any]:
    """The columns of a judge's row."""
    row: dict[str, Any] = {"n_candidates": len(without.names)}
    for name, span in without.spans.items():
        row |= {f"{name}_without_min": span.low, f"{name}_without_max": span.high}
    return row


def limits_in_words(finding: Finding) -> Iterator[str]:
    """Of which candidates the figures are, and why an interval is missing on screen."""
    if finding.data.n:
        yield _candidates(finding.without)
    yield from _no_interval(finding.values)


def _candidates(without: WithoutCandidate) -> str:
    if len(without.names) == 1:
        return "All answers are by one candidate: the figures do not speak of others."
    head = f"Figures of these {len(without.names)} candidates do not speak of new ones"
    if not without.spans:
        return f"{head}; there are too many answers to leave out each in turn."
    moved = ", ".join(_moved(SHOWN[name], without.spans[name]) for name in _NAMED)
    return f"{head}. With each left out in turn: {moved}."


def _moved(name: str, span: Span) -> str:
    lost = f" (undefined without {one_line(span.undefined[0])})" if span.undefined else ""
    if span.low is None:
        return f"{name} undefined"
    if span.low == span.high:
        return f"{name} {number(span.low, SHORT)}{lost}"
    ends = ((span.low, span.without_low), (span.high, span.without_high))
    return f"{name} " + " to ".join(f"{number(at, SHORT)} (without {one_line(who)})" for at, who in ends) + lost


def _no_interval(values: Mapping[str, Estimate]) -> Iterator[str]:
    why: dict[str, list[str]] = {}
    for name, shown in SHOWN.items():
        one = values[name]
        if one.value is not None and one.low is None and one.note:
            why.setdefault(one.note, []).append(shown)
    yield from (f"{', '.join(names)}: {note}." for note, names in why.items())


# What people reach among themselves, as rows of a calibration and in words; and the judge measured as they are.

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


def people_in_words(finding: Finding, among: Reliability | None) -> Iterator[str]:
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


FOR_A_TABLE = 3
"""Prompts: under these no figure has an interval."""

_SKILLS = ("mae", "rmse", "within_one")
_SHOWN = tuple(SHOWN)

SYSTEM = (
    "system_n", "system_prompts", "system_pearson", "system_pearson_lo", "system_pearson_hi", "system_spearman",
    "system_tau",
)  # fmt: skip
"""Candidates' means under the judge against their means under people."""

COLUMNS = (
    "kind", "judge", "axis", "label_kind", "n", "n_prompts", "answers_per_prompt", "n_raters", "n_unscored",
    "n_off_scale", "n_judge_only", "n_people_only",
    *(f"{s.name}{end}" for s in FIGURES for end in ("", "_lo", "_hi")),
    "intra_id_groups", "intra_id_undefined_judge", "intra_id_undefined_people",
    *(f"skill_{name}{end}" for name in _SKILLS for end in ("", "_lo", "_hi")),
    "bias_worst_lo", "bias_worst_hi", "mean_worst_lo", "mean_worst_hi",
    *(f"{name}{end}" for name in ("pearson_corrected", *AMONG) for end in ("", "_lo", "_hi")),
    *SYSTEM, "interval", "note", "signature", "result_signature", *CANDIDATES, "plots",
)  # fmt: skip


def rows(calibration: Calibration, data_sha256: Sequence[str]) -> Iterator[Row]:
    """One row a judge and axis, its null rows under it, and the people against each other with the judge like them.

    data_sha256: of the ratings and of the labels. An undefined figure is None (an empty cell), and `note` says why.
    """
    for finding in calibration.findings:
        signed = {"signature": finding.signature, "result_signature": _origin(calibration, finding, data_sha256)}
        found = [_judge_row(finding), *(_null_row(finding, line) for line in finding.nulls)]
        if finding.others is not None:
            found += people_rows(finding.judge, finding.others, calibration.people[finding.axis])
        for row in found:
            filled = _shared(finding) | row | signed
            yield {name: filled.get(name) for name in COLUMNS}


def _origin(calibration: Calibration, finding: Finding, data_sha256: Sequence[str]) -> str:
    """What was fixed beforehand belongs to the result: epsilon and score of the annotator test, what was a sample."""
    s = calibration.settings
    fixed = (f"alt-test.2:{s.epsilon:g},{s.alt_score}", f"random:{s.random}", f"permutations:{s.permutations}")
    drawn = s.resamples if s.method == "cluster-bootstrap" else 0
    return result_signature([finding.signature], data_sha256, ("calibration.3", f"{s.method}.2"), seed=s.seed,
                            resamples=drawn, beside=fixed)  # fmt: skip


def _judge_row(f: Finding) -> Row:
    skills = {f"skill_{name}": f.skill[name] for name in _SKILLS if name in f.skill}
    bounds = {f"{name}_worst_{end}": f.bounds[name][i] for name in f.bounds for i, end in enumerate(("lo", "hi"))}
    told = {} if f.corrected is None else {"pearson_corrected": f.corrected}
    return {
        "kind": "judge", "judge": f.judge, "n_raters": f.n_raters,
        "n_unscored": f.left.judge_unscored, "n_off_scale": f.n_off_scale, "n_judge_only": f.left.judge_only,
        "n_people_only": f.left.people_only, **on(f.data.n, f.data.prompts), **figures({**f.values, **skills, **told}),
        "intra_id_groups": f.groups.defined, "intra_id_undefined_judge": f.groups.judge_constant,
        "intra_id_undefined_people": f.groups.people_constant, **bounds, "interval": methods(f.values),
        "note": notes({**f.values, **told}), **cells(f.without), **_system(f.means),
        "plots": plots_of(f.judge, f.axis, f.signature),
    }  # fmt: skip


def _system(means: CandidateMeans) -> Row:
    """Nothing under three candidates: two means are in order or not, whatever the judge."""
    row: Row = {"system_n": len(means.names), "system_prompts": means.prompts}
    if len(means.names) < MIN_CANDIDATES:
        return row
    return row | figures({"system_pearson": means.pearson}) | {
        "system_spearman": means.spearman, "system_tau": means.tau,
    }  # fmt: skip


def _null_row(f: Finding, line: Line) -> Row:
    note = "; ".join(part for part in (line.note, notes(line.values)) if part)
    return {"kind": line.kind, "judge": line.name, **on(line.n, line.prompts), **figures(line.values),
            "interval": methods(line.values), "note": note}  # fmt: skip


def _shared(f: Finding) -> Row:
    return {"axis": f.axis, "label_kind": f.label_kind}


def show(console: Console, calibration: Calibration) -> None:
    """The table on screen: value and interval of the figures that matter first, nulls and people beneath each judge."""
    for finding in calibration.findings:
        if finding.data.prompts < FOR_A_TABLE:
            scored = f"{counted(finding.data.n, 'answer')} to {counted(finding.data.prompts, 'prompt')}"
            say(console, f"{one_line(finding.judge)}, {finding.axis}: no table, since both sides scored {scored} and a "
                f"figure with an interval takes {FOR_A_TABLE} prompts.")  # fmt: skip
            continue
        kind = "people's" if finding.label_kind == "human" else "constructed"
        title = f"{one_line(finding.judge)}, {finding.axis}: {finding.data.n} answers to {finding.data.prompts} prompts"
        table = Table(title=f"{title}, against {kind} labels", box=box.SIMPLE_HEAD, title_justify="left",
                      title_style="bold", pad_edge=False, collapse_padding=True)  # fmt: skip
        table.add_column("", overflow="fold")
        for name in SHOWN.values():
            table.add_column(name, justify="right", no_wrap=True)
        table.add_row("judge", *(_cell(finding.values.get(name)) for name in _SHOWN), style="bold")
        table.add_row("  95 % from", *(_end(finding.values.get(name), "low") for name in _SHOWN))
        table.add_row("       to", *(_end(finding.values.get(name), "high") for name in _SHOWN))
        for line in finding.nulls:
            table.add_row(one_line(line.name), *(_cell(line.values.get(name)) for name in _SHOWN))
        if finding.others is not None:
            told = finding.others.figures
            for name, side in (("people, one against the others", "person"), ("judge, measured like them", "judge")):
                cells = (getattr(told[s], side) if s in told else None for s in _SHOWN)
                table.add_row(name, *(_cell(one) for one in cells))
        console.print(table)
        say(console, finding.signature, style="italic")
        if why := unverified(finding.signature):
            say(console, why, style="italic")


def _cell(one: Estimate | None) -> str:
    return "" if one is None else "undef." if one.value is None else f"{one.value:.3f}"


def _end(one: Estimate | None, end: str) -> str:
    value = None if one is None else getattr(one, end)
    return "" if value is None else f"{value:.3f}"


AXES = ("semantic", "acoustic")
"""Of the paper."""


def paper_rows(calibration: Calibration) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The paper's columns: Pearson, Intra-ID Spearman, MAE, <=1 pass, bias; semantic | acoustic. A row for each
    signature; signatures of one judge that differ in nothing but their prompt share one where each rates its own axis.
    """
    told = [finding for finding in calibration.findings if finding.axis in AXES]
    if not told:
        got = sorted({finding.axis for finding in calibration.findings})
        raise InputError(f"got the axes {got}, expected semantic or acoustic",
                         todo="the paper's layout has these two; leave --layout paper out")  # fmt: skip
    head = (
        "judge", *(f"{name} {axis[:3]}." for name in ("Pearson", "Intra-ID", "MAE", "<=1", "bias") for axis in AXES),
    )  # fmt: skip
    figures = ("pearson", "intra_id_spearman", "mae", "within_one", "bias")
    found = list(_paper_rows(told))
    body = [
        (name, *(_cell(own[axis].values.get(figure)) if axis in own else "" for figure in figures for axis in AXES))
        for name, own in zip(_paper_names(found), found, strict=True)
    ]
    return head, body


def _paper_rows(findings: Sequence[Finding]) -> Iterator[dict[str, Finding]]:
    """The findings of each row, by axis."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for one in findings:
        groups.setdefault((one.judge, _without_prompt(one.signature)), []).append(one)
    for own in groups.values():
        axes = [one.axis for one in own]
        if len(set(axes)) == len(axes):
            yield {one.axis: one for one in own}
            continue
        for signature in dict.fromkeys(one.signature for one in own):  # nobody knows which of them belong together
            yield {one.axis: one for one in own if one.signature == signature}


def _without_prompt(signature: str) -> str:
    """The signature with neither name nor digest of its prompt, the second field of a judge's."""
    fields = signature.split("|")
    return "|".join(field for place, field in enumerate(fields) if place != 1 or "#" not in field)


def _paper_names(found: Sequence[Mapping[str, Finding]]) -> list[str]:
    """The judge of each row; of several rows, with the fields of the signature that are not common to them all."""
    judges = [next(iter(own.values())).judge for own in found]
    fields = [_shared_signature(own).split("|") for own in found]
    names = []
    for judge, own in zip(judges, fields, strict=True):
        others = [one for name, one in zip(judges, fields, strict=True) if name == judge]
        apart = [field for field in own if not all(field in one for one in others)]
        names.append(f"{judge} ({'|'.join(apart)})" if apart else judge)
    return names


def _shared_signature(own: Mapping[str, Finding]) -> str:
    signatures = {one.signature for one in own.values()}
    return next(iter(signatures)) if len(signatures) == 1 else _without_prompt(min(signatures))


def as_markdown(head: tuple[str, ...], body: list[tuple[str, ...]], escaped: Callable[[str], str]) -> str:
    """A table in Markdown; `escaped` makes names harmless."""
    lines = [head, ("---",) + ("---:",) * (len(head) - 1), *((escaped(row[0]), *row[1:]) for row in body)]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def as_latex(head: tuple[str, ...], body: list[tuple[str, ...]], escaped: Callable[[str], str]) -> str:
    """The same as a LaTeX tabular (booktabs)."""
    lines = [" & ".join(escaped(cell) for cell in line) + r" \\" for line in body]
    top = " & ".join(escaped(cell) for cell in head) + r" \\"
    columns = "l" + "r" * (len(head) - 1)
    inside = "\n".join([r"\toprule", top, r"\midrule", *lines, r"\bottomrule"])
    return f"\\begin{{tabular}}{{{columns}}}\n{inside}\n\\end{{tabular}}\n"
