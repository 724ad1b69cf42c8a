"""What the small print of a leaderboard says about corrected and recalibrated means, judges and money."""

from __future__ import annotations

from collections.abc import Iterator

from wavjudge.analysis.leaderboard.rows import Figure, Leaderboard
from wavjudge.reporting.cells import CENTS, number
from wavjudge.signature import unverified


def beside(board: Leaderboard) -> Iterator[str]:
    """What corrected and recalibrated figures are, or why there are none; what of the cost is not known."""
    if board.design is not None:
        yield _DESIGNS[board.design]
        for row in board.rows:
            for figure in row.figures:
                yield f"{row.candidate}, {figure.axis}: {_correction(figure)}"
    if board.recalibrated is not None:
        yield (
            f"Recalibrated: the judge's scores by the calibration's {board.recalibrated} map, each prompt by the map "
            "that saw no label of its fold. The interval takes the map as it is: what it was learnt from is not in it."
        )
    for row in board.rows:
        if row.judging is not None and row.judging.n_unpriced:
            yield (
                f"{row.candidate}: what judging cost is not known for {row.judging.n_unpriced} of {row.judging.calls} "
                f"calls; the others cost {number(row.judging.known_usd, CENTS)} USD"
            )


def unverified_judges(board: Leaderboard) -> Iterator[str]:
    """Of which judges nobody knows which model they are, and why."""
    told = {(axis, why) for row in board.rows for axis, one in row.signatures.items() if (why := unverified(one))}
    for why in sorted({why for _, why in told}):
        yield f"{', '.join(sorted(axis for axis, said in told if said == why))}: {why}"


def _correction(figure: Figure) -> str:
    return figure.correction.sentence if figure.correction else "no labels, no corrected mean"


_CORRECTED = (
    "Corrected: PPI++ over prompts, from people's labels and the judge's raw scores. A candidate's failures are "
    "observed, not judged: they enter the corrected mean over all items as they are, at the scale's minimum."
)
_DESIGNS = {
    "random": f"{_CORRECTED} It holds if the labelled prompts are a random sample, as was said.",
    "all": f"{_CORRECTED} All prompts are labelled, as was said: the figure is people's own.",
    "weighted": f"{_CORRECTED} It holds if the labelled prompts were chosen with the chances that were given.",
    "unknown": "No corrected means: nobody said how the labelled prompts were chosen. If at random, say so; prompts "
    "picked by hand, or because the judge was in doubt, do not speak for the others.",
}  # fmt: skip
