"""A reward from plain options, as a trainer's configuration file or a command line holds them."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wavjudge.bench.candidates.loading import load
from wavjudge.errors import InputError, SpecError
from wavjudge.rewards.ceiling import Ceiling
from wavjudge.rewards.gate import OPTIONS, of_options
from wavjudge.rewards.guards import Guards
from wavjudge.rewards.judge_reward import DEFAULT_GUARDS, JudgeReward

_MORE = ("floor", "ceiling", "window", *OPTIONS)
_KNOWN = tuple(name for name in inspect.signature(JudgeReward).parameters if name != "policy")
_built: dict[str, JudgeReward] = {}


def built(options: Mapping[str, Any]) -> JudgeReward:
    """The `from_options` of these options, the same object each time in one process; one that was closed, or that
    another process built before a fork, is built anew."""
    key = json.dumps(as_plain(options), sort_keys=True, default=str)
    if key not in _built or _built[key].is_closed:
        _built[key] = from_options(options)
    return _built[key]


def from_options(options: Mapping[str, Any]) -> JudgeReward:
    """The `JudgeReward` of these options: its own parameters, and beside them

    floor: what an answer is paid in which no speech was measured. ceiling, window: share of failures among so many
    answers that stops the training; by default 0.1 of 200, null for no ceiling. below, factor, recalibrate, min_order,
    min_icc: how `calibration` is obeyed, as in `CalibrationGate` and `Bar`.
    """
    plain = as_plain(options)
    if unknown := sorted(set(plain) - {*_KNOWN, *_MORE}):
        raise InputError(f"got the option {', '.join(unknown)}, known are {', '.join((*_KNOWN, *_MORE))}")
    if missing := sorted({"judges", "weights"} - set(plain)):
        raise InputError(f"got no {' and no '.join(missing)}, expected a SPEC and the weights of its axes",
                         todo='such as judges="openai:NAME" and weights={"overall": 1.0}')  # fmt: skip
    floor, share, window = plain.pop("floor", None), plain.pop("ceiling", 0.1), plain.pop("window", 200)
    names = plain.pop("guards", DEFAULT_GUARDS)
    guards = Guards(names, floor=floor) if names else None
    how = {name: plain.pop(name, None) for name in OPTIONS}
    plain["calibration"] = of_options(plain.pop("calibration", None), **how)
    return JudgeReward(**plain, guards=guards, ceiling=None if share is None else Ceiling(share, window))


def as_plain(value: Any) -> Any:
    """Plain lists and dicts, also from the containers of a configuration library (OmegaConf)."""
    if isinstance(value, Mapping) or (hasattr(value, "items") and hasattr(value, "keys")):
        return {str(key): as_plain(value[key]) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [as_plain(one) for one in value]
    return value


def function(path: str) -> Callable[..., Any]:
    """The function that ``package.module:name`` names; modules of the working directory come first, as for candidates.

    >>> function("math:sqrt")(9)
    3.0
    """
    module, _, name = path.partition(":")
    if not module or not name:
        raise InputError(f"got {path!r}, expected package.module:function", todo="write it as my_model:speech")
    try:
        return load(path)
    except SpecError as error:
        raise InputError(f"got {path!r}: {error.problem}", todo=error.todo) from error
