"""The measurements in their order. Variants take turns within a round: a busy minute of the machine hits them all."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studies.speed import material
from studies.speed.child import measured, serving
from wavjudge.judges.prompts import load_all
from wavjudge.judges.render import reply_format

Figures = dict[str, float]
Rounds = dict[str, list[Figures]]


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured. `recordings` are all different, and rows go round them: no cache of ours can hold them."""

    rounds: int
    calls: int
    recordings: int
    memory: tuple[int, int]
    ratings: int
    resamples: int
    prompts: int


FULL = Size(rounds=5, calls=600, recordings=300, memory=(1_000, 20_000), ratings=100_000, resamples=10_000,
            prompts=125_000)  # fmt: skip
QUICK = Size(rounds=2, calls=150, recordings=150, memory=(200, 1_000), ratings=9_000, resamples=2_000,
             prompts=5_000)  # fmt: skip

OURS = {"module": "ours", "prompt_set": material.PROMPT, "cache": True, "apart": True}
SDK = "openai SDK as documented"
SDK_AIOHTTP = "openai SDK on aiohttp"
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "wavjudge": OURS,
    "wavjudge, no reply cache": {**OURS, "cache": False},
    "wavjudge, three prompts": {**OURS, "prompt_set": "separate"},
    SDK: {"module": "peer", "aiohttp": False},
    SDK_AIOHTTP: {"module": "peer", "aiohttp": True},
}
AT_200_MS = ("wavjudge", SDK, SDK_AIOHTTP)


@dataclass(frozen=True, slots=True)
class Contest:
    """Everything below `folder`, within the size."""

    folder: Path
    size: Size

    def rounds(self, names: Sequence[str], calls: int, latency_seconds: float, seconds: float) -> Rounds:
        """Figures of each variant, round by round; no new round begins after so many seconds."""
        found: Rounds = defaultdict(list)
        until = time.monotonic() + seconds
        with serving(latency_seconds) as url:
            for number in range(self.size.rounds):
                if number and time.monotonic() > until:
                    break
                figures = {name: self._one(url, calls, **VARIANTS[name]) for name in names}
                _same_verdicts(figures)
                for name, row in figures.items():
                    found[name].append(row)
        return dict(found)

    def memory(self) -> dict[int, Figures]:
        """The whole command (taking in and judging) at both numbers of answers."""
        with serving(0.0) as url:
            return {count: self._one(url, count, **{**OURS, "apart": False}) for count in self.size.memory}

    def profile(self) -> Figures:
        """Shares of our path's CPU by whose code it is."""
        with serving(0.0) as url:
            shares = self._one(url, self.size.calls, **{**OURS, "module": "profiled"})
        return {owner: share for owner, share in shares.items() if owner != "peak_mib"}

    def resume(self) -> Figures:
        """The same command again over `size.ratings` ratings, three for each answer."""
        answers = material.write(self.folder / "short", self.size.ratings // 3, 100, seconds=0.1)
        task = {"answers": str(answers), "folder": str(self.folder / "resumed")}
        measured("resume", step="make", **task)
        return measured("resume", step="again", **task)

    def resampling(self) -> list[Figures]:
        """Cluster resampling beside SciPy's, a fresh process each round."""
        return [measured("resampling", resamples=self.size.resamples) for _ in range(min(3, self.size.rounds))]

    def _one(self, url: str, calls: int, *, module: str, **options: Any) -> Figures:
        three = options.get("prompt_set") == "separate"
        answers = material.write(self.folder / "long", calls // 3 if three else calls, self.size.recordings)
        warm_up = material.write(self.folder / "warm", 16, 16, seconds=0.1)
        prompt = load_all()[material.PROMPT]
        return measured(
            module, url=url, model=material.MODEL, answers=str(answers), warm_up=str(warm_up),
            folder=str(self.folder / "child"), instructions=f"{prompt.words}\n\n{reply_format(prompt)}", **options,
        )  # fmt: skip


def _same_verdicts(figures: Mapping[str, Figures]) -> None:
    """Whoever sends the same recordings hears the same scores: the server draws them from what it received."""
    sums = {row["score_sum"] for name, row in figures.items() if not name.endswith("three prompts")}
    assert len(sums) == 1, f"the variants did not do the same work: {figures}"
