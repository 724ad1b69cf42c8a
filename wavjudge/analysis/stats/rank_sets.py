"""Which candidates can be told apart, and the ranks that each may hold, all at once.

Every ordered pair is one hypothesis, "a is not better than b", tested on the paired differences over the prompts that
both have. Prompts are drawn with replacement (cluster bootstrap); the largest studentised difference of a resample says
how far chance alone reaches over all pairs together, and a step-down removes what is already decided (Mogstad, Romano,
Shaikh and Wilhelm, Review of Economic Studies 2024, 10.1093/restud/rdad006; Romano and Wolf 2005). Ranks are never
resampled: a resample orders equal candidates, too, and the order of the data most often (statistics.md, ruling 8).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wavjudge.analysis.stats.sums import Floats, Ints

VERSION = "rank-sets.1"
RESAMPLES, FEWEST_RESAMPLES, MANY_PROMPTS, MANY_PAIRS = 10_000, 1_000, 20_000, 10_000

SPREAD_FLOOR = 0.5
"""A resample's standard error is taken to be at least this share of the data's.

Scores are coarse: two candidates that differ on one prompt of twenty give resamples without any spread, whose infinite
t would hide every other pair. The share was chosen after a small simulation; its test on a design fixed beforehand is
docs/studies.md, "Rank sets".
"""

_CHUNK_BYTES = 64 * 2**20
_TINY = 1e-12
_TIE = 1e-9  # coarse scores give equal t, which rounding must not tell apart


@dataclass(frozen=True, slots=True)
class RankSet:
    """A candidate's rank interval, 1 is best, and the candidates that cannot be told apart from it."""

    candidate: str
    low: int
    high: int
    alike: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class RankSets:
    """The pairwise tests, and the ranks that follow. Matrices are (K, K), row against column.

    difference: mean of row minus column over the prompts both have, NaN without any. p: step-down adjusted p-value of
    "row is not better than column". common: prompts both have. statistic: what was named beforehand to be ranked by.
    """

    statistic: str
    candidates: tuple[str, ...]
    difference: Floats
    p: Floats
    common: Ints
    level: float
    resamples: int
    seed: int

    @property
    def better(self) -> npt.NDArray[np.bool_]:
        """Where row is better than column; all of them hold together with probability `level`."""
        return self.p <= 1 - self.level + _TINY

    def sets(self) -> tuple[RankSet, ...]:
        """One per candidate, in the order given. "Alike" is not transitive: a ~ b and b ~ c do not make a ~ c."""
        better = self.better
        apart = better | better.T | np.eye(len(better), dtype=bool)
        return tuple(
            RankSet(
                name,
                low=1 + int(better[:, i].sum()),
                high=len(better) - int(better[i].sum()),
                alike=tuple(self.candidates[j] for j in np.flatnonzero(~apart[i])),
            )
            for i, name in enumerate(self.candidates)
        )


def rank_sets(
    scores: npt.ArrayLike, candidates: Sequence[str], *, statistic: str, level: float = 0.95,
    resamples: int | None = None, seed: int = 12345,
) -> RankSets:  # fmt: skip
    """Rank intervals that hold for all candidates at once.

    Parameters
    ----------
    scores: (P, K), one row a prompt, one column a candidate; higher is better; NaN where a candidate has no score.
    candidates: K different names.
    statistic: the primary statistic, named beforehand, such as "overall, all items"; it only labels the result.
    resamples: by default 10,000; above 20,000 prompts or 100 candidates fewer in proportion, at least 1,000.

    For each pair t = d / se over its n common prompts, d the mean difference, se = sd / sqrt(n). The same draw of
    prompts serves all pairs, so what they share is kept. Prompts weigh alike, however many attempts they hold.

    >>> found = rank_sets([[5, 4, 4], [4, 2, 3], [5, 3, 3], [4, 3, 2]] * 6, ["a", "b", "c"], statistic="overall")
    >>> [(s.candidate, s.low, s.high, s.alike) for s in found.sets()]
    [('a', 1, 1, ()), ('b', 2, 3, ('c',)), ('c', 2, 3, ('b',))]
    """
    table, names = np.asarray(scores, float), tuple(candidates)
    if table.ndim != 2 or table.shape[1] != len(names) or len(set(names)) != len(names):
        raise ValueError(f"scores of shape {table.shape} do not fit {len(names)} different candidates")
    resamples = resamples or resamples_for(len(table), len(names))
    pairs = _Pairs.of(table)
    p = pairs.adjusted(resamples, seed)
    return RankSets(
        statistic, names, pairs.square(pairs.mean, -pairs.mean), pairs.square(*p, fill=1.0),
        pairs.square(pairs.n, pairs.n).astype(np.intp), level, resamples, seed,
    )  # fmt: skip


def resamples_for(prompts: int, candidates: int = 2) -> int:
    """Resamples by the number of prompts and of ordered pairs of candidates.

    >>> [resamples_for(n) for n in (500, 100_000, 1_000_000)], [resamples_for(50, k) for k in (100, 200, 320)]
    ([10000, 2000, 1000], [10000, 2512, 1000])
    """
    by_prompts = RESAMPLES * MANY_PROMPTS // max(prompts, MANY_PROMPTS)
    by_pairs = RESAMPLES * MANY_PAIRS // max(candidates * (candidates - 1), MANY_PAIRS)
    return max(FEWEST_RESAMPLES, min(by_prompts, by_pairs))


