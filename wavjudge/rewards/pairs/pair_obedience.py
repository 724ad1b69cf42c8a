"""Pairs that obey a calibration, by the rules of rewards: an axis below the bar is refused or weighs less.

The weights of a mode keep their sum, so that a least gap stays in the points that it was meant in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from wavjudge.analysis.stats.recalibration import RecalibrationMap
from wavjudge.rewards.combine import Weights
from wavjudge.rewards.gate import Obedience, Permit, as_people_say
from wavjudge.rewards.pairs.build import Output, Prompt
from wavjudge.rewards.pairs.files import Scored
from wavjudge.rewards.pairs.pair_noise import noise_of
from wavjudge.rewards.pairs.pair_rules import AXES, USED, Rules

F = TypeVar("F", float, float | None)


def obeying(scored: Scored, rules: Rules, obedience: Obedience) -> tuple[Scored, Rules, tuple[Permit, ...]]:
    """The scores and rules that may be used, and the permit of each axis of the mode.

    Where weights change, the mode becomes ``weighted``. Maps are put to scores and to repeats, so that noise is in the
    points of what is compared; one that was named for a file without repeats is taken as it was named.

    Raises `InputError` for an axis that is refused, and for a judge that the calibration does not hold.
    """
    total = sum(rules.used.values())
    asked = Weights({AXES[name]: weight / total for name, weight in rules.used.items()})
    weights, permits = obedience.weighed(asked, scored.signatures, answered=True)
    if dict(weights.axes) != dict(asked.axes):
        semantic, paralinguistic = (total * weights.axes.get(AXES[name], 0.0) for name in USED["weighted"])
        rules = replace(rules, mode="weighted", weights=(semantic, paralinguistic))
    maps = {name: one for name, axis in AXES.items()
            if (one := obedience.maps(weights, scored.signatures, answered=True).get(axis)) is not None}  # fmt: skip
    repeats = {key: [_mapped(one, maps) for one in of] for key, of in scored.repeats.items()}
    return replace(
        scored, prompts=[_prompt(one, maps) for one in scored.prompts], repeats=repeats,
        noise=noise_of(repeats, rules) if repeats else scored.noise, calibration=obedience.signature,
    ), rules, permits  # fmt: skip


def _prompt(prompt: Prompt, maps: Mapping[str, RecalibrationMap]) -> Prompt:
    target = _output(prompt.target, maps) if prompt.target else None
    return replace(prompt, outputs=tuple(_output(one, maps) for one in prompt.outputs), target=target)


def _output(one: Output, maps: Mapping[str, RecalibrationMap]) -> Output:
    return replace(one, scores=_mapped(one.scores, maps))


def _mapped(scores: Mapping[str, F], maps: Mapping[str, RecalibrationMap]) -> dict[str, F]:
    """Scores on people's scale; what is missing stays missing."""
    return {name: score if score is None or name not in maps else as_people_say(score, maps[name])
            for name, score in scores.items()}  # fmt: skip
