"""The training room and the toy recipe need torch (extra `train`): their tests are heavy, and skipped without it."""

from importlib.util import find_spec

import pytest

NEED_TORCH = ["wavjudge/training/*", "studies/toy_recipe/*", "tests/training/[!t]*.py", "tests/training/tiny.py"]
collect_ignore_glob = [] if find_spec("torch") else NEED_TORCH


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "training" in item.path.parts[-3:] or "toy_recipe" in f"{item.path.parent.name} {item.path.stem}":
            item.add_marker(pytest.mark.heavy)
