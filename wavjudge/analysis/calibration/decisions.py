"""What a judge may be used for, in plain sentences. The rules stand here once, and every sentence shows its figures.

Three uses, three questions:

* reading its scores as people's: does it err less than the constant that people's median would be?
* comparing candidates by their averages: do the candidates' means under it rise with their means under people?
  Scores pooled over all answers cannot say so (`stats/candidates.py`);
* ranking answers to one prompt (rewards, preference pairs): does it order them as people do, counting the prompts where
  it sees no difference as nothing?

Where the same judge was run on transcripts alone, a fourth says what its hearing adds.

Each answer is a `State`. "Shown" means that the whole 95 % interval lies above zero, "reversed" that it lies below.
Shown does not mean good: the figure says how good. What is not known, for want of an interval or of labels, is said to
be not known, and what would be needed; "do not" is said only where there is an interval and it does not lie above zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from wavjudge.analysis.calibration.baseline_rows import Line
from wavjudge.analysis.calibration.findings import Finding
from wavjudge.analysis.stats.candidates import MIN_CANDIDATES, MIN_PROMPTS, CandidateMeans, correlation
from wavjudge.analysis.stats.intervals import MIN_PROMPTS_INTRA, Estimate

# What an interval says about a claim: the one rule for verdicts and permits.

State = Literal["shown", "reversed", "not_shown", "unknown", "too_few"]
"""shown: the whole interval lies above the bar. reversed: the opposite is shown, the whole interval lies below zero
(and below the bar). not_shown: neither. unknown: there is no figure, or no interval. too_few: so little was labelled
that nothing can be said. Only `reversed` and `not_shown` are anything against a judge."""


def state_of(low: float | None, high: float | None, bar: float = 0.0) -> State:
    """Of the claim that a value lies above the bar, from its interval.

    >>> [state_of(*ends) for ends in ((0.1, 0.3), (-0.3, -0.1), (-0.1, 0.3), (0.0, 0.2), (None, None))]
    ['shown', 'reversed', 'not_shown', 'not_shown', 'unknown']
    >>> state_of(0.1, 0.3, bar=0.2), state_of(0.05, 0.1, bar=0.2)
    ('not_shown', 'not_shown')
    """
    if low is None or high is None:
        return "unknown"
    if low > bar:
        return "shown"
    return "reversed" if high < min(bar, 0.0) else "not_shown"


UNSCORED_AT_MOST = 0.1
"""Share of the labelled answers that a judge may leave without a score before its order is called not known."""


def of_scored_only(state: State, scored: int, unscored: int) -> State:
    """The state of a judge's order where it gave some of the labelled answers no score: what it does with the others
    cannot be shown of all of them, since which it leaves out need not be chance.

    >>> of_scored_only("shown", 120, 40), of_scored_only("shown", 155, 5), of_scored_only("reversed", 120, 40)
    ('unknown', 'shown', 'reversed')
    """
    much = unscored > UNSCORED_AT_MOST * (scored + unscored)
    return "unknown" if much and state == "shown" else state


Use = Literal["levels", "averages", "ranking", "audio"]

FEW_CANDIDATES = 5
"""With fewer, a perfect order comes about by chance too often to say anything of other candidates: 1 of 4! = 24."""

MIN_PROMPTS_LEVELS = 12
"""With fewer, an interval over prompts rests on a handful of differences: the studies of its coverage begin here."""

APART = 0.05
"""People tell the candidates apart where the p of equal means is below it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """use; state: what the labels show about it; sentence: claim, figure, interval, consequence."""

    use: Use
    state: State
    sentence: str


def verdicts(finding: Finding) -> tuple[Verdict, ...]:
    """The three uses of one judge on one axis; and what its hearing adds, where its transcript-only twin was run."""
    gains = (_audio(line) for line in finding.nulls if line.kind == "gain")
    return _levels(finding), _averages(finding), _ranking(finding), *gains


