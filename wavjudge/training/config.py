"""The TOML file of a training: everything that decides what is learnt, checked before anything is loaded.

    method = "hybrid"                          or "dpo"; hybrid is the default

    [model]    speaker = "my_model:Voice"      MODULE:CALLABLE that makes a `Speaker`; [model.options] are its keywords
    [data]     held_out                        and prompts, demonstrations; for dpo: pairs
    [train]    out, steps, ...
    [lora]     rank, alpha, targets            only where an adapter is trained
    [reward]   judges, weights, ...            hybrid: as in `JudgeReward`
    [monitor]  prompts, every, [.held_out]     hybrid, optional: looks by a held-out judge
    [mixture]  threshold, slope, ...           hybrid: as in `Gates`
    [loss]     text_beta, speech_beta, ...     hybrid
    [dpo]      tokens, beta                    dpo

Paths are relative to the file. An unknown key is an error that names the known ones.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wavjudge.analysis.stats.recalibration import Kind
from wavjudge.errors import InputError
from wavjudge.rewards.gate import Below
from wavjudge.rewards.groups import Deviation
from wavjudge.rewards.guards import Guard
from wavjudge.rewards.mixing import Gates
from wavjudge.store.run_folder import first_problem
from wavjudge.training.data import sha256_of, sha256_of_recordings
from wavjudge.training.masks import Counted, Tokens

__all__ = [
    "Data",
    "Dpo",
    "DpoConfig",
    "HybridConfig",
    "HybridData",
    "HybridTrain",
    "JudgeSection",
    "Lora",
    "Loss",
    "MixtureSection",
    "Model",
    "MonitorSection",
    "PairData",
    "PairTrain",
    "RewardSection",
    "Section",
    "Train",
    "TrainingConfig",
    "read",
]


# What each table of a training's TOML file may hold, with its defaults: numbers of the paper where it has any.
#
# Which tables a training has is decided by its `method`, see config.py. Nothing here is loaded or opened.


class Section(BaseModel):
    """A table; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Model(Section):
    """Whose weights are trained."""

    speaker: str
    options: dict[str, Any] = {}


class Data(Section):
    """held_out: demonstrations (`data.Row`) that are never trained on."""

    held_out: Path | None = None


class HybridData(Data):
    """Files of rows (`data.Row`)."""

    prompts: Path
    demonstrations: Path


class PairData(Data):
    """What `wavjudge pairs` writes (`pairs.py`)."""

    pairs: Path


class JudgeSection(Section):
    """Who judges; as in `JudgeReward`."""

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


class RewardSection(JudgeSection):
    """The judge that is trained on. ceiling: share of failures in the last `window` judged answers of all processes.

    calibration: the calibration.json, or its folder, that the reward obeys; below, factor, recalibrate, min_order,
    min_icc: how, as in `wavjudge rewards serve`. instruments_for_debugging: lets what is no judge be trained by.
    """

    calibration: Path | None = None
    below: Below | None = None
    factor: float | None = Field(None, ge=0, lt=1)
    recalibrate: Kind | None = None
    min_order: float | None = None
    min_icc: float | None = None
    instruments_for_debugging: bool = False
    log: bool = True
    ceiling: Annotated[float, Field(ge=0, lt=1)] | Literal["none"] = 0.10
    window: int = Field(200, ge=1)
    sample_rate_hz: int = Field(16_000, ge=8_000)


class MonitorSection(Section):
    """Looks beside the training, as in `monitor_watch.Watch` and `MonitorCallback`. prompts: rows that are not trained
    on. held_out: a judge of another family with another judge prompt. every: steps between looks. stop: at an alarm."""

    prompts: Path
    held_out: JudgeSection
    every: int = Field(100, ge=1)
    stop: bool = False
    looks: int = Field(20, ge=1)
    alpha: float = Field(0.05, gt=0, lt=0.5)
    same_family: bool = False
    instruments: bool = False
    seed: int = Field(0, ge=0)


