"""The pages under docs/ say what the code does: tables are compared, examples are run.

`python -m tests.test_docs` writes the tables of docs/spec.md anew.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

import wavjudge
from tests.cli.typed import answers, spec, typed
from tests.loopback.server import Loopback
from wavjudge import types
from wavjudge.analysis.tables.flat import COLUMNS
from wavjudge.bench.rows import Row
from wavjudge.cli.commands.lists import _options
from wavjudge.judges.build import KINDS
from wavjudge.judges.prompts import Inputs, Layout, Prompt, PromptAxis, load_all

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
_BEGIN, _END = "<!-- kinds -->\n", "<!-- /kinds -->\n"


def page(name: str) -> str:
    path = DOCS / name
    if not path.is_file():
        pytest.skip("the pages are not beside the package: this is no checkout")
    return path.read_text(encoding="utf-8")


def section(text: str, title: str) -> str:
    """What stands under a heading, down to the next one."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"no heading {title!r}"
    return found.group(1)


def fields_of(table: str) -> list[str]:
    """The first column of a Markdown table, without its backticks."""
    return re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)


def kinds() -> str:
    """The sections of docs/spec.md on the kinds of judges."""
    parts = []
    for name, kind in KINDS.items():
        lines = [
            f"### {name}\n",
            f"`{kind.example}`: {kind.about}.\n",
            "| option | default | meaning |",
            "|---|---|---|",
        ]
        for option in _options(kind.options):
            meaning = option["meaning"].replace("|", "\\|")
            lines.append(f"| `{option['name']}` | {option['default']} | {meaning} |")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def test_the_options_of_every_kind_stand_in_spec_md() -> None:
    text = page("spec.md")
    assert text[text.index(_BEGIN) + len(_BEGIN) : text.index(_END)] == kinds(), "run python -m tests.test_docs"


def test_the_head_of_a_prompt_stands_in_prompts_md() -> None:
    text = page("prompts.md")
    assert fields_of(section(text, "The file")) == [name for name in Prompt.model_fields if name not in _TABLES]
    for title, model in (("[[axes]]", PromptAxis), ("[inputs]", Inputs), ("[layout]", Layout)):
        assert fields_of(section(text, title)) == list(model.model_fields)
    for name in load_all():
        assert f"`{name}`" in text


_TABLES = ("axes", "inputs", "layout", "words")


def test_the_example_of_prompts_md_works_as_it_says(tmp_path: Path) -> None:
    text, own = page("prompts.md"), tmp_path / "my-prompts"
    own.mkdir()
    (own / "naturalness.md").write_text(_block(text, "````markdown\n", "````\n"), encoding="utf-8")
    command = _block(text, "```sh\n", "```\n")
    assert "--prompts my-prompts" in command and "wavjudge prompts naturalness --prompts my-prompts" in command
    assert (
        typed("prompts", "naturalness", "--prompts", own)
        .out.strip()
        .endswith(_block(text, "```text\n", "```\n").strip())
    )
    with Loopback() as server:
        words = ("--judge", spec(server), "--prompts", own, "--out", tmp_path / "run", "--json")
        done = typed("score", answers(tmp_path), *words)
    (row,) = done.json["axes"]
    assert (row["axis"], row["n_scored"], row["scale"]["high"]) == ("naturalness", 3, 10)


def _block(text: str, begin: str, end: str) -> str:
    after = text[text.index("## A prompt of your own") :]
    return after[(start := after.index(begin) + len(begin)) : after.index(end, start)]


RECORDS = (
    types.Item, types.Response, types.Unanswered, types.Rating, types.Comparison, types.RunManifest, types.AudioRef,
    types.Utterance, types.Scale, types.Subject, types.Call, types.Usage, types.JudgeEntry, types.Check,
    types.BenchmarkEntry, types.CandidateEntry,
)  # fmt: skip


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_every_field_of_a_record_stands_in_schema_md(record: type[types.Record]) -> None:
    listed = fields_of(section(page("schema.md"), record.__name__))
    assert listed == [name for name in record.model_fields if name != "schema_version"]


