"""The tables of docs/rewards.md that come from the code."""

from __future__ import annotations

from collections.abc import Iterator

from wavjudge.rewards.presets import PRESETS, Preset


def presets() -> str:
    """The table of presets in Markdown."""
    head = "| preset | what | reward | a failure | deviation | the state moves each | ceiling |\n|" + "---|" * 7
    return "\n".join([head, *(f"| `{name}` | {' | '.join(_cells(one))} |" for name, one in PRESETS.items())]) + "\n"


def _cells(one: Preset) -> Iterator[str]:
    yield one.about
    yield " + ".join(f"{weight:g} {axis}" for axis, weight in one.weights.axes.items())
    yield one.policy.on_failure if one.policy.constant is None else f"{one.policy.on_failure} {one.policy.constant:g}"
    yield one.deviation
    yield one.advance.replace("_", " ")
    yield "none" if one.ceiling is None else f"{one.ceiling:.0%}"


if __name__ == "__main__":
    print(presets())
