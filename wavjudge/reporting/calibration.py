"""A calibration as flat rows (CSV, JSON), as a console table, and in the paper's layout."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from wavjudge.analysis.calibration.baseline_rows import Line
from wavjudge.analysis.calibration.findings import FIGURES, Calibration, Finding
from wavjudge.analysis.stats.candidates import MIN_CANDIDATES, CandidateMeans
from wavjudge.analysis.stats.intervals import Estimate
from wavjudge.errors import InputError
from wavjudge.reporting.calibration_limits import COLUMNS as CANDIDATES
from wavjudge.reporting.calibration_limits import SHOWN, cells
from wavjudge.reporting.calibration_people import AMONG, figures, methods, notes, on, people_rows
from wavjudge.reporting.origin import plots_of, result_signature
from wavjudge.reporting.text import counted, one_line, say
from wavjudge.signature import unverified

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

Row = dict[str, Any]


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
