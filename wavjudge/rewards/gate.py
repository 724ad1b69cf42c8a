"""Which axes of a judge may be optimised, by its calibration; and rewards that obey it.

Optimising a score finds whatever the score is wrong about. What a training signal needs is order among answers to one
prompt, so a judge's axis may be optimised where it is shown

* that it orders them as people do: the whole interval of the zero-filled Intra-ID Spearman lies above the bar;
* that choosing by it gains: the whole interval of `best_of_n` lies above zero, where there is one;
* that it does so better than what does not judge at all: above the best null row (length of the answer, an
  instrument), where one has a figure; the same judge on transcripts alone does judge and is no such row;
* that it says the same again: the intraclass correlation of repeats inside a prompt, where there are repeats.

A self-test on constructed labels shows none of this about people, and the instruments of `signals` are guards: both are
refused. All figures are read from calibration.json; nothing is computed anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any, Literal, get_args

from wavjudge.analysis.calibration.baseline_rows import BASELINE, TRANSCRIPT_ONLY
from wavjudge.analysis.calibration.decisions import State, of_scored_only, state_of
from wavjudge.analysis.stats.recalibration import Kind, RecalibrationMap
from wavjudge.errors import InputError
from wavjudge.reporting.calibration_files import CalibrationFile, Repeats, read
from wavjudge.rewards.combine import Unscored, Verdict, Weights
from wavjudge.signature import planned, resolved_model, same_judge, unverified

Row = Mapping[str, Any]
Below = Literal["refuse", "down-weight"]


@dataclass(frozen=True, slots=True)
class Bar:
    """What an axis has to reach before it may be optimised.

    min_order: the lower end of the zero-filled Intra-ID interval lies above it. min_icc: the least intraclass
    correlation of single repeats inside a prompt; None asks for no repeats, but repeats that are there must show more
    than nothing. beat_nulls: whether the lower end must lie above the best null row too. label_kind: "constructed" lets
    a self-test pass, to try things out.
    """

    min_order: float = 0.0
    min_icc: float | None = None
    beat_nulls: bool = True
    label_kind: Literal["human", "constructed"] = "human"

    def __post_init__(self) -> None:
        for name, value in (("min_order", self.min_order), ("min_icc", self.min_icc)):
            if value is not None and (isinstance(value, bool) or not (isfinite(value) and -1 <= value < 1)):
                raise InputError(f"got {name}={value}, expected a correlation, -1 or more and below 1")


@dataclass(frozen=True, slots=True)
class Permit:
    """Whether one axis of one judge may be optimised; `sentence` says why, with the figures.

    order: what the labels show about its order inside a prompt, by the rule of the verdicts
    (`analysis/calibration/decisions.py`) with the bar in place of zero. Only "shown" is ever allowed, and what is not
    known is never called wrong.
    """

    judge: str
    signature: str
    axis: str
    allowed: bool
    sentence: str
    order: State

    @property
    def unverified(self) -> str:
        """What has to be said of a judge of whom nobody knows which model it is; empty where that is known."""
        return unverified(self.signature)

    @property
    def told(self) -> str:
        """The sentence, and that the identity is not verified where it is not."""
        return "; ".join(filter(None, (self.sentence, self.unverified)))


def check(file: CalibrationFile, bar: Bar | None = None) -> tuple[Permit, ...]:
    """One permit a judge and axis, in the order of the file. Raises `InputError` where it holds no judge."""
    judges = [row for row in file.rows if row["kind"] == "judge"]
    if not judges:
        raise InputError("got a calibration without a judge", todo="calibrate a judge against people's labels first")
    return tuple(_permit(file, row, bar or Bar()) for row in judges)


def obeying(
    weights: Weights, signatures: Mapping[str, str], file: CalibrationFile, bar: Bar | None = None, *,
    below: Below = "refuse", factor: float = 0.0, answered: bool = False,
) -> tuple[Weights, tuple[Permit, ...]]:  # fmt: skip
    """The weights of a reward that may be used, and the permit of each of its axes.

    signatures: the judge of each axis, as planned or resolved. answered: they are of replies that came, so that one
    without a model is a judge that named none, and no plan. below: what becomes of an axis that is not permitted:
    "refuse" raises `InputError` with the sentences; "down-weight" multiplies its weight by `factor` (0: it is left out)
    and scales all weights to the sum of 1 again, so that the reward stays on its scale. Where no axis is permitted
    there is nothing to weigh less against, and the sum of 1 would pay them in full: an `InputError` too.
    """
    if below not in ("refuse", "down-weight") or isinstance(factor, bool) or not 0 <= factor < 1:
        raise InputError(f"got below={below!r}, factor={factor!r}, expected refuse or down-weight and a factor of 0 "
                         "or more, below 1")  # fmt: skip
    permits = tuple(permit_of(file, axis, signatures, bar, answered=answered) for axis in weights.axes)
    refused = [one for one in permits if not one.allowed]
    if refused and (below == "refuse" or len(refused) == len(permits)):
        raise InputError(
            f"got the axis {', '.join(one.axis for one in refused)}, which the calibration does not permit: "
            + " ".join(one.sentence for one in refused),
            todo="leave them out, lower the bar, or down-weight them and say so" if len(refused) < len(permits)
            else "weigh an axis that it permits, or calibrate on more of people's labels; a lower bar is obeyed too, "
            "and down-weighting all of them would pay them in full",
        )  # fmt: skip
    scaled = {one.axis: weights.axes[one.axis] * (1.0 if one.allowed else factor) for one in permits}
    total = sum(scaled.values())
    return Weights({axis: weight / total for axis, weight in scaled.items() if weight}, weights.scale), permits


def permit_of(
    file: CalibrationFile, axis: str, signatures: Mapping[str, str], bar: Bar | None = None, *, answered: bool = False
) -> Permit:
    """The permit of one axis under its judge. Raises `InputError` where the calibration does not hold that judge."""
    found = [one for one in check(file, bar) if one.axis == axis]
    held = [one.signature for one in found]
    name = _only(signatures.get(axis), held, f"axis {axis}", answered=answered)
    return next(one for one in found if one.signature == name)


def map_of(
    file: CalibrationFile, axis: str, signature: str, kind: Kind = "linear", *, answered: bool = False
) -> RecalibrationMap:
    """The recalibration map of a judge's axis: from its scores to what people would have said on average.

    Inside a group a map changes no order; it brings axes on people's scale before they are weighted, and a flat map
    (`note`) says that there is nothing to bring. Maps from constructed labels are no maps to people: refused.
    """
    own = [one for one in file.maps if (one.axis, one.kind) == (axis, kind)]
    name = _only(signature, [one.judge for one in own], f"{kind} map of {axis}", answered=answered)
    found = next(one for one in own if one.judge == name)
    if found.label_kind != "human":
        raise InputError(f"got a {kind} map of {axis} that was learnt from constructed labels: a self-test",
                         todo="calibrate against people's labels")  # fmt: skip
    if found.note:
        raise InputError(f"got a {kind} map of {axis} that is flat: {found.note}",
                         todo="such an axis carries nothing to optimise: leave it out")  # fmt: skip
    return found


def _only(wanted: str | None, held: Collection[str], what: str, *, answered: bool) -> str:
    """The signature of the calibration that is meant: the same judge, or before a reply the only one of the plan."""
    is_plan = wanted is not None and not answered and resolved_model(wanted) is None
    same = [
        one for one in held if wanted is not None and (planned(one) == wanted if is_plan else same_judge(one, wanted))
    ]
    if is_plan and len(same) > 1:
        raise InputError(
            f"got a calibration of {len(same)} models for one judge of the {what}, expected one, since nobody knows "
            f"before a reply which of them will answer: {'; '.join(sorted(same))}",
            todo="calibrate ratings of one of them alone: take the other's out, or rate in a new run folder",
        )
    if not same:
        raise InputError(
            f"got the judge {wanted or 'of no name'} for the {what}, expected one of the calibration: "
            f"{'; '.join(sorted(held)) or 'there is none'}",
            todo="a calibration belongs to the model that answered: calibrate exactly this judge",
        )
    return same[0]


def _permit(file: CalibrationFile, row: Row, bar: Bar) -> Permit:
    signature, axis = str(row["signature"]), str(row["axis"])
    beside = [one for one in file.rows if (one["signature"], one["axis"]) == (signature, axis)]
    nulls = [one for one in beside if one["kind"] == BASELINE and one["judge"] != TRANSCRIPT_ONLY]
    steady = next((one for one in file.repeats if (one.signature, one.axis) == (signature, axis)), None)
    against = [why for why in (_no_calibration(row, bar), _order(row, bar), _gain(row), _nulls(row, nulls, bar),
                               _unsteady(steady, bar)) if why]  # fmt: skip
    gain = f"best of n {_figure(row, 'best_of_n')}; " if row.get("best_of_n") is not None else ""
    figures = f"zero-filled Intra-ID {_figure(row, 'intra_id_zero_filled')}; {gain}{_best_null(nulls)}; {_told(steady)}"
    yes = "yes, it is shown to order answers to one prompt in people's direction"
    said = f"no: {'; '.join(against)}" if against else yes
    return Permit(str(row["judge"]), signature, axis, not against, f"{axis}: {said} ({figures}).", _state(row, bar))


def _no_calibration(row: Row, bar: Bar) -> str:
    if str(row["signature"]).split("|")[0] == "signals":
        return "an instrument of signals is a guard and never what a trainer maximises"
    if row["label_kind"] != bar.label_kind:
        return f"its labels are {row['label_kind']}, and {bar.label_kind} ones are asked for"
    return ""


def _state(row: Row, bar: Bar) -> State:
    state = state_of(row["intra_id_zero_filled_lo"], row["intra_id_zero_filled_hi"], bar.min_order)
    return of_scored_only(state, row["n"], row["n_unscored"])


def _order(row: Row, bar: Bar) -> str:
    return {
        "shown": "",
        "reversed": "its order inside a prompt is the reverse of people's",
        "not_shown": f"its order inside a prompt is not shown to lie above {bar.min_order:g}",
        "unknown": _why_unknown(row),
    }[_state(row, bar)]


def _why_unknown(row: Row) -> str:
    if row["intra_id_zero_filled_lo"] is None:
        return "its order inside a prompt is not known, it has no interval: label more prompts with two answers"
    return (f"its order inside a prompt is not known: it left {row['n_unscored']} of {row['n'] + row['n_unscored']} "
            "labelled answers unscored")  # fmt: skip


def _gain(row: Row) -> str:
    """Only what is known counts here: where the gain has no interval, the order speaks alone."""
    return {
        "reversed": "choosing the best of several answers by it is worse than choosing blindly",
        "not_shown": "choosing the best of several answers by it is not shown to gain anything",
    }.get(state_of(row.get("best_of_n_lo"), row.get("best_of_n_hi")), "")


def _nulls(row: Row, nulls: Sequence[Row], bar: Bar) -> str:
    low, best = row["intra_id_zero_filled_lo"], _best(nulls)
    if not bar.beat_nulls or low is None or best is None or low > best["intra_id_zero_filled"]:
        return ""
    return f"it is not shown to order them better than the null row {best['judge']!r}"


def _unsteady(steady: Repeats | None, bar: Bar) -> str:
    if steady is None or steady.icc_within is None:
        return "nothing is known of its repeats: score with --repeats 2 or more" if bar.min_icc is not None else ""
    if bar.min_icc is not None and steady.icc_within < bar.min_icc:
        return f"its repeats agree too little, below {bar.min_icc:g}"
    nothing = steady.icc_within_lo is not None and steady.icc_within_lo <= 0
    return "its repeats are not shown to agree at all inside a prompt" if nothing else ""


def _best(nulls: Sequence[Row]) -> Row | None:
    known = [one for one in nulls if one["intra_id_zero_filled"] is not None]
    return max(known, key=lambda one: float(one["intra_id_zero_filled"]), default=None)


def _best_null(nulls: Sequence[Row]) -> str:
    best = _best(nulls)
    return f"best null row {best['judge']!r} {best['intra_id_zero_filled']:.2f}" if best else "no null row has one"


def _told(steady: Repeats | None) -> str:
    if steady is None or steady.icc_within is None:
        return "repeats: none"
    low, high = steady.icc_within_lo, steady.icc_within_hi
    interval = "without an interval" if low is None or high is None else f"[{low:.2f}, {high:.2f}]"
    label = f", {steady.label}" if steady.label else ""
    return f"repeats: ICC inside a prompt {steady.icc_within:.2f} {interval}, sd {steady.sd_within or 0:.2f}{label}"


def _figure(row: Row, name: str) -> str:
    value, low, high = (row[f"{name}{end}"] for end in ("", "_lo", "_hi"))
    if value is None:
        return "undefined"
    return f"{value:.2f} without an interval" if low is None else f"{value:.2f} [{low:.2f}, {high:.2f}]"


# A reward that obeys a calibration: an axis that may not be optimised is refused or weighs less; scores may be
# mapped.
#
# JudgeReward(..., calibration=CalibrationGate.of("cal/calibration.json", below="down-weight", factor=0.25))


@dataclass(frozen=True, slots=True)
class CalibrationGate:
    """The calibration that a reward obeys, and how.

    bar: what an axis has to reach. below: "refuse" an axis that does not, or "down-weight" it by `factor`.
    recalibrate: "linear" or "isotonic" brings each score to what people would have said on average, before the axes are
    weighed; None leaves the judge's own. Raw scores stay in the ratings either way.
    """

    file: CalibrationFile
    bar: Bar | None = None
    below: Below = "refuse"
    factor: float = 0.0
    recalibrate: Kind | None = None

    def __post_init__(self) -> None:
        if self.recalibrate not in (None, *get_args(Kind)):
            raise InputError(f"got the map {self.recalibrate!r}, expected {', '.join(get_args(Kind))} or None")

    @classmethod
    def of(
        cls, path: str | Path, *, bar: Bar | None = None, below: Below = "refuse", factor: float = 0.0,
        recalibrate: Kind | None = None,
    ) -> CalibrationGate:  # fmt: skip
        """From the calibration.json that `wavjudge calibrate` wrote, or its folder. `InputError` where it is none."""
        return cls(read(Path(path)), bar, below, factor, recalibrate)

    @property
    def signature(self) -> str:
        """What of it decides a reward, in one short part."""
        digest = hashlib.sha256(self.file.model_dump_json().encode()).hexdigest()[:12]
        below = self.below if self.below == "refuse" else f"{self.below}:{self.factor:g}"
        return f"calibration:{digest}|{below}|map:{self.recalibrate or 'none'}"

    def weighed(
        self, weights: Weights, signatures: Mapping[str, str], *, answered: bool = False
    ) -> tuple[Weights, tuple[Permit, ...]]:
        """The weights that may be used, and the permit of each axis; signatures: the judge of each axis. answered:
        whether they are of replies that came, or planned.

        Raises `InputError` for an axis that is refused, and for a judge that the calibration does not hold.
        """
        return obeying(weights, signatures, self.file, self.bar, below=self.below, factor=self.factor,
                        answered=answered)  # fmt: skip

    def said(self, permits: Sequence[Permit]) -> str:
        """Which axes are down-weighted, by what factor, and whether that was chosen; empty where nothing is."""
        lower = [one.axis for one in permits if not one.allowed]
        if self.below != "down-weight" or not lower:
            return ""
        axes = f"{'the axis' if len(lower) == 1 else 'the axes'} {', '.join(lower)}"
        if self.factor:
            return f"down-weight: the weight of {axes} is multiplied by {self.factor:g}, all are scaled to one sum"
        gone = "is" if len(lower) == 1 else "are"
        return (f"down-weight: {axes} {gone} left out, for the factor is 0 (the default); "
                "a factor above 0 and below 1 keeps a share of the weight")  # fmt: skip

    def maps(
        self, weights: Weights, signatures: Mapping[str, str], *, answered: bool = False
    ) -> dict[str, RecalibrationMap]:
        """The map of each weighted axis; none where none was asked for."""
        if self.recalibrate is None:
            return {}
        return {axis: map_of(self.file, axis, signatures[axis], self.recalibrate, answered=answered)
                for axis in weights.axes}  # fmt: skip

    def is_foreign(self, axis: str, signature: str) -> bool:
        """Whether these verdicts were planned as the calibrated judge's and came from another model."""
        held = [str(row["signature"]) for row in self.file.rows if (row["kind"], row["axis"]) == ("judge", axis)]
        own = [one for one in held if planned(one) == planned(signature)]
        return bool(own) and not any(same_judge(one, signature) for one in own)


