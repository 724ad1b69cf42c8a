"""What people's labels and a calibration add to a leaderboard: means corrected (PPI++) and means recalibrated.

Both stand beside the raw figures and never in their place. The correction takes the judge's raw scores, never a map's,
so that no label can enter twice. The recalibrated mean takes each prompt by the map that saw
no label of its fold, so that it may hold the prompts that the map was learnt on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from wavjudge.analysis.stats.ppi import Correction, Design, corrected_mean
from wavjudge.analysis.stats.recalibration import Kind, RecalibrationMap
from wavjudge.analysis.stats.sums import Floats
from wavjudge.analysis.tables.axis_names import refuse_no_rows
from wavjudge.analysis.tables.matching import matched
from wavjudge.analysis.tables.ratings import PROMPT, SUBJECT, Ratings, joined, prompt_labels
from wavjudge.analysis.tables.read import numbers
from wavjudge.errors import InputError
from wavjudge.signature import same_judge
from wavjudge.types import Axis, Scale

PROBABILITY = "label_probability"
"""Column of a table of labels: the chance with which the row's prompt was chosen to be labelled."""


@dataclass(frozen=True, eq=False)
class Labels:
    """People's labels and how their prompts were chosen. chances: the columns of `PROMPT` and `PROBABILITY`."""

    ratings: Ratings
    design: Design
    chances: pd.DataFrame | None = None

    @classmethod
    def of(cls, frame: pd.DataFrame, axes: Collection[Axis], design: Design, *, where: str = "") -> Labels:
        """From a table of labels as `reading.completed` gives it.

        >>> table = pd.DataFrame({"item_id": ["1"], "axis": "overall", "rater": "ann", "score": [4]})
        >>> Labels.of(table, [Axis(name="overall")], "random").people["score"].tolist()
        [4.0]
        """
        told = PROBABILITY in frame.columns
        if told != (design == "weighted"):
            got = f"{'a' if told else 'no'} column {PROBABILITY} and the design {design!r} of the labels"
            raise InputError(f"got {got}", where=where,
                             todo=f"known unequal chances: give {PROBABILITY} and the design weighted")  # fmt: skip
        ratings = Ratings.of(frame.drop(columns=PROBABILITY, errors="ignore"), axes, rater_kind="person", where=where)
        refuse_no_rows(ratings)
        if ratings.people().empty and not ratings.undeclared:
            raise InputError("got labels without a single rating of rater_kind 'person'", where=where,
                             todo="only people correct a judge; constructed labels are for a self-test")  # fmt: skip
        return cls(ratings, design, _chances(frame, where) if told else None)

    def matched(self, ratings: Ratings) -> Labels:
        """The labels as they fit to the ratings, see `matching.py`."""
        fitting, chances = matched(ratings, self.ratings), self.chances
        if chances is not None and self.ratings.frame["benchmark"].eq("").all():
            chances = chances.assign(benchmark=fitting.frame["benchmark"].iloc[0])
        return replace(self, ratings=fitting, chances=chances)

    @cached_property
    def people(self) -> pd.DataFrame:
        return self.ratings.people()

    def correction(self, own: pd.DataFrame, failed: pd.DataFrame, axis: Axis, level: float) -> Correction | None:
        """One candidate on one axis. own: the judge's per-subject rows; failed: the candidate's failures as subjects.
        None where nobody labelled any of these answers."""
        people = self.people.loc[self.people["axis"] == axis.name, [*SUBJECT, "score"]]
        both = joined(own[[*SUBJECT, "score"]], people.rename(columns={"score": "people"}), SUBJECT, "left")
        if not len(both) or not both["people"].notna().any():
            return None
        return corrected_mean(
            both["score"], both["people"], prompt_labels(both), design=self.design, probability=self._chance(both),
            level=level, failed=prompt_labels(failed), lowest=axis.scale.low, highest=axis.scale.high,
        )  # fmt: skip

    def _chance(self, rows: pd.DataFrame) -> Floats | None:
        if self.chances is None:
            return None
        chance = rows[PROMPT].merge(self.chances, on=PROMPT, how="left")[PROBABILITY].to_numpy(float)
        # A prompt that nobody labelled may have its chance unsaid: no weight hangs on it.
        return np.where(rows["people"].isna() & np.isnan(chance), 1.0, chance)

    def notes(self, rated: pd.DataFrame) -> Iterator[str]:
        """What of the labels does not fit to the rated answers. Raises InputError where nothing does."""
        axes = sorted(set(rated["axis"].unique()) & set(self.people["axis"].unique()))
        labels = self.people[self.people["axis"].isin(axes) & self.people["score"].notna()]
        both = joined(labels[[*SUBJECT, "axis"]], rated[[*SUBJECT, "axis"]], [*SUBJECT, "axis"], "left")
        lost = both[both["_merge"] == "left_only"]
        if len(lost) == len(labels):
            one = self.people.iloc[0]
            raise InputError(
                f"got {len(self.people)} labelled answers, none of them rated here; the first is of benchmark "
                f"{one['benchmark']!r}, item {one['item_id']!r}, candidate {one['candidate']!r}, axis {one['axis']!r}",
                todo="labels are matched by benchmark, item_id, candidate, attempt, turn and axis",
            )
        if len(lost):
            yield f"{len(lost)} of {len(labels)} labelled answers have no rating here, or failed: set aside"
        yield from (f"labels: {problem}" for problem in self.ratings.problems)


