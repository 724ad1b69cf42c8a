"""A reward that obeys a calibration: an axis that may not be optimised is refused or weighs less; scores may be mapped.

JudgeReward(..., calibration=Obedience.of("cal/calibration.json", below="down-weight", factor=0.25))
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from wavjudge.analysis.recalibration import Kind, RecalibrationMap
from wavjudge.report.calibration_files import CalibrationFile, read
from wavjudge.rewards.check import Bar, Below, Permit, map_of, obeying
from wavjudge.rewards.combine import Unscored, Verdict, Weights


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

    @classmethod
    def of(
        cls, path: str | Path, *, bar: Bar | None = None, below: Below = "refuse", factor: float = 0.0,
        recalibrate: Kind | None = None,
    ) -> Obedience:  # fmt: skip
        """From the calibration.json that `wavjudge calibrate` wrote. Raises `InputError` where it is none."""
        return cls(read(Path(path)), bar, below, factor, recalibrate)

    @property
    def signature(self) -> str:
        """What of it decides a reward, in one short part."""
        digest = hashlib.sha256(self.file.model_dump_json().encode()).hexdigest()[:12]
        below = self.below if self.below == "refuse" else f"{self.below}:{self.factor:g}"
        return f"calibration:{digest}|{below}|map:{self.recalibrate or 'none'}"

    def weighed(self, weights: Weights, signatures: Mapping[str, str]) -> tuple[Weights, tuple[Permit, ...]]:
        """The weights that may be used, and the permit of each axis; signatures: the judge of each axis.

        Raises `InputError` for an axis that is refused, and for a judge that the calibration does not hold.
        """
        return obeying(weights, signatures, self.file, self.bar, below=self.below, factor=self.factor)

    def maps(self, weights: Weights, signatures: Mapping[str, str]) -> dict[str, RecalibrationMap]:
        """The map of each weighted axis; none where none was asked for."""
        if self.recalibrate is None:
            return {}
        return {axis: map_of(self.file, axis, signatures[axis], self.recalibrate) for axis in weights.axes}


def mapped(
    found: Mapping[str, Verdict | Unscored], maps: Mapping[str, RecalibrationMap]
) -> dict[str, Verdict | Unscored]:
    """The outcomes with each score brought to people's scale; what has no score stays as it is."""
    return {
        axis: replace(one, score=float(maps[axis].apply([one.score])[0]))
        if isinstance(one, Verdict) and axis in maps
        else one
        for axis, one in found.items()
    }
