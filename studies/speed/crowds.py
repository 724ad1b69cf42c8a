"""Many people, many candidates, many judges: `calibrate`, `leaderboard` and `compare`, the whole command.

A crowd of 1,000 people who rated 20 answers each; 320 candidates on 50 prompts; 100 judges of 400 answers, which three
people rated.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from studies.speed.calibration import Figures, command
from wavjudge.analysis.stats.sums import Floats, Ints

ANSWERS = 4


def measure(folder: Path, *, share: float = 1.0) -> dict[str, Figures]:
    """By what there is many of. share: of people, candidates and judges."""
    people, candidates, judges = (max(3, round(share * count)) for count in (1_000, 320, 100))
    random, of = np.random.default_rng(0), folder / "crowds"
    of.mkdir(exist_ok=True)
    truth = random.normal(3.3, 0.9, 1_000)
    one = _rated(random, truth, np.arange(1_000)[None], of / "one.csv")
    crowd = _rated(random, truth, np.stack([random.choice(1_000, 20, replace=False) for _ in range(people)]),
                   of / "crowd.csv")  # fmt: skip
    field = of / "candidates.csv"
    pd.DataFrame({
        "item_id": np.repeat(np.arange(50), candidates), "candidate": np.tile(np.arange(candidates), 50),
        "axis": "overall", "rater": "j", "score": random.integers(1, 6, 50 * candidates),
    }).to_csv(field, index=False)  # fmt: skip
    many, three = (_rated(random, truth[:400], np.tile(np.arange(400), (count, 1)), of / f"{count}.csv")
                   for count in (judges, 3))  # fmt: skip
    return {
        f"calibrate, {people:,} people, 20 labels each":
            command("calibrate", one, "--labels", crowd, "--out", of / "out", "--no-plots"),
        f"leaderboard, {candidates} candidates": command("leaderboard", field, "--out", of / "board.csv"),
        f"compare candidates, {candidates} candidates": command("compare", "candidates", field),
        f"calibrate, {judges} judges": command("calibrate", many, "--labels", three, "--out", of / "out"),
        f"compare judges, {judges} judges": command("compare", "judges", many, "--labels", three),
    }  # fmt: skip


def _rated(random: np.random.Generator, truth: Floats, answers: Ints, path: Path) -> Path:
    """A table of raters (rows of `answers`) who see the truth with an error."""
    who, which = np.repeat(np.arange(len(answers)), answers.shape[1]), answers.ravel()
    seen = np.clip(np.rint(truth[which] + random.normal(0, 0.8, len(which))), 1, 5)
    pd.DataFrame({
        "item_id": which // ANSWERS, "candidate": which % ANSWERS, "axis": "overall", "rater": [f"r{n}" for n in who],
        "score": seen,
    }).to_csv(path, index=False)  # fmt: skip
    return path
