"""Answers in, ratings on disk: test sets, importers, the runner."""
