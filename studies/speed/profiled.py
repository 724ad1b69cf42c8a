"""Where the CPU of our path goes, by whose code it is: cProfile over judging, on the CPU clock of the main thread.

A function of C counts for the file that calls it. Profiling makes small Python functions look dearer than they are.
"""

from __future__ import annotations

import cProfile
import pstats
import shutil
import time
from collections import Counter
from pathlib import Path
from typing import Any

from studies.speed import ours

_OWNERS = (
    ("openai SDK and its httpx2", ("/openai/", "/httpx2/")),
    ("aiohttp and its parts", ("/aiohttp/", "/yarl/", "/multidict/")),
    ("event loop, sockets", ("/asyncio/", "/selectors.py")),
    ("wavjudge: recordings (read, hash, check)", ("/wavjudge/audio.py", "/wavjudge/decoding.py", "/pathlib.py")),
    ("wavjudge: calls (body, limits, cache)", ("/wavjudge/clients/",)),
    ("wavjudge: prompts, verdicts", ("/wavjudge/judges/",)),
    ("wavjudge: rows, records, run folder", ("/wavjudge/", "/pydantic/")),
    ("JSON of the standard library", ("/json/",)),
)


def measure(task: dict[str, Any]) -> dict[str, float]:
    """Shares of the main thread's CPU, summing to one."""
    folder, profile = Path(task["folder"]), cProfile.Profile(time.thread_time)
    try:
        ours.judge(task, Path(task["warm_up"]), folder / "warm-up")
        ours.take_in(Path(task["answers"]), folder / "run")
        profile.runcall(ours.judge, task, Path(task["answers"]), folder / "run")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return _shares(pstats.Stats(profile))


def _shares(stats: pstats.Stats) -> dict[str, float]:
    seconds: Counter[str] = Counter()
    for (file, _, _), (_, _, own, _, callers) in stats.stats.items():  # type: ignore[attr-defined]
        if file != "~":
            seconds[_owner(file)] += own
        for caller, (_, _, spent, _) in callers.items() if file == "~" else ():
            seconds[_owner(caller[0])] += spent
    return {owner: spent / seconds.total() for owner, spent in seconds.most_common()}


def _owner(file: str) -> str:
    path = file.replace("\\", "/")
    return next((owner for owner, marks in _OWNERS if any(mark in path for mark in marks)), "the rest")
