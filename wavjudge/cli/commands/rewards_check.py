"""`wavjudge rewards check`: which axes of a judge may be optimised, by its calibration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wavjudge.cli.console import console

if TYPE_CHECKING:
    from wavjudge.rewards.gate import Bar


def check(
    calibration: Annotated[Path, typer.Argument(help="A calibration.json, or the folder that holds it.")],
    min_order: Annotated[float, typer.Option(help="The zero-filled Intra-ID interval has to lie above this.")] = 0.0,
    min_icc: Annotated[float | None, typer.Option(help="Least ICC of repeats inside a prompt; needs repeats.")] = None,
    beat_nulls: Annotated[bool, typer.Option(help="It has to lie above the best null row too.")] = True,
    label_kind: Annotated[str, typer.Option(help="human; constructed lets a self-test pass.")] = "human",
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say which axes may be optimised, and why. Exit code 1 where none may."""
    import json
    from dataclasses import asdict

    from wavjudge.reporting.calibration_files import read
    from wavjudge.reporting.text import one_line
    from wavjudge.rewards.gate import check as permits

    found = permits(read(calibration), bar(min_order, min_icc, beat_nulls, label_kind))
    if json_:
        typer.echo(
            json.dumps(
                [asdict(one) | {"identity": one.unverified or None} for one in found], indent=1, ensure_ascii=False
            )
        )
    else:
        screen = console()
        for one in found:
            screen.print(one_line(one.signature), style="bold", soft_wrap=True)
            screen.print(f"  {one_line(one.sentence)}")
            if one.unverified:
                screen.print(f"  {one.unverified}")
    if not any(one.allowed for one in found):
        raise typer.Exit(1)


def bar(min_order: float, min_icc: float | None, beat_nulls: bool, label_kind: str) -> Bar:
    """What an axis has to reach, from the options."""
    from typing import Literal, cast

    from wavjudge.analysis.calibration.findings import LABEL_KINDS
    from wavjudge.nearest import known
    from wavjudge.rewards.gate import Bar

    known("--label-kind", label_kind, tuple(LABEL_KINDS))
    return Bar(min_order, min_icc, beat_nulls, cast(Literal["human", "constructed"], label_kind))
