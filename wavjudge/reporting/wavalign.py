"""A run as scored candidates in the schema of WavAlign (arXiv 2604.14932), for its builder of preference pairs.

One JSON line a prompt: `messages` and `audios` (a recording stands as `<|audio|>` in its message), `output` with a
candidate's text, recording and scores under `CANDIDATE/ATTEMPT`, `question_text`, `id`. The schema calls the scores
`gemini_score`, whoever judged; who it was stands in `signatures`, a field of ours that the builder does not read.
`semantic_score` is the axis semantic, `paralinguistic_score` the axis acoustic, both 1-5, the mean of the repeats that
were scored; beside them `overall_score`, which is not in the schema, where that axis was rated.

A score that is not there is null: the builder leaves such a candidate out. Prompts of several turns are passed over,
for candidates differ in the turns before the last; so are prompts of which nothing is known.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from wavjudge.errors import InputError
from wavjudge.files.safe import new_file
from wavjudge.types import AudioRef, Item, Rating, Response, Scale, Subject, Utterance

AXES = {"semantic": "semantic_score", "acoustic": "paralinguistic_score"}
WHOLE = {"overall": "overall_score"}
"""Not in the schema, whose judge gives two scores: written only where somebody rated it."""
_ALL = {**AXES, **WHOLE}
SCALE = Scale(low=1, high=5)
PLACEHOLDER = "<|audio|>"


@dataclass(slots=True)
class Written:
    """What was written, and what was not."""

    prompts: int = 0
    candidates: int = 0
    unscored: int = 0
    """Candidates that lack one of the two scores, or both; they are among the written ones."""
    several_turns: int = 0
    unasked: int = 0


@dataclass(slots=True)
class _Scores:
    """One rater's scores by axis and subject, and the signatures these were given under."""

    scores: dict[str, dict[Subject, list[float]]] = field(default_factory=lambda: {axis: {} for axis in _ALL})
    signatures: dict[str, set[str]] = field(default_factory=lambda: {axis: set() for axis in _ALL})

    def add(self, rating: Rating) -> None:
        if rating.score is not None:
            self.signatures[rating.axis].add(rating.signature)
            self.scores[rating.axis].setdefault(rating.subject, []).append(rating.score)

    def of(self, subject: Subject) -> dict[str, float | None]:
        found = {_ALL[axis]: self.scores[axis].get(subject) for axis in self._written()}
        return {name: fmean(scores) if scores else None for name, scores in found.items()}

    def signed(self) -> dict[str, str | None]:
        """The signature of each axis. Raises `InputError` where it has several: different judges are never averaged."""
        found = {axis: sorted(self.signatures[axis]) for axis in self._written()}
        if several := next(((axis, own) for axis, own in found.items() if len(own) > 1), None):
            raise InputError(f"got {len(several[1])} signatures on {several[0]}: {'; '.join(several[1])}, expected one",
                             todo="export a run that was judged by one of them")  # fmt: skip
        return {_ALL[axis]: own[0] if own else None for axis, own in found.items()}

    def _written(self) -> list[str]:
        return [axis for axis in _ALL if axis in AXES or self.scores[axis]]


def write(
    items: Iterable[Item], responses: Iterable[Response], ratings: Iterable[Rating], out: Path, *, run: Path,
    rater: str | None = None,
) -> Written:  # fmt: skip
    """Write the scored candidates as .jsonl; paths of recordings are relative to the folder of `out`.

    run: the folder that the recordings lie in. rater: whose scores; needed where several rated. Held in memory: the
    responses and scores of the run, not its recordings.
    """
    if out.suffix.lower() != ".jsonl":
        raise InputError(f"got {out.suffix or 'no suffix'}, expected .jsonl", where=str(out))
    done = Written()
    found = records(items, responses, ratings, out, run=run, rater=rater, done=done)
    out.parent.mkdir(parents=True, exist_ok=True)
    with new_file(out) as file:
        for record in found:
            file.write((json.dumps(record, ensure_ascii=False) + "\n").encode())
    return done


