"""Recordings that are not there, or in a format that is not read: what is said of them at the end, and when they decide
the code."""

from __future__ import annotations

from collections import Counter

MOSTLY_MISSING = 9  # as MissingRecordingError: an unmounted disk, a wrong folder


def missing_said(missing: int, rows: int) -> str:
    """What a pass says at its end of recordings that are not there."""
    found = f"{missing} of {rows} rows name a recording that is not there. That is no outcome of a candidate"
    return f"{found}: nothing was recorded of them, and the same command takes them in once the files are there"


def unread_said(unread: Counter[str], of: int) -> str:
    """What a pass says at its end of recordings in formats that are not read."""
    from wavjudge.bench.recordings import HOW, kinds
    from wavjudge.containers import is_no_recording, remedy

    todo = remedy(next(iter(unread))) if len(unread) == 1 and is_no_recording(next(iter(unread))) else HOW
    return (f"{unread.total()} of {of} recordings were left out, in formats that are not read: {kinds(unread)}. "
            f"What to do: {todo}; the same command then takes them in (under their new names)")  # fmt: skip


def are_most(missing: int, rows: int) -> bool:
    """Whether so many recordings are missing that the whole input is in doubt: half of the rows, or more."""
    return missing > 0 and 2 * missing >= rows
