"""What each table of a training's TOML file may hold, with its defaults: numbers of the paper where it has any.

Which tables a training has is decided by its `method`, see config.py. Nothing here is loaded or opened.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from wavjudge.analysis.stats.recalibration import Kind
from wavjudge.rewards.gate import Below
from wavjudge.rewards.groups import Deviation
from wavjudge.rewards.guards import Guard
from wavjudge.training.masks import Tokens

__all__ = ["Data", "Dpo", "HybridData", "HybridTrain", "JudgeSection", "Lora", "Loss", "MixtureSection", "Model",
           "MonitorSection", "PairData", "PairTrain", "RewardSection", "Section", "Train"]  # fmt: skip


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
