"""Candidates side by side: means that count failures, intervals over prompts, and ranks that may be believed.

A candidate's failure (no speech, crash, time-out) is a result and stands in "all items" at the scale's minimum. A
judge's failure is no result: such answers are left out, counted, and bound the mean from both sides. Every interval is
the delete-one-prompt jackknife-t of the rest of the package; with equally many answers to each prompt it is the closed
form sqrt(C / (C - 1) sum_c r_c^2) / n, r_c a prompt's sum of residuals, t with C - 1 degrees of freedom (Miller,
arXiv 2411.00640), with unequally many it covers better. Higher is better on every axis that ranks.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from wavjudge.analysis.leaderboard.labels import Labels, Maps
from wavjudge.analysis.leaderboard.rows import (
    CORRECTION,
    ESTIMATORS,
    Figure,
    Leaderboard,
    Recalibrated,
    Row,
    Spent,
    spent,
)
from wavjudge.analysis.stats.intervals import Estimate, estimate_prepared
from wavjudge.analysis.stats.ppi import Correction
from wavjudge.analysis.stats.rank_sets import RankSets, rank_sets
from wavjudge.analysis.stats.sums import Additive, Floats, Ints, ratio
from wavjudge.analysis.tables.axis_names import refuse_unknown, with_scales
from wavjudge.analysis.tables.ratings import SUBJECT, Ratings, prompt_labels, prompt_numbers
from wavjudge.analysis.tables.responses import ANSWER, Answers
from wavjudge.errors import InputError
from wavjudge.types import STATUSES, Axis

__all__ = ["ESTIMATORS", "Figure", "Leaderboard", "Row", "leaderboard", "leaderboards", "mean"]

DEFAULT_AXIS = "overall"


def leaderboard(
    ratings: Ratings, responses: pd.DataFrame | None = None, *, rater: str | None = None,
    signatures: Collection[str] | None = None, rank_by: str | None = None, level: float = 0.95,
    resamples: int | None = None, seed: int = 12345, labels: Labels | None = None, maps: Maps | None = None,
    calls: pd.DataFrame | None = None,
) -> Leaderboard:  # fmt: skip
    """The leaderboard of one judge.

    Parameters
    ----------
    responses: one row a response: benchmark, item_id, candidate; attempt (0), status ("ok"), seconds, usd if there.
        None: what was rated was answered, and failures are not known.
    rater, signatures: keep only these judges (instruments are kept by signature only). Two signatures on one axis of
        one benchmark are an `InputError` that names them. People are rated by only when named.
    rank_by: the primary axis, all items, named beforehand; by default overall, else the only judged axis, else none.
        An instrument's axis ranks only when asked for here, and the title says so. Ranks are by raw scores, always.
    labels: people's, for corrected means beside the raw ones. maps: of a calibration, for recalibrated ones.
    calls: one row a model's rating, those that were superseded included: benchmark, candidate, rater, signature, call
        (missing where nothing was sent), usd.

    >>> table = pd.DataFrame({"item_id": list("123") * 2, "candidate": list("aaabbb"), "axis": "overall",
    ...                       "rater": "m", "score": [5, 4, 5, 2, 1, 3]})
    >>> board = leaderboard(Ratings.of(table, [Axis(name="overall")]))
    >>> [(row.candidate, round(row.figure("overall").all_items.value, 2)) for row in board.rows]
    [('a', 4.67), ('b', 2.0)]
    """
    labels = None if labels is None else labels.matched(ratings)
    rated = judged_by(ratings, rater, signatures)
    kinds = rated.groupby("axis")["rater_kind"].first()
    measured = tuple(name for name in ratings.axes if kinds.get(name) == "instrument")
    judged = tuple(name for name in ratings.axes if name in kinds.index and name not in measured)
    primary = _primary(rank_by, judged, ratings)
    shown = judged if primary is None else (primary, *(name for name in judged if name != primary))
    answers = Answers.of(responses, rated)
    standing = answers.without_failed(rated)
    beside = [] if labels is None else list(labels.notes(standing[standing["axis"].isin(shown)]))
    beside += [] if maps is None else list(maps.notes(standing[standing["axis"].isin(shown)], ratings.axes))
    table = _Table(answers, standing, ratings.axes, level, labels, maps, calls)
    rows = {name: list(table.rows(name, shown, measured)) for name in answers.benchmarks}
    ranks: dict[str, RankSets] = {}
    if primary is not None:
        ranks = {name: table.ranks(name, rows[name], primary, resamples, seed) for name in rows}
        rows = {name: _ranked(rows[name], ranks[name], primary) for name in rows}
    board = Leaderboard(
        _title(primary, str(kinds.get(primary, "")), rated), primary, shown, measured,
        tuple(row for some in rows.values() for row in some),
        (*answers.notes(rated), *map(str, ratings.problems), *beside),
        answers.data_sha256(ratings), seed, level, ranks, labels.design if labels else None,
        maps.kind if maps else None, _beside(labels, maps),
    )  # fmt: skip
    if board.has_scores or not (primary or shown):
        return board
    return replace(board, title=f"Not ranked: {without_a_score(rated[rated['axis'].isin([primary or shown[0]])])}")


def without_a_score(rated: pd.DataFrame) -> str:
    """What became of ratings of which none has a score: "not one of 6 ratings has a score (6 unparseable)"."""
    counts = {name: int(rated[f"n_{name}"].sum()) for name in STATUSES}
    why = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    whose = ", ".join(rated["rater"].unique()) or "a judge"
    return f"not one of {sum(counts.values())} ratings by {whose} has a score ({why or 'there is none'})"


def leaderboards(
    ratings: Ratings, responses: pd.DataFrame | None = None, *, rank_by: str | None = None, level: float = 0.95,
    resamples: int | None = None, seed: int = 12345,
) -> dict[str, Leaderboard]:  # fmt: skip
    """One leaderboard for each judge that is no instrument and no person, by its name."""
    judges = ratings.judges()
    names = sorted(set(judges["rater"][~judges["rater_kind"].isin(["instrument", "person"])]))
    return {
        name: leaderboard(
            ratings, responses, rater=name, rank_by=rank_by, level=level, resamples=resamples, seed=seed
        )
        for name in names
    }  # fmt: skip


def mean(scores: Floats, prompt: Ints, level: float = 0.95) -> Estimate:
    """The mean of scores with its jackknife-t interval over prompts (numbers 0..P-1).

    >>> found = mean(np.array([1.0, 3.0, 2.0, 4.0, 5.0]), np.array([0, 0, 1, 1, 2]))
    >>> found.value, round(found.low, 3), round(found.high, 3)
    (3.0, 0.092, 5.908)
    """
    if not len(scores):
        return Estimate(None, note="nothing scored")
    parts = np.stack([np.bincount(prompt), np.bincount(prompt, scores)], axis=1).astype(float)
    prepared = Additive(parts, lambda sums: ratio(sums[..., 1], sums[..., 0]))
    found = estimate_prepared(prepared, len(parts), level=level)
    if found.low is not None and found.high is not None and found.high - found.low < 1e-9:
        return Estimate(found.value, method=found.method, note="no interval: no spread between prompts")
    return found


def judged_by(ratings: Ratings, rater: str | None, signatures: Collection[str] | None) -> pd.DataFrame:
    """Per-subject rows of the chosen judge and of the instruments; one signature an axis and benchmark, or an error."""
    rows = with_scales(ratings).per_subject()
    for name, asked in (("rater", [rater] if rater is not None else []), ("signature", signatures or ())):
        known = rows[name].unique()
        if unknown := [one for one in asked if one not in known]:
            raise InputError(f"got the {name} {unknown[0]}, expected one of {', '.join(known) or '(none)'}")
    wanted = rows["rater_kind"] != "person" if rater is None else rows["rater"] == rater
    wanted |= rows["rater_kind"] == "instrument"
    if signatures is not None:
        wanted &= rows["signature"].isin(list(signatures))
    rows = rows[wanted]
    who = rows[["benchmark", "axis", "rater", "signature"]].drop_duplicates()
    mixed = who[who.duplicated(["benchmark", "axis"], keep=False)]
    if len(mixed):
        raise _several_judges(mixed)
    return rows


def _several_judges(mixed: pd.DataFrame) -> InputError:
    """The error that names the judges of one axis in the form in which one of them is chosen."""
    axes, raters = list(dict.fromkeys(mixed["axis"])), list(dict.fromkeys(mixed["rater"]))
    rated = f"the axis {axes[0]}" + (f" (and {len(axes) - 1} more)" if len(axes) > 1 else "")
    if len(raters) > 1:
        return InputError(f"{len(raters)} judges rated {rated}, expected one: {', '.join(raters)}",
                          todo=f"choose one, such as --judge {shlex.quote(raters[0])}")  # fmt: skip
    own = list(dict.fromkeys(mixed.loc[mixed["axis"] == axes[0], "signature"]))
    return InputError(
        f"{raters[0]} rated {rated} under {len(own)} signatures, expected one: {'; '.join(own)}",
        todo=f"choose one for each axis: --signature {shlex.quote(own[0])}",
    )


def _beside(labels: Labels | None, maps: Maps | None) -> tuple[str, ...]:
    found = [] if labels is None else [f"labels:{labels.ratings.data_sha256[:12]},{labels.design}"]
    if labels is not None and labels.design != "unknown":
        found.insert(0, CORRECTION)
    return tuple(found if maps is None else [*found, f"map:{maps.kind},{maps.sha256[:12]}"])


def _primary(asked: str | None, judged: Collection[str], ratings: Ratings) -> str | None:
    if asked is None:
        only = next(iter(judged)) if len(judged) == 1 else None
        return DEFAULT_AXIS if DEFAULT_AXIS in judged else only
    refuse_unknown(asked, ratings.axes, ratings)
    return asked


def _title(primary: str | None, kind: str, rated: pd.DataFrame) -> str:
    if primary is None:
        axes = ", ".join(dict.fromkeys(rated["axis"]))
        return f"Not ranked: there is no {DEFAULT_AXIS} axis; --rank-by names the one to rank by (of {axes})"
    raters = ", ".join(sorted(set(rated["rater"][rated["axis"] == primary])))
    by = {
        "instrument": f"measured by the instrument {raters}, which judges no answer",
        "constructed": f"from labels that were constructed ({raters})",
    }.get(kind, f"judged by {raters or 'nobody'}")
    return f"Ranked by {primary} (mean over all items, failures at the scale's minimum), {by}"


@dataclass(frozen=True, slots=True)
class _Table:
    answers: Answers
    rated: pd.DataFrame
    axes: dict[str, Axis]
    level: float
    labels: Labels | None
    maps: Maps | None
    calls: pd.DataFrame | None

    def rows(self, benchmark: str, shown: Collection[str], measured: Collection[str]) -> Iterator[Row]:
        here = self.rated[self.rated["benchmark"] == benchmark]
        signatures = dict(zip(here["axis"], here["signature"], strict=True))
        by_axis = dict(iter(here.groupby("axis")))
        every = self.answers.n_items(benchmark)
        for candidate, said in self.answers.by_candidate(benchmark):
            own = {name: rows[rows["candidate"] == candidate] for name, rows in by_axis.items()}
            nothing = here.iloc[:0]
            yield Row(
                benchmark, candidate, n_items=said["item_id"].nunique(), n_responses=len(said),
                n_no_answer=int((said["status"] != "ok").sum()),
                figures=tuple(self._figure(benchmark, candidate, name, own.get(name, nothing), said) for name in shown),
                instruments={name: _measured(own.get(name, nothing)) for name in measured},
                seconds=_or_none(said["seconds"].mean()), usd=_or_none(said["usd"].sum(skipna=False)),
                signatures={name: signatures[name] for name in (*shown, *measured) if name in signatures},
                judging=self._spent(here, benchmark, candidate), of_items=every,
            )  # fmt: skip

    def _figure(self, benchmark: str, candidate: str, axis: str, own: pd.DataFrame, said: pd.DataFrame) -> Figure:
        scale, scored = self.axes[axis].scale, own[own["score"].notna()]
        units = self._units(benchmark, axis, scored, candidate)
        asked = len(own[ANSWER].drop_duplicates())
        unrated = int((said["status"] == "ok").sum()) - asked
        missing, known = len(own) - len(scored) + unrated, units["score"].notna().all()
        ends = [
            None if end is None or not known or not len(units) + missing
            else float((units["score"].sum() + missing * end) / (len(units) + missing))
            for end in (scale.low, scale.high)
        ]  # fmt: skip
        return Figure(
            axis, self._all_items(units), self._mean(scored), len(scored), len(own) - len(scored), unrated,
            ends[0], ends[1], self._correction(benchmark, candidate, axis, own),
            self._recalibrated(benchmark, candidate, axis, scored),
        )  # fmt: skip

    def _correction(self, benchmark: str, candidate: str, axis: str, own: pd.DataFrame) -> Correction | None:
        if self.labels is None:
            return None
        return self.labels.correction(own, self._failed(benchmark, candidate), self.axes[axis], self.level)

    def _recalibrated(self, benchmark: str, candidate: str, axis: str, scored: pd.DataFrame) -> Recalibrated | None:
        if self.maps is None or scored.empty:
            return None
        found = self.maps.of(axis, str(scored["signature"].iloc[0]), self.axes[axis].scale)
        if found is None:
            return None
        mapped = scored.assign(score=found.apply_cross_fitted(scored["score"], prompt_labels(scored)))
        units = self._units(benchmark, axis, mapped, candidate)
        return Recalibrated(self._all_items(units), self._mean(mapped))

    def _spent(self, here: pd.DataFrame, benchmark: str, candidate: str) -> Spent | None:
        judges = here[here["rater_kind"] == "model"]
        if self.calls is None or judges.empty:
            return None
        own = (self.calls["benchmark"] == benchmark) & (self.calls["candidate"] == candidate)
        return spent(self.calls[own], judges)

    def _failed(self, benchmark: str, candidate: str | None) -> pd.DataFrame:
        failed = self.answers.failed
        failed = failed[failed["benchmark"] == benchmark]
        return failed if candidate is None else failed[failed["candidate"] == candidate]

    def _units(self, benchmark: str, axis: str, scored: pd.DataFrame, candidate: str | None = None) -> pd.DataFrame:
        """Scored answers, and failures at the scale's minimum (NaN where the scale has none)."""
        low = self.axes[axis].scale.low
        failed = self._failed(benchmark, candidate)[SUBJECT].assign(score=np.nan if low is None else low)
        return pd.concat([scored[[*SUBJECT, "score"]], failed], ignore_index=True)

    def _all_items(self, units: pd.DataFrame) -> Estimate:
        if units["score"].notna().all():
            return self._mean(units)
        return Estimate(None, note="failures have no place on an open scale")

    def _mean(self, units: pd.DataFrame) -> Estimate:
        return mean(units["score"].to_numpy(dtype=float), prompt_numbers(units), self.level)

    def ranks(self, benchmark: str, rows: list[Row], axis: str, resamples: int | None, seed: int) -> RankSets:
        """The pairwise tests over the prompts of a benchmark: scored answers and failures, attempts averaged."""
        here = self.rated[(self.rated["benchmark"] == benchmark) & (self.rated["axis"] == axis)]
        units = self._units(benchmark, axis, here[here["score"].notna()])
        if units["score"].isna().any():
            raise InputError(f"got {axis} to rank by, expected a scale with a minimum, where failures can stand")
        names = [row.candidate for row in rows]
        scores = units.pivot_table(index=["item_id", "turn"], columns="candidate", values="score", aggfunc="mean")
        return rank_sets(
            scores.reindex(columns=names).to_numpy(dtype=float), names, statistic=f"{axis}, all items",
            level=self.level, resamples=resamples, seed=seed,
        )  # fmt: skip


def _ranked(rows: list[Row], ranks: RankSets, axis: str) -> list[Row]:
    """The rows with their rank sets, best first."""
    if all(row.figure(axis).all_items.value is None for row in rows):
        return rows  # one without a score may stand anywhere among others; where nobody has one there is no ranking
    rows = [replace(row, rank=rank) for row, rank in zip(rows, ranks.sets(), strict=True)]
    return sorted(rows, key=lambda row: _worst_last(row.figure(axis).all_items.value))


def _measured(own: pd.DataFrame) -> tuple[float | None, int]:
    return _or_none(own["score"].mean()), int(own["score"].notna().sum())


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _worst_last(value: float | None) -> float:
    # To nine digits: equal means, summed in another order, keep the order of names.
    return float("inf") if value is None else -round(value, 9)