@dataclass(frozen=True, slots=True)
class _Pairs:
    """All pairs of candidates, first < second: differences around their mean (0 where one is missing), and sums."""

    candidates: int
    has: Floats  # (P, pairs), 1 where both have the prompt
    around: Floats  # (P, pairs)
    n: Floats
    mean: Floats
    se: Floats  # 0 where there is no spread or no second prompt

    @classmethod
    def of(cls, table: Floats) -> _Pairs:
        first, second = np.triu_indices(table.shape[1], 1)
        difference = table[:, first] - table[:, second]
        has = np.isfinite(difference).astype(float)
        difference = np.nan_to_num(difference)
        n = has.sum(axis=0)
        mean = np.where(n > 0, difference.sum(axis=0) / np.maximum(n, 1), np.nan)
        around = (difference - np.nan_to_num(mean)) * has
        se = np.sqrt((around**2).sum(axis=0) / np.maximum(n * (n - 1), 1))
        return cls(table.shape[1], has, around, n, mean, np.where(se > _TINY * (1 + np.abs(mean)), se, 0.0))

    @property
    def t(self) -> Floats:
        """mean / se; without any spread it is 0 or infinite, and without a common prompt it is 0."""
        mean, flat = np.nan_to_num(self.mean), self.se == 0
        endless = np.where(np.abs(mean) > _TINY, np.copysign(np.inf, mean), 0.0)
        return np.where(flat, endless, mean / np.where(flat, 1.0, self.se))

    def adjusted(self, resamples: int, seed: int) -> tuple[Floats, Floats]:
        """Step-down adjusted p-values of first > second and of second > first.

        With the hypotheses ordered from the weakest, a running maximum over each resample is the largest t among those
        not yet rejected when a hypothesis has its turn (Westfall and Young's free step-down). No p is below what coin
        flips over n prompts could give, 2^-n for each of the K (K - 1) hypotheses.
        """
        order, sign = np.argsort(np.abs(self.t), kind="stable"), np.where(self.t < 0, -1.0, 1.0)
        ranked = self._turned(order, sign)
        t, weaker, stronger = ranked.t, np.zeros(len(order)), np.zeros(len(order))
        for drawn in _resampled(ranked, resamples, seed):
            # From the weakest on: the hypotheses with negative t, mirrored, and then those with positive t.
            reach = np.maximum.accumulate(-drawn[:, ::-1], axis=1)
            weaker += (reach >= -t[::-1] - _TIE).sum(axis=0)
            np.maximum(drawn[:, :1], reach[:, -1:], out=drawn[:, :1])
            stronger += (np.maximum.accumulate(drawn, axis=1) >= t - _TIE).sum(axis=0)
        reached = np.concatenate([weaker, stronger])
        p = np.maximum.accumulate(((1 + reached) / (1 + resamples))[::-1])[::-1]
        p = np.maximum(p, np.minimum(1.0, len(p) * 0.5 ** np.concatenate([ranked.n[::-1], ranked.n])))
        against, found = np.empty(len(order)), np.empty(len(order))
        against[order], found[order] = p[: len(order)][::-1], p[len(order) :]
        return np.where(sign > 0, found, against), np.where(sign > 0, against, found)

    def _turned(self, order: Ints, sign: Floats) -> _Pairs:
        """The pairs in this order, each seen from the better candidate."""
        sign = sign[order]
        return _Pairs(self.candidates, self.has[:, order], self.around[:, order] * sign, self.n[order],
                      self.mean[order] * sign, self.se[order])  # fmt: skip

    def square(self, above: Floats, below: Floats, fill: float = 0.0) -> Floats:
        """A (K, K) matrix from the values of first against second and of second against first."""
        first, second = np.triu_indices(self.candidates, 1)
        matrix = np.full((self.candidates, self.candidates), fill)
        matrix[first, second], matrix[second, first] = above, below
        return matrix


def _resampled(pairs: _Pairs, resamples: int, seed: int) -> Iterator[Floats]:
    """The t of each pair in each resample, around the data's own difference, in pieces of shape (b, pairs)."""
    prompts, count = pairs.has.shape
    random, complete = np.random.default_rng(seed), bool(pairs.has.all())
    piece = max(1, _CHUNK_BYTES // (8 * max(prompts, 4 * count, 1)))
    squared = pairs.around**2
    for start in range(0, resamples if prompts else 0, piece):
        weights = random.multinomial(prompts, np.full(prompts, 1 / prompts), min(piece, resamples - start))
        weights = weights.astype(float)
        n = np.full((1, count), float(prompts)) if complete else np.maximum(weights @ pairs.has, 1.0)
        mean = weights @ pairs.around / n
        variance = np.maximum(weights @ squared / n - mean**2, 0.0) / np.maximum(n - 1, 1.0)
        spread = np.maximum(np.sqrt(variance), SPREAD_FLOOR * pairs.se)
        yield np.where(pairs.se > 0, mean / np.where(pairs.se > 0, spread, 1.0), 0.0)
