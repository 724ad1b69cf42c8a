"""People and judge against the same references, and who may be named."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tests.analysis.material import people
from wavjudge.analysis.stats.leave_one_out import leave_one_out
from wavjudge.analysis.stats.panel import Panel
from wavjudge.errors import InputError


def test_each_person_is_a_loop_over_the_others() -> None:
    panel, judge = people(1, missing=0.2), people(1).ratings.mean(axis=1)
    judge[::7] = np.nan
    found = leave_one_out(panel, judge)
    for j, person in enumerate(found.persons):
        rows = rows_of(panel, judge, j)
        others = np.nanmean(np.delete(panel.ratings, j, 1)[rows], axis=1)
        own, beside = panel.ratings[rows, j], judge[rows]
        assert person.n == len(own) and person.rater == f"person {j + 1}"
        for scores, side in ((own, "person"), (beside, "judge")):
            assert getattr(person.figures["pearson"], side).value == pytest.approx(
                stats.pearsonr(scores, others).statistic
            )
            assert getattr(person.figures["spearman"], side).value == pytest.approx(
                stats.spearmanr(scores, others).statistic
            )
            assert getattr(person.figures["mae"], side).value == pytest.approx(abs(scores - others).mean())
        assert person.figures["mae"].gap.value == pytest.approx(
            person.figures["mae"].judge.value - person.figures["mae"].person.value
        )
    mean = np.mean([person.figures["pearson"].judge.value for person in found.persons])
    assert found.figures["pearson"].judge.value == pytest.approx(mean)


def rows_of(panel: Panel, judge: np.ndarray, j: int) -> np.ndarray:
    others = np.delete(panel.ratings, j, 1)
    return np.isfinite(judge) & np.isfinite(panel.ratings[:, j]) & np.isfinite(others).any(axis=1)


def test_a_judge_like_a_person_is_level_with_people_only_on_the_same_references() -> None:
    four = people(2, prompts=400, raters=4)
    judge, panel = four.ratings[:, 3], Panel.of(four.ratings[:, :3], four.prompt)
    found = leave_one_out(panel, judge)
    assert found.figures["pearson"].gap.low < 0 < found.figures["pearson"].gap.high
    assert found.figures["mae"].gap.low < 0 < found.figures["mae"].gap.high
    against_all = np.corrcoef(judge, panel.mean())[0, 1]
    assert against_all > found.figures["pearson"].person.value + 0.02


def test_a_better_judge_is_above_the_people() -> None:
    panel = people(3, prompts=60, raters=4)
    found = leave_one_out(Panel.of(panel.ratings[:, :3], panel.prompt), people(3, prompts=60, raters=4).mean())
    assert (
        found.figures["pearson"].gap.low > 0
        and found.figures["spearman"].gap.low > 0
        and found.figures["mae"].gap.high < 0
    )


def with_first(panel: Panel, scores: np.ndarray) -> Panel:
    return Panel.of(np.column_stack([scores, panel.ratings[:, 1:]]), panel.prompt, panel.raters)


@pytest.mark.parametrize("raters", [3, 5])
def test_who_turns_the_scale_around_is_named_and_nobody_else(raters: int) -> None:
    panel = people(4, prompts=24, raters=raters)
    found = leave_one_out(with_first(panel, 6 - panel.ratings[:, 0]), panel.mean())
    assert found.disagreeing == ("person 1",)
    assert found.persons[0].shortfall.low > 0 and found.persons[0].figures["pearson"].person.value < 0


def test_who_says_anything_is_named_in_most_panels_of_50_prompts() -> None:
    named = 0
    for seed in range(12):
        panel = people(seed, prompts=50)
        noise = np.random.default_rng(seed).permutation(panel.ratings[:, 0])
        named += leave_one_out(with_first(panel, noise), panel.mean()).disagreeing == ("person 1",)
    assert named >= 9


def test_who_is_only_unsure_is_not_named() -> None:
    for seed in range(10):
        panel = people(seed, prompts=30)
        unsure = panel.ratings[:, 0] + np.random.default_rng(seed).normal(0, 0.8, 120)
        assert leave_one_out(with_first(panel, unsure), panel.mean()).disagreeing == ()


@pytest.mark.parametrize(("agree", "most"), [(0.6, 0), (0.0, 9)])
def test_false_alarms_among_people_alike_stay_rare(agree: float, most: int) -> None:
    # With agreement far below 5 %. Without any, at most the nominal 5 % of panels: 10 of 80 would have a chance of .01.
    runs = 30 if agree else 80
    alarms = sum(bool(leave_one_out(p, p.ratings[:, 0]).disagreeing)
                 for p in (people(1000 + seed, prompts=12, agree=agree) for seed in range(runs)))  # fmt: skip
    assert alarms <= most


def test_a_constant_person_is_left_out_of_averages_and_said() -> None:
    panel = people(5, raters=4)
    found = leave_one_out(with_first(panel, np.full(80, 4.0)), panel.mean())
    first, rest = found.persons[0], found.persons[1:]
    assert first.constant and first.figures["pearson"].person.value is None and not first.disagrees
    assert {name: found.undefined[name] for name in ("pearson", "spearman", "mae")} == {
        "pearson": ("person 1",), "spearman": ("person 1",), "mae": ()
    }  # fmt: skip
    assert found.undefined["intra_id_spearman"] == ("person 1",) and found.undefined["intra_id_zero_filled"] == ()
    assert found.figures["pearson"].person.value == pytest.approx(
        np.mean([p.figures["pearson"].person.value for p in rest])
    )
    assert not any(person.disagrees for person in rest) and rest[0].shortfall.value is not None


def test_two_people_cannot_say_which_of_them_disagrees() -> None:
    panel = people(6, raters=2)
    found = leave_one_out(panel, panel.mean())
    assert found.disagreeing == () and "two people" in found.persons[0].shortfall.note
    assert found.persons[0].figures["pearson"].person.value == pytest.approx(
        found.persons[1].figures["pearson"].person.value
    )


def test_nobody_else_and_nothing_scored() -> None:
    with pytest.raises(InputError, match="nobody else"):
        leave_one_out(people(7, raters=1), np.ones(80))
    empty = leave_one_out(people(7), np.full(80, np.nan))
    assert empty.figures["pearson"].person.value is None and empty.persons[0].n == 0
    one = leave_one_out(people(7, prompts=1), people(7, prompts=1).mean())
    assert one.figures["mae"].person.value is not None and one.figures["mae"].person.low is None


def test_a_person_with_few_prompts_has_as_few_degrees_of_freedom() -> None:
    panel = people(8, prompts=30)
    ratings = panel.ratings.copy()
    ratings[panel.prompt >= 5, 0] = np.nan
    some = Panel.of(ratings, panel.prompt)
    rows = panel.prompt < 5
    alone = leave_one_out(panel.taken(rows), panel.mean()[rows]).persons[0].figures["mae"].person
    assert leave_one_out(some, panel.mean()).persons[0].figures["mae"].person == alone


@pytest.mark.parametrize("name", ["intra_id_spearman", "intra_id_zero_filled", "intra_id_tau"])
def test_people_who_agree_in_every_order_have_a_ceiling_with_a_width(name: str) -> None:
    """Two answers a prompt, three people who order all of them alike, and a judge that does too."""
    scores = np.tile([2.0, 4.0], 20)
    panel = Panel.of(np.stack([scores, scores + 1, scores - 1], axis=1), np.repeat(np.arange(20), 2))
    found = leave_one_out(panel, scores)
    whole = found.figures[name]
    mean = 19 / 21  # as if one more prompt were ordered the other way round
    error = np.sqrt((20 * (1 - mean) ** 2 + (-1 - mean) ** 2) / (21 * 20))
    for one in (whole.person, whole.judge, found.persons[0].figures[name].person):
        assert one.value == 1 and one.high == 1
        assert one.low == pytest.approx(mean - stats.t.ppf(0.975, 20) * error)
    assert whole.gap.value == 0 and whole.gap.low is None  # nothing shows how far they could differ


def test_what_people_are_to_each_other_does_not_hang_on_the_judge() -> None:
    panel = people(9, prompts=40)
    usual, flat = leave_one_out(panel, panel.ratings[:, 0]), leave_one_out(panel, np.full(160, 3.0))
    for name in ("pearson", "spearman", "intra_id_spearman", "mae"):
        assert flat.figures[name].person == usual.figures[name].person
    assert flat.figures["pearson"].judge.value is flat.figures["pearson"].gap.value is None
    assert "the judge's scores do not differ" in flat.figures["pearson"].judge.note
