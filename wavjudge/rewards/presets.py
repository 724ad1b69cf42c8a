"""Named settings of the reward pipeline: the paper's numbers, and the reference code's exact behaviour.

The first two are the paper's recipe with the mistakes of its code mended (docs/rewards.md lists them); ``reference``
and ``reference_fused`` repeat what the code does, mistakes included, to compare with runs made by it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from wavjudge.errors import InputError
from wavjudge.rewards.ceiling import Ceiling
from wavjudge.rewards.combine import SKIP, Policy, Weights
from wavjudge.rewards.groups import Deviation
from wavjudge.rewards.mixing import Advance, Gates, Mixture

REFERENCE_CONSTANT = 2.5
"""What the reference code pays for every failure: a wrong key, a time-out, a reply it cannot read."""


@dataclass(frozen=True, slots=True)
class Preset:
    """One choice of everything that turns axes into advantages and lambda.

    ceiling: the share of failures that stops training; None for no ceiling.
    """

    about: str
    weights: Weights
    policy: Policy = SKIP
    deviation: Deviation = "population"
    gates: Gates = field(default_factory=Gates)
    advance: Advance = "optimiser_step"
    ceiling: float | None = 0.10

    def mixture(self) -> Mixture:
        """A new mixture with these settings."""
        return Mixture(self.gates, self.advance)

    def new_ceiling(self) -> Ceiling | None:
        """A new ceiling with these settings, if there is one."""
        return None if self.ceiling is None else Ceiling(self.ceiling)


_OVERALL = Weights({"overall": 1.0})
_CONSTANT = Policy("constant", REFERENCE_CONSTANT)

PRESETS: dict[str, Preset] = {
    "overall": Preset("one axis, the paper's default", _OVERALL),
    "semantic_acoustic": Preset("two axes, the paper's weights", Weights({"semantic": 0.7, "acoustic": 0.3})),
    "reference": Preset(
        "the released code, masked trainer", _OVERALL, _CONSTANT, "population", advance="micro_batch", ceiling=None
    ),
    "reference_fused": Preset(
        "the released code, fused trainer", _OVERALL, _CONSTANT, "sample", advance="micro_batch", ceiling=None
    ),
}


def preset(name: str) -> Preset:
    """The preset of this name.

    >>> preset("overal")
    Traceback (most recent call last):
    ...
    wavjudge.errors.InputError: got the preset 'overal', expected one of overall, semantic_acoustic, reference, ...
    """
    if name not in PRESETS:
        raise InputError(f"got the preset {name!r}, expected one of {', '.join(PRESETS)}")
    return PRESETS[name]
