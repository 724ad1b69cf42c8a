"""The figures of a judge whose scores are dealt out anew, for many deals at once.

A null row asks each statistic hundreds of times, and only the judge's side changes: who answered what, people's order
and their ranks stay. So whatever hangs on them alone is computed once, and a block of deals is one array. The values
are those of `Statistic.of`, deal by deal (test_permutations.py); a statistic that is not known here is asked
just so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np
from scipy import sparse

from wavjudge.analysis.stats import agreement
from wavjudge.analysis.stats.sums import Floats, Ints, Paired, Statistic, ratio
from wavjudge.analysis.stats.within_prompt import (
    BEST_OF_N,
    INTRA_ID_SPEARMAN,
    INTRA_ID_TAU,
    INTRA_ID_ZERO_FILLED,
    TIE_FOLDS,
    WITHIN_PROMPT_ACCURACY,
    WITHIN_PROMPT_TIE_CALIBRATED,
    Bools,
    within_prompt_pairs,
)

How = Literal["within", "across"]

_CELLS = 1_000_000
"""Deals times answers, pairs or labels of one block: a handful of arrays of 8 MB."""

_KEPT = 8_000_000
"""Deals times answers up to which the deals of one table are kept for the next judge of the same answers."""

_SAME = 1e-9


def deals(prompt: Ints, how: How, number: int, seed: int, at_once: int) -> Iterator[Ints]:
    """Blocks of deals, (at most `at_once`, n): whose score each answer gets. The same every time.

    within: scores change places inside their prompt only; across: among all answers.
    """
    if number * len(prompt) <= _KEPT:
        whole = _kept(prompt.astype(np.intp).tobytes(), how, number, seed)
        yield from (whole[start : start + at_once] for start in range(0, number, at_once))
        return
    random, order = np.random.default_rng(seed), np.argsort(prompt, kind="stable")
    for start in range(0, number, at_once):
        yield np.stack([_deal(prompt, order, how, random) for _ in range(min(at_once, number - start))])


@lru_cache(maxsize=2)
def _kept(prompts: bytes, how: How, number: int, seed: int) -> Ints:
    prompt, random = np.frombuffer(prompts, np.intp), np.random.default_rng(seed)
    order = np.argsort(prompt, kind="stable")
    dealt = np.array([_deal(prompt, order, how, random) for _ in range(number)], np.intp).reshape(number, -1)
    dealt.flags.writeable = False
    return dealt


def _deal(prompt: Ints, order: Ints, how: How, random: np.random.Generator) -> Ints:
    if how == "across":
        return random.permutation(len(prompt))
    drawn, dealt = random.random(len(prompt)), np.empty(len(prompt), np.intp)
    answers = len(prompt) // max(1, prompt[order[-1]] + 1) if len(order) else 0
    if answers and _is_even(prompt, order, answers):
        rows = order.reshape(-1, answers)
        dealt[order] = np.take_along_axis(rows, np.argsort(drawn[rows], axis=1, kind="stable"), axis=1).reshape(-1)
    else:
        dealt[order] = np.lexsort((drawn, prompt))
    return dealt


def _is_even(prompt: Ints, order: Ints, answers: int) -> bool:
    """Whether every prompt has as many answers: then each is a row, and a row is sorted faster."""
    sorted_ = prompt[order]
    return (
        len(prompt) % answers == 0
        and bool((sorted_[::answers] == sorted_[answers - 1 :: answers]).all())
        and (len(prompt) // answers == sorted_[-1] + 1)
    )


class Table:
    """What does not change from deal to deal. Answers stand in the order of their prompts."""

    def __init__(self, data: Paired) -> None:
        self.data, self.order = data, np.argsort(data.prompt, kind="stable")
        self.prompt, self.people = data.prompt[self.order], data.people[self.order]
        self.starts = np.searchsorted(self.prompt, np.arange(data.prompts))
        self.sizes = np.bincount(self.prompt)
        self.levels, self.place = np.unique(data.judge, return_inverse=True)
        self.place = self.place.reshape(-1)

    def values(self, statistics: Sequence[Statistic], how: How, number: int, seed: int) -> Floats:
        """Each statistic (column) of each deal (row)."""
        inner = any(one.name in _OF_PAIRS for one in statistics)
        widest = max(self.data.n, len(self.pairs.prompt) if inner else 0, len(self.each.row) if self._asked else 0)
        blocks = deals(self.data.prompt, how, number, seed, max(1, _CELLS // widest))
        return np.concatenate([self._block(statistics, one) for one in blocks])

    @property
    def _asked(self) -> bool:
        return self.data.each is not None

    def _block(self, statistics: Sequence[Statistic], dealt: Ints) -> Floats:
        hand = Hand(self, self.place[dealt[:, self.order]])
        columns = [
            _KNOWN[one.name](hand)
            if one.name in _KNOWN
            else np.array([one.of(self.data.judged(self.data.judge[row])) for row in dealt])
            for one in statistics
        ]
        return np.stack(columns, axis=1)

    @cached_property
    def pairs(self) -> _Pairs:
        """All pairs of answers to one prompt."""
        return _Pairs.of(self.prompt, self.people, len(self.sizes))

    @cached_property
    def each(self) -> _Each:
        """What each person said, person by person."""
        assert self.data.each is not None
        return _Each.of(self.data.each[self.order])

    @cached_property
    def people_ranks(self) -> Floats:
        """Midranks over all answers, around their mean."""
        return _midranks(self.people)

    def sums(self, values: Floats) -> Floats:
        """Of the answers to each prompt: (..., n) -> (..., P)."""
        return np.asarray(np.add.reduceat(values, self.starts, axis=-1))


@dataclass(frozen=True, slots=True)
class _Pairs:
    """first, second: answers; told: the sign of people's difference, rounded: where 1e-9 and less is none; starts: of
    the prompts that have pairs, `own`. half: (n, pairs), sums signs to ranks."""

    first: Ints
    second: Ints
    prompt: Ints
    told: Floats
    rounded: Floats
    starts: Ints
    own: Ints
    half: sparse.csr_array

    @classmethod
    def of(cls, prompt: Ints, people: Floats, prompts: int) -> _Pairs:
        first, second = within_prompt_pairs(prompt)
        apart, number = people[first] - people[second], np.arange(len(first))
        own, starts = np.unique(prompt[first], return_index=True)
        half = sparse.csr_array(
            (np.repeat([0.5, -0.5], len(first)), (np.r_[first, second], np.r_[number, number])),
            (len(prompt), len(first)),
        )
        return cls(first, second, prompt[first], np.sign(apart), np.sign(apart.round(9)), starts, own, half)

    def sums(self, values: Floats) -> Floats:
        """Of the pairs of each prompt that has any."""
        if not len(self.starts):
            return np.zeros((len(values), 0))
        return np.asarray(np.add.reduceat(values, self.starts, axis=-1, dtype=float))

    def ranks(self, signs: Floats) -> Floats:
        """Midranks within the prompt, around their mean: half of whom an answer is above, less of whom it is below."""
        return np.asarray((self.half @ signs.T).T)


@dataclass(frozen=True, slots=True)
class _Each:
    """All labels, those of one person in a row: which answer, whose, what he said less his mean; starts: of each."""

    row: Ints
    who: Ints
    said: Floats
    mean: Floats
    spread: Floats
    count: Floats
    starts: Ints

    @classmethod
    def of(cls, each: Floats) -> _Each:
        who, row = np.nonzero(np.isfinite(each.T))
        _, starts, who = np.unique(who, return_index=True, return_inverse=True)
        said, count = each.T[np.isfinite(each.T)], np.bincount(who).astype(float)
        mean = np.bincount(who, said) / count
        said = said - mean[who]
        return cls(row, who, said, mean, np.bincount(who, said * said) / count, count, starts)

    def means(self, values: Floats) -> Floats:
        return np.asarray(np.add.reduceat(values, self.starts, axis=-1) / self.count)


class Hand:
    """A block of deals: place is the number of each answer's score among the judge's levels, (deals, n)."""

    def __init__(self, table: Table, place: Ints) -> None:
        self.table, self.place = table, place

    @cached_property
    def judge(self) -> Floats:
        return np.asarray(self.table.levels[self.place])

    @cached_property
    def apart(self) -> Floats:
        """Judge minus people."""
        return self.judge - self.table.people

    @cached_property
    def signs(self) -> Floats:
        """Of the judge's difference within each pair: (deals, pairs)."""
        pairs = self.table.pairs
        return np.asarray(np.sign(self.place[:, pairs.first] - self.place[:, pairs.second]).astype(float))

    @cached_property
    def rounded(self) -> Floats:
        """The same, where a difference of 1e-9 and less is none."""
        levels, pairs = self.table.levels, self.table.pairs
        if len(levels) < 2 or np.diff(levels).min() > 2 * _SAME:
            return self.signs
        return np.sign((self.judge[:, pairs.first] - self.judge[:, pairs.second]).round(9))

    @cached_property
    def rhos(self) -> tuple[Floats, Bools]:
        """Spearman's rho within each prompt, and 0 where it is undefined; does the judge differ."""
        table, ours, theirs = self.table, self.table.pairs.ranks(self.signs), self.theirs
        vx, vy = table.sums(ours * ours), table.sums(theirs * theirs)
        return np.nan_to_num(ratio(table.sums(ours * theirs), np.sqrt(vx * vy))), vx > _SAME

    @cached_property
    def theirs(self) -> Floats:
        return np.asarray(self.table.pairs.ranks(self.table.pairs.told[None])[0])

    @property
    def people_differ(self) -> Bools:
        return np.asarray(self.table.sums(self.theirs**2) > _SAME)


