"""The same answers under two judges, on screen and as rows: what moved, where, and what a leaderboard would do."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console

from wavjudge.analysis.compare.runs import RunPair
from wavjudge.analysis.stats.paired import Drift, RankMove
from wavjudge.reporting.table import (
    SURE,
    Report,
    Row,
    counted,
    ends,
    interval,
    named,
    number,
    p_value,
    sure,
    table,
)
from wavjudge.reporting.text import one_line, say
from wavjudge.result_signature import result_signature

ESTIMATORS = ("drift.1", "jackknife-t.1", "holm.1")


def report(found: RunPair) -> Report:
    """A row an axis, tag and language; the ranks stand in the JSON file and in the sentences."""
    return Report(
        "The same answers under an old and a new judge: new minus old", tuple(_row(found, row) for row in _rows(found)),
        ("axis", "role", "by", "value", "n", "n_prompts", "drift", "drift_lo", "drift_hi", "moved", "moved_up", "p",
         "p_holm", "result_signature"),
        tuple(line for axis in found.old for line in sentences(found, axis)), (*_different(found), *found.notes),
        {"ranks": [_rank(move) for move in found.found.ranks]},
    )  # fmt: skip


def show(screen: Console, found: RunPair) -> None:
    """Per axis: who judged, the drift, the candidates before and after, the sentences; what is not in both tables."""
    for axis in found.old:
        (old, before), (new, after) = found.old[axis], found.new[axis]
        screen.print(one_line(axis), style="bold")
        for side, rater, signature in (("old", old, before), ("new", new, after)):
            screen.print(f"  {side}  {one_line(rater)}", soft_wrap=True)
            say(screen, signature, indent=7)
        made = table("new - old", "answers", "prompts", "drift", "from", "to", "moved", "up", "p", "p Holm")
        for row in (row for row in _rows(found) if row.axis == axis and _on_screen(row)):
            one = row.drift
            figures = (number(value, 2, "-") for value in (one.value, one.low, one.high, row.moved, row.moved_up))
            made.add_row(one_line(_part(row)), str(row.n), str(row.prompts), *figures, p_value(row.p),
                         p_value(row.p_holm), style="bold" if row.by == "all" else "")  # fmt: skip
        screen.print(made)
        if moves := [move for move in found.found.ranks if move.axis == axis]:
            _show_ranks(screen, moves)
        for line in sentences(found, axis):
            screen.print(one_line(line))
        screen.print()
    if any(row.by != "all" for row in _rows(found)):
        hidden = sum(not _on_screen(row) for row in _rows(found))
        rest = f"; {hidden} without an interval (too few prompts) stand in the --out file only" if hidden else ""
        screen.print(f"Tags and languages are exploratory, corrected among themselves{rest}.")
    for line in _different(found):
        screen.print(one_line(line))


def sentences(found: RunPair, axis: str) -> Iterator[str]:
    """Drift and leaderboard of one axis in plain words."""
    row = next(row for row in _rows(found) if row.axis == axis and row.by == "all")
    yield f"{axis}: {_drifted(row)}"
    if found.old[axis] == found.new[axis]:
        yield f"{axis}: both have one judge signature, so what moved is chance between calls, or the model behind its name."  # noqa: E501
    moves = [move for move in found.found.ranks if move.axis == axis]
    if len(moves) > 1:
        yield f"{axis}: {_ranked(moves)}"


def _drifted(row: Drift) -> str:
    one = row.drift
    if one.value is None:
        return (
            f"nothing can be said: no answer has a score from both ({row.only_old} only old, {row.only_new} only new)."
        )
    scores = f"{number(100 * (row.moved or 0), 0)} % of {counted(row.n, 'score')} changed"
    if one.low is None or one.high is None:
        return f"drift {number(one.value, 2)}, and nothing says how sure that is: {one.note}; {scores}."
    shown = row.p_holm is not None and row.p_holm <= SURE
    figures = f"95 % interval {interval(one, 2, turned=shown and one.value < 0)}, {sure(row.p, row.p_holm)}"
    if shown:
        way = "higher" if one.value > 0 else "lower"
        return f"the new judge scores {number(abs(one.value), 2)} points {way} on average ({figures}); {scores}."
    if not row.moved:
        return f"nothing moved: all {counted(row.n, 'score')} are the same."
    return f"no drift of the average is shown ({number(one.value, 2)} points, {figures}); yet {scores}."


def _ranked(moves: list[RankMove]) -> str:
    moved = [f"{move.candidate} from {move.rank_old} to {move.rank_new}" for move in moves
             if move.rank_old != move.rank_new]  # fmt: skip
    if not moved:
        return f"the leaderboard's order of {len(moves)} candidates would stay."
    return f"the leaderboard's order would change: {', '.join(moved)} (by plain means; which of them can be told apart, `wavjudge leaderboard` says)."  # noqa: E501


def _show_ranks(screen: Console, moves: list[RankMove]) -> None:
    made = table("candidate", "answers", "old mean", "new mean", "old rank", "new rank")
    for move in moves:
        made.add_row(one_line(move.candidate) or "(unnamed)", str(move.n), number(move.mean_old, 2),
                     number(move.mean_new, 2), str(move.rank_old), str(move.rank_new))  # fmt: skip
    screen.print(made)


def _different(found: RunPair) -> Iterator[str]:
    for side, by_axis in (("old", found.only_old), ("new", found.only_new)):
        for axis, names in by_axis.items():
            if names:
                yield (f"{axis}: {counted(len(names), 'answer')} rated in the {side} ratings alone, left out: "
                       f"{named(names)}")  # fmt: skip
    for row in found.found.rows:
        if row.by == "all" and row.only_old + row.only_new:
            listed = len(found.only_old[row.axis]) + len(found.only_new[row.axis])
            yield (f"{row.axis}: {row.only_old + row.only_new} answers have a score from one judge only "
                   f"({row.only_old} old, {row.only_new} new); {listed} were in one table only")  # fmt: skip


def _on_screen(row: Drift) -> bool:
    return row.by == "all" or row.drift.low is not None


def _rows(found: RunPair) -> tuple[Drift, ...]:
    return found.found.rows


def _part(row: Drift) -> str:
    return "all" if row.by == "all" else f"  {row.value}"


def _row(found: RunPair, row: Drift) -> Row:
    before, after = found.old[row.axis][1], found.new[row.axis][1]
    return {
        "axis": row.axis, "role": "primary" if row.by == "all" else "exploratory", "by": row.by, "value": row.value,
        "n": row.n, "n_prompts": row.prompts, **ends("drift", row.drift), "moved": row.moved, "moved_up": row.moved_up,
        "only_old": row.only_old, "only_new": row.only_new, "p": row.p, "p_holm": row.p_holm, "note": row.drift.note,
        "signature_old": before, "signature_new": after,
        "result_signature": result_signature((before, after), found.data_sha256, ESTIMATORS, seed=0),
    }  # fmt: skip


def _rank(move: RankMove) -> Row:
    return {"axis": move.axis, "candidate": move.candidate, "n": move.n, "mean_old": move.mean_old,
            "mean_new": move.mean_new, "rank_old": move.rank_old, "rank_new": move.rank_new}  # fmt: skip
