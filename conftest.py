"""Doctests of the training room need torch (extra `train`); without it they are not collected."""

from importlib.util import find_spec

WITHOUT_TORCH = ["wavjudge/training/*", "tests/training/tiny.py", "tests/training/processes.py"]
collect_ignore_glob = [] if find_spec("torch") else WITHOUT_TORCH
