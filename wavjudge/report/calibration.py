"""A calibration as flat rows (CSV, JSON), as a console table, and in the paper's layout."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from wavjudge.analysis.beside import Line
from wavjudge.analysis.calibration import FIGURES, Calibration, Finding
from wavjudge.analysis.intervals import Estimate
from wavjudge.analysis.leave_one_out import STATISTICS as AGAINST_OTHERS
from wavjudge.analysis.leave_one_out import LeaveOneOut
from wavjudge.errors import InputError
from wavjudge.report.text import printable

_SKILLS = ("mae", "rmse", "within_one")
_SHOWN = ("pearson", "intra_id_spearman", "intra_id_zero_filled", "mae", "within_one", "bias")

COLUMNS = (
    "kind", "judge", "axis", "label_kind", "n", "n_prompts", "answers_per_prompt", "n_raters", "n_unscored",
    "n_off_scale", "n_judge_only", "n_people_only",
    *(f"{s.name}{end}" for s in FIGURES for end in ("", "_lo", "_hi")),
    "intra_id_groups", "intra_id_undefined_judge", "intra_id_undefined_people",
    *(f"skill_{name}{end}" for name in _SKILLS for end in ("", "_lo", "_hi")),
    "bias_worst_lo", "bias_worst_hi", "mean_worst_lo", "mean_worst_hi", "interval", "note", "signature",
)  # fmt: skip

Row = dict[str, Any]


def rows(calibration: Calibration) -> Iterator[Row]:
    """One row a judge and axis, its null rows under it, and the people against each other with the judge like them.

    An undefined figure is None (an empty cell), and `note` says why.
    """
    for finding in calibration.findings:
        yield _filled(_judge_row(finding))
        for line in finding.nulls:
            yield _filled(_null_row(finding, line))
        if finding.others is not None:
            yield from (_filled(row) for row in _people_rows(finding, finding.others))


def _judge_row(f: Finding) -> Row:
    skills = {f"skill_{name}": f.skill[name] for name in _SKILLS if name in f.skill}
    bounds = {f"{name}_worst_{end}": f.bounds[name][i] for name in f.bounds for i, end in enumerate(("lo", "hi"))}
    return {
        "kind": "judge", "judge": f.judge, **_shared(f), "n": f.data.n, "n_raters": f.n_raters,
        "n_unscored": f.left.judge_unscored, "n_off_scale": f.n_off_scale, "n_judge_only": f.left.judge_only,
        "n_people_only": f.left.people_only, **_figures({**f.values, **skills}), "intra_id_groups": f.groups.defined,
        "intra_id_undefined_judge": f.groups.judge_constant, "intra_id_undefined_people": f.groups.people_constant,
        **bounds, "interval": _methods(f.values), "note": _notes(f.values), "signature": f.signature,
    }  # fmt: skip


def _null_row(f: Finding, line: Line) -> Row:
    note = "; ".join(part for part in (line.note, _notes(line.values)) if part)
    return {"kind": line.kind, "judge": line.name, **_shared(f), "n": line.n, **_figures(line.values),
            "interval": _methods(line.values), "note": note, "signature": f.signature}  # fmt: skip


def _people_rows(f: Finding, others: LeaveOneOut) -> Iterator[Row]:
    said = {s.name: getattr(others, s.name) for s in AGAINST_OTHERS}
    note = "each person against the mean of the others, averaged"
    sides = {side: {name: getattr(one, side) for name, one in said.items()} for side in ("person", "judge")}
    yield {"kind": "people", "judge": "people, leave one out", **_shared(f), "note": note, "signature": f.signature,
           **_figures(sides["person"]), "interval": _methods(sides["person"])}  # fmt: skip
    yield {"kind": "like_people", "judge": f.judge, **_shared(f), "note": "the judge against the same references",
           "signature": f.signature, **_figures(sides["judge"]), "interval": _methods(sides["judge"])}  # fmt: skip


def _shared(f: Finding) -> Row:
    prompts = f.data.prompts
    return {"axis": f.axis, "label_kind": f.label_kind, "n_prompts": prompts,
            "answers_per_prompt": f.data.n / prompts if prompts else None}  # fmt: skip


def _figures(values: Mapping[str, Estimate]) -> Row:
    return {f"{name}{end}": value for name, one in values.items()
            for end, value in (("", one.value), ("_lo", one.low), ("_hi", one.high))}  # fmt: skip


def _methods(values: Mapping[str, Estimate]) -> str:
    return "+".join(sorted({one.method for one in values.values() if one.method and one.low is not None}))


def _notes(values: Mapping[str, Estimate]) -> str:
    """Remarks of the figures, equal ones once: "spearman, pearson: undefined: one side is constant"."""
    by_note: dict[str, list[str]] = {}
    for name, one in values.items():
        if one.note:
            by_note.setdefault(one.note, []).append(name)
    return "; ".join(f"{', '.join(names)}: {note}" for note, names in by_note.items())


def _filled(row: Row) -> Row:
    return {name: row.get(name) for name in COLUMNS}


def show(console: Console, calibration: Calibration) -> None:
    """The table on screen: value and interval of the figures that matter first, nulls and people beneath each judge."""
    for finding in calibration.findings:
        kind = "people's" if finding.label_kind == "human" else "constructed"
        title = (
            f"{printable(finding.judge)}, {finding.axis}: {finding.data.n} answers to {finding.data.prompts} prompts"
        )
        table = Table(title=f"{title}, against {kind} labels", box=box.SIMPLE_HEAD, title_justify="left",
                      title_style="bold", pad_edge=False, collapse_padding=True)  # fmt: skip
        table.caption, table.caption_justify = printable(finding.signature), "left"
        table.add_column("", overflow="fold")
        for name in ("Pearson", "Intra-ID", "zero-filled", "MAE", "<=1", "bias"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_row("judge", *(_cell(finding.values.get(name)) for name in _SHOWN), style="bold")
        table.add_row("  95 % from", *(_end(finding.values.get(name), "low") for name in _SHOWN))
        table.add_row("       to", *(_end(finding.values.get(name), "high") for name in _SHOWN))
        for line in finding.nulls:
            table.add_row(printable(line.name), *(_cell(line.values.get(name)) for name in _SHOWN))
        if finding.others is not None:
            told = {s.name: getattr(finding.others, s.name) for s in AGAINST_OTHERS}
            for name, side in (("people, one against the others", "person"), ("judge, measured like them", "judge")):
                cells = (getattr(told[s], side) if s in told else None for s in _SHOWN)
                table.add_row(name, *(_cell(one) for one in cells))
        console.print(table)


def _cell(one: Estimate | None) -> str:
    return "" if one is None else "undef." if one.value is None else f"{one.value:.3f}"


def _end(one: Estimate | None, end: str) -> str:
    value = None if one is None else getattr(one, end)
    return "" if value is None else f"{value:.3f}"


def paper_rows(calibration: Calibration) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The paper's columns, one row a judge: Pearson, Intra-ID Spearman, MAE, <=1 pass, bias; semantic | acoustic."""
    axes = ("semantic", "acoustic")
    if not any(finding.axis in axes for finding in calibration.findings):
        got = sorted({finding.axis for finding in calibration.findings})
        raise InputError(f"got the axes {got}, expected semantic or acoustic",
                         todo="the paper's layout has these two; leave --layout paper out")  # fmt: skip
    head = (
        "judge",
        *(f"{name} {axis[:3]}." for name in ("Pearson", "Intra-ID", "MAE", "<=1", "bias") for axis in axes),
    )
    found = {(f.judge, f.signature.split("|is:")[-1], f.axis): f for f in calibration.findings if f.axis in axes}
    names = list(dict.fromkeys((judge, model) for judge, model, _ in found))
    figures = ("pearson", "intra_id_spearman", "mae", "within_one", "bias")
    body = [
        (judge, *(_cell(found[judge, model, axis].values.get(name)) if (judge, model, axis) in found else ""
                  for name in figures for axis in axes))
        for judge, model in names
    ]  # fmt: skip
    return head, body


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
