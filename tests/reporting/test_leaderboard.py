"""Leaderboards as CSV, Markdown and LaTeX: the same rows, the same bytes, and names that cannot break out."""

from __future__ import annotations

import csv
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from wavjudge.analysis.leaderboard.leaderboard import Leaderboard, leaderboard
from wavjudge.analysis.tables.ratings import Ratings
from wavjudge.errors import InputError
from wavjudge.files.spreadsheet import as_named
from wavjudge.reporting.leaderboard import as_csv, as_latex, as_markdown, judge_signature, show, signed, write
from wavjudge.reporting.table import latex, markdown, number
from wavjudge.reporting.text import one_line
from wavjudge.types import Axis
from wavjudge.version import __version__

HOSTILE = [
    "a|b", "a\\", "\\|", "`code`", "**bold**", "<script>alert(1)</script>", "[link](http://x.y)", "![i](x)", "a&amp;b",
    "$x$", "# head", "- list", "1. one", "@someone", "~~gone~~", "line\nbreak", "tab\tbed", "=1+1", 'say "hi", twice',
    "50%", "a_b", "{x}", "\\input{x}", "[1em]", "*", "--", "^", "\x1b[31mred", "\u202ereversed", "日本", " padded ",
    "a\rb",
]  # fmt: skip


def board(names: list[str], **rest: Any) -> Leaderboard:
    random = np.random.default_rng(1)
    rows = [{"benchmark": "b", "item_id": str(i), "candidate": name, "axis": "overall", "rater": "m",
             "score": int(random.integers(1, 6)), "signature": "m|one"}
            for name in names for i in range(8)]  # fmt: skip
    said = pd.DataFrame(rows)[["benchmark", "item_id", "candidate"]].assign(seconds=1.25)
    failed = pd.DataFrame(
        [{"benchmark": "b", "item_id": "8", "candidate": name, "status": "no_speech"} for name in names]
    )
    frame = pd.DataFrame(rows).sample(frac=1, random_state=rest.pop("shuffle", 0))
    return leaderboard(Ratings.of(frame, [Axis(name="overall")]), pd.concat([said, failed]), resamples=200, **rest)


def in_markdown(text: str) -> list[list[str]]:
    """The cells of the table as a reader would see them."""
    rows: list[list[str]] = []
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text):
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and rows and token.level == 4:
            kinds = {child.type for child in token.children or ()}
            assert kinds <= {"text", "text_special"}, (token.content, kinds)
            rows[-1].append("".join(child.content for child in token.children or ()))
    return rows


ESCAPED = re.compile(r"\\(?:text[a-z]+\{\}|[{}$&#_%])|\{\\char34\}|\{[\[\]*]\}|-\{\}")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_a_name(name: str) -> None:
    found = board([name, "plain"])
    rows = list(csv.DictReader(io.StringIO(as_csv(found), newline="")))
    assert sorted(as_named(row["candidate"]) for row in rows) == sorted([name, "plain"])
    assert all(row["candidate"][:1] not in "=+-@\t" for row in rows)
    cells = in_markdown(as_markdown(found))
    assert len(cells) == 3
    assert {len(row) for row in cells} == {len(cells[0])}
    assert sorted(row[0] for row in cells[1:]) == sorted([one_line(name).strip(), "plain"])
    table = as_latex(found).split(r"\hline")
    assert len(table) == 4
    for line in table[2].strip().splitlines():
        assert line.endswith(r" \\")
        assert not re.search(r"[\\{}$#_%^~<>|\[\]*\"`]|--", ESCAPED.sub("", line[:-3]).replace("&", ""))
        assert len(re.findall(r"(?<!\\)&", line)) == len(cells[0]) - 1


@settings(max_examples=200)
@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=20))
def test_any_text_is_one_cell(text: str) -> None:
    [_, [cell, _]] = in_markdown(f"| a | b |\n|---|---|\n| {markdown(text)} | x |\n")
    assert cell == one_line(text).strip(" \xa0\u3000") or cell.strip() == one_line(text).strip()
    assert not re.search(r"[\\{}$#_%^~<>|\[\]*\"`&]|--", ESCAPED.sub("", latex(text)))


def test_every_row_carries_its_signatures() -> None:
    found = board(["a", "b", "c"])
    signature = signed(found, found.rows[0])
    assert re.fullmatch(
        rf"judge:[0-9a-f]{{12}}\|data:{found.data_sha256[:12]}\|mean\.1,jackknife-t\.1,rank-sets\.1\|level:0\.95"
        rf"\|seed:12345\|resamples:200\|wavjudge:{re.escape(__version__)}", signature,
    )  # fmt: skip
    assert judge_signature(found.rows[0]) == "overall=m|one"
    for form in (as_csv, as_markdown):
        assert form(found).replace("\\", "").count(signature) == 3
    assert as_latex(found).count(latex(signature)) == 3


