"""The surroundings of every test: no proxy for 127.0.0.1, one thread per model, a cache of its own, no real keys."""

from __future__ import annotations

import itertools
import os

import pytest
from hypothesis import HealthCheck, settings

# No example fails by the clock: a machine may be slow. `repeatable` makes the same examples on every machine, so that a
# change is judged by what it changed; `make hunt` looks for new ones.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("repeatable", settings.get_profile("unhurried"), derandomize=True)
settings.load_profile("unhurried")

# Before anything reads them: a proxy would catch the loopback server, and onnxruntime takes its threads at import.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
os.environ["OMP_NUM_THREADS"] = "1"

_ADDRESSES = ("OPENAI_BASE_URL", "GOOGLE_GEMINI_BASE_URL")
_number = itertools.count()


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each test has its own empty reply cache and names of models, no key, no address of a provider, and 80 columns."""
    monkeypatch.setenv("WAVJUDGE_CACHE", str(tmp_path_factory.getbasetemp() / f"cache-{next(_number)}"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.getbasetemp() / f"config-{next(_number)}"))
    monkeypatch.delenv("WAVJUDGE_CONFIG", raising=False)
    for name in [name for name in os.environ if name.endswith(("_API_KEY", "_API_TOKEN")) or name in _ADDRESSES]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("COLUMNS", raising=False)
