"""How far repeats of one answer differ, in points of the score that orders pairs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from wavjudge.analysis.stats.reliability import repeatability
from wavjudge.rewards.pairs.build import Noise
from wavjudge.rewards.pairs.pair_rules import AXES, Rules
from wavjudge.types import Rating

Key = tuple[str, str, str]
Repeats = Mapping[Key, Sequence[Mapping[str, float]]]
"""Of each answer (dataset, prompt, key) its fresh repeats, each with its scores by the schema's names."""


def repeats_of(ratings: Iterable[Rating]) -> Repeats:
    """Those that were given anew: a reply from the cache repeats perfectly."""
    names = {axis: name for name, axis in AXES.items()}
    found: dict[Key, dict[int, dict[str, float]]] = {}
    for one in ratings:
        if one.axis in names and one.score is not None and not (one.call and one.call.cached):
            subject = one.subject
            key = (subject.benchmark, subject.item_id, f"{subject.candidate}/{subject.attempt}")
            found.setdefault(key, {}).setdefault(one.repeat, {})[names[one.axis]] = one.score
    return {key: list(of.values()) for key, of in found.items()}


def noise_of(repeats: Repeats, rules: Rules) -> Noise:
    """From repeats in which every score of the mode was given; nothing is known where no answer has two."""
    whole = {key: [score for each in of if (score := rules.score(each)) is not None] for key, of in repeats.items()}
    whole = {key: of for key, of in whole.items() if of}
    most = max(map(len, whole.values()), default=0)
    if most < 2:
        return Noise()
    table = np.full((len(whole), most), np.nan)
    for row, of in zip(table, whole.values(), strict=True):
        row[: len(of)] = of
    prompts = [f"{dataset}\x1f{item}" for dataset, item, _ in whole]
    return Noise(repeatability(table, prompts).sd_within.value, {key: len(of) for key, of in whole.items()})
