"""What a monitor fixes before its first look: prompts and judges that are apart, weights, and the error rate."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping

from pydantic import Field, model_validator

from wavjudge.errors import InputError
from wavjudge.rewards.combine import Weights
from wavjudge.rewards.monitor.alarms import Errors
from wavjudge.rewards.monitor.monitor_apart import Fingerprint, judges_apart, prompts_apart
from wavjudge.types import Stored


class Plan(Stored):
    """What a monitor fixes before its first look. Make one with `plan`, which checks that it is honest.

    prompts: each with a hash of what is asked. reward_judges, held_out_judges: signatures. alpha, looks: as in
    `Errors`. training_prompts, training_sha256: how many they were compared with, and which. said: what has to be said
    of the judges.
    """

    prompts: dict[str, str] = Field(min_length=1)
    reward_judges: tuple[str, ...]
    held_out_judges: tuple[str, ...]
    reward_weights: dict[str, float]
    held_out_weights: dict[str, float]
    scale: tuple[float | None, float | None]
    alpha: float = Field(gt=0, lt=0.5)
    looks: int = Field(ge=1)
    training_prompts: int
    training_sha256: str
    said: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> Plan:
        if list(self.prompts) != sorted(self.prompts):
            raise ValueError("expected prompts in the order of their names")
        return self

    @property
    def errors(self) -> Errors:
        return Errors(self.alpha, self.looks)


def plan(
    monitored: Mapping[str, Fingerprint], training: Mapping[str, Fingerprint], *, reward_judges: Collection[str],
    held_out_judges: Collection[str], weights: Weights, held_out_weights: Weights | None = None,
    same_family: bool = False, alpha: float = 0.05, looks: int = 20,
) -> Plan:  # fmt: skip
    """A plan whose prompts are none of the training's and whose judges are apart, or an `InputError` that names them.

    Parameters
    ----------
    monitored, training: what is asked, by name of the prompt (`Fingerprint.of`, `asked`).
    reward_judges, held_out_judges: signatures, as ratings carry them.
    weights: of the axes of the reward. held_out_weights: of the held-out judge's, on the same scale; the same if None.
    same_family: allow a held-out judge of the same family; the output then says so.
    alpha: chance of any false alarm over all `looks` after the first. Both are fixed here, before anything is seen.

    >>> ours, theirs = {"q1": Fingerprint.of([("Why?", None)])}, {"t1": Fingerprint.of([("why", None)])}
    >>> plan(ours, theirs, reward_judges=["openai:gpt-audio-1.5|overall.1#ab"],
    ...      held_out_judges=["gemini:gemini-3.5-flash|mine.1#cd"], weights=Weights({"overall": 1.0}))
    Traceback (most recent call last):
    ...
    wavjudge.errors.InputError: got monitored prompts that are trained on, 1 in all: q1 is t1 of the training
    What to do: ...
    """
    prompts_apart(training, monitored)
    said = judges_apart(reward_judges, held_out_judges, same_family=same_family)
    second = held_out_weights or weights
    if (weights.scale.low, weights.scale.high) != (second.scale.low, second.scale.high):
        raise InputError(f"got a reward on {weights.scale.low}..{weights.scale.high} and a held-out score on "
                         f"{second.scale.low}..{second.scale.high}, expected one scale",
                         todo="their gains are compared: weigh axes of one scale")  # fmt: skip
    if not (0 < alpha < 0.5 and looks >= 1):
        raise InputError(f"got alpha={alpha}, looks={looks}, expected 0 < alpha < 0.5 and at least one look")
    return Plan(
        prompts={name: _digest([monitored[name].parts])[:16] for name in sorted(monitored)},
        reward_judges=tuple(sorted(reward_judges)), held_out_judges=tuple(sorted(held_out_judges)),
        reward_weights=dict(weights.axes), held_out_weights=dict(second.axes),
        scale=(weights.scale.low, weights.scale.high), alpha=alpha, looks=looks, training_prompts=len(training),
        training_sha256=_digest(one.parts for one in training.values()),
        said=said,
    )  # fmt: skip


def _digest(of: Iterable[tuple[str, ...]]) -> str:
    """Of fingerprints, in any order."""
    return hashlib.sha256("\n".join(sorted("\t".join(parts) for parts in of)).encode()).hexdigest()
