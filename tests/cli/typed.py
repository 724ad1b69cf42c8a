"""wavjudge as somebody types it: in this process where that is enough, in a shell's place where exit matters."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.bench.answers import write_answers
from tests.loopback.server import Loopback
from wavjudge.cli.app import main


@dataclass(frozen=True, slots=True)
class Typed:
    """What came of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def typed(*words: object) -> Typed:
    """`wavjudge WORDS` through the console script's own function; both streams are no terminals."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    arguments = patch.object(sys, "argv", ["wavjudge", *map(str, words)])
    with arguments, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(bool(end.code))
    return Typed(code, out.getvalue(), err.getvalue())


def shell(*words: object, cwd: Path | None = None, seconds_at_most: float = 120) -> Typed:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "wavjudge", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=seconds_at_most)
    return Typed(done.returncode, done.stdout, done.stderr)


def spec(server: Loopback, protocol: str = "openai", options: str = "") -> str:
    """A judge behind the loopback server."""
    url = server.openai_url if protocol == "openai" else server.gemini_url
    return f"{protocol}:loopback?base_url={url}{options}"


def answers(folder: Path, count: int = 3, **kwargs: Any) -> Path:
    """The JSONL file of some answers below a folder."""
    return write_answers(folder / "answers", count, **kwargs)


def rows(*fields: dict[str, Any], folder: Path, name: str = "answers.jsonl") -> Path:
    """A JSONL file with these rows."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in fields), encoding="utf-8")
    return path


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path
