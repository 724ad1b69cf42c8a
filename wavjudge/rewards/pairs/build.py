"""Pairs of preferences from scored answers: for each prompt the best answer against the worst.

Rules after WavAlign's builder of pairs (arXiv 2604.14932, its released code), with its mistakes mended:

* a score counts in the modes that use it and no other; a truth value, a text or NaN is no score;
* a gap is compared between the two answers that are written, also where the chosen one is the demonstration;
* a pair of equal scores is none, and neither is one of the same words, nor one inside the judge's own noise;
* among equal scores a hash of seed, prompt and key decides, not the order of the file;
* what is left out is counted by reason.

Best and worst of many noisy scores lie further apart than the answers do: a gap says less than it seems, and the more
candidates, the less. `margin` asks for a gap of so many standard errors of a difference of two scores.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, sqrt
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from wavjudge.analysis.stats.reliability import repeatability
from wavjudge.errors import InputError
from wavjudge.types import Rating

# What makes a pair of preferences: which score orders the answers, and how far apart two of them have to be.

Mode = Literal["sum", "semantic", "paralinguistic", "weighted", "overall"]
Source = Literal["best_output", "sft_target"]

USED: dict[Mode, tuple[str, ...]] = {
    "sum": ("semantic", "paralinguistic"), "semantic": ("semantic",), "paralinguistic": ("paralinguistic",),
    "weighted": ("semantic", "paralinguistic"), "overall": ("overall",),
}  # fmt: skip
"""The scores that each mode needs, by the schema's names: paralinguistic is our axis acoustic. overall stands in no
schema: the reference's judge gives two scores, ours may give one of the whole answer."""

AXES = {"semantic": "semantic", "paralinguistic": "acoustic", "overall": "overall"}

DECIMALS = 9
"""Of a score and a gap: a gap of 1 on paper is not one of .9999999999 here."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What makes a pair.

    mode: which score orders. weights: of semantic and paralinguistic in mode weighted; one of weight 0 is not needed.
    min_gap: the least gap, itself included. margin: the least gap in standard errors of a gap (`Noise`). top_k: only
    the pairs of the largest gaps. chosen: the best answer, or the demonstration. seed: decides among equals.
    """

    mode: Mode = "semantic"
    weights: tuple[float, float] = (1.0, 1.0)
    min_gap: float = 1.0
    margin: float = 0.0
    top_k: int | None = None
    chosen: Source = "best_output"
    seed: int = 12345

    def __post_init__(self) -> None:
        _one_of("mode", self.mode, get_args(Mode))
        _one_of("chosen", self.chosen, get_args(Source))
        for name, value in (("min_gap", self.min_gap), ("margin", self.margin), *(("weight", w) for w in self.weights)):
            if isinstance(value, bool) or not (isfinite(value) and value >= 0):
                raise InputError(f"got {name}={value}, expected a number, 0 or more")
        if len(self.weights) != 2 or not any(self.weights):
            raise InputError(f"got the weights {self.weights}, expected two, not both 0")
        if self.top_k is not None and (isinstance(self.top_k, bool) or self.top_k < 1):
            raise InputError(f"got top_k={self.top_k}, expected 1 or more, or None for all")

    @property
    def used(self) -> dict[str, float]:
        """The scores that this mode needs, by the schema's names, with their weights.

        >>> Rules("sum").used, Rules("weighted", (0.5, 0)).used
        ({'semantic': 1.0, 'paralinguistic': 1.0}, {'semantic': 0.5})
        """
        if self.mode != "weighted":
            return dict.fromkeys(USED[self.mode], 1.0)
        return {name: weight for name, weight in zip(USED["weighted"], self.weights, strict=True) if weight}

    def score(self, scores: Mapping[str, float | None]) -> float | None:
        """The score of an answer in this mode; None where one that it needs is missing.

        >>> Rules("sum").score({"semantic": 4, "paralinguistic": 2}), Rules("semantic").score({"semantic": 4})
        (6.0, 4.0)
        """
        total = 0.0
        for name, weight in self.used.items():
            if (one := scores.get(name)) is None:
                return None
            total += weight * one
        return round(total, DECIMALS)


def _one_of(name: str, got: str, known: tuple[str, ...]) -> None:
    if got not in known:
        raise InputError(f"got {name} {got!r}, expected one of {', '.join(known)}")


