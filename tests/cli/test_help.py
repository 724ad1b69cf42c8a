"""`--help` of the app and of every command: quick, because nothing heavy is loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from tests.cli.typed import shell, typed
from wavjudge import __version__
from wavjudge.cli.app import app

HEAVY = frozenset({
    "openai", "google.genai", "pandas", "scipy", "torch", "numpy", "pydantic", "soundfile", "onnxruntime", "pyarrow",
    "soxr", "sqlite3",
})  # fmt: skip
SECONDS_AT_MOST = 3.0  # on one core of a busy machine; 0.1 to 0.2 s as a rule

ASK = """
import json, sys, time
started = time.perf_counter()
from wavjudge.cli.app import main
sys.argv = ["wavjudge", *json.loads(sys.argv[1]), "--help"]
try:
    main()
finally:
    took = time.perf_counter() - started
    print(json.dumps([took, sorted(sys.modules)]), file=sys.stderr)
"""


def _commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from _commands(inner, (*path, name))


COMMANDS = list(_commands(typer.main.get_command(app)))


def test_the_list_of_commands_is_read_from_the_app_itself() -> None:
    assert {(), ("score",), ("show",), ("cache",), ("cache", "clear")} <= set(COMMANDS)


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: " ".join(path) or "wavjudge")
def test_help_loads_nothing_heavy_and_is_quick(path: tuple[str, ...], record_property: Any) -> None:
    command = [sys.executable, "-c", ASK, json.dumps(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    seconds, modules = json.loads(done.stderr.splitlines()[-1])
    record_property("seconds", seconds)
    print(f"wavjudge {' '.join((*path, '--help'))}: {seconds:.3f} s")
    assert "Usage: wavjudge" in done.stdout
    assert sorted(HEAVY & set(modules)) == []
    assert seconds < SECONDS_AT_MOST
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize("path", [path for path in COMMANDS if path], ids=" ".join)
def test_every_command_and_every_option_says_what_it_is(path: tuple[str, ...]) -> None:
    command: Any = typer.main.get_command(app)
    for name in path:
        command = command.commands[name]
    assert command.help
    assert [option.name for option in command.params if not option.help] == []


def test_the_list_of_commands_cuts_no_summary_off() -> None:
    listed = typed("--help").out
    assert "Commands:" in listed and "..." not in listed[listed.index("Commands:") :]


def test_version_and_a_call_without_words() -> None:
    assert typed("--version").out == f"wavjudge {__version__}\n"
    assert "Commands:" in typed().out + typed().err


def test_importing_wavjudge_loads_nothing_heavy() -> None:
    code = "import sys, wavjudge; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())


def test_the_module_is_the_command() -> None:
    done = shell("--version")
    assert (done.code, done.out) == (0, f"wavjudge {__version__}\n")


def test_an_unknown_command_is_a_usage_error() -> None:
    done = typed("scores")
    assert done.code == 2
    assert "scores" in done.err
