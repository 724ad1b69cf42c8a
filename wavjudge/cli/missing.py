"""Recordings that rows name and that are not there: what is said of them at the end, and when they decide the code."""

from __future__ import annotations

MOSTLY_MISSING = 9  # as MissingRecordingError: an unmounted disk, a wrong folder


def missing_said(missing: int, rows: int) -> str:
    """What a pass says at its end of recordings that are not there."""
    found = f"{missing} of {rows} rows name a recording that is not there. That is no outcome of a candidate"
    return f"{found}: nothing was recorded of them, and the same command takes them in once the files are there"


def are_most(missing: int, rows: int) -> bool:
    """Whether so many recordings are missing that the whole input is in doubt: half of the rows, or more."""
    return missing > 0 and 2 * missing >= rows
