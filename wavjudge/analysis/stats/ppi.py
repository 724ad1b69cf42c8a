"""A candidate's mean corrected by a few human labels: prediction-powered inference (PPI++) over prompts.

The judge rated every answer, people a random part of the prompts. What people say there minus lam times what the judge
says there, plus lam times what the judge says elsewhere, is unbiased for every lam that was fixed beforehand; the
better the judge, the narrower (arXiv 2301.09633, 2311.01453). A lam learnt from the same labels is not: with 6 % low
answers and 20 labelled prompts it left a bias of half a standard deviation. So until there are `LAM_FROM` labelled
prompts lam is N / (n + N), the share of prompts without a label: the judge's mean over all prompts plus what people say
more than the judge on the labelled ones. Everything is computed on totals of prompts: answers to one prompt are not
independent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

from wavjudge.analysis.stats.intervals import Estimate
from wavjudge.analysis.stats.sums import Floats, Ints
from wavjudge.errors import InputError

Design = Literal["random", "all", "weighted", "unknown"]
"""How the labelled prompts were chosen: all equally likely, without exception, with known unequal probabilities, or
nobody knows."""

MIN_LABELLED_PROMPTS = 20
"""Labelled prompts below which no corrected figure is given. Coverage at 10 (floor taken away), 20, 25 and 50:
docs/studies.md, "Corrected means"; with rare low answers at 20 and 50: "Rare low answers"."""

LAM_FROM = 200
"""Labelled prompts from which lam is learnt from them; with fewer it is N / (n + N), which no label chose, so that it
leaves no bias. lam 1 has none either, but is wide and covers .80 where few prompts are left without a label."""

UNSEEN = 0.5
"""How far off, in spans of the scale, the one labelled answer stands that no label showed. A sample without any of the
rare errors (or low answers) would else be sure that there are none; its weight falls as 1 / n. Half a span, for the
error of a judge is seldom the whole scale: it sufficed where 6 % of the answers are low, at 20 labelled prompts too."""


@dataclass(frozen=True, slots=True)
class Correction:
    """The corrected mean of one candidate beside what judge and people say alone, in points of the scale.

    raw: the judge's mean over all it scored. people: the people's mean over all they labelled. corrected: PPI++, or no
    value and a note why; all_items: the same with the candidate's failures. lam: how much the judge counts, 0..1.
    effective_prompts: as many labelled prompts would give the people alone the interval of `corrected`; width_ratio:
    its width against the people's own (below 1 is a gain).
    """

    raw: Estimate
    people: Estimate
    corrected: Estimate
    all_items: Estimate
    design: Design
    lam: float | None
    effective_prompts: float | None
    width_ratio: float | None
    prompts_labelled: int
    prompts_unlabelled: int
    n: int
    n_labelled: int
    n_unscored: int
    n_unscored_labelled: int
    sentence: str


def corrected_mean(
    judge: npt.ArrayLike, people: npt.ArrayLike, prompt: npt.ArrayLike, *, design: Design,
    probability: npt.ArrayLike | None = None, lam: float | None = None, level: float = 0.95,
    failed: npt.ArrayLike = (), lowest: float | None = None, highest: float | None = None, unseen: float = UNSEEN,
) -> Correction:  # fmt: skip
    """One candidate's mean, corrected by the labels of some of its prompts (PPI++ at prompt level).

    theta = mean_L(y) + lam (mean_U(f) - mean_L(f)), L the n labelled prompts, U the N others, y people, f judge;
    var = var_L(y - lam f) / n + lam^2 var_U(f) / N over prompts; interval by t with n - 1 degrees of freedom;
    lam, unless given, is N / (n + N) below `LAM_FROM` labelled prompts, then cov_L(y, f) / ((1 + n/N) var(f)) in
    [0, 1], which is the same for a judge that is right but for its level; 0 where the judge is shown to say the
    opposite. Each end lies d further out, and d^2 is added to var: d is what one labelled answer more would move,
    `unseen` spans of the scale away (`UNSEEN`). Known chances weight L by 1 / chance, and mean_U gives way to the mean
    over all prompts. With a judge no better than the candidate the gain in labels cannot exceed two (arXiv 2410.13341).

    Parameters
    ----------
    judge: scores of all answers, NaN where unscored: such answers are left out and counted.
    people: the people's mean per answer, NaN where nobody labelled it. A prompt with a label is a labelled prompt; its
        answers without one are left out of the corrected figure.
    prompt: labels of any kind. design: how the labelled prompts were chosen; "unknown" gives no corrected figure.
    probability: each answer's prompt's chance of being labelled, 0 < chance <= 1; for "weighted", and only there.
    lowest, highest: the ends of the scale; without them, of the scores that there are.
    failed: the prompt of each failure of the candidate, which stands at `lowest`. A failure is
        observed, on every prompt: no judge can err about it, nobody has to label it. So it enters no correction, and
        all_items = lowest + q (theta - lowest) with q the share of scored answers among them and the failures, as in
        the raw mean over all items; the interval holds the chance in q too (delta method).

    >>> judge, people = [3.0, 5, 4] * 40, [2.0, 5, 3] * 20 + [float("nan")] * 60
    >>> c = corrected_mean(judge, people, range(120), design="random")
    >>> round(c.corrected.value, 3), c.lam, round(c.width_ratio, 2), round(c.effective_prompts)
    (3.333, 0.5, 0.78, 99)
    """
    table, failures = _table(judge, people, prompt, probability, design, failed)
    away = unseen * _span(table, lowest, highest)
    scored, told = np.isfinite(table.judge), np.isfinite(table.people)
    in_labelled = np.bincount(table.number, told)[table.number] > 0
    alone, labelled, others = table.part(told), table.part(scored & told), table.part(scored & ~in_labelled)
    raw = _mean(table.part(scored, weighted=False), "judge", level, 0.0)
    by_people = _mean(alone, "people", level, away)
    chosen, solved = _corrected(labelled, others, alone, design, lam, away)
    corrected = solved if isinstance(solved, Estimate) else solved.estimate(level)
    all_items = corrected
    if not isinstance(solved, Estimate) and failures.any():
        counts = np.bincount(table.number[scored], minlength=len(failures))
        all_items = _with_failures(solved, counts, failures, lowest, level)
    effective, ratio = _gain(corrected, by_people, len(alone))
    result = Correction(
        raw, by_people, corrected, all_items, design, chosen, effective, ratio, len(alone), len(others), len(scored),
        int(told.sum()), int((~scored).sum()), int((told & ~scored).sum()), "",
    )  # fmt: skip
    return replace(result, sentence=_sentence(result))


@dataclass(frozen=True, slots=True)
class _Part:
    """Totals over the answers of each prompt of a part of the table, all of shape (prompts of the part,).

    number: of the prompt in the whole table."""

    number: Ints
    size: Floats
    judge: Floats
    people: Floats
    weight: Floats

    def __len__(self) -> int:
        return len(self.size)

    def mean(self, totals: Floats) -> float:
        return float(self.weight @ totals / (self.weight @ self.size))

    def apart(self, totals: Floats) -> Floats:
        """Each prompt's deviation from the mean, (t - mean m) / mean(m): sizes may differ between prompts."""
        mean_size = self.weight @ self.size / self.weight.sum()
        return np.asarray((totals - self.mean(totals) * self.size) / mean_size)

    def joined(self, other: _Part) -> _Part:
        """Both parts, every prompt with weight one."""
        number = np.r_[self.number, other.number]
        size, judge, people = np.c_[[self.size, self.judge, self.people], [other.size, other.judge, other.people]]
        return _Part(number, size, judge, people, np.ones(len(size)))


