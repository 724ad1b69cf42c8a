"""What a judge may be used for, in plain sentences. The rules stand here once, and every sentence shows its figures.

Three uses, three questions:

* reading its scores as people's: does it err less than the constant that people's median would be?
* comparing candidates by their averages: do its scores rise with people's over all answers?
* ranking answers to one prompt (rewards, preference pairs): does it order them as people do, counting the prompts where
  it sees no difference as nothing?

Where the same judge was run on transcripts alone, a fourth says what its hearing adds.

"Shown" means that the whole 95 % interval lies above zero. It does not mean good: the figure says how good.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wavjudge.analysis.beside import Line
from wavjudge.analysis.calibration import Finding
from wavjudge.analysis.intervals import Estimate

Use = Literal["levels", "averages", "ranking", "audio"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """use; shown: whether it is shown that the judge does this better than nothing; sentence: with the figures."""

    use: Use
    shown: bool
    sentence: str


def verdicts(finding: Finding) -> tuple[Verdict, ...]:
    """The three uses of one judge on one axis; and what its hearing adds, where its transcript-only twin was run."""
    gains = (_audio(line) for line in finding.nulls if line.kind == "gain")
    return _levels(finding), _averages(finding), _ranking(finding), *gains


def _levels(f: Finding) -> Verdict:
    skill, mae = f.skill.get("mae", Estimate(None)), f.values["mae"]
    figures = f"MAE {_figure(mae)}, skill over the constant {_figure(skill)}"
    shown = _above_zero(skill)
    if shown:
        text = f"Its scores may be read as {_whose(f)}, with that error: {figures}."
    else:
        worse = skill.high is not None and skill.high < 0
        why = "always giving the median errs less" if worse else "it is not shown to err less than always the median"
        text = f"Do not read its scores as {_whose(f)}: {why} ({figures})."
    return Verdict("levels", shown, text)


def _averages(f: Finding) -> Verdict:
    shown, figure = _above_zero(f.values["spearman"]), f"Spearman {_figure(f.values['spearman'])}"
    if shown:
        text = f"Averages over many answers carry something: its scores rise with {_whose(f)} ({figure})."
    else:
        text = f"Do not compare candidates by it: its scores are not shown to rise with {_whose(f)} ({figure})."
    return Verdict("averages", shown, text)


def _ranking(f: Finding) -> Verdict:
    rho, flat = f.values["intra_id_zero_filled"], f.groups.judge_constant
    figure = f"zero-filled Intra-ID {_figure(rho)}; no difference seen in {flat} of {flat + f.groups.defined} prompts"
    shown = _above_zero(rho)
    if shown:
        text = f"It orders answers to one prompt better than chance ({figure})."
    else:
        text = f"Neither rank answers to one prompt by it nor train on it: no better than chance is shown ({figure})."
    return Verdict("ranking", shown, text)


def _audio(line: Line) -> Verdict:
    order, error = line.values["intra_id_zero_filled"], line.values["mae"]
    figures = f"zero-filled Intra-ID {_figure(order, '+')}, MAE {_figure(error, '+')}, paired on {line.n} answers"
    shown = _above_zero(order)
    says = "it orders answers to one prompt better" if shown else "not shown to order answers to one prompt better"
    return Verdict("audio", shown, f"What audio adds to the same judge with the transcript only: {says} ({figures}).")


def _whose(f: Finding) -> str:
    return "people's" if f.label_kind == "human" else "the constructed labels"


def _above_zero(one: Estimate) -> bool:
    return one.low is not None and one.low > 0


def _figure(one: Estimate, sign: str = "") -> str:
    if one.value is None:
        return f"undefined ({one.note})" if one.note else "undefined"
    if one.low is None or one.high is None:
        return f"{one.value:{sign}.2f} without an interval"
    return f"{one.value:{sign}.2f} [{one.low:{sign}.2f}, {one.high:{sign}.2f}]"
