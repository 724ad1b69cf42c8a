"""The rater `checks`: rules on the words of an answer, without a judge. docs/checks.md explains every axis.

    >>> [axis.name for axis in AXES]
    ['wer', 'cer', 'choice', 'choice_given', 'refusal', 'reference_match', 'instructions']

Deterministic, offline, quick. What an item asks to be checked stands in its `checks`; where a rule does not apply, the
measurement is not_applicable with the reason, never a number.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial

from wavjudge.checks.choice import Reading, read_choice
from wavjudge.checks.instructions import CannotTellError, kept
from wavjudge.checks.options import Choice, Instruction, every, only
from wavjudge.checks.reference import matching, references
from wavjudge.checks.refusal import declining_phrase
from wavjudge.checks.writing import unread_phrases
from wavjudge.signals import Measurement, NotApplicableError, models, words
from wavjudge.types import Axis, Item, Scale

__all__ = ["AXES", "HEARD", "LOCAL", "RULES", "STATED", "Answer", "measure", "require"]

Details = dict[str, float | str | None]
_SHARE = Scale(low=0, high=1, unit="share")
_ERRORS = Scale(low=0, unit="errors per unit meant")

AXES: tuple[Axis, ...] = (
    Axis(name="wer", scale=_ERRORS),
    Axis(name="cer", scale=_ERRORS),
    Axis(name="choice", scale=_SHARE),
    Axis(name="choice_given", scale=_SHARE),
    Axis(name="refusal", scale=_SHARE),
    Axis(name="reference_match", scale=_SHARE),
    Axis(name="instructions", scale=_SHARE),
)
RULES = {"wer": 2, "cer": 2, "choice": 4, "choice_given": 4, "refusal": 3, "reference_match": 2, "instructions": 2}
"""Version of the rules of each axis: a change to one changes the signature of that axis alone."""

HEARD = frozenset({"wer", "cer"})
"""Axes about the recording: they need what was heard, whichever text the others read."""

LOCAL = HEARD | {"reference_match"}
"""Axes that need the extra `local`."""

STATED = frozenset({"choice", "choice_given", "reference_match", "instructions"})
"""Axes that need something the item states; it is about the answer to the last turn."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer under the rules.

    text: what most rules read: the answer's own text, or what was heard. own, heard: the two that wer and cer compare.
    """

    item: Item
    text: str | None = None
    own: str | None = None
    heard: str | None = None


def measure(axis: Axis, answer: Answer) -> Measurement:
    """One axis of one answer. The same answer always gives the same measurement.

    >>> item = Item(benchmark="b", id="1", turns=({},), checks=({"kind": "choice", "options": {"answer": "B"}},))
    >>> measure(AXES[2], Answer(item, text="It's B.")).value, measure(AXES[5], Answer(item, text="It's B.")).reason
    (1.0, 'the item is multiple choice: the axis choice reads it')
    """
    return Measurement.of(axis, partial(_MEASURES[axis.name], answer))


def _wer(answer: Answer) -> tuple[float, Details]:
    return _errors(answer, words.error_rate)


def _cer(answer: Answer) -> tuple[float, Details]:
    return _errors(answer, words.character_error_rate)


def _errors(answer: Answer, rate: Callable[[str, str], float | None]) -> tuple[float, Details]:
    if not (answer.own or "").strip():
        raise NotApplicableError("the answer has no text of its own to compare with")
    error = rate(answer.own or "", answer.heard or "")
    if error is None:
        raise NotApplicableError("the answer's own text holds no word")
    assumed: Details = {} if words.stated(answer.item.language) else {"assumed_language": "en"}
    return error, {"heard": answer.heard or "", **assumed}


def _choice(answer: Answer) -> tuple[float, Details]:
    stated, reading = _read_choice(answer)
    return float(reading.chosen == stated.answer), {**_told(reading), "right": stated.answer}


def _choice_given(answer: Answer) -> tuple[float, Details]:
    _, reading = _read_choice(answer)
    return float(reading.chosen is not None), _told(reading)


def _read_choice(answer: Answer) -> tuple[Choice, Reading]:
    stated = only(answer.item, Choice)
    return stated, read_choice(_text(answer, phrases=True), stated.offered)


def _told(reading: Reading) -> Details:
    return {"chosen": reading.chosen, "why": reading.why, "named": ", ".join(reading.named)}


def _refusal(answer: Answer) -> tuple[float, Details]:
    phrase = declining_phrase(_text(answer, phrases=True))
    return float(phrase is not None), {"phrase": phrase}


def _reference_match(answer: Answer) -> tuple[float, Details]:
    wanted = references(answer.item)
    found = matching(_text(answer), wanted, answer.item.language)
    return float(found is not None), {"matched": found, "match": wanted.match}


def _instructions(answer: Answer) -> tuple[float, Details]:
    asked, text = every(answer.item, Instruction), _text(answer)
    details: Details = {}
    strict, loose, unknown = 0, 0, list[str]()
    for number, one in enumerate(asked, 1):
        try:
            as_is, loosened = kept(text, one, answer.item.language)
        except CannotTellError as why:
            unknown.append(f"{one.id[:80]}: {why}")
            details[f"{number} {one.id[:80]}"] = f"cannot tell: {why}"
            continue
        strict, loose = strict + as_is, loose + loosened
        details[f"{number} {one.id}"] = "kept" if as_is else "kept, loosely read" if loosened else "broken"
    if unknown:
        raise NotApplicableError(
            f"{len(unknown)} of {len(asked)} instructions cannot be checked: {unknown[0]}", details
        )
    return strict / len(asked), {
        **details, "asked": float(len(asked)), "kept": float(strict), "kept_loosely": float(loose),
    }  # fmt: skip


def _text(answer: Answer, *, phrases: bool = False) -> str:
    """The text to read. phrases: for rules that know phrases of some languages only."""
    if answer.text is None or not answer.text.strip():
        raise NotApplicableError("the answer has no text to read")
    if phrases and (why := unread_phrases(answer.text, answer.item.language)):
        raise NotApplicableError(why)
    return answer.text


_MEASURES: dict[str, Callable[[Answer], tuple[float, Details]]] = {
    "wer": _wer, "cer": _cer, "choice": _choice, "choice_given": _choice_given, "refusal": _refusal,
    "reference_match": _reference_match, "instructions": _instructions,
}  # fmt: skip


def require(axes: Collection[str]) -> None:
    """Raise `MissingPartError` unless everything the axes need is installed."""
    if needing := [axis for axis in axes if axis in LOCAL]:
        models.require(models.NORMALIZER, needing)
    if heard := [axis for axis in axes if axis in HEARD]:
        for part in (models.RUNTIME, models.VAD, models.ASR, models.JIWER):
            models.require(part, heard)