@dataclass(frozen=True, slots=True)
class _Solved:
    """A mean with each prompt's share in its error, by part: independent draws whose variances add up.

    unseen: what one labelled answer more would move it, see `UNSEEN`."""

    value: float
    shares: tuple[tuple[_Part, Floats], ...]
    freedom: int
    method: str
    unseen: float
    note: str = ""

    @property
    def variance(self) -> float:
        return sum(_variance(shares) for _, shares in self.shares)

    def estimate(self, level: float) -> Estimate:
        found = _interval(self.value, self.variance, self.freedom, level, self.method, self.unseen)
        return replace(found, note=found.note or self.note)


@dataclass(frozen=True, slots=True)
class _Table:
    judge: Floats
    people: Floats
    number: Ints
    weight: Floats

    def part(self, chosen: npt.NDArray[np.bool_], *, weighted: bool = True) -> _Part:
        prompts, number = np.unique(self.number[chosen], return_inverse=True)
        size, judge, people = (
            np.bincount(number, column[chosen], len(prompts)).astype(float)
            for column in (np.ones(len(self.number)), self.judge, self.people)
        )
        return _Part(prompts, size, judge, people, self.weight[prompts] if weighted else np.ones(len(prompts)))


def _table(
    judge: npt.ArrayLike, people: npt.ArrayLike, prompt: npt.ArrayLike, chance: npt.ArrayLike | None, design: Design,
    failed: npt.ArrayLike,
) -> tuple[_Table, Ints]:  # fmt: skip
    """The table, and the number of failures by prompt."""
    f, y, where, lost = np.asarray(judge, float), np.asarray(people, float), np.asarray(prompt), np.asarray(failed)
    labels, every = np.unique(np.concatenate([where, lost]) if len(lost) else where, return_inverse=True)
    number, failures = every[: len(where)], np.bincount(every[len(where) :], minlength=len(labels))
    if not len(f) == len(y) == len(number):
        raise ValueError("judge, people and prompt must be equally long")
    if (design == "weighted") != (chance is not None):
        raise InputError(
            f'design "{design}" with{"" if chance is not None else "out"} inclusion probabilities',
            todo='give the chance of every prompt with design "weighted", and with no other',
        )
    weight = np.ones(len(labels))
    if chance is not None:
        weight = _weights(np.asarray(chance, float), number, len(labels))
    return _Table(f, y, number, weight), failures


