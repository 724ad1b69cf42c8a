"""A monitor without a trainer: checkpoints that answered the same prompts, as run folders rated by both judges.

`wavjudge run` on the same test set makes one run folder a checkpoint; the second judge rates it with another prompt
(`wavjudge score RUN --judge ... --prompt-set joint`), there or into a folder of its own: several folders may be given
for one step. The instruments' ratings (`signals`, `checks`), where there are some, give rate and word errors.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wavjudge import audio
from wavjudge.bench.rows import SaidRow
from wavjudge.bench.test_set import open_benchmark
from wavjudge.errors import InputError
from wavjudge.rewards.combine import Reward, Weights, combine, outcomes
from wavjudge.rewards.monitor.evaluations import Measured, measured
from wavjudge.rewards.monitor.plan import Fingerprint, asked
from wavjudge.signature import REPLIED, planned, settled
from wavjudge.store.answers import is_run
from wavjudge.store.run_folder import RunFolder
from wavjudge.types import Item, Rating, Response

ItemKey = tuple[str, str]
AnswerKey = tuple[str, str, int]


@dataclass(slots=True)
class Checkpoint:
    """What one step's folders hold; `roots` says where an answer's recording lies."""

    step: int
    items: dict[ItemKey, Item] = field(default_factory=dict)
    responses: dict[AnswerKey, Response] = field(default_factory=dict)
    roots: dict[AnswerKey, Path] = field(default_factory=dict)
    ratings: dict[AnswerKey, list[Rating]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def prompts(self) -> dict[str, Fingerprint]:
        """What was asked, by name."""
        keys = sorted({key[:2] for key in self.responses})
        return {_name(key): asked(self.items[key]) for key in keys}

    def add(self, folder: Path) -> None:
        """Take a run folder in. Raises `InputError` where it contradicts what is there."""
        with RunFolder(folder) as run:
            items = {(item.benchmark, item.id): item for item in run.items()}
            for response in run.responses():
                self._answer(response, items.get((response.benchmark, response.item_id)), folder)
            for rating in run.ratings():
                key = rating.subject.benchmark, rating.subject.item_id, rating.subject.attempt
                item = items.get(key[:2])
                if item is not None and rating.subject.turn == len(item.turns) - 1:
                    self.ratings.setdefault(key, []).append(rating)
            self.notes += run.bad_lines

    def _answer(self, response: Response, item: Item | None, folder: Path) -> None:
        where = f"{folder}, item {response.item_id!r}"
        if item is None:
            raise InputError("got an answer without its item in items.jsonl", where=where)
        key = response.benchmark, response.item_id, response.attempt
        other = self.responses.setdefault(key, response)
        if other.candidate != response.candidate:
            raise InputError(f"got two candidates, {other.candidate} and {response.candidate}, expected one a step",
                             where=where, todo="one run folder a checkpoint: STEP=RUN")  # fmt: skip
        self.roots.setdefault(key, folder)
        if _content(other) != _content(response) or asked(self.items.setdefault(key[:2], item)) != asked(item):
            raise InputError(f"got two answers or questions of one name at step {self.step}, expected the same ones "
                             "rated by two judges", where=where)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Side:
    """One judge: by rater or signature, of which there may be several; the weights of its axes."""

    names: Collection[str]
    weights: Weights

    def owns(self, rating: Rating) -> bool:
        known = (rating.rater, rating.signature, planned(rating.signature))
        return rating.axis in self.weights.axes and any(one in self.names for one in known)

    def signatures(self, checkpoints: Iterable[Checkpoint]) -> dict[str, str]:
        """Which signature each one counts under; one an axis over all checkpoints, or an `InputError`."""
        found: dict[str, set[str]] = {axis: set() for axis in self.weights.axes}
        others, replied = set[str](), set[str]()
        for rating in (one for point in checkpoints for some in point.ratings.values() for one in some):
            others.add(rating.rater)
            if self.owns(rating):
                found[rating.axis].add(rating.signature)
                replied |= {rating.signature} if rating.status in REPLIED else set()
        counted = settled((signature for some in found.values() for signature in some), replied)
        for axis, some in found.items():
            if not some:
                raise InputError(f"got no rating on {axis} by {', '.join(self.names)}; the runs hold "
                                 f"{', '.join(sorted(others)) or 'no ratings'}",
                                 todo="name a rater or signature of the runs, and its axes")  # fmt: skip
            if len(names := {counted[one] for one in some}) > 1:
                raise InputError(f"got {len(names)} signatures on {axis}, expected one judge at all steps: "
                                 f"{'; '.join(sorted(names))}",
                                 todo="name the signature; where the model behind a name changed, rate all "
                                      "checkpoints again with the new one")  # fmt: skip
        return counted

    def reward(self, response: Response, ratings: Sequence[Rating], counted: Mapping[str, str]) -> Reward:
        if response.status != "ok":
            return Reward(None, response.status, response.reason)
        own = [one.model_copy(update={"signature": counted[one.signature]}) for one in ratings if self.owns(one)]
        return combine(outcomes(own, self.weights.scale), self.weights)


def checkpoints(runs: Mapping[int, Sequence[Path]]) -> list[Checkpoint]:
    """The checkpoints of these folders in the order of steps, all asked the same."""
    found = []
    for step in sorted(runs):
        point = Checkpoint(step)
        for folder in runs[step]:
            point.add(folder)
        if not point.responses:
            raise InputError(f"got no answer at step {step}", where=", ".join(map(str, runs[step])))
        found.append(point)
    first = found[0].prompts()
    for point in found[1:]:
        now = point.prompts()
        if other := sorted(name for name in first.keys() | now.keys() if first.get(name) != now.get(name)):
            raise InputError(
                f"got other prompts at step {point.step} than at step {found[0].step}: {', '.join(other[:5])}",
                todo="ask every checkpoint the same test set",
            )
    return found


def look(point: Checkpoint, reward: Side, held_out: Side, counted: Mapping[str, str]) -> list[Measured]:
    """The answers of a checkpoint, measured. counted: `Side.signatures` of both sides together."""
    return [_measured(point, key, reward, held_out, counted) for key in sorted(point.responses)]


def _measured(
    point: Checkpoint, key: AnswerKey, reward: Side, held_out: Side, counted: Mapping[str, str]
) -> Measured:  # fmt: skip
    response, ratings = point.responses[key], point.ratings.get(key, [])
    item, found = point.items[key[:2]], _Heard.of(ratings)
    said = response.answers[-1] if response.status == "ok" else None
    sound = said.audio if said else None
    wave = audio.read_known(point.roots[key] / sound.path, sha256=sound.sha256) if sound else None
    return measured(
        _name(key[:2]), attempt=key[2], reward=reward.reward(response, ratings, counted),
        held_out=held_out.reward(response, ratings, counted), wave=wave, text=said.text if said else None,
        language=item.language, heard=found.words, rate=found.rate, wer=found.wer,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Heard:
    """What the instruments found in one answer: the words, how many a second, and their errors."""

    words: str | None
    rate: float | None
    wer: float | None

    @classmethod
    def of(cls, ratings: Sequence[Rating]) -> _Heard:
        own = [one for one in ratings if one.rater_kind == "instrument"]
        words = next((said for one in own if isinstance(said := one.details.get("heard"), str)), None)
        rate = next((one.score for one in own if one.axis == "speech_rate"), None)
        stated = [one.score if one.axis == "wer" else one.details.get("wer") for one in own]
        return cls(words, rate, next((wer for wer in stated if isinstance(wer, float)), None))


def training_prompts(names: Sequence[str]) -> dict[str, Fingerprint]:
    """What was asked in training: test sets (folder, file of items, shipped name) or run folders. All rows must do."""
    found: dict[str, Fingerprint] = {}
    for name in names:
        if is_run(Path(name)):
            with RunFolder(Path(name)) as run:
                found.update({_name((item.benchmark, item.id)): asked(item) for item in run.items()})
                bad = run.bad_lines
        else:
            benchmark = open_benchmark(name, outside=True)  # compared here, and sent to nobody
            for _, row in benchmark:
                said = [(one.text, _sha256(one, benchmark.root)) for one in (*row.history, *row.asked())]
                found[_name((row.benchmark or benchmark.benchmark, row.item_id))] = Fingerprint.of(said)
            bad = benchmark.bad_rows
        if bad:
            raise InputError(f"got {len(bad)} training prompts that cannot be compared, the first: {bad[0]}",
                             todo="mend or take out these rows: what is not read is not shown to be apart")  # fmt: skip
    return found


def _sha256(said: SaidRow, root: Path) -> str | None:
    import hashlib

    return hashlib.sha256(audio.read_bytes(root / said.audio)).hexdigest() if said.audio else None


def _content(response: Response) -> tuple[object, ...]:
    return response.status, *((said.text, said.audio.sha256 if said.audio else None) for said in response.answers)


def _name(key: tuple[str, ...]) -> str:
    return "/".join(key)
