"""What the pictures show: marks on the scale alone, every answer counted once, and no dot moved in silence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from wavjudge.analysis.calibration.findings import Finding, calibrate
from wavjudge.analysis.tables.ratings import Ratings
from wavjudge.reporting.plots import PLOTS
from wavjudge.types import Axis, Scale


def finding(low: float | None, high: float | None, scores: list[float], judge: list[float] | None = None) -> Finding:
    """One judge and one person on one axis, an item an answer."""
    axis = Axis(name="rate", scale=Scale(low=low, high=high))
    table = pd.DataFrame({"item_id": [str(i) for i in range(len(scores))], "axis": "rate", "score": scores})
    people = Ratings.of(table.assign(rater="p", rater_kind="person"), [axis])
    [found] = calibrate(Ratings.of(table.assign(rater="m", score=judge or scores[::-1]), [axis]), people).findings
    return replace(found, scale=axis.scale)


@pytest.mark.parametrize(
    ("low", "high", "scores", "marks"),
    [
        (0, 1, [0, 0.25, 0.4, 0.55, 1], [i / 10 for i in range(11)]),
        (0, 1, [0, 1, 1, 0, 1], [0, 1]),
        (1, 5, [1, 2.5, 3, 5, 4], [1, 2, 3, 4, 5]),
        (0, 100, [0, 35, 70, 100, 20], [10 * i for i in range(11)]),
        (None, None, [2.3, 5.7, 4.1, 3.3, 5.0], [2, 3, 4, 5, 6]),
        (None, None, [31, 398, 120, 200, 45], [50 * i for i in range(9)]),
    ],
)
def test_marks_stand_at_levels_of_the_scale_and_every_answer_is_counted_once(
    low: float | None, high: float | None, scores: list[float], marks: list[float]
) -> None:
    found = finding(low, high, scores)
    drawn = {}
    for name, plot in PLOTS.items():
        drawn[name] = axes = Figure().add_subplot()
        plot(axes, found)
        if name != "bland-altman":
            assert axes.get_xticks() == pytest.approx(marks), name
    confusion, bars = drawn["confusion"], drawn["histograms"]
    assert sum(int(text.get_text()) for text in confusion.texts) == len(scores)
    assert sum(bar.get_height() for bar in bars.patches) == 2 * len(scores)


def test_dots_are_moved_by_a_share_of_a_level_and_the_picture_says_so() -> None:
    scores = [0.0, 0.25, 0.4, 0.55, 1.0]
    axes = Figure().add_subplot()
    PLOTS["scatter"](axes, finding(0, 1, scores, scores))
    dots = axes.lines[0].get_xydata()
    assert np.abs(dots - np.array(scores)[:, None]).max() <= 0.012
    assert axes.get_title() == "dots are moved at random by up to 0.012"
