"""Maps from a judge's scores to what people would have said: linear and isotonic.

A map is learnt from human labels, so its figures on the same labels flatter it; honest figures come from predictions
out of fold, with all answers to a prompt in one fold (cross-prediction, arXiv 2309.16598). Raw scores always stay.

Why a map ends at the scale while a judge's score is never clamped: a judge that answers 7 on a scale of 1-5 was not
understood, and making a 5 of it would invent a verdict; such input is refused here too. A map's value is no verdict but
a prediction of the people's mean, and a mean of scores between 1 and 5 lies between 1 and 5. Its limit is knowledge
about the thing predicted: it holds for every valid input, stands in the record (`clip`), and can only bring a
prediction nearer to every value that is possible. Between the ends a prediction leaves the grid of scores freely.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator
from scipy import optimize

from wavjudge.analysis.stats.sums import Floats, Ints
from wavjudge.errors import InputError
from wavjudge.types import AxisName, Record, Scale

Kind = Literal["linear", "isotonic"]

MIN_LABELLED_PROMPTS = 20
"""Labelled prompts below which no map is fitted: five folds then learn from about 16 prompts each."""

FOLDS = 5


class Curve(Record):
    """linear: value = coefs[0] + coefs[1] x; isotonic: straight lines between `knots` (x, value), level outside."""

    coefs: tuple[float, float] | None = None
    knots: tuple[tuple[float, float], ...] = ()


class RecalibrationMap(Curve):
    """A fitted map with what it was fitted on; part of the calibration record.

    Its own curve is fitted on all labels, those of by_fold without the labels of one fold of prompts each. clip:
    "scale" limits values to the axis's declared scale. A map belongs to one judge signature and one axis.
    """

    kind: Kind
    axis: AxisName
    judge: str
    scale: Scale
    label_kind: Literal["human", "constructed"]
    n: Annotated[int, Field(gt=0)]
    n_prompts: Annotated[int, Field(gt=0)]
    by_fold: tuple[Curve, ...] = ()
    clip: Literal["scale"] = "scale"
    folds: int
    seed: int
    note: str = ""

    @model_validator(mode="after")
    def _complete(self) -> RecalibrationMap:
        curves: tuple[Curve, ...] = (self, *self.by_fold)
        for one in curves:
            if (self.kind == "linear") != (one.coefs is not None) or (self.kind == "isotonic") != bool(one.knots):
                raise ValueError("a linear map has coefs, an isotonic map has knots")
            x, y = [a for a, _ in one.knots], [b for _, b in one.knots]
            if x != sorted(set(x)) or y != sorted(y) or (one.coefs and one.coefs[1] < 0):
                raise ValueError("a map must not turn the judge's order round")
        return self

    def apply(self, scores: npt.ArrayLike) -> Floats:
        """Predicted scores; NaN (unscored) stays NaN; a score off the scale is refused.

        >>> scale = Scale(low=1, high=5)
        >>> RecalibrationMap(kind="linear", axis="overall", judge="j", scale=scale, label_kind="human", n=90,
        ...                  n_prompts=30, coefs=(-1, 1.1), folds=5, seed=1).apply([1, 3, 5]).round(2).tolist()
        [1.0, 2.3, 4.5]
        """
        return _limited(_value(self, self._valid(scores)), self.scale)

    def apply_cross_fitted(self, scores: npt.ArrayLike, prompt: npt.ArrayLike) -> Floats:
        """The same, each prompt by the map that saw no label of its fold: honest on the labelled prompts as well.

        prompt: the labels that the map was fitted with (`tables.prompt_labels`); a fold hangs on them and the seed.
        """
        if len(self.by_fold) != self.folds:
            raise InputError(f"got a map with {len(self.by_fold)} of {self.folds} folds", todo="calibrate again")
        x = self._valid(scores)
        values = np.stack([_value(curve, x) for curve in self.by_fold])
        return _limited(values[fold_numbers(prompt, self.folds, self.seed), np.arange(len(x))], self.scale)

    def _valid(self, scores: npt.ArrayLike) -> Floats:
        x = np.asarray(scores, float)
        told = x[~np.isnan(x)]
        if len(told) and not (self.scale.holds(float(told.min())) and self.scale.holds(float(told.max()))):
            raise InputError(
                f"scores from {told.min():g} to {told.max():g} on a scale of {self.scale.low}..{self.scale.high}",
                todo="give the judge's valid scores; what is off the scale is unparseable, not a high score",
            )
        return x


@dataclass(frozen=True, slots=True)
class Recalibration:
    """A map fitted on all labels, and predictions that did not see the label of their own prompt.

    map: None with too few labels, and `note` says so. out_of_fold: one prediction per row, NaN where unscored (or no
    map). A labelled prompt's come from the map fitted without its fold, another's are the mean over the folds' maps.
    Use them for errors (MAE, RMSE, bias) and as judge scores for `corrected_mean`. Correlations are better taken from
    raw scores: a map does not reorder, but the folds' maps differ a little.
    """

    map: RecalibrationMap | None
    out_of_fold: Floats
    note: str = ""


def recalibrate(
    judge: npt.ArrayLike, people: npt.ArrayLike, prompt: npt.ArrayLike, *, kind: Kind, axis: str, scale: Scale,
    signature: str, label_kind: Literal["human", "constructed"] = "human", folds: int = FOLDS, seed: int = 12345,
) -> Recalibration:  # fmt: skip
    """Fit a map on the labelled answers (people not NaN) that the judge scored (judge not NaN).

    linear: least squares, slope at least 0. isotonic: the non-decreasing values nearest in squares (pool adjacent
    violators; people's mean per judge score, weighted by counts). Where people's scores do not rise with the judge's,
    both give the people's mean everywhere, and the note says so: a map never turns a judge's order round. With too few
    labelled prompts there is no map, and the identity is not put in its place: it would call raw scores recalibrated.
    """
    x, y, labels = np.asarray(judge, float), np.asarray(people, float), np.asarray(prompt)
    if folds < 2:
        raise InputError(f"{folds} folds; cross-fitting needs two", todo=f"leave the default of {FOLDS}")
    if not len(x) == len(y) == len(labels):
        raise ValueError("judge, people and prompt must be equally long")
    usable = np.isfinite(x) & np.isfinite(y)
    n_prompts = len(np.unique(labels[usable]))
    if n_prompts < MIN_LABELLED_PROMPTS:
        note = f"labelled prompts with a judge score: {n_prompts}; a map needs {MIN_LABELLED_PROMPTS}"
        return Recalibration(None, np.full(len(x), np.nan), note)
    curve = _fit(kind, x[usable], y[usable])
    note, fold = _note(curve), fold_numbers(labels, folds, seed)
    curves = _by_fold(kind, x, y, usable, fold, folds)
    fitted = RecalibrationMap(
        kind=kind, axis=axis, judge=signature, scale=scale, label_kind=label_kind, n=int(usable.sum()),
        n_prompts=n_prompts, coefs=curve.coefs, knots=curve.knots, by_fold=curves, folds=folds, seed=seed, note=note,
    )  # fmt: skip
    predicted = _out_of_fold(curves, x, usable, fold, labels)
    return Recalibration(fitted, _limited(predicted, scale), note)


def fold_numbers(labels: npt.ArrayLike, folds: int, seed: int) -> Ints:
    """Each prompt's fold from a hash of seed and label: the same on every machine, whatever other prompts there are.

    >>> fold_numbers(["q1", "q2", "q1", "q3"], 5, 12345).tolist()
    [3, 1, 3, 0]
    """
    names, place = np.unique(np.asarray(labels), return_inverse=True)
    digests = (hashlib.sha256(f"wavjudge.fold.1\n{seed}\n{name}".encode()).digest() for name in names)
    return np.array([int.from_bytes(digest[:8]) % folds for digest in digests], np.intp)[place.reshape(-1)]


def _fit(kind: Kind, x: Floats, y: Floats) -> Curve:
    return _linear(x, y) if kind == "linear" else _isotonic(x, y)


def _linear(x: Floats, y: Floats) -> Curve:
    centred = x - x.mean()
    spread = float(centred @ centred)
    slope = max(0.0, float(centred @ y) / spread) if spread > 1e-12 else 0.0
    return Curve(coefs=(float(y.mean()) - slope * float(x.mean()), slope))


def _isotonic(x: Floats, y: Floats) -> Curve:
    values, place = np.unique(x, return_inverse=True)
    counts = np.bincount(place)
    means = np.bincount(place, y) / counts
    # Rounding in the pools must not leave a value below the one before it.
    level = np.maximum.accumulate(optimize.isotonic_regression(means, weights=counts).x)
    return Curve(knots=tuple(zip(values.tolist(), level.tolist(), strict=True)))


def _value(curve: Curve, x: Floats) -> Floats:
    if curve.coefs is not None:
        return np.asarray(curve.coefs[0] + curve.coefs[1] * x)
    knots = np.array(curve.knots)
    return np.where(np.isnan(x), np.nan, np.interp(x, knots[:, 0], knots[:, 1]))


def _limited(values: Floats, scale: Scale) -> Floats:
    low, high = -np.inf if scale.low is None else scale.low, np.inf if scale.high is None else scale.high
    return np.clip(values, low, high)


def _by_fold(
    kind: Kind, x: Floats, y: Floats, usable: npt.NDArray[np.bool_], fold: Ints, folds: int
) -> tuple[Curve, ...]:
    parts = (usable & (fold != k) for k in range(folds))
    return tuple(_fit(kind, x[part], y[part]) for part in parts)


def _out_of_fold(
    curves: tuple[Curve, ...], x: Floats, usable: npt.NDArray[np.bool_], fold: Ints, labels: npt.NDArray[np.generic]
) -> Floats:
    values = np.stack([_value(curve, x) for curve in curves])
    seen = np.unique(fold[usable])
    own = values[fold, np.arange(len(x))]
    _, number = np.unique(labels, return_inverse=True)  # np.isin of texts would compare each with each
    labelled = np.bincount(number.reshape(-1), usable) > 0
    return np.where(labelled[number.reshape(-1)], own, values[seen].mean(axis=0))


def _note(curve: Curve) -> str:
    flat = curve.coefs[1] < 1e-9 if curve.coefs else curve.knots[-1][1] - curve.knots[0][1] < 1e-9
    return "people's scores do not rise with the judge's: the map is their mean everywhere" if flat else ""