def test_statuses_outcomes_columns_and_rows_stand_in_schema_md() -> None:
    text = page("schema.md")
    assert fields_of(section(text, "Statuses of a rating")) == list(types.STATUSES)
    assert fields_of(section(text, "Statuses of an answer")) == list(types.OUTCOMES)
    assert fields_of(section(text, "The flat table")) == list(COLUMNS)
    assert fields_of(section(text, "What you hand in")) == list(Row.model_fields)
    assert f"This is version {types.SCHEMA_VERSION}." in text


def test_every_column_of_the_committed_tables_stands_in_calibration_md() -> None:
    text = page("calibration.md")
    calibrated = _columns("selftest.csv")
    plain = {name for name in calibrated if not name.endswith(("_lo", "_hi"))}
    listed = section(text, "The columns")
    ends = ("_undefined", "_without_")
    short = {name: "..." + name[name.index(end) :] for name in plain for end in ends if end in name}
    assert {name for name in plain if f"`{name}`" not in listed and f"`{short.get(name)}`" not in listed} == set()
    ranked = {re.sub(r"^signal_quality_", "AXIS_", name) for name in _columns("leaderboard.csv")}
    known = set(re.findall(r"`([^`]+)`", section(text, "The columns of a leaderboard")))
    instruments = {"clipping", "intelligibility", "reference_overlap", "speech_rate", "speech_share"}
    rest = {name for name in ranked if not name.endswith(("_lo", "_hi", "_interval"))} - instruments
    assert rest - known == {f"{name}_n" for name in instruments}


def _columns(name: str) -> list[str]:
    with (ROOT / "results" / name).open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


def test_the_files_of_a_run_folder_stand_in_schema_md(tmp_path: Path) -> None:
    listed = section(page("schema.md"), "The run folder")
    with Loopback() as server:
        run = wavjudge.score(answers(tmp_path), judges=[spec(server)], out=tmp_path / "run").path
    for path in run.iterdir():
        assert path.name in listed


def test_the_made_up_study_of_calibration_md_prints_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, said, shown = page("calibration.md"), "", 0
    text = text[text.index("## Labels beside a leaderboard") : text.index("## What it does not say")]
    monkeypatch.chdir(tmp_path)
    exec(text[text.index("```python\n") + 10 : text.index("```\n")], {})
    for block in re.findall(r"(?:^    .+\n)+", text[text.index("```\n") :], re.MULTILINE):
        if block.startswith("    wavjudge "):
            for line in block.splitlines():
                done = typed(*line.split()[1:])
                assert done.code == 0, done.err
                said = done.out
        else:
            shown += 1
            seen = [" ".join(line.split()) for line in said.splitlines()]
            wanted = [" ".join(line.split()) for line in block.splitlines()]
            assert [line for line in seen if line in wanted] == wanted, said
    assert shown == 7


@pytest.mark.parametrize(
    "name",
    [
        "spec.md",
        "prompts.md",
        "schema.md",
        "testing.md",
        "calibration.md",
        "rewards.md",
        "../CONTRIBUTING.md",
        "../README.md",
    ],
)
def test_links_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page(name)):
        assert target.startswith("https://") or (DOCS / name).parent.joinpath(target).exists(), target


@pytest.mark.parametrize("name", ["testing.md", "../CONTRIBUTING.md"])
def test_every_make_target_that_is_named_exists(name: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`make ([a-z-]+)`", page(name)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


if __name__ == "__main__":
    whole = (DOCS / "spec.md").read_text(encoding="utf-8")
    head, tail = whole[: whole.index(_BEGIN) + len(_BEGIN)], whole[whole.index(_END) :]
    (DOCS / "spec.md").write_text(head + kinds() + tail, encoding="utf-8")
