"""Which columns are taken, and what becomes of a cell that holds a recording."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.importers.written import tone
from wavjudge.bench.importers.base import Imported
from wavjudge.bench.importers.columns import ALIASES, named, recording, refuse_missing, suffix
from wavjudge.errors import InputError

FORMATS = {".wav": ("WAV", "PCM_16"), ".flac": ("FLAC", "PCM_16"), ".ogg": ("OGG", "VORBIS"),
           ".opus": ("OGG", "OPUS"), ".mp3": ("MP3", "MPEG_LAYER_III")}  # fmt: skip


@pytest.mark.parametrize("ending", FORMATS)
def test_the_suffix_is_read_off_the_content(ending: str) -> None:
    file, (format_, subtype) = io.BytesIO(), FORMATS[ending]
    soundfile.write(file, np.sin(np.arange(48_000) / 20) / 2, 48_000, format=format_, subtype=subtype)
    assert suffix(file.getvalue(), "lies.xyz") == ending


@pytest.mark.parametrize("rate_hz, kind", [(8_000, "2.5"), (16_000, "2"), (44_100, "1")])
def test_every_version_of_mp3_is_known(rate_hz: int, kind: str) -> None:
    file = io.BytesIO()
    soundfile.write(file, np.sin(np.arange(rate_hz) / 20) / 2, rate_hz, format="MP3", subtype="MPEG_LAYER_III")
    assert suffix(file.getvalue()) == ".mp3"
    assert suffix(b"ID3\4" + file.getvalue()) == ".mp3"


@pytest.mark.parametrize(
    "name, said", [("x.aac", ".aac"), ("x.tar.gz", ".gz"), ("x", ".bin"), ("", ".bin"), ("../../x.w/v", ".bin"),
                   ("a.überlang", ".bin"), ("C:\\b.OGG", ".ogg")],
)  # fmt: skip
def test_unknown_content_keeps_the_suffix_of_its_name_if_that_is_one(name: str, said: str) -> None:
    assert suffix(b"nothing known", name) == said


def held(value: Any) -> tuple[str | None, dict[str, bytes]]:
    imported = Imported("x", Path())
    return recording(value, imported), imported.sounds


def test_a_recording_may_be_a_path_bytes_or_a_struct() -> None:
    name, sounds = held({"bytes": tone(), "path": "x.wav"})
    assert name and name.endswith(".wav") and sounds == {name: tone()}
    assert held(tone()) == (name, sounds) and held({"bytes": tone(), "path": None}) == (name, sounds)
    assert held({"bytes": None, "path": "a/x.wav"}) == ("a/x.wav", {}) and held("a/x.wav") == ("a/x.wav", {})
    assert held(None) == held("") == held({"bytes": None, "path": None}) == (None, {})


@pytest.mark.parametrize(
    "value", [3, ["a.wav"], {"path": 3}, {"bytes": "UklGRg=="}, {"array": [0.1], "sampling_rate": 8000}]
)
def test_another_kind_of_cell_is_said(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^got (\w+ |decoded samples).*expected"):
        held(value)


@given(st.lists(st.sampled_from([name for names in ALIASES.values() for name in names] + ["other"]), unique=True))
def test_no_column_serves_twice_and_the_first_alias_wins(columns: list[str]) -> None:
    found = named(columns)
    assert len(set(found.values())) == len(found) and set(found.values()) <= set(columns)
    for ours, theirs in found.items():
        better = ALIASES[ours][: ALIASES[ours].index(theirs)]
        assert not (set(better) & set(columns)) - set(found.values())


def test_a_missing_column_is_named_with_those_that_are_there() -> None:
    refuse_missing(["a"], ["a", "b"], "file")
    with pytest.raises(InputError, match=r"x\.jsonl: got no column 'b', but 'a'"):
        refuse_missing(["a", "b"], ["a"], "x.jsonl")
