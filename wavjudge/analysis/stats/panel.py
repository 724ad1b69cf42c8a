"""A panel: several people's scores of the same subjects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wavjudge.analysis.stats.sums import Floats, Ints, ratio
from wavjudge.errors import InputError


@dataclass(frozen=True, slots=True)
class Panel:
    """ratings: shape (n subjects, k raters), NaN where a person gave no score. prompt: shape (n,), numbers 0..P-1.

    raters: k names, in the order of the columns.
    """

    ratings: Floats
    prompt: Ints
    raters: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.ratings.shape != (len(self.prompt), len(self.raters)):
            raise InputError(
                f"ratings of shape {self.ratings.shape}, for {len(self.prompt)} subjects and {len(self.raters)} raters",
                todo="give one row a subject and one column a rater",
            )
        if np.isinf(self.ratings).any():
            raise InputError("an infinite rating", todo="leave a missing rating empty (NaN)")

    @classmethod
    def of(cls, ratings: npt.ArrayLike, prompt: npt.ArrayLike, raters: tuple[str, ...] | None = None) -> Panel:
        """From any arrays; prompts may be labels of any kind; raters without a name are called person 1, 2, ...

        >>> Panel.of([[1, 2], [3, float("nan")]], ["q1", "q1"]).prompts
        1
        """
        table = np.asarray(ratings, float)
        _, number = np.unique(np.asarray(prompt), return_inverse=True)
        names = raters or tuple(f"person {i + 1}" for i in range(table.shape[1]))
        return cls(table, number.reshape(-1), tuple(names))

    @property
    def k(self) -> int:
        return len(self.raters)

    @property
    def prompts(self) -> int:
        return int(self.prompt.max()) + 1 if len(self.prompt) else 0

    @property
    def complete(self) -> npt.NDArray[np.bool_]:
        """Which subjects everybody rated; shape (n,)."""
        return np.asarray(np.isfinite(self.ratings).all(axis=1))

    def taken(self, chosen: npt.NDArray[np.bool_] | Ints) -> Panel:
        """The chosen subjects, prompts numbered anew."""
        return Panel.of(self.ratings[chosen], self.prompt[chosen], self.raters)

    def mean(self, *without: int) -> Floats:
        """Mean score of each subject over the people but those `without`; NaN where nobody is left; shape (n,).

        >>> Panel.of([[1, 2, 5], [3, float("nan"), float("nan")]], [0, 1]).mean(0)
        array([3.5, nan])
        """
        others = np.delete(self.ratings, without, axis=1)
        present = np.isfinite(others)
        return ratio(np.where(present, others, 0.0).sum(axis=1), present.sum(axis=1).astype(float))

    def per_prompt(self, *columns: npt.NDArray[np.generic]) -> Floats:
        """Sums of subject-wise columns within prompts: (P, number of columns)."""
        return np.stack([np.bincount(self.prompt, column.astype(float), self.prompts) for column in columns], axis=1)
