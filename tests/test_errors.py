"""Errors say what was got, where, and what to do; they cross process pools; each kind has its exit code."""

from __future__ import annotations

import importlib
import inspect
import pickle
import pkgutil

import pytest

import wavjudge
from wavjudge import errors
from wavjudge.errors import InputError, StopRun, WavjudgeError


def every_kind() -> list[type[WavjudgeError]]:
    """All error classes of the package, wherever they are defined."""
    for module in pkgutil.walk_packages(wavjudge.__path__, "wavjudge."):
        if not module.name.startswith(("wavjudge.training", "wavjudge.rewards.adapters")):
            importlib.import_module(module.name)
    found, kinds = [WavjudgeError], set[type[WavjudgeError]]()
    while found:
        kind = found.pop()
        kinds.add(kind)
        found += kind.__subclasses__()
    return sorted(kinds, key=lambda kind: kind.__name__)


def made(kind: type[WavjudgeError]) -> WavjudgeError:
    extra = {"outcome": "no_speech"} if "outcome" in inspect.signature(kind).parameters else {}
    return kind("got tea", todo="bring coffee", where="a.jsonl, line 7", **extra)


@pytest.mark.parametrize("kind", every_kind(), ids=lambda kind: kind.__name__)
def test_every_error_crosses_a_process_pool_whole(kind: type[WavjudgeError]) -> None:
    error = made(kind)
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is kind and vars(back) == vars(error)
    assert str(back) == str(error) == "a.jsonl, line 7: got tea\nWhat to do: bring coffee"


def test_place_and_advice_may_be_missing() -> None:
    assert str(InputError("got tea")) == "got tea"
    assert str(InputError("got tea", where="a")) == "a: got tea"
    assert str(InputError("got tea", todo="x")) == "got tea\nWhat to do: x"


def test_exit_codes_are_those_of_the_documentation() -> None:
    codes = {
        name: kind.exit_code
        for name, kind in vars(errors).items()
        if inspect.isclass(kind) and issubclass(kind, WavjudgeError)
    }
    assert codes == {
        "WavjudgeError": 1, "InputError": 2, "MissingRecordingError": 9, "SpecError": 2, "MissingPartError": 2,
        "StoreError": 2, "RunLockedError": 6, "StopRun": 1, "AuthError": 3, "QuotaError": 4, "BudgetError": 5,
        "ProviderDownError": 75, "CandidateDownError": 7, "NoRewardError": 8, "ModelChangedError": 10,
        "DivergedError": 11, "NeverAcceptedError": 2,
    }  # fmt: skip
    assert all(f"exit {code}" in (errors.__doc__ or "") for code in codes.values() if code != 1)


def test_what_stops_a_run_is_told_apart_from_bad_input() -> None:
    stops = {kind.__name__ for kind in every_kind() if issubclass(kind, StopRun)}
    assert stops == {
        "StopRun", "AuthError", "QuotaError", "BudgetError", "ProviderDownError", "CandidateDownError", "NoRewardError",
        "ModelChangedError", "DivergedError", "NeverAcceptedError",
    }  # fmt: skip