class MixtureSection(Section):
    """Lambda; the paper's numbers."""

    threshold: float = 3.0
    slope: float = 5.0
    lambda_max: float = Field(0.8, gt=0, le=1)
    ema_decay: float = Field(0.9, ge=0, lt=1)
    deviation: Deviation = "population"


class Loss(Section):
    """Which tokens count, and how far the policy is held to where it began."""

    preferred: Tokens = "text"
    anchored: Tokens = "all"
    anchored_text: float = 1.0
    anchored_speech: float = 1.0
    text_beta: float = Field(0.0, ge=0)
    speech_beta: float = Field(0.0, ge=0)


class Dpo(Section):
    """tokens: which of both answers are summed. beta: how much a nat of difference from the reference counts."""

    tokens: Tokens = "text"
    beta: float = Field(0.1, gt=0)


class Train(Section):
    """How long, how fast, where to. keep: the newest checkpoints; saved and measured every so many steps."""

    out: Path
    steps: int = Field(ge=1)
    accumulate: int = Field(1, ge=1)
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


class HybridTrain(Train):
    """answers: rollouts of a micro-batch on each process; a step samples answers * accumulate * processes,
    `generations` to each prompt. anchor_rows: demonstrations of a micro-batch."""

    answers: int = Field(4, ge=1)
    generations: int = Field(4, ge=2)
    anchor_rows: int = Field(1, ge=1)
    max_new_tokens: int = Field(1024, ge=1)
    temperature: float = Field(1.0, gt=0)


class PairTrain(Train):
    """pairs: of a micro-batch on each process."""

    pairs: int = Field(1, ge=1)
    learning_rate: float = Field(5e-6, gt=0)
    clip: float = Field(1.0, gt=0)


class Lora(Section):
    """Low-rank adapters (peft) on the named linear layers; without targets on all of them but the head."""

    rank: int = Field(16, ge=1)
    alpha: float = Field(32.0, gt=0)
    dropout: float = Field(0.0, ge=0, lt=1)
    targets: list[str] = []


_MAY_CHANGE = frozenset({
    "reward.deadline_seconds", "reward.max_cost", "reward.price", "reward.cache", "reward.log", "reward.ceiling",
    "reward.window", "reward.instruments_for_debugging", "train.out", "train.keep", "train.save_every",
    "train.measure_every",
})  # fmt: skip
"""What decides nothing of what is learnt, or only when to stop: a training may go on with other values.
So is all of [monitor]: who watches changes nothing."""

_IN_THE_SIGNATURE = frozenset({
    "reward.judges", "reward.weights", "reward.guards", "reward.floor", "reward.prompt_set", "reward.prompts",
    "reward.calibration", "reward.below", "reward.factor", "reward.recalibrate", "reward.min_order", "reward.min_icc",
})  # fmt: skip
"""What the signature of a reward says better: another address of the same judge is the same judge."""


class TrainingConfig(Section):
    """What every training has."""

    method: str
    model: Model
    data: Data
    train: Train
    lora: Lora | None = None

    def settings(self, reward_signature: str | None = None) -> dict[str, Any]:
        """Flat, without what may change when a training is resumed; of files and the recordings that they name their
        hash, not their place."""
        left_out = _MAY_CHANGE | _IN_THE_SIGNATURE
        dumped = _flat(self.model_dump(mode="json", exclude={"monitor"}))
        flat = {key: value for key, value in dumped if key not in left_out}
        files = {f"data.{name}": None if path is None else sha256_of(path) for name, path in self.data}
        heard = {f"data.{name}.recordings": sha256_of_recordings(path) for name, path in self.data if path is not None}
        return flat | files | heard | ({"reward.signature": reward_signature} if reward_signature else {})

    def model_settings(self) -> dict[str, Any]:
        """Of `settings` those that say whose weights a checkpoint holds."""
        flat = _flat(self.model_dump(mode="json", include={"model", "lora"}))
        return {key: value for key, value in flat if key not in _MAY_CHANGE}


