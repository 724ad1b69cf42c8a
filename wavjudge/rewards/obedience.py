"""A reward that obeys a calibration: an axis that may not be optimised is refused or weighs less; scores may be mapped.

JudgeReward(..., calibration=Obedience.of("cal/calibration.json", below="down-weight", factor=0.25))
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from wavjudge.analysis.stats.recalibration import Kind, RecalibrationMap
from wavjudge.errors import InputError
from wavjudge.reporting.calibration_files import CalibrationFile, read
from wavjudge.rewards.combine import Unscored, Verdict, Weights
from wavjudge.rewards.gate import Bar, Below, Permit, map_of, obeying
from wavjudge.signature import planned, same_judge


@dataclass(frozen=True, slots=True)
class Obedience:
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
    ) -> Obedience:  # fmt: skip
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


def of_options(calibration: str | Path | None, **how: Any) -> Obedience | None:
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
    return Obedience.of(calibration, bar=Bar(**bar), **given)


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