@dataclass(frozen=True, slots=True)
class Maps:
    """The recalibration maps of one kind from one calibration. sha256: of its file."""

    kind: Kind
    maps: tuple[RecalibrationMap, ...]
    sha256: str

    def of(self, axis: str, signature: str, scale: Scale) -> RecalibrationMap | None:
        """The map of exactly this judge (the plan and the model that answered), axis and scale; None where there is
        none."""
        own = (one for one in self._human() if (one.axis, one.scale) == (axis, scale))
        return next((one for one in own if same_judge(one.judge, signature)), None)

    def _human(self) -> Iterator[RecalibrationMap]:
        return (one for one in self.maps if one.kind == self.kind and one.label_kind == "human")

    def notes(self, rated: pd.DataFrame, axes: dict[str, Axis]) -> Iterator[str]:
        """Where there is no map, and why. Raises InputError where none fits."""
        judges = rated[["axis", "signature"]].drop_duplicates().sort_values(["axis", "signature"])
        pairs = [(str(axis), str(signature)) for axis, signature in judges.itertuples(index=False)]
        fitting = {(a, s): self.of(a, s, axes[a].scale) for a, s in pairs}
        missing = [f"{axis}: {signature}" for (axis, signature), one in fitting.items() if one is None]
        if len(missing) == len(pairs):
            held = "; ".join(f"{m.axis}: {m.judge}" for m in self._human()) or self._why_none()
            raise InputError(
                f"got a calibration whose {self.kind} maps fit none of the ratings ({held}), expected one for "
                f"{'; '.join(missing) or 'a judge that rates here'}",
                todo="calibrate exactly this judge: signature, axis and scale must be the same",
            )
        yield from (f"not recalibrated, the calibration holds no {self.kind} map: {one}" for one in missing)
        yield from (f"{one.axis}: {one.note}" for one in fitting.values() if one is not None and one.note)

    def _why_none(self) -> str:
        if any(one.label_kind == "constructed" for one in self.maps):
            return "they were learnt from constructed labels: a self-test, no calibration"
        return "there are none: too few labels"


def _chances(frame: pd.DataFrame, where: str) -> pd.DataFrame:
    chance, _ = numbers(frame[PROBABILITY])
    bad = ~((chance > 0) & (chance <= 1))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        got = str(frame[PROBABILITY].iloc[row])
        raise InputError(
            f"got {got!r}, expected a chance above 0, at most 1 ({int(bad.sum())} such rows)",
            where=f"{where + ', ' if where else ''}row {row + 1}, column {PROBABILITY}",
        )
    found = frame[PROMPT].assign(**{PROBABILITY: chance}).drop_duplicates()
    if found.duplicated(PROMPT).any():
        item = found[found.duplicated(PROMPT)]["item_id"].iloc[0]
        raise InputError(f"got two values of {PROBABILITY} for the item {item!r}, expected one a prompt", where=where)
    return found
