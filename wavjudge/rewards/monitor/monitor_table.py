"""What a monitor found, as a table: one row a look and quantity, and the sentences."""

from __future__ import annotations

from collections.abc import Sequence

from wavjudge.reporting.table import Report, Row, ends
from wavjudge.rewards.monitor.alarms import Alarms, Change, Standing
from wavjudge.rewards.monitor.evaluations import QUANTITIES

SHOWN = ("step", "quantity", "prompts", "first", "now", "change", "change_lo", "change_hi", "alarm")


def report(alarms: Alarms, said: Sequence[str] = ()) -> Report:
    """All looks. Rows of the first one hold its own means; `gap` is the reward's change minus the held-out score's."""
    rows = [_row(one, change) for one in alarms.standings for change in (one.reward, one.held_out, one.gap, *one.drifts)
            if change is not _doubled(one, change)]  # fmt: skip
    notes = (*said, *_not_compared(alarms))
    return Report("Training monitor: every look against the first", tuple(rows), SHOWN, alarms.sentences, notes)


def _doubled(standing: Standing, change: Change) -> Change | None:
    """The held-out score stands in the drifts too, over all prompts that have it; there its alarm is shown."""
    return change if change is standing.held_out and standing.drifts else None


def _row(standing: Standing, change: Change) -> Row:
    units = {quantity.name: quantity.unit for quantity in QUANTITIES}
    gaming = standing.verdict == "gaming" and change.quantity in ("reward", "gap")
    return {
        "step": standing.step, "quantity": change.quantity, "unit": units.get(change.quantity, "points"),
        "prompts": change.prompts, "missing": change.missing, "first": change.first, "now": change.now,
        **ends("change", change.difference), "margin": change.margin, "alarm": gaming or change.alarm,
        "verdict": standing.verdict, "note": change.note or change.difference.note,
    }  # fmt: skip


def _not_compared(alarms: Alarms) -> list[str]:
    last = alarms.last
    if last is None:
        return []
    return [f"{one.quantity}: {one.note} (step {last.step}, {one.prompts} prompts)" for one in last.drifts if one.note]
