"""A calibration on disk: calibration.csv for reading, calibration.json for what comes after (leaderboard, rewards).

Both hold the same rows. Nothing in them depends on when or where they were made: the same tables give the same bytes.
"""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from wavjudge.analysis.calibration.decisions import State, verdicts
from wavjudge.analysis.calibration.findings import Calibration, Finding
from wavjudge.analysis.stats.recalibration import RecalibrationMap
from wavjudge.errors import InputError
from wavjudge.files.safe import refuse_special
from wavjudge.files.spreadsheet import inert
from wavjudge.nearest import of_path
from wavjudge.reporting.calibration import COLUMNS, rows
from wavjudge.reporting.table import EXACT, number
from wavjudge.store.run_folder import first_problem
from wavjudge.types import Record, Stored
from wavjudge.version import __version__

Cell = str | int | float | None


class Advice(Record):
    """What one judge may be used for on one axis."""

    judge: str
    signature: str
    axis: str
    use: str
    state: State
    sentence: str


class Repeats(Record):
    """How steady one judge is on one axis; `analysis/stats/reliability.py` says what each figure is. None: undefined.
    n_cached: replies from the cache, which are no repeats and left out; None in files of before it was known."""

    judge: str
    signature: str
    axis: str
    repeats: int
    n: int
    n_cached: int | None = None
    icc_within: float | None
    icc_within_lo: float | None
    icc_within_hi: float | None
    sd_within: float | None
    label: str


class CalibrationFile(Stored):
    """calibration.json. rows: as in the CSV. maps: recalibration maps fitted on all labels, by judge and axis. repeats:
    of the judges that rated answers more than once; empty in files of before it was kept."""

    wavjudge_version: str
    ratings_sha256: str
    labels_sha256: str
    settings: dict[str, Cell]
    rows: tuple[dict[str, Cell], ...]
    advice: tuple[Advice, ...]
    maps: tuple[RecalibrationMap, ...]
    people: dict[str, dict[str, Any]]
    alternative: tuple[dict[str, Any], ...]
    problems: tuple[str, ...]
    repeats: tuple[Repeats, ...] = ()


def record(calibration: Calibration, *, ratings_sha256: str, labels_sha256: str) -> CalibrationFile:
    """Everything found, with what it was found on."""
    findings = calibration.findings
    return CalibrationFile(
        wavjudge_version=__version__,
        ratings_sha256=ratings_sha256,
        labels_sha256=labels_sha256,
        settings=asdict(calibration.settings),
        rows=tuple(rows(calibration, (ratings_sha256, labels_sha256))),
        advice=tuple(one for finding in findings for one in _advice(finding)),
        maps=tuple(one.map for finding in findings for one in finding.maps if one.map is not None),
        people={axis: asdict(found) for axis, found in sorted(calibration.people.items())},
        alternative=tuple(
            {"judge": f.judge, "signature": f.signature, "axis": f.axis, **asdict(f.alternative)}
            for f in findings
            if f.alternative is not None
        ),
        problems=calibration.problems,
        repeats=tuple(one for finding in findings for one in _repeats(finding)),
    )


def read(path: Path) -> CalibrationFile:
    """A calibration.json, or the one in the folder that `wavjudge calibrate` wrote. `InputError` where it is none."""
    path = located(path)
    refuse_special(path)
    try:
        return CalibrationFile.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise _absent(path) from error
    except OSError as error:
        raise InputError(f"got a file that cannot be read: {error.strerror}", where=str(path)) from error
    except ValidationError as error:
        raise _no_calibration(path, error) from error


def _absent(path: Path) -> InputError:
    """Of a calibration that is not there; a folder that is there holds something else."""
    if not path.parent.is_dir() or path.name != "calibration.json":
        asked = path.parent if path.name == "calibration.json" else path
        return InputError("got no such file or folder", where=str(asked), todo=of_path(asked))
    if (path.parent / "manifest.json").exists():
        return InputError("got a run folder, expected a calibration", where=str(path.parent),
                          todo=f"calibrate it with people's labels first: wavjudge calibrate {path.parent} --labels "
                          "LABELS --out calibration")  # fmt: skip
    return InputError("got a folder without calibration.json, expected what `wavjudge calibrate` wrote",
                      where=str(path.parent), todo="name the folder that its --out named")  # fmt: skip


def _no_calibration(path: Path, error: ValidationError) -> InputError:
    """Of a file that is none: a table of ratings is most likely meant to be calibrated first."""
    if path.suffix.lower() in (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet"):
        return InputError(f"got a {path.suffix} file, expected a calibration.json or its folder", where=str(path),
                          todo="`wavjudge calibrate RUN --labels LABELS --out calibration` makes one of a judge's "
                          "ratings and people's labels")  # fmt: skip
    return InputError(f"got no calibration of this version: {first_problem(error)}", where=str(path),
                      todo="give a calibration.json as `wavjudge calibrate` writes it")  # fmt: skip


def located(path: Path) -> Path:
    """The file that is meant: of a folder, the calibration.json in it."""
    return path / "calibration.json" if path.is_dir() else path


def as_csv(file: CalibrationFile) -> str:
    """The rows; six decimals (calibration.json has them all), an empty cell for what is undefined."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in file.rows:
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return text.getvalue()


def _cell(value: Cell) -> str:
    if isinstance(value, str):
        return inert(value)
    return number(value, EXACT) if isinstance(value, float) else "" if value is None else str(value)


def _advice(finding: Finding) -> list[Advice]:
    return [
        Advice(judge=finding.judge, signature=finding.signature, axis=finding.axis, use=one.use, state=one.state,
               sentence=one.sentence)
        for one in verdicts(finding)
    ]  # fmt: skip


def _repeats(finding: Finding) -> list[Repeats]:
    found = finding.repeats
    if found is None:
        return []
    within = found.icc_within
    return [
        Repeats(judge=finding.judge, signature=finding.signature, axis=finding.axis, repeats=found.repeats, n=found.n,
                n_cached=found.n_cached, icc_within=within.value, icc_within_lo=within.low, icc_within_hi=within.high,
                sd_within=found.sd_within.value, label=found.label)
    ]  # fmt: skip
