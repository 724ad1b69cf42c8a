"""The TOML file of a training: everything that decides what is learnt, checked before anything is loaded.

    [model]    speaker = "my_model:Voice"      MODULE:CALLABLE that makes a `Speaker`; [model.options] are its keywords
    [data]     prompts, demonstrations, held_out
    [reward]   judges, weights, ...            as in `JudgeReward`
    [mixture]  threshold, slope, ...           as in `Gates`
    [loss]     text_beta, speech_beta, ...
    [train]    out, steps, ...
    [lora]     rank, alpha, targets            only where an adapter is trained

Paths are relative to the file. An unknown key is an error that names the known ones.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wavjudge.errors import InputError
from wavjudge.rewards.groups import Deviation
from wavjudge.rewards.guards import Guard
from wavjudge.rewards.mixing import Gates
from wavjudge.store import first_problem
from wavjudge.training.data import sha256_of
from wavjudge.training.masks import Counted, Tokens

__all__ = ["Config", "read"]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Model(_Section):
    """Whose weights are trained."""

    speaker: str
    options: dict[str, Any] = {}


class Data(_Section):
    """Files of rows (`data.Row`)."""

    prompts: Path
    demonstrations: Path
    held_out: Path | None = None


class RewardSection(_Section):
    """Who judges; as in `JudgeReward`. ceiling: share of failures in the last `window` answers of all processes."""

    judges: list[str] = Field(min_length=1)
    weights: dict[str, float] = {"overall": 1.0}
    guards: list[Guard] = ["no_speech"]
    floor: float | None = None
    prompt_set: str = "separate"
    prompts: Path | None = None
    repeats: int = Field(1, ge=1)
    tries: int = Field(1, ge=1)
    deadline_seconds: float = Field(300.0, gt=0)
    max_cost: float | None = Field(None, ge=0)
    price: str | None = None
    cache: bool = True
    log: bool = True
    ceiling: Annotated[float, Field(ge=0, lt=1)] | Literal["none"] = 0.10
    window: int = Field(200, ge=1)
    sample_rate_hz: int = Field(16_000, ge=8_000)


class MixtureSection(_Section):
    """Lambda; the paper's numbers."""

    threshold: float = 3.0
    slope: float = 5.0
    lambda_max: float = Field(0.8, gt=0, le=1)
    ema_decay: float = Field(0.9, ge=0, lt=1)
    deviation: Deviation = "population"


class Loss(_Section):
    """Which tokens count, and how far the policy is held to where it began."""

    preferred: Tokens = "text"
    anchored: Tokens = "all"
    anchored_text: float = 1.0
    anchored_speech: float = 1.0
    text_beta: float = Field(0.0, ge=0)
    speech_beta: float = Field(0.0, ge=0)


class Train(_Section):
    """How long, how fast, where to. answers: rollouts of a micro-batch on each process; a step samples
    answers * accumulate * processes, `generations` to each prompt. anchor_rows: demonstrations of a micro-batch."""

    out: Path
    steps: int = Field(ge=1)
    answers: int = Field(4, ge=1)
    generations: int = Field(4, ge=2)
    accumulate: int = Field(1, ge=1)
    anchor_rows: int = Field(1, ge=1)
    max_new_tokens: int = Field(1024, ge=1)
    temperature: float = Field(1.0, gt=0)
    learning_rate: float = Field(1e-6, gt=0)
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup_steps: int = Field(50, ge=0)
    weight_decay: float = Field(0.01, ge=0)
    clip: float = Field(1.2, gt=0)
    seed: int = Field(42, ge=0)
    save_every: int = Field(100, ge=1)
    keep: int = Field(3, ge=2)
    measure_every: int = Field(50, ge=1)
    bf16: bool = True
    cpu: bool = False
    gradient_checkpointing: bool = True


class Lora(_Section):
    """Low-rank adapters (peft) on the named linear layers; without targets on all of them but the head."""

    rank: int = Field(16, ge=1)
    alpha: float = Field(32.0, gt=0)
    dropout: float = Field(0.0, ge=0, lt=1)
    targets: list[str] = []


_MAY_CHANGE = frozenset({
    "reward.deadline_seconds", "reward.max_cost", "reward.price", "reward.cache", "reward.log", "reward.ceiling",
    "reward.window", "train.out", "train.keep", "train.save_every", "train.measure_every",
})  # fmt: skip
"""What decides nothing of what is learnt, or only when to stop: a training may go on with other values."""

_IN_THE_SIGNATURE = frozenset({
    "reward.judges", "reward.weights", "reward.guards", "reward.floor", "reward.prompt_set", "reward.prompts",
})  # fmt: skip
"""What the signature of a reward says better: another address of the same judge is the same judge."""


class Config(_Section):
    """One training."""

    model: Model
    data: Data
    reward: RewardSection
    train: Train
    mixture: MixtureSection = MixtureSection()
    loss: Loss = Loss()
    lora: Lora | None = None

    @property
    def gates(self) -> Gates:
        """The mixture's numbers."""
        held = self.mixture
        return Gates(held.threshold, held.slope, held.lambda_max, held.ema_decay)

    @property
    def preferred(self) -> Counted:
        return Counted(self.loss.preferred)

    @property
    def anchored(self) -> Counted:
        return Counted(self.loss.anchored, self.loss.anchored_text, self.loss.anchored_speech)

    def settings(self, reward_signature: str) -> dict[str, Any]:
        """Flat, without what may change when a training is resumed; of files their hash, not their place."""
        left_out = _MAY_CHANGE | _IN_THE_SIGNATURE
        flat = {key: value for key, value in _flat(self.model_dump(mode="json")) if key not in left_out}
        for name in ("prompts", "demonstrations", "held_out"):
            path: Path | None = getattr(self.data, name)
            flat[f"data.{name}"] = None if path is None else sha256_of(path)
        return flat | {"reward.signature": reward_signature}


def read(path: Path) -> Config:
    """The config in a file. `InputError` says which key is wrong."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"got no readable file ({error.strerror})", where=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"got what is no TOML ({error})", where=str(path)) from error
    try:
        config = Config.model_validate(raw)
        config.preferred, config.anchored, config.gates  # noqa: B018  each checks its own numbers
    except ValidationError as error:
        raise InputError(f"got a config that cannot be used: {first_problem(error)}", where=str(path),
                         todo=_known(error)) from error  # fmt: skip
    except InputError as error:
        raise InputError(error.problem, where=str(path), todo=error.todo) from error
    return _from_here(config, path.parent)


def _from_here(config: Config, folder: Path) -> Config:
    data = {name: None if value is None else folder / value for name, value in config.data}
    reward = {"prompts": None if config.reward.prompts is None else folder / config.reward.prompts}
    return config.model_copy(update={
        "data": config.data.model_copy(update=data), "reward": config.reward.model_copy(update=reward),
        "train": config.train.model_copy(update={"out": folder / config.train.out}),
    })  # fmt: skip


def _known(error: ValidationError) -> str:
    """The keys of the section with the first problem, where that is an unknown key."""
    first = error.errors(include_url=False)[0]
    if first["type"] != "extra_forbidden":
        return ""
    section: Any = Config
    for part in first["loc"][:-1]:
        kind = section.model_fields[str(part)].annotation
        section = Lora if str(part) == "lora" else kind
    return f"known here: {', '.join(section.model_fields)}"


def _flat(held: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in held.items():
        if isinstance(value, dict) and before == "":
            yield from _flat(value, f"{key}.")
        else:
            yield f"{before}{key}", value