@pytest.mark.parametrize("change", [{"seed": 2}, {"level": 0.9}])
def test_another_seed_or_level_is_another_signature(change: dict[str, Any]) -> None:
    one, other = board(["a", "b"]), board(["a", "b"], **change)
    assert signed(one, one.rows[0]) != signed(other, other.rows[0])


def test_the_same_tables_give_the_same_bytes_in_any_order_and_process(tmp_path: Path) -> None:
    names = ["b", "a", "c"]
    for form in (as_csv, as_markdown, as_latex):
        assert form(board(names)) == form(board(names, shuffle=7))
    script = (
        "import sys; from pathlib import Path; from wavjudge.analysis.leaderboard.leaderboard import leaderboard\n"
        "from wavjudge.analysis.tables.ratings import Ratings, read_table\n"
        "from wavjudge.reporting.leaderboard import write\n"
        "table = Ratings.of(read_table(sys.argv[1])); write(leaderboard(table), Path(sys.argv[2]))"
    )
    labels = Path(__file__).parents[2] / "benchmarks" / "tiny" / "labels.csv"
    for seed in ("1", "2"):
        subprocess.run([sys.executable, "-c", script, str(labels), str(tmp_path / f"{seed}.md")], check=True,
                       env=os.environ | {"PYTHONHASHSEED": seed})  # fmt: skip
    assert (tmp_path / "1.md").read_bytes() == (tmp_path / "2.md").read_bytes()


def test_the_forms_say_the_same() -> None:
    found = board(["a", "b"])
    flat = list(csv.DictReader(io.StringIO(as_csv(found))))
    cells = in_markdown(as_markdown(found))
    latex_rows = as_latex(found).split(r"\hline")[2].strip().splitlines()
    for csv_row, shown, tex in zip(flat, cells[1:], latex_rows, strict=True):
        value, low, high = (float(csv_row[f"overall_all{end}"]) for end in ("", "_lo", "_hi"))
        assert shown[2] == f"{value:.2f} ({low:.2f} to {high:.2f})"
        assert shown[2] in tex
        assert (csv_row["candidate"], csv_row["n_no_answer"], csv_row["seconds"]) == (shown[0], "1", "1.250000")
    assert cells[0][:3] == ["candidate", "rank", "overall, all items"]
    assert cells[1][cells[0].index("no answer")] == "1 of 9"


def test_the_small_print_tells_who_judged_and_who_cannot_be_told_apart() -> None:
    text = as_markdown(board(["a", "b"]))
    for part in (
        "Ranked by overall",
        "Not told apart from a: b",
        "Judge: overall=m\\|one",
        "exploratory",
        "95% interval",
    ):
        assert part in text


def test_files_are_named_by_their_suffix(tmp_path: Path) -> None:
    found = board(["a"])
    for name, form in (("x/l.csv", as_csv), ("x/l.md", as_markdown), ("x/l.tex", as_latex)):
        write(found, tmp_path / name)
        assert (tmp_path / name).read_bytes() == form(found).encode()
    with pytest.raises(InputError, match=r"got \.xls, expected one of \.csv, \.md, \.tex"):
        write(found, tmp_path / "l.xls")


def test_a_board_without_rows() -> None:
    nothing = Ratings.of(
        pd.DataFrame({name: [] for name in ("item_id", "axis", "rater", "score")}), [Axis(name="overall")]
    )
    empty = leaderboard(nothing)
    assert as_csv(empty) == "benchmark,candidate\n"
    assert "Not ranked" in as_markdown(empty)
    assert r"\end{table}" in as_latex(empty)


@pytest.mark.parametrize(
    ("value", "decimals", "text"), [(1.005, 2, "1.00"), (-0.0, 2, "0.00"), (-0.004, 2, "0.00"), (-0.006, 2, "-0.01")]
)
def test_numbers(value: float, decimals: int, text: str) -> None:
    assert number(value, decimals) == text


def test_a_candidate_that_was_asked_less_says_so_in_its_row() -> None:
    rows = [{"benchmark": "b", "item_id": str(i), "candidate": name, "axis": "overall", "rater": "m",
             "score": 3 + i % 2} for name, count in (("whole", 8), ("stopped", 2)) for i in range(count)]  # fmt: skip
    found = leaderboard(Ratings.of(pd.DataFrame(rows), [Axis(name="overall")]), resamples=200)
    screen = Console(width=80, file=io.StringIO())
    show(screen, found)
    said = screen.file.getvalue()  # type: ignore[attr-defined]
    assert "stopped (2 of 8" in said and "whole (" not in said