@dataclass(frozen=True, slots=True)
class Output:
    """One candidate's answer. scores: by the schema's names, None where there is none. wrong: the names of those in
    whose place something stands that is no score. foreign: of those that another model gave than the calibrated one."""

    key: str
    text: str
    audio: Path | None
    scores: Mapping[str, float | None]
    wrong: frozenset[str] = frozenset()
    foreign: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt and its answers. record: what is written as it is. target: the demonstration, if there is one.

    dataset, id: what it is called in messages and where noise is looked up.
    """

    dataset: str
    id: str
    record: Mapping[str, Any]
    outputs: tuple[Output, ...]
    target: Output | None = None


@dataclass(frozen=True, slots=True)
class Noise:
    """How far repeats of one answer differ. sd: of single repeats of the mode's score, in its points; None: not known.

    n: how many fresh repeats each score is the mean of, by (dataset, prompt, key); 1 where it is not said.
    """

    sd: float | None = None
    n: Mapping[tuple[str, str, str], int] = field(default_factory=dict)

    def of_gap(self, prompt: Prompt, one: Output, other: Output) -> float | None:
        """The standard error of the difference of two scores; None where nobody knows.

        >>> prompt = Prompt("d", "1", {}, ())
        >>> a, b = (Output(key, "", None, {}) for key in "ab")
        >>> Noise(0.5, {("d", "1", "a"): 2, ("d", "1", "b"): 2}).of_gap(prompt, a, b)
        0.5
        """
        if self.sd is None:
            return None
        times = (self.n.get((prompt.dataset, prompt.id, each.key), 1) for each in (one, other))
        return self.sd * sqrt(sum(1 / n for n in times))


@dataclass(frozen=True, slots=True)
class Pair:
    """A chosen and a rejected answer to one prompt, with their scores, and the best and worst of its scored answers."""

    prompt: Prompt
    chosen: Output
    rejected: Output
    chosen_score: float
    rejected_score: float
    best_score: float
    worst_score: float

    @property
    def gap(self) -> float:
        return round(self.chosen_score - self.rejected_score, DECIMALS)


@dataclass(slots=True)
class Built:
    """The pairs, in the order of the prompts (with `top_k`: largest gap first). prompts: how many were read.

    left_out: answers that could be no part of a pair, dropped: prompts that gave none; both counted by reason.
    """

    pairs: list[Pair] = field(default_factory=list)
    prompts: int = 0
    answers: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)


def build(
    prompts: Iterable[Prompt], rules: Rules, *, noise: Noise | None = None,
    unplayable: Callable[[Output], str] = lambda _: "",
) -> Built:  # fmt: skip
    """One pair a prompt at most. unplayable: says why the recording of an answer cannot be used, or nothing.

    Raises `InputError` for a margin without a known noise.
    """
    noise = noise or Noise()
    if rules.margin and noise.sd is None:
        raise InputError(f"got margin={rules.margin:g}, and nothing is known of the judge's noise",
                         todo="score with --repeats 2 or more, without the cache, or name the noise")  # fmt: skip
    done = Built()
    for prompt in prompts:
        done.prompts += 1
        found = _pair(prompt, rules, noise, unplayable, done)
        if isinstance(found, Pair):
            done.pairs.append(found)
        else:
            done.dropped[found] += 1
    if rules.top_k is not None and len(done.pairs) > rules.top_k:
        done.pairs.sort(key=lambda one: (-one.gap, _lot(rules, one.prompt, one.chosen.key)))
        done.dropped[f"not among the {rules.top_k} largest gaps"] += len(done.pairs) - rules.top_k
        del done.pairs[rules.top_k :]
    return done


def _pair(
    prompt: Prompt, rules: Rules, noise: Noise, unplayable: Callable[[Output], str], done: Built
) -> Pair | str:  # fmt: skip
    """The pair of a prompt, or why there is none."""
    usable = _usable(prompt.outputs, rules, done)
    target = _target(prompt, rules)
    if isinstance(target, str):
        return target
    if len(usable) < (2 if target is None else 1):
        return "fewer than two answers that can be used" if target is None else "no answer that can be used"
    ordered = sorted(usable, key=lambda one: (one[1], _lot(rules, prompt, one[0].key)))
    worst, (best, best_score) = ordered[0], ordered[-1]
    chosen, score = target or (best, best_score)
    pair = Pair(prompt, chosen, worst[0], score, worst[1], best_score, worst[1])
    return _why_not(pair, rules, noise) or next(filter(None, map(unplayable, (pair.chosen, pair.rejected))), "") or pair


def _usable(outputs: Sequence[Output], rules: Rules, done: Built) -> list[tuple[Output, float]]:
    """The answers with a score, words and a recording; the others are counted by what they lack."""
    found = []
    for one in outputs:
        done.answers += 1
        score, why = rules.score(one.scores), _lacking(one, rules)
        if why or score is None:
            done.left_out[why or f"no score: {' and '.join(rules.used)}"] += 1
        else:
            found.append((one, score))
    return found


def _lacking(one: Output, rules: Rules) -> str:
    if one.foreign & set(rules.used):
        return "scored by another model than the calibrated one"
    if one.wrong & set(rules.used):
        return "what stands as a score is none (see the notes)"
    if not one.text.strip():
        return "no text"
    return "" if one.audio is not None else "no recording"


def _target(prompt: Prompt, rules: Rules) -> tuple[Output, float] | str | None:
    """The demonstration with its score where it is to be chosen, or why it cannot be."""
    if rules.chosen == "best_output":
        return None
    if prompt.target is None:
        return "no demonstration"
    score = rules.score(prompt.target.scores)
    if why := _lacking(prompt.target, rules):
        return f"the demonstration: {why}"
    return "the demonstration has no score" if score is None else (prompt.target, score)


def _why_not(pair: Pair, rules: Rules, noise: Noise) -> str:
    error = noise.of_gap(pair.prompt, pair.chosen, pair.rejected)
    if pair.gap < 0:
        return "the demonstration scores below the worst answer"
    if pair.gap == 0:
        return "both have the same score"
    if pair.gap < rules.min_gap:
        return f"a gap below {rules.min_gap:g}"
    if rules.margin and error is not None and pair.gap < rules.margin * error:
        return f"a gap below {rules.margin:g} standard errors of the judge's noise"
    return "the same words" if _words(pair.chosen.text) == _words(pair.rejected.text) else ""


def _words(text: str) -> list[str]:
    return text.casefold().split()


def _lot(rules: Rules, prompt: Prompt, key: str) -> str:
    """Decides among equals: the same on every machine and in any order, and no candidate's name comes first always."""
    return hashlib.sha256(f"wavjudge.pair.1\n{rules.seed}\n{prompt.dataset}\n{prompt.id}\n{key}".encode()).hexdigest()