def _midranks(scores: Floats) -> Floats:
    values, place = np.unique(scores, return_inverse=True)
    counts = np.bincount(place.reshape(-1), minlength=len(values)).astype(float)
    return np.asarray((agreement.midranks(counts) - len(scores) / 2)[place.reshape(-1)])


def _pearson(hand: Hand) -> Floats:
    data = hand.table.data
    return _correlation(hand, (data.judge - data.judge.mean()) / agreement.unit(data.judge),
                        (data.people - data.people.mean()) / agreement.unit(data.people))  # fmt: skip


def _correlation(hand: Hand, ours: Floats, theirs: Floats) -> Floats:
    """ours, theirs: around their means, in units in which a constant one has no variance."""
    vx, vy = (_variance(side) for side in (ours, theirs))
    return np.asarray(np.clip(ratio(_covariance(hand, ours, theirs), np.sqrt(vx * vy)), -1, 1))


def _covariance(hand: Hand, ours: Floats, theirs: Floats) -> Floats:
    of_level = np.zeros(len(hand.table.levels))
    of_level[hand.table.place] = ours
    return np.asarray(of_level[hand.place] @ theirs[hand.table.order] / len(theirs) - ours.mean() * theirs.mean())


def _variance(side: Floats) -> Floats:
    found = np.asarray(float((side * side).mean() - side.mean() ** 2))
    return np.where(found < agreement.TINY, 0.0, found)