def _weights(chance: Floats, number: Ints, prompts: int) -> Floats:
    weight = np.ones(prompts)
    weight[number] = 1 / np.where(chance > 0, chance, np.nan)
    if not ((chance > 0) & (chance <= 1)).all() or not np.allclose(weight[number] * chance, 1):
        raise InputError(
            "inclusion probabilities must lie in (0, 1] and be the same for all answers to a prompt",
            todo="a prompt that could not have been labelled is not spoken for by the others: leave it out",
        )
    return weight


def _span(table: _Table, lowest: float | None, highest: float | None) -> float:
    if lowest is not None and highest is not None:
        return highest - lowest
    told = np.concatenate([table.judge, table.people])
    told = told[np.isfinite(told)]
    return float(np.ptp(told)) if len(told) else 0.0


def _mean(part: _Part, side: Literal["judge", "people"], level: float, away: float) -> Estimate:
    """Weighted mean per answer with the clustered t interval: var = P/(P-1) sum (w (t - mean m) / sum w m)^2."""
    if not len(part):
        return Estimate(None, note="no scores")
    if len(part) < 2:
        return Estimate(part.mean(getattr(part, side)), note="no interval: a single prompt")
    return _alone(part, side, away).estimate(level)


def _moved(part: _Part, away: float) -> float:
    """By how much one answer more moves the mean, in a prompt as large as the others."""
    return float(away / (part.size.sum() + part.size.mean()))


def _alone(part: _Part, side: Literal["judge", "people"], away: float) -> _Solved:
    totals: Floats = getattr(part, side)
    shares = part.weight * part.apart(totals) / part.weight.sum()
    return _Solved(part.mean(totals), ((part, shares),), len(part) - 1, "clustered t", _moved(part, away))


def _corrected(
    labelled: _Part, others: _Part, alone: _Part, design: Design, lam: float | None, away: float
) -> tuple[float | None, _Solved | Estimate]:
    if design == "unknown":
        return None, Estimate(None, note="how the labelled prompts were chosen is not known: raw figures only")
    if len(labelled) < MIN_LABELLED_PROMPTS:
        note = f"labelled prompts with a judge score: {len(labelled)}; a correction needs {MIN_LABELLED_PROMPTS}"
        return None, Estimate(None, note=note)
    if design == "all" and len(others):
        raise InputError(f"got {len(others)} prompts without a label, expected all labelled",
                         todo='say how the labelled ones were chosen: "random", "weighted", or "unknown"')  # fmt: skip
    if len(others) < 2:
        return 0.0, replace(
            _alone(alone, "people", away), note="no prompts left for the judge alone: the people's own mean"
        )
    if lam is None:
        lam = _best_lam(labelled, others) if len(labelled) >= LAM_FROM else _fixed_lam(labelled, others)
    chosen = float(np.clip(lam, 0.0, 1.0))
    return chosen, _ppi(labelled, others, chosen, design, away)


def _fixed_lam(labelled: _Part, others: _Part) -> float:
    return 0.0 if _opposite(labelled) else len(others) / (len(labelled) + len(others))


def _opposite(labelled: _Part) -> bool:
    """Whether the judge surely falls where people rise: Fisher's 95 % limit of r over prompts is below zero."""
    f, y = labelled.apart(labelled.judge), labelled.apart(labelled.people)
    spread = float(np.sqrt((f @ f) * (y @ y)))
    r = float(np.clip(f @ y / spread, -0.999, 0.999)) if spread > 1e-12 else 0.0
    return bool(np.arctanh(r) + stats.norm.ppf(0.975) / np.sqrt(len(labelled) - 3) < 0)


