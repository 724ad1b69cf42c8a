"""One measurement in a process of its own, and the loopback server in another."""

from __future__ import annotations

import gc
import importlib
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LIMIT_SECONDS = 240.0


def measured(module: str, **task: Any) -> dict[str, float]:
    """The figures of `studies.speed.<module>.measure(task)` in a fresh process; raises if it fails or takes too
    long."""
    done = subprocess.run(
        [sys.executable, "-m", "studies.speed.child", module], input=json.dumps(task), capture_output=True, text=True,
        cwd=ROOT, timeout=LIMIT_SECONDS,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{module} {task} failed:\n{done.stderr}")
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


@contextmanager
def serving(latency_seconds: float) -> Iterator[str]:
    """The URL of a loopback server with this latency."""
    command = [sys.executable, "-m", "tests.loopback", "--latency", str(latency_seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


@dataclass(slots=True)
class Watch:
    """CPU and wall seconds since it was made."""

    cpu_began: float = field(default_factory=time.process_time)
    wall_began: float = field(default_factory=time.perf_counter)

    def figures(self, items: int) -> dict[str, float]:
        cpu, wall = time.process_time() - self.cpu_began, time.perf_counter() - self.wall_began
        return {"items": items, "cpu_ms": 1000 * cpu / items, "per_second": items / wall, "wall_seconds": wall}


def peak_mib() -> float:
    """The most memory this process ever held.

    From /proc where there is one: getrusage counts what the parent held at the fork, too.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def main() -> None:
    measure = importlib.import_module(f"studies.speed.{sys.argv[1]}").measure
    task = json.load(sys.stdin)
    gc.collect()
    print(json.dumps({**measure(task), "peak_mib": peak_mib()}))


if __name__ == "__main__":
    main()
