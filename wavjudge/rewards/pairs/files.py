"""Scored answers in, pairs of preferences out: from a run folder, or a file of scored candidates in WavAlign's schema.

A run is read as the scored candidates that `wavjudge export --format paper` would write, so both ways have one reader.
A line or a score that cannot be used is set aside and told of; the others stand.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

from wavjudge import audio
from wavjudge.analysis.stats.recalibration import RecalibrationMap
from wavjudge.errors import InputError
from wavjudge.files.safe import inside, write_new
from wavjudge.reporting import wavalign
from wavjudge.rewards.combine import Weights
from wavjudge.rewards.gate import CalibrationGate, Permit, as_people_say
from wavjudge.rewards.pairs.build import (
    AXES,
    USED,
    Key,
    Noise,
    Output,
    Pair,
    Prompt,
    Repeats,
    Rules,
    noise_of,
    repeats_of,
)
from wavjudge.signature import resolved_model, settled
from wavjudge.store.run_folder import RunFolder
from wavjudge.types import Item, Rating, Response, Utterance

R = TypeVar("R", Item, Response)

_SCORES = {"semantic": "semantic_score", "paralinguistic": "paralinguistic_score", "overall": "overall_score"}
_KEPT = ("messages", "audios", "question_text", "history_text", "question_text_raw", "id")


@dataclass(slots=True)
class Scored:
    """Prompts with scored answers. signatures: the judge of each axis, where it is known. notes: what was set aside.
    calibration: the signature of what the scores obey (`obeying`); None: nothing.

    repeats: the fresh ones of each answer. noise: of the mode's score, from them; without any, nothing is known of it.
    """

    prompts: list[Prompt] = field(default_factory=list)
    signatures: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    repeats: Repeats = field(default_factory=dict)
    noise: Noise = field(default_factory=Noise)
    calibration: str | None = None


def of_run(
    run: Path, rules: Rules, *, rater: str | None = None, candidates: Collection[str] = (), target: str | None = None,
    gate: CalibrationGate | None = None, outside: bool = False,
) -> Scored:  # fmt: skip
    """The scored answers of a run folder.

    outside: whether recordings may lie elsewhere; else answers and items that name one outside the run folder, links
    followed, are set aside.

    rater: needed where several rated. candidates: only these. target: the candidate whose first answers are the
    demonstrations; they stand against the others and are none of them. gate: a calibration; scores that another
    model gave under the calibrated judge's name are set aside.

    Raises `InputError` for several signatures on one axis, a scale other than 1..5 and a name that the run does not
    have.
    """
    with RunFolder(run) as folder:
        responses, wanted_axes = list(folder.responses()), _axes_beside(rules)
        rated = list(folder.ratings())
        ratings = [one for one in rated if one.axis in wanted_axes]
        _some(ratings, {one.axis for one in rated if one.score is not None}, rules, run)
        wanted = {*candidates, *([target] if target else [])}
        _known({one.candidate for one in responses}, wanted, run)
        chosen: list[Response] = [r for r in responses if not candidates or r.candidate in wanted]
        own, foreign = own_scores(ratings, rules, gate)
        done, found = wavalign.Written(), Scored()
        items: list[Item] = list(folder.items())
        if not outside:
            items, chosen = _kept_inside(items, run, found.notes), _kept_inside(chosen, run, found.notes)
        for record in wavalign.records(items, chosen, own, run / "-", run=run, rater=rater, done=done):
            _take(record, found, run, f"item {record['id']}", f"{target}/0" if target else None)
        found.prompts = [marked(prompt, foreign) for prompt in found.prompts]
        found.notes += [*folder.bad_lines, *told(foreign)]
    found.notes += [f"{count} prompts {why}" for count, why in (
        (done.several_turns, "of several turns passed over"), (done.unasked, "of which nothing is known passed over"),
    ) if count]  # fmt: skip
    found.repeats = repeats_of(one for one in own if one.signature in found.signatures.values())
    found.noise = noise_of(found.repeats, rules)
    return found


def _kept_inside(records: Iterable[R], run: Path, notes: list[str]) -> list[R]:
    """The items or answers whose recordings lie in the run folder; of the others a note."""
    kept: list[R] = []
    for record in records:
        whose, said = _spoken(record)
        away = next((u.audio.path for u in said if u.audio and not inside(run / u.audio.path, run)), None)
        if away is None:
            kept.append(record)
            continue
        notes.append(f"{whose}: the recording {away[:200]} lies outside the run folder; set aside: say --outside, if "
                     "the run is your own")  # fmt: skip
    return kept


def _spoken(record: Item | Response) -> tuple[str, Sequence[Utterance]]:
    """Whose record it is, in words, and what is said in it."""
    if isinstance(record, Item):
        return f"item {record.id}", (*record.turns, *record.history)
    return f"item {record.item_id}, {record.candidate}/{record.attempt}", record.answers


def _axes_beside(rules: Rules) -> set[str]:
    """The axes of a mode, and those that stand beside them: one judge of the whole, or one each of words and sound."""
    return {AXES["overall"]} if "overall" in rules.used else {AXES[name] for name in USED["sum"]}


def _some(ratings: Collection[Rating], scored: Collection[str], rules: Rules, run: Path) -> None:
    """`InputError` where nothing was rated on the axes of the mode; it names a mode that has scores."""
    if any(one.axis in {AXES[name] for name in rules.used} for one in ratings):
        return
    others = [mode for mode in USED if mode != "weighted" and {AXES[name] for name in USED[mode]} <= set(scored)]
    raise InputError(
        f"got no rating on {' or '.join(AXES[name] for name in rules.used)}, which mode {rules.mode} orders by; scored "
        f"are {', '.join(sorted(scored)) or 'no axes'}", where=str(run),
        todo=f"use --mode {others[0]}" if others else "score the run on these axes first",
    )  # fmt: skip


def of_file(
    path: Path, *, target: str | None = None, noise: float | None = None, rules: Rules | None = None,
    gate: CalibrationGate | None = None,
) -> Scored:  # fmt: skip
    """The same from a JSON Lines file of scored candidates. target: the key in `output` that is the demonstration.

    noise: standard deviation of repeats of the mode's score, where it is known from elsewhere. rules, gate: with
    both, prompts that another model scored than the calibrated one are set aside.
    """
    if noise is not None and (isinstance(noise, bool) or not (isfinite(noise) and noise >= 0)):
        raise InputError(f"got noise={noise}, expected a standard deviation, 0 or more")
    found = Scored(noise=Noise(noise))
    for number, line in enumerate(_lines(path), 1):
        if line.strip():
            where, record = f"{path}, line {number}", _record(line)
            if rules and gate and (why := foreign_record(record, rules, gate)):
                found.notes.append(f"{where}: {why}; set aside")
            else:
                _take(record, found, path.parent, where, target)
    if not found.prompts:
        raise InputError("got no scored candidates" + (f": {found.notes[0]}" if found.notes else ""), where=str(path),
                         todo="give a run folder, or what `wavjudge export --format paper` writes")  # fmt: skip
    return found


def unplayable(one: Output) -> str:
    """Why the recording of an answer cannot be used; empty where it can."""
    try:
        audio.read(one.audio or Path())
    except audio.AudioFault as fault:
        return f"a recording that cannot be used: {fault.outcome}"
    except InputError:
        return "a recording that is not there"
    return ""


def write(
    pairs: Iterable[Pair], out: Path, rules: Rules, signatures: Mapping[str, str], calibration: str | None = None
) -> int:  # fmt: skip
    """The pairs as JSON Lines; recordings relative to the folder of `out`. Gives how many.

    signatures: the judge of each axis. calibration: the signature of what the scores obey, if anything.
    """
    if out.suffix.lower() != ".jsonl":
        raise InputError(f"got {out.suffix or 'no suffix'}, expected .jsonl", where=str(out))
    only = next(iter(rules.used)) if len(rules.used) == 1 else rules.mode  # weighted by one score is that score's mode
    told: dict[str, Any] = {"pair_mode": only, "pair_chosen": rules.chosen, "signatures": dict(signatures)}
    if rules.mode == "weighted":
        told["pair_weights"] = rules.used
    if calibration is not None:
        told["calibration"] = calibration
    lines = [json.dumps(_written(pair, out) | told, ensure_ascii=False) + "\n" for pair in pairs]
    out.parent.mkdir(parents=True, exist_ok=True)
    write_new(out, "".join(lines))
    return len(lines)


def _written(pair: Pair, out: Path) -> dict[str, Any]:
    prompt, target = pair.prompt, pair.prompt.target
    asked = {"audios": [_relative(Path(one), out) for one in prompt.record.get("audios") or ()]}
    return {
        **prompt.record, **asked, "source_dataset": prompt.dataset, "task_type": "s2s",
        "sft_target_text": pair.chosen.text, "sft_target_audio": _relative(pair.chosen.audio, out),
        "rejected_text": pair.rejected.text, "rejected_audio": _relative(pair.rejected.audio, out),
        "chosen_key": pair.chosen.key, "rejected_key": pair.rejected.key,
        "chosen_score": pair.chosen_score, "rejected_score": pair.rejected_score, "score_gap": pair.gap,
        "best_output_score": pair.best_score, "worst_output_score": pair.worst_score,
        "output_score_gap": round(pair.best_score - pair.worst_score, 9),
        "orig_sft_target_text": target.text if target else None,
        "orig_sft_target_audio": _relative(target.audio, out) if target else None,
    }  # fmt: skip


def _take(record: Any, found: Scored, base: Path, where: str, target: str | None) -> None:
    """Add what a record holds, or a note of what is wrong with it."""
    try:
        prompt = _prompt(record, found, base, where, target)
    except InputError as error:
        found.notes.append(f"{where}: {error.problem}; set aside")
        return
    found.prompts.append(prompt)
    for axis, name in _SCORES.items():
        signature = (record.get("signatures") or {}).get(name)
        if isinstance(signature, str) and found.signatures.setdefault(AXES[axis], signature) != signature:
            raise InputError(
                f"got {name} by {signature} beside {found.signatures[AXES[axis]]}, expected one judge", where=where,
                todo="scores of different judges are never compared: split the file",
            )  # fmt: skip


def _prompt(record: Any, found: Scored, base: Path, where: str, target: str | None) -> Prompt:
    outputs = record.get("output") if isinstance(record, dict) else None
    if not isinstance(outputs, dict) or not isinstance(record.get("messages"), list):
        raise InputError('got no record with "messages" and "output"')
    read = {str(key): _output(str(key), one, base, where, found) for key, one in outputs.items()}
    dataset = str(record.get("source_dataset") or (record.get("original_sample") or {}).get("source_dataset") or "")
    kept = {name: record[name] for name in _KEPT if name in record}
    audios = record.get("audios") or ()
    if not isinstance(audios, list | tuple):
        raise InputError(f'got {audios!r:.60} in "audios", expected a list of paths')
    kept["audios"] = [str(_placed(base, str(one))) for one in audios]
    shown = read.pop(target, None) if target else None
    return Prompt(
        dataset, str(record.get("id", where)), kept, tuple(read.values()), _demonstration(record, shown, base)
    )


def _demonstration(record: Mapping[str, Any], scored: Output | None, base: Path) -> Output | None:
    """The record's own demonstration with the scores of the output that is it, or that output itself."""
    text, sound = record.get("sft_target_text"), record.get("sft_target_audio")
    if not isinstance(text, str):
        return scored
    if scored is not None and scored.text.split() != text.split():
        raise InputError(f"got the output {scored.key!r} as the demonstration, whose words are not sft_target_text")
    path = _placed(base, sound) if isinstance(sound, str) and sound else None
    return Output("sft_target", text, path or (scored.audio if scored else None), scored.scores if scored else {},
                  scored.wrong if scored else frozenset())  # fmt: skip


