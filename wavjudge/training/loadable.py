"""Makes torchaudio loadable beside a torch without CUDA, which must happen before transformers or TRL is imported.

torchaudio 2.11.0 raises OSError beside torch 2.13.0+cpu: its compiled part is linked to CUDA's libraries. A stand-in
takes the place of that part; resampling needs none of it. The place has a private name: torchaudio is pinned to 2.11,
and a test imports it both ways. transformers imports a torchaudio that is installed, and fails with it (5.23.0).
"""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from types import ModuleType

from wavjudge.errors import MissingPartError, pip_install

_EXTENSION = "torchaudio._extension"


@cache
def torchaudio_functional() -> ModuleType:
    """`torchaudio.functional`, also beside a torch that torchaudio's compiled part cannot be loaded with."""
    try:
        return import_module("torchaudio.functional")
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "torchaudio":
            raise
        raise MissingPartError("got no torchaudio, which resamples rollouts", todo=pip_install("wavjudge[train]"),
                               where="extra train") from error  # fmt: skip
    except OSError:
        return _without_its_compiled_part()


def _without_its_compiled_part() -> ModuleType:
    for name in [name for name in sys.modules if name.split(".")[0] == "torchaudio"]:
        del sys.modules[name]  # what the failed import left behind
    stand_in = ModuleType(_EXTENSION)
    stand_in.__dict__.update(_IS_TORCHAUDIO_EXT_AVAILABLE=False, fail_if_no_align=lambda function: function)
    sys.modules[_EXTENSION] = stand_in
    return import_module("torchaudio.functional")
