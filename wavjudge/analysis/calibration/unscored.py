"""What is in no figure of a calibration: named, and bounded from both sides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from wavjudge.analysis.tables.ratings import SUBJECT, Unpaired
from wavjudge.types import Scale

_WHY = {
    "judge_only": "have a rating and no label",
    "people_only": "have a label and no rating of this judge",
    "judge_unscored": "got no score of this judge; only the worst-case bounds hold them",
    "people_unscored": "got no score of the people who were asked",
}


def left_out(left: Unpaired) -> Iterator[str]:
    """How many answers are left out, why, and the first of them.

    >>> print(*left_out(Unpaired(0, 7, 0, 0, {"people_only": ("q1/a", "q2/a", "q3/a", "q4/a", "q5/a")})))
    7 answers have a label and no rating of this judge: q1/a; q2/a; q3/a; q4/a; q5/a; ...
    """
    for kind, names in left.named.items():
        count = getattr(left, kind)
        more = "; ..." if count > len(names) else ""
        yield f"{count} answers {_WHY[kind]}: {'; '.join(names)}{more}"


def bounds(rows: pd.DataFrame, people: pd.DataFrame, scale: Scale) -> Mapping[str, tuple[float, float]]:
    """Worst cases of bias and mean: every labelled answer that the judge left unscored gets the lowest, or the highest,
    score. Nothing without labels, or on an open scale."""
    both = rows[[*SUBJECT, "score"]].merge(people[[*SUBJECT, "score"]], on=SUBJECT, suffixes=("_judge", ""))
    both = both[both["score"].notna()]
    if both.empty or scale.low is None or scale.high is None:
        return {}
    filled = [both["score_judge"].fillna(end).to_numpy(float) for end in (scale.low, scale.high)]
    labels = both["score"].to_numpy(float)
    return {
        "bias": (float((filled[0] - labels).mean()), float((filled[1] - labels).mean())),
        "mean": (float(filled[0].mean()), float(filled[1].mean())),
    }