def _output(key: str, one: Any, base: Path, where: str, found: Scored) -> Output:
    if not isinstance(one, dict):
        raise InputError(f"got an output {key!r} that is no object")
    given = one.get("gemini_score") if isinstance(one.get("gemini_score"), dict) else {}
    scores: dict[str, float | None] = {}
    wrong = set()
    for name, field_name in _SCORES.items():
        value = (given or {}).get(field_name)
        good = value is None or _is_score(value)
        scores[name] = float(value) if good and value is not None else None
        if not good:
            wrong.add(name)
            found.notes.append(f"{where}, output {key!r}, {field_name}: got {value!r}, expected a number from 1 to 5")
    sound, text = one.get("output-audio"), one.get("output-text")
    path = _placed(base, sound) if isinstance(sound, str) and sound else None
    return Output(key, text if isinstance(text, str) else "", path, scores, frozenset(wrong))


def _placed(base: Path, name: str) -> Path:
    if "\0" in name:
        raise InputError(f"got a path with a NUL in it ({name!r:.60}), which no file can have")
    return base / name


def _is_score(value: Any) -> bool:
    """A number on the scale; True is not 1, and NaN is nothing."""
    return isinstance(value, int | float) and not isinstance(value, bool) and wavalign.SCALE.holds(value)


