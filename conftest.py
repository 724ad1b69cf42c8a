"""The training room needs torch (extra `train`): its tests are heavy, and without torch nothing of it is imported."""

from importlib.util import find_spec

import pytest

NEED_TORCH = ["wavjudge/training/*", "tests/training/[!t]*.py", "tests/training/tiny.py"]
collect_ignore_glob = [] if find_spec("torch") else NEED_TORCH


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "training" in item.path.parts[-3:]:
            item.add_marker(pytest.mark.heavy)
