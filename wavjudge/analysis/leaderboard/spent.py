"""What judging took: calls and their cost, from the usage that stands behind ratings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from wavjudge.signature import planned


@dataclass(frozen=True, slots=True)
class Spent:
    """Calls of a judge, each counted once whatever it rated; cached replies at what they cost when paid.

    usd: None where a call does not say; n_unpriced: how many do not; known_usd: the sum of the others.
    """

    usd: float | None
    known_usd: float
    calls: int
    n_unpriced: int


def spent(calls: pd.DataFrame, judges: pd.DataFrame) -> Spent:
    """The calls of these judges (rater, signature).

    calls: one row a rating with rater, signature, call (missing where nothing was sent) and usd (NaN: not known).

    >>> calls = pd.DataFrame({"rater": "m", "signature": "m|v1", "call": ["1", "1", "2", None],
    ...                       "usd": [0.5, 0.5, 0.25, float("nan")]})
    >>> spent(calls, pd.DataFrame({"rater": ["m"], "signature": ["m|v1|is:a"]}))
    Spent(usd=0.75, known_usd=0.75, calls=2, n_unpriced=0)
    """
    # A call that failed before a model was named is the judge's all the same.
    asked = set(zip(judges["rater"], judges["signature"].map(planned), strict=True))
    mine = [pair in asked for pair in zip(calls["rater"], calls["signature"].map(planned), strict=True)]
    # As an array of booleans: an empty list would choose columns, and none of them.
    usd = calls[np.array(mine, dtype=bool)].dropna(subset="call").drop_duplicates("call")["usd"]
    known, unpriced = float(usd.sum()), int(usd.isna().sum())
    return Spent(None if unpriced else known, known, len(usd), unpriced)
