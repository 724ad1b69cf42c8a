"""What a checkpoint holds beside weights and optimiser, and which checkpoints can be trusted.

`wavjudge.json` is written last, once everything else of the checkpoint is on disk: a folder without it is one that a
crash cut off, and is passed over. It holds lambda's state, the failures in the window, and the settings that the
training began with, so that nobody goes on with others by mistake.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from wavjudge.errors import InputError

__all__ = ["NAME", "Saved", "newest"]

NAME = "wavjudge.json"
STEPS = "train.steps"
_PREFIX = "checkpoint-"


@dataclass(frozen=True, slots=True)
class Saved:
    """The state beside the weights, as JSON values.

    step: optimiser steps done. ranks: processes; another number would deal out other prompts and random numbers.
    mixture, ceiling: their `state_dict`, where there is one. counts: of what was met so far: rewards by status, tokens.
    settings: a flat mapping of everything that decides what is learnt.
    """

    step: int
    ranks: int
    mixture: Mapping[str, Any] = field(default_factory=dict)
    ceiling: Mapping[str, Any] | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def write(self, checkpoint: Path) -> None:
        """Whole or not at all, and after all files of the folder are on disk."""
        for path in sorted(checkpoint.iterdir()):
            if path.is_file():
                _synced(path)
        temporary = checkpoint / f".{NAME}.tmp"
        temporary.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        _synced(temporary)
        temporary.replace(checkpoint / NAME)
        _synced(checkpoint)

    @classmethod
    def read(cls, checkpoint: Path) -> Saved:
        """`InputError` where there is none, or none of ours."""
        path = checkpoint / NAME
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise InputError(f"got a checkpoint without {NAME}: it was cut off, or another program made it",
                             where=str(checkpoint), todo="resume from an earlier one") from None  # fmt: skip
        except (ValueError, TypeError) as error:
            raise InputError(f"got a file that does not read ({error})", where=str(path)) from error

    def longer(self, settings: Mapping[str, Any]) -> str:
        """A line on another number of steps than this checkpoint was made for; empty where it is the same."""
        then, now = self.settings.get(STEPS), settings.get(STEPS)
        if then == now:
            return ""
        return f"{now} steps now, {then} when {self.step} were done: the learning rate goes on along the new schedule"

    def meant_for(self, settings: Mapping[str, Any], ranks: int, where: str) -> None:
        """`InputError` that names what differs from the settings that this checkpoint was made with."""
        known = json.loads(json.dumps(dict(settings)))
        keys = sorted(key for key in {*known, *self.settings} if known.get(key) != self.settings.get(key))
        if STEPS in keys and (known.get(STEPS) or 0) >= self.step:
            keys.remove(STEPS)  # how long a training goes on is decided as it goes
        other = [f"{key}: {self.settings.get(key)!r} then, {known.get(key)!r} now" for key in keys]
        if self.ranks != ranks:
            other.append(f"processes: {self.ranks} then, {ranks} now")
        if other:
            raise InputError(
                f"got a checkpoint that was made with other settings ({'; '.join(other)})", where=where,
                todo="take the settings back, or begin anew in another folder",
            )  # fmt: skip


def newest(out: Path) -> tuple[Path | None, list[Path]]:
    """The last whole checkpoint of a training, and later ones that were cut off."""
    cut_off: list[Path] = []
    for _, path in sorted(_checkpoints(out), reverse=True):
        if (path / NAME).is_file():
            return path, cut_off
        cut_off.append(path)
    return None, cut_off


def _checkpoints(out: Path) -> Iterator[tuple[int, Path]]:
    for path in out.glob(f"{_PREFIX}*"):
        number = path.name.removeprefix(_PREFIX)
        if path.is_dir() and number.isdecimal():
            yield int(number), path


def _synced(path: Path) -> None:
    at = os.open(path, os.O_RDONLY)
    try:
        os.fsync(at)
    finally:
        os.close(at)
