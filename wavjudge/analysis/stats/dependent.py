"""Textbook tests for two correlations that share the people: named extras beside the paired cluster difference.

r12 and r13 are two judges' correlations with the same people, r23 that between the judges, n the subjects. All four
take subjects as independent; what that costs where prompts have several answers stands in docs/studies.md, "Two equal
judges". So every result carries the warning, and `comparison` does not use them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri, stdtr

WARNING = "ignores prompts as clusters: too many differences are called real when a prompt has several answers"


@dataclass(frozen=True, slots=True)
class DependentTest:
    """A two-sided test or an interval of r12 - r13; None where undefined."""

    name: str
    difference: float
    statistic: float | None
    p: float | None
    low: float | None = None
    high: float | None = None
    warning: str = WARNING


def named_extras(first: npt.ArrayLike, second: npt.ArrayLike, people: npt.ArrayLike) -> tuple[DependentTest, ...]:
    """All four from scores of the same subjects; none where a side is constant, a judge copies another, or n < 4.

    >>> [t.name for t in named_extras([1, 2, 3, 4, 4], [2, 1, 3, 3, 5], [1, 2, 3, 5, 4])]
    ['williams', 'steiger', 'meng-rosenthal-rubin', 'zou']
    """
    a, b, y = (np.asarray(scores, float) for scores in (first, second, people))
    if len(y) < 4 or min(np.ptp(scores) for scores in (a, b, y)) < 1e-12:
        return ()
    table = np.corrcoef([y, a, b])
    r12, r13, r23 = float(table[0, 1]), float(table[0, 2]), float(table[1, 2])
    if determinant(r12, r13, r23) < 1e-12:
        return ()
    return tuple(test(r12, r13, r23, len(y)) for test in (williams, steiger, meng_rosenthal_rubin, zou))


def determinant(r12: float, r13: float, r23: float) -> float:
    """|R| = 1 - r12^2 - r13^2 - r23^2 + 2 r12 r13 r23; not positive where the three cannot occur together."""
    return 1 - r12**2 - r13**2 - r23**2 + 2 * r12 * r13 * r23


def williams(r12: float, r13: float, r23: float, n: int) -> DependentTest:
    """Williams (1959): t = (r12 - r13) sqrt((n-1)(1 + r23) / (2 (n-1)/(n-3) |R| + rbar^2 (1 - r23)^3)), n - 3 degrees.

    >>> round(williams(0.4, 0.5, 0.1, 103).statistic, 2)  # Steiger's case A, as the R package psych prints it
    -0.89
    """
    mean = (r12 + r13) / 2
    below = 2 * (n - 1) / (n - 3) * determinant(r12, r13, r23) + mean**2 * (1 - r23) ** 3
    t = (r12 - r13) * math.sqrt((n - 1) * (1 + r23) / below)
    return DependentTest("williams", r12 - r13, t, float(2 * stdtr(n - 3, -abs(t))))


def steiger_c(r12: float, r13: float, r23: float) -> float:
    """Covariance of the two Fisher z's, with both correlations put at their mean r (Steiger 1980):
    c = (r23 (1 - 2r^2) - r^2 (1 - 2r^2 - r23^2) / 2) / (1 - r^2)^2."""
    square = ((r12 + r13) / 2) ** 2
    return (r23 * (1 - 2 * square) - square * (1 - 2 * square - r23**2) / 2) / (1 - square) ** 2


def steiger(r12: float, r13: float, r23: float, n: int) -> DependentTest:
    """Steiger (1980): z = (atanh r12 - atanh r13) sqrt((n - 3) / (2 - 2c))."""
    z = (math.atanh(r12) - math.atanh(r13)) * math.sqrt((n - 3) / (2 - 2 * steiger_c(r12, r13, r23)))
    return DependentTest("steiger", r12 - r13, z, float(2 * ndtr(-abs(z))))


def meng_rosenthal_rubin(r12: float, r13: float, r23: float, n: int) -> DependentTest:
    """Meng, Rosenthal and Rubin (1992): z = (z12 - z13) sqrt((n - 3) / (2 (1 - r23) h)), h = (1 - f s) / (1 - s),
    f = min(1, (1 - r23) / (2 (1 - s))), s the mean of r12^2 and r13^2."""
    square = (r12**2 + r13**2) / 2
    f = min(1.0, (1 - r23) / (2 * (1 - square)))
    h = (1 - f * square) / (1 - square)
    z = (math.atanh(r12) - math.atanh(r13)) * math.sqrt((n - 3) / (2 * (1 - r23) * h))
    return DependentTest("meng-rosenthal-rubin", r12 - r13, z, float(2 * ndtr(-abs(z))))


def zou(r12: float, r13: float, r23: float, n: int, level: float = 0.95) -> DependentTest:
    """Zou (2007): interval of r12 - r13 from the two Fisher intervals (l, u) and the correlation c of the estimates:
    low = d - sqrt((r12 - l1)^2 + (u2 - r13)^2 - 2c (r12 - l1)(u2 - r13)), high likewise with u1 and l2."""
    both = (r23 - r12 * r13 / 2) * (1 - r12**2 - r13**2 - r23**2) + r23**3
    c = both / ((1 - r12**2) * (1 - r13**2))
    half = float(ndtri((1 + level) / 2)) / math.sqrt(n - 3)
    l1, u1, l2, u2 = (math.tanh(math.atanh(r) + side * half) for r in (r12, r13) for side in (-1, 1))
    low = math.sqrt((r12 - l1) ** 2 + (u2 - r13) ** 2 - 2 * c * (r12 - l1) * (u2 - r13))
    high = math.sqrt((u1 - r12) ** 2 + (r13 - l2) ** 2 - 2 * c * (u1 - r12) * (r13 - l2))
    d = r12 - r13
    return DependentTest("zou", d, None, None, d - low, d + high)