def _spearman(hand: Hand) -> Floats:
    ours, theirs = (_midranks(side) for side in (hand.table.data.judge, hand.table.data.people))
    spread = np.sqrt((ours * ours).sum() * (theirs * theirs).sum())
    cross = _covariance(hand, ours, theirs) * len(ours)
    return np.asarray(np.clip(ratio(cross, np.asarray(spread if spread > _SAME else 0.0)), -1, 1))


def _kendall(hand: Hand) -> Floats:
    data = hand.table.data
    values, told = np.unique(hand.table.people, return_inverse=True)
    rows, columns = len(hand.table.levels), len(values)
    if rows * columns > agreement.MAX_GRID:
        return np.array(
            [agreement.KENDALL_TAU_B.of(Paired(x, hand.table.people, hand.table.prompt)) for x in hand.judge]
        )
    at_once, found = max(1, agreement.MAX_CELLS // (4 * rows * columns)), []
    for start in range(0, len(hand.place), at_once):
        place = hand.place[start : start + at_once]
        cell = (np.arange(len(place))[:, None] * rows + place) * columns + told.reshape(-1)
        counts = np.bincount(cell.ravel(), minlength=len(place) * rows * columns).astype(float)
        found.append(agreement.kendall_on(counts.reshape(len(place), rows, columns)))
    return np.concatenate(found) if data.n else np.full(len(hand.place), np.nan)


def _mae(hand: Hand) -> Floats:
    return np.asarray(np.abs(hand.apart).mean(axis=1))


def _rmse(hand: Hand) -> Floats:
    return np.asarray(np.sqrt((hand.apart**2).mean(axis=1)))


def _bias(hand: Hand) -> Floats:
    return np.full(len(hand.place), agreement.BIAS.of(hand.table.data))


def _within_one(hand: Hand) -> Floats:
    scale = hand.table.data.scale
    if scale is not None and not scale[1] - scale[0] > 1:
        return np.full(len(hand.place), np.nan)
    return np.asarray((np.abs(hand.apart) <= 1 + 1e-9).mean(axis=1))


def _kappa(hand: Hand) -> Floats:
    data = hand.table.data
    if data.each is not None:
        return _kappa_of_each(hand, hand.table.each)
    unit = agreement.shared_unit(data)
    ours, theirs = ((side - side.mean()) / unit for side in (data.judge, data.people))
    expected = _variance(ours) + _variance(theirs) + ((data.judge.mean() - data.people.mean()) / unit) ** 2
    return ratio(2 * _covariance(hand, ours, theirs), np.where(expected < agreement.TINY, 0.0, expected))


def _kappa_of_each(hand: Hand, each: _Each) -> Floats:
    if not len(each.row):
        return np.full(len(hand.place), np.nan)
    x = hand.judge[:, each.row]
    its = each.means(x)
    x -= its[:, each.who]
    vx, cov, apart = each.means(x * x), each.means(x * each.said), its - each.mean
    return agreement.mean_kappa(np.stack(np.broadcast_arrays(vx, each.spread, cov, apart, each.mean)))


def _intra(hand: Hand) -> Floats:
    rhos, judge_differs = hand.rhos
    defined = judge_differs & hand.people_differ
    return ratio(np.where(defined, rhos, 0.0).sum(axis=1), defined.sum(axis=1).astype(float))


def _zero_filled(hand: Hand) -> Floats:
    rhos, judge_differs = hand.rhos
    differ = hand.people_differ
    return ratio(np.where(judge_differs & differ, rhos, 0.0).sum(axis=1), np.asarray(float(differ.sum())))


def _tau(hand: Hand) -> Floats:
    pairs, signs = hand.table.pairs, hand.rounded
    order, ours = pairs.sums(signs * pairs.rounded), pairs.sums(signs * signs)
    found = ratio(order, np.sqrt(ours * pairs.sums(pairs.rounded[None] ** 2)))
    return ratio(np.nan_to_num(found).sum(axis=1), np.isfinite(found).sum(axis=1).astype(float))


def _accuracy(hand: Hand) -> Floats:
    pairs = hand.table.pairs
    if not len(pairs.first):
        return np.full(len(hand.place), np.nan)
    return np.asarray((hand.signs == pairs.told).mean(axis=1))


def _tie_calibrated(hand: Hand) -> Floats:
    """As `intra` does it: the threshold of each fold is learnt on the other folds, deal by deal."""
    table, pairs, levels, count = hand.table, hand.table.pairs, hand.table.levels, len(hand.place)
    folds = min(TIE_FOLDS, len(table.sizes))
    if folds < 2 or not len(pairs.first):
        return np.full(count, np.nan)
    if len(levels) > 64 and count * folds * len(levels) ** 2 > 2 * _CELLS:  # that many differences, and as many cells
        one = WITHIN_PROMPT_TIE_CALIBRATED
        return np.array([one.of(Paired(x, table.people, table.prompt)) for x in hand.judge])
    steps, step = np.unique(abs(levels[:, None] - levels).round(9), return_inverse=True)
    step = step.reshape(len(levels), -1)[hand.place[:, pairs.first], hand.place[:, pairs.second]]
    tied, as_told = pairs.told == 0, hand.signs == pairs.told
    block = np.arange(count)[:, None] * folds + pairs.prompt % folds
    gains = np.bincount((block * len(steps) + step).ravel(), (tied - (as_told & (step > 0)).astype(float)).ravel(),
                        count * folds * len(steps)).reshape(count, folds, -1)  # fmt: skip
    right = np.cumsum(gains.sum(axis=1, keepdims=True) - gains, axis=2)
    threshold = np.argmax(right, axis=2).reshape(-1)[block]
    return np.asarray(np.where(step <= threshold, tied, as_told).mean(axis=1))


def _best_of_n(hand: Hand) -> Floats:
    table = hand.table
    highest = np.maximum.reduceat(hand.judge, table.starts, axis=1)
    chosen = hand.judge >= np.repeat(highest, table.sizes, axis=1) - _SAME
    gained = table.sums(np.where(chosen, table.people, 0.0)) / table.sums(chosen.astype(float))
    mean = table.sums(table.people) / table.sizes
    possible = np.maximum.reduceat(table.people, table.starts) - mean
    telling = possible >= _SAME
    return ratio(np.where(telling, gained - mean, 0.0).sum(axis=1), np.asarray(float(possible[telling].sum())))


_OF_PAIRS: Mapping[str, Callable[[Hand], Floats]] = {
    INTRA_ID_SPEARMAN.name: _intra, INTRA_ID_ZERO_FILLED.name: _zero_filled, INTRA_ID_TAU.name: _tau,
    WITHIN_PROMPT_ACCURACY.name: _accuracy, WITHIN_PROMPT_TIE_CALIBRATED.name: _tie_calibrated,
}  # fmt: skip

_KNOWN: Mapping[str, Callable[[Hand], Floats]] = {
    agreement.PEARSON.name: _pearson, agreement.SPEARMAN.name: _spearman, agreement.KENDALL_TAU_B.name: _kendall,
    agreement.MAE.name: _mae, agreement.RMSE.name: _rmse, agreement.WITHIN_ONE.name: _within_one,
    agreement.BIAS.name: _bias, agreement.KAPPA_QUADRATIC.name: _kappa, BEST_OF_N.name: _best_of_n, **_OF_PAIRS,
}  # fmt: skip
