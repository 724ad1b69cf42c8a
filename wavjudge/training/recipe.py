"""What a hybrid training is told beside TRL's arguments, and which of those it cannot do with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trl import GRPOConfig

from wavjudge.errors import InputError
from wavjudge.rewards.groups import Deviation
from wavjudge.rewards.mixing import Gates
from wavjudge.training.audio import JUDGE_RATE_HZ
from wavjudge.training.masks import ALL, TEXT, Counted, Rule

__all__ = ["Recipe", "checked"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What TRL's own arguments do not hold.

    preferred, anchored: the tokens that the two terms count. text_beta, speech_beta: of the KL term, 0 for none; the
    reference costs a forward pass and, without LoRA, a second model. anchor_rows: demonstrations of a micro-batch.
    ceiling, window: share of failures among the last `window` answers of all ranks that stops the training.
    settings: kept in checkpoints; another training's are refused. judge_rate_hz: what the judge hears.
    """

    preferred: Counted = TEXT
    anchored: Counted = ALL
    rule: Rule = field(default_factory=Rule)
    text_beta: float = 0.0
    speech_beta: float = 0.0
    deviation: Deviation = "population"
    gates: Gates = field(default_factory=Gates)
    anchor_rows: int = 1
    ceiling: float | None = 0.10
    window: int = 200
    judge_rate_hz: int = JUDGE_RATE_HZ
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def held_to_reference(self) -> bool:
        """Whether there is a KL term at all."""
        return max(self.text_beta, self.speech_beta) > 0


def checked(args: GRPOConfig, prompts: int, demonstrations: int) -> None:
    """`InputError` for TRL's arguments and data that this recipe has no place for."""
    if args.num_iterations != 1 or args.steps_per_generation != args.gradient_accumulation_steps:
        raise InputError(
            f"got num_iterations {args.num_iterations} and steps_per_generation {args.steps_per_generation}, expected "
            f"1 and {args.gradient_accumulation_steps}: one step on each generation, by the policy that made it"
        )
    if args.beta:
        raise InputError(f"got beta {args.beta}, expected 0: the recipe has a text_beta and a speech_beta")
    if prompts < (needed := args.generation_batch_size // args.num_generations):
        raise InputError(f"got {prompts} prompts, expected at least the {needed} of one step")
    if not demonstrations:
        raise InputError("got no demonstrations, expected at least one: they are the anchor")
