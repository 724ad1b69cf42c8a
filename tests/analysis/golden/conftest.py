"""The makers of golden files need packages that the tests do not: nothing here is collected."""

collect_ignore_glob = ["make_*.py"]