def records(
    items: Iterable[Item], responses: Iterable[Response], ratings: Iterable[Rating], out: Path, *, run: Path,
    rater: str | None = None, done: Written,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """The scored candidates themselves, one record a prompt; counted in `done`. What is refused is refused at once."""
    scores = _chosen(ratings, rater, str(run))
    answers: dict[tuple[str, str], list[Response]] = defaultdict(list)
    for response in responses:
        answers[response.benchmark, response.item_id].append(response)
    signatures, seen = scores.signed(), set[tuple[str, str]]()

    def fitting() -> Iterator[dict[str, Any]]:
        for item in items:
            key = (item.benchmark, item.id)
            if key in seen or key not in answers or not _fits(item, done):
                continue
            seen.add(key)
            yield _record(item, answers[key], scores, done, run, out) | {"signatures": signatures}

    return fitting()


def _chosen(ratings: Iterable[Rating], rater: str | None, run: str) -> _Scores:
    found: dict[str, _Scores] = defaultdict(_Scores)
    of_the_schema = set[str]()
    for rating in _that_stand(list(ratings)):
        if rating.axis in _ALL:
            if rating.scale != SCALE:
                raise InputError(
                    f"got {rating.axis} on {rating.scale.low}..{rating.scale.high}, expected 1..5", where=run
                )
            found[rating.rater].add(rating)
            of_the_schema |= {rating.rater} if rating.axis in AXES else set()
    named = sorted(of_the_schema or found)  # who rated the whole alone is asked for where nobody rated words or sound
    if not named:
        raise InputError(f"got no rating on {' or '.join(_ALL)}", where=run, todo="score the run on these axes first")
    if rater is None and len(named) > 1:
        raise InputError(f"got the raters {', '.join(named)}, expected one", where=run, todo="name it by --rater")
    if rater is not None and rater not in found:
        raise InputError(f"got --rater {rater!r}, expected one of {', '.join(named)}", where=run)
    return found[rater or named[0]]


def _that_stand(ratings: list[Rating]) -> list[Rating]:
    """Without scores of the whole on another scale or of several judges, where they only stand beside the schema's."""
    whole = [one for one in ratings if one.axis in WHOLE and one.score is not None]
    alike = all(one.scale == SCALE for one in whole) and len({(one.rater, one.signature) for one in whole}) <= 1
    beside = not alike and any(one.axis in AXES for one in ratings)
    return [one for one in ratings if one.axis not in WHOLE] if beside else ratings


def _fits(item: Item, done: Written) -> bool:
    if len(item.turns) > 1:
        done.several_turns += 1
        return False
    asked = bool(item.turns[0].text or item.turns[0].audio)
    done.unasked += not asked
    return asked


def _record(
    item: Item, responses: list[Response], scores: _Scores, done: Written, run: Path, out: Path
) -> dict[str, Any]:
    said = [(message.role, message) for message in item.history] + [("user", item.turns[0])]
    output = {f"{r.candidate}/{r.attempt}": _output(r, scores.of(r.subject()), run, out) for r in responses}
    done.prompts += 1
    done.candidates += len(output)
    done.unscored += sum(None in map(one["gemini_score"].get, AXES.values()) for one in output.values())
    return {
        "id": item.id,
        "messages": [{"role": role, "content": _content(message)} for role, message in said],
        "audios": [_path(message.audio, run, out) for _, message in said if message.audio],
        "question_text": item.turns[0].text,
        "output": output,
        "original_sample": {"source_dataset": item.benchmark},
    }


def _output(response: Response, scores: dict[str, float | None], run: Path, out: Path) -> dict[str, Any]:
    answer = response.answers[-1] if response.answers else Utterance()
    audio = _path(answer.audio, run, out) if answer.audio else None
    return {"output-text": answer.text or "", "output-audio": audio, "gemini_score": scores}


def _content(message: Utterance) -> str:
    return PLACEHOLDER if message.audio else message.text or ""


def _path(audio: AudioRef, run: Path, out: Path) -> str:
    path = run / audio.path
    return str(path) if Path(audio.path).is_absolute() else os.path.relpath(path.resolve(), out.parent.resolve())
