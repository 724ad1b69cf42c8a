"""Names that others write down: call paths of the trainers' adapters, and the fields of what is stored."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

from pydantic import BaseModel

_TRAINERS = ("verl", "verl_omni", "openrlhf", "swift", "trl", "nemo_gym")
"""Modules that a trainer's configuration or script names."""


def adapters() -> dict[str, str]:
    """Each public function and class that such a module defines, with how it is called."""
    found = {}
    for place in _TRAINERS:
        module = import_module(f"wavjudge.rewards.adapters.{place}")
        for name, one in vars(module).items():
            if not name.startswith("_") and _made_here(module, one):
                found[f"{module.__name__}.{name}"] = _called(one) if inspect.isfunction(one) else "class"
    return dict(sorted(found.items()))


def _made_here(module: ModuleType, one: object) -> bool:
    """Whether the text of the module makes it, and no function once a trainer asks (which an earlier test may have)."""
    made_by = f"{getattr(one, '__module__', '')}.{getattr(one, '__qualname__', '<locals>')}"
    return callable(one) and made_by.startswith(module.__name__ + ".") and "<locals>" not in made_by


def _called(function: Callable[..., Any]) -> str:
    """Names and defaults of the parameters; types may move."""
    whole = inspect.signature(function)
    plain = [one.replace(annotation=inspect.Parameter.empty) for one in whole.parameters.values()]
    return str(whole.replace(parameters=plain, return_annotation=inspect.Signature.empty))


def records() -> dict[str, list[str]]:
    """The fields of each record that is stored or passed to others."""
    types = import_module("wavjudge.types")
    return {name: list(one.model_fields) for name, one in sorted(vars(types).items())
            if inspect.isclass(one) and issubclass(one, BaseModel) and one.__module__ == types.__name__}  # fmt: skip
