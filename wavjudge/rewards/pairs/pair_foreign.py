"""Scores that came from another model than the calibrated one, under its name: no pair is made of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from wavjudge.reporting import wavalign
from wavjudge.rewards.gate import Obedience
from wavjudge.rewards.pairs.build import Output, Prompt
from wavjudge.rewards.pairs.pair_noise import Key
from wavjudge.rewards.pairs.pair_rules import AXES, Rules
from wavjudge.signature import resolved_model, settled
from wavjudge.types import Rating


def own_scores(
    ratings: Sequence[Rating], rules: Rules, obedience: Obedience | None
) -> tuple[list[Rating], list[Rating]]:
    """The ratings that the calibration may be of, and those by another model on the axes of the mode.

    All stay where none is the calibrated model's: then the calibration is of another judge altogether, and says so.
    """
    used, ratings = {AXES[name] for name in rules.used}, _spelled_alike(ratings)
    if obedience is None:
        return ratings, []
    foreign = [one.axis in used and obedience.is_foreign(one.axis, one.signature) for one in ratings]
    own = [one for one, is_foreign in zip(ratings, foreign, strict=True) if not is_foreign]
    if not {one.axis for one in own if one.score is not None} >= used & {one.axis for one in ratings}:
        return ratings, []
    return own, [one for one, is_foreign in zip(ratings, foreign, strict=True) if is_foreign and one.score is not None]


def _spelled_alike(ratings: Sequence[Rating]) -> list[Rating]:
    names = {one.signature for one in ratings if one.score is not None}
    homes = {name: home for name, home in settled(names, names).items() if name != home}
    return [one.model_copy(update={"signature": homes[one.signature]}) if one.signature in homes else one
            for one in ratings]  # fmt: skip


def marked(prompt: Prompt, foreign: Sequence[Rating]) -> Prompt:
    """The prompt, whose outputs know which of their missing scores another model gave."""
    names = {axis: name for name, axis in AXES.items()}
    given: dict[Key, set[str]] = {}
    for one in foreign:
        subject = one.subject
        key = (subject.benchmark, subject.item_id, f"{subject.candidate}/{subject.attempt}")
        given.setdefault(key, set()).add(names[one.axis])

    def known(one: Output) -> Output:
        names = given.get((prompt.dataset, prompt.id, one.key), set())
        return replace(one, foreign=frozenset(name for name in names if one.scores.get(name) is None))

    target = known(prompt.target) if prompt.target else None
    return replace(prompt, outputs=tuple(map(known, prompt.outputs)), target=target) if given else prompt


def told(foreign: Sequence[Rating]) -> Iterator[str]:
    """How many scores of which other model were set aside."""
    for model, count in Counter(resolved_model(one.signature) for one in foreign).most_common():
        who = repr(model) if model is not None else "a model that is not named"
        yield f"{count} scores by {who}, which is not the calibrated model: set aside"


def foreign_record(record: Any, rules: Rules, obedience: Obedience) -> str:
    """Why a scored prompt of a file cannot stand beside the calibration; empty where it can."""
    signatures = record.get("signatures") if isinstance(record, Mapping) else None
    if not isinstance(signatures, Mapping):
        return ""
    for axis in (AXES[name] for name in rules.used):
        signature = signatures.get({**wavalign.AXES, **wavalign.WHOLE}[axis])
        if isinstance(signature, str) and obedience.is_foreign(axis, signature):
            return (
                f"{axis} rated by {resolved_model(signature) or 'an unnamed model'}, which is not the calibrated model"
            )
    return ""