OPTIONS = ("below", "factor", "recalibrate", "min_order", "min_icc")


def of_options(calibration: str | Path | None, **how: Any) -> CalibrationGate | None:
    """From the options of a command or a trainer's file, by the names in `OPTIONS`; None is an option not given.

    >>> of_options(None, below="refuse")
    Traceback (most recent call last):
    ...
    wavjudge.errors.InputError: got below without a calibration, expected the file that says what is below the bar
    What to do: name calibration=...json
    """
    given = {name: value for name, value in how.items() if value is not None}
    if calibration is None:
        if given:
            raise InputError(f"got {', '.join(given)} without a calibration, expected the file that says what is "
                             "below the bar", todo="name calibration=...json")  # fmt: skip
        return None
    if "factor" in given and given.get("below", "refuse") == "refuse":
        raise InputError(f"got factor={given['factor']!r}, and below-the-bar axes are refused, so that nothing is "
                         "weighed by it",
                         todo="add below=down-weight (--below down-weight), or leave factor out")  # fmt: skip
    bar = {name: given.pop(name) for name in ("min_order", "min_icc") if name in given}
    return CalibrationGate.of(calibration, bar=Bar(**bar), **given)


def as_people_say(score: float, by: RecalibrationMap) -> float:
    """A score of the judge, brought to what people would have said on average."""
    return float(by.apply([score])[0])


def mapped(
    found: Mapping[str, Verdict | Unscored], maps: Mapping[str, RecalibrationMap]
) -> dict[str, Verdict | Unscored]:
    """The outcomes with each score brought to people's scale; what has no score stays as it is."""
    return {
        axis: replace(one, score=as_people_say(one.score, maps[axis]))
        if isinstance(one, Verdict) and axis in maps
        else one
        for axis, one in found.items()
    }
