"""One run of the toy: a base model from demonstrations, and what an arm of the recipe makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from statistics import fmean

import numpy as np
import torch
from torch import Tensor

from studies.toy_recipe.model import Shape, ToyModel, answers
from studies.toy_recipe.world import World
from wavjudge.rewards.groups import Advantages, advantages
from wavjudge.rewards.mixing import Mixture
from wavjudge.training.diagnostics import Kind
from wavjudge.training.losses import hybrid, next_token_logps, preference, supervised
from wavjudge.training.masks import Counted, Masks, Tokens, answer_mask, masks


@dataclass(frozen=True, slots=True)
class Arm:
    """A recipe. tokens: which of them get the preference gradient, None: no preference. share: lambda, None: gated."""

    name: str
    tokens: Tokens | None
    share: float | None


ARMS = (
    Arm("SFT only", None, 0.0),
    Arm("GRPO all", "all", 1.0),
    Arm("GRPO text", "text", 1.0),
    Arm("all + SFT", "all", 0.5),
    Arm("text + SFT", "text", 0.5),
    Arm("text + SFT gated", "text", None),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """How the toy trains; the reasons stand in docs/training.md, "The toy's design"."""

    world: World = field(default_factory=World)
    base_steps: int = 300
    base_rows: int = 64
    base_lr: float = 3e-3
    steps: int = 60
    look_every: int = 5
    answers_a_prompt: int = 8
    demonstrations: int = 16
    held_out: int = 256
    looked_at: int = 160
    clip: float = 1.2
    tied: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """A model after some steps. drift: held-out nats a speech token more than the base. reward: mean worth of its
    answers, 1 to 5, without the judge's error. valid: share of its frames in their codebook. share: mean lambda."""

    step: int
    drift: float
    reward: float
    valid: float
    share: float


def base(settings: Settings, seed: int) -> ToyModel:
    """A model that learnt from demonstrations alone."""
    torch.manual_seed(seed)
    rng = np.random.default_rng([seed, 0])
    model = ToyModel(Shape(settings.world.vocabulary.size, settings.world.length, tied=settings.tied))
    optimiser = _optimiser(model, settings.base_lr)
    for _ in range(settings.base_steps):
        ids = torch.from_numpy(settings.world.demonstrations(settings.base_rows, rng))
        _step(model, optimiser, supervised(*_seen(model, ids, settings)), settings.clip)
    return model


def train(model: ToyModel, arm: Arm, lr: float, seed: int, settings: Settings) -> Iterator[Look]:
    """Train the model by the arm, in place; a look at it before the first step, and after every few."""
    rng, generator = np.random.default_rng([seed, 1]), torch.Generator().manual_seed(seed)
    optimiser, mixture, shares = _optimiser(model, lr), Mixture(), [0.0]
    began = held_out_nll(model, seed, settings)
    for step in range(settings.steps + 1):
        if step % settings.look_every == 0:
            yield _look(model, step, began, fmean(shares[1:] or [arm.share or 0.0]), seed, settings)
        if step == settings.steps:
            return
        term, share = _preferred(model, arm, mixture, rng, generator, settings)
        anchor = None if share == 1 else _anchor(model, seed, step, settings)
        _step(model, optimiser, hybrid(term, anchor, share), settings.clip)
        mixture.optimiser_step()
        shares.append(share)


def _preferred(
    model: ToyModel, arm: Arm, mixture: Mixture, rng: np.random.Generator, generator: torch.Generator,
    settings: Settings,
) -> tuple[Tensor | None, float]:  # fmt: skip
    """The preference term of one step, and lambda."""
    if arm.tokens is None:
        return None, 0.0
    ids, found = _rolled_out(model, rng, generator, settings)
    share = mixture.micro_batch(mixture.gates.sums(found.groups)) if arm.share is None else arm.share
    return _term(model, ids, found, arm.tokens, settings), share


def _rolled_out(
    model: ToyModel, rng: np.random.Generator, generator: torch.Generator, settings: Settings
) -> tuple[Tensor, Advantages]:  # fmt: skip
    """Answers to every class, some to each, and how each stands out by the judge."""
    world = settings.world
    classes = np.repeat(np.arange(world.classes), settings.answers_a_prompt)
    ids = answers(model, torch.from_numpy(world.prompts(classes)), generator)
    return ids, advantages(world.judged(ids.numpy(), classes, rng).tolist(), classes.tolist())


def _term(model: ToyModel, ids: Tensor, found: Advantages, tokens: Tokens, settings: Settings) -> Tensor:
    logps, parts = _seen(model, ids, settings)
    return preference(logps, torch.from_numpy(found.values), parts, Counted(tokens), rows=torch.from_numpy(found.mask))


def preference_by_kind(model: ToyModel, seed: int, settings: Settings) -> Callable[[Kind], Tensor]:
    """The preference term of the first step's answers, for `diagnostics.gradients`."""
    rng, generator = np.random.default_rng([seed, 1]), torch.Generator().manual_seed(seed)
    ids, found = _rolled_out(model, rng, generator, settings)
    return lambda kind: _term(model, ids, found, kind, settings)


def _anchor(model: ToyModel, seed: int, step: int, settings: Settings) -> Tensor:
    """The supervised term on fresh demonstrations, the same ones for every arm at a step of a seed."""
    rng = np.random.default_rng([seed, 2, step])
    ids = torch.from_numpy(settings.world.demonstrations(settings.demonstrations, rng))
    return supervised(*_seen(model, ids, settings))


def _look(model: ToyModel, step: int, began: float, share: float, seed: int, settings: Settings) -> Look:
    classes = np.arange(settings.looked_at) % settings.world.classes
    prompts = torch.from_numpy(settings.world.prompts(classes))
    ids = answers(model, prompts, torch.Generator().manual_seed(seed + 1_000_000)).numpy()
    worth, valid = settings.world.worth(ids, classes), settings.world.valid(ids, classes)
    drift = held_out_nll(model, seed, settings) - began
    return Look(step, drift, float(worth.mean()), float(valid.mean()), share)


@torch.no_grad()
def held_out_nll(model: ToyModel, seed: int, settings: Settings, tokens: Tokens = "speech") -> float:
    """Nats a token of demonstrations that no run trains on; boundaries count as speech."""
    rng = np.random.default_rng([seed, 3])
    ids = torch.from_numpy(settings.world.demonstrations(settings.held_out, rng))
    return float(supervised(*_seen(model, ids, settings), Counted(tokens), mean="token"))


def _seen(model: ToyModel, ids: Tensor, settings: Settings) -> tuple[Tensor, Masks]:
    vocabulary = settings.world.vocabulary
    counted = answer_mask(ids, vocabulary, [1] * len(ids))
    return next_token_logps(model(ids), ids), masks(ids, counted, vocabulary)


def _optimiser(model: ToyModel, lr: float) -> torch.optim.AdamW:
    return torch.optim.AdamW(model.parameters(), lr=lr, betas=(0.9, 0.95), weight_decay=0.01)


def _step(model: ToyModel, optimiser: torch.optim.AdamW, loss: Tensor, clip: float) -> None:
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimiser.step()
