"""The figures as tables of 80 columns: medians over the rounds, ratios within a round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from rich import box
from rich.console import Console
from rich.table import Table

from studies.speed.contest import SDK, Figures, Rounds
from studies.speed.resampling import PLAIN


def middle(rows: Sequence[Figures], figure: str) -> float:
    return median(row[figure] for row in rows)


def ratio(rounds: Rounds, name: str, to: str = SDK) -> float:
    """CPU per call of one variant to another's: the median of the ratios within each round."""
    pairs = zip(rounds[name], rounds[to], strict=True)
    return median(mine["cpu_ms"] / theirs["cpu_ms"] for mine, theirs in pairs)


def race(title: str, rounds: Rounds, ideal: float | None = None) -> Table:
    last = "of ideal" if ideal else "peak MiB"
    table = _table(title, "CPU ms/call", "to SDK", "calls/s", last)
    for name, rows in rounds.items():
        speed = middle(rows, "per_second")
        end = f"{speed / ideal:.2f}" if ideal else f"{middle(rows, 'peak_mib'):.0f}"
        table.add_row(name, f"{middle(rows, 'cpu_ms'):.2f}", f"{ratio(rounds, name):.2f}", f"{speed:.0f}", end)
    return table


def intake(rounds: Rounds) -> Table:
    table = _table("Taking in, once for each recording", "CPU ms/answer")
    table.add_row("read, check, hash, copy", f"{middle(rounds['wavjudge'], 'intake_cpu_ms'):.2f}")
    return table


def memory(found: Mapping[int, Figures]) -> Table:
    table = _table("Memory of the whole command", "peak MiB", "calls/s", "CPU ms/answer")
    for count, row in found.items():
        name = f"{count:,} answers"
        table.add_row(name, f"{row['peak_mib']:.0f}", f"{row['per_second']:.0f}", f"{row['cpu_ms']:.2f}")
    table.add_row("growth for each answer more", f"{growth_bytes(found):,.0f} bytes", "", "")
    return table


def growth_bytes(found: Mapping[int, Figures]) -> float:
    (few, small), (many, large) = sorted(found.items())
    return (large["peak_mib"] - small["peak_mib"]) * 2**20 / (many - few)


def profile(shares: Figures) -> Table:
    table = _table("Where our CPU goes (profiled, main thread)", "share")
    for owner, share in shares.items():
        table.add_row(owner, f"{share:.0%}")
    return table


def resume(row: Figures) -> Table:
    table = _table(f"The same command again, {row['ratings']:,.0f} ratings", "seconds", "peak MiB")
    table.add_row("scan: read, validate, build keys", f"{row['scan_seconds']:.2f}", "")
    table.add_row("the whole command, nothing to do", f"{row['command_seconds']:.2f}", f"{row['peak_mib']:.0f}")
    return table


def resampling(rounds: Sequence[Figures]) -> Table:
    """CPU seconds, and the ratio within a round. The first statistic pays for the draw that all share."""
    table = _table("Cluster resampling, 500 prompts x 4 answers", "wavjudge s", "SciPy s", "ratio")
    names = [figure.removeprefix("ours ") for figure in rounds[0] if figure.startswith("ours ")]
    for name, mine, theirs in [*((name, name, name) for name in names), (PLAIN, "pearson", PLAIN)]:
        ratio = median(row[f"scipy {theirs}"] / row[f"ours {mine}"] for row in rounds)
        ours, scipy = middle(rounds, f"ours {mine}"), middle(rounds, f"scipy {theirs}")
        table.add_row(name, f"{ours:.3f}", f"{scipy:.3f}", f"{ratio:.1f}")
    whole = [[sum(row[f"{whose} {name}"] for name in names) for whose in ("ours", "scipy")] for row in rounds]
    ours, scipy = (median(sums) for sums in zip(*whole, strict=True))
    table.add_row("all eleven", f"{ours:.3f}", f"{scipy:.3f}", f"{median(b / a for a, b in whole):.1f}")
    return table


def calibration(found: Mapping[str, Figures]) -> Table:
    table = _table("wavjudge calibrate, the whole command with plots", "rows", "CPU s", "wall s", "peak MiB")
    for form, row in found.items():
        figures = (f"{row[name]:.0f}" for name in ("cpu_s", "wall_s", "peak_mib"))
        table.add_row(form, f"{row['rows']:,.0f}", *figures)
    return table


def crowds(found: Mapping[str, Figures]) -> Table:
    table = _table("Many people, candidates, judges: the whole command", "CPU s", "wall s", "peak MiB")
    for name, row in found.items():
        table.add_row(name, *(f"{row[figure]:.0f}" for figure in ("cpu_s", "wall_s", "peak_mib")))
    return table


def _table(title: str, *figures: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, width=80)
    table.add_column("", ratio=1)
    for figure in figures:
        table.add_column(figure, justify="right", no_wrap=True)
    return table


def console() -> Console:
    return Console(width=80, highlight=False)
