"""What an interval says about a claim: the one rule for verdicts and permits."""

from __future__ import annotations

from typing import Literal

State = Literal["shown", "reversed", "not_shown", "unknown", "too_few"]
"""shown: the whole interval lies above the bar. reversed: the opposite is shown, the whole interval lies below zero
(and below the bar). not_shown: neither. unknown: there is no figure, or no interval. too_few: so little was labelled
that nothing can be said. Only `reversed` and `not_shown` are anything against a judge."""


def state_of(low: float | None, high: float | None, bar: float = 0.0) -> State:
    """Of the claim that a value lies above the bar, from its interval.

    >>> [state_of(*ends) for ends in ((0.1, 0.3), (-0.3, -0.1), (-0.1, 0.3), (0.0, 0.2), (None, None))]
    ['shown', 'reversed', 'not_shown', 'not_shown', 'unknown']
    >>> state_of(0.1, 0.3, bar=0.2), state_of(0.05, 0.1, bar=0.2)
    ('not_shown', 'not_shown')
    """
    if low is None or high is None:
        return "unknown"
    if low > bar:
        return "shown"
    return "reversed" if high < min(bar, 0.0) else "not_shown"


UNSCORED_AT_MOST = 0.1
"""Share of the labelled answers that a judge may leave without a score before its order is called not known."""


def of_scored_only(state: State, scored: int, unscored: int) -> State:
    """The state of a judge's order where it gave some of the labelled answers no score: what it does with the others
    cannot be shown of all of them, since which it leaves out need not be chance.

    >>> of_scored_only("shown", 120, 40), of_scored_only("shown", 155, 5), of_scored_only("reversed", 120, 40)
    ('unknown', 'shown', 'reversed')
    """
    much = unscored > UNSCORED_AT_MOST * (scored + unscored)
    return "unknown" if much and state == "shown" else state
