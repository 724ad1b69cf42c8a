"""Rewards from plain options, as a configuration file holds them."""

from __future__ import annotations

import sys
from collections import OrderedDict, UserDict, UserList
from pathlib import Path
from typing import Any

import pytest

from tests.loopback import Loopback
from wavjudge.errors import InputError
from wavjudge.rewards.adapters.options import as_plain, built, from_options, function


def test_the_same_options_give_the_same_object(tmp_path: Any) -> None:
    with Loopback() as server:
        options = {"judges": [f"openai:m?base_url={server.openai_url}"], "weights": {"overall": 1.0}, "guards": []}
        one, other = built(options), built(OrderedDict(reversed(options.items())))
        assert one is other is not built({**options, "tries": 2})
        assert one.ceiling is not None and (one.ceiling.share, one.ceiling.window) == (0.1, 200)
        with from_options({**options, "ceiling": None}) as third:
            assert third.ceiling is None
        for made in (one, built({**options, "tries": 2})):
            made.close()


def test_containers_of_configuration_libraries_become_plain() -> None:
    assert as_plain(UserDict({1: UserList([UserDict(a="b"), 2.5, None])})) == {"1": [{"a": "b"}, 2.5, None]}


@pytest.mark.parametrize(
    ("options", "said"),
    [({"judges": []}, "got no weights"), ({}, "got no judges and no weights"), ({"policy": 1}, "the option policy")],
)
def test_bad_options(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        from_options(options)


def test_a_function_is_found_in_the_working_directory_as_a_candidate_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a_model_of_here.py").write_text("def speech(text): return len(text)\n", encoding="utf-8")
    (tmp_path / "a_broken_model.py").write_text("raise RuntimeError('no weights')\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [one for one in sys.path if one])
    assert function("a_model_of_here:speech")("four") == 4
    with pytest.raises(InputError, match=r"cannot be imported \(RuntimeError: no weights"):
        function("a_broken_model:speech")


@pytest.mark.parametrize("path", ["math", "math:nothing", "no_such_module:f", "math:pi"])
def test_what_names_no_function(path: str) -> None:
    with pytest.raises(InputError, match="got '"):
        function(path)


def test_a_reward_that_was_closed_is_built_anew() -> None:
    options = {"judges": ["openai:m?base_url=http://127.0.0.1:9/v1"], "weights": {"overall": 1.0}, "guards": []}
    first = built(options)
    first.close()
    again = built(options)
    assert first.is_closed and again is not first and not again.is_closed
    assert built(options) is again
    again.close()
