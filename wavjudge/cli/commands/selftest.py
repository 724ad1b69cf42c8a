"""What the demo does with its measurements: a self-test against the constructed labels, and a leaderboard.

A self-test, never a calibration: the labels are true by construction, nobody heard them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wavjudge.cli.console import console

if TYPE_CHECKING:
    from wavjudge.analysis.calibration.findings import Finding
    from wavjudge.analysis.stats.intervals import Estimate

RANKED_BY = "signal_quality"


def selftest(run: Path, labels: Path, *, quiet: bool = False) -> None:
    """Write RUN/selftest (figures and plots) and RUN/leaderboard.csv and .md, and say in a few lines what they say."""
    from wavjudge.analysis.calibration.findings import calibrate
    from wavjudge.analysis.leaderboard.leaderboard import leaderboard
    from wavjudge.api import inputs
    from wavjudge.cli.commands.calibrate import write
    from wavjudge.reporting import leaderboard as boards
    from wavjudge.reporting.calibration_files import record

    measured = inputs.ratings([run], axes=(), rater_kind="instrument")
    made = inputs.ratings([labels], axes=(), rater_kind="constructed")
    found = calibrate(measured, made, label_kind="constructed", covariates=inputs.lengths([run]))
    file = record(found, ratings_sha256=measured.data_sha256, labels_sha256=made.data_sha256)
    write(found, file, run / "selftest", plots=True)
    board = leaderboard(measured, inputs.responses([run]), rank_by=RANKED_BY)
    for suffix in (".csv", ".md"):
        boards.write(board, run / f"leaderboard{suffix}")
    if not quiet:
        _say(found.findings, run)


def _say(findings: tuple[Finding, ...], run: Path) -> None:
    screen = console()
    screen.print("Self-test: the instruments against the labels by construction", style="bold")
    for one in findings:
        screen.print(f" {one.axis:<16} Pearson {_figure(one.values['pearson'])}, "
                     f"within prompts {_figure(one.values['intra_id_zero_filled'])}")  # fmt: skip
    screen.print(f" all figures and plots: {run / 'selftest'}", soft_wrap=True)
    screen.print(f" candidates ranked by {RANKED_BY} alone, an instrument: {run / 'leaderboard.md'}\n", soft_wrap=True)


def _figure(one: Estimate) -> str:
    if one.value is None:
        return "undefined"
    return f"{one.value:.2f}" if one.low is None else f"{one.value:.2f} [{one.low:.2f}, {one.high:.2f}]"
