"""The manifest of a run: what was asked of whom, by which versions, and the totals over everything in the folder."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from pathlib import Path

from wavjudge.bench.candidates.base import Candidate
from wavjudge.clients.middleware import add_usage
from wavjudge.clients.spec import parse_spec
from wavjudge.errors import InputError
from wavjudge.judges.base import Judge
from wavjudge.store.run_folder import RunFolder
from wavjudge.types import BenchmarkEntry, CandidateEntry, JudgeEntry, Response, RunManifest, Unanswered, Usage
from wavjudge.version import __version__

_VERSIONS_OF = ("openai", "google-genai", "numpy", "soundfile", "soxr", "onnxruntime")


def opened(
    folder: RunFolder, *, source: str | None, judges: Sequence[Judge] = (), repeats: int = 1,
    notes: Sequence[str] = (), benchmark: BenchmarkEntry | None = None, candidates: Sequence[Candidate] = (),
    attempts: int = 1,
) -> RunManifest:  # fmt: skip
    """The manifest as a pass begins: what earlier passes wrote, and what this one brings."""
    now, old = datetime.now(UTC), folder.manifest
    if old is not None and not folder.is_begun:  # of a command that came to nothing, and may have been mended since
        old = old.model_copy(update={"benchmark": None, "candidates": (), "judges": (), "source": None})
    _refuse_another(old.benchmark if old else None, benchmark)
    return RunManifest(
        wavjudge_version=__version__, created=old.created if old else now, updated=now,
        source=(old.source if old else None) or source, joined=old.joined if old else (),
        benchmark=benchmark or (old.benchmark if old else None),
        candidates=_candidates(folder, old, candidates), attempts=max(attempts, old.attempts if old else 1),
        judges=_judges(old, judges), repeats=max(repeats, old.repeats if old else 1), versions=_versions(),
        notes=tuple(dict.fromkeys((*(old.notes if old else ()), *notes))),
    )  # fmt: skip


def with_source(manifest: RunManifest, source: str | None) -> RunManifest:
    """The manifest of a run that took in answers of this file or folder, however its path is written."""
    known = {Path(one).resolve() for one in (manifest.source, *manifest.joined) if one is not None}
    if source is None or Path(source).resolve() in known:
        return manifest
    return manifest.model_copy(update={"joined": (*manifest.joined, source)})


def _judges(old: RunManifest | None, judges: Sequence[Judge]) -> tuple[JudgeEntry, ...]:
    """The judges of all passes. A SPEC that came back with other prompts has the signatures of both; one whose prompt
    changed under its name has an entry for each."""
    entries = list(old.judges if old else ())
    for now in (judge.entry() for judge in judges):
        beside = [one for one in entries if (one.rater, one.spec) == (now.rater, now.spec)]
        fitting = next((one for one in beside if _agree(one.signatures, now.signatures)), None)
        if fitting is None:
            entries.append(now)
        else:
            both = now.model_copy(update={"signatures": {**fitting.signatures, **now.signatures}})
            entries[entries.index(fitting)] = both
    return tuple(entries)


def _agree(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    return all(one[name] == other[name] for name in one.keys() & other.keys())


def _refuse_another(old: BenchmarkEntry | None, new: BenchmarkEntry | None) -> None:
    """A manifest names one test set: with two, nobody could tell what a total is about."""
    if old is not None and new is not None and old.name != new.name:
        raise InputError(f"got the test set {new.name!r}, and this run has asked {old.name!r}",
                         todo="use another --out")  # fmt: skip


def _candidates(
    folder: RunFolder, old: RunManifest | None, candidates: Sequence[Candidate]
) -> tuple[CandidateEntry, ...]:
    """The candidates of all passes; one name cannot stand for two SPECs, or nobody could tell whose answer it was. One
    that never answered may have been a wrong SPEC, and gives its place to the mended one."""
    known = {entry.candidate: entry for entry in (old.candidates if old else ())}
    for entry in (candidate.entry() for candidate in candidates):
        is_another = _identity(known.get(entry.candidate, entry).spec) != _identity(entry.spec)
        if is_another and any(one.candidate == entry.candidate for one in folder.responses()):
            raise InputError(
                f"got the candidate {entry.candidate!r} as {entry.spec}, and this run has it as "
                f"{known[entry.candidate].spec}",
                todo="give it a name of its own (?name=...), or use another --out",
            )
        known[entry.candidate] = entry
    return tuple(known.values())


_PACE = frozenset({
    "timeout", "startup", "workers", "attempts", "max_in_flight", "max_megabytes", "rpm", "api_key_env",
})  # fmt: skip


def _identity(spec: str) -> str:
    """A SPEC without what changes only how long an answer is waited for: an answer may be asked for again with more."""
    parsed = parse_spec(spec)
    return str(replace(parsed, options={key: value for key, value in parsed.options.items() if key not in _PACE}))


def closed(folder: RunFolder, manifest: RunManifest) -> RunManifest:
    """The manifest with totals over everything in the folder: what all passes together did and cost."""
    counts, usage, calls = Counter[str](), Usage(), set[str]()
    for rating in folder.ratings(superseded=True):
        counts[f"ratings_{rating.status}"] += 1
        if rating.call and not rating.call.cached and rating.call.id not in calls:
            calls.add(rating.call.id)
            usage = add_usage(usage, rating.call.usage)
    digest, asked = hashlib.sha256(), Usage()
    for line in sorted(_answer_lines(folder, counts)):
        digest.update(line.encode())
    for answer in chain(folder.read("responses"), folder.read("unanswered")):
        assert isinstance(answer, Response | Unanswered)  # superseded and lost ones, too: they cost what they cost
        for call in answer.calls:
            asked = add_usage(asked, call.usage)
    counts["calls"] = len(calls)
    return manifest.model_copy(
        update={"counts": dict(sorted(counts.items())), "usage": usage, "candidates_usage": asked,
                "data_sha256": digest.hexdigest(), "updated": datetime.now(UTC)}
    )  # fmt: skip


def _answer_lines(folder: RunFolder, counts: Counter[str]) -> Iterator[str]:
    for response in folder.responses():
        counts[f"answers_{response.status}"] += 1
        heard = [said.audio.sha256 if said.audio else "" for said in response.answers]
        yield f"{response.benchmark}\t{response.item_id}\t{response.candidate}\t{response.attempt}\t{heard}\n"


def _versions() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in _VERSIONS_OF:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