class HybridConfig(TrainingConfig):
    """Preferences by a judge's rewards, demonstrations as the anchor."""

    method: Literal["hybrid"] = "hybrid"
    data: HybridData
    reward: RewardSection
    train: HybridTrain
    mixture: MixtureSection = MixtureSection()
    loss: Loss = Loss()
    monitor: MonitorSection | None = None

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


class DpoConfig(TrainingConfig):
    """Offline pairs of answers, no judge and no rollouts."""

    method: Literal["dpo"]
    data: PairData
    train: PairTrain
    dpo: Dpo = Dpo()


_METHODS: dict[str, type[HybridConfig] | type[DpoConfig]] = {"hybrid": HybridConfig, "dpo": DpoConfig}


def read(path: Path) -> HybridConfig | DpoConfig:
    """The config in a file. `InputError` says which key is wrong."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"got no readable file ({error.strerror})", where=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"got what is no TOML ({error})", where=str(path)) from error
    method = raw.get("method", "hybrid")
    if not isinstance(method, str) or method not in _METHODS:
        raise InputError(f"got method {method!r}, expected {' or '.join(_METHODS)}", where=str(path))
    return _from_here(_valid(_METHODS[method], raw, path), path.parent)


def _valid(
    kind: type[HybridConfig] | type[DpoConfig], raw: Mapping[str, Any], path: Path
) -> HybridConfig | DpoConfig:  # fmt: skip
    try:
        config = kind.model_validate(raw)
        if isinstance(config, HybridConfig):
            config.preferred, config.anchored, config.gates  # noqa: B018  each checks its own numbers
    except ValidationError as error:
        problem, todo = _what(kind, error)
        raise InputError(f"got a config that cannot be used: {problem}", where=str(path), todo=todo) from error
    except InputError as error:
        raise InputError(error.problem, where=str(path), todo=error.todo) from error
    return config


def _from_here(config: HybridConfig | DpoConfig, folder: Path) -> HybridConfig | DpoConfig:
    data = {name: None if value is None else folder / value for name, value in config.data}
    update: dict[str, Any] = {"data": config.data.model_copy(update=data),
                              "train": config.train.model_copy(update={"out": folder / config.train.out})}  # fmt: skip
    if isinstance(config, HybridConfig):
        update["reward"] = _judge_from_here(config.reward, folder)
        if (held := config.monitor) is not None:
            moved = {"prompts": folder / held.prompts, "held_out": _judge_from_here(held.held_out, folder)}
            update["monitor"] = held.model_copy(update=moved)
    return config.model_copy(update=update)


def _judge_from_here(held: JudgeSection, folder: Path) -> JudgeSection:
    found = {name: getattr(held, name, None) for name in ("prompts", "calibration")}
    return held.model_copy(update={name: folder / path for name, path in found.items() if path is not None})


def _what(kind: type[BaseModel], error: ValidationError) -> tuple[str, str]:
    """What is wrong, and what to do. An unknown key goes first: a key that is missing may be that one, mistyped."""
    unknown = [one for one in error.errors(include_url=False) if one["type"] == "extra_forbidden"]
    if not unknown:
        return first_problem(error), ""
    section: Any = kind
    *above, key = map(str, unknown[0]["loc"])
    for part in above:
        annotation = section.model_fields[part].annotation
        section = next((one for one in get_args(annotation) if one is not type(None)), annotation)
    known = list(section.model_fields)
    near = get_close_matches(key, known, 1)
    meant = f"did you mean {near[0]}? " if near else ""
    return f'field "{".".join([*above, key])}": got a key that is not known', f"{meant}known here: {', '.join(known)}"


def _flat(held: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in held.items():
        if isinstance(value, dict) and before == "":
            yield from _flat(value, f"{key}.")
        else:
            yield f"{before}{key}", value
