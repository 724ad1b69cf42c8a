"""From the files and words of a scene to what is kept of them, and how a fresh copy is compared with it.

Left out, because it differs from run to run or from machine to machine: times, durations, ids that providers and we
give to calls, versions, paths, ports, and what stands beyond the ninth digit of a number. Figures of signal models and
all that follows from them may differ by a thousandth between processors (docs/signals.md); see `NEAR`.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import io
import json
import math
import re
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow.parquet

HERE = Path(__file__).parent
NEAR = ("demo", "signals")
"""Scenes whose numbers come of signal models: compared to a thousandth, without hashes of unrounded numbers."""
SAID = {"about", "bad_rows", "description", "detail", "details", "error", "formula", "goal", "hint", "hints",
        "identity", "meaning", "note", "notes", "plea", "praise", "reason", "sentence", "sentences", "title", "todo",
        "warning", "warnings", "why"}  # fmt: skip
"""Fields that hold sentences of ours; a value of four words or more is prose."""
_DATA, _PROSE = (".csv", ".json", ".jsonl", ".toml"), (".md", ".tex", ".txt")
_SOUND = (".wav", ".ogg", ".flac", ".opus", ".mp3")
_DIFFERENT: tuple[tuple[str, str], ...] = (
    (r"127\.0\.0\.1:\d+", "127.0.0.1:<port>"),
    (r"127\.0\.0\.1%3A\d+", "127.0.0.1%3A<port>"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", "<time>"),
    (r'(\{"id": ?")[0-9a-f]{16}"', r'\1<id>"'),
    (r"(?m)^ [0-9a-f]{16} ", " <id>             "),
    (r'("provider_id": ?")[^"]+"', r'\1<id>"'),
    (r'("seconds_taken": ?)\d[\d.e-]*', r"\1<duration>"),
    (r'("attempts":\d+,"seconds": ?)\d[\d.e-]*', r"\1<duration>"),
    (r'("wavjudge_version": ?")[^"]+"', r'\1<version>"'),
    (r"wavjudge:\d+\.\d+\.\d+[\w.]*", "wavjudge:<version>"),
    (r"AsyncOpenAI/Python [\d.]+", "AsyncOpenAI/Python <version>"),
)
_LONG = re.compile(r"(?<![\w.#:/-])-?\d+\.(?:\d{10,}(?:e[+-]?\d+)?|\d+e-(?:1[3-9]|[2-9]\d))(?![\w.])")
_NUMBER = re.compile(r"(?<![\w.#])[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w#])")
_OF_UNROUNDED = re.compile(r'(data:)[0-9a-f]{12}|("(?:ratings|data)_sha256": ?")[0-9a-f]{64}')


def kept(folder: Path, commands: str) -> tuple[dict[str, str], str]:
    """The data by path, and the prose, of a scene that wrote `folder` and said `commands`."""
    data, prose, listed = {}, [cleaned(commands, folder)], []
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"):
        name = path.relative_to(folder).as_posix()
        listed.append(name + (f" {_sha256(path)}" if path.suffix in _SOUND or "prompts" in path.parts else ""))
        if path.suffix == ".parquet":
            data[f"{name}.jsonl"], _ = unsaid(cleaned(_rows(path), folder), ".jsonl")
        elif path.suffix in _DATA:
            text = cleaned(path.read_bytes().decode(), folder)
            text = _in_order(text) if path.suffix == ".jsonl" and (path.parent / "manifest.json").exists() else text
            data[name], sentences = unsaid(text, path.suffix)
            prose += [f"\n--- {name}, sentences\n", *(f"{one}\n" for one in sentences)] if sentences else []
        elif path.suffix in _PROSE and "prompts" not in path.parts:
            prose.append(f"\n--- {name}\n{cleaned(path.read_text(encoding='utf-8'), folder)}")
    data["files.txt"] = "".join(f"{line}\n" for line in listed)
    return data, "".join(prose)


def cleaned(text: str, folder: Path) -> str:
    """The text without what differs from run to run."""
    for place, name in ((sys.executable, "<python>"), (str(folder.resolve()), "<here>"), (str(folder), "<here>"),
                        (str(HERE.parents[1]), "<checkout>")):  # fmt: skip
        text = text.replace(place, name)
    for pattern, instead in _DIFFERENT:
        text = re.sub(pattern, instead, text)
    return _LONG.sub(_shorter, _without_versions(text))


def _shorter(found: re.Match[str]) -> str:
    value = float(found[0])
    return repr(float(f"{value:.9g}")) if abs(value) >= 1e-12 else "0.0"


def _without_versions(text: str) -> str:
    """The versions of libraries in a manifest: their names stay."""
    return re.sub(r'"versions": \{[^}]*\}', lambda found: re.sub(r': "[^"]*"', ': "<version>"', found[0]), text)


def _in_order(text: str) -> str:
    """The lines of a run's log, which stand in the order in which calls ended."""
    return "".join(sorted(text.splitlines(keepends=True)))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _rows(path: Path) -> str:
    table = pyarrow.parquet.read_table(path)
    lines = [{name: str(kind) for name, kind in zip(table.schema.names, table.schema.types, strict=True)}]
    return "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in [*lines, *table.to_pylist()])