# How far repeats of one answer differ, in points of the score that orders pairs.

Key = tuple[str, str, str]
Repeats = Mapping[Key, Sequence[Mapping[str, float]]]
"""Of each answer (dataset, prompt, key) its fresh repeats, each with its scores by the schema's names."""


def repeats_of(ratings: Iterable[Rating]) -> Repeats:
    """Those that were given anew: a reply from the cache repeats perfectly."""
    names = {axis: name for name, axis in AXES.items()}
    found: dict[Key, dict[int, dict[str, float]]] = {}
    for one in ratings:
        if one.axis in names and one.score is not None and not (one.call and one.call.cached):
            subject = one.subject
            key = (subject.benchmark, subject.item_id, f"{subject.candidate}/{subject.attempt}")
            found.setdefault(key, {}).setdefault(one.repeat, {})[names[one.axis]] = one.score
    return {key: list(of.values()) for key, of in found.items()}


def noise_of(repeats: Repeats, rules: Rules) -> Noise:
    """From repeats in which every score of the mode was given; nothing is known where no answer has two."""
    whole = {key: [score for each in of if (score := rules.score(each)) is not None] for key, of in repeats.items()}
    whole = {key: of for key, of in whole.items() if of}
    most = max(map(len, whole.values()), default=0)
    if most < 2:
        return Noise()
    table = np.full((len(whole), most), np.nan)
    for row, of in zip(table, whole.values(), strict=True):
        row[: len(of)] = of
    prompts = [f"{dataset}\x1f{item}" for dataset, item, _ in whole]
    return Noise(repeatability(table, prompts).sd_within.value, {key: len(of) for key, of in whole.items()})
