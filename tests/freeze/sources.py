"""A small source in each format that can be imported, made with what the importers' own tests are made with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.bench.importers import (
    test_hf,
    test_kimi,
    test_mtalkbench,
    test_speakbench,
    test_trace,
    test_ultraeval,
    test_urobench,
    test_voicebench,
    test_vstyle,
)
from tests.bench.importers.test_hostile_cells import SOURCES, good
from tests.bench.importers.written import parquet, sound, tone


def sources(folder: Path) -> Iterator[tuple[str, str, Path]]:
    """Name, format and place of each: with recordings, then rows of which the middle one cannot be used."""
    yield from _with_recordings(folder)
    for name, (format_, row, made, _) in SOURCES.items():
        place = folder / "rows" / name.replace(" ", "-")
        place.mkdir(parents=True)
        path = made(place, [good(name, row, 1), [] if format_ == "mtalkbench" else {}, good(name, row, 2)])
        path = next(path.glob("mine.jsonl"), next(path.glob("s2sarena.json"), path))
        yield f"rows-{place.name}", format_, path


def _with_recordings(folder: Path) -> Iterator[tuple[str, str, Path]]:
    parquet(folder / "hf" / "data" / "test-00000-of-00001.parquet", test_hf.ROWS)
    yield "hf", "hf", folder / "hf"
    yield "kimi", "kimi", test_kimi.source(folder / "kimi", test_kimi.ONE, test_kimi.ONE | {"index": 1}).parent
    turns = [test_mtalkbench.turn(1), test_mtalkbench.turn(2)]
    test_mtalkbench.source(folder / "mt", {"Semantic information": [turns]})
    yield "mtalkbench", "mtalkbench", folder / "mt"
    (folder / "speakbench").mkdir()
    yield "speakbench", "audiojudge", test_speakbench.detailed(folder / "speakbench" / "detailed_x.csv", "moshi", "m")
    yield "trace", "trace", test_trace.source(folder / "trace", test_trace.ONE)
    test_ultraeval.log(folder / "ultraeval", test_ultraeval.STEPS)
    yield "ultraeval", "ultraeval", folder / "ultraeval" / "res"
    yield "urobench", "urobench", test_urobench.data(folder / "uro")
    scores: list[object] = [["4", "5"], ["3"], ["x"]]
    yield "urobench-judged", "urobench", test_urobench.log(folder / "uro-log", scores=scores)
    for place, cells, _ in test_voicebench.SUBSETS[:3]:
        row = {"prompt": "What?", "audio": sound(tone(), None)} | cells
        parquet(folder / "voicebench" / f"{place}-00000-of-00001.parquet", [row])
    yield "voicebench", "voicebench", folder / "voicebench"
    lines = [test_vstyle.ONE, "{", test_vstyle.ONE | {"model_name": "model-b", "id": 12, "gemini_score": "4"}]
    yield "vstyle", "vstyle", test_vstyle.source(folder / "vstyle", *lines)
