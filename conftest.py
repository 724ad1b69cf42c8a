"""Doctests of the training room need torch (extra `train`); without it they are not collected."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("torch") else ["wavjudge/training/*", "tests/training/tiny.py"]
