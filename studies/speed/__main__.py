"""`make bench`: measures, prints tables, and with `--json FILE` writes every figure of every round."""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from pathlib import Path

from studies.speed import calibration, crowds, tables
from studies.speed.contest import AT_200_MS, FULL, QUICK, VARIANTS, Contest

_IN_FLIGHT, _LATENCY_SECONDS = 64, 0.2
_SECONDS = {"zero": 200.0, "200 ms": 100.0}  # no new round begins after that: all in all about eleven minutes at most


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m studies.speed", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about a minute and a half, and rougher")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all figures")
    parser.add_argument("--resampling", action="store_true", help="cluster resampling beside SciPy's alone, a minute")
    parser.add_argument("--calibration", action="store_true", help="calibrate on a million rows alone, five minutes")
    parser.add_argument("--crowds", action="store_true", help="many people, candidates and judges alone, five minutes")
    options = parser.parse_args()
    os.environ |= {"NO_PROXY": "127.0.0.1,localhost", "OMP_NUM_THREADS": "1"}
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="wavjudge-speed-") as folder:
        contest = Contest(Path(folder), QUICK if options.quick else FULL)
        parts = {"resampling": _resampling, "calibration": _calibration, "crowds": _crowds}
        alone = next((part for name, part in parts.items() if getattr(options, name)), _measure)
        found = alone(contest)
    found["seconds"] = time.monotonic() - began
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def _measure(contest: Contest) -> dict[str, object]:
    screen, size = tables.console(), contest.size
    screen.print(f"{os.cpu_count()} cores, Python {platform.python_version()}; {size.calls} calls a round, 10 s clips")
    zero = contest.rounds(list(VARIANTS), size.calls, 0.0, _SECONDS["zero"])
    screen.print(tables.race(f"No latency, {_IN_FLIGHT} in flight", zero), tables.intake(zero))
    late = contest.rounds(AT_200_MS, 2 * size.calls, _LATENCY_SECONDS, _SECONDS["200 ms"])
    screen.print(tables.race(f"200 ms latency, {_IN_FLIGHT} in flight", late, _IN_FLIGHT / _LATENCY_SECONDS))
    profile = contest.profile()
    screen.print(tables.profile(profile))
    memory = contest.memory()
    screen.print(tables.memory(memory))
    resume = contest.resume()
    screen.print(tables.resume(resume))
    return _resampling(contest) | _calibration(contest) | _crowds(contest) | {
        "python": platform.python_version(), "cores": os.cpu_count(), "zero": zero, "200 ms": late, "profile": profile,
        "memory": memory, "resume": resume,
    }  # fmt: skip


def _resampling(contest: Contest) -> dict[str, object]:
    rounds = contest.resampling()
    tables.console().print(f"{contest.size.resamples:,} resamples", tables.resampling(rounds))
    return {"resampling": rounds}


def _calibration(contest: Contest) -> dict[str, object]:
    found = calibration.measure(contest.folder, contest.size.prompts)
    tables.console().print(tables.calibration(found))
    return {"calibration": found}


def _crowds(contest: Contest) -> dict[str, object]:
    found = crowds.measure(contest.folder, share=min(1.0, contest.size.prompts / FULL.prompts * 5))
    tables.console().print(tables.crowds(found))
    return {"crowds": found}


if __name__ == "__main__":
    main()
