"""Sentences on a screen: whole words, one indentation, and in a pipe a remark stays one line."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from wavjudge.cli.console import note
from wavjudge.reporting.text import say

SIGNATURE = "gemini:gemini-3.5-flash|overall.1#3f9a02c4d1be|parse:1|t:0|qt,qa,own,aa|before|pcm16-16000-mono|v1"


def printed(text: str, width: int, indent: int) -> list[str]:
    screen = Console(file=io.StringIO(), width=width, markup=False, highlight=False)
    say(screen, text, indent=indent)
    return screen.file.getvalue().splitlines()  # type: ignore[attr-defined]


def test_lines_are_indented_alike_and_a_signature_breaks_at_its_fields() -> None:
    lines = printed(f"{SIGNATURE}: overall", 60, 4)
    assert all(line.startswith("    ") and len(line) <= 60 for line in lines) and len(lines) == 2
    assert "".join(line.strip() for line in lines).replace(" ", "") == f"{SIGNATURE}: overall".replace(" ", "")
    assert all(line.endswith("|") for line in lines[:-1])
    assert printed("a word and anotherverylongone", 10, 2) == ["  a word", "  and", "  anotherverylongone"]


@pytest.mark.parametrize("terminal", [False, True])
def test_a_remark_is_folded_on_a_screen_and_whole_in_a_pipe(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("TTY_COMPATIBLE", "1" if terminal else "0")
    note("ratings.csv is a table: whether its ratings came from the reply cache is not known")
    lines = capsys.readouterr().err.splitlines()
    assert (len(lines), max(map(len, lines)) <= 40) == ((3, True) if terminal else (1, False))