def _best_lam(labelled: _Part, others: _Part) -> float:
    """cov_L(y, f) / ((1 + n/N) var(f)), var over both parts and n Kish's (sum w)^2 / sum w^2; 0 where f is constant."""
    weight = labelled.weight / labelled.weight.sum()
    covariance = weight @ (labelled.apart(labelled.people) * labelled.apart(labelled.judge))
    both = labelled.joined(others)
    variance = (both.apart(both.judge) ** 2).sum() / (len(both) - 1)
    n = 1 / (weight @ weight)
    return float(covariance / ((1 + n / len(others)) * variance)) if variance > 1e-12 else 0.0


def _ppi(labelled: _Part, others: _Part, lam: float, design: Design, away: float) -> _Solved:
    """Written as mean_L(y) + slope (mean_all(f) - mean_L(f)): the same with equal chances, right with unequal ones."""
    in_labelled, in_others = labelled.size.sum(), others.size.sum()
    whole = in_labelled + in_others
    slope = lam * whole / in_others
    everywhere = (labelled.judge.sum() + others.judge.sum()) / whole
    errors = labelled.people - slope * labelled.judge
    shares_labelled = (
        labelled.weight * labelled.apart(errors) / labelled.weight.sum()
        + slope * (labelled.judge - everywhere * labelled.size) / whole
    )
    shares_others = slope * (others.judge - everywhere * others.size) / whole
    if design == "random":
        # n was fixed, so only what differs within each part counts. Unequal chances leave the parts' means random.
        shares_labelled = shares_labelled - labelled.size * shares_labelled.sum() / in_labelled
        shares_others = shares_others - others.size * shares_others.sum() / in_others
    shares = (labelled, shares_labelled), (others, shares_others)
    value, unseen = labelled.mean(errors) + slope * everywhere, _moved(labelled, away)
    return _Solved(value, shares, len(labelled) - 1, "ppi++ t", unseen)


def _with_failures(solved: _Solved, scored: Ints, failures: Ints, lowest: float | None, level: float) -> Estimate:
    """lowest + q (theta - lowest); scored, failures: counts by prompt, shape (prompts,)."""
    if lowest is None:
        return Estimate(None, note="failures have no place on an open scale")
    size = scored + failures
    q, gap = float(scored.sum() / size.sum()), solved.value - lowest
    of_q = ((scored - q * size) / size.sum())[size > 0]
    of_theta = np.zeros(len(size))
    for part, shares in solved.shares:
        of_theta[part.number] += shares
    together = float(of_theta[size > 0] @ of_q)
    variance = q**2 * solved.variance + gap**2 * _variance(of_q) + 2 * q * gap * together
    found = _interval(lowest + q * gap, variance, solved.freedom, level, solved.method, q * solved.unseen)
    return replace(found, note=found.note or solved.note)


def _variance(shares: Floats) -> float:
    return float(len(shares) / (len(shares) - 1) * (shares @ shares))


def _interval(mean: float, variance: float, freedom: int, level: float, method: str, unseen: float) -> Estimate:
    half = unseen + float(stats.t.ppf((1 + level) / 2, freedom) * np.sqrt(variance + unseen**2))
    if half < 1e-9:
        return Estimate(float(mean), method=method, note="no interval: no spread between prompts")
    return Estimate(float(mean), float(mean - half), float(mean + half), method)


def _gain(corrected: Estimate, people: Estimate, prompts: int) -> tuple[float | None, float | None]:
    """Effective number of labelled prompts n / ratio^2, and the ratio of widths."""
    if None in (corrected.low, people.low):
        return None, None
    width, alone = (float(e.high or 0) - float(e.low or 0) for e in (corrected, people))
    if width <= 1e-12 or alone <= 1e-12:
        return None, None
    return prompts * (alone / width) ** 2, width / alone


def _sentence(c: Correction) -> str:
    left_out = f" {c.n_unscored} of {c.n} answers have no judge score and are left out." if c.n_unscored else ""
    if c.corrected.value is None:
        return f"No corrected mean: {c.corrected.note}.{left_out}"
    if c.width_ratio is None or c.effective_prompts is None:
        gain = "the gain is undefined, for one of the intervals has no width"
    elif c.width_ratio < 0.995:
        narrower = f"the interval is {1 - c.width_ratio:.0%} narrower"
        gain = f"{c.prompts_labelled} labelled prompts count like {c.effective_prompts:.0f} ({narrower})"
    else:
        gain = f"the judge adds nothing to {c.prompts_labelled} labelled prompts"
        if c.width_ratio > 1.005:
            gain += ": the people's own mean is the surer one"
    figures = f"Corrected mean {c.corrected.value:.2f} (judge {_say(c.raw)}, people {_say(c.people)})"
    return f"{figures}: {gain}.{left_out}"


def _say(estimate: Estimate) -> str:
    return "none" if estimate.value is None else f"{estimate.value:.2f}"