def _levels(f: Finding) -> Verdict:
    skill = f.skill.get("mae", Estimate(None))
    state, whose = _state(skill), _whose(f)
    figures = f"MAE {_figure(f.values['mae'])}, skill over the constant {_figure(skill)}"
    text = {
        "shown": f"Its scores may be read as {whose}, with that error: {figures}.",
        "reversed": f"Do not read its scores as {whose}: always giving the median errs less ({figures}).",
        "not_shown": f"Do not read its scores as {whose}: it is not shown to err less than always the median "
        f"({figures}).",
        "unknown": f"Not known whether its scores may be read as {whose}: {_why(skill)} ({figures}).",
    }
    claim = f"whether its scores may be read as {whose}"
    if not f.data.n:
        return Verdict("levels", "too_few", _nothing(claim))
    if f.data.prompts < MIN_PROMPTS_LEVELS:
        have = f"both sides scored answers to {f.data.prompts} of the {MIN_PROMPTS_LEVELS} prompts that it takes"
        said = f"Too few to say {claim}: {have} ({figures})."
        return Verdict("levels", "too_few", said)
    return Verdict("levels", state, text[state])


def _averages(f: Finding) -> Verdict:
    """Fixed candidates, prompts as a sample. Where people themselves do not tell the candidates apart there is no order
    to agree with, and the correlation of their means is that of noise."""
    means, whose = f.means, _whose(f)
    if missing := _too_few(means):
        return Verdict("averages", "too_few", f"Too few to say whether its averages compare candidates: {missing}.")
    state, figures = _of_order(means), _of_means(means)
    if means.people_differ is None or means.people_differ > APART:
        p = "" if means.people_differ is None else f" (p {means.people_differ:.2f} of equal means)"
        why = f"{whose} own averages are not shown to differ between these candidates{p}"
        return Verdict("averages", "unknown", f"Not known whether its averages compare candidates: {why}; {figures}.")
    every, opposite = means.agreed == means.pairs, means.turned == means.pairs
    rise = f"put these candidates in the order of {whose}" if every else f"rise with {whose} over these candidates"
    fall = f"put them in the reverse order of {whose}" if opposite else f"fall where {whose} rise"
    against = _against(means, whose) if state == "not_shown" else ""
    text = {
        "shown": f"Its averages {rise}: {figures}.",
        "reversed": f"Do not compare candidates by it: its averages {fall}: {figures}.",
        "not_shown": f"Do not compare candidates by it: its averages {against}: {figures}.",
        "unknown": f"Not known whether its averages compare candidates: {_why(means.pearson)}; {figures}.",
    }
    return Verdict("averages", state, text[state] + _of_others(means))


def _of_order(means: CandidateMeans) -> State:
    """One candidate far from the others carries a correlation alone: the order of the pairs has to say the same."""
    state = _state(means.pearson)
    borne_out = {"shown": "alike", "reversed": "turned"}
    return "not_shown" if state in borne_out and means.order != borne_out[state] else state


def _against(means: CandidateMeans, whose: str) -> str:
    """Why nothing is shown: the interval holds zero, or the pairs do not bear it out."""
    if _state(means.pearson) == "not_shown":
        return f"are not shown to rise with {whose}"
    says = f"rise with {whose}" if _state(means.pearson) == "shown" else f"fall where {whose} rise"
    return f"{says} by their correlation and not by the pairs of candidates, so that it hangs on a few{_odd_one(means)}"


def _odd_one(means: CandidateMeans) -> str:
    """The candidate without which the correlation changes its sign, if there is one."""
    count, r = len(means.names), means.pearson.value or 0.0
    if count <= MIN_CANDIDATES:
        return ""
    kept = ~np.eye(count, dtype=bool)
    rest = np.array([[np.array(side)[k] for k in kept] for side in (means.judge, means.people)])
    without = np.sign(r) * correlation(rest[0], rest[1])
    worst = int(np.nanargmin(without)) if np.isfinite(without).any() else 0
    if not without[worst] < 0:
        return ""
    return f" (without {means.names[worst]!r} it is {np.sign(r) * without[worst]:.2f})"


def _too_few(means: CandidateMeans) -> str:
    """What is missing before anything can be said of averages."""
    count = len(means.names)
    if count < 2:
        return "all answers are by one candidate" if count else "no answer was scored by both sides"
    have = f"{count} candidates with {means.prompts} prompts that all of them answered and both sides scored"
    need = f"it takes {MIN_CANDIDATES} candidates and {MIN_PROMPTS} such prompts"
    return f"{have}; {need}" if count < MIN_CANDIDATES or means.prompts < MIN_PROMPTS else ""


def _of_means(means: CandidateMeans) -> str:
    on = means.pairwise.value
    single = "" if on is None else f", on single prompts {on:.2f} of the pairs that people order"
    return (f"Pearson of the means of {len(means.names)} candidates {_figure(means.pearson)}, {means.agreed} of "
            f"{means.pairs} pairs of candidates ordered alike{single}")  # fmt: skip