def unsaid(text: str, suffix: str) -> tuple[str, list[str]]:
    """Data with its sentences replaced, everything else byte by byte; and the sentences."""
    found = list(dict.fromkeys(_sentences(text, suffix)))
    for sentence in sorted(found, key=len, reverse=True):
        for form in _forms(sentence, suffix):
            text = text.replace(form, '"<said>"' if suffix != ".csv" else "<said>")
    return text, found


def _forms(sentence: str, suffix: str) -> tuple[str, ...]:
    """How a value may be spelt in a file."""
    if suffix == ".csv":
        return ('"' + sentence.replace('"', '""') + '"', sentence)
    return (json.dumps(sentence, ensure_ascii=False), json.dumps(sentence))


def _sentences(text: str, suffix: str) -> Iterator[str]:
    if suffix == ".csv":
        for row in csv.DictReader(io.StringIO(text, newline="")):
            yield from (cell for name, cell in row.items() if name in SAID and cell and len(cell.split()) > 3)
    elif suffix == ".json":
        yield from _strings(json.loads(_valid(text)))
    elif suffix == ".jsonl":
        for line in text.splitlines():
            yield from _strings(json.loads(_valid(line)))


def _valid(text: str) -> str:
    return text.replace("<duration>", "0")


def _strings(value: Any, field: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _strings(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner, field)
    elif isinstance(value, str) and field in SAID and len(value.split()) > 3:
        yield value


def _paths(name: str) -> dict[str, Path]:
    """The golden data of a scene by name."""
    root = HERE / "data" / name
    return {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*")) if path.is_file()}


def _prose(name: str) -> Path:
    return HERE / "prose" / f"{name}.txt"


def stored(name: str) -> tuple[dict[str, str], str]:
    """What is kept of a scene: data by path, and prose."""
    prose = _prose(name)
    data = {place: path.read_bytes().decode() for place, path in _paths(name).items()}
    return data, prose.read_bytes().decode() if prose.is_file() else ""


def write(name: str, fresh: tuple[dict[str, str], str]) -> list[Path]:
    """Make the golden files those of this scene; the files that changed."""
    data, prose = fresh
    changed = [path for place, path in _paths(name).items() if place not in data]
    for path in changed:
        path.unlink()
    for path, text in [*((HERE / "data" / name / place, text) for place, text in data.items()), (_prose(name), prose)]:
        if not path.is_file() or path.read_bytes() != text.encode():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
            changed.append(path)
    return changed


def strays(names: Iterable[str]) -> list[Path]:
    """Golden files that belong to no scene."""
    files = [path for kind in ("data", "prose") for path in sorted((HERE / kind).rglob("*")) if path.is_file()]
    return [path for path in files if path.relative_to(HERE).parts[1].removesuffix(".txt") not in {*names}]


def differences(name: str, fresh: tuple[dict[str, str], str]) -> str:
    """What is no longer as it was kept, named file by file with its first lines; empty if nothing."""
    (data, prose), (old, said) = fresh, stored(name)
    different = [place for place in sorted({*old, *data})
                 if (place in old) != (place in data)
                 or not _alike(name, old.get(place, ""), data.get(place, ""))]  # fmt: skip
    parts = [_shown(f"data/{name}/{place}", old.get(place), data.get(place)) for place in different]
    parts += [] if _alike(name, said, prose) else [_shown(f"prose/{name}.txt", said, prose)]
    spoken = "differs" if len(parts) > len(different) else "is the same"
    head = f"{name}: {len(different)} of {len({*old, *data})} data files differ, prose {spoken}"
    return "\n".join([head, *(part.splitlines()[0] for part in parts), "", *parts]) if parts else ""


def _alike(name: str, old: str, new: str) -> bool:
    if old == new or name not in NEAR:
        return old == new
    old, new = (_OF_UNROUNDED.sub(r"\1\2", text) for text in (old, new))
    if _NUMBER.split(old) != _NUMBER.split(new):
        return False
    pairs = zip(_NUMBER.findall(old), _NUMBER.findall(new), strict=True)
    return all(math.isclose(float(one), float(other), rel_tol=1e-3, abs_tol=2e-3) for one, other in pairs)


def _shown(name: str, old: str | None, new: str | None) -> str:
    state = "new" if old is None else "gone" if new is None else "differs"
    lines = difflib.unified_diff((old or "").splitlines(), (new or "").splitlines(), "kept", "now", n=0, lineterm="")
    return "\n".join([f"tests/freeze/{name} {state}", *(f"  {line[:300]}" for line in islice(lines, 12))])