def _known(known: Collection[str], wanted: Collection[str], run: Path) -> None:
    if unknown := sorted(set(wanted) - set(known)):
        raise InputError(f"got the candidate {', '.join(unknown)}, expected some of {', '.join(sorted(known))}",
                         where=str(run))  # fmt: skip


def _lines(path: Path) -> Iterator[str]:
    try:
        yield from path.read_text(encoding="utf-8").split("\n")  # a text may hold other ends of lines
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"got a file that cannot be read: {error}", where=str(path)) from error


def _record(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _relative(path: Path | None, out: Path) -> str | None:
    return None if path is None else os.path.relpath(path.resolve(), out.parent.resolve())


# Scores that came from another model than the calibrated one, under its name: no pair is made of them.


def own_scores(
    ratings: Sequence[Rating], rules: Rules, gate: CalibrationGate | None
) -> tuple[list[Rating], list[Rating]]:
    """The ratings that the calibration may be of, and those by another model on the axes of the mode.

    All stay where none is the calibrated model's: then the calibration is of another judge altogether, and says so.
    """
    used, ratings = {AXES[name] for name in rules.used}, _spelled_alike(ratings)
    if gate is None:
        return ratings, []
    foreign = [one.axis in used and gate.is_foreign(one.axis, one.signature) for one in ratings]
    own = [one for one, is_foreign in zip(ratings, foreign, strict=True) if not is_foreign]
    if not {one.axis for one in own if one.score is not None} >= used & {one.axis for one in ratings}:
        return ratings, []
    return own, [one for one, is_foreign in zip(ratings, foreign, strict=True) if is_foreign and one.score is not None]


def _spelled_alike(ratings: Sequence[Rating]) -> list[Rating]:
    names = {one.signature for one in ratings if one.score is not None}
    homes = {name: home for name, home in settled(names, names).items() if name != home}
    return [one.model_copy(update={"signature": homes[one.signature]}) if one.signature in homes else one
            for one in ratings]  # fmt: skip


def marked(prompt: Prompt, foreign: Sequence[Rating]) -> Prompt:
    """The prompt, whose outputs know which of their missing scores another model gave."""
    names = {axis: name for name, axis in AXES.items()}
    given: dict[Key, set[str]] = {}
    for one in foreign:
        subject = one.subject
        key = (subject.benchmark, subject.item_id, f"{subject.candidate}/{subject.attempt}")
        given.setdefault(key, set()).add(names[one.axis])

    def known(one: Output) -> Output:
        names = given.get((prompt.dataset, prompt.id, one.key), set())
        return replace(one, foreign=frozenset(name for name in names if one.scores.get(name) is None))

    target = known(prompt.target) if prompt.target else None
    return replace(prompt, outputs=tuple(map(known, prompt.outputs)), target=target) if given else prompt


def told(foreign: Sequence[Rating]) -> Iterator[str]:
    """How many scores of which other model were set aside."""
    for model, count in Counter(resolved_model(one.signature) for one in foreign).most_common():
        who = repr(model) if model is not None else "a model that is not named"
        yield f"{count} scores by {who}, which is not the calibrated model: set aside"


def foreign_record(record: Any, rules: Rules, gate: CalibrationGate) -> str:
    """Why a scored prompt of a file cannot stand beside the calibration; empty where it can."""
    signatures = record.get("signatures") if isinstance(record, Mapping) else None
    if not isinstance(signatures, Mapping):
        return ""
    for axis in (AXES[name] for name in rules.used):
        signature = signatures.get({**wavalign.AXES, **wavalign.WHOLE}[axis])
        if isinstance(signature, str) and gate.is_foreign(axis, signature):
            return (
                f"{axis} rated by {resolved_model(signature) or 'an unnamed model'}, which is not the calibrated model"
            )
    return ""


# Pairs that obey a calibration, by the rules of rewards: an axis below the bar is refused or weighs less.
#
# The weights of a mode keep their sum, so that a least gap stays in the points that it was meant in.

F = TypeVar("F", float, float | None)


def obeying(scored: Scored, rules: Rules, gate: CalibrationGate) -> tuple[Scored, Rules, tuple[Permit, ...]]:
    """The scores and rules that may be used, and the permit of each axis of the mode.

    Where weights change, the mode becomes ``weighted``. Maps are put to scores and to repeats, so that noise is in the
    points of what is compared; one that was named for a file without repeats is taken as it was named.

    Raises `InputError` for an axis that is refused, and for a judge that the calibration does not hold.
    """
    total = sum(rules.used.values())
    asked = Weights({AXES[name]: weight / total for name, weight in rules.used.items()})
    weights, permits = gate.weighed(asked, scored.signatures, answered=True)
    if dict(weights.axes) != dict(asked.axes):
        semantic, paralinguistic = (total * weights.axes.get(AXES[name], 0.0) for name in USED["weighted"])
        rules = replace(rules, mode="weighted", weights=(semantic, paralinguistic))
    maps = {name: one for name, axis in AXES.items()
            if (one := gate.maps(weights, scored.signatures, answered=True).get(axis)) is not None}  # fmt: skip
    repeats = {key: [_mapped(one, maps) for one in of] for key, of in scored.repeats.items()}
    return replace(
        scored, prompts=[_obeyed_prompt(one, maps) for one in scored.prompts], repeats=repeats,
        noise=noise_of(repeats, rules) if repeats else scored.noise, calibration=gate.signature,
    ), rules, permits  # fmt: skip


def _obeyed_prompt(prompt: Prompt, maps: Mapping[str, RecalibrationMap]) -> Prompt:
    target = _obeyed_output(prompt.target, maps) if prompt.target else None
    return replace(prompt, outputs=tuple(_obeyed_output(one, maps) for one in prompt.outputs), target=target)


def _obeyed_output(one: Output, maps: Mapping[str, RecalibrationMap]) -> Output:
    return replace(one, scores=_mapped(one.scores, maps))


def _mapped(scores: Mapping[str, F], maps: Mapping[str, RecalibrationMap]) -> dict[str, F]:
    """Scores on people's scale; what is missing stays missing."""
    return {name: score if score is None or name not in maps else as_people_say(score, maps[name])
            for name, score in scores.items()}  # fmt: skip