def _of_others(means: CandidateMeans) -> str:
    count = len(means.names)
    if count >= FEW_CANDIDATES:
        return ""
    luck = "" if not means.chance else f" (one random order in {1 / means.chance:.0f} is as far from chance)"
    return f" With {count} candidates this says little of others{luck}: label answers of {FEW_CANDIDATES} or more."


def _ranking(f: Finding) -> Verdict:
    rho, flat = f.values["intra_id_zero_filled"], f.groups.judge_constant
    several = flat + f.groups.defined
    figure = f"zero-filled Intra-ID {_figure(rho)}; no difference seen in {flat} of {several} prompts"
    if f.data.prompts < MIN_PROMPTS_INTRA or not several + f.groups.people_constant:
        need = f"it takes {MIN_PROMPTS_INTRA} prompts with two labelled answers or more that both sides scored"
        have = f"{several + f.groups.people_constant} of {f.data.prompts} prompts have them"
        said = f"Too few to say whether it orders answers to one prompt: {have}, {need} ({figure})."
        return Verdict("ranking", "too_few", said)
    if (state := of_scored_only(_state(rho), f.data.n, f.left.judge_unscored)) != _state(rho):
        lost = f"{f.left.judge_unscored} of {f.data.n + f.left.judge_unscored} labelled answers got no score of it"
        said = f"Not known whether it orders answers to one prompt: {lost}, and how it would order these nobody knows"
        return Verdict("ranking", state, f"{said} (of the others {figure}).{_gain(f)}")
    text = {
        "shown": f"It orders answers to one prompt better than chance ({figure}).",
        "reversed": f"Neither rank answers to one prompt by it nor train on it: its order is reversed ({figure}).",
        "not_shown": "Neither rank answers to one prompt by it nor train on it: no better than chance is shown "
        f"({figure}).",
        "unknown": f"Not known whether it orders answers to one prompt: {_why(rho)} ({figure}).",
    }
    return Verdict("ranking", state, text[state] + _gain(f))


def _gain(f: Finding) -> str:
    """What choosing by it gains; beside it people, one by one, and the judge against the same references."""
    gain = f.values["best_of_n"]
    if gain.value is None:
        return ""
    told = f" Choosing its favourite answer gains {_figure(gain)} of what the best one would over a blind choice"
    beside = f.others.figures["best_of_n"] if f.others is not None else None
    if f.left.judge_unscored:
        return f"{told}, the answers that it left unscored among them and never its favourite."
    if beside is None or beside.person.value is None or beside.judge.value is None:
        return f"{told}."
    return (
        f"{told}; on the same references a person gains {beside.person.value:.2f}, the judge {beside.judge.value:.2f}."
    )


def _audio(line: Line) -> Verdict:
    order, error = line.values["intra_id_zero_filled"], line.values["mae"]
    figures = f"zero-filled Intra-ID {_figure(order, '+')}, MAE {_figure(error, '+')}, paired on {line.n} answers"
    state = _state(order)
    says = {
        "shown": "it orders answers to one prompt better",
        "reversed": "it orders answers to one prompt worse",
        "not_shown": "not shown to order answers to one prompt better",
        "unknown": f"not known, {_why(order)}",
    }[state]
    return Verdict("audio", state, f"What audio adds to the same judge with the transcript only: {says} ({figures}).")


def _state(one: Estimate) -> State:
    return "unknown" if one.value is None else state_of(one.low, one.high)


def _why(one: Estimate) -> str:
    return _bare(one.note) or "there is no interval"


def _bare(note: str) -> str:
    return note.removeprefix("undefined: ")


def _nothing(claim: str) -> str:
    return f"Too few to say {claim}: no answer was scored by both sides."


def _whose(f: Finding) -> str:
    return "people's" if f.label_kind == "human" else "the constructed labels"


def _figure(one: Estimate, sign: str = "") -> str:
    if one.value is None:
        return f"undefined ({_bare(one.note)})" if one.note else "undefined"
    if one.low is None or one.high is None:
        return f"{one.value:{sign}.2f} without an interval"
    digits = 2 if f"{one.low:.2f}" != f"{one.high:.2f}" else 4  # narrow is not without width
    return f"{one.value:{sign}.2f} [{one.low:{sign}.{digits}f}, {one.high:{sign}.{digits}f}]"
